/* What stands in a path or a query behind the name of a thing. */
#include "shell/admin_parts.h"

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool admin_path_decode(struct fw_slice text, char *ret_text, size_t room, size_t *ret_size)
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
