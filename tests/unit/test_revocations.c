/* state: users that were revoked, in the store and in the file: order of times, a full table, memory and disk that are
 * short, a file that is read back. With real clients: tests/e2e/test_revocation.py. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "state/database.h"
#include "database_fixture.h"
#include "vault_fixture.h"

#define WALL ((uint64_t)1700000000 * 1000000)

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

static struct store_session session_of(const char *user, const char *id, uint64_t issued)
{
	struct store_session session = { .user_id_size = strlen(user),
					 .role_size = 4,
					 .role = "user",
					 .session_id_size = strlen(id),
					 .issued_wall_us = issued };

	memcpy(session.user_id, user, session.user_id_size);
	memcpy(session.session_id, id, session.session_id_size);
	return session;
}

static enum fw_answer_code open_session(struct store *store, const char *user, const char *id, uint64_t issued)
{
	struct store_session session = session_of(user, id, issued);
	char evicted[STORE_SESSION_ID];
	uint8_t key[32] = { 0 };
	size_t size;

	snprintf((char *)key, sizeof(key), "%s", id);
	return store_session_open(store, key, &session, now, evicted, &size);
}

static enum store_revoked take_away(struct store *store, const char *user, bool disabled, uint32_t *ret_sessions)
{
	return store_revoke(store,
			    &(struct store_revocation){ .user = slice_text(user),
							.reason = slice_text("r"),
							.before_wall_us = WALL,
							.disabled = disabled },
			    ret_sessions);
}

static void times(void **state)
{
	struct store *store = make();
	struct store_revocation wish;
	struct store_session taken;
	uint8_t key[32] = "one";
	uint32_t sessions;

	(void)state;
	assert_int_equal(open_session(store, "alice", "one", 0), FW_ANSWER_YES);
	assert_int_equal(open_session(store, "alice", "two", WALL), FW_ANSWER_YES);
	assert_int_equal(open_session(store, "alic", "three", 0), FW_ANSWER_YES);
	assert_int_equal(take_away(store, "alice", false, &sessions), STORE_REVOKED);
	assert_int_equal(sessions, 2);
	assert_int_equal(store_session_count(store), 1);
	assert_int_equal(store_session_take(store, key, now, &taken), FW_ANSWER_NO);
	assert_int_equal(open_session(store, "alice", "one", 0), FW_ANSWER_NO);
	assert_int_equal(open_session(store, "alice", "one", WALL), FW_ANSWER_NO);
	assert_int_equal(open_session(store, "alice", "one", WALL + 1), FW_ANSWER_YES);
	assert_int_equal(open_session(store, "alicee", "four", 0), FW_ANSWER_YES);
	/* When it was issued goes with the session: one that was taken when the user was revoked is not opened again.
	 */
	assert_int_equal(store_session_take(store, key, now, &taken), FW_ANSWER_YES);
	assert_int_equal(taken.issued_wall_us, WALL + 1);
	assert_int_equal(take_away(store, "alice", true, &sessions), STORE_REVOKED);
	assert_int_equal(sessions, 0);
	assert_int_equal(open_session(store, "alice", "one", UINT64_MAX), FW_ANSWER_NO);
	/* Who is disabled is not let in again by a revocation that says less, nor by a clock that was set back. */
	assert_int_equal(take_away(store, "alice", false, &sessions), STORE_REVOKED);
	assert_int_equal(open_session(store, "alice", "one", UINT64_MAX), FW_ANSWER_NO);
	assert_int_equal(take_away(store, "bob", false, &sessions), STORE_REVOKED);
	wish = (struct store_revocation){ .user = slice_text("bob"), .before_wall_us = WALL - 10 };
	assert_int_equal(store_revoke(store, &wish, &sessions), STORE_REVOKED);
	assert_int_equal(wish.before_wall_us, WALL); /* what is written is what is in force */
	assert_int_equal(open_session(store, "bob", "two", WALL), FW_ANSWER_NO);
	assert_false(store_restore(store, slice_text("alic")));
	assert_true(store_restore(store, slice_text("alice")));
	assert_false(store_restore(store, slice_text("alice")));
	assert_int_equal(open_session(store, "alice", "one", 0), FW_ANSWER_YES);
	store_free(store);
}

static void one_session(void **state)
{
	struct store *store = make();
	struct store_session gone;

	(void)state;
	assert_int_equal(open_session(store, "alice", "one", 0), FW_ANSWER_YES);
	assert_int_equal(open_session(store, "alice", "two", 0), FW_ANSWER_YES);
	assert_false(store_session_revoke(store, slice_text("on"), &gone));
	assert_true(store_session_revoke(store, slice_text("one"), &gone));
	assert_memory_equal(gone.session_id, "one", 3); /* what it was is said */
	assert_false(store_session_revoke(store, slice_text("one"), &gone));
	assert_int_equal(store_session_count(store), 1);
	store_free(store);
}

static void count_one(void *user, const struct store_revocation *revocation)
{
	size_t *count = user;

	assert_true(revocation->disabled);
	++*count;
}

static void bounds(void **state)
{
	struct store *store = make();
	struct store_revocation wish = { .user = slice_text(""), .before_wall_us = WALL };
	char long_text[STORE_NAME + 1];
	uint32_t sessions;
	size_t count = 0;
	char user[16];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	assert_int_not_equal(store_revoke(store, &wish, &sessions), STORE_REVOKED);
	wish.user = slice(long_text, sizeof(long_text));
	assert_int_not_equal(store_revoke(store, &wish, &sessions), STORE_REVOKED);
	assert_false(store_restore(store, wish.user));
	for (unsigned i = 0; i < LIMIT_REVOCATIONS; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		assert_int_equal(take_away(store, user, true, &sessions), STORE_REVOKED);
	}
	assert_int_equal(take_away(store, "one more", true, &sessions), STORE_REVOKED_FULL);
	assert_int_equal(take_away(store, "u7", true, &sessions),
			 STORE_REVOKED); /* who is there can be revoked again */
	assert_int_equal(open_session(store, "u65535", "one", UINT64_MAX), FW_ANSWER_NO);
	store_revocation_list(store, count_one, &count);
	assert_int_equal(count, LIMIT_REVOCATIONS);
	assert_true(store_restore(store, slice_text("u9")));
	assert_int_equal(take_away(store, "one more", true, &sessions), STORE_REVOKED);
	store_free(store);
}

/* Who cannot be remembered is not half revoked. */
static void memory(void **state)
{
	struct store *store = make();
	uint32_t sessions;

	(void)state;
	assert_int_equal(open_session(store, "alice", "one", 0), FW_ANSWER_YES);
	mem_fail_at(1);
	assert_int_equal(take_away(store, "alice", true, &sessions), STORE_REVOKED_MEMORY);
	mem_fail_at(0);
	assert_int_equal(sessions, 0);
	assert_int_equal(store_session_count(store), 1);
	assert_int_equal(open_session(store, "alice", "two", 0), FW_ANSWER_YES);
	store_free(store);
}

static bool loads(bool known)
{
	char wrong[DATABASE_ERROR] = "";
	struct database *database = database_open(path, sealed_with(1), wrong);
	struct store *store = make();
	bool loaded = database != NULL && database_load(database, store, wrong);

	if (loaded)
		assert_int_equal(open_session(store, "mal'lory\n", "one", UINT64_MAX),
				 known ? FW_ANSWER_NO : FW_ANSWER_YES);
	database_close(database);
	store_free(store);
	return loaded;
}

static void file(void **state)
{
	struct store_revocation wish = { .user = slice_text("mal'lory\n"),
					 .reason = slice_text("\"'; --"),
					 .before_wall_us = WALL,
					 .disabled = true };
	char wrong[DATABASE_ERROR];
	struct database *database;
	struct stat is;

	(void)state;
	umask(0);
	assert_true(loads(false));
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	database = database_open(path, sealed_with(1), wrong);
	assert_non_null(database);
	assert_true(database_revoke(database, &wish, wrong));
	assert_true(database_revoke(database, &wish, wrong));
	database_close(database);
	assert_true(loads(true));
	database = database_open(path, sealed_with(1), wrong);
	assert_non_null(database);
	assert_true(database_restore(database, wish.user, wrong));
	assert_true(database_restore(database, wish.user, wrong));
	database_close(database);
	assert_true(loads(false));
}

/* A disk that takes no more: what was kept before stays, and it goes on when there is room. */
static void full_disk(void **state)
{
	struct store_revocation wish = { .user = slice_text("mal'lory\n"), .before_wall_us = WALL, .disabled = true };
	struct rlimit before, limit;
	char wrong[DATABASE_ERROR] = "", name[32];
	struct database *database = database_open(path, sealed_with(1), wrong);
	unsigned kept = 0;

	(void)state;
	assert_non_null(database);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 40000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (; kept < 1000; kept++) {
		snprintf(name, sizeof(name), "u%u", kept);
		if (!database_revoke(database,
				     &(struct store_revocation){ .user = slice_text(name), .before_wall_us = WALL },
				     wrong))
			break;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_in_range(kept, 1, 999);
	assert_string_not_equal(wrong, "");
	assert_true(database_revoke(database, &wish, wrong));
	database_close(database);
	assert_true(loads(true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),  cmocka_unit_test(one_session), cmocka_unit_test(bounds),
		cmocka_unit_test(memory), cmocka_unit_test(file),	 cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
