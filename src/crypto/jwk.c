#include "crypto/jwk.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/jws.h"

enum { SECRET_MOST = 4096, COORDINATE_MOST = 66 };

/* The text of a string member; data NULL: there is none, it is no string, or memory is short. */
static struct fw_slice text_at(struct arena *arena, const struct json *json, uint32_t object, const char *name)
{
	uint32_t node = jws_member(json, object, name);

	return node != 0 ? jws_text(json, node, arena) : slice(NULL, 0);
}

/* A base64url member in the arena; data NULL: as above, or not in the strict form. */
static struct fw_slice octets_at(struct arena *arena, const struct json *json, uint32_t object, const char *name)
{
	struct fw_slice text = text_at(arena, json, object, name);
	uint8_t *bytes;
	ptrdiff_t size;

	if (text.data == NULL || text.size > JOSE_SIGNATURE * 2)
		return slice(NULL, 0);
	bytes = arena_alloc(arena, text.size / 4 * 3 + 3);
	if (bytes == NULL)
		return slice(NULL, 0);
	size = decode_base64((const char *)text.data, text.size, 1, bytes);
	return size > 0 ? slice(bytes, (size_t)size) : slice(NULL, 0);
}

static struct fw_slice wipe(struct fw_slice secret)
{
	if (secret.data != NULL)
		mem_wipe((void *)secret.data, secret.size);
	return slice(NULL, 0);
}

/* RFC 7517 4.2, 4.3: a key that says what it is for is for nothing else. */
static const char *check_use(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node)
{
	uint32_t use = jws_member(json, node, "use"), list = jws_member(json, node, "key_ops");
	bool may = list == 0;

	if (use != 0 && !json_string_is(json, use, "sig", 3))
		return "use is not sig";
	if (list == 0)
		return NULL;
	if (json->nodes[list].kind != JSON_ARRAY)
		return "key_ops";
	for (uint32_t at = list + 1; at < json->nodes[list].next; at = json->nodes[at].next) {
		struct fw_slice word = jws_text(json, at, arena);

		may |= slice_is(word, "verify") || (rules->private_keys && slice_is(word, "sign"));
	}
	return may ? NULL : "key_ops has no verify";
}

/* An EVP_PKEY of the parameters built so far. NULL: they make no key, or memory is short. */
static EVP_PKEY *build(const char *kind, OSSL_PARAM_BLD *builder, bool is_private)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *made = NULL;

	if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &made, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		made = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	ERR_clear_error();
	return made;
}

static bool push_number(OSSL_PARAM_BLD *builder, const char *name, const BIGNUM *number)
{
	return number != NULL && OSSL_PARAM_BLD_push_BN(builder, name, number) == 1;
}

static BIGNUM *number_of(struct fw_slice octets)
{
	return octets.data != NULL ? BN_bin2bn(octets.data, (int)octets.size, NULL) : NULL;
}

/* RFC 7518 6.3. Of a private key the exponent is enough. */
static const char *read_rsa(struct arena *arena, const struct json *json, uint32_t node, bool is_private,
			    struct jwt_key *key)
{
	BIGNUM *n = number_of(octets_at(arena, json, node, "n")), *e = number_of(octets_at(arena, json, node, "e"));
	struct fw_slice exponent = is_private ? octets_at(arena, json, node, "d") : slice(NULL, 0);
	BIGNUM *d = number_of(exponent);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	const char *fault = n == NULL || e == NULL || (is_private && d == NULL) ? "RSA members" : NULL;

	if (fault == NULL && builder != NULL && push_number(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    push_number(builder, OSSL_PKEY_PARAM_RSA_E, e) &&
	    (!is_private || push_number(builder, OSSL_PKEY_PARAM_RSA_D, d)))
		key->pair = build("RSA", builder, is_private);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	BN_clear_free(d);
	wipe(exponent);
	return fault != NULL ? fault : key->pair == NULL ? jws_memory : NULL;
}

static const struct curve {
	const char *name, *group;
	size_t octets;
	enum jose_algorithm algorithm;
} curves[] = {
	{ "P-256", "prime256v1", 32, JOSE_ES256 },
	{ "P-384", "secp384r1", 48, JOSE_ES384 },
	{ "P-521", "secp521r1", 66, JOSE_ES512 },
};

/* RFC 7518 6.2: coordinates have the full length of the field; the point is checked to be on the curve. */
static const char *read_ec(struct arena *arena, const struct json *json, uint32_t node, bool is_private,
			   struct jwt_key *key)
{
	struct fw_slice name = text_at(arena, json, node, "crv"), x = octets_at(arena, json, node, "x"),
			y = octets_at(arena, json, node, "y"),
			d = is_private ? octets_at(arena, json, node, "d") : slice(NULL, 0);
	const struct curve *curve = curves;
	uint8_t point[1 + 2 * COORDINATE_MOST] = { 4 };
	OSSL_PARAM_BLD *builder;
	BIGNUM *secret;

	while (curve < curves + sizeof(curves) / sizeof(curves[0]) && !slice_is(name, curve->name))
		curve++;
	if (curve == curves + sizeof(curves) / sizeof(curves[0]))
		return "curve not known";
	if (x.data == NULL || y.data == NULL || x.size != curve->octets || y.size != curve->octets ||
	    (is_private && d.size != curve->octets))
		return "EC members";
	memcpy(point + 1, x.data, x.size);
	memcpy(point + 1 + x.size, y.data, y.size);
	key->algorithm = curve->algorithm;
	builder = OSSL_PARAM_BLD_new();
	secret = number_of(d);
	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->octets) == 1 &&
	    (!is_private || push_number(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret)))
		key->pair = build("EC", builder, is_private);
	OSSL_PARAM_BLD_free(builder);
	BN_clear_free(secret);
	wipe(d);
	return key->pair != NULL ? NULL : "EC point is not on the curve";
}

/* RFC 8037 2 */
static const char *read_okp(struct arena *arena, const struct json *json, uint32_t node, bool is_private,
			    struct jwt_key *key)
{
	struct fw_slice x = octets_at(arena, json, node, "x"),
			d = is_private ? octets_at(arena, json, node, "d") : slice(NULL, 0);

	if (!slice_is(text_at(arena, json, node, "crv"), "Ed25519")) {
		wipe(d);
		return "curve not known";
	}
	key->algorithm = JOSE_EDDSA;
	if (x.size == 32 && (!is_private || d.size == 32))
		key->pair = is_private ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d.data, d.size)
				       : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data, x.size);
	wipe(d);
	ERR_clear_error();
	return key->pair != NULL ? NULL : "Ed25519 members";
}

/* RFC 7518 6.4 */
static const char *read_secret(struct arena *arena, const struct json *json, uint32_t node, struct jwt_key *key)
{
	struct fw_slice secret = octets_at(arena, json, node, "k");

	if (secret.data == NULL || secret.size > SECRET_MOST)
		return "secret";
	key->secret = (uint8_t *)secret.data;
	key->secret_size = secret.size;
	return NULL;
}

static const char *read_kind(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node,
			     struct jwt_key *key)
{
	struct fw_slice kind = text_at(arena, json, node, "kty");
	bool is_private = jws_member(json, node, "d") != 0;

	if (slice_is(kind, "oct"))
		return rules->secrets ? read_secret(arena, json, node, key) : "a secret among public keys";
	if (is_private != rules->private_keys)
		return is_private ? "a private key was given away" : "not a private key";
	key->algorithm = rules->rsa;
	if (slice_is(kind, "RSA"))
		return read_rsa(arena, json, node, is_private, key);
	if (slice_is(kind, "EC"))
		return read_ec(arena, json, node, is_private, key);
	if (slice_is(kind, "OKP"))
		return read_okp(arena, json, node, is_private, key);
	return "kty not known";
}

/* alg, where it is given, is the algorithm of this key (RFC 8725 3.1). */
static const char *set_algorithm(struct arena *arena, const struct json *json, uint32_t node, struct jwt_key *key)
{
	uint32_t given = jws_member(json, node, "alg");

	if (given == 0)
		return key->secret != NULL ? "alg" : NULL; /* a secret fits three */
	return jose_find(text_at(arena, json, node, "alg"), &key->algorithm) ? NULL : "alg not known";
}

static const char *set_kid(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node,
			   struct jwt_key *key)
{
	uint32_t given = jws_member(json, node, "kid");
	struct fw_slice kid = text_at(arena, json, node, "kid");
	char *copy;

	if (given == 0)
		return rules->needs_kid ? "kid" : NULL;
	if (kid.data == NULL || kid.size > JWK_KID_MOST || memchr(kid.data, '\0', kid.size) != NULL)
		return "kid";
	copy = arena_alloc(arena, kid.size + 1);
	if (copy == NULL)
		return jws_memory;
	memcpy(copy, kid.data, kid.size);
	copy[kid.size] = '\0';
	key->kid = copy;
	return NULL;
}

const char *jwk_read(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node,
		     struct jwt_key *ret_key)
{
	struct jwt_key key = { 0 };
	const char *fault;

	*ret_key = key;
	if (json->nodes[node].kind != JSON_OBJECT)
		return "not an object";
	fault = check_use(arena, rules, json, node);
	if (fault == NULL)
		fault = set_kid(arena, rules, json, node, &key);
	if (fault == NULL)
		fault = read_kind(arena, rules, json, node, &key);
	if (fault == NULL)
		fault = set_algorithm(arena, json, node, &key);
	if (fault == NULL)
		fault = jose_key_fault(&key);
	if (fault == NULL) {
		*ret_key = key;
		return NULL;
	}
	wipe(slice(key.secret, key.secret_size));
	jose_key_fini(&key);
	return fault;
}

bool jwk_memory(const char *fault)
{
	return fault == jws_memory;
}

/* Two keys of one kid: which one would verify depends on who reads the set. One that is not taken counts too. */
static bool kid_repeats(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t first,
			uint32_t at)
{
	struct fw_slice kid = text_at(arena, json, at, "kid");

	for (uint32_t other = first; other < at; other = json->nodes[other].next)
		if (json->nodes[other].kind == JSON_OBJECT && check_use(arena, rules, json, other) == NULL &&
		    slice_equal(text_at(arena, json, other, "kid"), kid))
			return true;
	return false;
}

static const char *add(struct jwk_set *set, struct jwt_key *key)
{
	const char *fault = set->count == set->room ? "too many keys" : NULL;

	if (fault == NULL && set->count != 0 &&
	    jose_is_secret(set->keys[0].algorithm) != jose_is_secret(key->algorithm))
		fault = "secrets beside public keys";
	if (fault == NULL) {
		set->keys[set->count++] = *key;
		return NULL;
	}
	wipe(slice(key->secret, key->secret_size));
	jose_key_fini(key);
	return fault;
}

/* One key of the set, which begins with the node `first`. */
static const char *read_next(struct arena *arena, const struct jwk_rules *rules, const struct json *json,
			     uint32_t first, uint32_t at, struct jwk_set *set)
{
	struct jwt_key key;
	const char *why;

	if (set->count + set->skipped >= JWK_SET_MOST)
		return "too many keys";
	if (json->nodes[at].kind == JSON_OBJECT && check_use(arena, rules, json, at) == NULL &&
	    kid_repeats(arena, rules, json, first, at))
		return "two keys of one kid";
	why = jwk_read(arena, rules, json, at, &key);
	if (why == NULL)
		return add(set, &key);
	if (why == jws_memory)
		return why;
	set->skipped++;
	if (set->first_fault == NULL)
		set->first_fault = why;
	return NULL;
}

const char *jwk_read_set(struct arena *arena, const struct jwk_rules *rules, const struct json *json, uint32_t node,
			 struct jwk_set *set)
{
	uint32_t list = json->nodes[node].kind == JSON_OBJECT ? jws_member(json, node, "keys") : 0;
	const char *fault = list != 0 && json->nodes[list].kind == JSON_ARRAY ? NULL : "no keys";

	set->count = set->skipped = 0;
	set->first_fault = NULL;
	for (uint32_t at = list + 1; fault == NULL && at < json->nodes[list].next; at = json->nodes[at].next)
		fault = read_next(arena, rules, json, list + 1, at, set);
	if (fault != NULL)
		jwk_set_fini(set);
	return fault;
}

void jwk_set_fini(struct jwk_set *set)
{
	while (set->count != 0) {
		struct jwt_key *key = &set->keys[--set->count];

		wipe(slice(key->secret, key->secret_size));
		jose_key_fini(key);
	}
}

/* RFC 7638 3.2: in this order, and nothing else. */
static const char *const *members_of(struct fw_slice kind)
{
	static const char *const ec[] = { "crv", "kty", "x", "y", NULL }, *const okp[] = { "crv", "kty", "x", NULL },
				 *const rsa[] = { "e", "kty", "n", NULL }, *const oct[] = { "k", "kty", NULL };

	if (slice_is(kind, "EC"))
		return ec;
	if (slice_is(kind, "OKP"))
		return okp;
	if (slice_is(kind, "RSA"))
		return rsa;
	return slice_is(kind, "oct") ? oct : NULL;
}

const char *jwk_thumbprint(struct arena *arena, const struct json *json, uint32_t node, uint8_t ret_thumbprint[32])
{
	const char *const *names = members_of(text_at(arena, json, node, "kty"));
	uint8_t *text = arena_alloc(arena, json->nodes[node].size + 64), *at = text;

	if (text == NULL)
		return jws_memory;
	if (names == NULL)
		return "jwk";
	for (; *names != NULL; names++) {
		struct fw_slice value = text_at(arena, json, node, *names);

		/* Their values are base64url or names: without escapes they are what they were. */
		if (value.data == NULL || memchr(value.data, '"', value.size) != NULL ||
		    memchr(value.data, '\\', value.size) != NULL)
			return "jwk";
		*at = at == text ? '{' : ',';
		at++;
		*at++ = '"';
		at = (uint8_t *)stpcpy((char *)at, *names);
		at = (uint8_t *)stpcpy((char *)at, "\":\"");
		memcpy(at, value.data, value.size);
		at += value.size;
		*at++ = '"';
	}
	*at++ = '}';
	digest_sha256(slice(text, (size_t)(at - text)), ret_thumbprint);
	return NULL;
}
