#include "record/follow.h"

#include <errno.h>
#include <string.h>

#include "base/slice.h"
#include "record/segment.h"

bool follow_open(struct follow *follow, const char *directory, uint64_t after)
{
	*follow = (struct follow){ .next = after + 1, .lines = { .fd = -1 } };
	return storage_path(directory, "", follow->directory);
}

void follow_close(struct follow *follow)
{
	lines_close(&follow->lines);
	follow->segment = 0;
}

void follow_seek(struct follow *follow, uint64_t after)
{
	follow_close(follow);
	follow->next = after + 1;
}

/* The segment that must have the record, and the one behind it: 0 where there is none. */
static int find(const struct follow *follow, uint64_t *ret_has, uint64_t *ret_behind)
{
	struct segment_list list;

	*ret_has = *ret_behind = 0;
	if (segment_list(follow->directory, &list) != 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		if (list.firsts[i] <= follow->next)
			*ret_has = list.firsts[i];
		else if (*ret_behind == 0)
			*ret_behind = list.firsts[i];
	}
	segment_list_fini(&list);
	return 0;
}

static int open_segment(struct follow *follow, uint64_t first)
{
	follow_close(follow);
	if (segment_open(follow->directory, first, &follow->lines) != 0)
		return -1;
	follow->segment = first;
	return 0;
}

static enum follow_result skip_to(struct follow *follow, uint64_t first, uint64_t *ret_first)
{
	*ret_first = follow->next;
	follow->next = first;
	return FOLLOW_GAP;
}

/* FOLLOW_END: there is no more in this segment, up to now. */
static enum follow_result read_segment(struct follow *follow, struct fw_slice *ret_line, uint64_t *ret_first)
{
	struct segment_line parts;
	bool whole;
	int got;

	while ((got = lines_next(&follow->lines, ret_line, &whole)) == 1) {
		if (!whole && ret_line->size == LINES_ROOM)
			return FOLLOW_DAMAGE; /* no record is as long */
		if (!whole) {		      /* it is read again when the rest is there */
			lines_seek(&follow->lines, follow->lines.offset - ret_line->size);
			return FOLLOW_END;
		}
		if (!segment_line(*ret_line, &parts))
			return FOLLOW_DAMAGE;
		if (parts.sequence > follow->next) {
			lines_seek(&follow->lines, follow->lines.offset - ret_line->size - 1);
			return skip_to(follow, parts.sequence, ret_first);
		}
		if (parts.sequence < follow->next)
			continue;
		follow->next++;
		return FOLLOW_RECORD;
	}
	return got == 0 ? FOLLOW_END : errno == EBADMSG ? FOLLOW_DAMAGE : FOLLOW_FAILED;
}

/* At the end of what is open. Another segment is opened: FOLLOW_RECORD. */
static enum follow_result move_on(struct follow *follow, bool again, uint64_t *ret_first)
{
	uint64_t has, behind;

	if (find(follow, &has, &behind) != 0)
		return FOLLOW_FAILED;
	if (has != 0 && has != follow->segment) {
		if (open_segment(follow, has) == 0)
			return FOLLOW_RECORD;
		return errno == ENOENT ? FOLLOW_END : FOLLOW_FAILED; /* archived this moment */
	}
	/* There is a segment behind: then this one was at its end before that one began. Read to its end once more. */
	if (behind == 0)
		return FOLLOW_END;
	if (has != 0 && !again)
		return FOLLOW_RECORD;
	return skip_to(follow, behind, ret_first);
}

enum follow_result follow_next(struct follow *follow, uint64_t until, struct fw_slice *ret_line, uint64_t *ret_first)
{
	enum follow_result result;
	bool again = false;

	if (follow->next > until)
		return FOLLOW_END;
	for (;;) {
		uint64_t segment = follow->segment;

		result = segment != 0 ? read_segment(follow, ret_line, ret_first) : FOLLOW_END;
		if (result != FOLLOW_END)
			return result;
		result = move_on(follow, again, ret_first);
		if (result != FOLLOW_RECORD)
			return result;
		again = follow->segment == segment;
	}
}
