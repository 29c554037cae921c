#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <framewall/conn.h>

#include "base/addr.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "shell/file.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "policy/config_suggest.h"
#include "policy/policy.h"
#include "shell/load.h"

enum { MESSAGE_BYTES = 64 << 20 }; /* the largest message that is read */

struct explaining {
	struct fw_engine *engine;
	const struct fw_policy *policy;
	const char *role;
	struct fw_addr from;
	bool certificate;
	bool outbound, json;
	struct json_out out;
	char decision[16]; /* of the last stage that did not just pass */
	char code[32];
};

static void random_fill(void *user, uint8_t *ret_bytes, size_t size)
{
	(void)user;
	while (size != 0) {
		ssize_t got = getrandom(ret_bytes, size, 0);

		if (got > 0) {
			ret_bytes += got;
			size -= (size_t)got;
		}
	}
}

static void set_time(struct fw_engine *engine)
{
	struct timespec wall, monotonic;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	fw_engine_time(engine, (struct fw_time){ (uint64_t)monotonic.tv_sec * 1000000000u + (uint64_t)monotonic.tv_nsec,
						 (uint64_t)wall.tv_sec * 1000000u + (uint64_t)wall.tv_nsec / 1000u });
}

/* What came from a message is shown, not obeyed: a terminal sees no control characters. */
static void print_text(FILE *out, struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		fputc(text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i], out);
}

static void write_stage(struct json_writer *w, const struct fw_trace *trace)
{
	json_write_open(w, '{');
	json_write_key(w, "stage");
	json_write_string(w, trace->stage);
	json_write_key(w, "verdict");
	json_write_string(w, trace->verdict);
	if (trace->code != NULL) {
		json_write_key(w, "code");
		json_write_string(w, trace->code);
	}
	if (trace->detail.size != 0 && utf8_valid(trace->detail.data, trace->detail.size)) {
		json_write_key(w, "detail");
		json_write_text(w, trace->detail);
	}
	json_write_close(w, '}');
}

static void trace_stage(void *user, const struct fw_trace *trace)
{
	struct explaining *explaining = user;

	if (strcmp(trace->verdict, "pass") != 0 && strcmp(trace->verdict, "skip") != 0) {
		snprintf(explaining->decision, sizeof(explaining->decision), "%s", trace->verdict);
		snprintf(explaining->code, sizeof(explaining->code), "%s", trace->code != NULL ? trace->code : "");
	}
	if (explaining->json) {
		write_stage(&explaining->out.writer, trace);
		return;
	}
	printf("%-10s %s%s%s", trace->stage, trace->verdict, trace->code != NULL ? "  " : "",
	       trace->code != NULL ? trace->code : "");
	if (trace->detail.size != 0) {
		printf("  ");
		print_text(stdout, trace->detail);
	}
	putchar('\n');
}

/* A message that goes on is JSON on the way in; on the way out it may be anything, and is then shown as a string. */
static void write_message(struct json_writer *w, struct fw_slice message)
{
	struct arena arena;
	struct json json;

	arena_init(&arena, (size_t)4 * MESSAGE_BYTES);
	if (json_parse(&arena, message, 0, &json, NULL) == JSON_OK)
		json_write_raw(w, message);
	else if (utf8_valid(message.data, message.size))
		json_write_text(w, message);
	else
		json_write_null(w);
	arena_fini(&arena);
}

static int explain_json(struct explaining *explaining, struct fw_slice message, bool *ret_passed)
{
	struct fw_slice forward = { NULL, 0 };
	struct json_writer *w = &explaining->out.writer;

	json_out_start(&explaining->out);
	json_write_open(w, '{');
	json_write_key(w, "stages");
	json_write_open(w, '[');
	*ret_passed = fw_engine_explain(explaining->engine, explaining->role, explaining->outbound, message,
					trace_stage, explaining, &forward);
	json_write_close(w, ']');
	json_write_key(w, "verdict");
	json_write_string(w, explaining->decision);
	if (explaining->code[0] != '\0') {
		json_write_key(w, "code");
		json_write_string(w, explaining->code);
	}
	json_write_key(w, "message");
	if (*ret_passed)
		write_message(w, forward);
	else
		json_write_null(w);
	json_write_close(w, '}');
	return json_out_end(&explaining->out, stdout)
		       ? COMMAND_DONE
		       : options_could_not("explain", "cannot write the answer: %s", strerror(errno));
}

static void explain_text(struct explaining *explaining, struct fw_slice message, bool *ret_passed)
{
	struct fw_slice forward = { NULL, 0 };

	*ret_passed = fw_engine_explain(explaining->engine, explaining->role, explaining->outbound, message,
					trace_stage, explaining, &forward);
	printf("verdict: %s%s%s\n", explaining->decision, explaining->code[0] != '\0' ? " " : "", explaining->code);
	if (*ret_passed) {
		printf("message: ");
		print_text(stdout, forward);
		putchar('\n');
	}
}

static int explain_one(struct explaining *explaining, struct fw_slice message, bool *ret_passed)
{
	strcpy(explaining->decision, "pass");
	explaining->code[0] = '\0';
	set_time(explaining->engine);
	if (explaining->json)
		return explain_json(explaining, message, ret_passed);
	explain_text(explaining, message, ret_passed);
	return COMMAND_DONE;
}

/* One message a line, one answer a line, as they come: for programs that ask many. */
static int explain_lines(struct explaining *explaining, FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int result = COMMAND_DONE;
	bool all = true, passed;

	explaining->json = true;
	while (result == COMMAND_DONE && (size = getline(&line, &room, in)) >= 0) {
		size_t used = (size_t)size;

		if (used != 0 && line[used - 1] == '\n')
			used--;
		if (used != 0 && line[used - 1] == '\r')
			used--;
		result = explain_one(explaining, slice(line, used), &passed);
		all = all && passed;
	}
	if (result == COMMAND_DONE && ferror(in))
		result = options_could_not("explain", "cannot read: %s", strerror(errno));
	mem_free(line);
	return result == COMMAND_DONE && !all ? COMMAND_NOT_HELD : result;
}

static int explain_file(struct explaining *explaining, const char *path)
{
	uint8_t *bytes;
	size_t size, used;
	bool passed;
	int result;

	if (file_read(path, MESSAGE_BYTES, &bytes, &size) != 0)
		return options_could_not("explain", "cannot read \"%s\": %s", path, strerror(errno));
	/* The line end of an editor is not part of the message. */
	for (used = size; used != 0 && (bytes[used - 1] == '\n' || bytes[used - 1] == '\r');)
		used--;
	result = explain_one(explaining, slice(bytes, used), &passed);
	mem_free(bytes);
	return result == COMMAND_DONE && !passed ? COMMAND_NOT_HELD : result;
}

static int unknown_role(const struct fw_policy *policy, const char *role)
{
	struct config_suggest suggest;
	char hint[128];

	config_suggest_start(&suggest, slice_text(role));
	for (unsigned i = 0; i < policy->role_count; i++)
		config_suggest_offer(&suggest, policy->roles[i].name, policy->roles[i].name_size);
	return options_usage("explain", "there is no role \"%s\"%s", role, config_suggest_text(&suggest, hint));
}

static void report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

static int load(const char *path, struct fw_policy **ret_policy)
{
	struct load_options options = { .path = path, .variables = true, .report = report };

	switch (load_policy(&options, ret_policy)) {
	case FW_OK:
		return OPTIONS_GO_ON;
	case FW_ERR_IO:
		return options_could_not("explain", "cannot read \"%s\": %s", path, strerror(errno));
	case FW_ERR_MEMORY:
		return options_could_not("explain", "out of memory");
	default:
		return COMMAND_NOT_HELD;
	}
}

static int explain(struct explaining *explaining, struct fw_policy *policy, const char *path, bool lines)
{
	struct fw_engine_options options = { .policy = policy, .random = { random_fill, NULL } };
	FILE *in;
	int result;

	if (policy_role_find(policy, slice_text(explaining->role)) == POLICY_NONE)
		return unknown_role(policy, explaining->role);
	in = lines && path != NULL && strcmp(path, "-") != 0 ? fopen(path, "rb") : stdin;
	if (in == NULL)
		return options_could_not("explain", "cannot read \"%s\": %s", path, strerror(errno));
	explaining->policy = policy;
	explaining->engine = fw_engine_new(&options);
	if (explaining->engine != NULL)
		fw_engine_explain_from(explaining->engine, &explaining->from, explaining->certificate);
	if (explaining->engine == NULL)
		result = options_could_not("explain", "out of memory");
	else
		result = lines ? explain_lines(explaining, in) : explain_file(explaining, path != NULL ? path : "-");
	fw_engine_free(explaining->engine);
	if (in != stdin)
		fclose(in);
	return result;
}

int command_explain(int argc, char **argv)
{
	const char *config = NULL, *direction = "in", *from = NULL, *path = NULL;
	struct explaining explaining = { .role = "user" };
	bool lines = false;
	const struct option_row rows[] = {
		{ "--config", "FILE", &config, NULL, "the configuration; without it the defaults" },
		{ "--role", "ROLE", &explaining.role, NULL, "of who sends the message, or would see it; default user" },
		{ "--direction", "in|out", &direction, NULL, "in: from a client; out: to a client; default in" },
		{ "--from", "ADDRESS", &from, NULL, "of the client, for conditions of a network (messages.TYPE.when)" },
		{ "--certificate", NULL, NULL, &explaining.certificate, "the client showed one, for conditions of it" },
		{ "--lines", NULL, NULL, &lines, "one message a line, one JSON answer a line" },
		{ "--json", NULL, NULL, &explaining.json, "verdict, stages and message as one JSON object" },
	};
	struct options options = { "explain", rows, sizeof(rows) / sizeof(*rows), &path, 1, 0 };
	int result = options_read(&options, argc, argv);
	struct fw_policy *policy = NULL;

	if (result != OPTIONS_GO_ON)
		return result;
	explaining.outbound = strcmp(direction, "out") == 0;
	if (!explaining.outbound && strcmp(direction, "in") != 0)
		return options_usage("explain", "--direction is in or out, not \"%s\"", direction);
	if (from != NULL && !addr_parse(slice_text(from), &explaining.from))
		return options_usage("explain", "--from is an address, not \"%s\"", from);
	result = load(config, &policy);
	if (result == OPTIONS_GO_ON && policy != NULL)
		result = explain(&explaining, policy, path, lines);
	fw_policy_unref(policy);
	return result;
}
