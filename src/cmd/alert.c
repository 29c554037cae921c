#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"

enum { MATCHERS = 6, MATCHER = 160 };

static int print_alerts(struct fw_slice body)
{
	static const char *const alerts[] = { "alert",	 "state",  "level",	 "labels", "since",
					      "told_at", "causes", "suppressed", NULL };
	static const char *const silences[] = { "id", "matchers", "until", "author", "reason", NULL };
	int result = rows_print("alert", body, "alerts", alerts);

	putchar('\n');
	return result == COMMAND_DONE ? rows_print("alert", body, "silences", silences) : result;
}

/* {"alert":"logins","address":"192.0.2.1"} of LABEL=TEXT each. False: one is none. */
static bool read_matchers(const char *const *words, unsigned count, char ret_json[MANAGE_BODY])
{
	char labels[MATCHERS][MATCHER];
	struct manage_member members[MATCHERS];

	for (unsigned i = 0; i < count; i++) {
		const char *equals = strchr(words[i], '=');

		if (equals == NULL || equals == words[i] || strlen(words[i]) >= MATCHER)
			return false;
		memcpy(labels[i], words[i], (size_t)(equals - words[i]));
		labels[i][equals - words[i]] = '\0';
		members[i] = (struct manage_member){ labels[i], equals + 1, false };
	}
	return manage_body(members, count, ret_json);
}

static int silence(struct control_request request, const char *const *words, unsigned count, const char *minutes,
		   const char *reason, const char *author, bool json)
{
	char matchers[MANAGE_BODY], body[MANAGE_BODY], seconds[24];
	const struct manage_member members[] = { { "matchers", matchers, true },
						 { "seconds", seconds, true },
						 { "reason", reason, false },
						 { "author", author, false } };
	long number = 60;

	if (count == 0 || !read_matchers(words, count, matchers))
		return options_usage("alert",
				     "what? silence LABEL=TEXT…, as in alert=auth_failures or address=192.0.2.1");
	if (minutes != NULL && !options_number("alert", "--minutes", minutes, 1, 525600, &number))
		return COMMAND_USAGE;
	if (reason == NULL)
		return options_usage("alert", "why? --reason TEXT");
	snprintf(seconds, sizeof(seconds), "%ld", number * 60);
	if (!manage_body(members, 4, body))
		return options_usage(
			"alert", "labels, a reason of at most 120 bytes and an author of at most 64 are UTF-8 text");
	request.method = "POST";
	request.path = "/api/v1/silences";
	request.body = slice_text(body);
	return manage_change(&request, json, "silenced: ", words[0]);
}

static int unsilence(struct control_request request, const char *id, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/silences/", id, path))
		return options_usage("alert", "which? unsilence ID, which list shows");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "not silenced any more: ", id);
}

int command_alert(int argc, char **argv)
{
	const char *data = "./framewall-data", *minutes = NULL, *reason = NULL, *author = getenv("SUDO_USER"),
		   *words[MATCHERS + 1];
	bool json = false;
	const struct option_row rows[] = {
		{ "--minutes", "N", &minutes, NULL, "how long; default 60" },
		{ "--reason", "TEXT", &reason, NULL, "for the record and the list" },
		{ "--author", "NAME", &author, NULL, "who silences; default the user" },
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "alert", rows, sizeof(rows) / sizeof(*rows), words, MATCHERS + 1, 0 };
	struct control_request request = { .verb = "alert", .method = "GET", .path = "/api/v1/alerts" };
	int result;

	if (author == NULL || *author == '\0')
		author = getenv("USER");
	if (author == NULL || *author == '\0')
		author = "operator";
	result = options_read(&options, argc, argv);
	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	if (options.operand_count == 0)
		return options_usage("alert", "say what to do: list, silence or unsilence");
	if (strcmp(words[0], "list") == 0)
		return options.operand_count == 1 ? control_show(&request, json ? NULL : print_alerts)
						  : options_usage("alert", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "silence") == 0)
		return silence(request, words + 1, (unsigned)options.operand_count - 1, minutes, reason, author, json);
	if (strcmp(words[0], "unsilence") == 0)
		return options.operand_count == 2 && *words[1] != '\0'
			       ? unsilence(request, words[1], json)
			       : options_usage("alert", "which? unsilence ID, which list shows");
	return options_usage("alert", "there is no \"alert %s\": say list, silence or unsilence", words[0]);
}
