#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"

static int print_lists(struct fw_slice body)
{
	static const char *const members[] = { "name", "state",	     "action", "networks",
					       "hits", "fetched_at", "cause",  NULL };

	return rows_print("threat", body, "lists", members);
}

static int print_hits(struct fw_slice body)
{
	static const char *const members[] = { "list", "action", "network", NULL };

	return rows_print("threat", body, "on", members);
}

static int look_up(struct control_request request, const char *address, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/threats/", address, path))
		return options_usage("threat", "which address? lookup ADDRESS");
	request.path = path;
	return control_show(&request, json ? NULL : print_hits);
}

static int reload(struct control_request request, const char *list, bool json)
{
	const struct manage_member members[] = { { "list", list, false } };
	char body[MANAGE_BODY];

	if (!manage_body(members, 1, body))
		return options_usage("threat", "a list is named by UTF-8 text of at most 32 bytes");
	request.method = "POST";
	request.path = "/api/v1/threats/reload";
	request.body = slice_text(body);
	return manage_change(&request, json, "asked for: ", list != NULL ? list : "all lists");
}

int command_threat(int argc, char **argv)
{
	const char *data = "./framewall-data", *words[2];
	bool json = false;
	const struct option_row rows[] = {
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "threat", rows, sizeof(rows) / sizeof(*rows), words, 2, 0 };
	struct control_request request = { .verb = "threat", .method = "GET", .path = "/api/v1/threats" };
	int result = options_read(&options, argc, argv);
	bool two;

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	if (options.operand_count == 0)
		return options_usage("threat", "say what to do: list, lookup or reload");
	two = options.operand_count == 2 && *words[1] != '\0';
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1 ? control_show(&request, json ? NULL : print_lists)
						  : options_usage("threat", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "lookup") == 0)
		return two ? look_up(request, words[1], json)
			   : options_usage("threat", "which address? lookup ADDRESS");
	if (strcmp(words[0], "reload") == 0)
		return reload(request, two ? words[1] : NULL, json);
	return options_usage("threat", "there is no \"threat %s\": say list, lookup or reload", words[0]);
}
