/* Looking things up in a head that has been read. */
#include <string.h>

#include "base/slice.h"
#include "codec/http1.h"

const struct http1_field *http1_find(const struct http1_head *head, const char *name, unsigned *ret_count)
{
	const struct http1_field *found = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < head->count; i++)
		if (slice_is_nocase(head->fields[i].name, name)) {
			found = &head->fields[i];
			count++;
		}
	if (ret_count != NULL)
		*ret_count = count;
	return count == 1 ? found : NULL;
}

/* Where the element ends: at a comma that no quoted string holds (RFC 9110 5.6.1, 5.6.4). */
static size_t element_size(struct fw_slice list)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < list.size; i++) {
		uint8_t octet = list.data[i];

		if (octet == '"')
			quoted = !quoted;
		else if (quoted && octet == '\\')
			i++;
		else if (!quoted && octet == ',')
			return i;
	}
	return list.size;
}

/* Empty elements count for nothing (RFC 9110 5.6.1.2). */
bool http1_next_element(struct fw_slice *list, struct fw_slice *ret_element)
{
	while (list->size != 0) {
		size_t size = element_size(*list);

		*ret_element = slice_trim(slice(list->data, size));
		*list = slice_from(*list, size + 1);
		if (ret_element->size != 0)
			return true;
	}
	return false;
}

bool http1_has_token(const struct http1_head *head, const char *name, const char *token)
{
	for (unsigned i = 0; i < head->count; i++) {
		struct fw_slice list = head->fields[i].value, element;

		if (!slice_is_nocase(head->fields[i].name, name))
			continue;
		while (http1_next_element(&list, &element))
			if (slice_is_nocase(element, token))
				return true;
	}
	return false;
}

/* Takes what stands before the next separator, or the rest; false when nothing is left. */
static bool take_until(struct fw_slice *rest, uint8_t separator, struct fw_slice *ret_part)
{
	const uint8_t *end;

	if (rest->size == 0)
		return false;
	end = memchr(rest->data, separator, rest->size);
	*ret_part = slice(rest->data, end != NULL ? (size_t)(end - rest->data) : rest->size);
	*rest = slice_from(*rest, ret_part->size + 1);
	return true;
}

/* "name=value", or "name" alone with the empty value. Is it this name? */
static bool pair_is(struct fw_slice pair, const char *name, struct fw_slice *ret_value)
{
	struct fw_slice rest = pair, key = { 0 };

	take_until(&rest, '=', &key);
	if (!slice_is(slice_trim(key), name))
		return false;
	*ret_value = slice_trim(slice(pair.data + key.size, pair.size - key.size));
	if (ret_value->size != 0)
		*ret_value = slice_trim(slice(ret_value->data + 1, ret_value->size - 1)); /* behind the "=" */
	return true;
}

bool http1_cookie(const struct http1_head *head, const char *name, struct fw_slice *ret_value)
{
	unsigned count = 0;

	*ret_value = slice(NULL, 0);
	for (unsigned i = 0; i < head->count; i++) {
		struct fw_slice rest = head->fields[i].value, pair;

		if (!slice_is_nocase(head->fields[i].name, "cookie"))
			continue;
		while (take_until(&rest, ';', &pair))
			if (pair_is(pair, name, ret_value) && ++count > 1) {
				*ret_value = slice(NULL, 0);
				return false;
			}
	}
	return true;
}

bool http1_query(struct fw_slice query, const char *name, struct fw_slice *ret_value)
{
	struct fw_slice rest = query, pair, value = { 0 };
	unsigned count = 0;

	while (take_until(&rest, '&', &pair))
		if (pair_is(pair, name, &value))
			count++;
	*ret_value = count == 1 ? value : slice(NULL, 0);
	return count == 1;
}

const char *http1_reason(unsigned status)
{
	static const struct {
		uint16_t status;
		const char *reason;
	} rows[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "";
}
