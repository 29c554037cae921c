/* The block list on the disk: what a server that begins anew knows of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "base/addr.h"
#include "base/limits.h"
#include "base/slice.h"
#include "state/database.h"
#include "database_fixture.h"
#include "vault_fixture.h"

#define SECOND ((uint64_t)1000000000)
#define HOUR (3600 * SECOND)
#define WALL ((uint64_t)1700000000 * 1000000)

static const struct fw_slice nobody = { NULL, 0 };
static const struct fw_addr address = { 4, { 192, 0, 2, 1 } }, none = { 0 };

static struct store *make(void)
{
	struct store_options options = { .max_connections_per_ip = 10,
					 .max_connections = 100000,
					 .violation_threshold = 10,
					 .block_ns = 24 * HOUR,
					 .forgive_ns = 10 * HOUR };
	struct fw_random random = random_system();
	struct store *store = store_new(&options, &random);

	assert_non_null(store);
	return store;
}

static struct database *opened(void)
{
	char wrong[DATABASE_ERROR];
	struct database *database = database_open(path, sealed_with(1), wrong);

	assert_non_null(database);
	return database;
}

/* A store of a machine that was switched on just now, at that time of the wall clock. */
static struct store *loaded(uint64_t wall_us)
{
	struct database *database = opened();
	struct store *store = make();
	char wrong[DATABASE_ERROR];

	assert_true(database_load_blocks(database, store, (struct fw_time){ .monotonic_ns = 1, .wall_us = wall_us },
					 wrong));
	database_close(database);
	return store;
}

static struct store_block of_address(bool automatic)
{
	return (struct store_block){ .address = address,
				     .reason = "it's \"\xc3\xa4\"",
				     .left_ns = HOUR,
				     .forgive_ns = 11 * HOUR,
				     .blocks = automatic ? 3 : 0,
				     .score = 12,
				     .automatic = automatic };
}

static void keep(const struct store_block *blocks, size_t count)
{
	struct database *database = opened();
	char wrong[DATABASE_ERROR];

	assert_true(database_keep_blocks(database, blocks, count, WALL, wrong));
	database_close(database);
}

static void test_what_is_kept_is_loaded(void **state)
{
	struct store_block blocks[2] = { of_address(true),
					 { .user = "mal'lory", .user_size = 8, .left_ns = 2 * HOUR } };
	struct store_standing standing;
	struct database *database;
	char wrong[DATABASE_ERROR];
	struct store *store;

	(void)state;
	keep(blocks, 2);
	keep(blocks, 2); /* in place of those */
	store = loaded(WALL + 1800 * (uint64_t)1000000);
	assert_int_equal(store_block_count(store, 1), 2);
	assert_true(store_standing(store, &address, nobody, 1, &standing));
	assert_string_equal(standing.block.reason, blocks[0].reason);
	assert_true(standing.block.left_ns == HOUR / 2 && standing.block.forgive_ns == 10 * HOUR + HOUR / 2);
	assert_int_equal(standing.block.blocks, 3);
	assert_int_equal(standing.block.score, 12);
	assert_true(standing.block.automatic);
	assert_true(store_standing(store, &none, slice_text("mal'lory"), 1, &standing));
	assert_false(standing.block.automatic);
	store_free(store);
	/* It is over, but how many there were counts; then less so. */
	store = loaded(WALL + 3 * 3600 * (uint64_t)1000000);
	assert_int_equal(store_block_count(store, 1), 0);
	assert_true(store_standing(store, &address, nobody, 1, &standing));
	assert_int_equal(standing.block.blocks, 3);
	assert_true(store_standing(store, &address, nobody, 9 * HOUR, &standing));
	assert_int_equal(standing.block.blocks, 2);
	store_free(store);
	database = opened();
	assert_true(database_forget_block(database, &none, slice_text("mal'lory"), wrong));
	assert_true(database_forget_block(database, &none, slice_text("mal'lory"), wrong));
	assert_true(database_forget_block(database, &address, nobody, wrong));
	database_close(database);
	store = loaded(WALL);
	assert_int_equal(store_block_count(store, 1), 0);
	store_free(store);
}

static int64_t rows(const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *handle;
	int64_t count;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
	count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	sqlite3_close(handle);
	return count;
}

static void tidy(uint64_t wall_us)
{
	struct database *database = opened();
	char wrong[DATABASE_ERROR];

	assert_true(database_tidy_blocks(database, wall_us, 10 * (uint64_t)3600 * 1000000, wrong));
	database_close(database);
}

static void test_what_is_over_goes(void **state)
{
	struct store_block block = of_address(true);
	uint64_t hour = (uint64_t)3600 * 1000000;

	(void)state;
	keep(&block, 1);
	tidy(WALL + 2 * hour);
	assert_int_equal(rows("SELECT count(*) FROM blocks"), 1);
	tidy(WALL + 30 * hour);
	assert_int_equal(rows("SELECT count(*) FROM blocks"), 1);
	tidy(WALL + 32 * hour);
	assert_int_equal(rows("SELECT count(*) FROM blocks"), 0);
	/* One for ever is there for ever. */
	block = of_address(false);
	block.left_ns = UINT64_MAX;
	keep(&block, 1);
	tidy(WALL + 100000 * hour);
	assert_int_equal(rows("SELECT count(*) FROM blocks"), 1);
	rows("DELETE FROM blocks");
}

/* Nobody reads in the file who was blocked, and no row is as somebody else made it. */
static void test_it_is_sealed(void **state)
{
	struct store_block block = of_address(false);
	struct database *database;
	char wrong[DATABASE_ERROR] = "";
	struct store *store = make();

	(void)state;
	keep(&block, 1);
	assert_int_equal(rows("SELECT count(*) FROM blocks WHERE instr(subject, '192.0.2.1') <> 0 "
			      "OR instr(reason, 'it') <> 0"),
			 0);
	rows("UPDATE blocks SET subject = zeroblob(40)");
	database = opened();
	assert_false(
		database_load_blocks(database, store, (struct fw_time){ .monotonic_ns = 1, .wall_us = WALL }, wrong));
	assert_non_null(strstr(wrong, "changed from outside"));
	database_close(database);
	store_free(store);
	rows("DELETE FROM blocks");
}

/* More than there is room for: what operators put there comes first. */
static void test_there_is_no_more_than_room(void **state)
{
	enum { BATCH = 4096 };
	struct store_block *blocks = calloc(BATCH, sizeof(*blocks));
	struct store_block hand = of_address(false);
	struct store *store;

	(void)state;
	assert_non_null(blocks);
	keep(&hand, 1);
	for (uint32_t first = 0; first < LIMIT_BLOCKS + BATCH; first += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++) {
			blocks[i] = of_address(true);
			blocks[i].address.bytes[0] = 10;
			blocks[i].address.bytes[1] = (uint8_t)((first + i) >> 16);
			blocks[i].address.bytes[2] = (uint8_t)((first + i) >> 8);
			blocks[i].address.bytes[3] = (uint8_t)(first + i);
			blocks[i].left_ns = 2 * HOUR;
		}
		keep(blocks, BATCH);
	}
	free(blocks);
	store = loaded(WALL);
	assert_int_equal(store_block_count(store, 1), LIMIT_BLOCKS);
	assert_int_equal(store_admit(store, &address, 1), FW_ANSWER_BLOCKED);
	store_free(store);
	tidy(WALL);
	assert_int_equal(rows("SELECT count(*) FROM blocks"), LIMIT_BLOCKS);
	assert_int_equal(rows("SELECT count(*) FROM blocks WHERE automatic = 0"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept_is_loaded),
		cmocka_unit_test(test_what_is_over_goes),
		cmocka_unit_test(test_it_is_sealed),
		cmocka_unit_test(test_there_is_no_more_than_room),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
