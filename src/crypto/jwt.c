#include "crypto/jwt.h"

#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "base/slice.h"
#include "crypto/jws.h"

const char jwt_unknown_kid[] = "kid";

/* RFC 8725 3.11: a token made for another use says so here. */
static bool type_is_known(const struct jwt_rules *rules, const struct json *header, struct arena *arena)
{
	uint32_t node = jws_member(header, 0, "typ");
	struct fw_slice text;

	if (node == 0)
		return rules->type == NULL;
	text = jws_text(header, node, arena);
	if (rules->type != NULL) /* RFC 7515 4.1.9: a media type, which has no case */
		return text.data != NULL && slice_equal_nocase(text, slice_text(rules->type));
	return text.data != NULL && (slice_is_nocase(text, "JWT") || slice_is_nocase(text, "at+jwt"));
}

/* Members that name another key, another encoding or an extension (RFC 8725 3.10; RFC 7515 4.1.11: not understood is
 * refused; cty: the payload would be a token itself). */
static const char *refused_member(const struct json *header)
{
	static const char *const names[] = { "jwk", "jku", "x5u", "x5c", "zip", "crit", "b64", "cty" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (jws_member(header, 0, names[i]) != 0)
			return names[i];
	return NULL;
}

/* The one key that the token may be signed with, or NULL: two that fit are as bad as none. */
static const struct jwt_key *find_key(const struct jwt_rules *rules, const struct json *header, struct arena *arena)
{
	uint32_t node = jws_member(header, 0, "kid");
	const struct jwt_key *found = NULL;
	struct fw_slice kid = { 0 };

	if (node == 0 && rules->key_count == 1)
		return &rules->keys[0];
	if (node != 0) {
		kid = jws_text(header, node, arena);
		if (kid.data == NULL)
			return NULL;
	}
	for (size_t i = 0; i < rules->key_count; i++) {
		const struct jwt_key *key = &rules->keys[i];

		if (node != 0 ? key->kid == NULL || !slice_is(kid, key->kid) : key->kid != NULL)
			continue;
		if (found != NULL)
			return NULL;
		found = key;
	}
	return found;
}

static const char *check_header(struct arena *arena, const struct jwt_rules *rules, const struct json *header,
				const struct jwt_key **ret_key)
{
	uint32_t alg = jws_member(header, 0, "alg");
	const char *refused = refused_member(header);
	enum jose_algorithm named;

	if (alg == 0 || header->nodes[alg].escaped || !jose_find(jws_text(header, alg, arena), &named))
		return "alg";
	if (refused != NULL)
		return refused;
	if (!type_is_known(rules, header, arena))
		return "typ";
	*ret_key = find_key(rules, header, arena);
	if (*ret_key == NULL)
		return header->nodes[jws_member(header, 0, "kid")].kind == JSON_STRING ? jwt_unknown_kid : "kid";
	/* RFC 8725 3.1: what the token says is compared, never obeyed. */
	if ((*ret_key)->algorithm != named)
		return "alg";
	return jose_key_usable(*ret_key) ? NULL : "key";
}

/* An absent claim is 0 seconds and true. */
static bool optional_seconds(const struct json *claims, const char *name, uint64_t *ret_seconds)
{
	uint32_t node = jws_member(claims, 0, name);

	*ret_seconds = 0;
	return node == 0 || jws_seconds(claims, node, ret_seconds);
}

static const char *check_times(const struct jwt_rules *rules, const struct json *claims, uint64_t now, struct jwt *jwt)
{
	uint32_t node = jws_member(claims, 0, "exp");
	uint64_t not_before, issued, start;

	if (node == 0 || !jws_seconds(claims, node, &jwt->expires_s))
		return "exp";
	if (jwt->expires_s <= now)
		return "expired";
	if (!optional_seconds(claims, "nbf", &not_before) || not_before > now + rules->skew_s)
		return "nbf";
	if (!optional_seconds(claims, "iat", &issued) || issued > now + rules->skew_s)
		return "iat";
	jwt->issued_s = issued;
	start = jws_member(claims, 0, "iat") != 0 ? issued : now;
	if (rules->max_life_s != 0 && (jwt->expires_s < start || jwt->expires_s - start > rules->max_life_s))
		return "lifetime";
	return NULL;
}

static bool is_for(const struct json *claims, const char *audience, struct arena *arena)
{
	uint32_t node = jws_member(claims, 0, "aud"), last;
	bool found = false;

	if (node == 0)
		return false;
	if (claims->nodes[node].kind != JSON_ARRAY)
		return slice_is(jws_text(claims, node, arena), audience);
	last = claims->nodes[node].next;
	for (uint32_t at = node + 1; at < last; at = claims->nodes[at].next) {
		if (claims->nodes[at].kind != JSON_STRING) /* RFC 7519 4.1.3: an array of strings */
			return false;
		found = slice_is(json_text(claims, at, arena), audience) || found;
	}
	return found;
}

/* No control characters, C1 (U+0080 to U+009F) included. */
bool jwt_name_holds(struct fw_slice text)
{
	if (text.data == NULL || text.size == 0 || text.size > LIMIT_USER_ID)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f ||
		    (text.data[i] == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0))
			return false;
	return true;
}

static const char *check_claims(struct arena *arena, const struct jwt_rules *rules, uint64_t now, struct jwt *jwt)
{
	const char *wrong = check_times(rules, &jwt->claims, now, jwt);
	uint32_t node;

	if (wrong != NULL)
		return wrong;
	node = jws_member(&jwt->claims, 0, "iss");
	if (rules->issuer != NULL && (node == 0 || !slice_is(jws_text(&jwt->claims, node, arena), rules->issuer)))
		return "iss";
	if (rules->audience != NULL && !is_for(&jwt->claims, rules->audience, arena))
		return "aud";
	node = jws_member(&jwt->claims, 0, "sub");
	if (node == 0)
		return "sub";
	jwt->subject = jws_text(&jwt->claims, node, arena);
	return jwt_name_holds(jwt->subject) ? NULL : "sub";
}

static const char *open_token(struct arena *arena, const struct jwt_rules *rules, struct fw_slice token,
			      struct fw_slice *ret_payload, size_t *ret_key)
{
	const struct jwt_key *key = NULL;
	const char *wrong;
	struct jws_parts parts;
	struct json header;

	*ret_payload = slice(NULL, 0);
	if (token.size > rules->max_size)
		return "size";
	if (!jws_split(token, &parts))
		return "form";
	wrong = jws_read(arena, parts.header, "header", &header);
	if (wrong == NULL)
		wrong = check_header(arena, rules, &header, &key);
	/* Nothing that the claims say is looked at before they are known to be the issuer's. */
	if (wrong == NULL)
		wrong = jws_check(arena, key, &parts);
	if (wrong != NULL)
		return wrong;
	*ret_key = (size_t)(key - rules->keys);
	return jws_decode(arena, parts.payload, ret_payload);
}

const char *jwt_open(struct arena *arena, const struct jwt_rules *rules, struct fw_slice token,
		     struct fw_slice *ret_payload)
{
	size_t key;

	return open_token(arena, rules, token, ret_payload, &key);
}

struct fw_slice jwt_claimed_issuer(struct arena *arena, struct fw_slice token)
{
	struct jws_parts parts;
	struct json claims;

	if (!jws_split(token, &parts) || jws_read(arena, parts.payload, "claims", &claims) != NULL)
		return slice(NULL, 0);
	return jws_text(&claims, jws_member(&claims, 0, "iss"), arena);
}

static bool has_no_claims(struct fw_slice token)
{
	const uint8_t *dot = token.size != 0 ? memchr(token.data, '.', token.size) : NULL;

	return dot != NULL && dot + 1 < token.data + token.size && dot[1] == '.';
}

bool jwt_is_one(struct arena *arena, struct fw_slice token)
{
	struct jws_parts parts;
	struct json header;

	return jws_split(token, &parts) && jws_read(arena, parts.header, "header", &header) == NULL;
}

const char *jwt_check_times(const struct jwt_rules *rules, const struct json *claims, uint64_t wall_us,
			    struct jwt *ret_jwt)
{
	uint64_t now = wall_us / 1000000, not_before;

	*ret_jwt = (struct jwt){ 0 };
	if (!optional_seconds(claims, "exp", &ret_jwt->expires_s))
		return "exp";
	if (jws_member(claims, 0, "exp") != 0 && ret_jwt->expires_s <= now)
		return "expired";
	if (!optional_seconds(claims, "nbf", &not_before) || not_before > now + rules->skew_s)
		return "nbf";
	if (!optional_seconds(claims, "iat", &ret_jwt->issued_s) || ret_jwt->issued_s > now + rules->skew_s)
		return "iat";
	return NULL;
}

bool jwt_is_for(struct arena *arena, const struct json *claims, const char *audience)
{
	return is_for(claims, audience, arena);
}

struct fw_slice jwt_claimed_kid(struct arena *arena, struct fw_slice token)
{
	struct jws_parts parts;
	struct json header;

	if (!jws_split(token, &parts) || jws_read(arena, parts.header, "header", &header) != NULL)
		return slice(NULL, 0);
	return jws_text(&header, jws_member(&header, 0, "kid"), arena);
}

const char *jwt_verify(struct arena *arena, const struct jwt_rules *rules, struct fw_slice token, uint64_t wall_us,
		       struct jwt *ret_jwt)
{
	struct fw_slice payload;
	size_t key = 0;
	const char *wrong = open_token(arena, rules, token, &payload, &key);

	*ret_jwt = (struct jwt){ .key = key };
	if (has_no_claims(token)) /* the form is wrong, whoever signed it */
		wrong = token.size > rules->max_size ? wrong : "form";
	if (wrong == NULL)
		wrong = jws_object(arena, payload, "claims", &ret_jwt->claims);
	if (wrong == NULL)
		wrong = check_claims(arena, rules, wall_us / 1000000, ret_jwt);
	if (wrong != NULL)
		*ret_jwt = (struct jwt){ 0 }; /* a caller that forgets to ask finds nobody here */
	return wrong;
}

/* A kid that needs no escape in JSON. */
static bool is_plain(const char *kid)
{
	for (; *kid != '\0'; kid++)
		if (*kid < 0x20 || *kid > 0x7e || *kid == '"' || *kid == '\\')
			return false;
	return true;
}

static char *append(char *at, const char *text)
{
	size_t size = strlen(text);

	memcpy(at, text, size);
	return at + size;
}

/* {"alg":"HS256","typ":"JWT","kid":"…"} in the arena; data NULL when memory is short. */
static struct fw_slice header_text(struct arena *arena, const struct jwt_key *key)
{
	char *text = arena_alloc(arena, 64 + (key->kid != NULL ? strlen(key->kid) : 0)), *at = text;

	if (text == NULL)
		return slice(NULL, 0);
	at = append(at, "{\"alg\":\"");
	at = append(at, jose_name(key->algorithm));
	at = append(at, "\",\"typ\":\"JWT\"");
	if (key->kid != NULL) {
		at = append(at, ",\"kid\":\"");
		at = append(at, key->kid);
		*at++ = '"';
	}
	*at++ = '}';
	return slice(text, (size_t)(at - text));
}

int jwt_issue(struct arena *arena, const struct jwt_key *key, struct fw_slice claims, struct fw_slice *ret_token)
{
	uint8_t signature[JOSE_SIGNATURE];
	struct fw_slice header;
	size_t size, signed_size;
	char *text;

	if (!jose_key_usable(key) || (key->kid != NULL && !is_plain(key->kid)))
		return FW_ERR_INVALID;
	if (claims.size > UINT32_MAX)
		return FW_ERR_INVALID;
	header = header_text(arena, key);
	if (header.data == NULL)
		return FW_ERR_MEMORY;
	text = arena_alloc(arena, 4 * ((header.size + 2) / 3) + 4 * ((claims.size + 2) / 3) +
					  4 * ((JOSE_SIGNATURE + 2) / 3) + 2);
	if (text == NULL)
		return FW_ERR_MEMORY;
	size = encode_base64(header.data, header.size, 1, text);
	text[size++] = '.';
	size += encode_base64(claims.data, claims.size, 1, text + size);
	signed_size = jose_sign(key, slice(text, size), signature);
	if (signed_size == 0)
		return jose_is_secret(key->algorithm) ? FW_ERR_MEMORY : FW_ERR_INVALID;
	text[size++] = '.';
	size += encode_base64(signature, signed_size, 1, text + size);
	*ret_token = slice(text, size);
	return FW_OK;
}
