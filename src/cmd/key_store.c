#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/control.h"
#include "cmd/options.h"
#include "cmd/rows.h"
#include "codec/json.h"

enum { ARENA = 1 << 20, ASKS = 6000 };

static int print_people(struct fw_slice body)
{
	static const char *const members[] = { "id", "source", "first_used_at", "current", "values_sealed", NULL };

	return rows_print("key-store", body, "keys", members);
}

/* What the last answer said. */
static bool rotating;
static int64_t stale;

static int read_rotating(struct fw_slice body)
{
	struct arena arena;
	struct json json;
	uint32_t node = 0;

	arena_init(&arena, ARENA);
	if (json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		node = json_member(&json, 0, "rotating", 8);
	rotating = node != 0 && json.nodes[node].kind == JSON_TRUE;
	stale = 0;
	if (node != 0)
		(void)json_integer(&json, json_member(&json, 0, "values_of_old_keys", 18), &stale);
	arena_fini(&arena);
	return node != 0 ? COMMAND_DONE
			 : options_could_not("key-store",
					     "the server's answer is not understood; are both of one version?");
}

/* The server goes on serving; this waits for it. */
static int rotate(struct control_request request, bool json)
{
	const struct timespec pause = { 0, 50000000 };
	int result;

	request.method = "POST";
	request.path = "/api/v1/key-store/rotate";
	request.body = slice_text("{}");
	result = control_show(&request, read_rotating);
	request.method = "GET";
	request.path = "/api/v1/key-store";
	request.body = slice(NULL, 0);
	for (unsigned i = 0; i < ASKS && result == COMMAND_DONE && rotating; i++) {
		nanosleep(&pause, NULL);
		result = control_show(&request, read_rotating);
	}
	if (result != COMMAND_DONE)
		return result;
	if (rotating)
		return options_could_not("key-store",
					 "it still goes on; \"framewall key-store show\" says when it is done");
	if (stale != 0)
		return options_could_not("key-store", "some values keep their old key; the log of the server says why");
	return control_show(&request, json ? NULL : print_people);
}

int command_key_store(int argc, char **argv)
{
	bool json = false;
	struct control_request request = { .verb = "key-store",
					   .data = "./framewall-data",
					   .method = "GET",
					   .path = "/api/v1/key-store",
					   .offline = true };
	const char *word = "";
	const struct option_row rows[] = {
		{ "--config", "FILE", &request.config, NULL, "of the server, where none runs" },
		{ "--data", "DIR", &request.data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "key-store", rows, sizeof(rows) / sizeof(*rows), &word, 1, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (options.operand_count == 0)
		return options_usage("key-store", "say what to do: show or rotate");
	if (strcmp(word, "show") == 0)
		return control_show(&request, json ? NULL : print_people);
	if (strcmp(word, "rotate") == 0)
		return rotate(request, json);
	return options_usage("key-store", "there is no \"key-store %s\": say show or rotate", word);
}
