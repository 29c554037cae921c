/* Checkpoints and tiles. Both are made of the lines and can be made anew; a checkpoint never says more than is on the
 * disk, because a signature cannot be taken back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_parts.h"
#include "record/tile.h"

enum { TILES_KEPT = 4096 }; /* 32 MiB; as long as no tile can be written */

void ledger_keep_tile(void *user, unsigned level, uint64_t index, const struct merkle_hash *hashes)
{
	struct ledger *ledger = user;
	struct ledger_tile *tile = ledger->tile_count < TILES_KEPT ? mem_alloc(sizeof(*tile)) : NULL;

	if (tile == NULL)
		return; /* a tile that is not there can be made from the lines */
	ledger->tile_count++;
	*tile = (struct ledger_tile){ .level = level, .index = index };
	memcpy(tile->hashes, hashes, sizeof(tile->hashes));
	*ledger->tiles_end = tile;
	ledger->tiles_end = &tile->next;
}

bool ledger_read_tile(void *user, unsigned level, uint64_t index, unsigned width,
		      struct merkle_hash ret_hashes[MERKLE_TILE])
{
	char name[TILE_PATH], path[STORAGE_PATH];
	size_t want = (size_t)width * MERKLE_HASH;

	tile_path(level, index, width, name);
	if (storage_path(user, name, path) && storage_read(path, ret_hashes, want) == (ssize_t)want)
		return true;
	if (width == MERKLE_TILE) /* no partial one says what a full one would */
		return false;
	/* The full tile may have taken the place of the partial one. */
	struct merkle_hash whole[MERKLE_TILE];

	tile_path(level, index, 0, name);
	if (!storage_path(user, name, path) || storage_read(path, whole, sizeof(whole)) != sizeof(whole))
		return false;
	memcpy(ret_hashes, whole, want);
	return true;
}

/* Into its place when it is whole: one that is there already may be what the last checkpoint needs. */
static int put_tile(const struct ledger *ledger, const char *path, const void *bytes, size_t size)
{
	const struct storage *storage = ledger->storage;
	char fresh[STORAGE_PATH];
	bool whole;
	int fd;

	if (!storage_path(ledger->options.directory, "tile.new", fresh))
		return -1;
	fd = storage->open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	whole = storage_write_all(storage, fd, bytes, size) == size;
	close(fd);
	return whole ? storage->rename(fresh, path) : -1;
}

static int write_tile(struct ledger *ledger, unsigned level, uint64_t index, unsigned width,
		      const struct merkle_hash *hashes)
{
	char name[TILE_PATH], path[STORAGE_PATH], *slash;
	size_t size = (size_t)(width != 0 ? width : MERKLE_TILE) * MERKLE_HASH;

	tile_path(level, index, width, name);
	if (!storage_path(ledger->options.directory, name, path))
		return -1;
	if (put_tile(ledger, path, hashes, size) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	slash = strrchr(path, '/');
	*slash = '\0';
	if (storage_make_folders(ledger->storage, path) != 0)
		return -1;
	*slash = '/';
	return put_tile(ledger, path, hashes, size);
}

/* The partial tile of the checkpoint before: C2SP tlog-tiles lets it go when a larger one is there. */
static void remove_partial(struct ledger *ledger, unsigned level, uint64_t old_size)
{
	unsigned width = merkle_width(old_size, level);
	uint64_t index = old_size >> (8 * level) >> 8;
	char name[TILE_PATH], path[STORAGE_PATH];

	if (width == 0 ||
	    (index == ledger->tree.size >> (8 * level) >> 8 && width == merkle_width(ledger->tree.size, level)))
		return;
	tile_path(level, index, width, name);
	if (!storage_path(ledger->options.directory, name, path))
		return;
	ledger->storage->remove(path);
	if (index != ledger->tree.size >> (8 * level) >> 8) {
		*strrchr(path, '/') = '\0';
		ledger->storage->remove(path);
	}
}

int ledger_write_full_tiles(struct ledger *ledger)
{
	for (struct ledger_tile *tile; (tile = ledger->tiles) != NULL;) {
		if (write_tile(ledger, tile->level, tile->index, 0, tile->hashes) != 0)
			return -1;
		ledger->tiles = tile->next;
		if (ledger->tiles == NULL)
			ledger->tiles_end = &ledger->tiles;
		ledger->tile_count--;
		mem_free(tile);
	}
	return 0;
}

static int write_tiles(struct ledger *ledger)
{
	if (ledger_write_full_tiles(ledger) != 0)
		return -1;
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		unsigned width = merkle_width(ledger->tree.size, level);

		if (width != 0 && write_tile(ledger, level, ledger->tree.size >> (8 * level) >> 8, width,
					     ledger->tree.tiles[level]) != 0)
			return -1;
	}
	return 0;
}

/* Another machine's trouble is not this one's: the next checkpoint says all that this one said. */
static void send_copy(struct ledger *ledger, struct fw_slice note)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, fd;
	char noted[CHECKPOINT_SIZE + 1];
	off_t before;

	if (ledger->options.copy == NULL)
		return;
	fd = ledger->storage->open(ledger->options.copy, flags, 0600);
	if (fd < 0)
		return;
	memcpy(noted, note.data, note.size);
	noted[note.size] = '\n';
	before = lseek(fd, 0, SEEK_END);
	/* half a note would hide the next one */
	if (storage_write_all(ledger->storage, fd, noted, note.size + 1) != note.size + 1 && before >= 0)
		ledger->storage->truncate(fd, before);
	close(fd);
}

static int write_note(struct ledger *ledger, struct fw_slice note, bool sync)
{
	char path[STORAGE_PATH];

	if (ledger_notes_add(ledger, note, sync) != 0 || !storage_path(ledger->options.directory, "checkpoint", path) ||
	    storage_replace(ledger->storage, path, note.data, note.size, sync) != 0)
		return -1;
	send_copy(ledger, note);
	return 0;
}

/* Once a second is enough for the disk: what it has then is a checkpoint as good as any. */
static bool must_sync(const struct ledger *ledger, struct ledger_time now, bool must_stay)
{
	return ledger->options.sync != LEDGER_SYNC_NONE &&
	       (must_stay || now.monotonic_ns - ledger->checkpoint_synced_ns >= LEDGER_SECOND_NS);
}

/* A signature with ML-DSA-65 is of 7 KB: the first checkpoint of an epoch has one, the last of it (all of them
 * once the next is announced), and between them one a minute. */
static bool is_strong(const struct ledger *ledger, struct ledger_time now, bool must_stay)
{
	return ledger->epoch.strong_pair != NULL &&
	       (must_stay || ledger->strong_ns == 0 || ledger->next_epoch.pair != NULL ||
		now.monotonic_ns - ledger->strong_ns >= LEDGER_STRONG_NS);
}

static int make_checkpoint(struct ledger *ledger, struct ledger_time now, bool must_stay)
{
	const struct note_key *keys[CHECKPOINT_KEYS] = { &ledger->key, &ledger->epoch };
	uint64_t old_size = ledger->checkpoint_size;
	bool sync = must_sync(ledger, now, must_stay), strong = is_strong(ledger, now, must_stay);
	char note[CHECKPOINT_SIZE];
	struct merkle_hash root;
	size_t size;

	if (ledger_write(ledger, now, ledger->options.sync != LEDGER_SYNC_NONE) != 0 || write_tiles(ledger) != 0)
		return -1;
	merkle_root(&ledger->tree, &root);
	size = checkpoint_make(keys, CHECKPOINT_KEYS, strong, ledger->tree.size, &root, note);
	if (size == 0) {
		errno = ENOMEM;
		return -1;
	}
	if (write_note(ledger, slice(note, size), sync) != 0)
		return -1;
	if (sync)
		ledger->checkpoint_synced_ns = now.monotonic_ns;
	if (strong)
		ledger->strong_ns = now.monotonic_ns;
	ledger->checkpoint_size = ledger->tree.size;
	ledger->checkpoint_ns = now.monotonic_ns;
	for (unsigned level = 0; level < MERKLE_LEVELS; level++)
		remove_partial(ledger, level, old_size);
	return 0;
}

int ledger_checkpoint(struct ledger *ledger, struct ledger_time now, bool must_stay)
{
	int result = make_checkpoint(ledger, now, must_stay);

	ledger->unsigned_reason = result == 0 ? 0 : errno != 0 ? errno : EIO;
	ledger->sign_tried_ns = now.monotonic_ns;
	return result;
}
