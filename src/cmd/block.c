#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"

static int print_people(struct fw_slice body)
{
	static const char *const members[] = { "address", "expires_at", "reason", NULL };

	return rows_print("block", body, "blocks", members);
}

static int add(struct control_request request, const char *address, const char *hours, const char *reason, bool json)
{
	const struct manage_member members[] = { { "address", address, false },
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

static int take_back(struct control_request request, const char *address, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/blocks/", address, path))
		return options_usage("block", "which address? remove ADDRESS");
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
		return options_usage("block", "say what to do: list, add or remove");
	two = options.operand_count == 2 && *words[1] != '\0';
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1 ? control_show(&request, json ? NULL : print_people)
						  : options_usage("block", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "add") == 0)
		return two ? add(request, words[1], hours, reason, json)
			   : options_usage("block", "which address? add ADDRESS");
	if (strcmp(words[0], "remove") == 0)
		return two ? take_back(request, words[1], json)
			   : options_usage("block", "which address? remove ADDRESS");
	return options_usage("block", "there is no \"block %s\": say list, add or remove", words[0]);
}
