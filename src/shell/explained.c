#include "shell/explained.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/utf8.h"

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

static void write_findings(struct json_writer *w, const struct fw_trace *trace)
{
	json_write_key(w, "findings");
	json_write_open(w, '[');
	for (unsigned i = 0; i < trace->finding_count; i++) {
		const struct fw_trace_finding *finding = &trace->findings[i];

		json_write_open(w, '{');
		write_text(w, "field", slice_text(finding->field));
		write_text(w, "rule", slice_text(finding->rule));
		json_write_key(w, "points");
		json_write_integer(w, finding->points);
		write_text(w, "reason", slice_text(finding->reason));
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

static void write_stage(void *user, const struct fw_trace *trace)
{
	struct json_writer *w = user;

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
	if (trace->finding_count != 0)
		write_findings(w, trace);
	json_write_close(w, '}');
}

/* What is excepted is a rule of ours in a field that one word names; of texts read as one the rule in all fields. Rules
 * of the configuration say themselves where they count. */
static void except(struct explained *explained, const struct fw_trace_finding *finding)
{
	bool joined = strcmp(finding->field, "*") == 0;
	char *made = explained->exceptions[explained->exception_count];

	if (explained->exception_count == EXPLAINED_EXCEPTIONS || strncmp(finding->rule, "FW-", 3) != 0 ||
	    strpbrk(finding->field, " \t") != NULL ||
	    (size_t)snprintf(made, EXPLAINED_EXCEPTION, "%s%s%s", joined ? "" : finding->field, joined ? "" : " ",
			     finding->rule) >= EXPLAINED_EXCEPTION)
		return;
	for (unsigned i = 0; i < explained->exception_count; i++)
		if (strcmp(explained->exceptions[i], made) == 0)
			return;
	explained->exception_count++;
}

static void listen(void *user, const struct fw_trace *trace)
{
	struct explained *explained = user;

	if (strcmp(trace->verdict, "pass") != 0 && strcmp(trace->verdict, "skip") != 0) {
		snprintf(explained->decision, sizeof(explained->decision), "%s", trace->verdict);
		snprintf(explained->code, sizeof(explained->code), "%s", trace->code != NULL ? trace->code : "");
		explained->refused = strcmp(trace->verdict, "refuse") == 0 || strcmp(trace->verdict, "close") == 0;
	}
	for (unsigned i = 0; i < trace->finding_count; i++)
		except(explained, &trace->findings[i]);
	if (explained->told != NULL)
		explained->told(explained->user, trace);
}

/* What no stage saw: a handshake, a login, the frame reader. */
static void listen_rest(struct explained *explained, const struct rehearsal_result *result)
{
	const struct fw_trace trace = { .stage = result->stage,
					.verdict = rehearsal_verdict_names[result->verdict],
					.code = result->code,
					.detail = slice_text(result->reason) };

	if (result->verdict != REHEARSAL_PASS && !explained->refused)
		listen(explained, &trace);
}

int explained_judge(struct explained *explained, struct fw_slice message, struct rehearsal_result *ret_result)
{
	int result;

	strcpy(explained->decision, "pass");
	explained->code[0] = '\0';
	explained->refused = false;
	explained->exception_count = 0;
	/* Nobody asks what opening said: of what is not JSON some dialects say a word of their own. */
	rehearsal_trace(explained->rehearsal, NULL, NULL);
	result = rehearsal_open(explained->rehearsal, &explained->opening, ret_result);
	rehearsal_trace(explained->rehearsal, listen, explained);
	if (result == FW_OK && ret_result->verdict == REHEARSAL_PASS)
		result = (explained->outbound ? rehearsal_receive : rehearsal_send)(
			explained->rehearsal, explained->binary, message, ret_result);
	if (result == FW_OK)
		listen_rest(explained, ret_result);
	return result;
}

/* There is no record of what only might have been. */
static bool without_event(void *user, uint32_t node, struct fw_slice *ret_text, bool *ret_skip)
{
	const struct json *json = user;

	(void)ret_text;
	*ret_skip = json->nodes[node].is_key && json_string_is(json, node, "event_id", 8);
	return false;
}

/* A message that goes on, or is answered, is JSON where the route speaks it; else it is shown as a string. */
static void write_message(struct json_writer *w, struct fw_slice message, bool answer)
{
	struct arena arena;
	struct json json;

	arena_init(&arena, (size_t)4 * EXPLAINED_MESSAGE);
	if (json_parse(&arena, message, 0, &json, NULL) != JSON_OK) {
		if (utf8_valid(message.data, message.size))
			json_write_text(w, message);
		else
			json_write_null(w);
	} else if (answer) {
		json_write_value(w, &json, 0, &arena, without_event, &json);
	} else {
		json_write_raw(w, message);
	}
	arena_fini(&arena);
}

static void write_exceptions(struct json_writer *w, const struct explained *explained, const char *type)
{
	char text[EXPLAINED_EXCEPTION * 2 + 8];

	json_write_key(w, "exceptions");
	json_write_open(w, '[');
	for (unsigned i = 0; i < explained->exception_count; i++) {
		snprintf(text, sizeof(text), "%.128s %s", type != NULL ? type : "*", explained->exceptions[i]);
		json_write_string(w, text);
	}
	json_write_close(w, ']');
}

static void write_end(struct json_writer *w, const struct explained *explained, const struct rehearsal_result *result)
{
	json_write_key(w, "verdict");
	json_write_string(w, explained->decision);
	write_text(w, "code", slice_text(explained->code));
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
		write_message(w, result->went, false);
	else
		json_write_null(w);
	json_write_key(w, "reply");
	if (result->reply.size != 0 && !explained->outbound)
		write_message(w, result->reply, true);
	else
		json_write_null(w);
	write_exceptions(w, explained, result->type);
}

int explained_write(struct explained *explained, struct json_writer *w, struct fw_slice message,
		    struct rehearsal_result *ret_result)
{
	int result;

	explained->told = write_stage;
	explained->user = w;
	json_write_key(w, "stages");
	json_write_open(w, '[');
	result = explained_judge(explained, message, ret_result);
	json_write_close(w, ']');
	if (result == FW_OK)
		write_end(w, explained, ret_result);
	return result;
}
