/* Texts of a request: in its path or query, and in its body. */
#include <string.h>

#include "shell/admin_parts.h"

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

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
		high = hex_value(text.data[i + 1]);
		low = hex_value(text.data[i + 2]);
		if (high < 0 || low < 0)
			return false;
		ret_text[(*ret_size)++] = (char)(high << 4 | low);
		i += 2;
	}
	return true;
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
