/* binding.c: what a credential is bound to, so that who stole it cannot use it: the certificate of the client (RFC 8705
 * 3.1) or a key that it proves to have (RFC 9449). A token says so in its claim cnf (RFC 7800); a session that was
 * opened with it is bound alike. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "crypto/digest.h"
#include "crypto/dpop.h"
#include "crypto/jws.h"
#include "engine/conn_state.h"

#include <string.h>

enum { PRINT = 32, PRINT_TEXT = 43 };

/* One of two spellings of the same 32 octets would be a second name of a key: decoding is strict. */
static bool read_print(struct fw_slice text, uint8_t ret_print[PRINT])
{
	uint8_t octets[PRINT + 3];

	if (text.data == NULL || text.size != PRINT_TEXT ||
	    decode_base64((const char *)text.data, text.size, 1, octets) != PRINT)
		return false;
	memcpy(ret_print, octets, PRINT);
	return true;
}

const char *binding_read(struct arena *arena, const struct json *claims, struct binding *ret_binding)
{
	uint32_t cnf = jws_member(claims, 0, "cnf"), at, end;

	*ret_binding = (struct binding){ .kinds = 0 };
	if (cnf == 0)
		return NULL;
	if (claims->nodes[cnf].kind != JSON_OBJECT)
		return "cnf";
	end = claims->nodes[cnf].next;
	for (at = cnf + 1; at < end; at = claims->nodes[at + 1].next) {
		struct fw_slice name = json_text(claims, at, arena), value = jws_text(claims, at + 1, arena);

		if (slice_is(name, "x5t#S256") && read_print(value, ret_binding->certificate))
			ret_binding->kinds |= BOUND_CERTIFICATE;
		else if (slice_is(name, "jkt") && read_print(value, ret_binding->key))
			ret_binding->kinds |= BOUND_KEY;
		else /* what is not understood cannot be checked; to pass over it would make the token a bearer's */
			return "cnf";
	}
	return ret_binding->kinds != 0 ? NULL : "cnf";
}

bool binding_suffices(unsigned kinds, unsigned required)
{
	switch (required) {
	case REQUIRE_CERTIFICATE:
		return (kinds & BOUND_CERTIFICATE) != 0;
	case REQUIRE_DPOP:
		return (kinds & BOUND_KEY) != 0;
	case REQUIRE_EITHER:
		return kinds != 0;
	default:
		return true;
	}
}

struct fw_slice binding_pack(const struct binding *binding, uint8_t ret_octets[BINDING_MOST])
{
	if (binding->kinds == 0)
		return slice(NULL, 0);
	ret_octets[0] = binding->kinds;
	memcpy(ret_octets + 1, binding->certificate, PRINT);
	memcpy(ret_octets + 1 + PRINT, binding->key, PRINT);
	return slice(ret_octets, BINDING_MOST);
}

bool binding_unpack(struct fw_slice octets, struct binding *ret_binding)
{
	*ret_binding = (struct binding){ .kinds = 0 };
	if (octets.size == 0)
		return true;
	if (octets.size != BINDING_MOST || octets.data[0] == 0 ||
	    (octets.data[0] & ~(unsigned)(BOUND_CERTIFICATE | BOUND_KEY)) != 0)
		return false;
	ret_binding->kinds = octets.data[0];
	memcpy(ret_binding->certificate, octets.data + 1, PRINT);
	memcpy(ret_binding->key, octets.data + 1 + PRINT, PRINT);
	return true;
}

const char *binding_name(unsigned kinds)
{
	static const char *const names[] = { NULL, "certificate", "dpop", "certificate and dpop" };

	return names[kinds & (BOUND_CERTIFICATE | BOUND_KEY)];
}

void binding_present(const struct http1_head *head, struct presented *ret_presented)
{
	unsigned schemes, proofs;
	const struct http1_field *scheme = http1_find(head, "Authorization", &schemes);
	const struct http1_field *proof = http1_find(head, "DPoP", &proofs);

	*ret_presented = (struct presented){ .dpop = false };
	if (schemes != 1 || scheme->value.size <= 5 || !slice_is_nocase(slice(scheme->value.data, 5), "DPoP "))
		return;
	ret_presented->dpop = true;
	if (proofs == 1) /* RFC 9449 4.3: not more than one */
		ret_presented->proof = proof->value;
	else
		ret_presented->fault = proofs == 0 ? "dpop: no proof" : "dpop: more than one proof";
}

/* Where the handshake went, as the client sees it: by authentication.dpop.url behind a proxy, else by its Host. */
static void place_of(const struct fw_conn *conn, struct dpop_rules *rules)
{
	const struct arrival *arrival = conn->arrival;
	struct fw_slice url = slice_text(conn->policy->settings.dpop_url);
	const char *secure[] = { "https://", "wss://" };

	rules->path = slice(arrival->texts, arrival->path_size);
	if (url.size == 0) {
		rules->secure = conn->tls_version != NULL;
		rules->host = slice(arrival->texts + arrival->path_size + arrival->origin_size, arrival->host_size);
		return;
	}
	for (unsigned i = 0; i < sizeof(secure) / sizeof(*secure); i++)
		rules->secure = rules->secure || slice_starts(url, secure[i]);
	rules->host = slice_from(url, (size_t)((const uint8_t *)memmem(url.data, url.size, "://", 3) - url.data) + 3);
}

/* The precise cause of what dpop_verify found, for the record. */
static const char *fault_of_proof(const char *fault)
{
	static const char *const texts[] = {
		"dpop: size",	   "dpop: form", "dpop: base64url", "dpop: header",
		"dpop: claims",	   "dpop: typ",	 "dpop: alg",	    "dpop: jwk",
		"dpop: signature", "dpop: htm",	 "dpop: htu",	    "dpop: iat",
		"dpop: jti",	   "dpop: ath",	 "dpop: nonce",	    "dpop: duplicate member"
	};

	if (fault == jws_memory)
		return fault;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(texts[i] + strlen("dpop: "), fault) == 0)
			return texts[i];
	return "dpop: header";
}

/* RFC 9449 4.3. ret_proof: which one it was, and until when it could be used again. */
static const char *check_proof(struct fw_conn *conn, const struct presented *presented, struct fw_slice token,
			       const struct binding *binding, struct proof *ret_proof)
{
	const struct settings *settings = &conn->policy->settings;
	struct dpop_rules rules = { .token = token,
				    .max_age_s = (uint32_t)settings->dpop_max_age,
				    .max_size = (size_t)settings->max_token_size };
	struct dpop proof;
	const char *fault;

	if (!presented->dpop) /* RFC 9449 7.2: a bound token is never taken as a bearer's */
		return "dpop: a bound token without a proof";
	if (presented->fault != NULL)
		return presented->fault;
	place_of(conn, &rules);
	fault = dpop_verify(&conn->engine->arena, &rules, presented->proof, conn->engine->now.wall_us, &proof);
	if (fault != NULL)
		return fault_of_proof(fault);
	if (memcmp(proof.thumbprint, binding->key, PRINT) != 0)
		return "dpop: another key than the token's";
	digest_sha256_pair(slice(proof.thumbprint, PRINT), proof.id, ret_proof->id);
	ret_proof->there = true;
	ret_proof->issued_wall_us = proof.issued_s * 1000000;
	ret_proof->until_wall_us = proof.until_s * 1000000;
	ret_proof->nonce_size = (uint8_t)(proof.nonce.size <= sizeof(ret_proof->nonce) ? proof.nonce.size : 0);
	if (ret_proof->nonce_size != 0)
		memcpy(ret_proof->nonce, proof.nonce.data, ret_proof->nonce_size);
	return NULL;
}

const char *binding_check(struct fw_conn *conn, const struct presented *presented, struct fw_slice credential,
			  const struct identity *identity, struct proof *ret_proof)
{
	const struct binding *binding = &identity->binding;

	*ret_proof = (struct proof){ .there = false };
	if (!binding_suffices(binding->kinds, identity->required))
		return "a bound token is required";
	if (presented->dpop && (binding->kinds & BOUND_KEY) == 0) /* RFC 9449 4.3 12 */
		return "dpop: the token is not bound to a key";
	if ((binding->kinds & BOUND_CERTIFICATE) != 0) {
		if (conn->tls_certificate == NULL)
			return "certificate: the client showed none";
		if (memcmp(conn->tls_certificate, binding->certificate, PRINT) != 0)
			return "certificate: another than the token's";
	}
	return (binding->kinds & BOUND_KEY) != 0 ? check_proof(conn, presented, credential, binding, ret_proof) : NULL;
}
