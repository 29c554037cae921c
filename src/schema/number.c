#include "schema/number.h"

#include <string.h>

enum { DIVISOR_DIGITS = 18 };
static const int64_t exponent_most = 1000000000000000;

static int64_t read_exponent(const uint8_t *at, const uint8_t *end)
{
	bool negative = at != end && *at == '-';
	int64_t value = 0;

	if (at != end && (*at == '-' || *at == '+'))
		at++;
	for (; at != end; at++)
		if (value < exponent_most)
			value = value * 10 + (*at - '0');
	if (value > exponent_most)
		value = exponent_most;
	return negative ? -value : value;
}

void decimal_read(struct fw_slice text, struct decimal *ret_decimal)
{
	const uint8_t *at = text.data, *end = text.data + text.size;
	bool fraction = false;

	ret_decimal->negative = at != end && *at == '-';
	ret_decimal->count = 0;
	ret_decimal->exponent = 0;
	for (at += ret_decimal->negative; at != end && (*at | 0x20) != 'e'; at++) {
		if (*at == '.') {
			fraction = true;
			continue;
		}
		ret_decimal->exponent -= fraction;
		if ((*at != '0' || ret_decimal->count != 0) && ret_decimal->count < DECIMAL_DIGITS)
			ret_decimal->digits[ret_decimal->count++] = (uint8_t)(*at - '0');
	}
	if (at != end)
		ret_decimal->exponent += read_exponent(at + 1, end);
	while (ret_decimal->count != 0 && ret_decimal->digits[ret_decimal->count - 1] == 0) {
		ret_decimal->count--;
		ret_decimal->exponent++;
	}
	if (ret_decimal->count == 0) { /* -0 is 0 */
		ret_decimal->negative = false;
		ret_decimal->exponent = 0;
	}
}

static int compare_size(const struct decimal *a, const struct decimal *b)
{
	int64_t top_a = a->exponent + a->count, top_b = b->exponent + b->count;
	uint8_t common = a->count < b->count ? a->count : b->count;
	int order;

	if (a->count == 0 || b->count == 0)
		return (a->count != 0) - (b->count != 0);
	if (top_a != top_b)
		return top_a < top_b ? -1 : 1;
	order = memcmp(a->digits, b->digits, common);
	return order != 0 ? order : (int)a->count - (int)b->count;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	return a->negative ? compare_size(b, a) : compare_size(a, b);
}

bool decimal_divisor(const struct decimal *decimal, struct decimal_divisor *ret_divisor)
{
	if (decimal->negative || decimal->count == 0 || decimal->count > DIVISOR_DIGITS)
		return false;
	*ret_divisor = (struct decimal_divisor){ 0, decimal->exponent };
	for (uint8_t i = 0; i < decimal->count; i++)
		ret_divisor->digits = ret_divisor->digits * 10 + decimal->digits[i];
	return true;
}

static uint64_t times(uint64_t a, uint64_t b, uint64_t modulus)
{
	return (uint64_t)((unsigned __int128)a * b % modulus);
}

static uint64_t power_of_ten(uint64_t exponent, uint64_t modulus)
{
	uint64_t result = 1 % modulus, base = 10 % modulus;

	for (; exponent != 0; exponent >>= 1) {
		if (exponent & 1)
			result = times(result, base, modulus);
		base = times(base, base, modulus);
	}
	return result;
}

/* a × 10^p is to be divided by b × 10^q. With p below q it cannot be done: a does not end in 0. */
bool decimal_is_multiple(const struct decimal *decimal, const struct decimal_divisor *divisor)
{
	uint64_t rest = 0;

	if (decimal->count == 0)
		return true;
	if (decimal->exponent < divisor->exponent)
		return false;
	for (uint8_t i = 0; i < decimal->count; i++)
		rest = (times(rest, 10, divisor->digits) + decimal->digits[i]) % divisor->digits;
	return times(rest, power_of_ten((uint64_t)(decimal->exponent - divisor->exponent), divisor->digits),
		     divisor->digits) == 0;
}
