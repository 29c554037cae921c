#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"
#include "cmd/user_password.h"

/* Those with passwords, then those who were revoked. */
static int print_people(struct fw_slice body)
{
	static const char *const users[] = { "user",	      "role",	  "created_at", "password_changed_at",
					     "failed_logins", "disabled", NULL };
	static const char *const members[] = { "user", "disabled", "revoked_at", "reason", NULL };
	int result = COMMAND_DONE;

	if (!slice_starts(body, "{\"users\":[],")) {
		result = rows_print("user", body, "users", users);
		if (result == COMMAND_DONE)
			putchar('\n');
	}
	return result == COMMAND_DONE ? rows_print("user", body, "revocations", members) : result;
}

static int disable(struct control_request request, const char *user, const char *reason, bool json)
{
	const struct manage_member members[] = { { "user", user, false },
						 { "disabled", "true", true },
						 { "reason", reason, false } };
	char body[MANAGE_BODY];

	if (!manage_body(members, 3, body))
		return options_usage("user", "a user and a reason are UTF-8 text of at most 128 and 120 bytes");
	request.method = "POST";
	request.path = "/api/v1/revocations";
	request.body = slice_text(body);
	return manage_change(&request, json, "disabled: ", user);
}

static int enable(struct control_request request, const char *user, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/revocations/", user, path))
		return options_usage("user", "a user is a text of 1 to 128 bytes");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "enabled: ", user);
}

int command_user(int argc, char **argv)
{
	const char *data = "./framewall-data", *reason = NULL, *role = "user", *words[2];
	bool json = false;
	struct control_request request = { .verb = "user", .method = "GET", .path = "/api/v1/users", .offline = true };
	const struct option_row rows[] = {
		{ "--reason", "TEXT", &reason, NULL, "for the record; with disable" },
		{ "--role", "ROLE", &role, NULL, "with add; default user" },
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--config", "FILE", &request.config, NULL, "of the server, where none runs" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "user", rows, sizeof(rows) / sizeof(*rows), words, 2, 0 };
	int result = options_read(&options, argc, argv);
	bool two;

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	if (options.operand_count == 0)
		return options_usage("user", "say what to do: list, add, password, remove, disable or enable");
	two = options.operand_count == 2 && *words[1] != '\0';
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1 ? control_show(&request, json ? NULL : print_people)
						  : options_usage("user", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "disable") == 0)
		return two ? disable(request, words[1], reason, json) : options_usage("user", "whom? disable USER");
	if (strcmp(words[0], "enable") == 0)
		return two ? enable(request, words[1], json) : options_usage("user", "whom? enable USER");
	if (strcmp(words[0], "add") == 0)
		return two ? user_add(request, words[1], role, json) : options_usage("user", "whom? add USER");
	if (strcmp(words[0], "password") == 0)
		return two ? user_password(request, words[1], json) : options_usage("user", "whose? password USER");
	if (strcmp(words[0], "remove") == 0)
		return two ? user_remove(request, words[1], json) : options_usage("user", "whom? remove USER");
	return options_usage("user", "there is no \"user %s\": say list, add, password, remove, disable or enable",
			     words[0]);
}
