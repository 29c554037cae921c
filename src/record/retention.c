#include "record/retention.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "record/archive.h"
#include "record/ledger_key.h"
#include "record/removed.h"
#include "record/segment.h"

/* A crash can leave the last two unfinished. */
enum { TEXTS_LEAST = 2 };

struct keeping {
	const struct retention *retention;
	const struct storage *storage;
	struct segment_list all, texts;
	char *why;
};

static enum retention_step fails(struct keeping *keeping, const char *what)
{
	snprintf(keeping->why, RETENTION_WHY, "%s: %s", what, strerror(errno));
	return RETENTION_FAILED;
}

static bool path_of(const struct keeping *keeping, uint64_t segment, const char *suffix, char ret_path[STORAGE_PATH])
{
	char name[SEGMENT_NAME];

	segment_name(segment, suffix, name);
	return storage_path(keeping->retention->directory, name, ret_path);
}

static bool is_text(const struct keeping *keeping, uint64_t segment)
{
	for (size_t i = 0; i < keeping->texts.count; i++)
		if (keeping->texts.firsts[i] == segment)
			return true;
	return false;
}

static bool remove_file(const struct keeping *keeping, uint64_t segment, const char *suffix)
{
	char path[STORAGE_PATH];

	return path_of(keeping, segment, suffix, path) && (keeping->storage->remove(path) == 0 || errno == ENOENT);
}

/* The text goes when the archive is on the disk. */
static enum retention_step archive(struct keeping *keeping, uint64_t segment)
{
	char text[STORAGE_PATH], packed[STORAGE_PATH];

	if (!path_of(keeping, segment, ".log", text) || !path_of(keeping, segment, SEGMENT_ARCHIVE, packed) ||
	    archive_make(keeping->storage, text, packed) != 0 ||
	    storage_sync_folder(keeping->storage, keeping->retention->directory) != 0 ||
	    !remove_file(keeping, segment, ".log"))
		return fails(keeping, "a segment cannot be compressed");
	return RETENTION_ARCHIVED;
}

/* What stands before the segment, verified from the first record that there is. 1: it holds, and is signed for to its
 * end; 0: to the next segment's end, perhaps; -1: it does not hold, or cannot be read (errno). */
static int verify_before(struct keeping *keeping, uint64_t segment, struct ledger_resume *ret_state)
{
	const struct ledger_verify_options options = { .directory = keeping->retention->directory,
						       .resume = ret_state,
						       .until = segment };
	struct ledger_report report;

	memset(ret_state, 0, sizeof(*ret_state));
	if (ledger_verify(&options, &report) != 0)
		return -1;
	errno = 0;
	if (report.holds && ret_state->segment == segment)
		return ret_state->holds_to == segment - 1;
	snprintf(keeping->why, RETENTION_WHY,
		 "records before %llu are not removed, they do not hold: see framewall audit verify",
		 (unsigned long long)segment);
	return -1;
}

static bool sign(struct keeping *keeping, const struct ledger_resume *state)
{
	char path[STORAGE_PATH];
	struct note_key key;
	int found =
		storage_path(keeping->retention->key_directory, "ledger.key", path) ? ledger_key_read(path, &key) : -1;
	bool signed_;

	if (found == 0)
		errno = ENOENT;
	if (found <= 0)
		return false;
	signed_ = removed_write(keeping->storage, keeping->retention->directory, &key, state) == 0;
	note_key_fini(&key);
	return signed_;
}

static bool remove_segment(struct keeping *keeping, uint64_t segment)
{
	/* its checkpoints last: a segment without them is one that a crash left */
	return remove_file(keeping, segment, ".log") && remove_file(keeping, segment, SEGMENT_ARCHIVE) &&
	       remove_file(keeping, segment, ".checkpoints");
}

/* The oldest segment, or as many as it takes to come to one that was signed for to its end. */
static enum retention_step remove_oldest(struct keeping *keeping, uint64_t *ret_last)
{
	struct ledger_resume *state = mem_alloc(sizeof(*state));
	enum retention_step step = RETENTION_REMOVED;
	size_t count = 1;
	int holds = 0;

	errno = ENOMEM;
	if (state == NULL)
		return fails(keeping, "records cannot be removed");
	while (holds == 0 && count + 1 < keeping->all.count && !is_text(keeping, keeping->all.firsts[count - 1])) {
		holds = verify_before(keeping, keeping->all.firsts[count], state);
		count += holds == 0;
	}
	if (holds == 0)
		step = RETENTION_NOTHING;
	else if (holds < 0)
		step = errno != 0 ? fails(keeping, "records cannot be read") : RETENTION_FAILED;
	else if (!sign(keeping, state))
		step = fails(keeping, "what is to be removed cannot be signed");
	for (size_t i = 0; i < count && step == RETENTION_REMOVED; i++)
		if (!remove_segment(keeping, keeping->all.firsts[i]))
			step = fails(keeping, "a segment cannot be removed");
	*ret_last = step == RETENTION_REMOVED ? state->segment - 1 : 0;
	mem_free(state);
	return step;
}

/* What a crash left of a removal that was signed. False with errno. */
static bool finish_removal(struct keeping *keeping)
{
	struct ledger_resume *state = mem_alloc(sizeof(*state));
	struct segment_list histories;
	char path[STORAGE_PATH];
	struct note_key key;
	bool done = true;
	int found = -1;

	errno = ENOMEM;
	if (state != NULL && storage_path(keeping->retention->key_directory, "ledger.key", path)) {
		found = ledger_key_read(path, &key);
		if (found == 1) {
			found = removed_read(keeping->retention->directory, &key, state);
			note_key_fini(&key);
		}
	}
	if (found == 1 && segment_files(keeping->retention->directory, ".checkpoints", &histories) == 0) {
		for (size_t i = 0; i < keeping->all.count && done && keeping->all.firsts[i] < state->segment; i++)
			done = remove_segment(keeping, keeping->all.firsts[i]);
		for (size_t i = 0; i < histories.count && done && histories.firsts[i] < state->segment; i++)
			done = remove_segment(keeping, histories.firsts[i]);
		segment_list_fini(&histories);
	}
	mem_free(state);
	return found >= 0 && done;
}

static enum retention_step advance(struct keeping *keeping, uint64_t *ret_first, uint64_t *ret_last)
{
	const struct retention *retention = keeping->retention;
	size_t archives;
	uint64_t oldest;

	if (segment_list(retention->directory, &keeping->all) != 0 ||
	    segment_files(retention->directory, ".log", &keeping->texts) != 0)
		return fails(keeping, "the record cannot be read");
	if (keeping->all.count < 2)
		return RETENTION_NOTHING;
	/* one that is text and archived: a crash came between the two */
	archives = keeping->all.count - keeping->texts.count;
	oldest = keeping->all.firsts[0];
	if (retention->archives != 0 && archives > retention->archives && !is_text(keeping, oldest)) {
		*ret_first = oldest;
		return remove_oldest(keeping, ret_last);
	}
	if (retention->texts == 0 || keeping->texts.count <= retention->texts || keeping->texts.count <= TEXTS_LEAST)
		return RETENTION_NOTHING;
	*ret_first = keeping->texts.firsts[0];
	for (size_t i = 0; i + 1 < keeping->all.count; i++)
		if (keeping->all.firsts[i] == *ret_first)
			*ret_last = keeping->all.firsts[i + 1] - 1;
	return archive(keeping, *ret_first);
}

enum retention_step retention_advance(const struct retention *retention, uint64_t *ret_first, uint64_t *ret_last,
				      char ret_why[RETENTION_WHY])
{
	struct keeping keeping = { .retention = retention,
				   .storage = retention->storage != NULL ? retention->storage : &storage_system,
				   .why = ret_why };
	enum retention_step step = RETENTION_NOTHING;

	if (retention->archives != 0) {
		if (segment_list(retention->directory, &keeping.all) != 0 || !finish_removal(&keeping))
			step = fails(&keeping, "what was to be removed is still there");
		segment_list_fini(&keeping.all);
	}
	if (step == RETENTION_NOTHING)
		step = advance(&keeping, ret_first, ret_last);
	segment_list_fini(&keeping.all);
	segment_list_fini(&keeping.texts);
	return step;
}
