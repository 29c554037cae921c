/* secrets_confirm.c: is a word that begins like the token of a service one? By its characters, its length, its check
 * value where it has one, and that it is not xxxxxxxx or an EXAMPLE. */
#include "engine/secrets.h"

#include <string.h>

#include "base/slice.h"
#include "crypto/apikey.h"

enum { DIGITS = 1, UPPER = 2, LOWER = 4, ALNUM = 7, DASH = 8, BASE64 = 16, HEX = 32, BASE32 = 64, URL = ALNUM | DASH };

static bool is(uint8_t c, unsigned set)
{
	bool digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';

	if ((set & BASE32) != 0)
		return upper || (c >= '2' && c <= '7');
	if ((set & HEX) != 0)
		return digit || (c >= 'a' && c <= 'f');
	return ((set & DIGITS) != 0 && digit) || ((set & UPPER) != 0 && upper) || ((set & LOWER) != 0 && lower) ||
	       ((set & DASH) != 0 && (c == '-' || c == '_')) || ((set & BASE64) != 0 && (c == '+' || c == '/'));
}

static size_t run(const uint8_t *at, const uint8_t *end, unsigned set)
{
	size_t size = 0;

	while (at + size != end && is(at[size], set))
		size++;
	return size;
}

/* Words that stand for a secret in documentation have few characters, over and over. */
static bool varied(const uint8_t *at, size_t size)
{
	enum { LEAST = 9 };
	bool seen[256] = { false };
	unsigned count = 0;

	for (size_t i = 0; i < size; i++) {
		count += !seen[at[i]];
		seen[at[i]] = true;
	}
	return count >= LEAST;
}

/* Behind the first `prefix` octets from least to most characters of the set, and then none. */
static size_t shaped(const struct secret_view *view, size_t prefix, unsigned set, size_t least, size_t most)
{
	size_t left = (size_t)(view->end - view->at), size;

	if (left < prefix + least)
		return 0;
	size = run(view->at + prefix, view->end, set);
	if (size < least || size > most || (prefix + size < left && is(view->at[prefix + size], URL)) ||
	    !varied(view->at + prefix, size))
		return 0;
	return prefix + size;
}

static uint32_t crc_32(const uint8_t *at, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= at[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
	}
	return ~crc;
}

/* The last 6 of 36 characters are the CRC-32 of the others, in base 62. */
static bool crc_holds(const uint8_t *at)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint32_t crc = crc_32(at, 30);

	for (unsigned i = 36; i-- > 30; crc /= 62)
		if (at[i] != (uint8_t)alphabet[crc % 62])
			return false;
	return true;
}

size_t secret_confirm_aws_id(const struct secret_view *view)
{
	size_t size = shaped(view, 4, BASE32, 16, 16);

	return size != 0 && memcmp(view->at + 13, "EXAMPLE", 7) != 0 ? size : 0;
}

/* Whatever the case of its letters. */
static bool begins(struct fw_slice text, const char *word)
{
	size_t size = strlen(word);

	return text.size >= size && slice_is_nocase(slice(text.data, size), word);
}

/* aws_secret_access_key = "…", "SecretAccessKey": "…": no other service says it like that. */
size_t secret_confirm_aws_secret(const struct secret_view *view)
{
	enum { SIZE = 40, BACK = 40 };
	const uint8_t *name = view->at - view->begin > BACK ? view->at - BACK : view->begin;
	size_t size = run(view->at, view->end, ALNUM | BASE64);

	/* "=" belongs to the words that are searched, so that the name may be one with it. */
	if (size != SIZE || (view->at + SIZE != view->end && is(view->at[SIZE], URL)) || !varied(view->at, SIZE) ||
	    memcmp(view->at + SIZE - 10, "EXAMPLEKEY", 10) == 0)
		return 0;
	for (; view->at - name >= 15; name++) {
		struct fw_slice behind = slice(name, (size_t)(view->at - name));

		if (behind.size < 25 && (begins(behind, "secret_access_key") || begins(behind, "secretaccesskey")))
			return SIZE;
	}
	return 0;
}

size_t secret_confirm_gcp(const struct secret_view *view)
{
	return shaped(view, 4, URL, 35, 35);
}

size_t secret_confirm_gcp_oauth(const struct secret_view *view)
{
	return shaped(view, 7, URL, 28, 28);
}

size_t secret_confirm_azure_storage(const struct secret_view *view)
{
	size_t size = shaped(view, 11, ALNUM | BASE64, 86, 86);

	return size != 0 && view->end - view->at >= (ptrdiff_t)size + 2 && memcmp(view->at + size, "==", 2) == 0
		       ? size + 2
		       : 0;
}

size_t secret_confirm_azure_client(const struct secret_view *view)
{
	const uint8_t *at = view->at;
	size_t size = 6;

	if (view->end - at < 37 || (at[3] != '7' && at[3] != '8') || at[4] != 'Q' || at[5] != '~' ||
	    run(at, view->end, ALNUM) < 3)
		return 0;
	while (at + size != view->end && (is(at[size], URL) || at[size] == '.' || at[size] == '~'))
		size++;
	while (at[size - 1] == '.')
		size--;
	return size >= 37 && size <= 40 && varied(at + 6, size - 6) ? size : 0;
}

size_t secret_confirm_github(const struct secret_view *view)
{
	if (view->end - view->at < 40 || view->at[3] != '_' || memchr("pousr", view->at[2], 5) == NULL)
		return 0;
	return shaped(view, 4, ALNUM, 36, 36) != 0 && crc_holds(view->at + 4) ? 40 : 0;
}

size_t secret_confirm_github_pat(const struct secret_view *view)
{
	const uint8_t *at = view->at + 11;

	if (view->end - at != 82 && (view->end - at < 82 || is(at[82], URL)))
		return 0;
	return run(at, view->end, ALNUM) == 22 && at[22] == '_' && run(at + 23, view->end, ALNUM) == 59 &&
			       varied(at, 82)
		       ? 93
		       : 0;
}

size_t secret_confirm_gitlab(const struct secret_view *view)
{
	static const char *const prefixes[] = { "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "gloas-" };
	size_t left = (size_t)(view->end - view->at), size;

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (left < prefix + 20 || memcmp(view->at, prefixes[i], prefix) != 0)
			continue;
		size = shaped(view, prefix, URL, 20, 320);
		/* The newer form goes on: ".01.0w1a2b3c4" */
		while (size != 0 && size + 1 < left && view->at[size] == '.' && is(view->at[size + 1], ALNUM))
			size += 1 + run(view->at + size + 1, view->end, ALNUM);
		return size;
	}
	return 0;
}

size_t secret_confirm_slack(const struct secret_view *view)
{
	size_t size, number;

	if (view->end - view->at < 30 || memchr("abpesro", view->at[3], 7) == NULL)
		return 0;
	number = view->at[4] == '.' ? 6 : 5; /* xoxe.xoxp- is another's prefix */
	if (view->at[4] != '-' && view->at[4] != '.')
		return 0;
	size = shaped(view, 5, URL, 25, 300);
	if (size == 0 || run(view->at + number, view->end, ALNUM) > 16 || run(view->at + 5, view->end, DIGITS) == 0)
		return 0;
	return size;
}

size_t secret_confirm_slack_webhook(const struct secret_view *view)
{
	const uint8_t *at = view->at + 25;
	size_t team = run(at, view->end, ALNUM), hook;

	if (team < 8 || team > 13 || at + team == view->end || at[team] != '/')
		return 0;
	at += team + 1;
	hook = run(at, view->end, ALNUM);
	if (hook < 8 || hook > 13 || *at != 'B' || at + hook == view->end || at[hook] != '/')
		return 0;
	at += hook + 1;
	return run(at, view->end, ALNUM) == 24 && varied(at, 24) ? (size_t)(at + 24 - view->at) : 0;
}

size_t secret_confirm_stripe(const struct secret_view *view)
{
	return shaped(view, 8, ALNUM, 24, 247);
}

size_t secret_confirm_npm(const struct secret_view *view)
{
	return shaped(view, 4, ALNUM, 36, 36) != 0 && crc_holds(view->at + 4) ? 40 : 0;
}

size_t secret_confirm_pypi(const struct secret_view *view)
{
	return shaped(view, 5, URL, 66, 2000);
}

size_t secret_confirm_sendgrid(const struct secret_view *view)
{
	const uint8_t *at = view->at + 3;

	if (view->end - at < 66 || run(at, view->end, URL) != 22 || at[22] != '.' || run(at + 23, view->end, URL) != 43)
		return 0;
	return varied(at, 66) ? 69 : 0;
}

size_t secret_confirm_openai(const struct secret_view *view)
{
	static const char middle[] = "T3BlbkFJ";
	size_t size = shaped(view, 3, URL, 40, 300);

	for (size_t i = 3; i + sizeof(middle) - 1 < size; i++)
		if (memcmp(view->at + i, middle, sizeof(middle) - 1) == 0)
			return size;
	return 0;
}

size_t secret_confirm_anthropic(const struct secret_view *view)
{
	return shaped(view, 7, URL, 80, 300);
}

size_t secret_confirm_huggingface(const struct secret_view *view)
{
	return shaped(view, 3, UPPER | LOWER, 34, 34);
}

size_t secret_confirm_digitalocean(const struct secret_view *view)
{
	return shaped(view, 7, HEX, 64, 64);
}

size_t secret_confirm_shopify(const struct secret_view *view)
{
	return shaped(view, 6, HEX, 32, 32);
}

size_t secret_confirm_framewall(const struct secret_view *view)
{
	struct apikey_parts parts;
	size_t size = run(view->at, view->end, URL);

	return size < APIKEY_TEXT && apikey_parse(slice(view->at, size), &parts) ? size : 0;
}

/* base64url: the first octets of what it says. */
static size_t decode(const uint8_t *at, size_t size, char *ret_text, size_t room)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	size_t out = 0;

	for (size_t i = 0; i < size && out < room; i++) {
		const char *digit = memchr(alphabet, at[i], 64);

		bits = bits << 6 | (uint32_t)(digit != NULL ? digit - alphabet : 0);
		if (i % 4 != 0)
			ret_text[out++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	return out;
}

size_t secret_confirm_jwt(const struct secret_view *view)
{
	const uint8_t *at = view->at, *claims, *signature;
	size_t head = run(at, view->end, URL), size;
	char text[256];

	if (at + head == view->end || at[head] != '.')
		return 0;
	claims = at + head + 1;
	size = run(claims, view->end, URL);
	if (size < 4 || claims + size == view->end || claims[size] != '.')
		return 0;
	signature = claims + size + 1;
	size = run(signature, view->end, URL);
	if (size < 40)
		return 0;
	head = decode(at, head, text, sizeof(text));
	for (size_t i = 0; i + 5 <= head; i++)
		if (text[0] == '{' && memcmp(text + i, "\"alg\"", 5) == 0)
			return (size_t)(signature + size - at);
	return 0;
}
