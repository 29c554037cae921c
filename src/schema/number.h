/* number.h: JSON numbers as exact decimals, so that nothing is rounded on the way to a verdict.
 * Exponents beyond 10^15 in absolute value count as that. No memory; any thread. */
#ifndef SCHEMA_NUMBER_H
#define SCHEMA_NUMBER_H
#include <framewall/types.h>

enum { DECIMAL_DIGITS = 128 }; /* LIMIT_JSON_NUMBER */

/* digits × 10^exponent; no zero at either end of the digits; zero has none of them. */
struct decimal {
	bool negative;
	uint8_t count;
	int64_t exponent;
	uint8_t digits[DECIMAL_DIGITS]; /* 0 to 9 */
};

/* text: a number of a tape. */
void decimal_read(struct fw_slice text, struct decimal *ret_decimal);
int decimal_compare(const struct decimal *a, const struct decimal *b); /* below, equal to or above 0 */
static inline bool decimal_is_integer(const struct decimal *decimal)
{
	return decimal->count == 0 || decimal->exponent >= 0;
}

/* What numbers are to be a multiple of. */
struct decimal_divisor {
	uint64_t digits;
	int64_t exponent;
};
/* False: it is not above 0, or has more than 18 digits. */
bool decimal_divisor(const struct decimal *decimal, struct decimal_divisor *ret_divisor);
bool decimal_is_multiple(const struct decimal *decimal, const struct decimal_divisor *divisor);
#endif
