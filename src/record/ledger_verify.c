#include "record/ledger_verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/note.h"
#include "record/checkpoint.h"
#include "record/lines.h"
#include "record/removed.h"
#include "record/segment.h"
#include "record/storage.h"
#include "record/tile.h"

static const char missing[] = "it is not there", damaged[] = "the archive of a segment is damaged";

struct signed_tree { /* a checkpoint that was not made in a segment: the latest, and those kept elsewhere */
	uint64_t size;
	struct merkle_hash root;
	char file[LEDGER_FILE];
};

struct announced {
	struct note_key key;
	bool vouched; /* the key before has signed for the record that announces it */
};

struct verifier {
	const struct ledger_verify_options *options;
	struct ledger_report *report;
	struct note_key key, epoch;
	struct announced announced[LEDGER_ANNOUNCED];
	unsigned announced_count;
	struct signed_tree trees[LEDGER_EXPORTED + 1];
	unsigned tree_count;
	uint64_t latest; /* size of the latest checkpoint of the folder */
	char latest_note[CHECKPOINT_SIZE];
	size_t latest_note_size;
	bool latest_seen;   /* it is one of those made in the segments */
	bool begun, strong; /* the epoch has signed a checkpoint; the last of these with ML-DSA-65, too */
	bool last;	    /* the segment that is read */
	bool cancelled;
	struct merkle_tree tree;
	uint8_t chain[32];
	/* a tile that is not what the records give: whose fault it is, the next checkpoint says */
	uint64_t suspect, suspect_last; /* records under the hash that differs; 0: none */
	char suspect_file[LEDGER_FILE];
	/* of the segment that is read */
	char name[SEGMENT_NAME];
	uint8_t *history;
	size_t history_size;
	struct fw_slice notes;
	uint64_t note_size; /* of the next note, UINT64_MAX: there is none */
	struct fw_slice note;
	struct merkle_hash note_root;
	uint64_t holds_to; /* the size of the last checkpoint that held */
};

static bool bad(struct verifier *verifier, uint64_t first, uint64_t last, const char *file, uint64_t offset,
		const char *reason)
{
	struct ledger_report *report = verifier->report;

	report->bad_first = first;
	report->bad_last = last;
	snprintf(report->file, sizeof(report->file), "%s", file);
	report->offset = offset;
	report->reason = reason;
	return false;
}

static bool bad_record(struct verifier *verifier, uint64_t offset, const char *reason)
{
	uint64_t sequence = verifier->tree.size + 1;

	return bad(verifier, sequence, sequence, verifier->name, offset, reason);
}

/* Records from the last checkpoint that held to this one; a tile that differs says which. */
static bool bad_root(struct verifier *verifier, uint64_t size, const char *file, const char *reason)
{
	if (verifier->suspect != 0 && verifier->suspect > verifier->holds_to && verifier->suspect <= size)
		return bad(verifier, verifier->suspect, verifier->suspect_last < size ? verifier->suspect_last : size,
			   file, 0, reason);
	return bad(verifier, verifier->holds_to + 1, size, file, 0, reason);
}

static bool root_is(const struct verifier *verifier, const struct merkle_hash *root)
{
	struct merkle_hash ours;

	merkle_root(&verifier->tree, &ours);
	return memcmp(&ours, root, sizeof(ours)) == 0;
}

static bool holds_to(struct verifier *verifier, uint64_t size)
{
	verifier->holds_to = size;
	if (verifier->suspect == 0 || verifier->suspect > size)
		return true;
	return bad(verifier, 0, 0, verifier->suspect_file, 0, "a tile is not what the records give");
}

/* Forgets the first count of them. */
static void forget_announced(struct verifier *verifier, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		note_key_fini(&verifier->announced[i].key);
	verifier->announced_count -= count;
	memmove(verifier->announced, verifier->announced + count,
		verifier->announced_count * sizeof(verifier->announced[0]));
}

/* The epoch's second key, where it has one: it signs its first checkpoint, its last, and those whose text says so.
 * NULL, or what does not hold. */
static const char *strong_signs(struct verifier *verifier, struct fw_slice note)
{
	bool begun = verifier->begun;
	struct checkpoint checkpoint;

	verifier->begun = true;
	if (!verifier->epoch.strong || !checkpoint_read(note, &checkpoint))
		return NULL;
	verifier->strong = checkpoint.strong;
	if (!checkpoint.strong)
		return begun ? NULL : "the first checkpoint of an epoch is not signed with ML-DSA-65";
	switch (note_verify_strong(&verifier->epoch, note)) {
	case NOTE_HOLDS:
		verifier->report->strong++;
		verifier->report->strong_to = checkpoint.size;
		return NULL;
	case NOTE_UNCHECKED:
		verifier->report->unchecked++;
		return NULL;
	default:
		return "a checkpoint is not signed with ML-DSA-65, as it says";
	}
}

/* The key of the epoch, or one that it has signed for and that takes over now; keys announced before that one were
 * given up. Whichever signs, it vouches for what is announced up to here. NULL, or what does
 * not hold. */
static const char *epoch_signs(struct verifier *verifier, struct fw_slice note)
{
	bool signs = note_verify(&verifier->epoch, note) == NOTE_HOLDS, ended = true;

	for (unsigned i = 0; i < verifier->announced_count && !signs; i++) {
		struct announced *next = &verifier->announced[i];

		signs = next->vouched && note_verify(&next->key, note) == NOTE_HOLDS;
		if (!signs)
			continue;
		ended = !verifier->epoch.strong || verifier->strong;
		note_key_fini(&verifier->epoch);
		verifier->epoch = next->key;
		next->key.pair = NULL;
		forget_announced(verifier, i + 1);
		verifier->report->epochs++;
		verifier->begun = false;
	}
	if (!signs)
		return "a checkpoint is not signed by the key of its epoch";
	if (!ended)
		return "the last checkpoint of an epoch is not signed with ML-DSA-65";
	for (unsigned i = 0; i < verifier->announced_count; i++)
		verifier->announced[i].vouched = true;
	return strong_signs(verifier, note);
}

static bool read_note(struct verifier *verifier, struct fw_slice note, struct checkpoint *ret_checkpoint)
{
	return checkpoint_read(note, ret_checkpoint) && slice_is(ret_checkpoint->origin, verifier->key.name) &&
	       note_verify(&verifier->key, note) == NOTE_HOLDS;
}

static uint64_t note_offset(const struct verifier *verifier)
{
	return (uint64_t)(verifier->note.data - verifier->history);
}

static void name_of(uint64_t first, const char *suffix, char ret_name[SEGMENT_NAME])
{
	segment_name(first, suffix, ret_name);
}

static bool bad_note(struct verifier *verifier, const char *reason)
{
	char name[SEGMENT_NAME];

	name_of(segment_first(verifier->name, ".log"), ".checkpoints", name);
	return bad(verifier, 0, 0, name, note_offset(verifier), reason);
}

enum { SIGNERS = 2 }; /* of a checkpoint at least: the ledger, and its epoch */

/* Takes the next checkpoint of the segment; it may be of no tree that has passed already. */
static bool next_note(struct verifier *verifier)
{
	struct checkpoint checkpoint;
	int signatures;

	verifier->note_size = UINT64_MAX;
	if (!checkpoint_next(&verifier->notes, &verifier->note))
		return true;
	/* Half a one at the very end: it is being written, or a crash cut it short. */
	if (verifier->last && verifier->note.data + verifier->note.size == verifier->history + verifier->history_size) {
		signatures = checkpoint_cut_short(verifier->note);
		if (signatures < 0)
			return bad_note(verifier, "a checkpoint is not as one is written");
		/* All of it may be there but for the empty line. */
		if (signatures < SIGNERS || (checkpoint_read(verifier->note, &checkpoint) && checkpoint.strong))
			return true;
	}
	if (!read_note(verifier, verifier->note, &checkpoint))
		return bad_note(verifier, "a checkpoint is not signed by the ledger's key");
	if (checkpoint.size < verifier->tree.size)
		return bad_note(verifier, "a checkpoint stands behind a later one");
	verifier->note_size = checkpoint.size;
	verifier->note_root = checkpoint.root;
	return true;
}

static bool check_notes(struct verifier *verifier)
{
	const char *wrong;

	while (verifier->note_size == verifier->tree.size) {
		if (!root_is(verifier, &verifier->note_root))
			return bad_root(verifier, verifier->tree.size, verifier->name,
					"records are not those that a checkpoint was made of");
		wrong = epoch_signs(verifier, verifier->note);
		if (wrong != NULL)
			return bad_note(verifier, wrong);
		verifier->report->checkpoints++;
		if (slice_equal(verifier->note, slice(verifier->latest_note, verifier->latest_note_size)))
			verifier->latest_seen = true;
		if (!holds_to(verifier, verifier->tree.size) || !next_note(verifier))
			return false;
	}
	return true;
}

static bool check_trees(struct verifier *verifier)
{
	for (unsigned i = 0; i < verifier->tree_count; i++) {
		const struct signed_tree *tree = &verifier->trees[i];

		if (tree->size != verifier->tree.size)
			continue;
		if (!root_is(verifier, &tree->root))
			return bad_root(verifier, tree->size, tree->file,
					"records are not those that this checkpoint was made of");
		if (!holds_to(verifier, tree->size))
			return false;
	}
	return true;
}

static void check_tile(void *user, unsigned level, uint64_t index, const struct merkle_hash *hashes)
{
	struct verifier *verifier = user;
	char name[TILE_PATH], path[STORAGE_PATH];
	struct merkle_hash stored[MERKLE_TILE];
	uint64_t leaves = (uint64_t)1 << (8 * level);
	ssize_t size;

	if ((index + 1) * MERKLE_TILE * leaves > verifier->latest || verifier->suspect != 0)
		return;
	tile_path(level, index, 0, name);
	size = storage_path(verifier->options->directory, name, path) ? storage_read(path, stored, sizeof(stored)) : -1;
	if (size < 0 && errno == ENOENT) {
		verifier->report->tiles_missing++;
		return;
	}
	for (unsigned i = 0; i < MERKLE_TILE; i++)
		if ((size_t)(size < 0 ? 0 : size) < (i + 1) * sizeof(stored[0]) ||
		    memcmp(&stored[i], &hashes[i], sizeof(stored[0])) != 0) {
			verifier->suspect = (index * MERKLE_TILE + i) * leaves + 1;
			verifier->suspect_last = (index * MERKLE_TILE + i + 1) * leaves;
			snprintf(verifier->suspect_file, sizeof(verifier->suspect_file), "%s", name);
			return;
		}
}

/* "key" of a record that announces an epoch; an empty slice of any other one. */
static struct fw_slice announced_key(struct fw_slice line)
{
	static const char type[] = ",\"event_type\":\"ledger_epoch\",", member[] = ",\"key\":\"";
	const uint8_t *comma = memchr(line.data + 40, ',', line.size - 40), *from, *end;

	/* the comma behind timestamp stands before octet 43; the next one is behind the sequence */
	comma = comma != NULL ? memchr(comma + 1, ',', line.size - (size_t)(comma + 1 - line.data)) : NULL;
	if (comma == NULL || !slice_starts(slice(comma, line.size - (size_t)(comma - line.data)), type))
		return slice(NULL, 0);
	from = memmem(comma, line.size - (size_t)(comma - line.data), member, sizeof(member) - 1);
	if (from == NULL)
		return slice(NULL, 0);
	from += sizeof(member) - 1;
	end = memchr(from, '"', line.size - (size_t)(from - line.data));
	return slice(from, end != NULL ? (size_t)(end - from) : 0);
}

static bool same_key(const struct note_key *a, const struct note_key *b)
{
	return strcmp(a->name, b->name) == 0 && memcmp(a->public_key, b->public_key, NOTE_KEY) == 0 &&
	       a->strong == b->strong && memcmp(a->strong_digest, b->strong_digest, sizeof(a->strong_digest)) == 0;
}

static bool take_announcement(struct verifier *verifier, struct fw_slice line, uint64_t offset)
{
	struct fw_slice text = announced_key(line);
	struct note_key key;

	if (text.size == 0)
		return true;
	if (!note_key_read(text, &key))
		return bad_record(verifier, offset, "a record announces a key that is none");
	if (verifier->tree.size == 0) { /* the first record: the key that the anchor says */
		bool known = same_key(&key, &verifier->epoch);

		note_key_fini(&key);
		return known || bad_record(verifier, offset, "the ledger began with another key than the anchor's");
	}
	if (verifier->announced_count == LEDGER_ANNOUNCED) {
		note_key_fini(&key);
		return bad_record(verifier, offset, "too many keys are announced");
	}
	verifier->announced[verifier->announced_count++] = (struct announced){ .key = key };
	return true;
}

static bool take_line(struct verifier *verifier, struct fw_slice line, uint64_t offset)
{
	struct segment_line parts;
	struct merkle_hash leaf;
	uint8_t chain[32];

	if (!segment_line(line, &parts))
		return bad_record(verifier, offset, "a line is no record");
	if (parts.sequence != verifier->tree.size + 1)
		return bad_record(verifier, offset, "a record stands in the place of another one");
	segment_chain(verifier->chain, parts.hashed, chain);
	if (memcmp(chain, parts.chain, sizeof(chain)) != 0)
		return bad_record(verifier, offset, "a record is not the one that was chained");
	if (!take_announcement(verifier, line, offset))
		return false;
	memcpy(verifier->chain, chain, sizeof(chain));
	merkle_leaf(line, &leaf);
	merkle_append(&verifier->tree, &leaf, check_tile, verifier);
	if (verifier->options->record != NULL &&
	    !verifier->options->record(verifier->options->user, line, verifier->tree.size))
		verifier->cancelled = true;
	return check_notes(verifier) && check_trees(verifier);
}

static int read_lines(struct verifier *verifier, struct lines *lines, bool last)
{
	struct fw_slice line;
	uint64_t offset = 0;
	bool whole;
	int got;

	while ((got = lines_next(lines, &line, &whole)) == 1) {
		if (!whole && last && lines->offset - offset < LINES_ROOM) {
			verifier->report->torn = lines->offset - offset;
			return 0;
		}
		if (!whole)
			bad_record(verifier, offset, "a line has no end");
		else
			take_line(verifier, line, offset);
		if (verifier->report->reason != NULL)
			return 0;
		if (verifier->cancelled) {
			errno = ECANCELED;
			return -1;
		}
		offset = lines->offset;
	}
	if (got < 0 && errno == EBADMSG) {
		bad_record(verifier, offset, damaged);
		return 0;
	}
	return got;
}

static int read_history(struct verifier *verifier, uint64_t first)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];

	mem_free(verifier->history);
	verifier->history = NULL;
	verifier->history_size = 0;
	name_of(first, ".checkpoints", name);
	if (!storage_path(verifier->options->directory, name, path) ||
	    (storage_read_all(path, &verifier->history, &verifier->history_size) != 0 && errno != ENOENT))
		return -1;
	verifier->notes = slice(verifier->history, verifier->history_size);
	return 0;
}

static int read_segment(struct verifier *verifier, uint64_t first, bool last)
{
	struct lines lines;
	int result;

	segment_name(first, ".log", verifier->name);
	verifier->last = last;
	if (first != verifier->tree.size + 1) {
		bad_record(verifier, 0, "a segment is missing");
		return 0;
	}
	if (read_history(verifier, first) != 0)
		return -1;
	if (segment_open(verifier->options->directory, first, &lines) != 0)
		return errno == EBADMSG && bad_record(verifier, 0, damaged) == false ? 0 : -1;
	verifier->report->segments++;
	result = next_note(verifier) && check_notes(verifier) ? read_lines(verifier, &lines, last) : 0;
	lines_close(&lines);
	if (result == 0 && verifier->report->reason == NULL && verifier->note_size != UINT64_MAX)
		bad_record(verifier, 0, "records that were signed for are missing");
	return result;
}

static void take_latest(struct verifier *verifier, struct fw_slice note, uint64_t size)
{
	verifier->latest = size;
	verifier->latest_note_size = note.size <= sizeof(verifier->latest_note) ? note.size : 0;
	memcpy(verifier->latest_note, note.data, verifier->latest_note_size);
}

/* A checkpoint file of the folder or of another place: all its notes. */
static int add_trees(struct verifier *verifier, const char *path, const char *shown, bool latest)
{
	struct signed_tree *tree = NULL;
	struct checkpoint checkpoint;
	struct fw_slice notes, note;
	uint8_t *bytes;
	size_t size;

	if (storage_read_all(path, &bytes, &size) != 0) {
		if (errno != ENOENT)
			return -1;
		bad(verifier, 0, 0, shown, 0, missing);
		return 0;
	}
	for (notes = slice(bytes, size); checkpoint_next(&notes, &note);) {
		if (!read_note(verifier, note, &checkpoint)) {
			bad(verifier, 0, 0, shown, (uint64_t)(note.data - bytes),
			    "a checkpoint is not signed by the ledger's key");
			break;
		}
		/* of many the largest is kept: it signs for all that the others do */
		if (tree != NULL && tree->size > checkpoint.size)
			continue;
		if (tree == NULL)
			tree = &verifier->trees[verifier->tree_count++];
		tree->size = checkpoint.size;
		tree->root = checkpoint.root;
		snprintf(tree->file, sizeof(tree->file), "%s", shown);
		if (latest)
			take_latest(verifier, note, checkpoint.size);
		else
			verifier->report->exported++;
	}
	mem_free(bytes);
	return 0;
}

static int read_anchor(struct verifier *verifier)
{
	char path[STORAGE_PATH], text[2 * (NOTE_VERIFIER + 1)];
	const char *name = verifier->options->anchor, *end;
	ssize_t size;

	if (name == NULL) {
		if (!storage_path(verifier->options->directory, "anchor", path))
			return -1;
		name = path;
	}
	size = storage_read(name, text, sizeof(text));
	if (size < 0 && errno != ENOENT)
		return -1;
	if (size < 0) {
		bad(verifier, 0, 0, "anchor", 0, missing);
		return 0;
	}
	end = memchr(text, '\n', (size_t)size);
	if (end == NULL || text[size - 1] != '\n' ||
	    !note_key_read(slice(text, (size_t)(end - text)), &verifier->key) ||
	    !note_key_read(slice(end + 1, (size_t)(text + size - end) - 2), &verifier->epoch))
		bad(verifier, 0, 0, "anchor", 0, "the anchor does not hold two keys");
	return 0;
}

static int read_checkpoints(struct verifier *verifier)
{
	const struct ledger_verify_options *options = verifier->options;
	char path[STORAGE_PATH];

	if (!storage_path(options->directory, "checkpoint", path) || add_trees(verifier, path, "checkpoint", true) != 0)
		return -1;
	for (size_t i = 0; i < options->checkpoint_count && verifier->tree_count <= LEDGER_EXPORTED; i++)
		if (add_trees(verifier, options->checkpoints[i], options->checkpoints[i], false) != 0)
			return -1;
	return 0;
}

static void save(struct verifier *verifier, uint64_t segment)
{
	struct ledger_resume *resume = verifier->options->resume;

	memset(resume, 0, sizeof(*resume));
	if (verifier->suspect != 0 || segment != verifier->tree.size + 1)
		return;
	resume->segment = segment;
	resume->tree = verifier->tree;
	memcpy(resume->chain, verifier->chain, sizeof(resume->chain));
	resume->holds_to = verifier->holds_to;
	resume->segments = verifier->report->segments;
	resume->checkpoints = verifier->report->checkpoints;
	resume->epochs = verifier->report->epochs;
	note_key_write(&verifier->epoch, resume->epoch);
	resume->strong_to = verifier->report->strong_to;
	resume->strong = verifier->report->strong;
	resume->unchecked = verifier->report->unchecked;
	resume->begun = verifier->begun;
	resume->strong_last = verifier->strong;
	resume->announced_count = verifier->announced_count;
	for (unsigned i = 0; i < verifier->announced_count; i++) {
		note_key_write(&verifier->announced[i].key, resume->announced[i]);
		resume->vouched[i] = verifier->announced[i].vouched;
	}
}

/* At the beginning of a segment: the files before it are not written any more. */
static void begin_segment(struct verifier *verifier, uint64_t segment, bool last)
{
	const struct ledger_verify_options *options = verifier->options;

	if (options->resume == NULL || (!last && options->segment == NULL))
		return;
	save(verifier, segment);
	if (options->segment != NULL)
		options->segment(options->user);
}

/* False: the state is none of this ledger; it has to be read from the beginning. */
static bool load(struct verifier *verifier, const struct ledger_resume *resume)
{
	struct note_key epoch, key;

	if (resume->announced_count > LEDGER_ANNOUNCED || !note_key_read(slice_text(resume->epoch), &epoch))
		return false;
	note_key_fini(&verifier->epoch);
	verifier->epoch = epoch;
	for (unsigned i = 0; i < resume->announced_count; i++) {
		if (!note_key_read(slice_text(resume->announced[i]), &key))
			return false;
		verifier->announced[verifier->announced_count++] =
			(struct announced){ .key = key, .vouched = resume->vouched[i] != 0 };
	}
	verifier->tree = resume->tree;
	memcpy(verifier->chain, resume->chain, sizeof(verifier->chain));
	verifier->holds_to = resume->holds_to;
	verifier->report->segments = resume->segments;
	verifier->report->checkpoints = resume->checkpoints;
	verifier->report->epochs = resume->epochs;
	verifier->report->strong_to = resume->strong_to;
	verifier->report->strong = resume->strong;
	verifier->report->unchecked = resume->unchecked;
	verifier->begun = resume->begun != 0;
	verifier->strong = resume->strong_last != 0;
	return true;
}

/* Where reading begins: behind what was removed, or further on, where somebody knows of more. 0, or -1 with errno. */
static int begin(struct verifier *verifier, uint64_t *ret_from)
{
	struct ledger_resume *resume = verifier->options->resume, *removed = mem_zero(1, sizeof(*removed));
	int found, result = 0;

	if (removed == NULL) {
		errno = ENOMEM;
		return -1;
	}
	found = removed_read(verifier->options->directory, &verifier->key, removed);
	if (found < 0 && errno == EBADMSG) {
		bad(verifier, 0, 0, "removed", 0, "the note of what was removed does not hold");
	} else if (found < 0) {
		result = -1;
	} else {
		const struct ledger_resume *start =
			resume != NULL && resume->segment >= removed->segment ? resume : removed;

		verifier->report->removed = found == 1 ? removed->segment - 1 : 0;
		*ret_from = start->segment;
		if (start->segment != 0 && !load(verifier, start)) {
			errno = EINVAL;
			result = -1;
		}
	}
	mem_free(removed);
	return result;
}

static int read_all(struct verifier *verifier, const struct segment_list *list)
{
	struct ledger_report *report = verifier->report;
	uint64_t from = 0, until = verifier->options->until;

	report->epochs = 1;
	if (begin(verifier, &from) != 0)
		return -1;
	if (report->reason == NULL && from != 0)
		check_trees(verifier);
	for (size_t i = 0; i < list->count && report->reason == NULL; i++) {
		if (list->firsts[i] < from)
			continue;
		if (until != 0 && list->firsts[i] >= until) {
			begin_segment(verifier, list->firsts[i], true);
			report->last = verifier->tree.size;
			return 0;
		}
		begin_segment(verifier, list->firsts[i], i + 1 == list->count);
		if (read_segment(verifier, list->firsts[i], i + 1 == list->count) != 0)
			return -1;
	}
	report->first = verifier->tree.size > report->removed ? report->removed + 1 : 0;
	report->last = verifier->tree.size;
	report->signed_size = verifier->holds_to;
	for (unsigned i = 0; i < verifier->tree_count && report->reason == NULL; i++)
		if (verifier->trees[i].size > verifier->tree.size)
			bad(verifier, verifier->tree.size + 1, verifier->tree.size + 1, verifier->trees[i].file, 0,
			    "records that were signed for are missing");
	/* It is in the history too, but a crash may have kept it from there. */
	if (report->reason == NULL && !verifier->latest_seen) {
		const char *wrong =
			verifier->latest < verifier->holds_to
				? "a checkpoint stands behind a later one"
				: epoch_signs(verifier, slice(verifier->latest_note, verifier->latest_note_size));

		if (wrong != NULL)
			bad(verifier, 0, 0, "checkpoint", 0, wrong);
	}
	return 0;
}

static int verify(struct verifier *verifier)
{
	struct segment_list list;
	int result;

	/* The latest checkpoint first: a server that runs adds records meanwhile, and signs for them. */
	if (read_anchor(verifier) != 0)
		return -1;
	if (verifier->report->reason != NULL)
		return 0;
	if (read_checkpoints(verifier) != 0 || segment_list(verifier->options->directory, &list) != 0)
		return -1;
	result = verifier->report->reason == NULL ? read_all(verifier, &list) : 0;
	segment_list_fini(&list);
	return result;
}

int ledger_verify(const struct ledger_verify_options *options, struct ledger_report *ret_report)
{
	struct verifier *verifier = mem_zero(1, sizeof(*verifier));
	int result, reason;

	*ret_report = (struct ledger_report){ 0 };
	if (verifier == NULL) {
		errno = ENOMEM;
		return -1;
	}
	verifier->options = options;
	verifier->report = ret_report;
	result = verify(verifier);
	reason = errno;
	ret_report->holds = result == 0 && ret_report->reason == NULL;
	forget_announced(verifier, verifier->announced_count);
	note_key_fini(&verifier->key);
	note_key_fini(&verifier->epoch);
	mem_free(verifier->history);
	mem_free(verifier);
	errno = reason;
	return result;
}
