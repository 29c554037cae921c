/* state: API keys in the store and in the file: who may use one, a full table, memory that is short, a file that is
 * read back, rows that nobody of ours wrote. With real clients: tests/e2e/test_keys.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database.h"
#include "database_fixture.h"
#include "vault_fixture.h"

#define WALL ((uint64_t)1700000000 * 1000000)
#define MINUTE ((uint64_t)60000000)

static const struct fw_time now = { 1000000000, WALL };

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 7, size);
}

static struct store *make(void)
{
	struct store_options options = { .max_sessions_per_user = 5,
					 .session_idle_ns = UINT64_C(60000000000),
					 .session_absolute_us = UINT64_C(3600000000) };
	struct store *store = store_new(&options, &(struct fw_random){ fill, NULL });

	assert_non_null(store);
	return store;
}

static struct store_api_key key_of(unsigned number)
{
	struct store_api_key key = {
		.name = "ci", .name_size = 2, .role = "user", .role_size = 4, .created_wall_us = WALL
	};
	char id[16];

	snprintf(id, sizeof(id), "%08u", number);
	memcpy(key.id, id, sizeof(key.id));
	memset(key.hash, (int)(number & 0xff), sizeof(key.hash));
	return key;
}

static void put(struct store *store, const struct store_api_key *key)
{
	static const char none[STORE_KEY_ID];
	char forgotten[STORE_KEY_ID];

	assert_int_equal(store_key_put(store, key, WALL, forgotten), STORE_KEY_KEPT);
	assert_memory_equal(forgotten, none, sizeof(none));
}

static struct fw_addr address_of(const char *text)
{
	struct fw_addr address;

	assert_true(addr_parse(slice_text(text), &address));
	return address;
}

/* "" when it may be used. */
static const char *says(struct store *store, const struct store_api_key *key, const char *address, uint64_t wall_us)
{
	struct fw_addr from = address_of(address);
	struct store_api_key found;
	const char *cause;
	enum fw_answer_code code = store_key_check(store, slice(key->id, sizeof(key->id)), key->hash, &from,
						   (struct fw_time){ 1, wall_us }, &found, &cause);

	assert_int_equal(code, cause == NULL ? FW_ANSWER_YES : FW_ANSWER_NO);
	return cause == NULL ? "" : cause;
}

static void checks(void **state)
{
	struct store *store = make();
	struct store_api_key key = key_of(1), wrong = key;
	struct fw_addr from = address_of("10.1.2.3");
	const char *cause;

	(void)state;
	assert_true(addr_net_parse(slice_text("10.0.0.0/8"), &key.networks[0]));
	assert_true(addr_net_parse(slice_text("2001:db8::/32"), &key.networks[1]));
	key.network_count = 2;
	key.expires_wall_us = WALL + 1000;
	assert_string_equal(says(store, &key, "10.1.2.3", WALL), "unknown key");
	put(store, &key);
	assert_string_equal(says(store, &key, "10.1.2.3", WALL), "");
	assert_string_equal(says(store, &key, "2001:db8::1", WALL + 999), "");
	assert_string_equal(says(store, &key, "11.1.2.3", WALL), "the key is not for this address");
	assert_string_equal(says(store, &key, "10.1.2.3", WALL + 1000), "expired key");
	wrong.hash[31] ^= 1;
	assert_string_equal(says(store, &wrong, "11.1.2.3", WALL + 1000), "secret");
	key.revoked_wall_us = WALL + 1;
	put(store, &key);
	assert_string_equal(says(store, &key, "10.1.2.3", WALL), "revoked key");
	/* Without a hash it was proved before; an id of another length is no id. */
	assert_int_equal(store_key_check(store, slice(key.id, 8), NULL, &from, now, &wrong, &cause), FW_ANSWER_NO);
	assert_string_equal(cause, "revoked key");
	assert_int_equal(store_key_check(store, slice(key.id, 7), key.hash, &from, now, &wrong, &cause), FW_ANSWER_NO);
	assert_string_equal(cause, "unknown key");
	assert_false(store_key_get(store, slice(NULL, 0), &wrong));
	store_free(store);
}

static void uses(void **state)
{
	struct store *store = make();
	struct store_api_key one = key_of(1), two = key_of(2), used[4];

	(void)state;
	put(store, &one);
	put(store, &two);
	assert_int_equal(store_key_used(store, used, 4), 0);
	assert_string_equal(says(store, &one, "::1", WALL + 5), "");
	assert_string_equal(says(store, &one, "::1", WALL + 7), "");
	assert_string_equal(says(store, &two, "::1", WALL + 7), "");
	assert_int_equal(store_key_used(store, used, 1), 1);
	assert_int_equal(used[0].used_wall_us, WALL - WALL % MINUTE);
	assert_int_equal(store_key_used(store, used, 4), 1);
	assert_int_equal(store_key_used(store, used, 4), 0);
	/* Within the minute it is known already; a clock that was set back unsays nothing. */
	assert_string_equal(says(store, &one, "::1", WALL + 9), "");
	assert_string_equal(says(store, &one, "::1", WALL - MINUTE), "");
	assert_int_equal(store_key_used(store, used, 4), 0);
	assert_string_equal(says(store, &one, "::1", WALL + MINUTE), "");
	one.expires_wall_us = WALL + 2 * MINUTE; /* changed meanwhile: the use is not lost */
	put(store, &one);
	assert_int_equal(store_key_used(store, used, 4), 1);
	assert_int_equal(used[0].used_wall_us, WALL + MINUTE - WALL % MINUTE);
	assert_int_equal(used[0].expires_wall_us, WALL + 2 * MINUTE);
	store_free(store);
}

static enum fw_answer_code open_session(struct store *store, const struct store_api_key *key, const char *token)
{
	struct store_session session = { .user_id = "u",
					 .user_id_size = 1,
					 .role = "user",
					 .role_size = 4,
					 .session_id = "s",
					 .session_id_size = 1,
					 .key_id_size = STORE_KEY_ID };
	char evicted[STORE_SESSION_ID];
	uint8_t hash[32] = { 0 };
	size_t size;

	memcpy(session.key_id, key->id, sizeof(session.key_id));
	snprintf((char *)hash, sizeof(hash), "%s", token);
	return store_session_open(store, hash, &session, now, evicted, &size);
}

static void sessions(void **state)
{
	struct store *store = make();
	struct store_api_key one = key_of(1), two = key_of(2);
	struct store_session taken;
	uint8_t token[32] = "c";

	(void)state;
	assert_int_equal(open_session(store, &one, "x"), FW_ANSWER_NO);
	put(store, &one);
	put(store, &two);
	assert_int_equal(open_session(store, &one, "a"), FW_ANSWER_YES);
	assert_int_equal(open_session(store, &one, "b"), FW_ANSWER_YES);
	assert_int_equal(open_session(store, &two, "c"), FW_ANSWER_YES);
	assert_int_equal(store_key_end_sessions(store, slice(one.id, 8)), 2);
	assert_int_equal(store_session_count(store), 1);
	assert_int_equal(store_session_take(store, token, now, &taken), FW_ANSWER_YES);
	assert_int_equal(taken.key_id_size, STORE_KEY_ID);
	assert_memory_equal(taken.key_id, two.id, STORE_KEY_ID);
	/* Between the question for the key and the session it may have ended. */
	one.revoked_wall_us = WALL;
	put(store, &one);
	assert_int_equal(open_session(store, &one, "d"), FW_ANSWER_NO);
	two.expires_wall_us = WALL;
	put(store, &two);
	assert_int_equal(open_session(store, &two, "e"), FW_ANSWER_NO);
	store_free(store);
}

static void count_one(void *user, const struct store_api_key *key)
{
	(void)key;
	++*(size_t *)user;
}

static void bounds(void **state)
{
	struct store *store = make();
	struct store_api_key key = key_of(0), found;
	char forgotten[STORE_KEY_ID];
	size_t count = 0;

	(void)state;
	key.name_size = STORE_KEY_NAME + 1;
	assert_int_equal(store_key_put(store, &key, WALL, forgotten), STORE_KEY_MEMORY);
	for (unsigned i = 0; i < LIMIT_API_KEYS; i++) {
		key = key_of(i);
		put(store, &key);
	}
	key = key_of(LIMIT_API_KEYS);
	assert_int_equal(store_key_put(store, &key, WALL, forgotten), STORE_KEY_FULL);
	assert_string_equal(says(store, &key, "::1", WALL), "unknown key");
	key = key_of(7); /* one that is there can be changed */
	key.revoked_wall_us = WALL - 5;
	put(store, &key);
	key = key_of(9);
	key.expires_wall_us = WALL - 9;
	put(store, &key);
	key = key_of(LIMIT_API_KEYS);
	assert_int_equal(store_key_put(store, &key, WALL, forgotten), STORE_KEY_KEPT);
	assert_memory_equal(forgotten, "00000009", STORE_KEY_ID); /* the one that ended first */
	assert_false(store_key_get(store, slice("00000009", 8), &found));
	assert_true(store_key_get(store, slice("00000007", 8), &found));
	assert_string_equal(says(store, &key, "::1", WALL), "");
	store_key_list(store, count_one, &count);
	assert_int_equal(count, LIMIT_API_KEYS);
	store_free(store);
}

static void memory(void **state)
{
	struct store *store = make();
	struct store_api_key key = key_of(1), before = key;
	char forgotten[STORE_KEY_ID];

	(void)state;
	put(store, &key);
	key.role_size = 2;
	mem_fail_at(1);
	assert_int_equal(store_key_put(store, &key, WALL, forgotten), STORE_KEY_MEMORY);
	mem_fail_at(0);
	assert_true(store_key_get(store, slice(before.id, 8), &key));
	assert_memory_equal(&key, &before, sizeof(key));
	store_free(store);
}

static bool load(struct store *store, char wrong[DATABASE_ERROR])
{
	struct database *database = database_open(path, sealed_with(1), wrong);
	bool loaded = database != NULL && database_load(database, store, wrong);

	database_close(database);
	return loaded;
}

static void change(const char *sql)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
}

static void file(void **state)
{
	struct store_api_key keys[2] = { key_of(1), key_of(2) }, found;
	char wrong[DATABASE_ERROR] = "";
	struct database *database = database_open(path, sealed_with(1), wrong);
	struct store *store = make();

	(void)state;
	assert_non_null(database);
	keys[0].scopes_size = 19;
	memcpy(keys[0].scopes, "chat.send chat.read", 19);
	keys[0].network_count = LIMIT_API_KEY_NETWORKS;
	for (unsigned i = 0; i < LIMIT_API_KEY_NETWORKS; i++)
		assert_true(
			addr_net_parse(slice_text(i % 2 ? "2001:db8:1234:5678:9abc:def0:1234:5678/128" : "10.0.0.0/8"),
				       &keys[0].networks[i]));
	keys[0].expires_wall_us = WALL + 3;
	keys[0].revoked_wall_us = WALL + 2;
	keys[0].used_wall_us = WALL + 1;
	assert_true(database_keep_keys(database, keys, 2, wrong));
	assert_true(database_keep_keys(database, keys, 2, wrong));
	assert_true(database_keep_keys(database, keys, 0, wrong));
	database_close(database);
	assert_true(load(store, wrong));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(store_key_get(store, slice(keys[i].id, 8), &found));
		assert_memory_equal(&found, &keys[i], sizeof(found));
	}
	store_free(store);
	database = database_open(path, sealed_with(1), wrong);
	assert_true(database_forget_key(database, keys[0].id, wrong));
	assert_true(database_forget_key(database, keys[0].id, wrong));
	database_close(database);
	store = make();
	assert_true(load(store, wrong));
	assert_false(store_key_get(store, slice(keys[0].id, 8), &found));
	assert_true(store_key_get(store, slice(keys[1].id, 8), &found));
	store_free(store);
}

/* Who changes the file by hand is told, and nobody is let in by half a row. */
static void strange_rows(void **state)
{
	static const char *const rows[] = {
		"UPDATE api_keys SET hash = zeroblob(31)",
		"UPDATE api_keys SET id = 'short'",
		"UPDATE api_keys SET name = zeroblob(65)",
		"UPDATE api_keys SET scopes = zeroblob(513)",
		"UPDATE api_keys SET networks = CAST('x' AS BLOB)",
		"UPDATE api_keys SET role = zeroblob(10000)",
		"UPDATE api_keys SET networks = CAST('1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
		"1.1.1.1 "
		"1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1' AS BLOB)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct store_api_key key = key_of(1);
		char wrong[DATABASE_ERROR] = "";
		struct database *database = database_open(path, sealed_with(1), wrong);
		struct store *store = make();

		assert_true(database_keep_keys(database, &key, 1, wrong));
		database_close(database);
		change("DELETE FROM api_keys WHERE id <> '00000001'");
		change(rows[i]);
		assert_false(load(store, wrong));
		assert_string_not_equal(wrong, "");
		store_free(store);
		change("DELETE FROM api_keys");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks),	cmocka_unit_test(uses),	  cmocka_unit_test(sessions),
		cmocka_unit_test(bounds),	cmocka_unit_test(memory), cmocka_unit_test(file),
		cmocka_unit_test(strange_rows),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
