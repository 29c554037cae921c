#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/top.h"

enum { LINE = 512, PATH = 128, NAME = 64, STAGES = 48, NARROW = 20 };

static const struct {
	const char *name, *column;
} panes[] = {
#define TOP(name_, column_, help) { #name_, #column_ },
#include "tables/tops.def"
#undef TOP
};
const unsigned top_panes = sizeof(panes) / sizeof(*panes);

static const char *const decisions[] = {
#define DECISION(name, help) #name,
#include "tables/decisions.def"
#undef DECISION
};
enum { DECISIONS = sizeof(decisions) / sizeof(*decisions) };

/* Two moments and the page that is being made. */
struct making {
	struct top_page *page;
	const struct top_sample *before, *now;
	const struct top_view *view;
};

/* Octets of the first so many characters; a character is taken to be a column wide. */
static size_t cut(const char *text, size_t size, unsigned columns)
{
	size_t at = 0;

	for (unsigned used = 0; at < size; used++) {
		size_t next = at + 1;

		if (columns != 0 && used == columns)
			break;
		while (next < size && ((unsigned char)text[next] & 0xc0) == 0x80)
			next++;
		at = next;
	}
	return at;
}

/* Names come from clients: nothing of them may move the cursor. */
static void tame(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static void __attribute__((format(printf, 2, 3))) line(struct making *making, const char *format, ...)
{
	struct top_page *page = making->page;
	char text[LINE];
	va_list arguments;
	size_t size;

	if (making->view->rows != 0 && page->row >= making->view->rows)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments); /* NOLINT: va_start is above; clang-tidy 14 forgets it */
	va_end(arguments);
	tame(text);
	size = cut(text, strlen(text), making->view->columns);
	if (page->size + size + 1 > page->room) {
		size_t room = page->room + page->room / 2 + LINE;
		char *larger = mem_resize(page->text, room);

		if (larger == NULL) {
			page->failed = true;
			return;
		}
		page->text = larger;
		page->room = room;
	}
	memcpy(page->text + page->size, text, size);
	page->size += size;
	page->text[page->size++] = '\n';
	page->row++;
}

/* By what it grew, a second. Who began anew counts from 0. */
static double rate(const struct making *making, const char *path)
{
	uint64_t before = top_sample_number(making->before, path), now = top_sample_number(making->now, path);
	double seconds = (double)(making->now->at_ns - making->before->at_ns) / 1e9;

	return seconds > 0 ? (double)(now >= before ? now - before : now) / seconds : 0;
}

/* The same of "group.one.two"; two NULL: of "group.one". */
static double rate_of(const struct making *making, const char *group, const char *one, const char *two)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%.40s.%.40s%s%.40s", group, one, two != NULL ? "." : "", two != NULL ? two : "");
	return rate(making, path);
}

static uint64_t stage_number(const struct making *making, const char *stage, const char *name)
{
	char path[PATH];

	snprintf(path, sizeof(path), "stages.%.40s.%.40s", stage, name);
	return top_sample_number(making->now, path);
}

static const char *amount(double value, char room[NAME])
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	unsigned unit = 0;

	while (value >= 100000 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(room, NAME, value != 0 && value < 10 ? "%.1f%s" : "%.0f%s", value, units[unit]);
	return room;
}

static const char *span(uint64_t ns, char room[NAME])
{
	if (ns == 0)
		snprintf(room, NAME, "-");
	else if (ns < 1000)
		snprintf(room, NAME, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(room, NAME, "%.1f us", (double)ns / 1e3);
	else
		snprintf(room, NAME, "%.1f ms", (double)ns / 1e6);
	return room;
}

static void head(struct making *making)
{
	uint64_t up = top_sample_number(making->now, "uptime_seconds");
	char a[NAME], b[NAME], c[NAME], d[NAME], e[NAME], f[NAME];

	line(making,
	     "framewall  up %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "  workers %" PRIu64 "  connections %" PRIu64
	     "  logged in %" PRIu64 "  blocked %" PRIu64,
	     up / 3600, up / 60 % 60, up % 60, top_sample_number(making->now, "workers"),
	     top_sample_number(making->now, "active_connections"),
	     top_sample_number(making->now, "counters.sessions_open"), top_sample_number(making->now, "blocked_ips"));
	line(making, "messages/s  in %s  out %s   octets/s  in %s  out %s   records/s %s",
	     amount(rate(making, "counters.messages_in"), a), amount(rate(making, "counters.messages_out"), b),
	     amount(rate(making, "counters.bytes_in"), c), amount(rate(making, "counters.bytes_out"), d),
	     amount(rate(making, "counters.records"), e));
	line(making, "connections/s %s  logins/s %s  refused logins/s %s  over a rate/s %s   judging p50 %s  p99 %s",
	     amount(rate(making, "counters.connections"), a), amount(rate(making, "counters.logins"), b),
	     amount(rate(making, "counters.auth_failures"), c), amount(rate(making, "counters.rate_limited"), d),
	     span(top_sample_number(making->now, "judging.in.p50_ns"), e),
	     span(top_sample_number(making->now, "judging.in.p99_ns"), f));
}

static void verdicts(struct making *making)
{
	static const char *const directions[] = { "in", "out" };
	char text[LINE] = "messages/s  ", room[NAME];
	size_t used = strlen(text);

	for (unsigned i = 0; i < DECISIONS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %12s", decisions[i]);
	line(making, "%s", "");
	line(making, "%s", text);
	for (unsigned out = 0; out < 2; out++) {
		used = (size_t)snprintf(text, sizeof(text), "  %-10s", directions[out]);
		for (unsigned i = 0; i < DECISIONS; i++)
			used += (size_t)snprintf(
				text + used, sizeof(text) - used, " %12s",
				amount(rate_of(making, "decisions", directions[out], decisions[i]), room));
		line(making, "%s", text);
	}
}

struct stage {
	char name[NAME];
	double refused, closed, would;
	uint64_t half_ns, most_ns;
	unsigned place;
};

static _Thread_local enum top_order ordered;

static int compare(const void *left, const void *right)
{
	const struct stage *a = left, *b = right;
	double more = ordered == TOP_BY_REFUSED ? b->refused + b->closed + b->would - a->refused - a->closed - a->would
		      : ordered == TOP_BY_TIME	? (double)b->most_ns - (double)a->most_ns
						: 0;

	return more > 0 ? 1 : more < 0 ? -1 : (int)a->place - (int)b->place;
}

static void stages(struct making *making)
{
	static const char *const orders[TOP_ORDERS] = { "in their order", "refused", "time" };
	const struct json *json = &making->now->stats;
	uint32_t object = json_member(json, 0, "stages", 6);
	struct stage all[STAGES];
	unsigned count = 0;
	char a[NAME], b[NAME], c[NAME], d[NAME], e[NAME];

	if (object == 0 || json->nodes[object].kind != JSON_OBJECT)
		return;
	for (uint32_t key = object + 1; key < json->nodes[object].next && count < STAGES;
	     key = json->nodes[key + 1].next) {
		struct stage *stage = &all[count];

		snprintf(stage->name, sizeof(stage->name), "%.*s", (int)json->nodes[key].size,
			 json->text + json->nodes[key].offset);
		stage->place = count++;
		stage->refused = rate_of(making, "stages", stage->name, "refuse");
		stage->closed = rate_of(making, "stages", stage->name, "close");
		stage->would = rate_of(making, "stages", stage->name, "would_refuse");
		stage->half_ns = stage_number(making, stage->name, "p50_ns");
		stage->most_ns = stage_number(making, stage->name, "p99_ns");
	}
	ordered = making->view->order;
	qsort(all, count, sizeof(all[0]), compare);
	line(making, "%s", "");
	line(making, "%-12s %10s %10s %12s %10s %10s   by %s", "stage", "refuse/s", "close/s", "would_refuse", "p50",
	     "p99", orders[making->view->order]);
	for (unsigned i = 0; i < count; i++)
		line(making, "  %-10s %10s %10s %12s %10s %10s", all[i].name, amount(all[i].refused, a),
		     amount(all[i].closed, b), amount(all[i].would, c), span(all[i].half_ns, d),
		     span(all[i].most_ns, e));
}

static void classes(struct making *making)
{
	static const char *const names[] = {
#define DETECT_CLASS(name, word, help) #word,
#include "tables/detect_classes.def"
#undef DETECT_CLASS
	};
	char text[LINE] = "found/s", room[NAME];
	size_t used = strlen(text);

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "  %s %s", names[i],
					 amount(rate_of(making, "findings", names[i], "refuse") +
							rate_of(making, "findings", names[i], "would_refuse") +
							rate_of(making, "findings", names[i], "flag"),
						room));
	line(making, "%s", "");
	line(making, "%s", text);
}

static uint64_t number_at(const struct json *json, uint32_t object, const char *name)
{
	uint32_t node = json_member(json, object, name, strlen(name));
	int64_t value;

	return node != 0 && json_integer(json, node, &value) && value > 0 ? (uint64_t)value : 0;
}

static void pane(struct making *making, unsigned which)
{
	const struct json *json = &making->now->most;
	const char *window = making->view->all ? "all" : "recent";
	uint32_t object = json_member(json, 0, window, strlen(window)), list = 0;
	unsigned shown = 0;

	if (object != 0 && json->nodes[object].kind == JSON_OBJECT)
		list = json_member(json, object, panes[which].name, strlen(panes[which].name));
	line(making, "%s", "");
	if (making->view->all)
		line(making, "%-40s %12s   since the start", panes[which].name, panes[which].column);
	else
		line(making, "%-40s %12s   in %" PRIu64 " s", panes[which].name, panes[which].column,
		     number_at(json, 0, "recent_seconds"));
	if (list == 0 || json->nodes[list].kind != JSON_ARRAY)
		return;
	for (uint32_t one = list + 1; one < json->nodes[list].next; one = json->nodes[one].next) {
		uint32_t name = json_member(json, one, "name", 4);
		struct fw_slice raw = name != 0 ? json_raw(json, name) : slice("\"\"", 2);

		if (making->view->rows == 0 && ++shown > 10)
			break;
		line(making, "  %-38.*s %12" PRIu64, (int)raw.size - 2, (const char *)raw.data + 1,
		     number_at(json, one, "count"));
	}
}

void top_page_make(struct top_page *page, const struct top_sample *before, const struct top_sample *now,
		   const struct top_view *view)
{
	struct making making = { page, before, now, view };

	head(&making);
	if (view->help) {
		line(&making, "%s", "");
		line(&making, "q quit   s order of the stages   Tab, 1-%u what there is most of", top_panes);
		line(&making, "a since the start, or the last minutes   h this   space: now");
		return;
	}
	verdicts(&making);
	classes(&making);
	/* A terminal has one pane; it comes first where there is little room. */
	if (view->rows != 0 && view->rows < NARROW) {
		pane(&making, view->pane);
		return;
	}
	stages(&making);
	for (unsigned i = 0; i < top_panes; i++)
		if (view->rows == 0 || i == view->pane)
			pane(&making, i);
}

int top_page_json(const struct top_sample *before, const struct top_sample *now)
{
	static const char *const counters[] = { "messages_in", "messages_out", "bytes_in",	"bytes_out", "refused",
						"connections", "logins",       "auth_failures", "records" };
	struct making making = { .before = before, .now = now };
	struct fw_slice stats = slice_trim(now->answers[0].body), most = slice_trim(now->answers[1].body);

	printf("{\"seconds\":%.3f,\"rates\":{", (double)(now->at_ns - before->at_ns) / 1e9);
	for (unsigned i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		printf("%s\"%s\":%.1f", i == 0 ? "" : ",", counters[i],
		       rate_of(&making, "counters", counters[i], NULL));
	printf("},\"stats\":%.*s,\"top\":%.*s}\n", (int)stats.size, (const char *)stats.data, (int)most.size,
	       (const char *)most.data);
	return COMMAND_DONE;
}
