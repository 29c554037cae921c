/* Steps, blocks that double, credit and users of the store, under a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/event_type.h"
#include "base/limits.h"
#include "base/slice.h"
#include "state/store.h"

#define SECOND ((uint64_t)1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
/* Since the machine was switched on. */
#define BEGIN (100 * HOUR)

static uint64_t seed;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	uint64_t *state = user;

	for (size_t i = 0; i < size; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(*state >> 56);
	}
}

static const struct store_options usual = { .max_connections_per_ip = 1000,
					    .max_connections = 100000,
					    .auth_rate = { 1, 0 },
					    .max_sessions_per_user = 5,
					    .session_idle_ns = 30 * MINUTE,
					    .session_absolute_us = (uint64_t)12 * 3600 * 1000000,
					    .violation_threshold = 10,
					    .block_ns = 24 * HOUR,
					    .block_first_ns = 15 * MINUTE,
					    .block_factor = 2,
					    .forgive_ns = 24 * HOUR,
					    .shared_users = 5,
					    .shared_most = 10,
					    .step_percent = { [STORE_STEP_warn] = 50, [STORE_STEP_slow] = 80 } };

static struct store *make(const struct store_options *options)
{
	struct fw_random random = { fill, &seed };
	struct store *store = store_new(options, &random);

	assert_non_null(store);
	return store;
}

static struct fw_addr ip4(uint32_t number)
{
	return (struct fw_addr){
		4, { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number }
	};
}

static const struct fw_slice nobody = { NULL, 0 };

static enum store_step offend(struct store *store, uint32_t address, struct fw_slice user, uint64_t now_ns,
			      struct store_penalty *ret_penalty)
{
	struct store_offence offence = {
		.address = ip4(address), .user = user, .event = EVENT_auth_failure, .points = 1
	};

	return store_offend(store, &offence, now_ns, ret_penalty);
}

/* As many as it takes; how many that were. */
static unsigned until_blocked(struct store *store, uint32_t address, struct fw_slice user, uint64_t now_ns,
			      struct store_penalty *ret_penalty)
{
	unsigned count = 1;

	while (offend(store, address, user, now_ns, ret_penalty) != STORE_STEP_block)
		assert_true(++count < 100000);
	return count;
}

static void test_steps(void **state)
{
	static const enum store_step steps[] = { STORE_STEP_none, STORE_STEP_none, STORE_STEP_none, STORE_STEP_none,
						 STORE_STEP_warn, STORE_STEP_warn, STORE_STEP_warn, STORE_STEP_slow,
						 STORE_STEP_slow, STORE_STEP_block };
	struct store *store = make(&usual);
	struct store_penalty penalty;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(offend(store, 1, nobody, BEGIN, &penalty), steps[i]);
		assert_int_equal(penalty.crossed, i == 4 || i == 7 || i == 9);
		assert_int_equal(penalty.score, i + 1);
		assert_int_equal(penalty.threshold, 10);
	}
	assert_string_equal(penalty.block.reason, "too many blocking events: 10 points, auth_failure 10");
	/* What it does while it is blocked counts for nothing. */
	assert_int_equal(offend(store, 1, nobody, BEGIN + SECOND, &penalty), STORE_STEP_none);
	store_free(store);
}

/* Offences of four kinds, against a list of all there were: one counts for its window, and until its step is over, of
 * which a window has twelve. */
enum { OFFENDERS = 20, OFFENCES = 100000 };
static const struct {
	unsigned event;
	uint64_t window_ns;
} counted[] = { { EVENT_auth_failure, 36 * SECOND },
		{ EVENT_rate_limit_violation, 12 * SECOND },
		{ EVENT_connection_limit_exceeded, 600 * SECOND },
		{ EVENT_permission_denied, HOUR } };

static uint32_t any(uint32_t below)
{
	static uint64_t chance = 3;

	chance = chance * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(chance >> 33) % below;
}

static void test_windows_against_a_list(void **state)
{
	static struct {
		uint64_t at;
		uint32_t points;
		unsigned kind;
	} lists[OFFENDERS][OFFENCES / 4], *one;
	unsigned first[OFFENDERS] = { 0 }, count[OFFENDERS] = { 0 }, most = 0;
	struct store_options options = usual;
	struct store_penalty penalty;
	struct store *store;
	uint64_t now = BEGIN;

	(void)state;
	options.violation_threshold = UINT32_MAX;
	options.window_ns[STORE_WINDOW_auth_failures] = counted[0].window_ns;
	options.window_ns[STORE_WINDOW_message_spam] = counted[1].window_ns;
	options.window_ns[STORE_WINDOW_connection_flood] = counted[2].window_ns;
	store = make(&options);
	for (unsigned i = 0; i < OFFENCES; i++) {
		uint32_t who = any(OFFENDERS), expected = 0;
		unsigned kind = any(4);
		struct store_offence offence = { .address = ip4(who),
						 .event = counted[kind].event,
						 .points = 1 + any(5) };

		now += any(3) == 0 ? 0 : any(500) == 0 ? (uint64_t)any(1000) * SECOND : (uint64_t)any(1000000) * 1000;
		one = lists[who];
		while (first[who] < count[who] && now - one[first[who]].at > 2 * HOUR)
			first[who]++;
		one[count[who]].at = now;
		one[count[who]].points = offence.points;
		one[count[who]++].kind = kind;
		for (unsigned j = first[who]; j < count[who]; j++) {
			uint64_t step = counted[one[j].kind].window_ns / 12;

			if (now / step - one[j].at / step <= 12)
				expected += one[j].points;
		}
		store_offend(store, &offence, now, &penalty);
		if (penalty.score != expected)
			fail_msg("offence %u: %u points, and not %u", i, penalty.score, expected);
		most = expected > most ? expected : most;
	}
	assert_true(most > 100);
	store_free(store);
}

/* A window that is another one from now on: what still counts does so for as long as one that comes now. */
static void test_windows_that_change(void **state)
{
	struct store_options options = usual;
	struct store_standing standing;
	struct store_penalty penalty;
	struct fw_addr address = ip4(1);
	struct store *store;

	(void)state;
	options.window_ns[STORE_WINDOW_auth_failures] = 12 * SECOND;
	store = make(&options);
	for (unsigned i = 0; i < 4; i++)
		offend(store, 1, nobody, BEGIN, &penalty);
	options.window_ns[STORE_WINDOW_auth_failures] = 120 * SECOND;
	store_configure(store, &options);
	assert_int_equal(offend(store, 1, nobody, BEGIN + 12 * SECOND, &penalty), STORE_STEP_warn);
	assert_int_equal(penalty.score, 5);
	assert_true(store_standing(store, &address, nobody, BEGIN + 132 * SECOND, &standing));
	assert_int_equal(standing.score, 5);
	options.window_ns[STORE_WINDOW_auth_failures] = 12 * SECOND;
	store_configure(store, &options);
	assert_true(store_standing(store, &address, nobody, BEGIN + 132 * SECOND, &standing));
	assert_true(store_standing(store, &address, nobody, BEGIN + 144 * SECOND, &standing));
	assert_int_equal(standing.score, 5);
	assert_false(store_standing(store, &address, nobody, BEGIN + 145 * SECOND, &standing));
	store_free(store);
}

static void test_blocks_double_and_are_forgiven(void **state)
{
	struct store *store = make(&usual);
	struct store_penalty penalty;
	struct fw_addr address = ip4(1);
	uint64_t now = BEGIN, life = 15 * MINUTE;

	(void)state;
	for (unsigned i = 1; i <= 10; i++) {
		assert_int_equal(until_blocked(store, 1, nobody, now, &penalty), 10);
		assert_true(penalty.block.left_ns == life);
		assert_int_equal(penalty.block.blocks, i);
		assert_int_equal(store_admit(store, &address, now + life - 1), FW_ANSWER_BLOCKED);
		now += life;
		assert_int_equal(store_admit(store, &address, now), FW_ANSWER_YES);
		life = life * 2 < 24 * HOUR ? life * 2 : 24 * HOUR;
	}
	/* A day without one: it is as if there had been nine; sweeping forgets none sooner. */
	now += 24 * HOUR;
	for (unsigned i = 0; i < 10; i++)
		store_sweep(store, (struct fw_time){ .monotonic_ns = now });
	until_blocked(store, 1, nobody, now, &penalty);
	assert_int_equal(penalty.block.blocks, 10);
	now += 24 * HOUR + 10 * 24 * HOUR;
	for (unsigned i = 0; i < 10; i++)
		store_sweep(store, (struct fw_time){ .monotonic_ns = now });
	until_blocked(store, 1, nobody, now, &penalty);
	assert_int_equal(penalty.block.blocks, 1);
	assert_true(penalty.block.left_ns == 15 * MINUTE);
	/* Whoever is taken off the list begins anew. */
	assert_true(store_block_remove(store, &address, nobody, now));
	until_blocked(store, 1, nobody, now, &penalty);
	assert_int_equal(penalty.block.blocks, 1);
	store_free(store);
}

static void test_chance_is_within_its_bounds(void **state)
{
	struct store_options options = usual;
	struct store *store;
	uint64_t least = UINT64_MAX, most = 0;
	struct store_penalty penalty;

	(void)state;
	options.block_jitter = 50;
	store = make(&options);
	for (uint32_t i = 1; i <= 1000; i++) {
		until_blocked(store, i, nobody, BEGIN, &penalty);
		least = penalty.block.left_ns < least ? penalty.block.left_ns : least;
		most = penalty.block.left_ns > most ? penalty.block.left_ns : most;
	}
	assert_true(least >= 15 * MINUTE && least < 16 * MINUTE);
	assert_true(most < 15 * MINUTE * 3 / 2 && most > 22 * MINUTE);
	options.block_first_ns = 23 * HOUR;
	store_configure(store, &options);
	for (uint32_t i = 2000; i <= 2100; i++) {
		until_blocked(store, i, nobody, BEGIN, &penalty);
		assert_true(penalty.block.left_ns <= 24 * HOUR);
	}
	store_free(store);
}

static struct fw_slice name(char room[16], unsigned number)
{
	return slice(room, (size_t)snprintf(room, 16, "user%u", number));
}

static void test_users_come_before_a_shared_address(void **state)
{
	struct store *store = make(&usual);
	struct fw_addr address = ip4(1), none = { 0 };
	struct store_standing standing;
	struct store_penalty penalty;
	char room[16];

	(void)state;
	/* Of four users it is not a shared one: what one of them does blocks it after ten. */
	for (unsigned i = 0; i < 4; i++)
		store_well_done(store, &address, name(room, i), BEGIN);
	assert_int_equal(until_blocked(store, 1, name(room, 0), BEGIN, &penalty), 10);
	assert_int_equal(penalty.block.address.family, 4);
	assert_false(store_standing(store, &none, name(room, 0), BEGIN, &standing)); /* he is not punished twice */
	assert_true(store_block_remove(store, &address, nobody, BEGIN));
	for (unsigned i = 4; i < 64; i++)
		store_well_done(store, &address, name(room, i), BEGIN);
	assert_true(store_standing(store, &address, nobody, BEGIN, &standing));
	assert_in_range(standing.users, 20, 64); /* a lower bound */
	assert_int_equal(standing.threshold, 10 * (1 + standing.users / 5 < 10 ? 1 + standing.users / 5 : 10));
	assert_int_equal(until_blocked(store, 1, name(room, 0), BEGIN, &penalty), 10);
	assert_int_equal(penalty.block.address.family, 0);
	assert_true(penalty.shared);
	assert_memory_equal(penalty.block.user, "user0", 5);
	assert_int_equal(store_admit(store, &address, BEGIN), FW_ANSWER_YES);
	store_release(store, &address);
	/* The same user is blocked wherever he comes from; others are not. */
	assert_int_equal(offend(store, 77, name(room, 0), BEGIN, &penalty), STORE_STEP_none);
	assert_int_equal(penalty.score, 0);
	assert_int_equal(until_blocked(store, 1, nobody, BEGIN, &penalty), (int)standing.threshold);
	/* Two days later nobody is known there. */
	assert_int_equal(until_blocked(store, 1, nobody, BEGIN + 100 * HOUR, &penalty), 10);
	store_free(store);
}

static void test_who_is_exempt(void **state)
{
	struct store_offence offence = { .address = ip4(1), .event = EVENT_auth_failure, .points = 4, .exempt = true };
	struct store *store = make(&usual);
	struct store_penalty penalty;

	(void)state;
	for (unsigned i = 1; i <= 30; i++) {
		enum store_step step = store_offend(store, &offence, BEGIN, &penalty);

		assert_true(penalty.exempt);
		assert_int_equal(step == STORE_STEP_block, i % 3 == 0);
	}
	assert_int_equal(store_block_count(store, BEGIN), 0);
	store_free(store);
}

struct listed {
	struct store_block blocks[8];
	unsigned count;
};

static void list_one(void *user, const struct store_block *block)
{
	struct listed *listed = user;

	assert_true(listed->count < 8);
	listed->blocks[listed->count++] = *block;
}

/* What changed is given out once, and again when it could not be kept; another store takes it over as it is. */
static void test_what_is_kept(void **state)
{
	struct store *store = make(&usual), *other = make(&usual);
	struct fw_addr hand = ip4(9), address = ip4(1), none = { 0 };
	struct store_block changed[8];
	struct listed listed = { 0 };
	struct store_penalty penalty;
	size_t count;

	(void)state;
	until_blocked(store, 1, nobody, BEGIN, &penalty);
	assert_int_equal(store_block_add(store, &hand, BEGIN, HOUR, "by hand"), 0);
	assert_int_equal(store_block_add_user(store, slice_text("mallory"), BEGIN, HOUR, "spam"), 0);
	assert_int_equal(store_block_add_user(store, nobody, BEGIN, HOUR, ""), -1);
	count = store_block_changed(store, BEGIN, changed, 8);
	assert_int_equal(count, 3);
	assert_int_equal(store_block_changed(store, BEGIN, changed + 3, 5), 0);
	store_block_give_back(store, changed, 2);
	assert_int_equal(store_block_changed(store, BEGIN, changed, 1), 1);
	assert_int_equal(store_block_changed(store, BEGIN, changed + 1, 1), 1);
	assert_int_equal(store_block_changed(store, BEGIN, changed + 3, 1), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_block_put(other, &changed[i], 5 * BEGIN), 0);
	store_block_list(other, 5 * BEGIN, false, list_one, &listed);
	assert_int_equal(listed.count, 3);
	assert_int_equal(store_block_changed(other, BEGIN, changed, 8), 0);
	assert_int_equal(store_admit(other, &address, 5 * BEGIN + 15 * MINUTE - 1), FW_ANSWER_BLOCKED);
	until_blocked(other, 1, nobody, 5 * BEGIN + 15 * MINUTE, &penalty);
	assert_int_equal(penalty.block.blocks, 2);
	assert_true(store_block_remove(other, &none, slice_text("mallory"), 5 * BEGIN));
	assert_false(store_block_remove(other, &none, slice_text("mallory"), 5 * BEGIN));
	/* A removed one, and one that gave way, are not among what changed. */
	assert_int_equal(store_block_add(store, &hand, BEGIN, HOUR, "again"), 0);
	assert_true(store_block_remove(store, &hand, nobody, BEGIN));
	assert_int_equal(store_block_changed(store, BEGIN, changed, 8), 0);
	store_free(store);
	store_free(other);
}

/* By a wall clock that was set back, or by what a gate says, nobody is shut out for years. */
static void test_none_that_is_kept_is_longer_than_the_longest(void **state)
{
	struct store_block kept = {
		.address = ip4(1), .left_ns = 9000 * HOUR, .forgive_ns = UINT64_MAX, .blocks = 3, .automatic = true
	};
	struct store *store = make(&usual);
	struct fw_addr address = ip4(1), hand = ip4(2);
	struct store_standing standing;

	(void)state;
	assert_int_equal(store_block_put(store, &kept, BEGIN), 0);
	assert_true(store_standing(store, &address, nobody, BEGIN, &standing));
	assert_true(standing.block.left_ns == 24 * HOUR && standing.block.forgive_ns == 48 * HOUR);
	assert_int_equal(store_admit(store, &address, BEGIN + 24 * HOUR - 1), FW_ANSWER_BLOCKED);
	assert_int_equal(store_admit(store, &address, BEGIN + 24 * HOUR), FW_ANSWER_YES);
	kept.left_ns = MINUTE; /* a shorter one as it is */
	assert_int_equal(store_block_put(store, &kept, BEGIN), 0);
	assert_true(store_standing(store, &address, nobody, BEGIN, &standing));
	assert_true(standing.block.left_ns == MINUTE);
	kept = (struct store_block){ .address = hand, .left_ns = 9000 * HOUR }; /* what an operator wants he gets */
	assert_int_equal(store_block_put(store, &kept, BEGIN), 0);
	assert_true(store_standing(store, &hand, nobody, BEGIN, &standing));
	assert_true(standing.block.left_ns == 9000 * HOUR);
	store_free(store);
}

/* Thresholds change while points stand: what there was counts by the ones of now, and the next offence says so. */
static void test_thresholds_that_change(void **state)
{
	struct store_options options = usual;
	struct store *store = make(&usual);
	struct store_penalty penalty;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		offend(store, 1, nobody, BEGIN, &penalty);
	assert_int_equal(penalty.step, STORE_STEP_slow);
	options.violation_threshold = 100;
	store_configure(store, &options);
	assert_int_equal(offend(store, 1, nobody, BEGIN, &penalty), STORE_STEP_none);
	options.violation_threshold = 3;
	store_configure(store, &options);
	assert_int_equal(offend(store, 1, nobody, BEGIN, &penalty), STORE_STEP_block);
	assert_int_equal(penalty.score, 10);
	assert_int_equal(store_block_count(store, BEGIN), 1);
	/* Shorter from now on: one that lasts stays as it was said. */
	options.block_ns = options.block_first_ns = MINUTE;
	store_configure(store, &options);
	assert_int_equal(store_block_count(store, BEGIN + 15 * MINUTE - 1), 1);
	assert_int_equal(store_block_count(store, BEGIN + 15 * MINUTE), 0);
	store_free(store);
}

/* Whoever comes from more addresses than there is room for has operators' blocks not forgotten, nor more than the room
 * of automatic ones; and each is blocked that earns it. */
static void test_a_full_list(void **state)
{
	struct store_options options = usual;
	struct store_penalty penalty;
	struct fw_addr hand = ip4(UINT32_MAX);
	struct store *store;

	(void)state;
	options.violation_threshold = 1;
	store = make(&options);
	assert_int_equal(store_block_add(store, &hand, BEGIN, 2 * MINUTE, "by hand"), 0);
	for (uint32_t i = 1; i <= LIMIT_BLOCKS + 1000; i++) {
		struct fw_addr address = ip4(i);

		assert_int_equal(offend(store, i, nobody, BEGIN + i, &penalty), STORE_STEP_block);
		assert_int_equal(store_admit(store, &address, BEGIN + i), FW_ANSWER_BLOCKED);
	}
	assert_int_equal(store_block_count(store, BEGIN + MINUTE), LIMIT_BLOCKS);
	assert_int_equal(store_admit(store, &hand, BEGIN + MINUTE), FW_ANSWER_BLOCKED);
	store_free(store);
}

static void test_blocked_users_do_not_log_in(void **state)
{
	struct store_session session = {
		.user_id = "mallory", .user_id_size = 7, .session_id = "1", .session_id_size = 1
	};
	struct fw_time now = { .monotonic_ns = BEGIN, .wall_us = 1 };
	struct store *store = make(&usual);
	char evicted[STORE_SESSION_ID];
	uint8_t key[32] = { 1 };
	size_t size;

	(void)state;
	assert_int_equal(store_block_add_user(store, slice_text("mallory"), BEGIN, HOUR, "spam"), 0);
	assert_int_equal(store_session_open(store, key, &session, now, evicted, &size), FW_ANSWER_BLOCKED);
	session.user_id[0] = 'M';
	assert_int_equal(store_session_open(store, key, &session, now, evicted, &size), FW_ANSWER_YES);
	now.monotonic_ns += HOUR;
	session.user_id[0] = 'm';
	assert_int_equal(store_session_open(store, key, &session, now, evicted, &size), FW_ANSWER_YES);
	store_free(store);
}

/* A minimal model of the world's offices: each user comes in once within a quarter of an hour and then once in ten
 * minutes, of which one in twenty times something is wrong: an old token, one typed badly, a message too many. */
static void test_an_hour_of_honest_users_behind_shared_addresses(void **state)
{
	enum { USERS = 2000, ADDRESSES = 20, SLIPS = 20 };
	struct store *store = make(&usual);
	struct store_penalty penalty;
	uint64_t chance = 7, slips = 0, in = 0;
	bool known[USERS] = { false };
	char room[16];

	(void)state;
	for (uint64_t now = BEGIN; now < BEGIN + HOUR; now += SECOND)
		for (unsigned user = 0; user < USERS; user++) {
			struct fw_addr address = ip4(1 + user % ADDRESSES);
			bool slip;

			chance = chance * 6364136223846793005u + 1442695040888963407u;
			if ((chance >> 33) % (known[user] ? 600 : 300) != 0)
				continue;
			slip = (chance >> 45) % SLIPS == 0;
			if (slip)
				assert_true(offend(store, 1 + user % ADDRESSES, nobody, now, &penalty) !=
					    STORE_STEP_block);
			else
				store_well_done(store, &address, name(room, user), now);
			slips += slip;
			in += known[user] ? 0 : 1;
			known[user] = true;
		}
	assert_int_equal(in, USERS);
	assert_true(slips > 500); /* some 30 of each address: without credit each would be blocked */
	assert_int_equal(store_block_count(store, BEGIN + HOUR), 0);
	/* One who guesses does not hide among them: at ten times the threshold. */
	assert_in_range(until_blocked(store, 1, nobody, BEGIN + HOUR, &penalty), 1, 100);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_windows_against_a_list),
		cmocka_unit_test(test_windows_that_change),
		cmocka_unit_test(test_blocks_double_and_are_forgiven),
		cmocka_unit_test(test_chance_is_within_its_bounds),
		cmocka_unit_test(test_users_come_before_a_shared_address),
		cmocka_unit_test(test_who_is_exempt),
		cmocka_unit_test(test_what_is_kept),
		cmocka_unit_test(test_none_that_is_kept_is_longer_than_the_longest),
		cmocka_unit_test(test_thresholds_that_change),
		cmocka_unit_test(test_a_full_list),
		cmocka_unit_test(test_blocked_users_do_not_log_in),
		cmocka_unit_test(test_an_hour_of_honest_users_behind_shared_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
