#include "cmd/manage.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "cmd/json_out.h"

bool manage_path(const char *prefix, const char *id, char ret_path[MANAGE_PATH])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";
	size_t size = strlen(prefix);

	if (size >= MANAGE_PATH)
		return false;
	memcpy(ret_path, prefix, size);
	for (; *id != '\0'; id++) {
		unsigned char c = (unsigned char)*id;

		if (size + 4 > MANAGE_PATH)
			return false;
		if (strchr(plain, c) != NULL) {
			ret_path[size++] = (char)c;
			continue;
		}
		ret_path[size++] = '%';
		ret_path[size++] = digits[c >> 4];
		ret_path[size++] = digits[c & 15];
	}
	ret_path[size] = '\0';
	return true;
}

bool manage_body(const struct manage_member *members, size_t count, char ret_body[MANAGE_BODY])
{
	struct json_out out;
	size_t size;
	bool fits;

	for (size_t i = 0; i < count; i++)
		if (members[i].value != NULL &&
		    !utf8_valid((const uint8_t *)members[i].value, strlen(members[i].value)))
			return false;
	json_out_start(&out);
	json_write_open(&out.writer, '{');
	for (size_t i = 0; i < count; i++) {
		if (members[i].value == NULL)
			continue;
		json_write_key(&out.writer, members[i].name);
		if (members[i].raw)
			json_write_raw(&out.writer, slice_text(members[i].value));
		else
			json_write_string(&out.writer, members[i].value);
	}
	json_write_close(&out.writer, '}');
	size = buf_size(&out.buf);
	fits = !out.writer.failed && size < MANAGE_BODY;
	if (fits)
		memcpy(ret_body, buf_data(&out.buf), size);
	ret_body[fits ? size : 0] = '\0';
	json_out_drop(&out);
	return fits;
}

bool manage_seconds(const char *text, char ret_seconds[24])
{
	static const struct {
		char letter;
		long seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	long number;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtol(text, &end, 10);
	for (size_t i = 0; errno == 0 && number <= 1000000000 && i < sizeof(units) / sizeof(*units); i++)
		if (end[0] == units[i].letter && end[1] == '\0') {
			snprintf(ret_seconds, 24, "%ld", number * units[i].seconds);
			return true;
		}
	return false;
}

static int print_nothing(struct fw_slice body)
{
	(void)body;
	return COMMAND_DONE;
}

int manage_change(const struct control_request *request, bool json, const char *done, const char *id)
{
	int result = control_show(request, json ? NULL : print_nothing);

	if (result == COMMAND_DONE && !json)
		printf("%s%s\n", done, id);
	return result;
}
