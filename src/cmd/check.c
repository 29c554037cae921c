#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/check_tests.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "policy/policy.h"
#include "shell/load.h"
#include "shell/problem.h"
#include "shell/shown.h"
#include "shell/tls.h"

struct checking {
	const char *name;
	const char *tests; /* a file of them; NULL: none */
	bool named, json, print, tap;
	struct json_out *out;
	struct json_out values, played;
};

static void report(void *user, const char *text)
{
	struct checking *checking = user;

	if (!checking->json)
		fprintf(stderr, "%s\n", text);
	else
		problem_write(&checking->out->writer, checking->name, text);
}

static void report_tests(void *user, const char *text)
{
	struct checking *checking = user;

	if (!checking->json)
		fprintf(stderr, "%s\n", text);
	else
		problem_write(&checking->out->writer, checking->tests, text);
}

/* Values come before the problems: in JSON the list of problems is still to be opened. */
static void show(void *user, const struct config_shown *shown)
{
	struct checking *checking = user;

	if (checking->json)
		shown_write(&checking->values.writer, checking->name, shown);
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

static void write_part(struct json_writer *w, const char *name, const struct json_out *part)
{
	json_write_key(w, name);
	w->failed = w->failed || part->writer.failed;
	json_write_raw(w, slice(buf_data(&part->buf), buf_size(&part->buf)));
}

/* {"file", "problems", "valid", "without_effect", "values", "tests"}: the values are shown before problems are given,
 * and tests played before the list of problems is over, so they have writers of their own. */
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
		write_part(w, "values", &checking->values);
	}
	if (buf_size(&checking->played.buf) != 0)
		write_part(w, "tests", &checking->played);
	json_write_close(w, '}');
	return json_out_end(checking->out, stdout);
}

static void start_json(struct checking *checking, struct json_out *out)
{
	checking->out = out;
	json_out_start(out);
	json_out_start(&checking->values);
	json_out_start(&checking->played);
	json_write_open(&checking->values.writer, '[');
	json_write_open(&out->writer, '{');
	json_write_key(&out->writer, "file");
	json_write_string(&out->writer, checking->name);
	json_write_key(&out->writer, "problems");
	json_write_open(&out->writer, '[');
}

static int play(struct checking *checking, struct fw_policy *policy)
{
	const struct check_tests asked = { .path = checking->tests,
					   .form = checking->json  ? CHECK_TESTS_JSON
						   : checking->tap ? CHECK_TESTS_TAP
								   : CHECK_TESTS_TEXT,
					   .writer = checking->json ? &checking->played.writer : NULL,
					   .report = report_tests,
					   .user = checking };

	return checking->tests != NULL ? check_tests(&asked, policy) : FW_OK;
}

/* Nothing is written when a file cannot be read. */
static int could_not_read(struct checking *checking, bool tests)
{
	int error = errno;

	if (checking->json) {
		json_out_drop(&checking->values);
		json_out_drop(&checking->played);
		json_out_drop(checking->out);
	}
	return options_could_not("check", "cannot read \"%s\": %s%s", tests ? checking->tests : checking->name,
				 strerror(error), checking->named || tests ? "" : "; name the file: --config FILE");
}

static int check(struct checking *checking, const struct load_options *options)
{
	struct fw_policy *policy = NULL;
	struct json_out out;
	bool valid;
	int result;

	if (checking->json)
		start_json(checking, &out);
	result = load_policy(options, &policy);
	if (result == FW_ERR_IO)
		return could_not_read(checking, false);
	if (result == FW_OK && !files_hold(checking, policy))
		result = FW_ERR_INVALID;
	valid = result == FW_OK;
	if (valid)
		result = play(checking, policy);
	if (result == FW_ERR_IO) {
		fw_policy_unref(policy);
		return could_not_read(checking, true);
	}
	if (checking->json) {
		if (!write_all(checking, valid, policy))
			result = FW_ERR_MEMORY;
		json_out_drop(&checking->values);
		json_out_drop(&checking->played);
	} else if (result == FW_OK && !checking->print && checking->tests == NULL) {
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
		{ "--tests", "FILE", &checking.tests, NULL,
		  "messages that must pass or not, and why; they are judged as mode enforce does" },
		{ "--tap", NULL, NULL, &checking.tap, "the tests as TAP" },
		{ "--print", NULL, NULL, &checking.print, "every effective value, and where it comes from" },
		{ "--json", NULL, NULL, &checking.json, "problems, values and tests as one JSON object" },
	};
	struct options options = { "check", rows, sizeof(rows) / sizeof(*rows), &operand, 1, 0 };
	int result = options_read(&options, argc, argv);
	struct config_override overrides[2];
	struct load_options load = { .overrides = overrides, .variables = true, .report = report, .user = &checking };

	if (result != OPTIONS_GO_ON)
		return result;
	if (operand != NULL && path != NULL)
		return options_usage("check", "there are two files: \"%s\" and \"%s\"", path, operand);
	if (operand != NULL)
		path = operand;
	checking.named = path != NULL;
	checking.name = path != NULL ? path : "framewall.yaml";
	load.path = checking.name;
	if (environment != NULL)
		overrides[load.override_count++] =
			(struct config_override){ "environment", environment, "--environment" };
	if (checking.tests != NULL) /* monitor refuses nothing: what it would do is asked */
		overrides[load.override_count++] = (struct config_override){ "mode", "enforce", "--tests" };
	load.show = checking.print ? show : NULL;
	return check(&checking, &load);
}
