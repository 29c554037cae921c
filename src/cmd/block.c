#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"

static const char user_mark[] = "user:";

static int print_people(struct fw_slice body)
{
	static const char *const members[] = { "address", "user", "expires_at", "blocks", "by", "reason", NULL };

	return rows_print("block", body, "blocks", members);
}

static int add(struct control_request request, const char *address, const char *hours, const char *reason, bool json)
{
	bool of_user = strncmp(address, user_mark, sizeof(user_mark) - 1) == 0;
	const struct manage_member members[] = { { of_user ? "user" : "address",
						   of_user ? address + sizeof(user_mark) - 1 : address, false },
						 { "hours", hours, true },
						 { "reason", reason, false } };
	char body[MANAGE_BODY];
	long number;

	if (hours != NULL && !options_number("block", "--hours", hours, 1, 8760, &number))
		return COMMAND_USAGE;
	if (!manage_body(members, 3, body))
		return options_usage("block", "a reason is UTF-8 text of at most 120 bytes");
	request.method = "POST";
	request.body = slice_text(body);
	return manage_change(&request, json, "blocked: ", address);
}

static int print_standing(struct fw_slice body)
{
	static const char *const members[] = { "address", "user",      "blocked", "expires_at",
					       "by",	  "reason",    "blocks",  "next_forgotten_at",
					       "points",  "threshold", "users",	  NULL };
	static const char *const events[] = { "event", "points", NULL };
	int result = rows_print_one("block", body, members);

	putchar('\n');
	return result == COMMAND_DONE ? rows_print("block", body, "events", events) : result;
}

static int explain(struct control_request request, const char *subject, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/blocks/", subject, path))
		return options_usage("block", "whom? explain ADDRESS, or explain user:NAME");
	request.path = path;
	return control_show(&request, json ? NULL : print_standing);
}

static int take_back(struct control_request request, const char *address, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/blocks/", address, path))
		return options_usage("block", "whom? remove ADDRESS, or remove user:NAME");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "not blocked any more: ", address);
}

int command_block(int argc, char **argv)
{
	const char *data = "./framewall-data", *hours = NULL, *reason = NULL, *words[2];
	bool json = false;
	const struct option_row rows[] = {
		{ "--hours", "N", &hours, NULL, "how long; default monitoring.auto_block.block_duration" },
		{ "--reason", "TEXT", &reason, NULL, "for the record and the list" },
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "block", rows, sizeof(rows) / sizeof(*rows), words, 2, 0 };
	struct control_request request = { .verb = "block", .method = "GET", .path = "/api/v1/blocks" };
	int result = options_read(&options, argc, argv);
	bool two;

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	if (options.operand_count == 0)
		return options_usage("block", "say what to do: list, explain, add or remove");
	two = options.operand_count == 2 && *words[1] != '\0';
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1 ? control_show(&request, json ? NULL : print_people)
						  : options_usage("block", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "explain") == 0)
		return two ? explain(request, words[1], json)
			   : options_usage("block", "whom? explain ADDRESS, or explain user:NAME");
	if (strcmp(words[0], "add") == 0)
		return two ? add(request, words[1], hours, reason, json)
			   : options_usage("block", "whom? add ADDRESS, or add user:NAME");
	if (strcmp(words[0], "remove") == 0)
		return two ? take_back(request, words[1], json)
			   : options_usage("block", "whom? remove ADDRESS, or remove user:NAME");
	return options_usage("block", "there is no \"block %s\": say list, explain, add or remove", words[0]);
}
