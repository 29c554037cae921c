#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "policy/policy.h"
#include "shell/load.h"
#include "shell/problem.h"
#include "shell/tls.h"

struct checking {
	const char *name;
	bool named, json, print;
	struct json_out *out;
	struct json_out values;
};

static void report(void *user, const char *text)
{
	struct checking *checking = user;

	if (!checking->json)
		fprintf(stderr, "%s\n", text);
	else
		problem_write(&checking->out->writer, checking->name, text);
}

/* Values come before the problems: in JSON the list of problems is still to be opened. */
static void show(void *user, const struct config_shown *shown)
{
	struct checking *checking = user;

	if (checking->json)
		values_write(&checking->values.writer, checking->name, shown);
	else
		values_print(checking->name, shown);
}

static void say_idle(const struct texts *idle)
{
	for (size_t i = 0; i < idle->count; i++)
		printf("%s%s", i == 0 ? "without effect in this version: " : ", ", idle->items[i]);
	if (idle->count != 0)
		putchar('\n');
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
	say_idle(&policy->idle);
}

/* The certificates and keys that it names. */
static bool files_hold(struct checking *checking, const struct fw_policy *policy)
{
	struct tls *tls = tls_new(policy, report, checking);
	bool hold = tls != NULL;

	tls_free(tls);
	return hold;
}

/* {"file", "problems", "valid", "without_effect", "values"}: the values are shown before problems are given, so they
 * have a writer of their own. */
static bool write_all(struct checking *checking, bool valid, const struct fw_policy *policy)
{
	struct json_writer *w = &checking->out->writer;

	json_write_close(w, ']');
	json_write_key(w, "valid");
	json_write_boolean(w, valid);
	json_write_key(w, "without_effect");
	json_write_open(w, '[');
	for (size_t i = 0; policy != NULL && i < policy->idle.count; i++)
		json_write_string(w, policy->idle.items[i]);
	json_write_close(w, ']');
	if (checking->print && valid) {
		json_write_close(&checking->values.writer, ']');
		json_write_key(w, "values");
		if (checking->values.writer.failed)
			return false;
		json_write_raw(w, slice(buf_data(&checking->values.buf), buf_size(&checking->values.buf)));
	}
	json_write_close(w, '}');
	return json_out_end(checking->out, stdout);
}

static void start_json(struct checking *checking, struct json_out *out)
{
	checking->out = out;
	json_out_start(out);
	json_out_start(&checking->values);
	json_write_open(&checking->values.writer, '[');
	json_write_open(&out->writer, '{');
	json_write_key(&out->writer, "file");
	json_write_string(&out->writer, checking->name);
	json_write_key(&out->writer, "problems");
	json_write_open(&out->writer, '[');
}

static int check(struct checking *checking, const struct load_options *options)
{
	struct fw_policy *policy = NULL;
	struct json_out out;
	int result;

	if (checking->json)
		start_json(checking, &out);
	result = load_policy(options, &policy);
	if (result == FW_ERR_IO && checking->json) {
		int error = errno;

		json_out_drop(&checking->values);
		json_out_drop(&out);
		errno = error;
	}
	if (result == FW_ERR_IO)
		return options_could_not("check", "cannot read \"%s\": %s%s", checking->name, strerror(errno),
					 checking->named ? "" : "; name the file: --config FILE");
	if (result == FW_OK && !files_hold(checking, policy))
		result = FW_ERR_INVALID;
	if (checking->json) {
		if (!write_all(checking, result == FW_OK, policy))
			result = FW_ERR_MEMORY;
		json_out_drop(&checking->values);
	} else if (result == FW_OK && !checking->print) {
		say_summary(checking->name, policy);
	}
	fw_policy_unref(policy);
	if (result == FW_ERR_MEMORY)
		return options_could_not("check", "%s: out of memory", checking->name);
	return result == FW_OK ? COMMAND_DONE : COMMAND_NOT_HELD;
}

int command_check(int argc, char **argv)
{
	const char *path = NULL, *operand = NULL, *environment = NULL;
	struct checking checking = { 0 };
	const struct option_row rows[] = {
		{ "--config", "FILE", &path, NULL, "the configuration; default framewall.yaml, - is standard input" },
		{ "--environment", "NAME", &environment, NULL, "the environment whose overlay is judged" },
		{ "--print", NULL, NULL, &checking.print, "every effective value, and where it comes from" },
		{ "--json", NULL, NULL, &checking.json, "the problems, and the values, as one JSON object" },
	};
	struct options options = { "check", rows, sizeof(rows) / sizeof(*rows), &operand, 1, 0 };
	int result = options_read(&options, argc, argv);
	struct config_override override = { "environment", NULL, "--environment" };
	struct load_options load = { .overrides = &override, .variables = true, .report = report, .user = &checking };

	if (result != OPTIONS_GO_ON)
		return result;
	if (operand != NULL && path != NULL)
		return options_usage("check", "there are two files: \"%s\" and \"%s\"", path, operand);
	if (operand != NULL)
		path = operand;
	checking.named = path != NULL;
	checking.name = path != NULL ? path : "framewall.yaml";
	override.value = environment;
	load.path = checking.name;
	load.override_count = environment != NULL;
	load.show = checking.print ? show : NULL;
	return check(&checking, &load);
}
