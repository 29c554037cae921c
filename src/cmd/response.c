/* response: what a running server does about users and addresses, and undoing it. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"
#include "codec/json.h"

enum { ARENA = 1 << 16 };

static const char user_mark[] = "user:";

static int print_responses(struct fw_slice body)
{
	static const char *const members[] = { "id",   "action", "user",    "address", "until",
					       "rule", "reason", "dry_run", NULL };

	return rows_print("response", body, "responses", members);
}

/* A server in mode: monitor does nothing, whatever it was asked. */
static int print_made(struct fw_slice body)
{
	struct fw_slice action = slice_text("?"), cause = slice_text("");
	struct arena arena;
	struct json json;
	uint32_t node;
	bool dry_run = false;

	arena_init(&arena, ARENA);
	if (json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT) {
		node = json_member(&json, 0, "dry_run", 7);
		dry_run = node != 0 && json.nodes[node].kind == JSON_TRUE;
		node = json_member(&json, 0, "action", 6);
		if (node != 0 && json.nodes[node].kind == JSON_STRING)
			action = json_text(&json, node, &arena);
		node = json_member(&json, 0, "cause", 5);
		if (node != 0 && json.nodes[node].kind == JSON_STRING)
			cause = json_text(&json, node, &arena);
	}
	printf("%s: %.*s%s%.*s\n", dry_run ? "would be done" : "done", (int)action.size, (const char *)action.data,
	       cause.size != 0 ? "; " : "", (int)cause.size, (const char *)cause.data);
	arena_fini(&arena);
	return COMMAND_DONE;
}

static int add(struct control_request request, const char *action, const char *subject, const char *minutes,
	       const char *reason, bool dry_run, bool json)
{
	bool of_user = strncmp(subject, user_mark, sizeof(user_mark) - 1) == 0;
	char body[MANAGE_BODY], seconds[24];
	struct manage_member members[] = {
		{ "action", action, false },
		{ of_user ? "user" : "address", of_user ? subject + sizeof(user_mark) - 1 : subject, false },
		{ "reason", reason, false },
		{ "seconds", NULL, true },
		{ "dry_run", dry_run ? "true" : NULL, true },
	};
	long number;

	if (reason == NULL || *reason == '\0')
		return options_usage("response", "why? --reason TEXT");
	if (minutes != NULL) {
		if (!options_number("response", "--minutes", minutes, 1, 525600, &number))
			return COMMAND_USAGE;
		snprintf(seconds, sizeof(seconds), "%ld", number * 60);
		members[3].value = seconds;
	}
	if (!manage_body(members, sizeof(members) / sizeof(*members), body))
		return options_usage("response", "a reason is UTF-8 text of at most 120 bytes");
	request.method = "POST";
	request.body = slice_text(body);
	return control_show(&request, json ? NULL : print_made);
}

static int undo(struct control_request request, const char *id, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/responses/", id, path))
		return options_usage("response", "which? undo ID, which list shows");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "undone: ", id);
}

int command_response(int argc, char **argv)
{
	const char *data = "./framewall-data", *minutes = NULL, *reason = NULL, *words[3];
	bool json = false, dry_run = false;
	const struct option_row rows[] = {
		{ "--minutes", "N", &minutes, NULL, "how long; default 60" },
		{ "--reason", "TEXT", &reason, NULL, "for the record and the list" },
		{ "--dry-run", NULL, NULL, &dry_run, "say and record what would be done" },
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "response", rows, sizeof(rows) / sizeof(*rows), words, 3, 0 };
	struct control_request request = { .verb = "response", .method = "GET", .path = "/api/v1/responses" };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	if (options.operand_count == 0)
		return options_usage("response", "say what to do: list, add or undo");
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1 ? control_show(&request, json ? NULL : print_responses)
						  : options_usage("response", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "add") == 0)
		return options.operand_count == 3
			       ? add(request, words[1], words[2], minutes, reason, dry_run, json)
			       : options_usage("response",
					       "what, about whom? add ACTION ADDRESS, or add ACTION user:NAME");
	if (strcmp(words[0], "undo") == 0)
		return options.operand_count == 2 && *words[1] != '\0'
			       ? undo(request, words[1], json)
			       : options_usage("response", "which? undo ID, which list shows");
	return options_usage("response", "there is no \"response %s\": say list, add or undo", words[0]);
}
