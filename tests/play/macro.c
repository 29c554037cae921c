#include "macro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/apikey.h"
#include "crypto/digest.h"
#include "deflate.h"
#include "world.h"

enum { PARTS = 12, TOKEN_LIFE = 8 * 3600 };

/* A macro split at its colons. */
struct parts {
	char *list[PARTS];
	unsigned count;
};

void macro_set(struct macros *macros, const char *name, const struct text *value)
{
	struct variable *variable = macros->variables;

	while (variable != NULL && strcmp(variable->name, name) != 0)
		variable = variable->next;
	if (variable == NULL) {
		variable = text_memory(sizeof(*variable));
		variable->name = text_copy(name);
		variable->next = macros->variables;
		macros->variables = variable;
	}
	variable->value.size = 0;
	text_add(&variable->value, text_get(value), value->size);
}

void macro_clear(struct macros *macros)
{
	while (macros->variables != NULL) {
		struct variable *variable = macros->variables;

		macros->variables = variable->next;
		free(variable->name);
		text_clear(&variable->value);
		free(variable);
	}
}

static void macro_base64url(struct text *to, const void *bytes, size_t size)
{
	char *encoded = text_memory(4 * ((size + 2) / 3) + 1);

	text_add(to, encoded, encode_base64(bytes, size, 1, encoded));
	free(encoded);
}

static uint64_t macro_now_s(const struct macros *macros)
{
	uint64_t wall_us = macros->world != NULL ? macros->world->operations->wall_us(macros->world) : macros->wall_us;

	return wall_us / 1000000;
}

/* The value of an option "name=value" among the parts, or NULL. */
static const char *macro_option(const struct parts *parts, const char *name)
{
	size_t size = strlen(name);

	for (unsigned i = 1; i < parts->count; i++)
		if (strncmp(parts->list[i], name, size) == 0 && parts->list[i][size] == '=')
			return parts->list[i] + size + 1;
	return NULL;
}

static void macro_claim_time(struct text *claims, const struct parts *parts, const char *name, uint64_t now,
			     const char *usual)
{
	const char *offset = macro_option(parts, name);

	if (offset == NULL)
		offset = usual;
	if (offset != NULL && *offset != '\0')
		text_format(claims, ",\"%s\":%lld", name, (long long)now + strtoll(offset, NULL, 10));
}

/* ${token:USER:ROLE[:exp=S][:iat=S][:nbf=S][:iss=X][:aud=X][:alg=X][:kid=X][:key=TEXT][:roles=JSON]}: a JWT signed by
 * hand, times in seconds from now; an empty value leaves a claim out. */
static void macro_token(const struct macros *macros, const struct parts *parts, struct text *ret)
{
	const char *alg = macro_option(parts, "alg"), *kid = macro_option(parts, "kid"),
		   *key = macro_option(parts, "key");
	const char *iss = macro_option(parts, "iss"), *aud = macro_option(parts, "aud"),
		   *roles = macro_option(parts, "roles");
	uint64_t now = macro_now_s(macros);
	struct text json = { 0 };
	size_t start = ret->size;
	char life[16];
	uint8_t mac[32];

	snprintf(life, sizeof(life), "%d", TOKEN_LIFE);
	text_format(&json, "{\"alg\":\"%s\",\"typ\":\"JWT\"", alg != NULL ? alg : "HS256");
	if (kid != NULL)
		text_format(&json, ",\"kid\":\"%s\"", kid);
	text_say(&json, "}");
	macro_base64url(ret, json.data, json.size);
	text_say(ret, ".");
	json.size = 0;
	text_format(&json, "{\"sub\":\"%s\"", parts->list[1]);
	if (roles != NULL)
		text_format(&json, ",\"roles\":%s", roles);
	else
		text_format(&json, ",\"roles\":[\"%s\"]", parts->list[2]);
	macro_claim_time(&json, parts, "iat", now, "0");
	macro_claim_time(&json, parts, "nbf", now, NULL);
	macro_claim_time(&json, parts, "exp", now, life);
	if (iss != NULL)
		text_format(&json, ",\"iss\":\"%s\"", iss);
	if (aud != NULL)
		text_format(&json, ",\"aud\":\"%s\"", aud);
	text_say(&json, "}");
	macro_base64url(ret, json.data, json.size);
	text_clear(&json);
	digest_hmac_sha256(key != NULL ? slice_text(key) : slice(world_secret, sizeof(world_secret)),
			   slice(ret->data + start, ret->size - start), mac);
	text_say(ret, ".");
	if (alg == NULL || strcasecmp(alg, "none") != 0)
		macro_base64url(ret, mac, sizeof(mac));
}

static void macro_key_fill(void *user, uint8_t *ret_bytes, size_t size)
{
	uint64_t *state = user;

	for (size_t i = 0; i < size; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		ret_bytes[i] = (uint8_t)(*state >> 56);
	}
}

/* ${apikey:NAME}, ${apikeyid:NAME}, ${apikeyhash:NAME}: one key a name, always the same. */
static void macro_apikey(const struct parts *parts, struct text *ret)
{
	uint64_t state = 1469598103934665603u;
	struct fw_random random = { .fill = macro_key_fill, .user = &state };
	char key[APIKEY_TEXT], hex[64];
	uint8_t hash[32];
	struct fw_slice text;

	for (const char *at = parts->list[1]; *at != '\0'; at++)
		state = (state ^ (uint8_t)*at) * 1099511628211u;
	text = slice(key, apikey_make(&random, "play", key));
	if (strcmp(parts->list[0], "apikeyhash") == 0) {
		digest_sha256(text, hash);
		encode_hex(hash, sizeof(hash), hex);
		text_add(ret, hex, sizeof(hex));
	} else if (strcmp(parts->list[0], "apikeyid") == 0) {
		text_add(ret, strchr(strchr(key, '_') + 1, '_') + 1, APIKEY_ID);
	} else {
		text_add(ret, text.data, text.size);
	}
}

/* ${csrf:c1}, ${session:c1}: the newest token that this client was given; empty when it has none. */
static bool macro_of_peer(const struct macros *macros, const struct parts *parts, struct text *ret)
{
	struct peer *peer = macros->world != NULL ? world_find(macros->world, parts->list[1]) : NULL;
	struct text *token;

	if (peer == NULL)
		return true;
	token = strcmp(parts->list[0], "csrf") == 0 ? &peer->csrf : &peer->session;
	text_add(ret, token->data, token->size);
	return true;
}

static void macro_repeat(const char *what, size_t size, uint64_t count, struct text *ret)
{
	struct text block = { 0 }; /* of many, so that a megabyte is not written octet by octet */
	uint64_t many = size == 0 || count < 256 ? 0 : 256;

	for (uint64_t i = 0; i < many; i++)
		text_add(&block, what, size);
	for (; many != 0 && count >= many; count -= many)
		text_add(ret, block.data, block.size);
	while (size != 0 && count-- != 0)
		text_add(ret, what, size);
	text_clear(&block);
}

/* ${accept:u1}: what answers this upstream connection's Sec-WebSocket-Key. */
static void macro_accept(const struct macros *macros, const char *name, struct text *ret)
{
	struct peer *peer = macros->world != NULL ? world_find(macros->world, name) : NULL;
	char accept[32];

	if (peer == NULL)
		return;
	peer_accept(peer->key, accept);
	text_say(ret, accept);
}

/* ${close:CODE}: the two octets of a close code, written as the escapes of a quoted word: for `frame`, which expands
 * first. */
static void macro_close(uint64_t code, struct text *ret)
{
	text_format(ret, "\\x%02x\\x%02x", (unsigned)(code >> 8 & 0xff), (unsigned)(code & 0xff));
}

/* ${flip:TEXT:N}: the text with its N-th character (from the end, 1 is the last) replaced by another. */
static bool macro_flip(const struct parts *parts, struct text *ret)
{
	size_t size = strlen(parts->list[1]), back = strtoull(parts->list[2], NULL, 10);
	size_t start = ret->size;

	text_add(ret, parts->list[1], size);
	if (back >= 1 && back <= size)
		ret->data[start + size - back] = ret->data[start + size - back] == 'A' ? 'B' : 'A';
	return true;
}

static bool macro_variable(const struct macros *macros, const char *name, struct text *ret)
{
	for (struct variable *variable = macros->variables; variable != NULL; variable = variable->next) {
		if (strcmp(variable->name, name) == 0) {
			text_add(ret, variable->value.data, variable->value.size);
			return true;
		}
	}
	return false;
}

static bool macro_call(const struct macros *macros, struct parts *parts, struct text *ret)
{
	const char *name = parts->list[0], *star = strrchr(name, '*');
	uint64_t count;

	if (strcmp(name, "token") == 0 && parts->count >= 3)
		macro_token(macros, parts, ret);
	else if (strncmp(name, "apikey", 6) == 0 && parts->count == 2)
		macro_apikey(parts, ret);
	else if ((strcmp(name, "csrf") == 0 || strcmp(name, "session") == 0) && parts->count == 2)
		return macro_of_peer(macros, parts, ret);
	else if (strcmp(name, "flip") == 0 && parts->count == 3)
		return macro_flip(parts, ret);
	else if (strcmp(name, "close") == 0 && parts->count == 2 && text_number(parts->list[1], &count))
		macro_close(count, ret);
	else if (strcmp(name, "accept") == 0 && parts->count == 2)
		macro_accept(macros, parts->list[1], ret);
	else if (strcmp(name, "port") == 0)
		text_format(ret, "%u", macros->client_port);
	else if (strcmp(name, "upstream") == 0)
		text_format(ret, "ws://127.0.0.1:%u", macros->upstream_port);
	else if (parts->count == 1 && star != NULL && text_number(star + 1, &count))
		macro_repeat(name, (size_t)(star - name), count, ret);
	else
		return parts->count == 1 && macro_variable(macros, name, ret);
	return true;
}

/* ${repeat:TEXT:N}: TEXT may have colons. */
static bool macro_is_repeat(const char *name, struct text *ret)
{
	const char *last = strrchr(name, ':');
	uint64_t count;

	if (strncmp(name, "repeat:", 7) != 0 || last < name + 7 || !text_number(last + 1, &count))
		return false;
	macro_repeat(name + 7, (size_t)(last - name - 7), count, ret);
	return true;
}

/* ${deflate:TEXT}: its octets compressed, written as the escapes of a quoted word: for `frame`. TEXT may have colons.
 */
static bool macro_is_deflate(const struct text *name, struct text *ret)
{
	struct text payload = { 0 };

	if (strncmp(text_get(name), "deflate:", 8) != 0)
		return false;
	deflate_write(name->data + 8, name->size - 8, &payload);
	for (size_t i = 0; i < payload.size; i++)
		text_format(ret, "\\x%02x", (unsigned)(uint8_t)payload.data[i]);
	text_clear(&payload);
	return true;
}

/* ${pad:SIZE} or ${pad:SIZE:C}: as many blanks (or C) as make the whole text SIZE octets. */
struct pad {
	bool is;
	size_t at;
	uint64_t size;
	char with;
};

static void macro_split(char *text, struct parts *ret_parts)
{
	char *part;

	ret_parts->count = 0;
	while (ret_parts->count < PARTS && (part = strsep(&text, ":")) != NULL)
		ret_parts->list[ret_parts->count++] = part;
}

/* The end of the macro that begins at text[0] ("${"): macros nest, braces within are balanced. */
static size_t macro_end(const char *text, size_t size)
{
	unsigned depth = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '{')
			depth++;
		else if (text[i] == '}' && --depth == 0)
			return i;
	}
	return 0;
}

static bool macro_one(struct macros *macros, const char *inner, size_t size, struct text *ret, struct pad *pad,
		      struct text *reterr)
{
	struct text name = { 0 };
	struct parts parts;
	bool known;
	char *shown;

	if (!macro_expand(macros, inner, size, &name, reterr)) {
		text_clear(&name);
		return false;
	}
	if (macro_is_repeat(text_get(&name), ret) || macro_is_deflate(&name, ret)) {
		text_clear(&name);
		return true;
	}
	shown = text_copy(text_get(&name));
	macro_split(name.data, &parts);
	if (parts.count >= 2 && strcmp(parts.list[0], "pad") == 0) {
		*pad = (struct pad){ .is = true, .at = ret->size, .with = parts.count > 2 ? parts.list[2][0] : ' ' };
		known = text_number(parts.list[1], &pad->size);
	} else {
		known = parts.count != 0 && macro_call(macros, &parts, ret);
	}
	if (!known)
		text_format(reterr, "unknown macro ${%s}", shown);
	free(shown);
	text_clear(&name);
	return known;
}

static void macro_pad(const struct pad *pad, struct text *text)
{
	struct text rest = { 0 };
	size_t size = text->size;

	if (!pad->is || pad->size <= size)
		return;
	text_add(&rest, text->data + pad->at, size - pad->at);
	text->size = pad->at;
	macro_repeat(&pad->with, 1, pad->size - size, text);
	text_add(text, rest.data, rest.size);
	text_clear(&rest);
}

bool macro_expand(struct macros *macros, const char *text, size_t size, struct text *ret_text, struct text *reterr)
{
	struct pad pad = { 0 };

	text_add(ret_text, "", 0);
	for (size_t i = 0; i < size;) {
		size_t end;

		if (text[i] == '$' && i + 2 < size && text[i + 1] == '$' && text[i + 2] == '{') {
			text_say(ret_text, "${"); /* $${ is ${ itself */
			i += 3;
			continue;
		}
		if (text[i] != '$' || i + 1 >= size || text[i + 1] != '{' ||
		    (end = macro_end(text + i, size - i)) == 0) {
			const char *next = memchr(text + i + 1, '$', size - i - 1);
			size_t some = (next != NULL ? (size_t)(next - text) : size) - i;

			text_add(ret_text, text + i, some);
			i += some;
			continue;
		}
		if (!macro_one(macros, text + i + 2, end - 2, ret_text, &pad, reterr))
			return false;
		i += end + 1;
	}
	macro_pad(&pad, ret_text);
	return true;
}
