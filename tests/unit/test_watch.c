/* watch: a user's habits are learned and measured by; guesses, shared sessions, beats; memory is what it was, whatever
 * comes; frozen, exported, forgotten. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "watch/parts.h"
#include "watch/watch.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, HOME = 7, ELSEWHERE = 8 };

static const struct watch_options options = {
	.users = 64, .connections = 64, .sensitivity = 1, .cooldown_s = 300, .learning_s = 2 * 86400
};
static uint64_t state, connections;

static double unit(void)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (double)(state >> 11) * 0x1p-53;
}

static bool give(struct watch *watch, uint64_t at, enum watch_what what, uint64_t connection, uint64_t user,
		 uint64_t session, uint64_t network, uint32_t type, struct watch_alert *alert)
{
	const struct watch_event event = { .at_ms = at,
					   .connection = connection,
					   .user = user,
					   .session = session,
					   .network = network,
					   .bytes = 1000,
					   .count = 1,
					   .type = type,
					   .what = what };

	return watch_take(watch, &event, alert);
}

/* An hour's visit: types 1 and 2 at a person's pace. Alerts. */
static unsigned visit(struct watch *watch, uint64_t at, uint64_t user, uint64_t network)
{
	struct watch_alert alert;
	uint64_t connection = ++connections, end = at + HOUR;
	unsigned alerts = give(watch, at, WATCH_LOGIN, connection, user, 1000 + connection, network, 0, &alert);

	while ((at += (uint64_t)(20 * SECOND * exp(3 * unit() - 1.5))) < end) {
		alerts += give(watch, at, WATCH_MESSAGE, connection, user, 1000 + connection, network,
			       unit() < 0.7 ? 1 : 2, &alert);
		if (unit() < 0.2)
			alerts += give(watch, at + 50, WATCH_DELIVERED, connection, user, 1000 + connection, network, 1,
				       &alert);
	}
	return alerts + give(watch, end, WATCH_CLOSE, connection, user, 0, network, 0, &alert);
}

/* Eight users, a week, each at his hour; *ret_at: the next time of that one. */
static struct watch *trained(uint64_t user_asked, uint64_t *ret_at)
{
	struct watch *watch = watch_new(&options);
	unsigned alerts = 0;

	assert_non_null(watch);
	state = 11;
	for (unsigned day = 0; day < 7; day++)
		for (unsigned user = 1; user <= 8; user++)
			alerts += visit(watch, (uint64_t)day * DAY + user * 2 * (uint64_t)HOUR, user, HOME);
	assert_int_equal(alerts, 0);
	*ret_at = 7 * (uint64_t)DAY + user_asked * 2 * (uint64_t)HOUR;
	return watch;
}

static void guesses_are_told_of_the_account_and_of_the_network(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(3, &at);
	struct watch_alert alert;
	enum watch_kind kinds[2] = { WATCH_KINDS, WATCH_KINDS };
	unsigned told = 0, tries = 0;

	(void)unused;
	for (; tries < 10 && told < 2; tries++, at += 10 * SECOND) {
		uint64_t connection = ++connections;
		assert_false(give(watch, at, WATCH_OPEN, connection, 0, 0, ELSEWHERE, 0, &alert));
		assert_false(give(watch, at, WATCH_LOGIN_FAILED, connection, 3, 0, ELSEWHERE, 0, &alert));
		if (!give(watch, at, WATCH_CLOSE, connection, 3, 0, ELSEWHERE, 0, &alert))
			continue;
		kinds[told++] = alert.kind;
		assert_int_equal(alert.network, ELSEWHERE);
		assert_int_equal(alert.feature_count, 1);
		assert_int_equal(alert.features[0].feature, WATCH_FEATURE_abandoned_logins);
	}
	assert_int_equal(kinds[0], WATCH_guessed_account);
	assert_int_equal(kinds[1], WATCH_guessing_network);
	watch_free(watch);
}

static void a_session_in_use_at_two_places_is_told(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(2, &at);
	struct watch_alert alert;

	(void)unused;
	assert_false(give(watch, at, WATCH_LOGIN, 900, 2, 77, HOME, 0, &alert));
	assert_false(give(watch, at + SECOND, WATCH_MESSAGE, 900, 2, 77, HOME, 1, &alert));
	/* The same place again is a second window. */
	assert_false(give(watch, at + 2 * SECOND, WATCH_LOGIN, 901, 2, 77, HOME, 0, &alert));
	assert_false(give(watch, at + 3 * SECOND, WATCH_MESSAGE, 901, 2, 77, HOME, 1, &alert));
	/* Another place is not yet: a telephone may have gone from one network to another. That both speak is. */
	assert_false(give(watch, at + 4 * SECOND, WATCH_LOGIN, 902, 2, 77, ELSEWHERE, 0, &alert));
	assert_false(give(watch, at + 5 * SECOND, WATCH_MESSAGE, 902, 2, 77, ELSEWHERE, 1, &alert));
	assert_true(give(watch, at + 6 * SECOND, WATCH_MESSAGE, 901, 2, 77, HOME, 1, &alert));
	assert_int_equal(alert.kind, WATCH_shared_session);
	assert_int_equal(alert.user, 2);
	watch_free(watch);
}

/* Whose connection is gone is found by pings before that; who goes on beside one that is silent is told once. */
static void a_session_taken_up_elsewhere_while_it_is_open_is_told(void **unused)
{
	(void)unused;
	for (unsigned closed = 0; closed < 2; closed++) {
		uint64_t at, told = 0;
		struct watch *watch = trained(2, &at);
		struct watch_alert alert;

		assert_false(give(watch, at, WATCH_LOGIN, 900, 2, 77, HOME, 0, &alert));
		assert_false(give(watch, at + SECOND, WATCH_MESSAGE, 900, 2, 77, HOME, 1, &alert));
		if (closed)
			assert_false(give(watch, at + 2 * SECOND, WATCH_CLOSE, 900, 2, 77, HOME, 0, &alert));
		assert_false(give(watch, at + 4 * SECOND, WATCH_LOGIN, 902, 2, 77, ELSEWHERE, 0, &alert));
		for (unsigned second = 5; second < 300; second += 7 + second % 13)
			if (give(watch, at + second * SECOND, WATCH_MESSAGE, 902, 2, 77, ELSEWHERE, 1, &alert) &&
			    alert.kind == WATCH_open_twice) {
				assert_int_equal(alert.features[0].feature, WATCH_FEATURE_together);
				assert_true(alert.features[0].found > 45);
				assert_true(told == 0 || second - told > 20);
				told = told == 0 ? second : told;
			}
		assert_true(closed ? told == 0 : told > 49 && told < 49 + 20);
		watch_free(watch);
	}
}

static void who_does_what_he_never_did_is_told_with_what_it_was(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(4, &at);
	struct watch_alert alert;
	bool told = false;

	(void)unused;
	assert_int_equal(visit(watch, at, 4, HOME), 0);
	at += DAY;
	assert_false(give(watch, at, WATCH_LOGIN, 900, 4, 77, HOME, 0, &alert));
	for (unsigned i = 0; i < 20 && !told; i++)
		told = give(watch, at += (uint64_t)(SECOND + 60 * SECOND * unit()), WATCH_MESSAGE, 900, 4, 77, HOME,
			    9 + i % 3, &alert);
	assert_true(told);
	assert_int_equal(alert.kind, WATCH_unlike_himself);
	assert_int_equal(alert.features[0].feature, WATCH_FEATURE_types);
	assert_true(alert.score >= 1);
	watch_free(watch);
}

static void one_type_more_is_not_odd(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(4, &at);
	struct watch_alert alert;

	(void)unused;
	assert_false(give(watch, at, WATCH_LOGIN, 900, 4, 77, HOME, 0, &alert));
	for (unsigned i = 0; i < 100; i++)
		assert_false(give(watch, at += (uint64_t)(SECOND + 30 * SECOND * unit()), WATCH_MESSAGE, 900, 4, 77,
				  HOME, 9, &alert));
	watch_free(watch);
}

static void expired_tokens_are_no_guesses(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(3, &at);
	struct watch_alert alert;

	(void)unused;
	for (unsigned i = 0; i < 20; i++) {
		struct watch_event event = { .at_ms = at += SECOND,
					     .connection = ++connections,
					     .user = 3,
					     .network = ELSEWHERE,
					     .count = 1,
					     .what = WATCH_LOGIN_FAILED,
					     .expired = true };

		assert_false(watch_take(watch, &event, &alert));
		event.what = WATCH_CLOSE;
		assert_false(watch_take(watch, &event, &alert));
	}
	watch_free(watch);
}

/* A day of people who reach 1 to 2, of whom some may lie in wait. */
static void day_of(struct tail *tail, unsigned hostile, float more)
{
	for (unsigned i = 0; i < 200; i++)
		tail_note(tail, 1 + i, 1 + (float)i / 200);
	for (unsigned i = 0; i < hostile; i++)
		for (unsigned times = 0; times < 20; times++)
			tail_note(tail, 1000 + i, more + (float)times);
	tail_end_day(tail, true, false, 1);
}

static void a_few_make_no_room_for_themselves(void **unused)
{
	struct tail honest = { 0 }, few = { 0 }, many = { 0 }, two_days = { 0 };

	(void)unused;
	day_of(&honest, 0, 0);
	assert_true(honest.days < TAIL_DAYS_LEAST);
	for (unsigned day = 0; day < 7; day++) {
		day_of(&honest, 0, 0);
		day_of(&few, 2, 1000);
		day_of(&many, 8, 1000);
		day_of(&two_days, day == 2 || day == 5 ? 100 : 0, 1000);
	}
	assert_true(honest.days >= TAIL_DAYS_LEAST && honest.level > 1.98f && honest.level < 2.5f);
	/* The two move who is third, not what he is. */
	assert_true(few.level > 1.98f && few.level < 2.5f);
	assert_float_equal(two_days.level, honest.level, 0.001);
	assert_true(many.level > 100);
	tail_end_day(&honest, false, false, 1); /* of which nothing is learned */
	assert_true(honest.level < 2.5f);
	struct tail wider = { 0 };
	for (unsigned day = 0; day < 7; day++) {
		for (unsigned i = 0; i < 200; i++)
			tail_note(&wider, 1 + i, 1 + (float)i / 200);
		tail_end_day(&wider, true, false, 2);
	}
	assert_float_equal(wider.level - wider.bases[0], 2 * (honest.level - honest.bases[1]), 0.001);
}

static void a_program_in_his_place_is_told_by_its_beat(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(5, &at);
	struct watch_alert alert;
	bool told = false;

	(void)unused;
	assert_false(give(watch, at, WATCH_LOGIN, 900, 5, 77, HOME, 0, &alert));
	for (unsigned i = 0; i < 30 && !told; i++)
		told = give(watch, at += 4800 + (uint64_t)(400 * unit()), WATCH_MESSAGE, 900, 5, 77, HOME,
			    i % 3 ? 1 : 2, &alert);
	assert_true(told);
	assert_int_equal(alert.kind, WATCH_steady_beat);
	watch_free(watch);
}

static void refusals_and_reconnects_are_told(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(6, &at);
	struct watch_alert alert;
	bool told = false;

	(void)unused;
	assert_false(give(watch, at, WATCH_LOGIN, 900, 6, 77, HOME, 0, &alert));
	for (unsigned i = 0; i < 8 && !told; i++)
		told = give(watch, at += (uint64_t)(SECOND + 60 * SECOND * unit()), WATCH_REFUSED, 900, 6, 77, HOME, 1,
			    &alert);
	assert_true(told);
	assert_int_equal(alert.kind, WATCH_refused_often);
	told = false;
	for (unsigned i = 0; i < 20 && !told; i++)
		told = give(watch, at += SECOND, WATCH_LOGIN, 1000 + i, 7, 78, HOME, 0, &alert);
	assert_true(told);
	assert_int_equal(alert.kind, WATCH_reconnects);
	watch_free(watch);
}

static void what_is_exported_is_known_elsewhere_and_what_is_forgotten_is_not(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(4, &at), *other = watch_new(&options);
	size_t size = watch_export_size(watch);
	uint8_t *octets = malloc(size + 1);
	struct watch_alert alert;
	bool told = false;

	(void)unused;
	assert_int_equal(watch_export(watch, octets, size - 1), 0);
	assert_int_equal(watch_export(watch, octets, size), size);
	assert_false(watch_import(other, octets, size - 1));
	assert_true(watch_import(other, octets, size));
	assert_int_equal(watch_export_size(other), size);
	for (size_t i = 0; i < 8; i++) { /* another head is not taken */
		octets[i] ^= 1;
		assert_false(watch_import(other, octets, size));
		octets[i] ^= 1;
	}
	give(other, at, WATCH_LOGIN, 900, 4, 77, HOME, 0, &alert);
	for (unsigned i = 0; i < 20 && !told; i++)
		told = give(other, at += (uint64_t)(SECOND + 60 * SECOND * unit()), WATCH_MESSAGE, 900, 4, 77, HOME,
			    9 + i % 3, &alert);
	assert_true(told);
	watch_forget(watch, 0);
	at += DAY;
	assert_true(watch_export_size(watch) < size);
	give(watch, at, WATCH_LOGIN, 901, 4, 77, HOME, 0, &alert);
	for (unsigned i = 0; i < 20; i++)
		assert_false(give(watch, at += (uint64_t)(SECOND + 60 * SECOND * unit()), WATCH_MESSAGE, 901, 4, 77,
				  HOME, 9 + i % 3, &alert));
	watch_free(watch);
	watch_free(other);
	free(octets);
}

static void frozen_nothing_is_learned(void **unused)
{
	uint64_t at;
	struct watch *watch = trained(8, &at);
	struct watch_alert alert;

	(void)unused;
	watch_freeze(watch, true);
	for (unsigned day = 0; day < 5; day++)
		visit(watch, at + (uint64_t)day * DAY, 20, HOME); /* who was not known before */
	at += 6 * (uint64_t)DAY;
	give(watch, at, WATCH_LOGIN, 900, 20, 77, HOME, 0, &alert);
	for (unsigned i = 0; i < 30; i++)
		assert_false(give(watch, at += (uint64_t)(SECOND + 60 * SECOND * unit()), WATCH_MESSAGE, 900, 20, 77,
				  HOME, 9 + i % 3, &alert));
	watch_free(watch);
}

/* Any events in any order, of more users than there is room for, with a clock that jumps: no figure is none. */
static void whatever_comes_memory_and_figures_hold(void **unused)
{
	struct watch *watch = watch_new(&options);
	size_t memory = watch_memory(watch);
	uint64_t at = 0;

	(void)unused;
	assert_true(memory < 256 * 1024);
	state = 5;
	for (unsigned i = 0; i < 300000; i++) {
		struct watch_alert alert = { .score = NAN };
		const struct watch_event event = { .at_ms = at,
						   .connection = (uint64_t)(unit() * 200),
						   .user = (uint64_t)(unit() * 150),
						   .session = (uint64_t)(unit() * 50),
						   .network = (uint64_t)(unit() * 40),
						   .bytes = unit() < 0.01 ? UINT64_MAX : (uint64_t)(unit() * 1e6),
						   .count = unit() < 0.01 ? UINT32_MAX : (uint32_t)(unit() * 3),
						   .type = (uint32_t)(unit() * 1e9),
						   .what = (enum watch_what)(unit() * (WATCH_WHATS + 1)) };
		at = unit() < 0.001		 ? (uint64_t)(unit() * 1e13)
		     : unit() < 0.1 && at > HOUR ? at - HOUR
						 : at + (uint64_t)(unit() * 5000);
		if (i % 1000 == 0)
			watch_freeze(watch, unit() < 0.2);
		if (!watch_take(watch, &event, &alert))
			continue;
		assert_true(alert.kind < WATCH_KINDS && alert.feature_count <= WATCH_ALERT_FEATURES);
		assert_true(isfinite(alert.score) && alert.score > 0);
		for (size_t j = 0; j < alert.feature_count; j++)
			assert_true(isfinite(alert.features[j].found) && isfinite(alert.features[j].usual));
	}
	assert_int_equal(watch_memory(watch), memory);
	size_t size = watch_export_size(watch);
	uint8_t *octets = malloc(size);
	assert_int_equal(watch_export(watch, octets, size), size);
	assert_true(watch_import(watch, octets, size));
	/* Octets that are no longer what they were: no crash, and nothing that is no number. */
	for (unsigned i = 0; i < 2000; i++) {
		octets[(size_t)(unit() * (double)size)] ^= (uint8_t)(1 << (unsigned)(unit() * 8));
		watch_import(watch, octets, size);
	}
	free(octets);
	watch_free(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses_are_told_of_the_account_and_of_the_network),
		cmocka_unit_test(a_session_in_use_at_two_places_is_told),
		cmocka_unit_test(a_session_taken_up_elsewhere_while_it_is_open_is_told),
		cmocka_unit_test(who_does_what_he_never_did_is_told_with_what_it_was),
		cmocka_unit_test(one_type_more_is_not_odd),
		cmocka_unit_test(expired_tokens_are_no_guesses),
		cmocka_unit_test(a_few_make_no_room_for_themselves),
		cmocka_unit_test(a_program_in_his_place_is_told_by_its_beat),
		cmocka_unit_test(refusals_and_reconnects_are_told),
		cmocka_unit_test(what_is_exported_is_known_elsewhere_and_what_is_forgotten_is_not),
		cmocka_unit_test(frozen_nothing_is_learned),
		cmocka_unit_test(whatever_comes_memory_and_figures_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
