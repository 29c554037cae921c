#include <stdio.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/control.h"
#include "cmd/options.h"
#include "codec/json.h"

enum { ARENA = 4 << 20, COLUMN = 26 };

static const char default_data[] = "./framewall-data";

/* One line a figure, the name's underscores as blanks; what is within an object stands to the right below its name. */
static void print_members(const struct json *json, uint32_t object, int indent)
{
	for (uint32_t key = object + 1; key < json->nodes[object].next; key = json->nodes[key + 1].next) {
		struct fw_slice name = slice(json->text + json->nodes[key].offset, json->nodes[key].size);
		struct fw_slice value = json_raw(json, key + 1);
		char text[64];
		size_t size = name.size < sizeof(text) - 1 ? name.size : sizeof(text) - 1;

		for (size_t i = 0; i < size; i++)
			text[i] = name.data[i] == '_' ? ' ' : (char)name.data[i];
		text[size] = '\0';
		if (json->nodes[key + 1].kind == JSON_OBJECT) {
			printf("%*s%s\n", indent, "", text);
			print_members(json, key + 1, indent + 2);
			continue;
		}
		if (json->nodes[key + 1].kind == JSON_STRING)
			value = slice(value.data + 1, value.size - 2);
		printf("%*s%-*s %.*s\n", indent, "", COLUMN - indent, text, (int)value.size, (const char *)value.data);
	}
}

static int print_people(struct fw_slice body)
{
	struct arena arena;
	struct json json;
	enum json_result result;

	arena_init(&arena, ARENA);
	result = json_parse(&arena, slice_trim(body), 0, &json, NULL);
	if (result == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		print_members(&json, 0, 0);
	arena_fini(&arena);
	return result == JSON_OK
		       ? COMMAND_DONE
		       : options_could_not("stats", "the server's answer is not understood; are both of one version?");
}

int command_stats(int argc, char **argv)
{
	const char *data = default_data;
	bool json = false;
	const struct option_row rows[] = {
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "stats", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	struct control_request request = { .verb = "stats", .method = "GET", .path = "/api/v1/stats" };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	return control_show(&request, json ? NULL : print_people);
}
