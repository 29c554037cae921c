#include "record/ledger_search.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "record/lines.h"
#include "record/segment.h"
#include "record/storage.h"

enum { ARENA = 1 << 20 };

struct search {
	const struct ledger_filter *filter;
	struct arena arena;
	/* the newest lines of the segment that is read, at most limit of them */
	char **kept;
	size_t *sizes;
	size_t limit, count, next;
};

static bool member_is(struct search *search, const struct json *json, const char *name, const char *want)
{
	uint32_t node;

	if (want == NULL)
		return true;
	node = json_member(json, 0, name, strlen(name));
	return node != 0 && json->nodes[node].kind == JSON_STRING &&
	       slice_is(json_text(json, node, &search->arena), want);
}

static bool is_within(const struct json *json, const struct ledger_filter *filter)
{
	uint32_t node = json_member(json, 0, "timestamp", 9);
	struct fw_slice time;

	if (node == 0 || json->nodes[node].kind != JSON_STRING)
		return false;
	time = slice(json->text + json->nodes[node].offset, json->nodes[node].size);
	return (filter->from == NULL ||
		(strlen(filter->from) <= time.size && memcmp(time.data, filter->from, strlen(filter->from)) >= 0)) &&
	       (filter->to == NULL ||
		(strlen(filter->to) <= time.size && memcmp(time.data, filter->to, strlen(filter->to)) <= 0));
}

static bool matches(struct search *search, struct fw_slice line)
{
	const struct ledger_filter *filter = search->filter;
	struct json json;
	bool match;

	/* Most lines are of another type: that shows without reading the whole. */
	if (filter->event_type != NULL &&
	    memmem(line.data, line.size, filter->event_type, strlen(filter->event_type)) == NULL)
		return false;
	match = json_parse(&search->arena, line, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT &&
		member_is(search, &json, "event_type", filter->event_type) &&
		member_is(search, &json, "source_ip", filter->source_ip) &&
		member_is(search, &json, "user_id", filter->user_id) &&
		member_is(search, &json, "level", filter->level) && is_within(&json, filter);
	arena_reset(&search->arena);
	return match;
}

static bool keep(struct search *search, struct fw_slice line)
{
	char *text = mem_text(line.data, line.size);

	if (text == NULL)
		return false;
	mem_free(search->kept[search->next]);
	search->kept[search->next] = text;
	search->sizes[search->next] = line.size;
	search->next = (search->next + 1) % search->limit;
	if (search->count < search->limit)
		search->count++;
	return true;
}

static int read_segment(struct search *search, const char *path)
{
	struct fw_slice line;
	struct lines lines;
	bool whole;
	int got;

	if (lines_open(&lines, path) != 0)
		return errno == ENOENT ? 0 : -1; /* archived meanwhile */
	while ((got = lines_next(&lines, &line, &whole)) == 1)
		if (whole && matches(search, line) && !keep(search, line)) {
			errno = ENOMEM;
			got = -1;
			break;
		}
	lines_close(&lines);
	return got;
}

/* Gives what was kept, the newest first, and forgets it; false when nobody wants more. */
static bool give(struct search *search, ledger_found_function *found, void *user)
{
	bool more = true;

	for (; search->count != 0; search->count--) {
		size_t size;

		search->next = (search->next + search->limit - 1) % search->limit;
		size = search->sizes[search->next];
		more = more && found(user, slice(search->kept[search->next], size));
		mem_free(search->kept[search->next]);
		search->kept[search->next] = NULL;
	}
	search->next = 0;
	return more;
}

static int run(struct search *search, const char *directory, const struct segment_list *list,
	       ledger_found_function *found, void *user)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	int result = 0;

	for (size_t i = list->count; i-- != 0 && search->limit != 0 && result == 0;) {
		size_t matched;

		segment_name(list->firsts[i], ".log", name);
		result = storage_path(directory, name, path) ? read_segment(search, path) : -1;
		matched = search->count;
		if (!give(search, found, user))
			break;
		search->limit -= matched;
	}
	return result;
}

int ledger_search(const char *directory, const struct ledger_filter *filter, size_t limit, ledger_found_function *found,
		  void *user)
{
	struct search search = { .filter = filter, .limit = limit };
	struct segment_list list;
	int result = -1, reason;

	if (segment_list(directory, &list) != 0)
		return -1;
	arena_init(&search.arena, ARENA);
	search.kept = mem_zero(limit, sizeof(*search.kept));
	search.sizes = mem_zero(limit, sizeof(*search.sizes));
	errno = ENOMEM;
	if (search.kept != NULL && search.sizes != NULL)
		result = run(&search, directory, &list, found, user);
	reason = errno;
	mem_free(search.kept);
	mem_free(search.sizes);
	arena_fini(&search.arena);
	segment_list_fini(&list);
	errno = reason;
	return result;
}

/* 1: go on, 0: nobody wants more, -1 with errno. A line that is no record is given too where any is asked for: whoever
 * reads all has to know of it. */
static int scan_segment(struct search *search, const char *path, uint64_t after, ledger_found_function *found,
			void *user)
{
	static const struct ledger_filter any;
	struct segment_line parts;
	struct fw_slice line;
	struct lines lines;
	int got = 0, more = 1;
	bool whole;

	if (lines_open(&lines, path) != 0)
		return errno == ENOENT ? 1 : -1; /* archived meanwhile */
	while (more == 1 && (got = lines_next(&lines, &line, &whole)) == 1) {
		if (!whole || (segment_line(line, &parts) && parts.sequence <= after))
			continue;
		if (memcmp(search->filter, &any, sizeof(any)) == 0 || matches(search, line))
			more = found(user, line);
	}
	lines_close(&lines);
	return got < 0 ? -1 : more;
}

int ledger_scan(const char *directory, const struct ledger_filter *filter, uint64_t after, ledger_found_function *found,
		void *user)
{
	struct search search = { .filter = filter };
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	struct segment_list list;
	int more = 1, reason;

	if (segment_list(directory, &list) != 0)
		return -1;
	arena_init(&search.arena, ARENA);
	for (size_t i = 0; i < list.count && more == 1; i++) {
		if (i + 1 < list.count && list.firsts[i + 1] <= after + 1)
			continue; /* all of it is known */
		segment_name(list.firsts[i], ".log", name);
		more = storage_path(directory, name, path) ? scan_segment(&search, path, after, found, user) : -1;
	}
	reason = errno;
	arena_fini(&search.arena);
	segment_list_fini(&list);
	errno = reason;
	return more < 0 ? -1 : 0;
}
