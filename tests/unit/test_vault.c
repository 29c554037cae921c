/* state: what the database seals with: nonces, places, keys that change in the middle of other work, cut off anywhere.
 * With the real program: tests/e2e/test_sealing.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database.h"
#include "state/vault_parts.h"
#include "database_fixture.h"
#include "vault_fixture.h"

static struct vault *make(void)
{
	struct vault *vault = mem_zero(1, sizeof(*vault));

	assert_non_null(vault);
	vault->count = 1;
	vault->keys[0].id = 7;
	vault->keys[0].known = true;
	vault->random = random_system();
	return vault;
}

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, SEAL_NONCE);
}

/* Of 2^20 values, in vaults that are opened anew (a restart), no two have the same nonce. */
static void nonces(void **state)
{
	enum { COUNT = 1 << 20, STARTS = 16 };
	struct vault_place place = { "t", "c", slice_text("r") };
	uint8_t(*seen)[SEAL_NONCE] = malloc((size_t)COUNT * SEAL_NONCE);

	(void)state;
	assert_non_null(seen);
	for (unsigned start = 0; start < STARTS; start++) {
		struct vault *vault = make();

		for (unsigned i = 0; i < COUNT / STARTS; i++) {
			struct fw_slice sealed = vault_seal(vault, &place, slice_text("x"));

			assert_int_equal(sealed.size, 1 + VAULT_OVERHEAD);
			memcpy(seen[start * (COUNT / STARTS) + i], sealed.data + 5, SEAL_NONCE);
		}
		assert_int_equal(vault->sealed, COUNT / STARTS);
		mem_free(vault);
	}
	qsort(seen, COUNT, SEAL_NONCE, by_octets);
	for (unsigned i = 1; i < COUNT; i++)
		assert_memory_not_equal(seen[i - 1], seen[i], SEAL_NONCE);
	free(seen);
}

/* A value opens where it was sealed and nowhere else, and whole. */
static void places(void **state)
{
	static const struct vault_place here = { "t", "c", { (const uint8_t *)"record", 6 } };
	const struct vault_place others[] = {
		{ "t", "c", slice_text("recor") },  { "t", "c", slice_text("record1") },
		{ "t", "c", slice(NULL, 0) },	    { "t", "d", slice_text("record") },
		{ "u", "c", slice_text("record") }, { "tc", "", slice_text("record") },
		{ "", "tc", slice_text("record") },
	};
	struct vault *vault = make();
	uint8_t copy[256];
	struct fw_slice sealed = vault_seal(vault, &here, slice_text("a text")), text;

	(void)state;
	memcpy(copy, sealed.data, sealed.size);
	sealed.data = copy;
	text = vault_open(vault, &here, sealed);
	assert_true(slice_is(text, "a text"));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_null(vault_open(vault, &others[i], sealed).data);
	for (size_t i = 0; i < sealed.size; i++) {
		assert_null(vault_open(vault, &here, slice(copy, i)).data);
		for (unsigned bit = 0; bit < 8; bit++) {
			copy[i] ^= (uint8_t)(1 << bit);
			assert_null(vault_open(vault, &here, sealed).data);
			copy[i] ^= (uint8_t)(1 << bit);
		}
	}
	vault->keys[0].known = false;
	assert_null(vault_open(vault, &here, sealed).data);
	vault->keys[0].known = true;
	/* Nothing is a text, too; what is too long is not sealed, and no key seals more than it may. */
	sealed = vault_seal(vault, &here, slice(NULL, 0));
	text = vault_open(vault, &here, sealed);
	assert_non_null(text.data);
	assert_int_equal(text.size, 0);
	assert_null(vault_seal(vault, &here, slice(copy, VAULT_FIELD + 1)).data);
	vault->keys[0].used = VAULT_USES - vault->sealed - 1;
	assert_non_null(vault_seal(vault, &here, slice_text("last")).data);
	assert_null(vault_seal(vault, &here, slice_text("one more")).data);
	mem_free(vault);
}

enum { KEYS = 40, USERS = 40 };

static void fill(struct database *database)
{
	struct store_api_key key = { .name = "ci", .name_size = 2, .role = "user", .role_size = 4 };
	char wrong[DATABASE_ERROR], text[16];

	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(text, sizeof(text), "%08u", i);
		memcpy(key.id, text, 8);
		assert_true(database_keep_keys(database, &key, 1, wrong));
	}
	for (unsigned i = 0; i < USERS; i++) {
		snprintf(text, sizeof(text), "u%u", i);
		assert_true(database_revoke(
			database, &(struct store_revocation){ .user = slice_text(text), .disabled = true }, wrong));
	}
}

static void count_key(void *user, const struct store_api_key *key)
{
	(void)key;
	++*(unsigned *)user;
}

static void count_user(void *user, const struct store_revocation *revocation)
{
	(void)revocation;
	++*(unsigned *)user;
}

/* Is everything there? */
static void holds(struct database *database)
{
	struct fw_random random = random_system();
	struct store *store = store_new(&(struct store_options){ 0 }, &random);
	char wrong[DATABASE_ERROR] = "";
	unsigned keys = 0, users = 0;

	assert_true(database_load(database, store, wrong));
	store_key_list(store, count_key, &keys);
	store_revocation_list(store, count_user, &users);
	assert_int_equal(keys, KEYS);
	assert_int_equal(users, USERS);
	store_free(store);
}

static struct vault_options both(uint8_t first, uint8_t second)
{
	struct vault_options options = *sealed_with(first);

	options.sources[options.source_count++] = sealed_with(second)->sources[0];
	return options;
}

/* Cut off after any number of values: both keys open it and it goes on; either alone is told. */
static void cut_off(void **state)
{
	char wrong[DATABASE_ERROR];
	struct vault_options keys;
	struct database_key shown[DATABASE_KEYS];
	struct database *database = database_open(path, sealed_with(1), wrong);
	unsigned count;
	uint64_t stale;
	bool done;

	(void)state;
	assert_non_null(database);
	fill(database);
	for (uint8_t round = 1; round < 24; round++) {
		keys = both((uint8_t)(round + 1), round);
		assert_true(database_rekey(database, &keys, wrong));
		assert_true(database_reseal(database, round * 13, &done, wrong));
		assert_int_equal(done, round * 13 > KEYS * 5 + USERS * 2 + 1);
		database_close(database);
		if (!done) {
			assert_null(database_open(path, sealed_with((uint8_t)(round + 1)), wrong));
			assert_non_null(strstr(wrong, "another key"));
			assert_null(database_open(path, sealed_with(round), wrong));
		}
		database = database_open(path, &keys, wrong);
		assert_non_null(database);
		holds(database);
		assert_true(database_keys(database, shown, &count, &stale, wrong));
		assert_int_equal(count, done ? 1 : 2);
		assert_int_equal(stale, done ? 0 : KEYS * 5 + USERS * 2 + 1 - round * 13);
		while (!done) {
			assert_true(database_reseal(database, 7, &done, wrong));
			/* Others write meanwhile, and take out. */
			assert_true(database_revoke(database, &(struct store_revocation){ .user = slice_text("u3") },
						    wrong));
		}
		assert_true(database_keys(database, shown, &count, &stale, wrong));
		assert_true(count == 1 && stale == 0 && shown[0].current);
		assert_true(database_reseal(database, 1000, &done, wrong)); /* once more does no harm */
		assert_true(done);
		database_close(database);
		assert_null(database_open(path, sealed_with(round), wrong));
		database = database_open(path, sealed_with((uint8_t)(round + 1)), wrong);
		assert_non_null(database);
		holds(database);
	}
	/* A key that was given and sealed nothing yet is no reason to refuse the one of before. */
	keys = both(200, 24);
	assert_true(database_rekey(database, &keys, wrong));
	database_close(database);
	database = database_open(path, sealed_with(24), wrong);
	assert_non_null(database);
	holds(database);
	database_close(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonces),
		cmocka_unit_test(places),
		cmocka_unit_test(cut_off),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
