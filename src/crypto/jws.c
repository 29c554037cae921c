#include "crypto/jws.h"

#include <string.h>

#include "base/encode.h"
#include "base/slice.h"

const char *const jws_memory = "memory";

static bool take_part(struct fw_slice *rest, struct fw_slice *ret_part)
{
	const uint8_t *dot = rest->size != 0 ? memchr(rest->data, '.', rest->size) : NULL;

	if (dot == NULL)
		return false;
	*ret_part = slice(rest->data, (size_t)(dot - rest->data));
	*rest = slice_from(*rest, ret_part->size + 1);
	return true;
}

bool jws_split(struct fw_slice token, struct jws_parts *ret_parts)
{
	struct fw_slice rest = token;

	if (!take_part(&rest, &ret_parts->header) || !take_part(&rest, &ret_parts->payload))
		return false;
	if (ret_parts->header.size == 0 || rest.size == 0 || memchr(rest.data, '.', rest.size) != NULL)
		return false;
	ret_parts->signature = rest;
	ret_parts->signed_text = slice(token.data, token.size - rest.size - 1);
	return true;
}

const char *jws_decode(struct arena *arena, struct fw_slice part, struct fw_slice *ret_octets)
{
	uint8_t *bytes = arena_alloc(arena, part.size / 4 * 3 + 3);
	ptrdiff_t size = bytes != NULL ? decode_base64((const char *)part.data, part.size, 1, bytes) : -1;

	*ret_octets = slice(bytes, size > 0 ? (size_t)size : 0);
	return bytes == NULL ? jws_memory : size < 0 ? "base64url" : NULL;
}

const char *jws_object(struct arena *arena, struct fw_slice text, const char *what, struct json *ret_json)
{
	enum json_result result = json_parse(arena, text, 0, ret_json, NULL);

	if (result == JSON_MEMORY)
		return jws_memory;
	if (result == JSON_DUPLICATE)
		return "duplicate member";
	return result == JSON_OK && ret_json->nodes[0].kind == JSON_OBJECT ? NULL : what;
}

const char *jws_read(struct arena *arena, struct fw_slice part, const char *what, struct json *ret_json)
{
	struct fw_slice text;
	const char *wrong = jws_decode(arena, part, &text);

	return wrong != NULL ? wrong : jws_object(arena, text, what, ret_json);
}

uint32_t jws_member(const struct json *json, uint32_t object, const char *name)
{
	return json_member(json, object, name, strlen(name));
}

struct fw_slice jws_text(const struct json *json, uint32_t node, struct arena *arena)
{
	return json->nodes[node].kind == JSON_STRING ? json_text(json, node, arena) : slice(NULL, 0);
}

const char *jws_check(struct arena *arena, const struct jwt_key *key, const struct jws_parts *parts)
{
	struct fw_slice text = parts->signature;
	uint8_t *given = text.size <= JOSE_SIGNATURE / 3 * 4 + 4 ? arena_alloc(arena, text.size / 4 * 3 + 3) : NULL;
	ptrdiff_t size;

	if (given == NULL)
		return text.size <= JOSE_SIGNATURE / 3 * 4 + 4 ? jws_memory : "signature";
	size = decode_base64((const char *)text.data, text.size, 1, given);
	if (size < 0)
		return "signature";
	switch (jose_verify(key, parts->signed_text, slice(given, (size_t)size))) {
	case JOSE_HOLDS:
		return NULL;
	case JOSE_FORGED:
		return "signature";
	default:
		return jws_memory;
	}
}

bool jws_seconds(const struct json *json, uint32_t node, uint64_t *ret_seconds)
{
	struct fw_slice text = json_raw(json, node);
	uint64_t value = 0;
	size_t i = 0;

	if (json->nodes[node].kind != JSON_NUMBER)
		return false;
	for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
		if (i == 16)
			return false;
		value = value * 10 + text.data[i] - '0';
	}
	if (value > (UINT64_C(1) << 53) - 1)
		return false;
	if (i < text.size && text.data[i] == '.')
		for (i++; i < text.size && text.data[i] == '0'; i++)
			;
	*ret_seconds = value;
	return i == text.size;
}
