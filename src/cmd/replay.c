#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/capture_file.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/load_enforced.h"
#include "cmd/options.h"
#include "cmd/replay_report.h"
#include "cmd/replay_side.h"

enum { FLUSH = 1 << 16 };

struct replaying {
	struct capture_file file;
	struct replay_side now, against;
	struct fw_policy *policy, *old; /* old NULL: what happened is what is compared with */
	struct replay_report report;
	struct json_out verdicts;
	bool in, out; /* directions */
	bool each, json;
};

static uint64_t now_us(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (uint64_t)wall.tv_sec * 1000000u + (uint64_t)wall.tv_nsec / 1000u;
}

static struct replay_end end_of(const struct rehearsal_result *result)
{
	return (struct replay_end){ .verdict = result->verdict,
				    .rewritten = result->verdict == REHEARSAL_PASS && result->rewritten,
				    .stage = result->stage,
				    .code = result->code,
				    .reason = result->reason,
				    .type = result->type };
}

static void cut(struct fw_slice text, char *to, size_t room)
{
	size_t size = text.size < room ? text.size : room - 1;

	if (size != 0)
		memcpy(to, text.data, size);
	to[size] = '\0';
}

/* What the capture says; where it says nothing the message passed. */
static struct replay_end recorded(const struct capture_line *line, char stage[40], char code[40])
{
	static const enum rehearsal_verdict verdicts[CAPTURE_VERDICTS] = { REHEARSAL_PASS, REHEARSAL_REFUSE,
									   REHEARSAL_CLOSE };

	cut(line->stage, stage, 40);
	cut(line->code, code, 40);
	return (struct replay_end){ .verdict = line->has_verdict ? verdicts[line->verdict] : REHEARSAL_PASS,
				    .rewritten = line->rewritten,
				    .stage = stage,
				    .code = code };
}

static void write_name(struct json_writer *w, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	json_write_key(w, key);
	json_write_string(w, text);
}

static bool write_verdict(struct replaying *r, const struct rehearsal_result *result, enum replay_change change)
{
	struct json_writer *w = &r->verdicts.writer;

	w->comma = false;
	json_write_open(w, '{');
	json_write_key(w, "line");
	json_write_integer(w, (int64_t)r->file.number);
	write_name(w, "verdict", rehearsal_verdict_names[result->verdict]);
	write_name(w, "change", replay_change_names[change]);
	write_name(w, "type", result->type);
	write_name(w, "stage", result->stage);
	write_name(w, "code", result->code);
	write_name(w, "rule", result->rule);
	if (result->verdict != REHEARSAL_PASS)
		write_name(w, "reason", result->reason);
	json_write_key(w, "rewritten");
	json_write_boolean(w, result->rewritten);
	json_write_close(w, '}');
	if (w->failed || buf_append(&r->verdicts.buf, &r->verdicts.pool, "\n", 1) != 0)
		return false;
	if (buf_size(&r->verdicts.buf) < FLUSH)
		return true;
	if (fwrite(buf_data(&r->verdicts.buf), 1, buf_size(&r->verdicts.buf), stdout) != buf_size(&r->verdicts.buf))
		return false;
	buf_clear(&r->verdicts.buf, &r->verdicts.pool);
	return true;
}

static int judge(struct replaying *r, const struct capture_line *line)
{
	struct rehearsal_result result, old;
	struct replay_end now, before;
	char stage[40], code[40];

	if (replay_side_judge(&r->now, line, &result) != FW_OK ||
	    (r->old != NULL && replay_side_judge(&r->against, line, &old) != FW_OK))
		return options_could_not("replay", "out of memory");
	now = end_of(&result);
	before = r->old != NULL ? end_of(&old) : recorded(line, stage, code);
	replay_report_add(&r->report, r->file.number, line, &before, &now);
	if (r->each && !write_verdict(r, &result, replay_report_change(&before, &now)))
		return options_could_not("replay", "cannot write: %s", strerror(errno));
	return COMMAND_DONE;
}

static int begin(struct replaying *r, const struct capture_line *first)
{
	uint64_t wall_us = first->has_time ? first->wall_us : now_us();

	r->against.role = r->now.role;
	r->against.path = r->now.path;
	if (replay_side_init(&r->now, r->policy, wall_us) != FW_OK ||
	    (r->old != NULL && replay_side_init(&r->against, r->old, wall_us) != FW_OK))
		return options_could_not("replay", "out of memory");
	return COMMAND_DONE;
}

static int play(struct replaying *r)
{
	struct capture_line line;
	bool begun = false;
	int result = COMMAND_DONE;

	while (result == COMMAND_DONE && capture_file_next(&r->file, &line)) {
		if (!(line.outbound ? r->out : r->in))
			continue;
		if (!begun)
			result = begin(r, &line);
		begun = true;
		if (result == COMMAND_DONE)
			result = judge(r, &line);
	}
	return result;
}

static int tell(struct replaying *r)
{
	bool written = true;

	if (r->each) {
		written = fwrite(buf_size(&r->verdicts.buf) != 0 ? buf_data(&r->verdicts.buf) : (uint8_t *)"", 1,
				 buf_size(&r->verdicts.buf), stdout) == buf_size(&r->verdicts.buf);
	} else if (r->json) {
		struct json_out out;

		json_out_start(&out);
		replay_report_write(&r->report, &out.writer);
		written = json_out_end(&out, stdout);
	} else {
		replay_report_print(&r->report);
	}
	if (!written || fflush(stdout) != 0)
		return options_could_not("replay", "cannot write: %s", strerror(errno));
	return r->report.totals[REPLAY_SAME] == r->report.messages ? COMMAND_DONE : COMMAND_NOT_HELD;
}

static int replay(struct replaying *r, const char *path, unsigned examples)
{
	int result = capture_file_open(&r->file, "replay", path), closed;

	if (result != OPTIONS_GO_ON)
		return result;
	json_out_start(&r->verdicts);
	if (replay_report_init(&r->report, examples) != FW_OK)
		result = options_could_not("replay", "out of memory");
	else
		result = play(r);
	closed = capture_file_close(&r->file);
	if (closed != OPTIONS_GO_ON && result == COMMAND_DONE)
		result = closed;
	if (result == COMMAND_DONE)
		result = tell(r);
	if (r->file.lost + r->file.cut != 0 && !r->each)
		fprintf(stderr,
			"framewall replay: %llu messages were too large to be recorded, and %llu times some "
			"were lost\n",
			(unsigned long long)r->file.cut, (unsigned long long)r->file.lost);
	json_out_drop(&r->verdicts);
	replay_report_fini(&r->report);
	replay_side_fini(&r->now);
	replay_side_fini(&r->against);
	return result;
}

int command_replay(int argc, char **argv)
{
	const char *config = NULL, *against = NULL, *direction = "both", *path = NULL, *examples = "1";
	struct replaying r = { .old = NULL };
	const struct option_row rows[] = {
		{ "--config", "FILE", &config, NULL, "the policy; without it the defaults" },
		{ "--against", "FILE", &against, NULL,
		  "the policy to compare with; without it what the capture says happened" },
		{ "--role", "ROLE", &r.now.role, NULL, "of lines that name none; default: nobody is logged in" },
		{ "--path", "PATH", &r.now.path, NULL, "of lines that name none; default: that of the first route" },
		{ "--direction", "in|out|both", &direction, NULL, "messages from clients, to clients; default both" },
		{ "--examples", "N", &examples, NULL, "of each change, 0 to 3; default 1" },
		{ "--verdicts", NULL, NULL, &r.each, "one JSON object a message, in place of the summary" },
		{ "--json", NULL, NULL, &r.json, "the summary as one JSON object" },
	};
	struct options options = { "replay", rows, sizeof(rows) / sizeof(*rows), &path, 1, 0 };
	int result = options_read(&options, argc, argv);
	long wanted;

	if (result != OPTIONS_GO_ON)
		return result;
	r.in = strcmp(direction, "out") != 0;
	r.out = strcmp(direction, "in") != 0;
	if (r.in && r.out && strcmp(direction, "both") != 0)
		return options_usage("replay", "--direction is in, out or both, not \"%s\"", direction);
	if (path == NULL)
		return options_usage("replay", "which capture? \"-\" is standard input");
	if (!options_number("replay", "--examples", examples, 0, 3, &wanted))
		return COMMAND_USAGE;
	if (r.now.path != NULL && (*r.now.path != '/' || strpbrk(r.now.path, " \r\n") != NULL))
		return options_usage("replay", "--path is a path such as /chat, not \"%s\"", r.now.path);
	result = load_enforced("replay", config, &r.policy);
	if (result == OPTIONS_GO_ON && against != NULL)
		result = load_enforced("replay", against, &r.old);
	if (result == OPTIONS_GO_ON)
		result = replay(&r, path, (unsigned)wanted);
	fw_policy_unref(r.policy);
	fw_policy_unref(r.old);
	return result;
}
