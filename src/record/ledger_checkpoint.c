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

void ledger_keep_tile(void *user, unsigned level, uint64_t index, const struct merkle_hash *hashes)
{
	struct ledger *ledger = user;
	struct ledger_tile *tile = mem_alloc(sizeof(*tile));

	if (tile == NULL)
		return; /* a tile that is not there can be made from the lines */
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

static int write_tile(struct ledger *ledger, unsigned level, uint64_t index, unsigned width,
		      const struct merkle_hash *hashes)
{
	const struct storage *storage = ledger->storage;
	char name[TILE_PATH], path[STORAGE_PATH];
	size_t size = (size_t)(width != 0 ? width : MERKLE_TILE) * MERKLE_HASH;
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, fd;
	bool whole;

	tile_path(level, index, width, name);
	if (!storage_path(ledger->options.directory, name, path))
		return -1;
	fd = storage->open(path, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		char *slash = strrchr(path, '/');

		*slash = '\0';
		if (storage_make_folders(storage, path) != 0)
			return -1;
		*slash = '/';
		fd = storage->open(path, flags, 0600);
	}
	if (fd < 0)
		return -1;
	whole = storage_write_all(storage, fd, hashes, size) == size;
	close(fd);
	return whole ? 0 : -1;
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

static int append_file(struct ledger *ledger, const char *path, const char *bytes, size_t size, bool sync)
{
	int fd = ledger->storage->open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), reason;
	off_t before;

	if (fd < 0)
		return -1;
	before = lseek(fd, 0, SEEK_END);
	if (storage_write_all(ledger->storage, fd, bytes, size) == size && (!sync || ledger->storage->sync(fd) == 0)) {
		close(fd);
		return 0;
	}
	reason = errno;
	if (before >= 0) /* half a note would hide the next one */
		ledger->storage->truncate(fd, before);
	close(fd);
	errno = reason;
	return -1;
}

static int write_notes(struct ledger *ledger, const char *note, size_t size, bool sync)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH], noted[CHECKPOINT_SIZE + 1];

	/* Notes end with a line of their own and an empty line stands between them. */
	memcpy(noted, note, size);
	noted[size] = '\n';
	segment_name(ledger->segment_first, ".checkpoints", name);
	if (!storage_path(ledger->options.directory, name, path) ||
	    append_file(ledger, path, noted, size + 1, sync) != 0 ||
	    !storage_path(ledger->options.directory, "checkpoint", path) ||
	    storage_replace(ledger->storage, path, note, size, sync) != 0)
		return -1;
	/* Another machine's trouble is not this one's: the next checkpoint says all that this one said. */
	if (ledger->options.copy != NULL)
		append_file(ledger, ledger->options.copy, noted, size + 1, false);
	return 0;
}

int ledger_checkpoint(struct ledger *ledger, struct ledger_time now)
{
	const struct note_key *keys[CHECKPOINT_KEYS] = { &ledger->key, &ledger->epoch };
	uint64_t old_size = ledger->checkpoint_size;
	char note[CHECKPOINT_SIZE];
	struct merkle_hash root;
	bool sync = false;
	size_t size;

	if (ledger_write(ledger, now, ledger->options.sync != LEDGER_SYNC_NONE) != 0 || write_tiles(ledger) != 0)
		return -1;
	merkle_root(&ledger->tree, &root);
	size = checkpoint_make(keys, CHECKPOINT_KEYS, ledger->tree.size, &root, note);
	if (size == 0) {
		errno = ENOMEM;
		return -1;
	}
	/* Once a second is enough for the disk: what it has then is a checkpoint as good as any. */
	if (ledger->options.sync != LEDGER_SYNC_NONE &&
	    now.monotonic_ns - ledger->checkpoint_synced_ns >= LEDGER_SECOND_NS) {
		sync = true;
		ledger->checkpoint_synced_ns = now.monotonic_ns;
	}
	if (write_notes(ledger, note, size, sync) != 0)
		return -1;
	ledger->checkpoint_size = ledger->tree.size;
	ledger->checkpoint_ns = now.monotonic_ns;
	for (unsigned level = 0; level < MERKLE_LEVELS; level++)
		remove_partial(ledger, level, old_size);
	return 0;
}
