#include "record/merkle.h"

#include <string.h>

#include "base/slice.h"
#include "crypto/digest.h"

/* RFC 9162 2.1.1: the first octet keeps a leaf from being taken for a node. */
void merkle_leaf(struct fw_slice entry, struct merkle_hash *ret_hash)
{
	static const uint8_t leaf = 0;

	digest_sha256_pair(slice(&leaf, 1), entry, ret_hash->bytes);
}

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *ret_hash)
{
	uint8_t bytes[1 + 2 * MERKLE_HASH];

	bytes[0] = 1;
	memcpy(bytes + 1, left->bytes, MERKLE_HASH);
	memcpy(bytes + 1 + MERKLE_HASH, right->bytes, MERKLE_HASH);
	digest_sha256(slice(bytes, sizeof(bytes)), ret_hash->bytes);
}

static bool is_power(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* The largest power of two below value, which is at least 2. */
static uint64_t split_at(uint64_t value)
{
	return (uint64_t)1 << (63 - __builtin_clzll(value - 1));
}

void merkle_fold(const struct merkle_hash *hashes, size_t count, struct merkle_hash *ret_root)
{
	struct merkle_hash left, right;
	size_t split;

	if (count == 0) {
		digest_sha256(slice(NULL, 0), ret_root->bytes);
		return;
	}
	if (count == 1) {
		*ret_root = hashes[0];
		return;
	}
	split = (size_t)split_at(count);
	merkle_fold(hashes, split, &left);
	merkle_fold(hashes + split, count - split, &right);
	merkle_node(&left, &right, ret_root);
}

void merkle_append(struct merkle_tree *tree, const struct merkle_hash *leaf, merkle_tile_function *full, void *user)
{
	struct merkle_hash hash = *leaf;
	uint64_t index = tree->size++;

	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		tree->tiles[level][index & (MERKLE_TILE - 1)] = hash;
		index++;
		if ((index & (MERKLE_TILE - 1)) != 0)
			return;
		index = (index >> 8) - 1; /* of the tile that is full now */
		if (full != NULL)
			full(user, level, index, tree->tiles[level]);
		merkle_fold(tree->tiles[level], MERKLE_TILE, &hash);
	}
}

/* What is right of a level's full subtrees is smaller than one of them, so that it counts as one more: RFC 9162 2.1.1
 * splits at the largest power of two below the number of leaves, and that is here the one below the number of hashes.
 */
void merkle_root(const struct merkle_tree *tree, struct merkle_hash *ret_root)
{
	struct merkle_hash hashes[MERKLE_TILE], right;
	bool any = false;

	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		unsigned width = merkle_width(tree->size, level);

		if (width == 0)
			continue;
		memcpy(hashes, tree->tiles[level], width * sizeof(hashes[0]));
		if (any)
			hashes[width] = right; /* width is at most 255 */
		merkle_fold(hashes, width + any, &right);
		any = true;
	}
	if (any)
		*ret_root = right;
	else
		merkle_fold(NULL, 0, ret_root);
}

/* The root over leaves start … end - 1. Those of a proof are subtrees, so perfect ones are aligned. Depth: 64. */
static bool range_root(const struct merkle_source *source, uint64_t start, uint64_t end, struct merkle_hash *ret_root)
{
	uint64_t size = end - start, split;
	struct merkle_hash left, right;
	unsigned height;

	if (is_power(size)) {
		height = (unsigned)__builtin_ctzll(size);
		return source->node(source->user, height, start >> height, ret_root);
	}
	split = split_at(size);
	if (!range_root(source, start, start + split, &left) || !range_root(source, start + split, end, &right))
		return false;
	merkle_node(&left, &right, ret_root);
	return true;
}

/* From the root down to the leaf or the old tree, then turned around: a proof begins below. */
static void turn_around(struct merkle_hash *hashes, int count)
{
	for (int i = 0; i < count / 2; i++) {
		struct merkle_hash kept = hashes[i];

		hashes[i] = hashes[count - 1 - i];
		hashes[count - 1 - i] = kept;
	}
}

int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
			   struct merkle_hash ret_proof[MERKLE_PROOF])
{
	uint64_t start = 0, end = size;
	int count = 0;

	if (index >= size)
		return -1;
	while (end - start > 1) {
		uint64_t middle = start + split_at(end - start);
		bool is_left = index < middle;

		if (!range_root(source, is_left ? middle : start, is_left ? end : middle, &ret_proof[count++]))
			return -1;
		if (is_left)
			end = middle;
		else
			start = middle;
	}
	turn_around(ret_proof, count);
	return count;
}

int merkle_prove_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size,
			     struct merkle_hash ret_proof[MERKLE_PROOF])
{
	uint64_t start = 0, end = size;
	int count = 0;

	if (old_size == 0 || old_size > size)
		return -1;
	while (end != old_size) {
		uint64_t middle = start + split_at(end - start);
		bool is_left = old_size <= middle;

		if (!range_root(source, is_left ? middle : start, is_left ? end : middle, &ret_proof[count++]))
			return -1;
		if (is_left)
			end = middle;
		else
			start = middle;
	}
	/* The subtree that ends where the old tree ends: who verifies has it when it is the old tree itself. */
	if (start != 0 && !range_root(source, start, end, &ret_proof[count++]))
		return -1;
	turn_around(ret_proof, count);
	return count;
}

static bool same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, MERKLE_HASH) == 0;
}

static bool is_subtree(struct merkle_range range)
{
	uint64_t size = range.end - range.start, power;

	if (range.start >= range.end)
		return false;
	power = is_power(size) ? size : split_at(size) << 1; /* 0 above 2^63: only a range that begins at 0 */
	return range.start == 0 || (power != 0 && range.start % power == 0);
}

bool merkle_holds_inclusion(const struct merkle_hash *leaf, uint64_t index, struct merkle_range range,
			    const struct merkle_hash *root, struct merkle_proof proof)
{
	struct merkle_hash hash = *leaf;
	uint64_t at, last;

	if (!is_subtree(range) || index < range.start || index >= range.end)
		return false;
	at = index - range.start;
	last = range.end - range.start - 1;
	for (size_t i = 0; i < proof.count; i++) {
		if (last == 0)
			return false;
		if ((at & 1) != 0 || at == last) {
			merkle_node(&proof.hashes[i], &hash, &hash);
			while ((at & 1) == 0 && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node(&hash, &proof.hashes[i], &hash);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && same(&hash, root);
}

struct walk { /* the first leaf and the last one of the old tree, the last one of the new tree, as RFC 9162 2.1.4.2 */
	uint64_t first, old_last, last;
	struct merkle_hash old_root, root;
};

static void climb(struct walk *walk)
{
	walk->first >>= 1;
	walk->old_last >>= 1;
	walk->last >>= 1;
}

static void take(struct walk *walk, const struct merkle_hash *hash)
{
	if ((walk->old_last & 1) != 0 || walk->old_last == walk->last) {
		if (walk->first < walk->old_last)
			merkle_node(hash, &walk->old_root, &walk->old_root);
		merkle_node(hash, &walk->root, &walk->root);
		while ((walk->old_last & 1) == 0 && walk->old_last != 0)
			climb(walk);
	} else {
		merkle_node(&walk->root, hash, &walk->root);
	}
	climb(walk);
}

bool merkle_holds_consistency(struct merkle_range range, uint64_t size, const struct merkle_hash *old_root,
			      const struct merkle_hash *root, struct merkle_proof proof)
{
	struct walk walk = { range.start, range.end - 1, size - 1, *old_root, *old_root };
	struct merkle_hash none;
	size_t next = 0;

	if (range.start == range.end && range.end <= size) {
		merkle_fold(NULL, 0, &none);
		return proof.count == 0 && same(old_root, &none);
	}
	if (!is_subtree(range) || range.end > size)
		return false;
	while (walk.first != walk.old_last && (walk.old_last == walk.last || (walk.old_last & 1) != 0))
		climb(&walk);
	if (walk.first != walk.old_last) {
		if (proof.count == 0)
			return false;
		walk.old_root = walk.root = proof.hashes[next++];
	}
	for (; next < proof.count; next++) {
		if (walk.last == 0)
			return false;
		take(&walk, &proof.hashes[next]);
	}
	return walk.last == 0 && same(&walk.old_root, old_root) && same(&walk.root, root);
}

bool merkle_holds_growth(uint64_t old_size, uint64_t size, const struct merkle_hash *old_root,
			 const struct merkle_hash *root, struct merkle_proof proof)
{
	return old_size != 0 &&
	       merkle_holds_consistency((struct merkle_range){ 0, old_size }, size, old_root, root, proof);
}
