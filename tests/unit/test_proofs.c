/* state: proofs of possession: each once, until it could not be used again by any clock; a full table refuses, and
 * forgets nothing for it. With real clients: tests/e2e/test_bound.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/store.h"

#define SECOND UINT64_C(1000000)
#define WALL (UINT64_C(1700000000) * SECOND)

static uint8_t filling;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, filling, size);
}

static struct store *make(void)
{
	struct store_options options = { .max_sessions_per_user = 5 };
	struct store *store;

	filling++;
	store = store_new(&options, &(struct fw_random){ fill, NULL });
	assert_non_null(store);
	return store;
}

/* The clocks so many seconds after the beginning. */
static struct fw_time at(uint64_t monotonic, uint64_t wall)
{
	return (struct fw_time){ (1000 + monotonic) * SECOND * 1000, WALL + wall * SECOND };
}

static enum fw_answer_code take(struct store *store, uint32_t number, uint64_t until, struct fw_time now)
{
	uint8_t proof[32] = { 1 };

	memcpy(proof + 8, &number, sizeof(number));
	return store_proof_take(store, proof, WALL + until * SECOND, now);
}

static void each_is_good_once(void **state)
{
	struct store *store = make();

	(void)state;
	assert_int_equal(take(store, 1, 61, at(0, 0)), FW_ANSWER_YES);
	assert_int_equal(take(store, 1, 61, at(0, 0)), FW_ANSWER_REPLAYED);
	assert_int_equal(take(store, 2, 61, at(0, 0)), FW_ANSWER_YES);
	for (int i = 0; i < 100; i++) /* each sweeps a little */
		assert_int_equal(take(store, 1, 61, at(60, 60)), FW_ANSWER_REPLAYED);
	store_sweep(store, at(60, 60));
	assert_int_equal(take(store, 1, 61, at(60, 60)), FW_ANSWER_REPLAYED);
	assert_int_equal(take(store, 1, 122, at(61, 61)), FW_ANSWER_YES);
	store_free(store);
}

/* A clock that is set makes no proof new. */
static void both_clocks_must_have_passed(void **state)
{
	struct store *store = make();

	(void)state;
	assert_int_equal(take(store, 1, 61, at(0, 0)), FW_ANSWER_YES);
	store_sweep(store, at(1, 1000));
	assert_int_equal(take(store, 1, 61, at(1, 1)), FW_ANSWER_REPLAYED);
	store_sweep(store, at(1000, 1));
	assert_int_equal(take(store, 1, 61, at(1000, 1)), FW_ANSWER_REPLAYED);
	store_sweep(store, at(1000, 1000));
	assert_int_equal(take(store, 1, 2000, at(1000, 1000)), FW_ANSWER_YES);
	store_free(store);
}

static void a_full_table_refuses(void **state)
{
	struct store *store = make();

	(void)state;
	for (uint32_t i = 0; i < LIMIT_PROOFS; i++)
		if (take(store, i, 61, at(0, 0)) != FW_ANSWER_YES)
			fail_msg("proof %u of %u found no room", i, (unsigned)LIMIT_PROOFS);
	assert_int_equal(take(store, LIMIT_PROOFS, 61, at(0, 0)), FW_ANSWER_FULL);
	assert_int_equal(take(store, LIMIT_PROOFS, 61, at(60, 60)), FW_ANSWER_FULL);
	for (uint32_t i = 0; i < LIMIT_PROOFS; i++)
		if (take(store, i, 61, at(60, 60)) != FW_ANSWER_REPLAYED)
			fail_msg("proof %u was forgotten", i);
	/* Whatever is over makes room, all of it. */
	for (uint32_t i = 0; i < LIMIT_PROOFS; i++)
		if (take(store, LIMIT_PROOFS + i, 122, at(61, 61)) != FW_ANSWER_YES)
			fail_msg("proof %u found no room though others were over", i);
	assert_int_equal(take(store, 3 * LIMIT_PROOFS, 122, at(61, 61)), FW_ANSWER_FULL);
	store_free(store);
}

static void nonces(void **state)
{
	struct store *store = make(), *other = make();
	char nonce[STORE_NONCE], next[STORE_NONCE];
	const uint64_t window = 300, ns = SECOND * 1000;

	(void)state;
	for (uint64_t start = 0; start < 3 * window; start += window - 1) {
		assert_true(store_nonce_make(store, start * ns, nonce));
		assert_true(store_nonce_holds(store, start * ns, slice(nonce, sizeof(nonce))));
		assert_true(store_nonce_holds(store, (start + window) * ns, slice(nonce, sizeof(nonce))));
		assert_false(store_nonce_holds(store, (start + 2 * window) * ns, slice(nonce, sizeof(nonce))));
		assert_false(store_nonce_holds(other, start * ns, slice(nonce, sizeof(nonce))));
		assert_false(store_nonce_holds(store, start * ns, slice(nonce, sizeof(nonce) - 1)));
		assert_false(store_nonce_holds(store, start * ns, slice(NULL, 0)));
		assert_true(store_nonce_make(store, (start + window) * ns, next));
		assert_memory_not_equal(nonce, next, sizeof(nonce));
		assert_false(store_nonce_holds(store, start * ns, slice(next, sizeof(next))));
	}
	store_free(store);
	store_free(other);
}

/* A table that is new, as after a restart, cannot know what was used before. */
static void older_than_the_table(void **state)
{
	struct store_options options = { .begun_wall_us = WALL + SECOND / 2 };
	struct store *store = store_new(&options, &(struct fw_random){ fill, NULL });

	(void)state;
	assert_non_null(store);
	assert_true(store_proof_is_older(store, 0));
	assert_true(store_proof_is_older(store, WALL - SECOND));
	assert_false(store_proof_is_older(store, WALL)); /* iat has no fraction: it may have been made behind it */
	assert_false(store_proof_is_older(store, WALL + SECOND));
	options.begun_wall_us = 0; /* as a reload configures it */
	store_configure(store, &options);
	assert_true(store_proof_is_older(store, WALL - SECOND));
	store_free(store);
}

static void without_memory(void **state)
{
	struct store_options options = { .max_sessions_per_user = 5 };
	struct store *store = NULL;

	(void)state;
	for (uint64_t n = 1; store == NULL; n++) {
		assert_true(n < 100);
		mem_fail_at(n);
		store = store_new(&options, &(struct fw_random){ fill, NULL });
		mem_fail_at(0);
	}
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_good_once),	cmocka_unit_test(both_clocks_must_have_passed),
		cmocka_unit_test(a_full_table_refuses), cmocka_unit_test(nonces),
		cmocka_unit_test(without_memory),	cmocka_unit_test(older_than_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
