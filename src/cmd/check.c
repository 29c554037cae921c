#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "shell/file.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "policy/config.h"
#include "policy/policy.h"
#include "shell/tls.h"

struct checking {
	const char *name;
	bool json;
	struct json_out *out;
};

/* "name:line:column: level: message\nsource\ncaret" in its parts. */
static void write_problem(const struct checking *checking, const char *text)
{
	struct json_writer *w = &checking->out->writer;
	size_t name = strlen(checking->name);
	long line = 0, column = 0;
	const char *rest = text, *end;
	char *after;

	if (strncmp(text, checking->name, name) == 0 && text[name] == ':') {
		rest = text + name + 1;
		line = strtol(rest, &after, 10);
		if (line != 0 && *after == ':') {
			column = strtol(after + 1, &after, 10);
			rest = after + (*after == ':');
		}
	}
	while (*rest == ' ')
		rest++;
	json_write_open(w, '{');
	json_write_key(w, "level");
	json_write_string(w, strncmp(rest, "warning:", 8) == 0 ? "warning" : "error");
	json_write_key(w, "line");
	json_write_integer(w, line);
	json_write_key(w, "column");
	json_write_integer(w, column);
	rest = strchr(rest, ':') != NULL ? strchr(rest, ':') + 2 : rest;
	end = strchr(rest, '\n');
	json_write_key(w, "message");
	json_write_text(w, slice(rest, end != NULL ? (size_t)(end - rest) : strlen(rest)));
	json_write_key(w, "text");
	json_write_string(w, text);
	json_write_close(w, '}');
}

static void report(void *user, const char *text)
{
	const struct checking *checking = user;

	if (checking->json)
		write_problem(checking, text);
	else
		fprintf(stderr, "%s\n", text);
}

static void say_summary(const char *name, const struct fw_policy *policy)
{
	const struct policy_route *route = &policy->routes[0];

	printf("%s: ok: %u route%s (%s%s: ", name, policy->route_count, policy->route_count == 1 ? "" : "s",
	       route->path, route->prefix ? "*" : "");
	if (route->has_upstream)
		printf("%s://%s%s", route->upstream_tls ? "wss" : "ws", route->upstream_authority,
		       route->upstream_path != NULL ? route->upstream_path : "");
	else
		printf("built-in hub");
	printf("%s), %u roles, %u message types, mode %s\n", policy->route_count > 1 ? ", …" : "", policy->role_count,
	       policy->message_count, policy->settings.mode == MODE_MONITOR ? "monitor" : "enforce");
}

/* The certificates and keys that it names. */
static bool files_hold(struct checking *checking, const struct fw_policy *policy)
{
	struct tls *tls = tls_new(policy, report, checking);
	bool hold = tls != NULL;

	tls_free(tls);
	return hold;
}

static int check(struct checking *checking, struct fw_slice text)
{
	struct fw_policy *policy = NULL;
	struct json_out out;
	int result;

	checking->out = &out;
	if (checking->json) {
		json_out_start(&out);
		json_write_open(&out.writer, '{');
		json_write_key(&out.writer, "file");
		json_write_string(&out.writer, checking->name);
		json_write_key(&out.writer, "problems");
		json_write_open(&out.writer, '[');
	}
	result = fw_policy_load(checking->name, text, report, checking, &policy);
	if (result == FW_OK && !files_hold(checking, policy))
		result = FW_ERR_INVALID;
	if (checking->json) {
		json_write_close(&out.writer, ']');
		json_write_key(&out.writer, "valid");
		json_write_boolean(&out.writer, result == FW_OK);
		json_write_close(&out.writer, '}');
		if (!json_out_end(&out, stdout))
			result = FW_ERR_MEMORY;
	} else if (result == FW_OK) {
		say_summary(checking->name, policy);
	}
	fw_policy_unref(policy);
	if (result == FW_ERR_MEMORY)
		return options_could_not("check", "%s: out of memory", checking->name);
	return result == FW_OK ? COMMAND_DONE : COMMAND_NOT_HELD;
}

int command_check(int argc, char **argv)
{
	const char *path = NULL, *operand = NULL;
	struct checking checking = { 0 };
	const struct option_row rows[] = {
		{ "--config", "FILE", &path, NULL, "the configuration; default framewall.yaml, - is standard input" },
		{ "--json", NULL, NULL, &checking.json, "the problems as one JSON object" },
	};
	struct options options = { "check", rows, sizeof(rows) / sizeof(*rows), &operand, 1, 0 };
	int result = options_read(&options, argc, argv);
	uint8_t *bytes = NULL;
	size_t size = 0;

	if (result != OPTIONS_GO_ON)
		return result;
	if (operand != NULL && path != NULL)
		return options_usage("check", "there are two files: \"%s\" and \"%s\"", path, operand);
	if (operand != NULL)
		path = operand;
	checking.name = path != NULL ? path : "framewall.yaml";
	if (file_read(checking.name, LIMIT_CONFIG_BYTES * 2u, &bytes, &size) != 0)
		return options_could_not("check", "cannot read \"%s\": %s%s", checking.name, strerror(errno),
					 path == NULL ? "; name the file: --config FILE" : "");
	result = check(&checking, slice(bytes, size));
	mem_wipe(bytes, size);
	mem_free(bytes);
	return result;
}
