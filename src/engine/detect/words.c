/* words.c: lists of words in a view: a table says whether any list can have one here, three by octet which; the lists
 * have the word. */
#include "engine/detect/sql.h"

#define DETECT_LIST(name, owner, ...) static const char *const list_##name[] = { __VA_ARGS__ };
#include "tables/detect_words.def"
#undef DETECT_LIST

static const struct list {
	const char *const *words;
	uint8_t count;
	void (*owner)(const struct detect_view *view, enum detect_list list, size_t at, size_t size);
} lists[] = {
#define detect_none_word NULL
#define DETECT_LIST(name, owner, ...)                                                                                  \
	{ list_##name, sizeof(list_##name) / sizeof(list_##name[0]), detect_##owner##_word },
#include "tables/detect_words.def"
#undef DETECT_LIST
};

const char *const *detect_list(enum detect_list list, size_t *ret_count)
{
	*ret_count = lists[list].count;
	return lists[list].words;
}

static uint32_t size_bit(size_t size)
{
	return UINT32_C(1) << (size < 31 ? size : 31);
}

void detect_words_init(struct detect_words *words)
{
	memset(words, 0, sizeof(*words));
	memset(words->start, UINT8_MAX, sizeof(words->start));
	sql_keywords_init(words);
	for (unsigned l = 0; l < DETECT_LISTS; l++) {
		uint64_t bit = UINT64_C(1) << l;

		for (uint8_t i = lists[l].count; i-- != 0;) {
			const char *word = lists[l].words[i];

			words->start[l][(uint8_t)word[0]] = i;
			words->pairs[detect_pair((uint8_t)word[0], (uint8_t)word[1])] |= bit; /* none has one alone */
			words->sizes[l][(uint8_t)word[0]] |= size_bit(strlen(word));
			if (lists[l].owner == NULL)
				continue;
			words->first[(uint8_t)word[0]] |= bit;
			words->second[(uint8_t)word[1]] |= bit;
			if (word[2] != '\0') {
				words->third[(uint8_t)word[2]] |= bit;
				words->thirds[detect_pair((uint8_t)word[0], (uint8_t)word[1])] |= UINT32_C(1)
												  << (word[2] & 31);
				continue;
			}
			for (unsigned c = 0; c < 256; c++)
				words->third[c] |= bit;
			words->thirds[detect_pair((uint8_t)word[0], (uint8_t)word[1])] = UINT32_MAX;
		}
	}
}

size_t detect_any_of(const struct detect_words *words, enum detect_list list, const uint8_t *at, const uint8_t *end)
{
	size_t left = (size_t)(end - at);
	uint8_t c;

	if (left == 0 || (c = *at) >= 128)
		return 0;
	for (size_t i = words->start[list][c]; i < lists[list].count; i++) {
		const char *word = lists[list].words[i];
		size_t n = 1;

		if ((uint8_t)word[0] != c)
			break;
		while (n < left && word[n] != '\0' && (uint8_t)word[n] == at[n])
			n++;
		if (word[n] == '\0')
			return n;
		if (n == left || (uint8_t)word[n] > at[n])
			break; /* all behind it in the list are greater still */
	}
	return 0;
}

bool detect_word(const struct detect_words *words, enum detect_list list, const uint8_t *word, size_t size)
{
	if (size == 0 || word[0] >= 128 || (words->sizes[list][word[0]] & size_bit(size)) == 0)
		return false;
	for (size_t low = words->start[list][word[0]], high = lists[list].count; low < high;) {
		size_t middle = (low + high) / 2, n = 0;
		const uint8_t *one = (const uint8_t *)lists[list].words[middle];

		while (n < size && one[n] == word[n] && one[n] != '\0')
			n++;
		if (n == size && one[n] == '\0')
			return true;
		if (n < size && one[n] < word[n])
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Each word of a list with an owner is shown to it, unless it stands within another word. */
void detect_scan(const struct detect_view *view)
{
	const struct detect_words *words = view->words;
	const uint8_t *text = view->text, *end = text + view->size;

	/* two octets of zero stand behind the last */
	for (size_t i = 0; i < view->size; i++) {
		uint64_t set;

		if ((words->thirds[detect_pair(text[i], text[i + 1])] >> (text[i + 2] & 31) & 1) == 0 ||
		    (i != 0 && is_word(text[i - 1]) && is_word(text[i])))
			continue;
		set = words->first[text[i]] & words->second[text[i + 1]] & words->third[text[i + 2]];
		while (set != 0) {
			unsigned list = (unsigned)__builtin_ctzll(set);
			size_t size = detect_any(words, list, text + i, end);

			set &= set - 1;
			if (size != 0)
				lists[list].owner(view, list, i, size);
		}
	}
}

size_t detect_find(const struct detect_view *view, size_t from, const char *what)
{
	return detect_find_within(view, from, view->size, what);
}

size_t detect_find_within(const struct detect_view *view, size_t from, size_t to, const char *what)
{
	const uint8_t *found;

	if (from >= to)
		return view->size;
	if (!ascii_is_alpha((uint8_t)what[0])) { /* a mark is rare: looking for it alone is many octets at once */
		const uint8_t *end = view->text + to;
		size_t size = strlen(what);

		for (found = view->text + from; (found = memchr(found, what[0], (size_t)(end - found))) != NULL;
		     found++)
			if ((size_t)(end - found) >= size && memcmp(found, what, size) == 0)
				break;
	} else {
		found = memmem(view->text + from, to - from, what, strlen(what));
	}
	return found != NULL ? (size_t)(found - view->text) : view->size;
}

/* Marks are 24 octets of words apart at most. */
size_t detect_passage(const struct detect_view *view, size_t at)
{
	enum { TALK = 24, MOST = 200 };
	const uint8_t *text = view->text;
	size_t first = at, last = at;

	if (view->size < MOST || !detect_spend(view, MOST))
		return view->size;
	for (size_t i = at; i != 0 && first - i < TALK && at - i < MOST; i--)
		if (view_marks[text[i - 1]])
			first = i - 1;
	for (size_t i = at + 1; i < view->size && i - last <= TALK && i - at < MOST; i++)
		if (view_marks[text[i]])
			last = i;
	return last + 1 - first;
}
