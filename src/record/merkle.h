/* merkle.h: the Merkle tree of RFC 9162 2.1 over SHA-256, kept as the tiles of C2SP tlog-tiles: what grows is the right
 * edge, 256 hashes a level; proofs are made from the hashes of perfect subtrees and verified without a tree.
 * No allocation, no files. One thread a tree. */
#ifndef RECORD_MERKLE_H
#define RECORD_MERKLE_H
#include <framewall/types.h>

enum { MERKLE_HASH = 32, MERKLE_TILE = 256, MERKLE_LEVELS = 8, MERKLE_PROOF = 66 };

struct merkle_hash {
	uint8_t bytes[MERKLE_HASH];
};

void merkle_leaf(struct fw_slice entry, struct merkle_hash *ret_hash);
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *ret_hash);
/* The root over count hashes of subtrees of one size; of none it is the hash of nothing (RFC 9162 2.1.1). Only the last
 * may be of a smaller subtree. */
void merkle_fold(const struct merkle_hash *hashes, size_t count, struct merkle_hash *ret_root);

/* At each level the rightmost tile: of level L it holds size / 256^L mod 256 hashes. All zero is the empty tree. */
struct merkle_tree {
	uint64_t size;
	struct merkle_hash tiles[MERKLE_LEVELS][MERKLE_TILE];
};
static inline unsigned merkle_width(uint64_t size, unsigned level)
{
	return (unsigned)(size >> (8 * level) & (MERKLE_TILE - 1));
}
/* A tile that has become full, its hashes borrowed. */
typedef void merkle_tile_function(void *user, unsigned level, uint64_t index, const struct merkle_hash *hashes);
void merkle_append(struct merkle_tree *tree, const struct merkle_hash *leaf, merkle_tile_function *full, void *user);
void merkle_root(const struct merkle_tree *tree, struct merkle_hash *ret_root);

/* The hash of the perfect subtree of 2^height leaves that begins at leaf index * 2^height. False: it is not to be had.
 */
typedef bool merkle_node_function(void *user, unsigned height, uint64_t index, struct merkle_hash *ret_hash);
struct merkle_source {
	merkle_node_function *node;
	void *user;
};
/* RFC 9162 2.1.3.1 and 2.1.4.1. Hashes written, or -1: index or size are not of one tree, or a hash was not to be had.
 */
int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
			   struct merkle_hash ret_proof[MERKLE_PROOF]);
int merkle_prove_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size,
			     struct merkle_hash ret_proof[MERKLE_PROOF]);

/* A range of leaves that is a subtree of every tree that holds it: start is a multiple of the power of two not below
 * its size. A whole tree is {0, size}. */
struct merkle_range {
	uint64_t start, end;
};
struct merkle_proof {
	const struct merkle_hash *hashes;
	size_t count;
};
/* RFC 9162 2.1.3.2, the root being that of range. */
bool merkle_holds_inclusion(const struct merkle_hash *leaf, uint64_t index, struct merkle_range range,
			    const struct merkle_hash *root, struct merkle_proof proof);
/* RFC 9162 2.1.4.2: a tree of size leaves has grown out of the one of old_size. From an empty tree nothing has: that
 * would prove nothing. */
bool merkle_holds_growth(uint64_t old_size, uint64_t size, const struct merkle_hash *old_root,
			 const struct merkle_hash *root, struct merkle_proof proof);
/* The same of any subtree: the tree of size leaves holds it. An empty one is held by every tree. */
bool merkle_holds_consistency(struct merkle_range range, uint64_t size, const struct merkle_hash *old_root,
			      const struct merkle_hash *root, struct merkle_proof proof);
#endif
