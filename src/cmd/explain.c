#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/load_enforced.h"
#include "cmd/options.h"
#include "policy/config_suggest.h"
#include "policy/policy.h"
#include "shell/file.h"
#include "shell/rehearsal.h"

enum { MESSAGE_BYTES = 64 << 20 }; /* the largest message that is read */

struct explaining {
	struct rehearsal *rehearsal;
	struct rehearsal_opening opening;
	bool outbound, binary, json;
	struct json_out out;
	char decision[16]; /* of the last stage that did not just pass */
	char code[32];
	bool refused; /* by a stage */
};

/* What came from a message is shown, not obeyed: a terminal sees no control characters. */
static void print_text(FILE *out, struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		fputc(text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i], out);
}

static void write_text(struct json_writer *w, const char *name, struct fw_slice text)
{
	if (text.size == 0 || !utf8_valid(text.data, text.size))
		return;
	json_write_key(w, name);
	json_write_text(w, text);
}

static void write_problems(struct json_writer *w, const struct fw_trace *trace)
{
	json_write_key(w, "problems");
	json_write_open(w, '[');
	for (unsigned i = 0; i < trace->problem_count; i++) {
		const struct fw_trace_problem *problem = &trace->problems[i];

		json_write_open(w, '{');
		write_text(w, "field", slice_text(problem->field));
		write_text(w, "rule", slice_text(problem->rule));
		if (problem->has_limit) {
			json_write_key(w, "limit");
			json_write_integer(w, problem->limit);
		}
		write_text(w, "expected", slice_text(problem->expected));
		write_text(w, "schema", slice_text(problem->schema));
		write_text(w, "keyword", slice_text(problem->keyword));
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
	json_write_key(w, "problems_total");
	json_write_integer(w, trace->problem_total);
}

static void write_stage(struct json_writer *w, const struct fw_trace *trace)
{
	json_write_open(w, '{');
	write_text(w, "stage", slice_text(trace->stage));
	write_text(w, "verdict", slice_text(trace->verdict));
	write_text(w, "code", slice_text(trace->code));
	write_text(w, "detail", trace->detail);
	write_text(w, "field", trace->field);
	write_text(w, "rule", slice_text(trace->rule));
	if (trace->has_number) {
		json_write_key(w, "at");
		json_write_integer(w, (int64_t)trace->number);
	}
	if (trace->problem_count != 0)
		write_problems(w, trace);
	json_write_close(w, '}');
}

static void print_problem(const struct fw_trace_problem *problem)
{
	printf("           ");
	print_text(stdout, slice_text(problem->field));
	printf(": %s", problem->rule);
	if (problem->has_limit)
		printf(" %lld", (long long)problem->limit);
	else if (problem->expected != NULL)
		printf(" (%s)", problem->expected);
	if (problem->schema != NULL) {
		printf("  ");
		print_text(stdout, slice_text(problem->schema));
		printf(" %s", problem->keyword);
	}
	putchar('\n');
}

static void print_stage(const struct fw_trace *trace)
{
	printf("%-10s %s%s%s", trace->stage, trace->verdict, trace->code != NULL ? "  " : "",
	       trace->code != NULL ? trace->code : "");
	if (trace->detail.size != 0) {
		printf("  ");
		print_text(stdout, trace->detail);
	}
	if (trace->field.size != 0) {
		printf(" (");
		print_text(stdout, trace->field);
		printf(")");
	}
	if (trace->rule != NULL)
		printf(" [%s]", trace->rule);
	if (trace->has_number && trace->problem_count == 0)
		printf(" %llu", (unsigned long long)trace->number);
	putchar('\n');
	for (unsigned i = 0; i < trace->problem_count; i++)
		print_problem(&trace->problems[i]);
	if (trace->problem_total > trace->problem_count)
		printf("           and %u more\n", trace->problem_total - trace->problem_count);
}

static void trace_stage(void *user, const struct fw_trace *trace)
{
	struct explaining *explaining = user;

	if (strcmp(trace->verdict, "pass") != 0 && strcmp(trace->verdict, "skip") != 0) {
		snprintf(explaining->decision, sizeof(explaining->decision), "%s", trace->verdict);
		snprintf(explaining->code, sizeof(explaining->code), "%s", trace->code != NULL ? trace->code : "");
		explaining->refused = strcmp(trace->verdict, "refuse") == 0 || strcmp(trace->verdict, "close") == 0;
	}
	if (explaining->json)
		write_stage(&explaining->out.writer, trace);
	else
		print_stage(trace);
}

/* What no stage saw: a handshake, a login, the frame reader. */
static void trace_rest(struct explaining *explaining, const struct rehearsal_result *result)
{
	const struct fw_trace trace = { .stage = result->stage,
					.verdict = rehearsal_verdict_names[result->verdict],
					.code = result->code,
					.detail = slice_text(result->reason) };

	if (result->verdict != REHEARSAL_PASS && !explaining->refused)
		trace_stage(explaining, &trace);
}

/* A message that goes on is JSON where the route speaks it; else it is shown as a string. */
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

static bool write_end(struct explaining *explaining, const struct rehearsal_result *result)
{
	struct json_writer *w = &explaining->out.writer;

	json_write_close(w, ']');
	json_write_key(w, "verdict");
	json_write_string(w, explaining->decision);
	write_text(w, "code", slice_text(explaining->code));
	write_text(w, "type", slice_text(result->type));
	if (result->close != 0) {
		json_write_key(w, "close");
		json_write_integer(w, result->close);
	}
	json_write_key(w, "answered");
	json_write_boolean(w, result->answered);
	json_write_key(w, "rewritten");
	json_write_boolean(w, result->rewritten);
	json_write_key(w, "message");
	if (result->verdict == REHEARSAL_PASS && !result->answered)
		write_message(w, result->went);
	else
		json_write_null(w);
	json_write_close(w, '}');
	return json_out_end(&explaining->out, stdout);
}

static void print_end(const struct explaining *explaining, const struct rehearsal_result *result)
{
	printf("verdict: %s%s%s", explaining->decision, explaining->code[0] != '\0' ? " " : "", explaining->code);
	if (result->close != 0)
		printf(", close code %u", result->close);
	if (result->type != NULL)
		printf("\ntype: %s", result->type);
	if (result->verdict == REHEARSAL_PASS) {
		printf("\n%s: ", result->answered ? "answered here" : "message");
		print_text(stdout, result->answered ? result->reply : result->went);
	}
	putchar('\n');
}

/* A connection for each message: none is judged by what came before it. */
static int judge(struct explaining *explaining, struct fw_slice message, struct rehearsal_result *ret_result)
{
	int result;

	/* Nobody asks what opening said: of what is not JSON some dialects say a word of their own. */
	rehearsal_trace(explaining->rehearsal, NULL, NULL);
	result = rehearsal_open(explaining->rehearsal, &explaining->opening, ret_result);
	rehearsal_trace(explaining->rehearsal, trace_stage, explaining);
	if (result == FW_OK && ret_result->verdict == REHEARSAL_PASS)
		result = (explaining->outbound ? rehearsal_receive : rehearsal_send)(
			explaining->rehearsal, explaining->binary, message, ret_result);
	if (result == FW_OK)
		trace_rest(explaining, ret_result);
	return result;
}

static int explain_one(struct explaining *explaining, struct fw_slice message, bool *ret_passed)
{
	struct rehearsal_result result;
	bool written = true;

	strcpy(explaining->decision, "pass");
	explaining->code[0] = '\0';
	explaining->refused = false;
	if (explaining->json) {
		json_out_start(&explaining->out);
		json_write_open(&explaining->out.writer, '{');
		json_write_key(&explaining->out.writer, "stages");
		json_write_open(&explaining->out.writer, '[');
	}
	if (judge(explaining, message, &result) != FW_OK) {
		if (explaining->json)
			json_out_drop(&explaining->out);
		return options_could_not("explain", "out of memory");
	}
	*ret_passed = result.verdict == REHEARSAL_PASS;
	if (explaining->json)
		written = write_end(explaining, &result);
	else
		print_end(explaining, &result);
	return written ? COMMAND_DONE : options_could_not("explain", "cannot write the answer: %s", strerror(errno));
}

/* One message a line, one answer a line, as they come: for programs that ask many. */
static int explain_lines(struct explaining *explaining, FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int result = COMMAND_DONE;
	bool all = true, passed = false;

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
	bool passed = false;
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

static uint64_t now_us(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (uint64_t)wall.tv_sec * 1000000u + (uint64_t)wall.tv_nsec / 1000u;
}

static int explain(struct explaining *explaining, struct fw_policy *policy, const char *path, bool lines)
{
	FILE *in;
	int result;

	if (policy_role_find(policy, slice_text(explaining->opening.role)) == POLICY_NONE)
		return unknown_role(policy, explaining->opening.role);
	in = lines && path != NULL && strcmp(path, "-") != 0 ? fopen(path, "rb") : stdin;
	if (in == NULL)
		return options_could_not("explain", "cannot read \"%s\": %s", path, strerror(errno));
	explaining->rehearsal = rehearsal_new(policy, now_us());
	if (explaining->rehearsal == NULL)
		result = options_could_not("explain", "out of memory");
	else
		result = lines ? explain_lines(explaining, in) : explain_file(explaining, path != NULL ? path : "-");
	rehearsal_free(explaining->rehearsal);
	if (in != stdin)
		fclose(in);
	return result;
}

int command_explain(int argc, char **argv)
{
	const char *config = NULL, *direction = "in", *from = NULL, *path = NULL;
	struct explaining explaining = { .opening = { .role = "user", .alone = true } };
	struct rehearsal_opening *opening = &explaining.opening;
	bool lines = false;
	const struct option_row rows[] = {
		{ "--config", "FILE", &config, NULL, "the configuration; without it the defaults" },
		{ "--role", "ROLE", &opening->role, NULL, "of who sends the message, or would see it; default user" },
		{ "--path", "PATH", &opening->path, NULL, "of the handshake: which route; default the first" },
		{ "--subprotocol", "NAME", &opening->subprotocol, NULL,
		  "that the client asks for: which dialect, where the route says so" },
		{ "--direction", "in|out", &direction, NULL, "in: from a client; out: to a client; default in" },
		{ "--from", "ADDRESS", &from, NULL, "of the client, for conditions of a network (messages.TYPE.when)" },
		{ "--certificate", NULL, NULL, &opening->certificate, "the client showed one, for conditions of it" },
		{ "--first", NULL, NULL, &opening->first, "it is the first message of its connection, in a dialect" },
		{ "--binary", NULL, NULL, &explaining.binary, "it is a binary message" },
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
	if (from != NULL && !addr_parse(slice_text(from), &opening->from))
		return options_usage("explain", "--from is an address, not \"%s\"", from);
	if (opening->path != NULL && (*opening->path != '/' || strpbrk(opening->path, " \r\n") != NULL))
		return options_usage("explain", "--path is a path such as /chat, not \"%s\"", opening->path);
	if (opening->subprotocol != NULL && strpbrk(opening->subprotocol, "\r\n") != NULL)
		return options_usage("explain", "--subprotocol is a name");
	result = load_enforced("explain", config, &policy);
	if (result == OPTIONS_GO_ON && policy != NULL)
		result = explain(&explaining, policy, path, lines);
	fw_policy_unref(policy);
	return result;
}
