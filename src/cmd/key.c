/* key: API keys of a server, running or not; and with --line one for its configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/manage.h"
#include "cmd/options.h"
#include "cmd/rows.h"
#include "codec/json.h"
#include "crypto/apikey.h"
#include "shell/random.h"

enum { NAME_MOST = 64, ENV_MOST = 8, LIST = 1024, ARENA = 1 << 20 };

struct keying {
	const char *name, *role, *scopes, *networks, *expires, *overlap, *env;
	bool json, line;
	struct control_request request;
};

static bool is_name(const char *text, size_t most, const char *characters)
{
	size_t size = strlen(text);

	return size != 0 && size <= most && strspn(text, characters) == size;
}

/* "a,b" as ["a","b"]. */
static bool read_list(const char *text, char ret_list[LIST])
{
	struct json_out out;
	size_t size;
	bool fits;

	json_out_start(&out);
	json_write_open(&out.writer, '[');
	while (*text != '\0') {
		size_t word = strcspn(text, ", ");

		if (word != 0)
			json_write_text(&out.writer, slice(text, word));
		text += word + (text[word] != '\0');
	}
	json_write_close(&out.writer, ']');
	size = buf_size(&out.buf);
	fits = !out.writer.failed && size < LIST;
	if (fits)
		memcpy(ret_list, buf_data(&out.buf), size);
	ret_list[fits ? size : 0] = '\0';
	json_out_drop(&out);
	return fits;
}

struct made {
	char key[APIKEY_TEXT], id[APIKEY_ID + 1], hash[65];
};

static bool make(const char *env, struct made *ret_made)
{
	struct fw_random random = random_system();
	size_t size = apikey_make(&random, env, ret_made->key);
	struct apikey_parts parts;

	if (!apikey_parse(slice(ret_made->key, size), &parts))
		return false;
	memcpy(ret_made->id, parts.id.data, APIKEY_ID);
	encode_hex(parts.hash, sizeof(parts.hash), ret_made->hash);
	return true;
}

static bool write_line_json(const struct keying *keying, const struct made *made)
{
	const char *members[][2] = { { "key", made->key },
				     { "id", made->id },
				     { "hash", made->hash },
				     { "name", keying->name },
				     { "role", keying->role } };
	struct json_out out;

	json_out_start(&out);
	json_write_open(&out.writer, '{');
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_write_key(&out.writer, members[i][0]);
		json_write_string(&out.writer, members[i][1]);
	}
	json_write_close(&out.writer, '}');
	return json_out_end(&out, stdout);
}

/* The key is the last word, so that a script finds it as it finds that of token issue. */
static bool write_line(const struct keying *keying, const struct made *made)
{
	return printf("In the configuration, in the list authentication.api_keys; the server reads it with the next "
		      "start or reload:\n"
		      "  - { id: %s, hash: %s, name: %s, role: %s }\n"
		      "The key, shown this once; the server keeps only its hash:\n%s\n",
		      made->id, made->hash, keying->name, keying->role, made->key) > 0 &&
	       fflush(stdout) == 0;
}

/* Nothing of it is stored here. */
static int create_line(const struct keying *keying)
{
	struct made made = { 0 };
	bool written;

	if (keying->scopes != NULL || keying->networks != NULL || keying->expires != NULL)
		return options_usage(
			"key", "--scopes, --cidr and --expires are of keys that the server keeps: not with --line");
	if (!make(keying->env, &made))
		return options_could_not("key", "no key could be made");
	written = keying->json ? write_line_json(keying, &made) : write_line(keying, &made);
	mem_wipe(&made, sizeof(made));
	return written ? COMMAND_DONE : options_could_not("key", "cannot write: %s", strerror(errno));
}

static struct fw_slice member(const struct json *json, struct arena *arena, const char *name)
{
	uint32_t node = json_member(json, 0, name, strlen(name));

	return node != 0 && json->nodes[node].kind == JSON_STRING ? json_text(json, node, arena) : slice("", 0);
}

static void print_of(const char *before, struct fw_slice text)
{
	if (text.size != 0)
		printf("%s%.*s", before, (int)text.size, (const char *)text.data);
}

/* The key is the last word again. */
static int print_key(struct fw_slice body)
{
	struct arena arena;
	struct json json;
	bool read;

	arena_init(&arena, ARENA);
	read = json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT;
	if (read) {
		print_of("key ", member(&json, &arena, "id"));
		print_of(" of ", member(&json, &arena, "name"));
		print_of(", role ", member(&json, &arena, "role"));
		print_of(", until ", member(&json, &arena, "expires_at"));
		print_of("\nit replaces ", member(&json, &arena, "replaces"));
		print_of(", which ends ", member(&json, &arena, "replaced_until"));
		print_of("\nThe key, shown this once; the server keeps only its hash:\n", member(&json, &arena, "key"));
		putchar('\n');
	}
	arena_fini(&arena);
	return read ? COMMAND_DONE
		    : options_could_not("key", "the server's answer is not understood; are both of one version?");
}

static int create(const struct keying *keying)
{
	struct control_request request = keying->request;
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	char scopes[LIST], networks[LIST], seconds[24], body[MANAGE_BODY];
	struct manage_member members[] = { { "name", keying->name, false }, { "role", keying->role, false },
					   { "env", keying->env, false },   { "scopes", NULL, true },
					   { "networks", NULL, true },	    { "expires_in", NULL, true } };

	if (keying->name == NULL || !is_name(keying->name, NAME_MOST, names))
		return options_usage("key", "whose is it? --name NAME, at most 64 letters, digits, _, - and .");
	if (!is_name(keying->role, NAME_MOST, names))
		return options_usage("key", "a role is a name of the configuration, such as user");
	if (!is_name(keying->env, ENV_MOST, letters))
		return options_usage("key",
				     "an environment has at most 8 small letters and digits, such as live or test");
	if (keying->line)
		return create_line(keying);
	if (keying->scopes != NULL) {
		if (!read_list(keying->scopes, scopes))
			return options_usage("key", "--scopes is too long");
		members[3].value = scopes;
	}
	if (keying->networks != NULL) {
		if (!read_list(keying->networks, networks))
			return options_usage("key", "--cidr is too long");
		members[4].value = networks;
	}
	if (keying->expires != NULL) {
		if (!manage_seconds(keying->expires, seconds))
			return options_usage("key", "--expires is a time from now, such as 90d, 12h or 30m");
		members[5].value = seconds;
	}
	if (!manage_body(members, 6, body))
		return options_usage("key", "that is too long");
	request.method = "POST";
	request.body = slice_text(body);
	request.makes = true;
	return control_show(&request, keying->json ? NULL : print_key);
}

static int print_people(struct fw_slice body)
{
	static const char *const members[] = { "id",	     "name",	     "role",  "scopes", "networks",
					       "expires_at", "last_used_at", "state", NULL };

	return rows_print("key", body, "keys", members);
}

static int revoke(const struct keying *keying, const char *id)
{
	struct control_request request = keying->request;
	char path[MANAGE_PATH];

	if (!manage_path("/api/v1/keys/", id, path))
		return options_usage("key", "an id has 8 characters; \"framewall key list\" shows them");
	request.method = "DELETE";
	request.path = path;
	return manage_change(&request, keying->json, "revoked: ", id);
}

static int rotate(const struct keying *keying, const char *id, bool env)
{
	struct control_request request = keying->request;
	char path[MANAGE_PATH], overlap[24], expires[24], body[MANAGE_BODY];
	struct manage_member members[] = { { "overlap", NULL, true },
					   { "expires_in", NULL, true },
					   { "env", env ? keying->env : NULL, false } };

	if (!manage_path("/api/v1/keys/", id, path) || strlen(path) + sizeof("/rotate") > sizeof(path))
		return options_usage("key", "an id has 8 characters; \"framewall key list\" shows them");
	memcpy(path + strlen(path), "/rotate", sizeof("/rotate"));
	if (keying->overlap != NULL) {
		if (!manage_seconds(keying->overlap, overlap))
			return options_usage("key", "--overlap is a time, such as 24h; 0s: the old key ends at once");
		members[0].value = overlap;
	}
	if (keying->expires != NULL) {
		if (!manage_seconds(keying->expires, expires))
			return options_usage("key", "--expires is a time from now, such as 90d, 12h or 30m");
		members[1].value = expires;
	}
	if (!manage_body(members, 3, body))
		return options_usage("key", "that is too long");
	request.method = "POST";
	request.path = path;
	request.body = slice_text(body);
	return control_show(&request, keying->json ? NULL : print_key);
}

static int run(struct keying *keying, const char **words, size_t count, bool env)
{
	if (count == 0)
		return options_usage("key", "say what to do: create, list, revoke or rotate");
	if (strcmp(words[0], "create") == 0)
		return count == 1 ? create(keying)
				  : options_usage("key", "create takes no \"%s\": --name NAME", words[1]);
	if (keying->line)
		return options_usage("key", "--line goes with create");
	if (strcmp(words[0], "list") == 0)
		return count == 1 ? control_show(&keying->request, keying->json ? NULL : print_people)
				  : options_usage("key", "list takes no \"%s\"", words[1]);
	if (strcmp(words[0], "revoke") != 0 && strcmp(words[0], "rotate") != 0)
		return options_usage("key", "there is no \"key %s\": say create, list, revoke or rotate", words[0]);
	if (count != 2 || *words[1] == '\0')
		return options_usage("key", "which one? %s ID; \"framewall key list\" shows them", words[0]);
	return strcmp(words[0], "revoke") == 0 ? revoke(keying, words[1]) : rotate(keying, words[1], env);
}

int command_key(int argc, char **argv)
{
	struct keying keying = { .role = "user",
				 .request = { .verb = "key",
					      .data = "./framewall-data",
					      .method = "GET",
					      .path = "/api/v1/keys",
					      .offline = true } };
	const char *words[2], *env = NULL;
	const struct option_row rows[] = {
		{ "--name", "NAME", &keying.name, NULL, "create: whose it is: the user is api_key_NAME" },
		{ "--role", "ROLE", &keying.role, NULL, "create: role of the configuration; default user" },
		{ "--scopes", "LIST", &keying.scopes, NULL,
		  "create: only these of the role's permissions, with commas; default: all" },
		{ "--cidr", "LIST", &keying.networks, NULL,
		  "create: only from these addresses and networks, with commas; default: anywhere" },
		{ "--expires", "TIME", &keying.expires, NULL,
		  "create, rotate: such as 90d, 12h, 30m; default: never, as before" },
		{ "--overlap", "TIME", &keying.overlap, NULL, "rotate: how long the old key goes on; default 24h" },
		{ "--env", "ENV", &env, NULL, "second part of the key, for people and scanners; default live" },
		{ "--line", NULL, NULL, &keying.line,
		  "create: the line of a configuration instead; nothing is stored" },
		{ "--config", "FILE", &keying.request.config, NULL, "of the server, where none runs" },
		{ "--data", "DIR", &keying.request.data, NULL, "the state of the server; default ./framewall-data" },
		{ "--json", NULL, NULL, &keying.json, "as one JSON object" },
	};
	struct options options = { "key", rows, sizeof(rows) / sizeof(*rows), words, 2, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	keying.env = env != NULL ? env : "live";
	return run(&keying, words, options.operand_count, env != NULL);
}
