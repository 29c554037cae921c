#include "crypto/dpop.h"

#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

enum { ID_MOST = 256, URI_MOST = 2048 };

static bool text_is(struct arena *arena, const struct json *json, const char *name, const char *wanted)
{
	uint32_t node = jws_member(json, 0, name);

	return node != 0 && slice_is(jws_text(json, node, arena), wanted);
}

/* RFC 9449 4.2: the key is in the header here, and only here. */
static const char *check_header(struct arena *arena, const struct json *header, struct jwt_key *ret_key,
				uint8_t ret_thumbprint[32])
{
	static const char *const refused[] = { "kid", "jku", "x5u", "x5c", "zip", "crit", "b64", "cty" };
	const struct jwk_rules rules = { .rsa = JOSE_RS256 };
	uint32_t alg = jws_member(header, 0, "alg"), jwk = jws_member(header, 0, "jwk");
	enum jose_algorithm named;
	const char *fault;

	*ret_key = (struct jwt_key){ 0 };
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (jws_member(header, 0, refused[i]) != 0)
			return refused[i];
	if (!text_is(arena, header, "typ", "dpop+jwt"))
		return "typ";
	if (alg == 0 || header->nodes[alg].escaped || !jose_find(jws_text(header, alg, arena), &named) ||
	    jose_is_secret(named))
		return "alg";
	fault = jwk != 0 ? jwk_read(arena, &rules, header, jwk, ret_key) : "jwk";
	if (fault != NULL)
		return fault == jws_memory ? fault : "jwk";
	/* An RSA key without alg fits six algorithms; the proof's own word may choose here, since it brings the key
	 * too. */
	if (!jose_is_rsa(ret_key->algorithm) || !jose_is_rsa(named)) {
		if (ret_key->algorithm != named)
			return "alg";
	} else {
		ret_key->algorithm = named;
	}
	return jwk_thumbprint(arena, header, jwk, ret_thumbprint);
}

/* Scheme and authority of a URI as they are compared (RFC 3986 6.2): WebSocket's schemes are those of HTTP. */
struct place {
	bool secure;
	struct fw_slice host, path;
};

static struct fw_slice without_default_port(struct fw_slice host, bool secure)
{
	const char *port = secure ? ":443" : ":80";
	size_t size = strlen(port);

	if (host.size > size && memcmp(host.data + host.size - size, port, size) == 0)
		host.size -= size;
	return host;
}

static bool read_place(struct fw_slice uri, struct place *ret_place)
{
	static const struct {
		const char *text;
		bool secure;
	} schemes[] = { { "https://", true }, { "wss://", true }, { "http://", false }, { "ws://", false } };
	size_t size;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const uint8_t *slash;

		size = strlen(schemes[i].text);
		if (uri.size <= size || !slice_is_nocase(slice(uri.data, size), schemes[i].text))
			continue;
		uri = slice_from(uri, size);
		slash = memchr(uri.data, '/', uri.size);
		size = slash != NULL ? (size_t)(slash - uri.data) : uri.size;
		ret_place->secure = schemes[i].secure;
		ret_place->host = without_default_port(slice(uri.data, size), schemes[i].secure);
		ret_place->path = size < uri.size ? slice_from(uri, size) : slice_text("/");
		return true;
	}
	return false;
}

/* RFC 9449 4.3, 9: without query and fragment. */
static bool is_for(struct fw_slice uri, const struct dpop_rules *rules)
{
	struct place place;

	if (uri.data == NULL || uri.size > URI_MOST || memchr(uri.data, '?', uri.size) != NULL ||
	    memchr(uri.data, '#', uri.size) != NULL || !read_place(uri, &place))
		return false;
	return place.secure == rules->secure && slice_equal(place.path, rules->path) &&
	       slice_equal_nocase(place.host, without_default_port(rules->host, rules->secure));
}

/* RFC 9449 4.2: ath is the SHA-256 of the token it goes with. */
static bool goes_with(struct arena *arena, const struct json *claims, struct fw_slice token)
{
	uint32_t node = jws_member(claims, 0, "ath");
	uint8_t digest[32];
	char text[44];

	if (token.size == 0)
		return node == 0;
	digest_sha256(token, digest);
	return node != 0 &&
	       slice_equal(jws_text(claims, node, arena), slice(text, encode_base64(digest, sizeof(digest), 1, text)));
}

static const char *check_claims(struct arena *arena, const struct dpop_rules *rules, const struct json *claims,
				uint64_t now, struct dpop *dpop)
{
	uint32_t htu = jws_member(claims, 0, "htu"), iat = jws_member(claims, 0, "iat"),
		 jti = jws_member(claims, 0, "jti"), nonce = jws_member(claims, 0, "nonce");
	uint64_t issued;

	if (!text_is(arena, claims, "htm", "GET"))
		return "htm";
	if (htu == 0 || !is_for(jws_text(claims, htu, arena), rules))
		return "htu";
	if (iat == 0 || !jws_seconds(claims, iat, &issued) || issued > now + rules->max_age_s ||
	    issued + rules->max_age_s < now)
		return "iat";
	if (nonce != 0) {
		dpop->nonce = jws_text(claims, nonce, arena);
		if (dpop->nonce.data == NULL)
			return "nonce";
	}
	if (!goes_with(arena, claims, rules->token))
		return "ath";
	dpop->id = jti != 0 ? jws_text(claims, jti, arena) : slice(NULL, 0);
	dpop->issued_s = issued;
	dpop->until_s = issued + rules->max_age_s + 1;
	return dpop->id.size == 0 || dpop->id.size > ID_MOST ? "jti" : NULL;
}

const char *dpop_verify(struct arena *arena, const struct dpop_rules *rules, struct fw_slice proof, uint64_t wall_us,
			struct dpop *ret_dpop)
{
	struct dpop dpop = { 0 };
	struct json header, claims;
	struct jws_parts parts;
	struct jwt_key key = { 0 };
	const char *wrong;

	*ret_dpop = dpop;
	if (proof.size > rules->max_size)
		return "size";
	if (!jws_split(proof, &parts))
		return "form";
	wrong = jws_read(arena, parts.header, "header", &header);
	if (wrong == NULL)
		wrong = check_header(arena, &header, &key, dpop.thumbprint);
	if (wrong == NULL)
		wrong = jws_check(arena, &key, &parts);
	jose_key_fini(&key);
	if (wrong == NULL)
		wrong = jws_read(arena, parts.payload, "claims", &claims);
	if (wrong == NULL)
		wrong = check_claims(arena, rules, &claims, wall_us / 1000000, &dpop);
	if (wrong == NULL)
		*ret_dpop = dpop;
	return wrong;
}
