/* Tokens. The first octet says what the rest is: a token; changes to the genuine one; a header and claims, signed with
 * the right key. Only what was signed with the key holds, and what holds has a subject and an end. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "base/slice.h"
#include "crypto/apikey.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

enum { NOW = 1700000000, MAX_SIZE = 16384 };

static uint8_t secret[] = "0123456789abcdef0123456789abcdef";
static const struct jwt_key key = { "k", secret, 32 };
static const struct jwt_rules rules = {
	.keys = &key, .key_count = 1, .skew_s = 60, .max_life_s = 86400, .max_size = MAX_SIZE
};

/* What base64 and API keys say of any octets: one text for each value, and nothing that only looks like a key. */
static void check_text(struct fw_slice text, struct arena *arena)
{
	uint8_t *bytes = arena_alloc(arena, text.size / 4 * 3 + 3);
	char *again = arena_alloc(arena, text.size + 4);
	struct apikey_parts parts;

	HOLDS(bytes != NULL && again != NULL);
	for (int url = 0; url < 2; url++) {
		ptrdiff_t size = decode_base64((const char *)text.data, text.size, url, bytes);

		if (size < 0)
			continue;
		HOLDS(encode_base64(bytes, (size_t)size, url, again) == text.size);
		HOLDS(text.size == 0 || memcmp(again, text.data, text.size) == 0);
	}
	if (apikey_parse(text, &parts))
		HOLDS(text.size < APIKEY_TEXT && parts.id.size == APIKEY_ID && slice_starts(text, "fw_"));
}

static void check_token(struct arena *arena, struct fw_slice token, struct fw_slice genuine)
{
	struct jwt jwt;
	const char *wrong = jwt_verify(arena, &rules, token, (uint64_t)NOW * 1000000, &jwt);

	HOLDS((wrong == NULL) == slice_equal(token, genuine));
	HOLDS(wrong == NULL || (jwt.subject.size == 0 && jwt.expires_s == 0));
}

static void check_changes(struct arena *arena, struct fw_slice changes, struct fw_slice genuine)
{
	uint8_t *token = arena_alloc(arena, genuine.size);

	HOLDS(token != NULL);
	memcpy(token, genuine.data, genuine.size);
	for (size_t i = 0; i + 1 < changes.size; i += 2)
		token[changes.data[i] % genuine.size] = changes.data[i + 1];
	check_token(arena, slice(token, genuine.size), genuine);
}

static void check_signed(struct arena *arena, struct fw_slice parts)
{
	const uint8_t *end = parts.size != 0 ? memchr(parts.data, '\0', parts.size) : NULL;
	size_t header_size = end != NULL ? (size_t)(end - parts.data) : parts.size;
	struct fw_slice claims = slice_from(parts, header_size + 1);
	char *text = arena_alloc(arena, 2 * parts.size + 128);
	uint8_t mac[32];
	struct jwt jwt;
	size_t size;

	HOLDS(text != NULL);
	size = encode_base64(parts.data, header_size, 1, text);
	text[size++] = '.';
	size += encode_base64(claims.data, claims.size, 1, text + size);
	HOLDS(digest_hmac_sha256(slice(secret, 32), slice(text, size), mac));
	text[size++] = '.';
	size += encode_base64(mac, 32, 1, text + size);
	if (jwt_verify(arena, &rules, slice(text, size), (uint64_t)NOW * 1000000, &jwt) != NULL)
		return;
	HOLDS(memmem(parts.data, header_size, "HS256", 5) != NULL && size <= MAX_SIZE);
	HOLDS(jwt.subject.size != 0 && jwt.subject.size <= LIMIT_USER_ID);
	for (size_t i = 0; i < jwt.subject.size; i++)
		HOLDS(jwt.subject.data[i] >= ' ' && jwt.subject.data[i] != 0x7f);
	HOLDS(jwt.expires_s > NOW && jwt.expires_s <= NOW + 86400 + 60);
	HOLDS(jwt.claims.nodes != NULL && jwt.claims.nodes[0].kind == JSON_OBJECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_slice rest, genuine = { 0 };
	struct arena arena;

	if (size == 0)
		return 0;
	rest = slice(data + 1, size - 1);
	arena_init(&arena, 256u << 20);
	HOLDS(jwt_issue(&arena, &key, slice_text("{\"sub\":\"alice\",\"exp\":1700000600}"), &genuine) == FW_OK);
	check_text(rest, &arena);
	if (data[0] % 3 == 0)
		check_token(&arena, rest, genuine);
	else if (data[0] % 3 == 1)
		check_changes(&arena, rest, genuine);
	else
		check_signed(&arena, rest);
	arena_fini(&arena);
	return 0;
}
