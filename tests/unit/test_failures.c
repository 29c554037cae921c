/* shell/keeper_failures: against a recount, minute by minute, over hours; and more names than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/detail.h"
#include "base/event_type.h"
#include "base/slice.h"
#include "shell/keeper_failures.h"

#define MINUTE_US UINT64_C(60000000)

enum { SEEN = 20000, USERS = 9, MOST = 16 };

static struct {
	uint64_t minute;
	unsigned user, method;
} seen[SEEN];
static const char *const methods[] = { "jwt", "password", "api_key" };

static uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return *seed >> 33;
}

static void refuse(struct keeper_failures *failures, uint64_t wall_us, const char *user, const char *method,
		   uint8_t octet)
{
	struct fw_record record = { .type = EVENT_auth_failure,
				    .wall_us = wall_us,
				    .user_id = slice_text(user),
				    .source = { .family = 4, .bytes = { 192, 0, octet, 7 } } };

	detail_add(&record, detail_text("method", slice_text(method)));
	keeper_failures_see(failures, &record);
}

static uint32_t recount(unsigned until, uint64_t newest, unsigned minutes, int user, int method)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < until; i++)
		count += newest - seen[i].minute < minutes && (user < 0 || seen[i].user == (unsigned)user) &&
			 (method < 0 || seen[i].method == (unsigned)method);
	return count;
}

static void agree(struct keeper_failures *failures, unsigned until, uint64_t minute)
{
	struct failures_row rows[MOST];
	struct failures_answer answer = { .rows = rows };

	for (unsigned of = 0; of < 2; of++) {
		uint32_t sums[FAILURES_WINDOWS] = { 0 };

		keeper_failures_ask(failures, (enum failures_of)of, minute * MINUTE_US, MOST, &answer);
		for (unsigned window = 0; window < FAILURES_WINDOWS; window++)
			assert_int_equal(answer.all[window],
					 recount(until, minute, keeper_failures_minutes[window], -1, -1));
		for (unsigned i = 0; i < answer.count; i++) {
			int user = of == FAILURES_USER ? rows[i].name[4] - '0' : -1, method = -1;

			for (int m = 0; m < 3 && of == FAILURES_METHOD; m++)
				if (slice_is(slice(rows[i].name, rows[i].size), methods[m]))
					method = m;
			assert_true(i == 0 || rows[i - 1].counts[FAILURES_60] >= rows[i].counts[FAILURES_60]);
			for (unsigned window = 0; window < FAILURES_WINDOWS; window++) {
				assert_int_equal(rows[i].counts[window],
						 recount(until, minute, keeper_failures_minutes[window], user, method));
				sums[window] += rows[i].counts[window];
			}
		}
		for (unsigned window = 0; window < FAILURES_WINDOWS; window++)
			assert_int_equal(sums[window], answer.all[window]);
		assert_int_equal(answer.since_wall_us[FAILURES_5], (minute - 4) * MINUTE_US);
	}
}

static void hours(void **state)
{
	static struct keeper_failures failures;
	uint64_t seed = 7, minute = 29000000;
	char user[8];

	(void)state;
	assert_true(keeper_failures_init(&failures, &(struct hash_key){ 1, 2 }));
	for (unsigned i = 0; i < SEEN; i++) {
		if (random_next(&seed) % 40 == 0)
			minute += random_next(&seed) % 200 == 0 ? 90 : 1;
		seen[i].minute =
			minute - (random_next(&seed) % 10 == 0 ? random_next(&seed) % 3 : 0); /* some are late */
		seen[i].user = (unsigned)(random_next(&seed) % USERS);
		seen[i].method = (unsigned)(random_next(&seed) % 3);
		snprintf(user, sizeof(user), "user%u", seen[i].user);
		refuse(&failures, seen[i].minute * MINUTE_US + random_next(&seed) % MINUTE_US, user,
		       methods[seen[i].method], (uint8_t)seen[i].user);
		if (i % 500 == 0)
			agree(&failures, i + 1, minute);
	}
	agree(&failures, SEEN, minute);
	agree(&failures, SEEN, minute + 59);
	agree(&failures, SEEN, minute + 60); /* nothing is left */
	keeper_failures_fini(&failures);
}

static void too_many(void **state)
{
	static struct keeper_failures failures;
	struct failures_row rows[MOST];
	struct failures_answer answer = { .rows = rows };
	char user[16];

	(void)state;
	assert_true(keeper_failures_init(&failures, &(struct hash_key){ 1, 2 }));
	for (unsigned i = 0; i < 3 * LIMIT_FAILURE_ROWS; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		refuse(&failures, 29000000 * MINUTE_US, user, "jwt\"} 1", 3);
	}
	keeper_failures_ask(&failures, FAILURES_USER, 29000000 * MINUTE_US, MOST, &answer);
	assert_int_equal(answer.count, MOST);
	assert_int_equal(answer.names + answer.others[FAILURES_1], 3 * LIMIT_FAILURE_ROWS); /* each is counted */
	keeper_failures_ask(&failures, FAILURES_METHOD, 29000000 * MINUTE_US, MOST, &answer);
	assert_int_equal(answer.count, 1);
	assert_string_equal(rows[0].name, "other"); /* no word: it is in a label of metrics */
	assert_int_equal(rows[0].counts[FAILURES_60], 3 * LIMIT_FAILURE_ROWS);
	refuse(&failures, 29000061 * MINUTE_US, "late", "jwt", 9); /* an hour on there is room again */
	keeper_failures_ask(&failures, FAILURES_USER, 29000061 * MINUTE_US, MOST, &answer);
	assert_int_equal(answer.names, 1);
	refuse(&failures, 29000000 * MINUTE_US, "old", "jwt", 9);
	keeper_failures_ask(&failures, FAILURES_USER, 29000061 * MINUTE_US, MOST, &answer);
	assert_int_equal(answer.names, 1);
	keeper_failures_fini(&failures);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hours), cmocka_unit_test(too_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
