/* Going on with a ledger. From its last checkpoint on each line is read: what the crash of a program or of a machine
 * cut short is cut off, and kept beside for whoever wants to look; what was signed for must be there. Otherwise the
 * ledger is set aside whole, and another one begun, with other keys: a log may not sign two histories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_parts.h"
#include "record/lines.h"
#include "record/removed.h"
#include "record/tile.h"

enum {
	TILES_KEPT = 65536, /* records whose tiles wait while all is read anew */
	FOLDER_NAME = 64,
};

struct recovery {
	struct ledger *ledger;
	struct segment_list list;
	uint64_t signed_size; /* 0: no checkpoint */
	struct merkle_hash signed_root;
	bool stale;   /* the file of the latest checkpoint is not the latest one */
	uint64_t cut; /* octets */
	const char *broken;
};

static const char checkpoint_name[] = "checkpoint", link_name[] = "security_audit.log", folder_prefix[] = "broken-";

static bool take_checkpoint(struct recovery *recovery, struct fw_slice note)
{
	struct checkpoint checkpoint;

	if (note_verify(&recovery->ledger->key, note) != NOTE_HOLDS || !checkpoint_read(note, &checkpoint))
		return false;
	recovery->signed_size = checkpoint.size;
	recovery->signed_root = checkpoint.root;
	return true;
}

/* The newest one: a power failure can leave the file of the latest empty or old, or the history without it. False: none
 * was made yet. */
static bool read_checkpoint(struct recovery *recovery)
{
	char path[STORAGE_PATH], note[CHECKPOINT_SIZE];
	struct checkpoint newest;
	bool found;
	ssize_t size;

	if (!storage_path(recovery->ledger->options.directory, checkpoint_name, path))
		return false;
	size = storage_read(path, note, sizeof(note));
	found = size > 0 && take_checkpoint(recovery, slice(note, (size_t)size));
	for (size_t i = recovery->list.count; i-- != 0;) {
		if (!ledger_notes_newest(recovery->ledger, recovery->list.firsts[i], &newest))
			continue;
		if (!found || newest.size > recovery->signed_size) {
			recovery->signed_size = newest.size;
			recovery->signed_root = newest.root;
			recovery->stale = true;
		}
		return true;
	}
	return found;
}

static bool open_segment(const struct recovery *recovery, size_t index, struct lines *ret_lines)
{
	return segment_open(recovery->ledger->options.directory, recovery->list.firsts[index], ret_lines) == 0;
}

/* What stands behind offset goes into a file of its own and the segment ends before it. */
static bool cut_off(struct recovery *recovery, size_t index, uint64_t offset)
{
	struct ledger *ledger = recovery->ledger;
	char name[SEGMENT_NAME], path[STORAGE_PATH], suffix[32], kept[STORAGE_PATH];
	uint8_t piece[4096];
	struct stat stat;
	int from, to;
	bool done;
	ssize_t got = 0;

	segment_name(recovery->list.firsts[index], ".log", name);
	snprintf(suffix, sizeof(suffix), ".cut-%llu", (unsigned long long)offset);
	if (!storage_path(ledger->options.directory, name, path))
		return false;
	segment_name(recovery->list.firsts[index], suffix, name);
	if (!storage_path(ledger->options.directory, name, kept))
		return false;
	from = ledger->storage->open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	to = ledger->storage->open(kept, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	done = from >= 0 && to >= 0 && fstat(from, &stat) == 0;
	for (off_t at = (off_t)offset; done && at < stat.st_size; at += got) {
		got = pread(from, piece, sizeof(piece), at);
		done = got > 0 && storage_write_all(ledger->storage, to, piece, (size_t)got) == (size_t)got;
	}
	done = done && (ledger->options.sync == LEDGER_SYNC_NONE || ledger->storage->sync(to) == 0) &&
	       ledger->storage->truncate(from, (off_t)offset) == 0 &&
	       (ledger->options.sync == LEDGER_SYNC_NONE || ledger->storage->sync(from) == 0);
	recovery->cut += done ? (uint64_t)stat.st_size - offset : 0;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return done;
}

static bool take_line(struct ledger *ledger, struct fw_slice line)
{
	struct segment_line parts;
	struct merkle_hash leaf;
	uint8_t chain[32];

	if (!segment_line(line, &parts) || parts.sequence != ledger->sequence + 1)
		return false;
	segment_chain(ledger->chain, parts.hashed, chain);
	if (memcmp(chain, parts.chain, sizeof(chain)) != 0)
		return false;
	memcpy(ledger->chain, chain, sizeof(chain));
	ledger->sequence++;
	merkle_leaf(line, &leaf);
	merkle_append(&ledger->tree, &leaf, ledger_keep_tile, ledger);
	if (ledger->sequence % TILES_KEPT == 0)
		ledger_write_full_tiles(ledger); /* kept when it fails */
	return true;
}

static bool root_is_signed(const struct recovery *recovery)
{
	struct merkle_hash root;

	merkle_root(&recovery->ledger->tree, &root);
	return memcmp(&root, &recovery->signed_root, sizeof(root)) == 0;
}

/* Reads a segment on from where lines stands. 1: to its end; 0: to where it does not hold, the offset of which is in
 * *ret_good; -1 with errno. */
static int replay_segment(struct recovery *recovery, struct lines *lines, uint64_t next_first, uint64_t *ret_good)
{
	struct ledger *ledger = recovery->ledger;
	struct fw_slice line;
	bool whole;
	int got;

	for (*ret_good = lines->offset; (got = lines_next(lines, &line, &whole)) == 1; *ret_good = lines->offset) {
		/* What the next segment has again was written there because this file was not trusted any more. */
		if (ledger->sequence + 1 == next_first || !whole || !take_line(ledger, line))
			return 0;
		if (ledger->sequence == recovery->signed_size && !root_is_signed(recovery)) {
			recovery->broken = "a record that was signed for is another one";
			return 0;
		}
	}
	return got == 0 ? 1 : -1;
}

/* From the segment at index on to the end; lines stands in that one and is closed here. */
static bool replay(struct recovery *recovery, size_t index, struct lines *lines)
{
	struct ledger *ledger = recovery->ledger;
	uint64_t next, good;
	int result = 1;

	for (;; index++) {
		next = index + 1 < recovery->list.count ? recovery->list.firsts[index + 1] : 0;
		result = replay_segment(recovery, lines, next, &good);
		lines_close(lines);
		if (result < 0 || recovery->broken != NULL)
			return result >= 0;
		if (result == 0 && (next == 0 || ledger->sequence + 1 == next) && !cut_off(recovery, index, good))
			return false;
		if (next == 0)
			return true;
		if (ledger->sequence + 1 != next) {
			recovery->broken = "records are missing between two segments";
			return true;
		}
		if (!open_segment(recovery, index + 1, lines))
			return false;
	}
}

/* Stands lines behind the line of that sequence and gives its parts; false when it is not there. Sequences ascend, so
 * that few places have to be looked at; what is no line at all is behind all that are. */
static bool find_line(struct lines *lines, uint64_t sequence, struct segment_line *ret_parts, struct fw_slice *ret_line)
{
	uint64_t low = 0, high = lines_size(lines);
	bool whole;

	while (high - low > LINES_ROOM / 4) {
		uint64_t middle = low + (high - low) / 2;

		lines_seek(lines, middle);
		if (lines_next(lines, ret_line, &whole) == 1 && whole && lines_next(lines, ret_line, &whole) == 1 &&
		    whole && segment_line(*ret_line, ret_parts) && ret_parts->sequence < sequence)
			low = middle;
		else
			high = middle;
	}
	lines_seek(lines, low);
	if (low != 0 && lines_next(lines, ret_line, &whole) != 1)
		return false;
	while (lines_next(lines, ret_line, &whole) == 1 && whole && segment_line(*ret_line, ret_parts) &&
	       ret_parts->sequence <= sequence)
		if (ret_parts->sequence == sequence)
			return true;
	return false;
}

/* The segment that holds a record. */
static size_t segment_of(const struct segment_list *list, uint64_t sequence)
{
	size_t index = list->count - 1;

	while (index != 0 && list->firsts[index] > sequence)
		index--;
	return index;
}

/* Goes on from the checkpoint: the tree from its tiles, the chain from the last line that it signs for. */
static bool from_checkpoint(struct recovery *recovery, size_t *ret_index, struct lines *ret_lines)
{
	struct ledger *ledger = recovery->ledger;
	unsigned width = merkle_width(recovery->signed_size, 0);
	char directory[STORAGE_PATH];
	struct segment_line parts;
	struct merkle_hash leaf;
	struct fw_slice line;

	snprintf(directory, sizeof(directory), "%s", ledger->options.directory);
	if (!tile_restore(ledger_read_tile, directory, recovery->signed_size, &ledger->tree) ||
	    !root_is_signed(recovery))
		return false;
	*ret_index = segment_of(&recovery->list, recovery->signed_size);
	if (!open_segment(recovery, *ret_index, ret_lines))
		return false;
	if (find_line(ret_lines, recovery->signed_size, &parts, &line)) {
		merkle_leaf(line, &leaf);
		if (width == 0 || memcmp(&ledger->tree.tiles[0][width - 1], &leaf, sizeof(leaf)) == 0) {
			memcpy(ledger->chain, parts.chain, sizeof(ledger->chain));
			ledger->sequence = recovery->signed_size;
			return true;
		}
	}
	lines_close(ret_lines);
	return false;
}

/* At the first record, or at the first one that was kept. */
static bool from_beginning(struct recovery *recovery, size_t *ret_index)
{
	struct ledger *ledger = recovery->ledger;
	struct ledger_resume *state = mem_alloc(sizeof(*state));
	bool found = state != NULL && removed_read(ledger->options.directory, &ledger->key, state) == 1;

	*ret_index = 0;
	while (found && *ret_index < recovery->list.count && recovery->list.firsts[*ret_index] < state->segment)
		++*ret_index;
	found = found && *ret_index < recovery->list.count && recovery->list.firsts[*ret_index] == state->segment;
	if (found) {
		ledger->tree = state->tree;
		memcpy(ledger->chain, state->chain, sizeof(ledger->chain));
		ledger->sequence = state->segment - 1;
	} else {
		*ret_index = 0;
	}
	mem_free(state);
	return found || recovery->list.firsts[0] == 1;
}

static bool read_on(struct recovery *recovery)
{
	struct ledger *ledger = recovery->ledger;
	struct lines lines;
	size_t index = 0;

	if (recovery->list.count == 0) {
		if (recovery->signed_size != 0)
			recovery->broken = "all records are missing";
		return true;
	}
	if (recovery->signed_size == 0 || !from_checkpoint(recovery, &index, &lines)) {
		memset(&ledger->tree, 0, sizeof(ledger->tree));
		if (!from_beginning(recovery, &index)) {
			recovery->broken = "the first record is missing";
			return true;
		}
		if (!open_segment(recovery, index, &lines))
			return false;
	}
	if (!replay(recovery, index, &lines))
		return false;
	/* The first record of all is signed for before another one is taken: recover sees to it. */
	if (recovery->broken == NULL && recovery->signed_size == 0 && ledger->sequence > 1)
		recovery->broken = "there is no checkpoint";
	if (recovery->broken == NULL && ledger->sequence < recovery->signed_size)
		recovery->broken = "records that were signed for are missing";
	return true;
}

/* When the first record of a segment was made. */
static uint64_t began_us(const struct recovery *recovery, size_t index, struct ledger_time now)
{
	uint64_t began = now.wall_us;
	struct segment_line parts;
	struct fw_slice line;
	struct lines lines;
	bool whole;

	if (!open_segment(recovery, index, &lines))
		return began;
	if (lines_next(&lines, &line, &whole) == 1 && segment_line(line, &parts))
		decode_rfc3339((const char *)parts.hashed.data + SEGMENT_TIME, &began);
	lines_close(&lines);
	return began;
}

/* The last segment goes on; an empty one (its first line was cut short) begins anew. */
static bool go_on(struct recovery *recovery, struct ledger_time now)
{
	struct ledger *ledger = recovery->ledger;
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	struct stat stat;

	ledger->first = ledger->sequence + 1;
	ledger->durable = ledger->sequence;
	ledger->checkpoint_size = recovery->signed_size;
	if (recovery->list.count == 0)
		return true;
	ledger->segment_first = recovery->list.firsts[recovery->list.count - 1];
	segment_name(ledger->segment_first, ".log", name);
	if (!storage_path(ledger->options.directory, name, path))
		return false;
	if (ledger->segment_first > ledger->sequence)
		return ledger->storage->remove(path) == 0;
	if (ledger_notes_mend(ledger, ledger->segment_first, &recovery->cut) != 0)
		return false;
	ledger->fd = ledger->storage->open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0);
	if (ledger->fd < 0 || fstat(ledger->fd, &stat) != 0)
		return false;
	ledger->segment_size = (uint64_t)stat.st_size;
	ledger->segment_began_us = began_us(recovery, recovery->list.count - 1, now);
	ledger_point_link(ledger);
	return ledger->options.sync == LEDGER_SYNC_NONE || ledger->storage->sync(ledger->fd) == 0;
}

static bool move_into(struct ledger *ledger, const char *name, const char *folder)
{
	char from[STORAGE_PATH], below[256], to[STORAGE_PATH];

	snprintf(below, sizeof(below), "%s/%s", folder, name);
	return storage_path(ledger->options.directory, name, from) &&
	       storage_path(ledger->options.directory, below, to) &&
	       (ledger->storage->rename(from, to) == 0 || errno == ENOENT);
}

/* Segments last: as long as one is left, the next start finds that this is not done. */
static bool move_all(struct ledger *ledger, const char *folder)
{
	static const char *const names[] = { checkpoint_name, "tile", "anchor", "removed", link_name };
	static const char *const suffixes[] = { ".checkpoints", SEGMENT_ARCHIVE, ".log" };
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	struct segment_list list;
	bool moved = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		moved = moved && move_into(ledger, names[i], folder);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && moved; i++) {
		if (segment_files(ledger->options.directory, suffixes[i], &list) != 0)
			return false;
		for (size_t j = 0; j < list.count && moved; j++) {
			segment_name(list.firsts[j], suffixes[i], name);
			moved = move_into(ledger, name, folder);
		}
		segment_list_fini(&list);
	}
	return moved && storage_path(ledger->options.directory, folder, path) &&
	       storage_sync_folder(ledger->storage, path) == 0 &&
	       storage_sync_folder(ledger->storage, ledger->options.directory) == 0;
}

static bool set_aside(struct recovery *recovery, struct ledger_time now, char ret_folder[FOLDER_NAME])
{
	struct ledger *ledger = recovery->ledger;
	char path[STORAGE_PATH];

	snprintf(ret_folder, FOLDER_NAME, "%s%llu", folder_prefix, (unsigned long long)now.wall_us);
	if (!storage_path(ledger->options.directory, ret_folder, path) ||
	    (ledger->storage->make_folder(path, 0700) != 0 && errno != EEXIST) ||
	    ledger_keys_set_aside(ledger, ret_folder + sizeof(folder_prefix) - 2) != 0 || !move_all(ledger, ret_folder))
		return false;
	segment_list_fini(&recovery->list);
	while (ledger->tiles != NULL) {
		struct ledger_tile *next = ledger->tiles->next;

		mem_free(ledger->tiles);
		ledger->tiles = next;
	}
	ledger->tiles_end = &ledger->tiles;
	ledger->tile_count = 0;
	ledger->sequence = 0;
	recovery->signed_size = recovery->cut = 0;
	memset(ledger->chain, 0, sizeof(ledger->chain));
	memset(&ledger->tree, 0, sizeof(ledger->tree));
	return true;
}

/* The newest folder of what was set aside. */
static bool find_set_aside(const struct ledger *ledger, char ret_folder[FOLDER_NAME])
{
	DIR *folder = opendir(ledger->options.directory);
	const struct dirent *entry;

	ret_folder[0] = '\0';
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (strncmp(entry->d_name, folder_prefix, sizeof(folder_prefix) - 1) == 0 &&
		    strlen(entry->d_name) < FOLDER_NAME && strcmp(entry->d_name, ret_folder) > 0)
			snprintf(ret_folder, FOLDER_NAME, "%.*s", FOLDER_NAME - 1, entry->d_name);
	if (folder != NULL)
		closedir(folder);
	return ret_folder[0] != '\0';
}

static bool record_repair(struct recovery *recovery, struct ledger_time now, uint64_t more)
{
	struct ledger *ledger = recovery->ledger;
	struct fw_record record = ledger_own_record(ledger, EVENT_ledger_repaired, now);

	ledger_detail_number(&record, "unsigned", more);
	ledger_detail_number(&record, "cut", recovery->cut);
	return ledger_add_own(ledger, &record) == 0;
}

static bool record_replacement(struct recovery *recovery, struct ledger_time now, const char *folder)
{
	struct fw_record record = ledger_own_record(recovery->ledger, EVENT_ledger_replaced, now);

	ledger_detail_text(&record, "reason", slice_text(recovery->broken));
	ledger_detail_text(&record, "folder", slice_text(folder));
	return ledger_add_own(recovery->ledger, &record) == 0;
}

static bool record_loss(struct ledger *ledger, struct ledger_time now, uint64_t records, uint64_t octets)
{
	struct fw_record record = ledger_own_record(ledger, EVENT_records_lost, now);

	ledger_detail_text(&record, "cause", slice_text("they could not be written before the end"));
	ledger_detail_number(&record, "count", records);
	ledger_detail_number(&record, "bytes", octets);
	return ledger_add_own(ledger, &record) == 0;
}

/* Always in this order, so that whatever of it is cut short is made up for by the next start: the first record, signed
 * for before another one is taken (read_on relies on it), that it replaces another ledger, that it was repaired. */
static const char *record_start(struct recovery *recovery, struct ledger_time now, const char *folder)
{
	struct ledger *ledger = recovery->ledger;
	uint64_t more = ledger->sequence - recovery->signed_size, lost, octets;

	ledger_lost_prepare(ledger);
	ledger_lost_read(ledger, &lost, &octets);

	if (ledger->epoch.pair == NULL && ledger_keys_next_epoch(ledger, now) != 0)
		return "cannot begin an epoch";
	if (ledger->checkpoint_size == 0 && ledger_checkpoint(ledger, now, true) != 0)
		return "cannot write a checkpoint";
	if ((recovery->broken != NULL && !record_replacement(recovery, now, folder)) ||
	    ((recovery->cut != 0 || more != 0) && !record_repair(recovery, now, more)) ||
	    (octets != 0 && !record_loss(ledger, now, lost, octets)))
		return "memory is short";
	if (ledger_commit(ledger, now) != 0)
		return "cannot write";
	/* What was not signed for is now, so that the next crash finds less to read. */
	if ((recovery->stale || ledger->checkpoint_size != ledger->sequence) &&
	    ledger_checkpoint(ledger, now, true) != 0)
		return "cannot write a checkpoint";
	if (octets != 0) /* not before it is signed for: told twice is better than not at all */
		ledger_lost_write(ledger, 0, 0);
	return NULL;
}

static const char *recover(struct recovery *recovery, struct ledger_time now)
{
	struct ledger *ledger = recovery->ledger;
	char folder[FOLDER_NAME] = "";
	const char *failed;

	failed = ledger_keys_open(ledger);
	if (failed != NULL)
		return failed;
	if (segment_list(ledger->options.directory, &recovery->list) != 0)
		return "cannot read the folder";
	if (!read_checkpoint(recovery))
		recovery->signed_size = 0;
	if (!read_on(recovery))
		return "cannot read on from the last checkpoint";
	if (ledger->sequence == 0) { /* a first start that was cut short: the key has not signed */
		note_key_fini(&ledger->epoch);
		ledger->epoch_number = 0;
	} else if (recovery->broken == NULL && ledger->epoch.pair == NULL) {
		recovery->broken = "the key of its epoch is missing";
	}
	if (recovery->broken != NULL) {
		if (!set_aside(recovery, now, folder))
			return "the record does not hold, and cannot be set aside";
		failed = ledger_keys_open(ledger);
		if (failed != NULL)
			return failed;
	}
	if (!go_on(recovery, now))
		return "cannot go on with the last segment";
	if (recovery->broken == NULL && ledger->sequence <= 1 && find_set_aside(ledger, folder))
		recovery->broken = "the start that set it aside was cut short";
	return record_start(recovery, now, folder);
}

/* Of a version whose record was one file. */
static void keep_old_file(struct ledger *ledger)
{
	char path[STORAGE_PATH], old[STORAGE_PATH];
	struct stat stat;

	if (storage_path(ledger->options.directory, link_name, path) && lstat(path, &stat) == 0 &&
	    S_ISREG(stat.st_mode) && storage_path(ledger->options.directory, "security_audit.log.old", old))
		ledger->storage->rename(path, old);
}

const char *ledger_recover(struct ledger *ledger, struct ledger_time now)
{
	struct recovery recovery = { .ledger = ledger };
	const char *failed;

	if (storage_make_folders(ledger->storage, ledger->options.directory) != 0 ||
	    storage_make_folders(ledger->storage, ledger->options.key_directory) != 0)
		return "cannot make the folder";
	keep_old_file(ledger);
	failed = recover(&recovery, now);
	segment_list_fini(&recovery.list);
	return failed;
}
