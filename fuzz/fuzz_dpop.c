/* Proofs of possession and the claim cnf. The first octet says what the rest is: a proof; claims, signed with a key of
 * ours; claims of a token. A proof that holds is for this request, this token and this minute, and has a name; a cnf
 * that holds is a certificate's or a key's hash and nothing else. */
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/dpop.h"
#include "crypto/jose.h"
#include "engine/conn_state.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

enum { NOW = 1700000000, MAX_SIZE = 16384 };

static struct jwt_key key;
static char header[512];

static void make_key(void)
{
	BIGNUM *number = NULL;
	uint8_t x[32], y[32];
	char texts[2][44] = { "", "" };

	key = (struct jwt_key){ .algorithm = JOSE_ES256, .pair = EVP_EC_gen("P-256") };
	HOLDS(EVP_PKEY_get_bn_param(key.pair, OSSL_PKEY_PARAM_EC_PUB_X, &number) == 1);
	BN_bn2binpad(number, x, 32);
	BN_clear_free(number);
	number = NULL;
	HOLDS(EVP_PKEY_get_bn_param(key.pair, OSSL_PKEY_PARAM_EC_PUB_Y, &number) == 1);
	BN_bn2binpad(number, y, 32);
	BN_clear_free(number);
	encode_base64(x, 32, 1, texts[0]);
	encode_base64(y, 32, 1, texts[1]);
	snprintf(header, sizeof(header),
		 "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":"
		 "\"%s\"}}",
		 texts[0], texts[1]);
}

static struct dpop_rules rules_of(struct fw_slice token)
{
	return (struct dpop_rules){ .secure = true,
				    .host = slice_text("chat.example"),
				    .path = slice_text("/chat"),
				    .token = token,
				    .max_age_s = 60,
				    .max_size = MAX_SIZE };
}

static bool holds(struct arena *arena, struct fw_slice proof, struct fw_slice token)
{
	struct dpop_rules rules = rules_of(token);
	struct dpop dpop;
	const char *wrong = dpop_verify(arena, &rules, proof, (uint64_t)NOW * 1000000, &dpop);

	HOLDS(wrong != NULL ||
	      (dpop.id.size != 0 && dpop.id.size <= 256 && dpop.until_s > NOW && dpop.until_s <= NOW + 2 * 60 + 1));
	HOLDS(wrong == NULL || (dpop.id.size == 0 && dpop.until_s == 0));
	return wrong == NULL;
}

static void check_signed(struct arena *arena, struct fw_slice claims)
{
	char *text = arena_alloc(arena, 4 * claims.size + sizeof(header) * 2 + 256);
	uint8_t signature[JOSE_SIGNATURE];
	size_t size, signed_size;
	bool bound, unbound;

	HOLDS(text != NULL);
	size = encode_base64((const uint8_t *)header, strlen(header), 1, text);
	text[size++] = '.';
	size += encode_base64(claims.data, claims.size, 1, text + size);
	signed_size = jose_sign(&key, slice(text, size), signature);
	text[size++] = '.';
	size += encode_base64(signature, signed_size, 1, text + size);
	unbound = holds(arena, slice(text, size), slice(NULL, 0));
	bound = holds(arena, slice(text, size), slice_text("a token"));
	HOLDS(!(bound && unbound)); /* with ath, or without */
	if (bound || unbound)
		HOLDS(memmem(claims.data, claims.size, "chat", 4) != NULL || memchr(claims.data, '\\', claims.size));
}

static void check_binding(struct arena *arena, struct fw_slice text)
{
	struct binding binding, again;
	uint8_t packed[BINDING_MOST];
	struct json json;

	if (json_parse(arena, text, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return;
	if (binding_read(arena, &json, &binding) != NULL)
		return;
	HOLDS((binding.kinds != 0) == (json_member(&json, 0, "cnf", 3) != 0));
	HOLDS(binding_unpack(binding_pack(&binding, packed), &again));
	HOLDS(memcmp(&binding, &again, sizeof(binding)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_slice rest;
	struct arena arena;

	if (key.pair == NULL)
		make_key();
	if (size == 0 || size > MAX_SIZE)
		return 0;
	rest = slice(data + 1, size - 1);
	arena_init(&arena, 256u << 20);
	if (data[0] % 3 == 0)
		(void)holds(&arena, rest, slice_text("a token"));
	else if (data[0] % 3 == 1)
		check_signed(&arena, rest);
	else
		check_binding(&arena, rest);
	arena_fini(&arena);
	return 0;
}
