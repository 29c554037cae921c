/* state/limits: against buckets that count tokens, over a million arrivals; a table that is full; words that are held;
 * threads. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "state/limits.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)

static const struct hash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };
static uint64_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static struct limits table(uint32_t cells)
{
	struct limits limits;

	assert_int_equal(limits_init(&limits, &key, cells), 0);
	return limits;
}

static uint64_t tag_of(const struct limits *limits, enum limit_kind kind, uint32_t subject)
{
	return limits_tag(limits, kind, slice(&subject, sizeof(subject)));
}

static uint64_t take(struct limits *limits, uint32_t subject, const struct gcra *rate, uint64_t now)
{
	return limits_take(limits, 0, tag_of(limits, 0, subject), rate, now);
}

static void test_n_and_no_more_of_each_kind(void **state)
{
	struct limits limits = table(4096);

	(void)state;
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++) {
		for (uint64_t n = 1; n <= 60; n++) {
			const struct gcra rate = gcra_per(n, MINUTE);
			uint64_t tag = tag_of(&limits, kind, (uint32_t)n);

			for (uint64_t i = 0; i < n; i++)
				assert_true(limits_take(&limits, kind, tag, &rate, SECOND) == 0);
			assert_true(limits_take(&limits, kind, tag, &rate, SECOND) == rate.interval_ns);
			assert_true(limits_take(&limits, kind, tag, &rate, SECOND + rate.interval_ns - 1) == 1);
			assert_true(limits_take(&limits, kind, tag, &rate, SECOND + rate.interval_ns) == 0);
			assert_true(limits_take(&limits, kind, tag, &rate, SECOND + rate.interval_ns) != 0);
		}
	}
	limits_fini(&limits);
}

static void test_a_subject_is_all_of_it(void **state)
{
	struct limits limits = table(4096);
	uint64_t whole = limits_tag(&limits, 0, slice("abc", 3));

	(void)state;
	assert_true(whole == limits_tag(&limits, 0, slice("abc", 3)));
	assert_true(whole != limits_tag(&limits, 0, slice("ab", 2)));
	assert_true(whole != limits_tag(&limits, 0, slice("abc\0", 4)));
	assert_true(tag_of(&limits, 0, 1) != limits_tag(&limits, 1, slice("\1\0\0", 4)));
	limits_fini(&limits);
}

/* As simple as it can be: what is left of each subject's bucket, in nanoseconds of its rate. */
enum { SUBJECTS = 3000, ARRIVALS = 1000000 };
struct bucket {
	uint64_t left, seen;
	bool known;
};

static bool bucket_take(struct bucket *bucket, const struct gcra *rate, uint64_t now)
{
	uint64_t most = rate->burst_ns + rate->interval_ns, passed = now - bucket->seen;

	if (!bucket->known || passed > most - bucket->left)
		bucket->left = most;
	else
		bucket->left += passed;
	bucket->known = true;
	bucket->seen = now;
	if (bucket->left < rate->interval_ns)
		return false;
	bucket->left -= rate->interval_ns;
	return true;
}

static void test_a_million_arrivals(void **state)
{
	static struct bucket buckets[SUBJECTS];
	static _Atomic uint64_t *held[SUBJECTS];
	struct limits limits = table(8192);
	uint64_t now = 5, refused = 0;

	(void)state;
	for (int i = 0; i < ARRIVALS; i++) {
		/* some come often, so that they are refused; each keeps to one rate */
		uint32_t subject = any(2) ? any(50) : any(SUBJECTS);
		const struct gcra rate = gcra_per(1 + subject % 40, MINUTE);
		uint64_t tag = tag_of(&limits, 0, subject);
		bool allowed, expected = bucket_take(&buckets[subject], &rate, now);

		if (any(20) == 0) {
			if (held[subject] != NULL)
				limits_release(&limits, held[subject]);
			held[subject] = held[subject] == NULL ? limits_hold(&limits, 0, tag, &rate, now) : NULL;
		}
		if (held[subject] != NULL && any(2))
			allowed = gcra_take_many_shared(held[subject], &rate, 1, now) == 0;
		else
			allowed = limits_take(&limits, 0, tag, &rate, now) == 0;
		if (allowed != expected)
			fail_msg("arrival %d of %u: %d", i, subject, allowed);
		refused += !allowed;
		now += any(1000) == 0 ? (uint64_t)any(20) * SECOND : any(30000000);
	}
	assert_true(refused > ARRIVALS / 10 && refused < ARRIVALS / 10 * 9);
	for (uint32_t i = 0; i < SUBJECTS; i++)
		if (held[i] != NULL)
			limits_release(&limits, held[i]);
	assert_true(limits.shared[0] == 0);
	limits_fini(&limits);
}

/* The same of words that are held, with several at once, whose rate is another one now and then. What is spent is kept
 * as a time that it takes to be free again. */
enum { HELD = 64 };
struct spent {
	uint64_t ns, seen;
	unsigned rate;
};

static bool spent_take(struct spent *spent, const struct gcra *rate, uint64_t per_minute, uint64_t count, uint64_t now)
{
	uint64_t passed = now - spent->seen;

	spent->ns = passed < spent->ns ? spent->ns - passed : 0;
	spent->seen = now;
	if (count > per_minute || spent->ns > (per_minute - count) * rate->interval_ns)
		return false;
	spent->ns += count * rate->interval_ns;
	return true;
}

static void spent_convert(struct spent *spent, const struct gcra *from, const struct gcra *to, uint64_t to_per_minute,
			  uint64_t now)
{
	uint64_t passed = now - spent->seen, events;

	spent->ns = passed < spent->ns ? spent->ns - passed : 0;
	spent->seen = now;
	if (from->interval_ns == to->interval_ns)
		return;
	events = (spent->ns + from->interval_ns - 1) / from->interval_ns;
	spent->ns = (events < to_per_minute ? events : to_per_minute) * to->interval_ns;
}

static void test_a_million_arrivals_under_changing_rates(void **state)
{
	static const uint64_t per_minute[] = { 1, 2, 5, 7, 60, 61, 600, 8192, 1000000, 1000000000 };
	enum { RATES = sizeof(per_minute) / sizeof(*per_minute) };
	static struct spent spent[HELD];
	static _Atomic uint64_t *held[HELD];
	struct limits limits = table(1024);
	uint64_t now = 5, refused = 0, changes = 0;

	(void)state;
	for (int i = 0; i < ARRIVALS; i++) {
		uint32_t subject = any(HELD);
		struct spent *expected = &spent[subject];
		uint64_t tag = tag_of(&limits, 1, subject), count = 1;
		struct gcra rate = gcra_per(per_minute[expected->rate], MINUTE);
		bool allowed;

		if (held[subject] == NULL || any(500) == 0) {
			const struct gcra before = rate;

			expected->rate = any(RATES);
			rate = gcra_per(per_minute[expected->rate], MINUTE);
			if (held[subject] != NULL)
				limits_release(&limits, held[subject]);
			held[subject] = limits_hold(&limits, 1, tag, &rate, now);
			spent_convert(expected, &before, &rate, per_minute[expected->rate], now);
			changes++;
		}
		if (any(4) == 0)
			count = per_minute[expected->rate] < 1000 ? any((uint32_t)per_minute[expected->rate] + 2)
								  : any(2000000000);
		allowed = gcra_take_many_shared(held[subject], &rate, count, now) == 0;
		if (allowed != (count == 0 || spent_take(expected, &rate, per_minute[expected->rate], count, now)))
			fail_msg("arrival %d of %u, %llu at %llu a minute: %d", i, subject, (unsigned long long)count,
				 (unsigned long long)per_minute[expected->rate], allowed);
		refused += !allowed;
		now += any(1000) == 0 ? (uint64_t)any(200) * SECOND : any(3) == 0 ? 0 : any(10000000);
	}
	assert_true(refused > ARRIVALS / 10 && refused < ARRIVALS / 10 * 9 && changes > 1000);
	for (uint32_t i = 0; i < HELD; i++)
		limits_release(&limits, held[i]);
	limits_fini(&limits);
}

static void test_a_full_table_is_stricter_never_open(void **state)
{
	const struct gcra rate = gcra_per(5, MINUTE);
	struct limits limits = table(1024);
	unsigned allowed = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(take(&limits, 7, &rate, SECOND) == 0);
	for (uint32_t i = 100; i < 100000; i++)
		allowed += take(&limits, i, &rate, SECOND) == 0;
	assert_true(allowed <= 1023 + 5 && allowed > 900);
	assert_true(take(&limits, 7, &rate, SECOND) == 12 * SECOND); /* he is not forgotten */
	for (uint32_t i = 200000; i < 201000; i++)
		assert_true(take(&limits, i, &rate, SECOND) != 0); /* without a place there is no fresh start */
	for (uint32_t i = 200000; i < 200500; i++)
		assert_true(take(&limits, i, &rate, 14 * SECOND) == 0); /* the flood is past */
	assert_true(take(&limits, 7, &rate, 14 * SECOND) == 0);
	limits_fini(&limits);
}

static void test_who_is_held_stays(void **state)
{
	const struct gcra rate = gcra_per(5, MINUTE), slow = gcra_per(1, MINUTE);
	struct limits limits = table(64);
	_Atomic uint64_t *word = limits_hold(&limits, 0, tag_of(&limits, 0, 1), &rate, SECOND), *same, *others[200];
	unsigned shared = 0;

	(void)state;
	same = limits_hold(&limits, 0, tag_of(&limits, 0, 1), &rate, SECOND);
	assert_ptr_equal(word, same);
	limits_release(&limits, same);
	/* Its time is past all the while, but it is no place for others. */
	for (uint32_t i = 100; i < 10000; i++)
		take(&limits, i, &rate, MINUTE + i * SECOND);
	assert_true(*word == 0);
	for (int i = 0; i < 3; i++)
		assert_true(gcra_take_many_shared(word, &rate, 1, 20000 * SECOND) == 0);
	assert_true(take(&limits, 1, &rate, 20000 * SECOND) == 0 && take(&limits, 1, &rate, 20000 * SECOND) == 0);
	assert_true(take(&limits, 1, &rate, 20000 * SECOND) == 12 * SECOND); /* it is one and the same */
	limits_release(&limits, word);
	assert_true(take(&limits, 1, &rate, 20000 * SECOND) == 12 * SECOND);
	/* All places are held: the others have one together, which nobody has to give back. */
	for (uint32_t i = 0; i < 200; i++) {
		others[i] = limits_hold(&limits, 0, tag_of(&limits, 0, 1000 + i), &rate, 40000 * SECOND);
		shared += others[i] == &limits.shared[0];
	}
	assert_true(shared >= 200 - 64 && shared < 200 - 40);
	for (uint32_t i = 0; i < 200; i++)
		limits_release(&limits, others[i]);
	/* All are free again: one set holds eight, so of 20 all find a place. */
	for (uint32_t i = 0; i < 20; i++)
		assert_true(take(&limits, 5000 + i, &slow, 50000 * SECOND) == 0);
	limits_fini(&limits);
}

static void test_another_rate_goes_on_counting(void **state)
{
	const struct gcra one = gcra_per(4, MINUTE), other = gcra_per(60, MINUTE);
	struct limits limits = table(64);
	_Atomic uint64_t *word;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(take(&limits, 1, &one, SECOND) == 0);
	for (int i = 0; i < 56; i++)
		assert_true(take(&limits, 1, &other, SECOND) == 0);
	assert_true(take(&limits, 1, &other, SECOND) == SECOND);
	assert_true(take(&limits, 1, &one, SECOND) == 15 * SECOND); /* no more than all of it is spent */
	word = limits_hold(&limits, 0, tag_of(&limits, 0, 1), &other, SECOND);
	for (int i = 0; i < 56; i++)
		assert_true(gcra_take_many_shared(word, &other, 1, SECOND) == 0);
	assert_true(gcra_take_many_shared(word, &other, 1, SECOND) == SECOND);
	limits_release(&limits, word);
	limits_fini(&limits);
}

/* Few places and many subjects, so that places change hands all the time, some while others count on them. Within an
 * epoch the clock stands still: of each subject no more than its burst is allowed. */
enum { THREADS = 2, EPOCHS = 20000, TAKES = 12, WATCHED = 4, OTHERS = 4 };
static struct {
	struct limits limits;
	_Atomic uint64_t arrived;
	_Atomic unsigned allowed[WATCHED];
	_Atomic uint64_t all;
	_Atomic bool wrong;
} race;
static const struct gcra race_rate = { 1000, 2000 };

/* They must go on at the same moment: who sleeps is woken one after the other. */
static void meet(uint64_t meeting)
{
	atomic_fetch_add(&race.arrived, 1);
	for (unsigned spins = 0; atomic_load(&race.arrived) < meeting * THREADS; spins++)
		if (spins > 500)
			sched_yield();
}

static void *hammer(void *user)
{
	uint64_t own = (uintptr_t)user;

	for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
		for (uint32_t i = 0; i < TAKES; i++) {
			uint32_t subject;
			uint64_t tag;
			bool allowed;

			own = own * 6364136223846793005u + 1442695040888963407u;
			subject = own >> 63 ? (uint32_t)(own >> 33) % WATCHED
					    : WATCHED + (uint32_t)(epoch % 3) * OTHERS + (uint32_t)(own >> 33) % OTHERS;
			tag = tag_of(&race.limits, 0, subject);
			if ((own >> 59 & 15) == 0) {
				_Atomic uint64_t *word = limits_hold(&race.limits, 0, tag, &race_rate, epoch * 100000);

				allowed = gcra_take_many_shared(word, &race_rate, 1, epoch * 100000) == 0;
				limits_release(&race.limits, word);
			} else {
				allowed = limits_take(&race.limits, 0, tag, &race_rate, epoch * 100000) == 0;
			}
			if (allowed && subject < WATCHED)
				atomic_fetch_add(&race.allowed[subject], 1);
		}
		meet(2 * epoch - 1);
		if ((uintptr_t)user == 1)
			for (unsigned i = 0; i < WATCHED; i++) {
				race.all += race.allowed[i];
				if (atomic_exchange(&race.allowed[i], 0) > 3)
					race.wrong = true;
			}
		meet(2 * epoch);
	}
	return NULL;
}

static void test_threads_allow_no_more(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	race.limits = table(16);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_false(race.wrong);
	assert_true(race.all > (uint64_t)EPOCHS * WATCHED);
	limits_fini(&race.limits);
}

static void test_memory_is_short(void **state)
{
	struct limits limits;

	(void)state;
	mem_fail_at(1);
	assert_int_equal(limits_init(&limits, &key, 64), -1);
	mem_fail_at(0);
	limits_fini(&limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_n_and_no_more_of_each_kind),
		cmocka_unit_test(test_a_subject_is_all_of_it),
		cmocka_unit_test(test_a_million_arrivals),
		cmocka_unit_test(test_a_million_arrivals_under_changing_rates),
		cmocka_unit_test(test_a_full_table_is_stricter_never_open),
		cmocka_unit_test(test_who_is_held_stays),
		cmocka_unit_test(test_another_rate_goes_on_counting),
		cmocka_unit_test(test_threads_allow_no_more),
		cmocka_unit_test(test_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
