/* key create: makes an API key and the line of the configuration that lets it in. Nothing of it is stored. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "crypto/apikey.h"
#include "shell/random.h"

enum { NAME_MOST = 64, ENV_MOST = 8 };

struct made {
	char key[APIKEY_TEXT], id[APIKEY_ID + 1], hash[65];
	const char *name, *role;
};

static bool is_name(const char *text, size_t most, const char *characters)
{
	size_t size = strlen(text);

	return size != 0 && size <= most && strspn(text, characters) == size;
}

static void make(const char *env, struct made *ret_made)
{
	struct fw_random random = random_system();
	size_t size = apikey_make(&random, env, ret_made->key);
	struct apikey_parts parts;

	if (!apikey_parse(slice(ret_made->key, size), &parts))
		return;
	memcpy(ret_made->id, parts.id.data, APIKEY_ID);
	encode_hex(parts.hash, sizeof(parts.hash), ret_made->hash);
}

static bool write_json(const struct made *made)
{
	const char *members[][2] = { { "key", made->key },
				     { "id", made->id },
				     { "hash", made->hash },
				     { "name", made->name },
				     { "role", made->role } };
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
static bool write_people(const struct made *made)
{
	return printf("In the configuration, in the list authentication.api_keys; the server reads it with the next "
		      "start or reload:\n"
		      "  - { id: %s, hash: %s, name: %s, role: %s }\n"
		      "The key, shown this once; the server keeps only its hash:\n%s\n",
		      made->id, made->hash, made->name, made->role, made->key) > 0 &&
	       fflush(stdout) == 0;
}

int command_key(int argc, char **argv)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *name = NULL, *role = "user", *env = "live", *word = "";
	bool json = false, written;
	const struct option_row rows[] = {
		{ "--name", "NAME", &name, NULL, "whose it is: the user is api_key_NAME" },
		{ "--role", "ROLE", &role, NULL, "role of the configuration; default user" },
		{ "--env", "ENV", &env, NULL, "second part of the key, for people and scanners; default live" },
		{ "--json", NULL, NULL, &json, "as one JSON object" },
	};
	struct options options = { "key", rows, sizeof(rows) / sizeof(*rows), &word, 1, 0 };
	struct made made = { 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (options.operand_count == 0 || strcmp(word, "create") != 0)
		return options_usage("key", "say what to do: create");
	if (name == NULL || !is_name(name, NAME_MOST, names))
		return options_usage("key", "whose is it? --name NAME, at most 64 letters, digits, _, - and .");
	if (!is_name(role, NAME_MOST, names))
		return options_usage("key", "a role is a name of the configuration, such as user");
	if (!is_name(env, ENV_MOST, letters))
		return options_usage("key",
				     "an environment has at most 8 small letters and digits, such as live or test");
	made.name = name;
	made.role = role;
	make(env, &made);
	if (made.id[0] == '\0')
		return options_could_not("key", "no key could be made");
	written = json ? write_json(&made) : write_people(&made);
	mem_wipe(&made, sizeof(made));
	return written ? COMMAND_DONE : options_could_not("key", "cannot write: %s", strerror(errno));
}
