#include "codec/idna.h"

#include "base/utf8.h"
#include "codec/point_range.h"

struct pair {
	uint32_t first, second;
};

#define IDNA_CLASS(first, last, class)
#define IDNA_PAIR(first, second)
static const struct point_range valid[] = {
#define IDNA_VALID(first, last) { first, last, 0, 0 },
#include "tables/idna.def"
#undef IDNA_VALID
};
#undef IDNA_CLASS
#define IDNA_VALID(first, last)
static const struct point_range classes[] = {
#define IDNA_CLASS(first, last, class) { first, last, class, 0 },
#include "tables/idna.def"
#undef IDNA_CLASS
};
#undef IDNA_PAIR
#define IDNA_CLASS(first, last, class)
static const struct pair pairs[] = {
#define IDNA_PAIR(first, second) { first, second },
#include "tables/idna.def"
};

static bool stands(uint32_t c)
{
	return c < 0x80 || point_range_find(valid, sizeof(valid) / sizeof(*valid), c) != NULL;
}

static uint8_t class_of(uint32_t c)
{
	const struct point_range *range = point_range_find(classes, sizeof(classes) / sizeof(*classes), c);

	return range != NULL ? range->value : 0;
}

static bool joins(uint32_t first, uint32_t second)
{
	size_t low = 0, high = sizeof(pairs) / sizeof(*pairs);

	if (first >= 0x1100 && first <= 0x1112) /* Hangul: a leading consonant and a vowel */
		return second >= 0x1161 && second <= 0x1175;
	if (first >= 0xac00 && first <= 0xd7a3 && (first - 0xac00) % 28 == 0) /* and a trailing consonant */
		return second >= 0x11a8 && second <= 0x11c2;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (pairs[middle].first < first || (pairs[middle].first == first && pairs[middle].second < second))
			low = middle + 1;
		else
			high = middle;
	}
	return low < sizeof(pairs) / sizeof(*pairs) && pairs[low].first == first && pairs[low].second == second;
}

/* Would NFC leave the characters as they are (UAX 15)? */
static bool composed(const uint32_t *characters, size_t count)
{
	uint32_t starter = 0;
	uint8_t before = 0; /* class of the one before, if that is a mark of the starter */

	for (size_t i = 0; i < count; i++) {
		uint8_t class = class_of(characters[i]);

		if (class != 0 && before > class)
			return false;
		if (starter != 0 && (before == 0 || (class != 0 && before < class)) && joins(starter, characters[i]))
			return false;
		if (class == 0)
			starter = characters[i];
		before = class;
	}
	return true;
}

static size_t decode(struct fw_slice label, uint32_t characters[IDNA_LABEL], bool *ret_ascii)
{
	size_t count = 0;

	*ret_ascii = true;
	for (size_t i = 0; i < label.size; count++) {
		uint32_t c;

		if (count == IDNA_LABEL)
			return 0;
		i += utf8_decode(label.data + i, &c);
		if (!stands(c))
			return 0;
		characters[count] = c;
		*ret_ascii &= c < 0x80;
	}
	return count;
}

/* RFC 3492 6.1 */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / 700 : delta / 2;
	delta += delta / points;
	for (; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static uint8_t digit(uint32_t value)
{
	return (uint8_t)(value < 26 ? 'a' + value : '0' + value - 26);
}

/* Writes a variable-length integer (6.3). Returns where it ends; 0: no room. */
static size_t write_number(uint32_t number, uint32_t bias, uint8_t *out, size_t size)
{
	for (uint32_t k = 36;; k += 36) {
		uint32_t threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;

		if (size == IDNA_LABEL)
			return 0;
		if (number < threshold) {
			out[size] = digit(number);
			return size + 1;
		}
		out[size++] = digit(threshold + (number - threshold) % (36 - threshold));
		number = (number - threshold) / (36 - threshold);
	}
}

/* "xn--" and Punycode. At most 63 characters are read, so no number gets out of 32 bits: 0x10ffff * 64 fits. */
static size_t encode(const uint32_t *characters, size_t count, uint8_t out[IDNA_LABEL])
{
	uint32_t n = 0x80, delta = 0, bias = 72, done = 0;
	size_t size = 4;

	memcpy(out, "xn--", 4);
	for (size_t i = 0; i < count; i++) {
		if (characters[i] >= 0x80)
			continue;
		if (size == IDNA_LABEL)
			return 0;
		out[size++] = (uint8_t)characters[i];
		done++;
	}
	if (done != 0) {
		if (size == IDNA_LABEL)
			return 0;
		out[size++] = '-';
	}
	for (uint32_t basic = done; done < count; n++, delta++) {
		uint32_t least = UINT32_MAX;

		for (size_t i = 0; i < count; i++)
			if (characters[i] >= n && characters[i] < least)
				least = characters[i];
		delta += (least - n) * (done + 1);
		n = least;
		for (size_t i = 0; i < count; i++) {
			delta += characters[i] < n;
			if (characters[i] != n)
				continue;
			size = write_number(delta, bias, out, size);
			if (size == 0)
				return 0;
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
	return size;
}

static size_t label_to_ascii(struct fw_slice label, uint8_t out[IDNA_LABEL])
{
	uint32_t characters[IDNA_LABEL];
	bool ascii;
	size_t count = decode(label, characters, &ascii);

	if (count == 0 || !composed(characters, count))
		return 0;
	if (!ascii)
		return encode(characters, count, out);
	memcpy(out, label.data, label.size);
	return label.size;
}

size_t idna_to_ascii(struct fw_slice host, uint8_t out[IDNA_ROOM])
{
	size_t size = 0, start = 0;

	for (size_t i = 0; i <= host.size; i++) {
		uint8_t label[IDNA_LABEL];
		size_t n;

		if (i != host.size && host.data[i] != '.')
			continue;
		n = label_to_ascii(slice(host.data + start, i - start), label);
		if (n == 0 || size + n + 1 > IDNA_ROOM)
			return 0;
		memcpy(out + size, label, n);
		size += n;
		out[size++] = '.';
		start = i + 1;
	}
	return size - 1;
}
