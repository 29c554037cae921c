#include <stdio.h>

#include "base/arena.h"
#include "base/log_level.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/control.h"
#include "cmd/options.h"
#include "codec/json.h"

enum { CHANGES = 16, TEXT = 1024, ARENA = 1 << 20, COLUMN = 12 };

static const char path[] = "/api/v1/log";

/* {"levels":"connection=trace,…"}: names and levels alone, which need no escape. */
static int make_body(const char *const *changes, size_t count, char ret_body[TEXT])
{
	uint8_t levels[LOG_MODULES] = { 0 };
	struct fw_slice wrong;
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		if (!log_level_parse(slice_text(changes[i]), levels, &wrong))
			return options_usage(
				"log",
				"\"%.*s\" is neither LEVEL nor MODULE=LEVEL; levels are error, warn, info, "
				"debug and trace, \"framewall log\" lists the modules",
				(int)wrong.size, (const char *)wrong.data);
		size += (size_t)snprintf(ret_body + size, size < TEXT ? TEXT - size : 0, "%s%s",
					 i == 0 ? "{\"levels\":\"" : ",", changes[i]);
		if (size >= TEXT)
			return options_usage("log", "that is too much to say at once");
	}
	size += (size_t)snprintf(ret_body + size, TEXT - size, "\"}");
	return size < TEXT ? OPTIONS_GO_ON : options_usage("log", "that is too much to say at once");
}

static int print_people(struct fw_slice body)
{
	struct arena arena;
	struct json json;
	uint32_t levels = 0;

	arena_init(&arena, ARENA);
	if (json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		levels = json_member(&json, 0, "levels", 6);
	if (levels != 0 && json.nodes[levels].kind == JSON_OBJECT)
		for (uint32_t key = levels + 1; key < json.nodes[levels].next; key = json.nodes[key + 1].next)
			printf("%-*.*s %.*s\n", COLUMN, (int)json.nodes[key].size, json.text + json.nodes[key].offset,
			       (int)json.nodes[key + 1].size, json.text + json.nodes[key + 1].offset);
	else
		levels = 0;
	arena_fini(&arena);
	return levels != 0
		       ? COMMAND_DONE
		       : options_could_not("log", "the server's answer is not understood; are both of one version?");
}

int command_log(int argc, char **argv)
{
	const char *data = "./framewall-data", *changes[CHANGES];
	char body[TEXT];
	bool json = false;
	const struct option_row rows[] = {
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "log", rows, sizeof(rows) / sizeof(*rows), changes, CHANGES, 0 };
	struct control_request request = { .verb = "log", .method = "GET", .path = path };
	int result = options_read(&options, argc, argv);

	if (result == OPTIONS_GO_ON && options.operand_count != 0) {
		result = make_body(changes, options.operand_count, body);
		request.method = "PUT";
		request.body = slice_text(body);
	}
	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	return control_show(&request, json ? NULL : print_people);
}
