/* Texts of a request: in its path or query, and in its body. */
#include <string.h>

#include "base/encode.h"
#include "shell/admin_parts.h"

bool admin_text_decode(struct fw_slice text, char *ret_text, size_t room, size_t *ret_size)
{
	*ret_size = 0;
	for (size_t i = 0; i < text.size; i++) {
		int high, low;

		if (*ret_size == room)
			return false;
		if (text.data[i] != '%') {
			ret_text[(*ret_size)++] = (char)text.data[i];
			continue;
		}
		if (text.size - i < 3)
			return false;
		high = ascii_hex(text.data[i + 1]);
		low = ascii_hex(text.data[i + 2]);
		if (high < 0 || low < 0)
			return false;
		ret_text[(*ret_size)++] = (char)(high << 4 | low);
		i += 2;
	}
	return true;
}

const char *admin_text_query(struct fw_slice query, char *texts, const char *const *names,
			     const char **const *ret_values, unsigned count)
{
	while (query.size != 0) {
		const uint8_t *end = memchr(query.data, '&', query.size), *equals;
		struct fw_slice pair = slice(query.data, end != NULL ? (size_t)(end - query.data) : query.size);
		unsigned row = 0;
		size_t size;

		query = slice_from(query, pair.size + 1);
		equals = pair.size != 0 ? memchr(pair.data, '=', pair.size) : NULL;
		if (equals == NULL)
			return "a parameter is NAME=VALUE";
		while (row < count && !slice_is(slice(pair.data, (size_t)(equals - pair.data)), names[row]))
			row++;
		if (row == count)
			return "there is no parameter of this name: docs/reference/admin.md lists them";
		if (*ret_values[row] != NULL)
			return "a parameter may be said once";
		pair = slice_from(pair, (size_t)(equals - pair.data) + 1);
		for (size_t i = 0; i < pair.size; i++)
			texts[i] = pair.data[i] == '+' ? ' ' : (char)pair.data[i]; /* as forms have it */
		if (!admin_text_decode(slice(texts, pair.size), texts, pair.size, &size) ||
		    (size != 0 && memchr(texts, '\0', size) != NULL))
			return "a parameter is percent-encoded UTF-8 without U+0000";
		texts[size] = '\0';
		*ret_values[row] = texts;
		texts += size + 1;
	}
	return NULL;
}

bool admin_text_member(struct admin_conn *conn, const struct json *json, uint32_t node, size_t most,
		       struct fw_slice *ret_text)
{
	if (node == 0)
		return true;
	if (json->nodes[node].kind != JSON_STRING)
		return false;
	*ret_text = json_text(json, node, &conn->admin->arena);
	return ret_text->data != NULL && ret_text->size <= most &&
	       (ret_text->size == 0 || memchr(ret_text->data, '\0', ret_text->size) == NULL);
}

bool admin_text_number(const char *text, uint64_t most, uint64_t *ret_number)
{
	if (text == NULL)
		return true;
	*ret_number = 0;
	for (const char *at = text; *at != '\0'; at++)
		if (*at < '0' || *at > '9' || __builtin_mul_overflow(*ret_number, 10u, ret_number) ||
		    __builtin_add_overflow(*ret_number, (unsigned)(*at - '0'), ret_number))
			return false;
	return *ret_number >= 1 && *ret_number <= most;
}

void admin_text_write(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_string(w, text);
}

void admin_text_write_slice(struct json_writer *w, const char *key, struct fw_slice text)
{
	json_write_key(w, key);
	json_write_text(w, text);
}

void admin_text_write_number(struct json_writer *w, const char *key, uint64_t number)
{
	json_write_key(w, key);
	json_write_integer(w, (int64_t)number);
}

void admin_text_write_boolean(struct json_writer *w, const char *key, bool is)
{
	json_write_key(w, key);
	json_write_boolean(w, is);
}

void admin_time_write(struct json_writer *w, const char *key, uint64_t wall_us)
{
	char when[ENCODE_RFC3339];

	encode_rfc3339(wall_us, when);
	json_write_key(w, key);
	json_write_text(w, slice(when, sizeof(when)));
}

bool admin_text_is_line(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return text.size != 0;
}
