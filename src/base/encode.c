#include "base/encode.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char digit_of(uint32_t value, int url)
{
	value &= 63;
	if (url && value >= 62)
		return value == 62 ? '-' : '_';
	return base64_digits[value];
}

size_t encode_base64(const uint8_t *bytes, size_t size, int url, char *ret_text)
{
	size_t at = 0, out = 0, left;
	uint32_t word;

	for (; size - at >= 3; at += 3) {
		word = (uint32_t)bytes[at] << 16 | (uint32_t)bytes[at + 1] << 8 | bytes[at + 2];
		ret_text[out++] = digit_of(word >> 18, url);
		ret_text[out++] = digit_of(word >> 12, url);
		ret_text[out++] = digit_of(word >> 6, url);
		ret_text[out++] = digit_of(word, url);
	}
	left = size - at;
	if (left == 0)
		return out;
	word = (uint32_t)bytes[at] << 16 | (left == 2 ? (uint32_t)bytes[at + 1] << 8 : 0);
	ret_text[out++] = digit_of(word >> 18, url);
	ret_text[out++] = digit_of(word >> 12, url);
	if (left == 2)
		ret_text[out++] = digit_of(word >> 6, url);
	if (!url)
		for (; left < 3; left++)
			ret_text[out++] = '=';
	return out;
}

/* What each digit stands for; what it may not stand in. A table, since the digits of a token are random to the branch
 * predictor: to ask what kind each is takes five times as long. Above 127 there are none. */
enum { URL = 0x80, STANDARD = 0x40, NO = URL | STANDARD };
enum { S62 = STANDARD | 62, S63, U62 = URL | 62, U63 };
/* clang-format off */
static const uint8_t digit_values[128] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, S62, NO, U62, NO, S63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
	NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, U63,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};
/* clang-format on */

static uint32_t value_of(char digit)
{
	return (uint8_t)digit < sizeof(digit_values) ? digit_values[(uint8_t)digit] : NO;
}

/* The last group: two digits give one octet, three give two. Bits that would be lost must be zero (RFC 4648 3.5). */
static ptrdiff_t decode_tail(const char *text, size_t digits, int url, uint8_t *ret_bytes)
{
	uint32_t a = value_of(text[0]), b = value_of(text[1]), c = digits == 3 ? value_of(text[2]) : 0;

	if (((a | b | c) & (url ? STANDARD : URL)) != 0 || (digits == 2 ? (b & 15) : (c & 3)) != 0)
		return -1;
	a &= 63;
	b &= 63;
	c &= 63;
	ret_bytes[0] = (uint8_t)(a << 2 | b >> 4);
	if (digits == 3)
		ret_bytes[1] = (uint8_t)(b << 4 | c >> 2);
	return (ptrdiff_t)digits - 1;
}

ptrdiff_t decode_base64(const char *text, size_t size, int url, uint8_t *ret_bytes)
{
	size_t at = 0, out = 0, digits = size;
	ptrdiff_t tail = 0;

	if (!url) {
		if (size % 4 != 0)
			return -1;
		for (int i = 0; i < 2 && digits != 0 && text[digits - 1] == '='; i++)
			digits--;
	}
	for (; digits - at >= 4; at += 4) {
		uint32_t a = value_of(text[at]), b = value_of(text[at + 1]);
		uint32_t c = value_of(text[at + 2]), d = value_of(text[at + 3]);
		uint32_t bits = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);

		if (((a | b | c | d) & (url ? STANDARD : URL)) != 0)
			return -1;
		ret_bytes[out++] = (uint8_t)(bits >> 16);
		ret_bytes[out++] = (uint8_t)(bits >> 8);
		ret_bytes[out++] = (uint8_t)bits;
	}
	if (digits - at == 1)
		return -1;
	if (digits - at > 1)
		tail = decode_tail(text + at, digits - at, url, ret_bytes + out);
	return tail < 0 ? -1 : (ptrdiff_t)out + tail;
}

void encode_hex(const uint8_t *bytes, size_t size, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
}

size_t encode_u64(uint64_t value, char ret_text[ENCODE_U64])
{
	char reversed[ENCODE_U64];
	size_t n = 0;

	do {
		reversed[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (size_t i = 0; i < n; i++)
		ret_text[i] = reversed[n - 1 - i];
	return n;
}

size_t encode_i64(int64_t value, char ret_text[ENCODE_U64 + 1])
{
	if (value >= 0)
		return encode_u64((uint64_t)value, ret_text);
	ret_text[0] = '-';
	return 1 + encode_u64(0 - (uint64_t)value, ret_text + 1);
}

static void put_digits(char *text, uint64_t value, unsigned digits)
{
	while (digits != 0) {
		text[--digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void encode_rfc3339(uint64_t wall_us, char ret_text[ENCODE_RFC3339])
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";
	const uint64_t last_us = 253402300799999999; /* 9999-12-31T23:59:59.999999Z: a year has four digits */
	uint64_t us = wall_us < last_us ? wall_us : last_us, seconds = us / 1000000, day_seconds = seconds % 86400;
	/* Days since 0000-03-01, so that the leap day is the last day of a year; 400 years are 146097 days. */
	uint64_t days = seconds / 86400 + 719468, era = days / 146097, day_of_era = days % 146097;
	uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t month_from_march = (5 * day_of_year + 2) / 153;
	uint64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

	for (unsigned i = 0; i < ENCODE_RFC3339; i++)
		ret_text[i] = form[i];
	put_digits(ret_text, era * 400 + year_of_era + (month <= 2), 4);
	put_digits(ret_text + 5, month, 2);
	put_digits(ret_text + 8, day, 2);
	put_digits(ret_text + 11, day_seconds / 3600, 2);
	put_digits(ret_text + 14, day_seconds / 60 % 60, 2);
	put_digits(ret_text + 17, day_seconds % 60, 2);
	put_digits(ret_text + 20, us % 1000000, 6);
}

static uint64_t get_digits(const char *text, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	return value;
}

/* The way back of encode_rfc3339. */
bool decode_rfc3339(const char text[ENCODE_RFC3339], uint64_t *ret_wall_us)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";
	uint64_t year, month, days, era, year_of_era, seconds;

	for (unsigned i = 0; i < ENCODE_RFC3339; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	month = get_digits(text + 5, 2);
	if (month < 1 || month > 12)
		return false;
	year = get_digits(text, 4) - (month <= 2);
	month = month > 2 ? month - 3 : month + 9;
	era = year / 400;
	year_of_era = year % 400;
	days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 +
	       get_digits(text + 8, 2) - 1;
	if (get_digits(text, 4) < 1970)
		return false;
	seconds = (days - 719468) * 86400 + get_digits(text + 11, 2) * 3600 + get_digits(text + 14, 2) * 60 +
		  get_digits(text + 17, 2);
	*ret_wall_us = seconds * 1000000 + get_digits(text + 20, 6);
	return true;
}
