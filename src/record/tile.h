/* tile.h: names of the resources of C2SP tlog-tiles, and the hashes of subtrees out of tiles. No files; any thread. */
#ifndef RECORD_TILE_H
#define RECORD_TILE_H
#include "record/merkle.h"

enum { TILE_PATH = 64 };

/* "tile/0/x001/067", or "tile/0/x001/067.p/112" of a tile of 1 to 255 hashes; width 0 is a full one. Returns its
 * length.
 */
size_t tile_path(unsigned level, uint64_t index, unsigned width, char ret_path[TILE_PATH]);

/* Reads width hashes of a tile of a tree; false when it is not to be had. */
typedef bool tile_read_function(void *user, unsigned level, uint64_t index, unsigned width,
				struct merkle_hash ret_hashes[MERKLE_TILE]);
/* A merkle_source over tiles: user is a struct tile_source. It keeps the tile it read last. */
struct tile_source {
	tile_read_function *read;
	void *user;
	uint64_t size; /* of the tree, which says how wide a tile is */
	bool kept;
	unsigned kept_level;
	uint64_t kept_index;
	struct merkle_hash hashes[MERKLE_TILE];
};
bool tile_node(void *source, unsigned height, uint64_t index, struct merkle_hash *ret_hash);
/* Makes tree the one of size leaves; false when a tile is not to be had. */
bool tile_restore(tile_read_function *read, void *user, uint64_t size, struct merkle_tree *tree);
#endif
