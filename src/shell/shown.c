#include "shell/shown.h"

static const char *const from_names[] = {
	[CONFIG_FROM_DEFAULT] = "default", [CONFIG_FROM_ENVIRONMENT] = "environment", [CONFIG_FROM_FILE] = "file",
	[CONFIG_FROM_OVERLAY] = "overlay", [CONFIG_FROM_VARIABLE] = "variable",	      [CONFIG_FROM_OPTION] = "option",
};

static void write_value(struct json_writer *w, const struct config_shown *shown)
{
	switch (shown->type) {
	case CONFIG_TYPE_INTEGER:
		json_write_integer(w, shown->number);
		break;
	case CONFIG_TYPE_BOOLEAN:
		json_write_boolean(w, shown->number != 0);
		break;
	case CONFIG_TYPE_TEXT:
		json_write_string(w, shown->text);
		break;
	case CONFIG_TYPE_TEXTS:
		json_write_open(w, '[');
		for (size_t i = 0; i < shown->texts.count; i++)
			json_write_string(w, shown->texts.items[i]);
		json_write_close(w, ']');
		break;
	case CONFIG_TYPE_SECRET:
		json_write_null(w);
		break;
	}
}

void shown_write(struct json_writer *w, const char *file, const struct config_shown *shown)
{
	bool of_file = shown->from == CONFIG_FROM_FILE || shown->from == CONFIG_FROM_OVERLAY;

	json_write_open(w, '{');
	json_write_key(w, "path");
	json_write_string(w, shown->path);
	json_write_key(w, "value");
	write_value(w, shown);
	if (shown->type == CONFIG_TYPE_SECRET) {
		json_write_key(w, "secret");
		json_write_boolean(w, true);
	}
	json_write_key(w, "origin");
	json_write_open(w, '{');
	json_write_key(w, "from");
	json_write_string(w, from_names[shown->from]);
	if (of_file) {
		json_write_key(w, "file");
		json_write_string(w, file);
		json_write_key(w, "line");
		json_write_integer(w, shown->line);
	}
	if (shown->origin != NULL) {
		json_write_key(w, "name");
		json_write_string(w, shown->origin);
	}
	json_write_close(w, '}');
	json_write_close(w, '}');
}
