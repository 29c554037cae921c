/* words.h: the lists of tables/detect_words.def, found by one look at three octets. Made once for an engine. */
#ifndef ENGINE_DETECT_WORDS_H
#define ENGINE_DETECT_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum detect_list {
#define DETECT_LIST(name, owner, ...) LIST_##name,
#include "tables/detect_words.def"
#undef DETECT_LIST
	DETECT_LISTS
};
_Static_assert(DETECT_LISTS <= 64, "a bit each");
enum { DETECT_PAIRS = 2048 };

struct detect_words {
	/* By octet: the lists that have a word with it at this place. Only of lists that have an owner. */
	uint64_t first[256], second[256], third[256];
	/* By two octets, see detect_pair: a bit each octet, by the low five of its bits, that comes third in a word of
	 * those lists. It is all that is asked of most places. */
	uint32_t thirds[DETECT_PAIRS];
	/* By the first two octets, see detect_pair: the lists that have a word that begins so. */
	uint64_t pairs[DETECT_PAIRS];
	/* The first word of a list that begins with this octet, or UINT8_MAX. */
	uint8_t start[DETECT_LISTS][128];
	/* By list and octet that a word begins with: a bit each size that one of them has, bit 31: that or more. */
	uint32_t sizes[DETECT_LISTS][128];
	/* By letter: the first keyword of SQL. */
	uint8_t keyword_start[26];
	/* By the low bits of the first and of the second octet: a bit each size of a keyword of SQL, or of a word that
	 * is SQL wherever it stands. */
	uint32_t sql_sizes[32][32];
};

/* Of letters no two are the same. */
static inline unsigned detect_pair(uint8_t first, uint8_t second)
{
	return ((unsigned)first << 5 ^ second) & (DETECT_PAIRS - 1);
}

void detect_words_init(struct detect_words *words);
/* Does one of the list stand at this place? Its size, or 0. Asked of each octet of a text: two of them say nearly
 * always that none does. */
size_t detect_any_of(const struct detect_words *words, enum detect_list list, const uint8_t *at, const uint8_t *end);
static inline size_t detect_any(const struct detect_words *words, enum detect_list list, const uint8_t *at,
				const uint8_t *end)
{
	if (end - at < 2 || (words->pairs[detect_pair(at[0], at[1])] & UINT64_C(1) << list) == 0)
		return 0;
	return detect_any_of(words, list, at, end);
}
/* Is the word one of the list? */
bool detect_word(const struct detect_words *words, enum detect_list list, const uint8_t *word, size_t size);
/* The words of a list, for tests; count of them. */
const char *const *detect_list(enum detect_list list, size_t *ret_count);
#endif
