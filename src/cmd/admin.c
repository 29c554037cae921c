/* admin: tokens of the admin side, on a running server or on its data directory. */
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

static int print_tokens(struct fw_slice body)
{
	static const char *const members[] = { "id", "name", "role", "created_at", "expires_at", "expired", NULL };

	return rows_print("admin", body, "tokens", members);
}

/* The token is the last word. */
static int print_token(struct fw_slice body)
{
	struct arena arena;
	struct json json;
	uint32_t node = 0;

	arena_init(&arena, ARENA);
	if (json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		node = json_member(&json, 0, "token", 5);
	if (node != 0 && json.nodes[node].kind == JSON_STRING) {
		struct fw_slice token = json_text(&json, node, &arena);

		printf("The token, shown this once; the server keeps only its hash:\n%.*s\n", (int)token.size,
		       (const char *)token.data);
	}
	arena_fini(&arena);
	return node != 0
		       ? COMMAND_DONE
		       : options_could_not("admin", "the server's answer is not understood; are both of one version?");
}

static int create(struct control_request request, const char *name, const char *role, const char *expires, bool json)
{
	char seconds[24], body[MANAGE_BODY];
	struct manage_member members[] = { { "name", name, false },
					   { "role", role, false },
					   { "expires_in", NULL, true } };

	if (name == NULL || *name == '\0')
		return options_usage("admin", "whose is it? --name NAME");
	if (role == NULL || *role == '\0')
		return options_usage("admin", "what may he? --role read-only, auditor, operator or admin");
	if (expires != NULL) {
		if (!manage_seconds(expires, seconds))
			return options_usage("admin", "--expires is a time from now, such as 90d, 12h or 30m");
		members[2].value = seconds;
	}
	if (!manage_body(members, 3, body))
		return options_usage("admin", "a name is UTF-8 text of at most 64 bytes");
	request.method = "POST";
	request.body = slice_text(body);
	request.makes = true;
	return control_show(&request, json ? NULL : print_token);
}

static int revoke(struct control_request request, const char *id, bool json)
{
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/admin-tokens/", id, path))
		return options_usage("admin", "which? token revoke ID, which list shows");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, json, "revoked: ", id);
}

int command_admin(int argc, char **argv)
{
	const char *data = "./framewall-data", *name = NULL, *role = NULL, *expires = NULL, *config = NULL, *words[3];
	bool json = false;
	const struct option_row rows[] = {
		{ "--name", "NAME", &name, NULL, "whose token; stands in the record of what is done with it" },
		{ "--role", "ROLE", &role, NULL, "read-only, auditor, operator or admin" },
		{ "--expires", "TIME", &expires, NULL, "from now, such as 12h; default 90d" },
		{ "--config", "FILE", &config, NULL, "of the server, where none runs" },
		{ "--data", "DIR", &data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "admin", rows, sizeof(rows) / sizeof(*rows), words, 3, 0 };
	struct control_request request = {
		.verb = "admin", .method = "GET", .path = "/api/v1/admin-tokens", .offline = true
	};
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	request.data = data;
	request.config = config;
	if (options.operand_count < 2 || strcmp(words[0], "token") != 0)
		return options_usage("admin", "say what to do: token create, token list or token revoke");
	if (strcmp(words[1], "list") == 0 && options.operand_count == 2)
		return control_show(&request, json ? NULL : print_tokens);
	if (strcmp(words[1], "create") == 0 && options.operand_count == 2)
		return create(request, name, role, expires, json);
	if (strcmp(words[1], "revoke") == 0)
		return options.operand_count == 3 && *words[2] != '\0'
			       ? revoke(request, words[2], json)
			       : options_usage("admin", "which? token revoke ID, which list shows");
	return options_usage("admin", "say what to do: token create, token list or token revoke");
}
