/* secrets_number.c: numbers of payment cards (ISO/IEC 7812) and bank accounts (ISO 13616). Numbers of other things that
 * look alike are many: issuer, length, check digits, grouping and what stands around must all fit. */
#include "engine/secrets.h"

#include <string.h>

#include "base/slice.h"

struct issuer {
	uint16_t low, high; /* of the first four digits */
	uint8_t digits;
};
/* 13 digits (Visa until the nineties) and Maestro of other lengths are left out: they are rarely cards. */
static const struct issuer issuers[] = {
	{ 4000, 4999, 16 }, { 4000, 4999, 19 },						/* Visa */
	{ 5100, 5599, 16 }, { 2221, 2720, 16 },						/* Mastercard */
	{ 3400, 3499, 15 }, { 3700, 3799, 15 },						/* American Express */
	{ 6011, 6011, 16 }, { 6440, 6599, 16 },						/* Discover, RuPay */
	{ 3000, 3059, 14 }, { 3095, 3095, 14 }, { 3600, 3699, 14 }, { 3800, 3999, 14 }, /* Diners Club */
	{ 3528, 3589, 16 },								/* JCB */
	{ 6200, 6299, 16 }, { 6200, 6299, 19 },						/* UnionPay */
	{ 5018, 5018, 16 }, { 5020, 5020, 16 }, { 5038, 5038, 16 }, { 6304, 6304, 16 },
	{ 6759, 6763, 16 }, /* Maestro */
	{ 2200, 2204, 16 }, /* Mir */
	{ 9792, 9792, 16 }, /* Troy */
};

static bool is_word(uint8_t octet)
{
	return ascii_is_digit(octet) || ascii_is_alpha(octet);
}

static bool issued(const uint8_t *digits, unsigned count)
{
	unsigned four = 0;

	for (unsigned i = 0; i < 4; i++)
		four = four * 10 + digits[i];
	for (unsigned i = 0; i < sizeof(issuers) / sizeof(*issuers); i++)
		if (count == issuers[i].digits && four >= issuers[i].low && four <= issuers[i].high)
			return true;
	return false;
}

static bool luhn(const uint8_t *digits, unsigned count)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned digit = (unsigned)digits[count - 1 - i] << (i & 1);

		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == 0;
}

static unsigned digits_from(const uint8_t *at, const uint8_t *end)
{
	unsigned count = 0;

	while (count < 20 && at != end && ascii_is_digit(*at)) {
		at++;
		count++;
	}
	return count;
}

/* Digits in groups with one and the same octet between. */
enum { GROUPS = 5 };
struct groups {
	unsigned count;
	uint8_t size[GROUPS];
	uint8_t between;
};

static struct groups groups_of(const uint8_t *at, const uint8_t *end)
{
	struct groups groups = { 0 };

	while (groups.count < GROUPS) {
		unsigned size = digits_from(at, end);

		groups.size[groups.count++] = (uint8_t)size;
		at += size;
		if (end - at < 2 || (*at != ' ' && *at != '-') || !ascii_is_digit(at[1]) ||
		    (groups.between != 0 && *at != groups.between))
			break;
		groups.between = *at++;
	}
	return groups;
}

/* Cards are printed in fours, or 4 6 5 and 4 6 4. How many of the groups are one; 0: none. */
static unsigned groups_of_card(const struct groups *groups)
{
	static const uint8_t forms[][GROUPS] = { { 4, 4, 4, 4, 3 }, { 4, 4, 4, 4 }, { 4, 6, 5 }, { 4, 6, 4 } };

	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		unsigned count = 0;

		while (count < GROUPS && forms[i][count] != 0)
			count++;
		if (count <= groups->count && memcmp(groups->size, forms[i], count) == 0)
			return count;
	}
	return 0;
}

/* A row of fours is a table, a dump or a longer number. */
static bool goes_on(const struct secret_view *view, const uint8_t *behind, uint8_t between)
{
	if (view->at - view->begin >= 2 && view->at[-1] == between && ascii_is_digit(view->at[-2]))
		return true;
	return view->end - behind >= 2 && *behind == between && ascii_is_digit(behind[1]) &&
	       (between == '-' || digits_from(behind + 1, view->end) == 4);
}

static bool stands_alone(const struct secret_view *view, const uint8_t *behind)
{
	if (view->at != view->begin && (is_word(view->at[-1]) || memchr("_./+#%&-", view->at[-1], 8) != NULL))
		return false;
	if (behind == view->end)
		return true;
	if (is_word(*behind) || *behind == '_')
		return false;
	/* a part of a number or of a path */
	return view->end - behind < 2 || memchr(".,/-", *behind, 4) == NULL || !ascii_is_digit(behind[1]);
}

size_t secret_confirm_card(const struct secret_view *view)
{
	const struct groups groups = groups_of(view->at, view->end);
	unsigned used = groups.size[0] >= 14 ? 1 : groups_of_card(&groups), count = 0;
	const uint8_t *at = view->at;
	uint8_t digits[20];

	for (unsigned i = 0; i < used; i++) {
		at += i != 0;
		for (unsigned k = 0; k < groups.size[i]; k++)
			digits[count++] = (uint8_t)(*at++ - '0');
	}
	if (count < 14 || (used == 1 ? count > 16 : goes_on(view, at, groups.between)) || !stands_alone(view, at))
		return 0;
	return issued(digits, count) && luhn(digits, count) ? (size_t)(at - view->at) : 0;
}

/* The registry of SWIFT, release 99: a country's length. */
static const char lengths[] =
	"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18"
	"FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25"
	"MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19"
	"SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

static unsigned length_of(const uint8_t *country)
{
	for (const char *row = lengths; *row != '\0'; row += 4)
		if (memcmp(row, country, 2) == 0)
			return (unsigned)(row[2] - '0') * 10 + (unsigned)(row[3] - '0');
	return 0;
}

static unsigned mod_97(const uint8_t *text, unsigned count, unsigned rest)
{
	for (unsigned i = 0; i < count; i++)
		rest = ascii_is_digit(text[i]) ? (rest * 10 + text[i] - '0') % 97
					       : (rest * 100 + text[i] - 'A' + 10u) % 97;
	return rest;
}

size_t secret_confirm_iban(const struct secret_view *view)
{
	enum { MOST = 34 };
	const uint8_t *at = view->at;
	unsigned length, count = 0;
	uint8_t text[MOST] = { 0 };
	bool grouped;

	if (view->end - at < 15 || ascii_is_digit(at[0]) || ascii_is_digit(at[1]) || !ascii_is_digit(at[2]) ||
	    !ascii_is_digit(at[3]) || (length = length_of(at)) == 0 ||
	    (at != view->begin && (is_word(at[-1]) || at[-1] == '_')))
		return 0;
	grouped = at[4] == ' ';
	while (count < length && at != view->end) {
		if (grouped && count != 0 && count % 4 == 0 && *at++ != ' ')
			return 0;
		if (at == view->end || !(ascii_is_digit(*at) || (*at >= 'A' && *at <= 'Z')))
			return 0;
		text[count++] = *at++;
	}
	if (count != length || (at != view->end && (is_word(*at) || *at == '_')))
		return 0;
	return mod_97(text, 4, mod_97(text + 4, length - 4, 0)) == 1 ? (size_t)(at - view->at) : 0;
}
