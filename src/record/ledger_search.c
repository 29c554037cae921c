#include "record/ledger_search.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_search_parts.h"
#include "record/segment.h"

enum { ARENA = 1 << 20 };

/* Lines of a segment, oldest first: of those that match the newest are kept, as many as may be given. */
struct newest {
	char **texts;
	size_t *sizes;
	size_t room, count, next;
};

struct place { /* where to begin reading */
	uint64_t segment, offset;
};

bool search_give(struct search *search, struct fw_slice line)
{
	search->left--;
	search->enough = !search->found(search->user, line) || search->left == 0;
	return !search->enough;
}

static bool keep(struct newest *newest, struct fw_slice line)
{
	char *text = mem_text(line.data, line.size);

	if (text == NULL)
		return false;
	mem_free(newest->texts[newest->next]);
	newest->texts[newest->next] = text;
	newest->sizes[newest->next] = line.size;
	newest->next = (newest->next + 1) % newest->room;
	if (newest->count < newest->room)
		newest->count++;
	return true;
}

/* Whatever is JSON and matches, also where it has not the form of a record any more: it is the verifier's business. */
static int read_segment(struct search *search, uint64_t segment, uint64_t offset, uint64_t after, struct newest *newest)
{
	struct segment_line parts;
	struct fw_slice line;
	struct lines lines;
	bool whole;
	int got = 0;

	if (segment_open(search->query->directory, segment, &lines) != 0)
		return errno == ENOENT ? 0 : -1; /* removed meanwhile */
	lines_seek(&lines, offset);
	while (!search_is_over(search) && (got = lines_next(&lines, &line, &whole)) == 1) {
		if (!whole)
			continue;
		if (segment_line(line, &parts)) {
			if (parts.sequence >= search->before)
				break;
			if (parts.sequence <= after)
				continue;
			search->read++;
		}
		if (filter_matches(search->query->filter, &search->arena, line) && !keep(newest, line)) {
			errno = ENOMEM;
			got = -1;
			break;
		}
	}
	lines_close(&lines);
	return got < 0 ? -1 : 0;
}

/* Gives what was kept, the newest first, and forgets it. */
static void give(struct search *search, struct newest *newest)
{
	for (; newest->count != 0; newest->count--) {
		newest->next = (newest->next + newest->room - 1) % newest->room;
		if (!search->enough)
			search_give(search, slice(newest->texts[newest->next], newest->sizes[newest->next]));
		mem_free(newest->texts[newest->next]);
		newest->texts[newest->next] = NULL;
	}
	newest->next = 0;
}

static int read_segments(struct search *search, uint64_t after, const struct place *place, struct newest *newest)
{
	struct segment_list list;
	int result = 0, reason;

	if (segment_list(search->query->directory, &list) != 0)
		return -1;
	for (size_t i = list.count; i-- != 0 && !search->enough && result == 0;) {
		if (list.firsts[i] >= search->before)
			continue;
		if (i + 1 < list.count && list.firsts[i + 1] <= after + 1)
			break;
		newest->room = search->left;
		result = read_segment(search, list.firsts[i], list.firsts[i] == place->segment ? place->offset : 0,
				      after, newest);
		reason = errno;
		give(search, newest);
		errno = reason;
	}
	reason = errno;
	segment_list_fini(&list);
	errno = reason;
	return result;
}

/* The records after one and below search->before. */
static int read_lines(struct search *search, uint64_t after, const struct place *place)
{
	struct newest newest = { 0 };
	int result = -1, reason;

	newest.texts = mem_zero(search->left, sizeof(*newest.texts));
	newest.sizes = mem_zero(search->left, sizeof(*newest.sizes));
	errno = ENOMEM;
	if (newest.texts != NULL && newest.sizes != NULL)
		result = read_segments(search, after, place, &newest);
	reason = errno;
	mem_free(newest.texts);
	mem_free(newest.sizes);
	errno = reason;
	return result;
}

/* First what the index has not come to, then what it finds; whatever it does not say, the lines do. */
static int run(struct search *search, struct ledger_searched *searched)
{
	static const struct place beginning;
	struct index_state state = { 0 };
	enum index_result result = INDEX_NONE;
	struct index_db db = { 0 };
	int failed;

	if (search->query->no_index)
		snprintf(searched->why, sizeof(searched->why), "every line was asked for");
	else
		result = index_db_open(&db, search->query->directory, &state, searched->why);
	if (result == INDEX_OK) {
		const struct place end = { state.segment, state.end };

		searched->by_index = true;
		searched->indexed = state.last;
		failed = read_lines(search, state.last, &end);
		searched->read = search->read;
		if (failed == 0 && !search->enough) {
			if (search->before > state.last + 1)
				search->before = state.last + 1;
			index_search(search, &db, &state, searched->why); /* says itself what it did not do */
		}
		index_db_close(&db);
		if (failed != 0 || search->enough)
			return failed;
	}
	return read_lines(search, 0, &beginning);
}

int ledger_search(const struct ledger_query *query, ledger_found_function *found, void *user,
		  struct ledger_searched *ret_searched)
{
	struct search search = { .query = query, .found = found, .user = user, .left = query->limit };
	int result, reason;

	*ret_searched = (struct ledger_searched){ 0 };
	search.before = query->before != 0 ? query->before : UINT64_MAX;
	if (query->limit == 0)
		return 0;
	arena_init(&search.arena, ARENA);
	result = run(&search, ret_searched);
	reason = errno;
	arena_fini(&search.arena);
	errno = reason;
	return result;
}

/* 1: go on, 0: nobody wants more, -1 with errno. A line that is no record is given too where any is asked for: whoever
 * reads all has to know of it. */
static int scan_segment(const char *directory, uint64_t segment, const struct ledger_filter *filter,
			struct arena *arena, uint64_t after, ledger_found_function *found, void *user)
{
	struct segment_line parts;
	struct fw_slice line;
	struct lines lines;
	int got = 0, more = 1;
	bool whole;

	if (segment_open(directory, segment, &lines) != 0)
		return errno == ENOENT ? 1 : -1; /* removed meanwhile */
	while (more == 1 && (got = lines_next(&lines, &line, &whole)) == 1) {
		if (!whole || (segment_line(line, &parts) && parts.sequence <= after))
			continue;
		if (filter_is_empty(filter) || filter_matches(filter, arena, line))
			more = found(user, line);
	}
	lines_close(&lines);
	return got < 0 ? -1 : more;
}

int ledger_scan(const char *directory, const struct ledger_filter *filter, uint64_t after, ledger_found_function *found,
		void *user)
{
	struct segment_list list;
	struct arena arena;
	int more = 1, reason;

	if (segment_list(directory, &list) != 0)
		return -1;
	arena_init(&arena, ARENA);
	for (size_t i = 0; i < list.count && more == 1; i++)
		if (i + 1 == list.count || list.firsts[i + 1] > after + 1) /* else all of it is known */
			more = scan_segment(directory, list.firsts[i], filter, &arena, after, found, user);
	reason = errno;
	arena_fini(&arena);
	segment_list_fini(&list);
	errno = reason;
	return more < 0 ? -1 : 0;
}
