#include "record/tile.h"

#include <string.h>

#include "base/encode.h"

static size_t add_text(char *path, size_t at, const char *text)
{
	size_t size = strlen(text);

	memcpy(path + at, text, size);
	return at + size;
}

static size_t add_three(char *path, size_t at, unsigned value)
{
	path[at] = (char)('0' + value / 100);
	path[at + 1] = (char)('0' + value / 10 % 10);
	path[at + 2] = (char)('0' + value % 10);
	return at + 3;
}

/* C2SP tlog-tiles: path elements of three digits, all but the last with an "x". */
size_t tile_path(unsigned level, uint64_t index, unsigned width, char ret_path[TILE_PATH])
{
	size_t at = add_text(ret_path, 0, "tile/");
	uint64_t unit = 1;

	at += encode_u64(level, ret_path + at);
	ret_path[at++] = '/';
	while (index / unit >= 1000)
		unit *= 1000;
	for (; unit != 0; unit /= 1000) {
		if (unit != 1)
			ret_path[at++] = 'x';
		at = add_three(ret_path, at, (unsigned)(index / unit % 1000));
		if (unit != 1)
			ret_path[at++] = '/';
	}
	if (width != 0 && width < MERKLE_TILE) {
		at = add_text(ret_path, at, ".p/");
		at += encode_u64(width, ret_path + at);
	}
	ret_path[at] = '\0';
	return at;
}

/* How many hashes the tile has in a tree of size leaves. */
static unsigned width_of(uint64_t size, unsigned level, uint64_t index)
{
	uint64_t hashes = size >> (8 * level), first = index << 8;

	return hashes <= first ? 0 : hashes - first < MERKLE_TILE ? (unsigned)(hashes - first) : MERKLE_TILE;
}

bool tile_node(void *user, unsigned height, uint64_t index, struct merkle_hash *ret_hash)
{
	struct tile_source *source = user;
	unsigned level = height / 8, within = height % 8;
	uint64_t tile = index >> (8 - within);
	unsigned width, first = (unsigned)(index & ((1u << (8 - within)) - 1)) << within;

	if (level >= MERKLE_LEVELS)
		return false;
	width = width_of(source->size, level, tile);
	if (first + (1u << within) > width)
		return false;
	if (!source->kept || source->kept_level != level || source->kept_index != tile) {
		source->kept = source->read(source->user, level, tile, width, source->hashes);
		source->kept_level = level;
		source->kept_index = tile;
	}
	if (source->kept)
		merkle_fold(source->hashes + first, (size_t)1 << within, ret_hash);
	return source->kept;
}

bool tile_restore(tile_read_function *read, void *user, uint64_t size, struct merkle_tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		unsigned width = merkle_width(size, level);

		if (width != 0 && !read(user, level, size >> (8 * level) >> 8, width, tree->tiles[level]))
			return false;
	}
	tree->size = size;
	return true;
}
