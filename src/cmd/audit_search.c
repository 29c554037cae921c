#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "record/ledger_search.h"
#include "record/lines.h"
#include "record/segment.h"
#include "record/storage.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MOST = 1000000, TAIL_LINES = 10, ARENA = 1 << 20, POLL_MS = 200 };

struct printing {
	bool json;
	bool failed;
	struct arena arena;
};

/* Texts as they stand in the line: what a terminal would obey is escaped there. */
static void print_member(const struct json *json, const char *name, const char *before)
{
	uint32_t node = json_member(json, 0, name, strlen(name));
	struct fw_slice value = node != 0 ? json_raw(json, node) : slice("", 0);

	if (node != 0 && json->nodes[node].kind == JSON_STRING)
		value = slice(value.data + 1, value.size - 2);
	if (node != 0 && json->nodes[node].kind != JSON_NULL)
		printf("%s%.*s", before, (int)value.size, (const char *)value.data);
}

static bool print_line(void *user, struct fw_slice line)
{
	struct printing *printing = user;
	struct json json;

	if (printing->json || json_parse(&printing->arena, line, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT) {
		printf("%.*s\n", (int)line.size, (const char *)line.data);
	} else {
		print_member(&json, "timestamp", "");
		print_member(&json, "sequence", " ");
		print_member(&json, "level", " ");
		print_member(&json, "event_type", " ");
		print_member(&json, "source_ip", " from ");
		print_member(&json, "user_id", " user ");
		print_member(&json, "details", " ");
		putchar('\n');
	}
	arena_reset(&printing->arena);
	printing->failed = ferror(stdout) != 0;
	return !printing->failed;
}

/* To whom the records are: how complete the index was is said beside. */
static void tell(const struct ledger_searched *searched)
{
	if (!searched->by_index)
		fprintf(stderr, "every line was read, without an index (%s)\n", searched->why);
	else if (searched->why[0] != '\0')
		fprintf(stderr, "lines were read in place of the index: %s\n", searched->why);
	else if (searched->read != 0)
		fprintf(stderr, "the index has come to record %" PRIu64 "; %" PRIu64 " newer ones were read\n",
			searched->indexed, searched->read);
}

int audit_search(int argc, char **argv)
{
	const char *data = "./framewall-data", *record = NULL, *limit_text = NULL, *before_text = NULL;
	struct printing printing = { 0 };
	struct search_texts wanted = { 0 };
	bool no_index = false;
	const struct option_row rows[] = {
		AUDIT_FILTER_OPTIONS(wanted),
		{ "--limit", "N", &limit_text, NULL, "the newest N; default 100" },
		{ "--before", "SEQUENCE", &before_text, NULL, "records before the one with this number" },
		{ "--no-index", NULL, NULL, &no_index, "reads every line, as if there were no index" },
		{ "--data", "DIR", &data, NULL, "the server's state; default ./framewall-data" },
		{ "--record", "DIR", &record, NULL, "the record's folder; default DATA/record" },
		{ "--json", NULL, NULL, &printing.json, "the records as they are, a JSON object a line" },
	};
	struct options options = { "audit search", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);
	struct ledger_searched searched;
	struct search_filter filter;
	char folder[AUDIT_PATH];
	long limit = LIMIT_DEFAULT, before = 0;

	if (result != OPTIONS_GO_ON)
		return result;
	if ((limit_text != NULL && !options_number("audit search", "--limit", limit_text, 1, LIMIT_MOST, &limit)) ||
	    (before_text != NULL && !options_number("audit search", "--before", before_text, 1, INT64_MAX, &before)))
		return COMMAND_USAGE;
	result = audit_filter("audit search", &wanted, &filter);
	if (result != OPTIONS_GO_ON)
		return result;
	if (!audit_folder(data, record, folder))
		return options_usage("audit search", "the path is too long");
	const struct ledger_query query = { folder, &filter.filter, (uint64_t)before, (size_t)limit, no_index, NULL };

	arena_init(&printing.arena, ARENA);
	result = ledger_search(&query, print_line, &printing, &searched);
	arena_fini(&printing.arena);
	if (result != 0)
		return audit_unreadable("audit search", folder);
	if (printing.failed || fflush(stdout) != 0)
		return options_could_not("audit search", "cannot write: %s", strerror(errno));
	if (!printing.json)
		tell(&searched);
	return COMMAND_DONE;
}

/* The last lines, oldest first: what the search gives, turned around. */
struct last_lines {
	struct printing *printing;
	uint64_t sequences[TAIL_LINES];
	size_t count;
};

static bool note_sequence(void *user, struct fw_slice line)
{
	struct last_lines *last = user;
	struct segment_line parts;

	if (segment_line(line, &parts))
		last->sequences[last->count++] = parts.sequence;
	return true;
}

struct tailing {
	const char *folder;
	uint64_t segment; /* its first record, 0: none yet */
	uint64_t after;	  /* records up to this one are not printed */
	struct lines lines;
};

/* The segment to begin with, or the one behind that which is read; 0: there is none. */
static uint64_t find_next(const struct tailing *tailing)
{
	struct segment_list list;
	uint64_t next = 0;

	if (segment_list(tailing->folder, &list) != 0)
		return 0;
	for (size_t i = 0; i < list.count; i++) {
		if (tailing->segment == 0 && (next == 0 || list.firsts[i] <= tailing->after + 1))
			next = list.firsts[i];
		else if (tailing->segment != 0 && next == 0 && list.firsts[i] > tailing->segment)
			next = list.firsts[i];
	}
	segment_list_fini(&list);
	return next;
}

static bool open_at(struct tailing *tailing, uint64_t first)
{
	lines_close(&tailing->lines);
	tailing->segment = first;
	return segment_open(tailing->folder, first, &tailing->lines) == 0;
}

/* Prints what is new in the segment that is read; false when output goes wrong. */
static bool print_segment(struct tailing *tailing, struct printing *printing)
{
	struct segment_line parts;
	struct fw_slice line;
	bool whole;

	while (lines_next(&tailing->lines, &line, &whole) == 1) {
		if (!whole) { /* it is read again when the rest is there */
			lines_seek(&tailing->lines, tailing->lines.offset - line.size);
			break;
		}
		if (segment_line(line, &parts) && parts.sequence > tailing->after && !print_line(printing, line))
			return false;
	}
	return true;
}

static bool print_new(struct tailing *tailing, struct printing *printing)
{
	uint64_t next;

	do {
		next = find_next(tailing); /* first: when there is one, this one has no more to come */
		if (tailing->segment != 0 && !print_segment(tailing, printing))
			return false;
		if (next != 0 && !open_at(tailing, next))
			tailing->segment = 0;
	} while (next != 0);
	return fflush(stdout) == 0;
}

int audit_tail(int argc, char **argv)
{
	const char *data = "./framewall-data", *record = NULL;
	const struct timespec pause = { 0, POLL_MS * 1000000L };
	struct tailing tailing = { .lines = { .fd = -1 } };
	const struct ledger_filter all = { 0 };
	struct printing printing = { 0 };
	struct last_lines last = { 0 };
	struct ledger_searched searched;
	bool once = false;
	const struct option_row rows[] = {
		{ "--once", NULL, NULL, &once, "end after what is there" },
		{ "--data", "DIR", &data, NULL, "the server's state; default ./framewall-data" },
		{ "--record", "DIR", &record, NULL, "the record's folder; default DATA/record" },
		{ "--json", NULL, NULL, &printing.json, "the records as they are, a JSON object a line" },
	};
	struct options options = { "audit tail", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);
	char folder[AUDIT_PATH];
	bool failed;

	if (result != OPTIONS_GO_ON)
		return result;
	if (!audit_folder(data, record, folder))
		return options_usage("audit tail", "the path is too long");
	const struct ledger_query query = { folder, &all, 0, TAIL_LINES, true, NULL };

	if (ledger_search(&query, note_sequence, &last, &searched) != 0)
		return audit_unreadable("audit tail", folder);
	tailing.folder = folder;
	if (last.count != 0)
		tailing.after = last.sequences[last.count - 1] - 1;
	arena_init(&printing.arena, ARENA);
	do {
		failed = !print_new(&tailing, &printing);
		if (!failed && !once)
			nanosleep(&pause, NULL);
	} while (!failed && !once);
	lines_close(&tailing.lines);
	arena_fini(&printing.arena);
	return failed ? options_could_not("audit tail", "cannot write: %s", strerror(errno)) : COMMAND_DONE;
}
