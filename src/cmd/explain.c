#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/load_enforced.h"
#include "cmd/options.h"
#include "policy/config_suggest.h"
#include "policy/policy.h"
#include "shell/explained.h"
#include "shell/file.h"

struct explaining {
	struct explained explained;
	bool json;
	struct json_out out;
};

/* What came from a message is shown, not obeyed: a terminal sees no control characters. */
static void print_text(FILE *out, struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		fputc(text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i], out);
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

static void print_stage(void *user, const struct fw_trace *trace)
{
	(void)user;
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

static void print_end(const struct explained *explained, const struct rehearsal_result *result)
{
	printf("verdict: %s%s%s", explained->decision, explained->code[0] != '\0' ? " " : "", explained->code);
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

static int explain_one(struct explaining *explaining, struct fw_slice message, bool *ret_passed)
{
	struct explained *explained = &explaining->explained;
	struct rehearsal_result result;
	bool written = true;
	int judged;

	if (explaining->json) {
		json_out_start(&explaining->out);
		json_write_open(&explaining->out.writer, '{');
		judged = explained_write(explained, &explaining->out.writer, message, &result);
	} else {
		judged = explained_judge(explained, message, &result);
	}
	if (judged != FW_OK) {
		if (explaining->json)
			json_out_drop(&explaining->out);
		return options_could_not("explain", "out of memory");
	}
	*ret_passed = result.verdict == REHEARSAL_PASS;
	if (explaining->json) {
		json_write_close(&explaining->out.writer, '}');
		written = json_out_end(&explaining->out, stdout);
	} else {
		print_end(explained, &result);
	}
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

	if (file_read(path, EXPLAINED_MESSAGE, &bytes, &size) != 0)
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

	if (policy_role_find(policy, slice_text(explaining->explained.opening.role)) == POLICY_NONE)
		return unknown_role(policy, explaining->explained.opening.role);
	in = lines && path != NULL && strcmp(path, "-") != 0 ? fopen(path, "rb") : stdin;
	if (in == NULL)
		return options_could_not("explain", "cannot read \"%s\": %s", path, strerror(errno));
	explaining->explained.rehearsal = rehearsal_new(policy, now_us());
	if (explaining->explained.rehearsal == NULL)
		result = options_could_not("explain", "out of memory");
	else
		result = lines ? explain_lines(explaining, in) : explain_file(explaining, path != NULL ? path : "-");
	rehearsal_free(explaining->explained.rehearsal);
	if (in != stdin)
		fclose(in);
	return result;
}

int command_explain(int argc, char **argv)
{
	const char *config = NULL, *direction = "in", *from = NULL, *path = NULL;
	struct explaining explaining = { .explained = { .opening = { .role = "user", .alone = true },
							.told = print_stage } };
	struct explained *explained = &explaining.explained;
	struct rehearsal_opening *opening = &explained->opening;
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
		{ "--binary", NULL, NULL, &explained->binary, "it is a binary message" },
		{ "--lines", NULL, NULL, &lines, "one message a line, one JSON answer a line" },
		{ "--json", NULL, NULL, &explaining.json, "verdict, stages and message as one JSON object" },
	};
	struct options options = { "explain", rows, sizeof(rows) / sizeof(*rows), &path, 1, 0 };
	int result = options_read(&options, argc, argv);
	struct fw_policy *policy = NULL;

	if (result != OPTIONS_GO_ON)
		return result;
	explained->outbound = strcmp(direction, "out") == 0;
	if (!explained->outbound && strcmp(direction, "in") != 0)
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
