/* Keys, sets of keys and proofs of possession. The first octet holds the rules; an even second one says that the rest
 * is JSON of a key or a set, an odd one that it is a proof. A key that is taken is whole: it is of one algorithm, is
 * not weak, and does not verify what it did not sign. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "crypto/dpop.h"
#include "crypto/jwk.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

enum { ROOM = 8 };

static void check_key(const struct jwt_key *key, const struct jwk_rules *rules)
{
	static const uint8_t nothing[JOSE_SIGNATURE];
	struct fw_slice text = slice_text("text");
	uint8_t made[JOSE_SIGNATURE];
	size_t size;

	HOLDS(jose_key_fault(key) == NULL && jose_key_usable(key));
	HOLDS(rules->secrets || !jose_is_secret(key->algorithm));
	HOLDS(key->kid != NULL || !rules->needs_kid);
	for (size_t guess = 32; guess <= JOSE_SIGNATURE; guess += 16)
		HOLDS(jose_verify(key, text, slice(nothing, guess)) != JOSE_HOLDS);
	size = jose_sign(key, text, made);
	HOLDS(size == 0 || rules->private_keys || jose_is_secret(key->algorithm));
}

static void check_json(struct arena *arena, const struct jwk_rules *rules, struct fw_slice text)
{
	struct jwt_key keys[ROOM], one;
	struct jwk_set set = { .keys = keys, .room = ROOM };
	uint8_t print[32];
	struct json json;

	if (json_parse(arena, text, 0, &json, NULL) != JSON_OK)
		return;
	if (jwk_read(arena, rules, &json, 0, &one) == NULL) {
		check_key(&one, rules);
		HOLDS(jwk_thumbprint(arena, &json, 0, print) == NULL);
		jose_key_fini(&one);
	} else {
		HOLDS(one.pair == NULL && one.secret == NULL);
	}
	if (jwk_read_set(arena, rules, &json, 0, &set) != NULL)
		HOLDS(set.count == 0);
	for (size_t i = 0; i < set.count; i++) {
		check_key(&keys[i], rules);
		HOLDS(jose_is_secret(keys[i].algorithm) == jose_is_secret(keys[0].algorithm));
	}
	jwk_set_fini(&set);
}

static void check_proof(struct arena *arena, struct fw_slice proof)
{
	const struct dpop_rules rules = { .secure = true,
					  .host = slice_text("resource.example.org"),
					  .path = slice_text("/protectedresource"),
					  .max_age_s = 60,
					  .max_size = 8192 };
	struct dpop dpop;

	if (dpop_verify(arena, &rules, proof, UINT64_C(1562262618) * 1000000, &dpop) == NULL)
		HOLDS(proof.size <= 8192 && dpop.id.size != 0 && dpop.until_s > 1562262618);
	else
		HOLDS(dpop.id.size == 0 && dpop.until_s == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwk_rules rules;
	struct arena arena;

	if (size < 2)
		return 0;
	rules = (struct jwk_rules){ .secrets = (data[0] & 1) != 0,
				    .private_keys = (data[0] & 2) != 0,
				    .needs_kid = (data[0] & 4) != 0,
				    .rsa = (data[0] & 8) != 0 ? JOSE_PS256 : JOSE_RS256 };
	arena_init(&arena, 64u << 20);
	if ((data[1] & 1) == 0)
		check_json(&arena, &rules, slice(data + 2, size - 2));
	else
		check_proof(&arena, slice(data + 2, size - 2));
	arena_fini(&arena);
	return 0;
}
