#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/detect/voice.h"

static uint64_t chance = 7;

static uint32_t next_number(void)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(chance >> 33);
}

static bool is_mark(uint8_t c)
{
	return c != 0 && strchr("<>'\"=();&|`$/\\{}[]#*%", c) != NULL;
}

/* What each octet is, by going from octet to octet: nothing that is heard, one of a step within a passage or beside it,
 * the first of one, the first of one that has nothing in front. */
enum { WORDS, GOES_ON, BESIDE, STEP, ANEW };

static bool mark_within(const uint8_t *text, size_t size, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < size; i++)
		if (is_mark(text[i]))
			return true;
	return false;
}

static void find_steps(const uint8_t *text, size_t size, uint8_t *ret_steps)
{
	size_t heard = 0; /* up to here */

	memset(ret_steps, WORDS, size);
	for (size_t mark = 0; mark < size; mark++) {
		size_t from = mark, to, next;

		if (!is_mark(text[mark]))
			continue;
		while (from > heard && mark - from < 32 && voice_fold(text[from - 1]) != ' ')
			from--;
		while (mark_within(text, size, mark + 1, mark + 25))
			for (mark++; !is_mark(text[mark]);)
				mark++;
		for (to = mark + 1; to < size && to - mark < 32 && voice_fold(text[to]) != ' ' && !is_mark(text[to]);
		     to++)
			;
		for (next = mark + 1; next < size && !is_mark(text[next]); next++)
			;
		/* up to 32 octets of words in front, all where they were heard or are few */
		if (from - heard > 64)
			heard = from - 32;
		for (size_t i = heard; i < from; i++)
			ret_steps[i] = i == heard || (from - i) % 8 == 0 ? STEP : BESIDE;
		for (size_t i = from; i < to; i++)
			ret_steps[i] = i == from ? (from == 0 || voice_fold(text[from - 1]) == ' ' ? ANEW : STEP)
				       : (i - from) % 8 == 0 ? STEP
							     : GOES_ON;
		heard = to;
		/* and behind, where no other is near */
		if (next < size) {
			size_t token = next;

			while (token > to && next - token < 32 && voice_fold(text[token - 1]) != ' ')
				token--;
			if (token - to <= 64)
				continue;
		}
		for (size_t i = to; i < size && (i < to + 32 || size - to <= 64) && next != to; i++) {
			ret_steps[i] = (i - to) % 8 == 0 ? STEP : BESIDE;
			heard = i + 1;
		}
	}
}

static int32_t octet_weight(const uint8_t *text, size_t anew, size_t at, unsigned class)
{
	static const size_t grams[VOICE_GRAMS] = { 2, 3, 4, 6 };
	uint8_t last[6];
	int32_t sum = 0;

	for (size_t back = 0; back < 6; back++)
		last[back] = anew + back > at ? ' ' : voice_fold(text[at - back]);
	if ((last[0] == last[1] && last[1] == last[2] && last[2] == last[3]) ||
	    (last[0] == last[2] && last[2] == last[4] && last[1] == last[3] && last[3] == last[5]))
		return 0;

	for (unsigned g = 0; g < VOICE_GRAMS; g++) {
		uint64_t gram = 0;

		for (size_t back = grams[g]; back-- != 0;)
			gram = gram << 8 | last[back];
		sum += voice_weights[voice_row(gram | (uint64_t)grams[g] << 60)][class];
	}
	return sum;
}

/* Every place by itself, from its beginning to its end. */
static int32_t slow_best(const uint8_t *text, size_t size, const uint8_t *steps, unsigned class)
{
	int32_t most = INT32_MIN;

	for (size_t from = 0; from < size; from++) {
		size_t anew = 0, count = 0;
		int32_t sum = 0;
		bool marked = false;

		if (steps[from] < STEP)
			continue;
		for (size_t i = 0; i <= from; i++)
			anew = steps[i] == ANEW ? i : anew;
		for (size_t i = from; i < size && steps[i] != WORDS; i++) {
			count += steps[i] >= STEP;
			if (count > VOICE_STEPS)
				break;
			anew = steps[i] == ANEW ? i : anew;
			sum += octet_weight(text, anew, i, class);
			marked = marked || is_mark(text[i]);
			if (marked && sum > most &&
			    (i + 1 == size ||
			     (steps[i + 1] != GOES_ON && (steps[i + 1] != BESIDE || text[i + 1] == ' '))))
				most = sum;
		}
	}
	return most;
}

static void test_equal(void **state)
{
	static const char letters[] = "<>'\"/\\.;|&()= aeinorstlc019%${}-script select/etc";
	uint8_t text[300], steps[300];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t size = 1 + next_number() % (sizeof(text) - 1);
		struct voice_best best;

		for (size_t i = 0; i < size; i++)
			text[i] = round % 3 == 0   ? (uint8_t)next_number()
				  : round % 3 == 1 ? (uint8_t)letters[next_number() % (sizeof(letters) - 1)]
				  : next_number() % 64 < 2
					  ? (uint8_t)letters[next_number() % 16]
					  : (uint8_t)('a' + next_number() % 26); /* words, a mark here and there */
		voice_score(voice_weights, text, size, &best);
		find_steps(text, size, steps);
		for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
			assert_int_equal(best.sum[class], slow_best(text, size, steps, class));
			if (best.sum[class] == INT32_MIN) {
				assert_int_equal(best.end[class], 0);
				continue;
			}
			assert_in_range(best.end[class], 1, size);
			assert_in_range(best.size[class], 1, VOICE_WINDOW);
			assert_true(best.size[class] <= best.end[class]);
		}
	}
}

/* All weights at their greatest: no sum leaves its 16 bits. */
static void test_extremes(void **state)
{
	static int8_t weights[VOICE_ROWS][VOICE_LANES];
	uint8_t text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t) "(bcdefg"[i % 7]; /* no octet repeats those before it, and no place is words */
	for (int sign = -1; sign <= 1; sign += 2) {
		struct voice_best best;

		memset(weights, sign < 0 ? -128 : 127, sizeof(weights));
		voice_score((const int8_t(*)[VOICE_LANES])weights, text, sizeof(text), &best);
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			assert_int_equal(best.sum[class],
					 (sign < 0 ? VOICE_STEP * -128 : VOICE_WINDOW * 127) * VOICE_GRAMS);
	}
}

/* Where it begins, in octets of eight, is nothing to what a text says: within words it is as loud as alone, but for
 * what stands around it in its window. */
static void test_within(void **state)
{
	static const char attack[] = "../../../../../../usr/local/apache/logs/error.log";
	char text[600];

	(void)state;
	for (size_t at = 0; at < 400; at += 7) {
		struct voice_best best;

		memset(text, ' ', sizeof(text));
		memcpy(text + at, attack, sizeof(attack) - 1);
		voice_score(voice_weights, (const uint8_t *)text, sizeof(text), &best);
		assert_true(best.sum[DETECT_PATH] >= voice_classes[DETECT_PATH].weak);
	}
}

/* Words around it take nothing from what is shorter than the longest place, however harmless they are. */
static void test_short(void **state)
{
	static int8_t weights[VOICE_ROWS][VOICE_LANES];
	static const char attack[] = "; id | nc -e sh";
	char text[80];
	struct voice_best alone, within;
	uint64_t past = 0;

	(void)state;
	memset(weights, -100, sizeof(weights));
	for (size_t i = 0; i + 1 < sizeof(attack); i++) {
		uint32_t rows[VOICE_GRAMS];

		past = past << 8 | voice_fold((uint8_t)attack[i]);
		voice_rows(past, rows);
		for (unsigned g = 0; g < VOICE_GRAMS && i >= 5; g++)
			memset(weights[rows[g]], 100, VOICE_LANES);
	}
	voice_score((const int8_t(*)[VOICE_LANES])weights, (const uint8_t *)attack, sizeof(attack) - 1, &alone);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "we said so, did not we? "[i % 24];
	memcpy(text + 32, attack, sizeof(attack) - 1);
	voice_score((const int8_t(*)[VOICE_LANES])weights, (const uint8_t *)text, sizeof(text), &within);
	assert_true(alone.sum[0] > 0);
	assert_int_equal(within.sum[0], alone.sum[0]);
	assert_int_equal(within.end[0], 32 + sizeof(attack) - 1);
}

/* What repeats is no attack however long it is, and adds nothing to what stands before it. */
static void test_repeats(void **state)
{
	static const char *const texts[] = { "x",  ".",	 "=",	     "-", "0", "haha", "-=", "lo",
					     "ab", "10", "\xd0\xb0", "_", "*", "A",    "/",  "\\" };
	uint8_t text[600];

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct voice_best best;

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (uint8_t)texts[t][i % strlen(texts[t])];
		memcpy(text, "message 7: see this ", 20);
		voice_score(voice_weights, text, sizeof(text), &best);
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			assert_true(best.sum[class] < voice_classes[class].weak);
	}
}

static void test_table(void **state)
{
	size_t none = 0;

	(void)state;
	for (size_t r = 0; r < VOICE_ROWS; r++) {
		for (unsigned lane = DETECT_CLASSES; lane < VOICE_LANES; lane++)
			assert_int_equal(voice_weights[r][lane], 0);
		none += voice_weights[r][0] == 0 && voice_weights[r][1] == 0 && voice_weights[r][2] == 0;
	}
	assert_in_range(none, 0, VOICE_ROWS / 2);
	assert_in_range(sizeof(voice_weights), 1, 65536);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		assert_true(voice_classes[class].weak > 0 && voice_classes[class].strong > voice_classes[class].weak);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),	cmocka_unit_test(test_extremes), cmocka_unit_test(test_within),
		cmocka_unit_test(test_repeats), cmocka_unit_test(test_short),	 cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
