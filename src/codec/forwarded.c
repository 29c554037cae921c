#include "codec/forwarded.h"

#include <string.h>

#include "base/addr.h"
#include "base/slice.h"

/* 1 to 5 digits; RFC 7239 6.3 also knows hidden ones, "_abc". */
static bool is_port(struct fw_slice text)
{
	if (text.size > 1 && text.data[0] == '_')
		return http1_is_token(text);
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.size >= 1 && text.size <= 5;
}

bool forwarded_address(struct fw_slice text, struct fw_addr *ret_address)
{
	bool brackets = text.size != 0 && text.data[0] == '[';
	const uint8_t *end = text.size != 0 ? memchr(text.data, brackets ? ']' : ':', text.size) : NULL;
	struct fw_slice host = text, rest = slice(NULL, 0);

	if (brackets) {
		if (end == NULL)
			return false;
		host = slice(text.data + 1, (size_t)(end - text.data) - 1);
		rest = slice_from(text, host.size + 2);
		if (memchr(host.data, ':', host.size) == NULL)
			return false; /* [192.0.2.1] */
	} else if (end != NULL && memchr(end + 1, ':', text.size - (size_t)(end - text.data) - 1) == NULL) {
		host = slice(text.data, (size_t)(end - text.data)); /* one colon: 192.0.2.1:80 */
		rest = slice_from(text, host.size);
	}
	if (rest.size != 0 && (rest.data[0] != ':' || !is_port(slice_from(rest, 1))))
		return false;
	return addr_parse(host, ret_address);
}

/* False: no more is to be read. */
static bool take(struct forwarded *forwarded, struct fw_slice text)
{
	forwarded->whole =
		forwarded->count < LIMIT_FORWARDED && forwarded_address(text, &forwarded->addresses[forwarded->count]);
	forwarded->count += forwarded->whole;
	return forwarded->whole;
}

/* From the right, without a notion of quoting: what a client put in front of a proxy's element cannot swallow it. */
static bool read_x_for(struct fw_slice value, struct forwarded *forwarded)
{
	for (;;) {
		const uint8_t *comma = value.size != 0 ? memrchr(value.data, ',', value.size) : NULL;
		size_t start = comma != NULL ? (size_t)(comma - value.data) + 1 : 0;
		struct fw_slice element = slice_trim(slice_from(value, start));

		if (element.size != 0 && !take(forwarded, element))
			return false;
		if (comma == NULL)
			return true;
		value.size = start - 1;
	}
}

/* A token or a quoted string, taken from the front (RFC 9110 5.6.4). Escapes are left as they are: no address has any.
 */
static bool take_value(struct fw_slice *rest, struct fw_slice *ret_value)
{
	size_t size = 0;

	if (rest->size == 0 || rest->data[0] != '"') {
		while (size < rest->size && http1_is_token(slice(rest->data + size, 1)))
			size++;
		*ret_value = slice(rest->data, size);
		*rest = slice_from(*rest, size);
		return size != 0;
	}
	for (size = 1; size < rest->size && rest->data[size] != '"'; size++)
		size += rest->data[size] == '\\';
	if (size >= rest->size)
		return false;
	*ret_value = slice(rest->data + 1, size - 1);
	*rest = slice_from(*rest, size + 1);
	return true;
}

enum element { ELEMENT_BAD, ELEMENT_EMPTY, ELEMENT_READ };

/* for=192.0.2.60;proto=http;by="…" (RFC 7239 4). Takes one element from the front, without the comma behind it; ret_for
 * has no data when it does not say. */
static enum element take_element(struct fw_slice *rest, struct fw_slice *ret_for)
{
	enum element element = ELEMENT_EMPTY;
	struct fw_slice name, value;

	*ret_for = slice(NULL, 0);
	for (*rest = slice_trim(*rest); rest->size != 0 && rest->data[0] != ','; *rest = slice_trim(*rest)) {
		if (rest->data[0] == ';') {
			*rest = slice_from(*rest, 1);
			continue;
		}
		if (rest->data[0] == '"' || !take_value(rest, &name) || rest->size == 0 || rest->data[0] != '=')
			return ELEMENT_BAD;
		*rest = slice_from(*rest, 1);
		if (!take_value(rest, &value))
			return ELEMENT_BAD;
		element = ELEMENT_READ;
		if (slice_is_nocase(name, "for")) {
			if (ret_for->data != NULL)
				return ELEMENT_BAD;
			*ret_for = value;
		}
		*rest = slice_trim(*rest);
		if (rest->size != 0 && rest->data[0] != ';' && rest->data[0] != ',')
			return ELEMENT_BAD;
	}
	return element;
}

/* Quoted strings can only be told from the front. A field that does not hold as a whole tells nothing: what a client
 * began in front of a proxy's element may have changed its meaning. */
static bool read_standard(struct fw_slice value, struct forwarded *forwarded)
{
	struct fw_slice last[LIMIT_FORWARDED] = { 0 };
	unsigned count = 0, kept;

	for (; value.size != 0; value = slice_from(value, 1)) {
		enum element element = take_element(&value, &last[count % LIMIT_FORWARDED]);

		forwarded->whole = element != ELEMENT_BAD;
		if (!forwarded->whole)
			return false;
		count += element == ELEMENT_READ; /* empty ones count for nothing (RFC 9110 5.6.1.2) */
	}
	kept = count < LIMIT_FORWARDED ? count : LIMIT_FORWARDED;
	for (unsigned i = 1; i <= kept; i++)
		if (!take(forwarded, last[(count - i) % LIMIT_FORWARDED]))
			return false;
	forwarded->whole = kept == count;
	return forwarded->whole;
}

void forwarded_read(const struct http1_head *head, enum forwarded_kind kind, struct forwarded *ret_forwarded)
{
	const char *name = kind == FORWARDED_STANDARD ? "Forwarded" : "X-Forwarded-For";
	unsigned left = head->count;
	bool more = true;

	ret_forwarded->count = 0;
	ret_forwarded->whole = true;
	while (more && left-- != 0) {
		if (!slice_is_nocase(head->fields[left].name, name))
			continue;
		more = kind == FORWARDED_STANDARD ? read_standard(head->fields[left].value, ret_forwarded)
						  : read_x_for(head->fields[left].value, ret_forwarded);
	}
}
