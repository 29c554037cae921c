#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"
#include "record/merkle.h"
#include "record/tile.h"

enum { LEAVES = 1100, MANY = 70000 };

static struct merkle_hash leaves[MANY];
static struct merkle_tree tree;

/* The definition of RFC 9162 2.1.1, word for word. */
static struct merkle_hash root_of(uint64_t start, uint64_t end)
{
	struct merkle_hash left, right, root;
	uint64_t split = 1;

	if (start == end) {
		merkle_fold(NULL, 0, &root);
		return root;
	}
	if (end - start == 1)
		return leaves[start];
	while (split * 2 < end - start)
		split *= 2;
	left = root_of(start, start + split);
	right = root_of(start + split, end);
	merkle_node(&left, &right, &root);
	return root;
}

static bool same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static int set_up(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		merkle_leaf(slice(&i, sizeof(i)), &leaves[i]);
	return 0;
}

static void assert_hex(const struct merkle_hash *hash, const char *hex)
{
	char text[2 * MERKLE_HASH + 1] = "";

	encode_hex(hash->bytes, MERKLE_HASH, text);
	assert_string_equal(text, hex);
}

/* The eight leaves of Certificate Transparency's own test and their roots. */
static void test_known_roots(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} entries[8] = {
		{ "", 0 },
		{ "\x00", 1 },
		{ "\x10", 1 },
		{ "\x20\x21", 2 },
		{ "\x30\x31", 2 },
		{ "\x40\x41\x42\x43", 4 },
		{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
		{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
	};
	struct merkle_hash leaf, root;

	(void)state;
	memset(&tree, 0, sizeof(tree));
	merkle_root(&tree, &root);
	assert_hex(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (int i = 0; i < 8; i++) {
		merkle_leaf(slice(entries[i].bytes, entries[i].size), &leaf);
		merkle_append(&tree, &leaf, NULL, NULL);
		merkle_root(&tree, &root);
		if (i == 0)
			assert_hex(&root, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	}
	assert_hex(&root, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

static void test_roots_of_every_size(void **state)
{
	struct merkle_hash root, want;

	(void)state;
	memset(&tree, 0, sizeof(tree));
	for (uint64_t size = 0; size <= LEAVES; size++) {
		merkle_root(&tree, &root);
		want = root_of(0, size);
		assert_true(same(&root, &want));
		merkle_append(&tree, &leaves[size], NULL, NULL);
	}
}

/* Tiles as a folder would hold them. */
static struct merkle_hash stored[3][300][MERKLE_TILE];
static unsigned full_tiles;

static void keep_tile(void *user, unsigned level, uint64_t index, const struct merkle_hash *hashes)
{
	(void)user;
	full_tiles++;
	assert_true(level < 3 && index < 300);
	memcpy(stored[level][index], hashes, sizeof(stored[0][0]));
}

static bool read_tile(void *user, unsigned level, uint64_t index, unsigned width,
		      struct merkle_hash ret_hashes[MERKLE_TILE])
{
	(void)user;
	if (level >= 3 || index >= 300)
		return false;
	memcpy(ret_hashes, stored[level][index], width * sizeof(ret_hashes[0]));
	return true;
}

static void grow(uint64_t size)
{
	memset(&tree, 0, sizeof(tree));
	full_tiles = 0;
	for (uint64_t i = 0; i < size; i++)
		merkle_append(&tree, &leaves[i], keep_tile, NULL);
	for (unsigned level = 0; level < 3; level++)
		memcpy(stored[level][size >> (8 * level) >> 8], tree.tiles[level],
		       merkle_width(size, level) * sizeof(stored[0][0][0]));
}

/* The example of C2SP tlog-tiles. */
static void test_tiles(void **state)
{
	static struct merkle_tree again;
	struct merkle_hash root, want = root_of(0, MANY);

	(void)state;
	grow(MANY);
	assert_int_equal(full_tiles, 273 + 1);
	assert_int_equal(merkle_width(MANY, 0), 112);
	assert_int_equal(merkle_width(MANY, 1), 17);
	assert_int_equal(merkle_width(MANY, 2), 1);
	assert_int_equal(merkle_width(MANY, 3), 0);
	assert_true(tile_restore(read_tile, NULL, MANY, &again));
	assert_int_equal(again.size, MANY);
	merkle_root(&again, &root);
	assert_true(same(&root, &want));
}

static void test_tile_names(void **state)
{
	static const struct {
		unsigned level;
		uint64_t index;
		unsigned width;
		const char *path;
	} rows[] = {
		{ 0, 0, 0, "tile/0/000" },
		{ 0, 999, 256, "tile/0/999" },
		{ 0, 1000, 0, "tile/0/x001/000" },
		{ 1, 1234067, 0, "tile/1/x001/x234/067" },
		{ 0, 273, 112, "tile/0/273.p/112" },
		{ 7, UINT64_MAX, 1, "tile/7/x018/x446/x744/x073/x709/x551/615.p/1" },
	};
	char path[TILE_PATH];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(tile_path(rows[i].level, rows[i].index, rows[i].width, path), strlen(rows[i].path));
		assert_string_equal(path, rows[i].path);
	}
}

static void check_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size)
{
	struct merkle_hash hashes[MERKLE_PROOF], root = root_of(0, size);
	int count = merkle_prove_inclusion(source, index, size, hashes);
	struct merkle_proof proof = { hashes, (size_t)count };
	struct merkle_range whole = { 0, size };

	assert_true(count >= 0);
	assert_true(merkle_holds_inclusion(&leaves[index], index, whole, &root, proof));
	assert_false(merkle_holds_inclusion(&leaves[index + 1], index, whole, &root, proof));
	if (index + 1 < size)
		assert_false(merkle_holds_inclusion(&leaves[index], index + 1, whole, &root, proof));
	if (count != 0) {
		hashes[count - 1].bytes[31] ^= 1;
		assert_false(merkle_holds_inclusion(&leaves[index], index, whole, &root, proof));
		proof.count--;
		assert_false(merkle_holds_inclusion(&leaves[index], index, whole, &root, proof));
	}
}

static void check_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size)
{
	struct merkle_hash hashes[MERKLE_PROOF] = { 0 }, root = root_of(0, size), old_root = root_of(0, old_size);
	int count = merkle_prove_consistency(source, old_size, size, hashes);
	struct merkle_proof proof = { hashes, (size_t)count };
	struct merkle_range old = { 0, old_size };

	assert_true(count >= 0);
	assert_true(merkle_holds_consistency(old, size, &old_root, &root, proof));
	if (count != 0) {
		hashes[0].bytes[0] ^= 0x80;
		assert_false(merkle_holds_consistency(old, size, &old_root, &root, proof));
		hashes[0].bytes[0] ^= 0x80;
		proof.count--;
		assert_false(merkle_holds_consistency(old, size, &old_root, &root, proof));
		proof.count++;
	}
	old_root.bytes[5] ^= 4;
	assert_false(merkle_holds_consistency(old, size, &old_root, &root, proof));
}

static void test_proofs(void **state)
{
	struct tile_source tiles = { .read = read_tile };
	struct merkle_source source = { tile_node, &tiles };
	struct merkle_hash hashes[MERKLE_PROOF];

	(void)state;
	grow(MANY);
	tiles.size = MANY;
	for (uint64_t size = 1; size <= 40; size++)
		for (uint64_t index = 0; index < size; index++) {
			check_inclusion(&source, index, size);
			check_consistency(&source, index + 1, size);
		}
	for (uint64_t size = 250; size <= 1030; size += 65)
		for (uint64_t index = 0; index < size; index += 51) {
			check_inclusion(&source, index, size);
			check_consistency(&source, index + 1, size);
		}
	check_inclusion(&source, 65535, MANY - 1);
	check_inclusion(&source, 65536, MANY - 1);
	check_consistency(&source, 65537, MANY);
	assert_int_equal(merkle_prove_inclusion(&source, 5, 5, hashes), -1);
	assert_int_equal(merkle_prove_consistency(&source, 6, 5, hashes), -1);
	assert_int_equal(merkle_prove_consistency(&source, 0, 5, hashes), -1);
	assert_int_equal(merkle_prove_inclusion(&source, 0, MANY + 1000, hashes), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_roots), cmocka_unit_test(test_roots_of_every_size),
		cmocka_unit_test(test_tiles),	    cmocka_unit_test(test_tile_names),
		cmocka_unit_test(test_proofs),
	};

	return cmocka_run_group_tests_name("merkle", tests, set_up, NULL);
}
