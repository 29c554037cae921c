/* secrets.c: where in a text there may be a secret; secrets_confirm.c and secrets_number.c say whether it is one. */
#include "engine/secrets.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/slice.h"

/* Octets that a token, a number of a card, an IBAN are made of. */
enum { WORD = 1, CARD = 2, IBAN = 4, LETTER = 8, DIGIT = 16, BASE64 = 32, MAIL = 64 };
enum { LEAST_WORD = 20, LEAST_CARD = 14, LEAST_IBAN = 15, LEAST_KEY = 40, DASHES = 5 };

static const uint8_t class_of[256] = {
	['a' ... 'z'] = WORD | LETTER | BASE64 | MAIL,
	['A' ... 'Z'] = WORD | IBAN | LETTER | BASE64 | MAIL,
	['0' ... '9'] = WORD | CARD | IBAN | DIGIT | BASE64 | MAIL,
	[' '] = CARD | IBAN,
	['-'] = WORD | CARD | MAIL,
	['_'] = WORD | MAIL,
	['.'] = WORD | MAIL,
	['+'] = WORD | BASE64 | MAIL,
	['%'] = MAIL,
	['/'] = WORD | BASE64,
	['='] = WORD | BASE64,
	['~'] = WORD,
};

struct rule {
	const char *id, *literal;
	size_t size;
	secret_confirm_function *confirm;
	enum secret_kind kind;
};
static const struct rule rules[SECRET_RULES] = {
#define SECRET_RULE(id, kind, literal, confirm, help)                                                                  \
	{ #id, literal, sizeof(literal) - 1, secret_confirm_##confirm, SECRET_KIND_##kind },
#define SECRET_PASS(id, kind, help) { #id, NULL, 0, NULL, SECRET_KIND_##kind },
#include "tables/secret_rules.def"
#undef SECRET_RULE
#undef SECRET_PASS
};

const char *secret_rule_id(unsigned rule)
{
	return rules[rule].id;
}

enum secret_kind secret_rule_kind(unsigned rule)
{
	return rules[rule].kind;
}

struct search {
	const uint8_t *begin, *end;
	uint32_t kinds;
	secret_found *found;
	void *user;
};

static bool is(uint8_t octet, unsigned class)
{
	return (class_of[octet] & class) != 0;
}

static bool tell(const struct search *search, unsigned rule, const uint8_t *at, size_t size)
{
	const struct secret_hit hit = { rule, (size_t)(at - search->begin), size };

	return search->found(search->user, &hit);
}

/* What is sought: a run of a class. All of the class lies between two octets, which is quick to see of many at once. */
struct sought {
	unsigned class;
	size_t least;
	char low, high;
};
static const struct sought words = { WORD, LEAST_WORD, '+', '~' }, cards = { CARD, LEAST_CARD, ' ', '9' },
			   accounts = { IBAN, LEAST_IBAN, ' ', 'Z' };

/* Over text where no run begins: 64 octets are 64 bits, and of a run of n a bit is left when n - 1 shifts were and-ed.
 */
static const uint8_t *skip(const struct sought *sought, const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
	const __m128i low = _mm_set1_epi8((char)(sought->low - 1)), high = _mm_set1_epi8((char)(sought->high + 1));
	unsigned rest = (unsigned)sought->least - 8;

	for (; end - at >= 64; at += 64 - sought->least + 1) {
		uint64_t bits = 0;

		for (unsigned i = 0; i < 4; i++) {
			__m128i octets = _mm_loadu_si128((const __m128i *)(const void *)(at + (size_t)16 * i));
			__m128i in = _mm_and_si128(_mm_cmpgt_epi8(octets, low), _mm_cmplt_epi8(octets, high));

			bits |= (uint64_t)(unsigned)_mm_movemask_epi8(in) << 16 * i;
		}
		bits &= bits >> 1;
		bits &= bits >> 2;
		bits &= bits >>
			4; /* runs of 8; two of them that overlap, or a gap closed by a third, are a longer one */
		if ((bits & bits >> (rest < 8 ? rest : 8) & bits >> rest) != 0)
			break;
	}
#else
	(void)sought;
	(void)end;
#endif
	return at;
}

/* The next run from *at on, where one may begin. False: there is none. */
static bool next_run(const struct search *search, const struct sought *sought, const uint8_t **at, const uint8_t **end)
{
	const uint8_t *from = *at, *look;

	for (;;) {
		from = skip(sought, from, search->end);
		if ((size_t)(search->end - from) < sought->least)
			return false;
		/* Backwards: the last octet that is none of it says where a run can begin. */
		for (look = from + sought->least; look != from && is(look[-1], sought->class);)
			look--;
		if (look == from)
			break;
		from = look;
	}
	for (look = from + sought->least; look != search->end && is(*look, sought->class);)
		look++;
	*at = from;
	*end = look;
	return true;
}

static bool find_in_word(const struct search *search, const uint8_t *first, const uint8_t *last)
{
	for (const uint8_t *at = first; last - at >= LEAST_WORD; at++) {
		const struct secret_view view = { search->begin, at, last };
		size_t size = 0;

		if (at != search->begin && is(at[-1], LETTER | DIGIT))
			continue;
		for (unsigned i = 0; i < SECRET_RULES && size == 0; i++) {
			if (rules[i].confirm == NULL || (search->kinds >> rules[i].kind & 1) == 0 ||
			    (rules[i].size != 0 && *at != (uint8_t)*rules[i].literal) ||
			    (size_t)(last - at) < rules[i].size || memcmp(at, rules[i].literal, rules[i].size) != 0)
				continue;
			size = rules[i].confirm(&view);
			if (size != 0 && !tell(search, i, at, size))
				return false;
		}
		if (size != 0)
			at += size - 1;
	}
	return true;
}

static bool find_tokens(const struct search *search)
{
	const uint8_t *at = search->begin, *end;

	for (; next_run(search, &words, &at, &end); at = end)
		if (!find_in_word(search, at, end))
			return false;
	return true;
}

static bool find_numbers(const struct search *search, unsigned rule, const struct sought *sought,
			 secret_confirm_function *confirm)
{
	const uint8_t *at = search->begin, *end;

	for (; next_run(search, sought, &at, &end); at = end) {
		while ((size_t)(end - at) >= sought->least) {
			const struct secret_view view = { search->begin, at, search->end };
			size_t size = 0;

			if (*at != ' ' && *at != '-' && (at == search->begin || !is(at[-1], LETTER | DIGIT)))
				size = confirm(&view);
			if (size != 0 && !tell(search, rule, at, size))
				return false;
			at += size != 0 ? size : 1;
		}
	}
	return true;
}

/* How much of a key stands from at on: lines of base64, and the head of an encrypted one. Up to its END, and with it.
 */
static size_t private_key(const uint8_t *at, const uint8_t *end)
{
	static const char last[] = "PRIVATE KEY-----";
	const uint8_t *from = at, *behind = at;
	size_t line = 0, longest = 0, dashes = 0;

	for (; at != end && dashes != DASHES; at++) {
		bool base64 = is(*at, BASE64);

		if (!base64 && memchr("-\n\r\t ,:\\", *at, 8) == NULL)
			break;
		line = base64 ? line + 1 : 0;
		longest = line > longest ? line : longest;
		if (line >= 16)
			behind = at + 1;
		dashes = *at == '-' ? dashes + 1 : 0;
	}
	if (longest < LEAST_KEY)
		return 0;
	for (const uint8_t *tail = at; tail != end && tail - at < 64; tail++)
		if ((size_t)(end - tail) >= sizeof(last) - 1 && memcmp(tail, last, sizeof(last) - 1) == 0)
			return (size_t)(tail - from) + sizeof(last) - 1;
	return (size_t)(behind - from); /* the END was cut off */
}

/* " RSA PRIVATE KEY-----" behind BEGIN: what of it is the head of a key; 0: it is none. */
static size_t key_head(const uint8_t *at, const uint8_t *end)
{
	static const char begin[] = "BEGIN ", key[] = "PRIVATE KEY-----";
	enum { BEGIN = sizeof(begin) - 1, KEY = sizeof(key) - 1, MOST = 32 };

	if (end - at < BEGIN + KEY || memcmp(at, begin, BEGIN) != 0)
		return 0;
	for (size_t i = BEGIN; i < MOST && (size_t)(end - at) >= i + KEY; i++)
		if (memcmp(at + i, key, KEY) == 0)
			return i + KEY;
	return 0;
}

/* "-----BEGIN RSA PRIVATE KEY-----": of five dashes one stands at each fifth octet. */
static bool find_keys(const struct search *search)
{
	const uint8_t *from = search->begin, *at = from;

	while (search->end - at >= DASHES) {
		const uint8_t *first = at + DASHES - 1;
		size_t head, size;

		if (*first != '-') {
			from = at = first + 1;
			continue;
		}
		for (at = first; at != search->end && *at == '-';)
			at++;
		while (first != from && first[-1] == '-')
			first--;
		from = at;
		if (at - first < DASHES || (head = key_head(at, search->end)) == 0 ||
		    (size = private_key(at + head, search->end)) == 0)
			continue;
		at += head + size;
		from = at;
		if (!tell(search, SECRET_private_key, first, (size_t)(at - first)))
			return false;
	}
	return true;
}

/* name@domain.tld */
static bool find_mail(const struct search *search)
{
	const uint8_t *at = search->begin, *before = at;

	while (at != search->end && (at = memchr(at, '@', (size_t)(search->end - at))) != NULL) {
		const uint8_t *first = at++, *last = at, *tail;

		while (first != before && is(first[-1], MAIL))
			first--;
		while (last != search->end && (is(*last, LETTER | DIGIT) || *last == '-' || *last == '.'))
			last++;
		before = last;
		while (last != at && (last[-1] == '.' || last[-1] == '-')) /* the end of a sentence */
			last--;
		for (tail = last; tail != at && is(tail[-1], LETTER);)
			tail--;
		if (first == at - 1 || tail - at < 2 || tail[-1] != '.' || tail[-2] == '.' || last - tail < 2)
			continue;
		if (!tell(search, SECRET_email, first, (size_t)(last - first)))
			return false;
		at = last;
	}
	return true;
}

static bool find_phone(const struct search *search)
{
	enum { LEAST = 8, MOST = 15 };
	const uint8_t *at = search->begin;

	while (at != search->end && (at = memchr(at, '+', (size_t)(search->end - at))) != NULL) {
		const uint8_t *first = at++, *last = at;
		unsigned digits = 0;

		if ((first != search->begin && is(first[-1], WORD)) || at == search->end || *at == '0')
			continue;
		for (; at != search->end && digits <= MOST; at++) {
			if (is(*at, DIGIT)) {
				digits++;
				last = at + 1;
			} else if (memchr(" -.()", *at, 5) == NULL || at - last > 1) {
				break;
			}
		}
		if (digits < LEAST || digits > MOST || (last != search->end && is(*last, LETTER | DIGIT)))
			continue;
		if (!tell(search, SECRET_phone, first, (size_t)(last - first)))
			return false;
	}
	return true;
}

void secrets_find(struct fw_slice text, uint32_t kinds, secret_found *found, void *user)
{
	const struct search search = { text.data, text.data + text.size, kinds, found, user };
	enum { TOKENS = 1u << SECRET_KIND_tokens | 1u << SECRET_KIND_jwt };

	if (text.size == 0)
		return;
	if ((kinds & TOKENS) != 0 && !find_tokens(&search))
		return;
	if ((kinds >> SECRET_KIND_keys & 1) != 0 && !find_keys(&search))
		return;
	if ((kinds >> SECRET_KIND_cards & 1) != 0 && !find_numbers(&search, SECRET_card, &cards, secret_confirm_card))
		return;
	if ((kinds >> SECRET_KIND_iban & 1) != 0 && !find_numbers(&search, SECRET_iban, &accounts, secret_confirm_iban))
		return;
	if ((kinds >> SECRET_KIND_email & 1) != 0 && !find_mail(&search))
		return;
	if ((kinds >> SECRET_KIND_phone & 1) != 0)
		find_phone(&search);
}
