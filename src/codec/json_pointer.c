#include "codec/json_pointer.h"

#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "codec/json_string.h"

enum { INDEX_DIGITS = 9 };

/* At a "~". */
static bool is_escape(struct fw_slice text, size_t i)
{
	return i + 1 < text.size && (text.data[i + 1] == '0' || text.data[i + 1] == '1');
}

bool json_pointer_next(struct fw_slice *pointer, uint8_t ret_name[JSON_POINTER_NAME], size_t *ret_size)
{
	size_t n = 0, i;

	if (pointer->size == 0 || pointer->data[0] != '/')
		return false;
	for (i = 1; i < pointer->size && pointer->data[i] != '/'; i++) {
		uint8_t c = pointer->data[i];

		if (n == JSON_POINTER_NAME)
			return false;
		if (c == '~') {
			if (!is_escape(*pointer, i))
				return false;
			c = pointer->data[++i] == '0' ? '~' : '/';
		}
		ret_name[n++] = c;
	}
	*ret_size = n;
	*pointer = slice_from(*pointer, i);
	return true;
}

bool json_pointer_is(struct fw_slice text)
{
	if (text.size != 0 && text.data[0] != '/')
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '~' && !is_escape(text, i))
			return false;
	return true;
}

/* RFC 6901 4: digits without a zero in front; "-" is behind the last and so nothing. */
static uint32_t element(const struct json *json, uint32_t array, const uint8_t *digits, size_t size)
{
	uint32_t index = 0, at = array + 1;

	if (size == 0 || size > INDEX_DIGITS || (size > 1 && digits[0] == '0'))
		return 0;
	for (size_t i = 0; i < size; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return 0;
		index = index * 10 + (uint32_t)(digits[i] - '0');
	}
	if (index >= json->nodes[array].count)
		return 0;
	for (; index != 0; index--)
		at = json->nodes[at].next;
	return at;
}

uint32_t json_pointer_find_from(const struct json *json, uint32_t node, struct fw_slice pointer)
{
	bool moved = false;

	while (pointer.size != 0) {
		uint8_t name[JSON_POINTER_NAME];
		size_t size;

		if (!json_pointer_next(&pointer, name, &size))
			return 0;
		if (json->nodes[node].kind == JSON_OBJECT)
			node = json_member(json, node, (const char *)name, size);
		else if (json->nodes[node].kind == JSON_ARRAY)
			node = element(json, node, name, size);
		else
			node = 0;
		if (node == 0)
			return 0;
		moved = true;
	}
	return moved ? node : 0;
}

uint32_t json_pointer_find(const struct json *json, struct fw_slice pointer)
{
	return json_pointer_find_from(json, 0, pointer);
}

/* One octet of a name. False: no room for it and for the end. */
static bool put(char *to, size_t *size, size_t room, int octet)
{
	bool escaped = octet == '~' || octet == '/';

	if (*size + (escaped ? 2 : 1) >= room)
		return false;
	if (escaped)
		to[(*size)++] = '~';
	to[(*size)++] = (char)(octet == '~' ? '0' : octet == '/' ? '1' : octet);
	return true;
}

/* raw: as it stands in JSON, with escapes. */
static bool add_token(char *to, size_t *size, size_t room, struct fw_slice name, bool raw)
{
	struct json_string_reader reader = json_string_read(name.data, name.size);
	size_t start = *size;
	bool fits = start + 1 < room;

	if (fits)
		to[(*size)++] = '/';
	for (size_t i = 0; fits; i++) {
		int octet = raw ? json_string_next(&reader) : i < name.size ? name.data[i] : -1;

		if (octet < 0)
			break;
		fits = put(to, size, room, octet);
	}
	if (!fits)
		*size = start;
	to[*size] = '\0';
	return fits;
}

bool json_pointer_add(char *pointer, size_t room, struct fw_slice name)
{
	size_t size = strlen(pointer);

	return add_token(pointer, &size, room, name, false);
}

bool json_pointer_write(const struct json *json, uint32_t from, uint32_t node, char *to, size_t room)
{
	const struct json_node *nodes = json->nodes;
	size_t size = 0;

	to[0] = '\0';
	while (from != node) {
		bool object = nodes[from].kind == JSON_OBJECT;
		uint32_t at = from + 1, index = 0;
		char digits[ENCODE_U64];

		if (nodes[from].kind < JSON_ARRAY)
			return true; /* it was the key */
		while (nodes[at + object].next <= node) {
			at = nodes[at + object].next;
			index++;
		}
		if (!add_token(to, &size, room,
			       object ? slice(json->text + nodes[at].offset, nodes[at].size)
				      : slice(digits, encode_u64(index, digits)),
			       object))
			return false;
		if (at == node)
			return true;
		from = at + object;
	}
	return true;
}
