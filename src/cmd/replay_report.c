#include "cmd/replay_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "shell/random.h"

enum { TYPE_ROOM = 96, PATH_ROOM = 96, NAME_ROOM = 40, REASON_ROOM = 240, EXAMPLES = 3, EXAMPLE_ROOM = 200 };
enum { PLACES = LIMIT_REPLAY_GROUPS * 2 }; /* never more than half full */

const char *const replay_change_names[REPLAY_CHANGES] = { "same", "pass", "refuse", "close", "rewrite" };

/* All that makes it another kind of change. */
struct kind {
	uint8_t change;
	uint8_t outbound;
	char type[TYPE_ROOM], path[PATH_ROOM], stage[NAME_ROOM], code[NAME_ROOM], reason[REASON_ROOM];
};
struct replay_row {
	struct kind kind;
	uint64_t count, first; /* how often; number of the first line */
	char examples[EXAMPLES][EXAMPLE_ROOM];
	uint64_t numbers[EXAMPLES];
	unsigned example_count;
};

int replay_report_init(struct replay_report *report, unsigned examples)
{
	const struct fw_random random = random_system();

	*report = (struct replay_report){ .examples = examples < EXAMPLES ? examples : EXAMPLES };
	random.fill(random.user, (uint8_t *)&report->key, sizeof(report->key));
	report->rows = mem_zero(PLACES, sizeof(*report->rows));
	return report->rows != NULL ? FW_OK : FW_ERR_MEMORY;
}

void replay_report_fini(struct replay_report *report)
{
	mem_free(report->rows);
}

/* What came from a message is shown, not obeyed: no control characters, and no half of a character. */
static void copy(char *to, size_t room, struct fw_slice text)
{
	size_t size = text.size < room ? text.size : room - 1;

	while (size < text.size && size != 0 && (text.data[size] & 0xc0) == 0x80)
		size--;
	for (size_t i = 0; i < size; i++)
		to[i] = text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : (char)text.data[i];
	to[size] = '\0';
	if (!utf8_valid((const uint8_t *)to, size))
		to[0] = '\0';
}

static struct replay_row *find(struct replay_report *report, const struct kind *kind)
{
	uint64_t at = hash_bytes(&report->key, kind, sizeof(*kind));

	for (unsigned i = 0; i < PLACES; i++, at++) {
		struct replay_row *row = &report->rows[at % PLACES];

		if (row->count != 0 && memcmp(&row->kind, kind, sizeof(*kind)) == 0)
			return row;
		if (row->count != 0)
			continue;
		if (report->used == LIMIT_REPLAY_GROUPS)
			return NULL;
		report->used++;
		row->kind = *kind;
		return row;
	}
	return NULL;
}

enum replay_change replay_report_change(const struct replay_end *before, const struct replay_end *now)
{
	if (before->verdict == REHEARSAL_PASS && now->verdict == REHEARSAL_PASS)
		return before->rewritten != now->rewritten ? REPLAY_REWRITTEN : REPLAY_SAME;
	if (now->verdict == REHEARSAL_PASS)
		return REPLAY_PASSES;
	if (before->verdict == now->verdict)
		return REPLAY_SAME;
	return now->verdict == REHEARSAL_CLOSE ? REPLAY_CLOSED : REPLAY_REFUSED;
}

void replay_report_add(struct replay_report *report, uint64_t number, const struct capture_line *line,
		       const struct replay_end *before, const struct replay_end *now)
{
	enum replay_change change = replay_report_change(before, now);
	const struct replay_end *said = change == REPLAY_PASSES ? before : now;
	struct kind kind;
	struct replay_row *row;

	report->messages++;
	report->totals[change]++;
	report->now[now->verdict]++;
	report->before[before->verdict]++;
	if (change == REPLAY_SAME)
		return;
	memset(&kind, 0, sizeof(kind));
	kind.change = (uint8_t)change;
	kind.outbound = line->outbound;
	if (now->type != NULL || line->type.data != NULL)
		copy(kind.type, TYPE_ROOM, now->type != NULL ? slice_text(now->type) : line->type);
	copy(kind.path, PATH_ROOM, line->path);
	copy(kind.stage, NAME_ROOM, slice_text(said->stage));
	copy(kind.code, NAME_ROOM, slice_text(said->code));
	copy(kind.reason, REASON_ROOM, slice_text(said->reason));
	row = find(report, &kind);
	if (row == NULL) {
		report->others++;
		return;
	}
	if (row->count++ == 0)
		row->first = number;
	if (row->example_count < report->examples) {
		row->numbers[row->example_count] = number;
		copy(row->examples[row->example_count++], EXAMPLE_ROOM,
		     line->binary ? slice_text("(binary)") : line->payload);
	}
}

static int more_often(const void *a, const void *b)
{
	const struct replay_row *x = *(struct replay_row *const *)a, *y = *(struct replay_row *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Those that there are, the most frequent first. */
static unsigned sort(struct replay_report *report, struct replay_row *ret_rows[LIMIT_REPLAY_GROUPS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < PLACES && count < LIMIT_REPLAY_GROUPS; i++)
		if (report->rows[i].count != 0)
			ret_rows[count++] = &report->rows[i];
	qsort(ret_rows, count, sizeof(void *), more_often);
	return count;
}

static void print_row(const struct replay_row *row)
{
	static const char *const words[REPLAY_CHANGES] = { "", "would pass", "would be refused", "would be closed",
							   "would be rewritten, or would not any more" };
	const struct kind *kind = &row->kind;

	printf("%10llu  %s %s%s%s: %s", (unsigned long long)row->count, kind->outbound ? "to clients" : "from clients",
	       kind->type[0] != '\0' ? kind->type : "(no type)", kind->path[0] != '\0' ? " at " : "", kind->path,
	       words[kind->change]);
	if (kind->stage[0] != '\0')
		printf("%s %s", kind->change == REPLAY_PASSES ? "; was by" : " by", kind->stage);
	if (kind->code[0] != '\0')
		printf(" %s", kind->code);
	if (kind->reason[0] != '\0')
		printf(": %s", kind->reason);
	putchar('\n');
	for (unsigned i = 0; i < row->example_count; i++)
		printf("            line %llu: %s\n", (unsigned long long)row->numbers[i], row->examples[i]);
}

void replay_report_print(struct replay_report *report)
{
	struct replay_row *rows[LIMIT_REPLAY_GROUPS];
	unsigned count = sort(report, rows);

	printf("%llu messages: %llu as before, %llu would pass, %llu would be refused, %llu would close the "
	       "connection, %llu rewritten otherwise\n",
	       (unsigned long long)report->messages, (unsigned long long)report->totals[REPLAY_SAME],
	       (unsigned long long)report->totals[REPLAY_PASSES], (unsigned long long)report->totals[REPLAY_REFUSED],
	       (unsigned long long)report->totals[REPLAY_CLOSED], (unsigned long long)report->totals[REPLAY_REWRITTEN]);
	for (unsigned i = 0; i < count; i++)
		print_row(rows[i]);
	if (report->others != 0)
		printf("%10llu  of further kinds\n", (unsigned long long)report->others);
}

static void write_number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_key(w, key);
	json_write_integer(w, (int64_t)value);
}

static void write_name(struct json_writer *w, const char *key, const char *text)
{
	if (*text == '\0')
		return;
	json_write_key(w, key);
	json_write_string(w, text);
}

static void write_verdicts(struct json_writer *w, const char *key, const uint64_t counts[3])
{
	json_write_key(w, key);
	json_write_open(w, '{');
	for (unsigned i = 0; i < 3; i++)
		write_number(w, rehearsal_verdict_names[i], counts[i]);
	json_write_close(w, '}');
}

static void write_row(struct json_writer *w, const struct replay_row *row)
{
	json_write_open(w, '{');
	write_number(w, "count", row->count);
	write_name(w, "change", replay_change_names[row->kind.change]);
	write_name(w, "direction", row->kind.outbound ? "out" : "in");
	write_name(w, "type", row->kind.type);
	write_name(w, "path", row->kind.path);
	write_name(w, "stage", row->kind.stage);
	write_name(w, "code", row->kind.code);
	write_name(w, "reason", row->kind.reason);
	json_write_key(w, "examples");
	json_write_open(w, '[');
	for (unsigned i = 0; i < row->example_count; i++) {
		json_write_open(w, '{');
		write_number(w, "line", row->numbers[i]);
		write_name(w, "text", row->examples[i]);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
	json_write_close(w, '}');
}

void replay_report_write(struct replay_report *report, struct json_writer *w)
{
	struct replay_row *rows[LIMIT_REPLAY_GROUPS];
	unsigned count = sort(report, rows);

	json_write_open(w, '{');
	write_number(w, "messages", report->messages);
	write_number(w, "same", report->totals[REPLAY_SAME]);
	write_number(w, "changed", report->messages - report->totals[REPLAY_SAME]);
	write_verdicts(w, "before", report->before);
	write_verdicts(w, "now", report->now);
	json_write_key(w, "changes");
	json_write_open(w, '[');
	for (unsigned i = 0; i < count; i++)
		write_row(w, rows[i]);
	json_write_close(w, ']');
	write_number(w, "further", report->others);
	json_write_close(w, '}');
}
