/* Proofs of transparency-dev/merkle, good and mutated: inclusion and consistency in trees and in subtrees. */
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "record/merkle.h"
#include "vectors.h"

enum { HASHES = 128 };

static struct arena arena;
static struct {
	unsigned files, good, short_hashes;
} tally;

/* Some mutations are no hash at all ("wrong root", nothing): a shorter text is filled up, so that it is equal to itself
 * and to nothing else. False: it is longer. */
static bool read_hash(const struct json *json, uint32_t node, struct merkle_hash *ret_hash)
{
	struct fw_slice text = json_text(json, node, &arena);
	uint8_t bytes[256];
	ptrdiff_t size = text.size <= 256 ? decode_base64((const char *)text.data, text.size, 0, bytes) : -1;

	memset(ret_hash, 0, sizeof(*ret_hash));
	if (size < 0 || size > MERKLE_HASH)
		return false;
	memcpy(ret_hash->bytes, bytes, (size_t)size);
	tally.short_hashes += size != MERKLE_HASH;
	return true;
}

static uint64_t number(const struct json *json, const char *name)
{
	uint32_t node = json_member(json, 0, name, strlen(name));

	if (node == 0)
		return 0;
	assert_int_equal(json->nodes[node].kind, JSON_NUMBER);
	return strtoull((const char *)json_raw(json, node).data, NULL, 10);
}

static bool hash_at(const struct json *json, const char *name, struct merkle_hash *ret_hash)
{
	uint32_t node = json_member(json, 0, name, strlen(name));

	assert_true(node != 0);
	return read_hash(json, node, ret_hash);
}

static bool read_proof(const struct json *json, struct merkle_hash hashes[HASHES], struct merkle_proof *ret_proof)
{
	uint32_t node = json_member(json, 0, "proof", 5);
	bool whole = true;

	*ret_proof = (struct merkle_proof){ hashes, 0 };
	if (node == 0 || json->nodes[node].kind == JSON_NULL)
		return true;
	for (uint32_t at = node + 1; at < json->nodes[node].next; at = json->nodes[at].next) {
		assert_true(ret_proof->count < HASHES);
		whole = read_hash(json, at, &hashes[ret_proof->count++]) && whole;
	}
	return whole;
}

static bool holds(const struct json *json)
{
	struct merkle_hash hashes[HASHES], one, other;
	struct merkle_range range = { number(json, "start"), number(json, "end") };
	struct merkle_proof proof;
	bool whole, inclusion = json_member(json, 0, "leafIdx", 7) != 0;
	unsigned short_before = tally.short_hashes;

	whole = read_proof(json, hashes, &proof);
	whole = hash_at(json, inclusion ? "root" : "root1", &one) && whole;
	whole = hash_at(json, inclusion ? "leafHash" : "root2", &other) && whole;
	if (!whole || (inclusion && tally.short_hashes != short_before))
		return false; /* the types of merkle.h do not let it in */
	if (inclusion) {
		if (json_member(json, 0, "treeSize", 8) != 0)
			range = (struct merkle_range){ 0, number(json, "treeSize") };
		return merkle_holds_inclusion(&other, number(json, "leafIdx"), range, &one, proof);
	}
	if (json_member(json, 0, "size1", 5) != 0)
		return merkle_holds_growth(number(json, "size1"), number(json, "size2"), &one, &other, proof);
	return merkle_holds_consistency(range, number(json, "size"), &one, &other, proof);
}

static int run_file(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	struct json json;
	size_t size;
	char *bytes;
	uint32_t want;
	bool ours;

	(void)stat;
	(void)walk;
	if (type != FTW_F)
		return 0;
	bytes = vectors_read(path, &size);
	assert_non_null(bytes);
	assert_int_equal(json_parse(&arena, slice(bytes, size), 0, &json, NULL), JSON_OK);
	want = json_member(&json, 0, "wantErr", 7);
	ours = holds(&json);
	if (ours != (json.nodes[want].kind == JSON_FALSE))
		fail_msg("%s: it %s", path, ours ? "is taken" : "is refused");
	tally.files++;
	tally.good += ours;
	arena_reset(&arena);
	free(bytes);
	return 0;
}

static void proofs(void **state)
{
	char folder[4096];

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(nftw(vectors_path(folder, "vectors/merkle/testdata"), run_file, 16, FTW_PHYS), 0);
	arena_fini(&arena);
	printf("# %u files, %u hold, %u texts are no hash\n", tally.files, tally.good, tally.short_hashes);
	assert_int_equal(tally.files, 518);
	assert_true(tally.good > 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(proofs) };
	char folder[4096];

	if (access(vectors_path(folder, "vectors/merkle"), R_OK) != 0)
		return vectors_absent(folder);
	return cmocka_run_group_tests_name("merkle vectors", tests, NULL, NULL);
}
