#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"

static int print_people(struct fw_slice body)
{
	static const char *const members[] = { "session_id", "user_id", "role", "connected", "expires_at", NULL };

	return rows_print("session", body, "sessions", members);
}

static int list(struct control_request request, const char *user, bool json)
{
	char path[MANAGE_PATH];

	request.method = "GET";
	request.path = "/api/v1/sessions";
	if (user != NULL) {
		if (*user == '\0' || !manage_path("/api/v1/sessions?user=", user, path))
			return options_usage("session", "a user is a text of 1 to 128 bytes");
		request.path = path;
	}
	return control_show(&request, json ? NULL : print_people);
}

/* All of a user, and the credentials that he had so far with them. */
static int revoke_user(struct control_request request, const char *user, const char *reason, bool json)
{
	const struct manage_member members[] = { { "user", user, false }, { "reason", reason, false } };
	char body[MANAGE_BODY];

	if (!manage_body(members, 2, body))
		return options_usage("session", "a user and a reason are UTF-8 text of at most 128 and 120 bytes");
	request.method = "POST";
	request.path = "/api/v1/revocations";
	request.body = slice_text(body);
	return manage_change(&request, json, "ended, and credentials of before count no more: ", user);
}

static int revoke_one(struct control_request request, const char *id, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/sessions/", id, path))
		return options_usage("session", "a session id has 16 digits; \"framewall session list\" shows them");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "ended: ", id);
}

int command_session(int argc, char **argv)
{
	const char *data = "./framewall-data", *user = NULL, *reason = NULL, *words[2];
	bool json = false;
	const struct option_row rows[] = {
		{ "--user", "USER", &user, NULL, "list: only of this user; revoke: all of this user" },
		{ "--reason", "TEXT", &reason, NULL, "for the record; with revoke --user" },
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "session", rows, sizeof(rows) / sizeof(*rows), words, 2, 0 };
	struct control_request request = { .verb = "session" };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	if (options.operand_count == 0)
		return options_usage("session", "say what to do: list or revoke");
	if (reason != NULL && (strcmp(words[0], "revoke") != 0 || user == NULL))
		return options_usage("session", "--reason goes with revoke --user USER");
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1
			       ? list(request, user, json)
			       : options_usage("session", "list takes no \"%s\": --user USER", words[1]);
	if (strcmp(words[0], "revoke") != 0)
		return options_usage("session", "there is no \"session %s\": say list or revoke", words[0]);
	if ((options.operand_count == 2) == (user != NULL))
		return options_usage("session", "revoke needs either a session id or --user USER");
	return user != NULL ? revoke_user(request, user, reason, json) : revoke_one(request, words[1], json);
}
