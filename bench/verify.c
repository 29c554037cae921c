/* verify.c: what a login token costs: ours (the whole judgement of a token: form, header, signature, claims, user and
 * role) beside OpenSSL's verification of the same signature alone, in turns in one run; and a token that is known
 * again. `verify [--quick]` prints one JSON object: processor microseconds. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/jws.h"
#include "crypto/jwt.h"
#include "engine/conn_state.h"

#include "memory.h"
#include "wire.h"

enum { ROUNDS = 9, SAMPLES = 2000 };

static const uint8_t secret[48] = "a secret of the bench, which nobody else has: 48";
static struct fw_time now = { .monotonic_ns = 1000000000, .wall_us = UINT64_C(1700000000) * 1000000 };

static double clock_us(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* One algorithm: a pair or a secret, and a token signed with it. */
struct subject {
	const char *name;
	struct jwt_key key;
	struct arena arena;
	struct fw_slice token;
	struct jws_parts parts;
	uint8_t signature[1024]; /* as OpenSSL wants it */
	size_t signature_size;
	struct fw_policy *policy;
	struct fw_engine *engine;
	struct fw_conn *conn;
};

static void make_key(struct subject *subject, enum jose_algorithm algorithm)
{
	subject->key.algorithm = algorithm;
	subject->key.kid = "bench";
	switch (algorithm) {
	case JOSE_HS256:
		subject->key.secret = (uint8_t *)(uintptr_t)secret;
		subject->key.secret_size = sizeof(secret);
		break;
	case JOSE_RS256:
		subject->key.pair = EVP_RSA_gen(2048);
		break;
	case JOSE_ES256:
		subject->key.pair = EVP_EC_gen("P-256");
		break;
	default:
		subject->key.pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
}

/* Octets of the signature as they stand in the token; those of ECDSA as DER. */
static void read_signature(struct subject *subject)
{
	uint8_t raw[1024], *der = subject->signature;
	ptrdiff_t size =
		decode_base64((const char *)subject->parts.signature.data, subject->parts.signature.size, 1, raw);
	ECDSA_SIG *both;

	memcpy(subject->signature, raw, (size_t)size);
	subject->signature_size = (size_t)size;
	if (subject->key.algorithm != JOSE_ES256)
		return;
	both = ECDSA_SIG_new();
	ECDSA_SIG_set0(both, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
	subject->signature_size = (size_t)i2d_ECDSA_SIG(both, &der);
	ECDSA_SIG_free(both);
}

/* A policy that knows the key, as a configuration would give it. */
static void make_policy(struct subject *subject)
{
	char yaml[4096], pem[2048] = "";
	BIO *bio = BIO_new(BIO_s_mem());
	int size = 0;

	if (subject->key.pair != NULL) {
		PEM_write_bio_PUBKEY(bio, subject->key.pair);
		size = BIO_read(bio, pem, sizeof(pem) - 1);
		pem[size] = '\0';
	}
	BIO_free(bio);
	for (char *at = pem; *at != '\0'; at++) /* a text in double quotes */
		if (*at == '\n')
			*at = '|';
	size = snprintf(
		yaml, sizeof(yaml),
		"authentication:\n  jwt:\n    issuer: \"https://login.example.com\"\n    audience: chat\n    keys:\n"
		"      - kid: bench\n        algorithm: %s\n        %s: \"",
		jose_name(subject->key.algorithm), subject->key.pair != NULL ? "public_key" : "secret");
	if (subject->key.pair == NULL)
		size += snprintf(yaml + size, sizeof(yaml) - (size_t)size, "%.48s", (const char *)secret);
	for (const char *at = pem; *at != '\0'; at++)
		size += snprintf(yaml + size, sizeof(yaml) - (size_t)size, *at == '|' ? "\\n" : "%c", *at);
	size += snprintf(yaml + size, sizeof(yaml) - (size_t)size, "\"\n");
	if (fw_policy_load("bench", slice(yaml, (size_t)size), memory_report, NULL, &subject->policy) != FW_OK)
		wire_die("the configuration does not hold");
}

static void make(struct subject *subject, enum jose_algorithm algorithm)
{
	static const char claims[] =
		"{\"iss\":\"https://login.example.com\",\"aud\":\"chat\",\"sub\":\"alice\",\"role\":"
		"\"user\",\"iat\":1699999990,\"exp\":1700003590,\"jti\":\"0f3bd8ae6c\"}";
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } };
	struct fw_engine_options options = { .random = { .fill = memory_fill } };

	*subject = (struct subject){ .name = jose_name(algorithm) };
	arena_init(&subject->arena, 1 << 20);
	make_key(subject, algorithm);
	if (jwt_issue(&subject->arena, &subject->key, slice_text(claims), &subject->token) != FW_OK ||
	    !jws_split(subject->token, &subject->parts))
		wire_die("no token of %s", subject->name);
	read_signature(subject);
	make_policy(subject);
	options.policy = subject->policy;
	subject->engine = fw_engine_new(&options);
	fw_engine_time(subject->engine, now);
	subject->conn = fw_conn_new(subject->engine, &peer);
}

static void judge(struct subject *subject)
{
	struct identity identity;
	const char *cause;

	arena_reset(&subject->engine->arena);
	cause = authn_jwt(subject->conn, subject->token, &identity);
	if (cause != NULL)
		wire_die("%s: %s", subject->name, cause);
}

static void judge_again(struct subject *subject)
{
	struct identity identity;

	arena_reset(&subject->engine->arena);
	if (authn_verify(subject->conn, CREDENTIAL_JWT, subject->token, &identity) != NULL)
		wire_die("%s: refused", subject->name);
}

/* The same signature by OpenSSL alone, the way its manual shows (EVP_DigestVerify(3), EVP_MAC(3)). */
static void bare(struct subject *subject)
{
	const struct fw_slice text = subject->parts.signed_text;
	bool holds = false;

	if (subject->key.pair == NULL) {
		static EVP_MAC *hmac;
		char digest[] = "SHA256";
		OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
					    OSSL_PARAM_construct_end() };
		EVP_MAC_CTX *context;
		uint8_t mac[EVP_MAX_MD_SIZE];
		size_t size = 0;

		if (hmac == NULL)
			hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		context = EVP_MAC_CTX_new(hmac);
		holds = EVP_MAC_init(context, secret, sizeof(secret), parameters) == 1 &&
			EVP_MAC_update(context, text.data, text.size) == 1 &&
			EVP_MAC_final(context, mac, &size, sizeof(mac)) == 1 && size == subject->signature_size &&
			CRYPTO_memcmp(mac, subject->signature, size) == 0;
		EVP_MAC_CTX_free(context);
	} else {
		EVP_MD_CTX *context = EVP_MD_CTX_new();
		const char *digest = subject->key.algorithm == JOSE_EDDSA ? NULL : "SHA256";

		holds = EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, subject->key.pair, NULL) == 1 &&
			EVP_DigestVerify(context, subject->signature, subject->signature_size, text.data, text.size) ==
				1;
		EVP_MD_CTX_free(context);
	}
	if (!holds)
		wire_die("%s: OpenSSL refuses it", subject->name);
}

typedef void work(struct subject *subject);

static double cost(struct subject *subject, work *one, unsigned count)
{
	double begin = clock_us(CLOCK_PROCESS_CPUTIME_ID);

	for (unsigned i = 0; i < count; i++)
		one(subject);
	return (clock_us(CLOCK_PROCESS_CPUTIME_ID) - begin) / count;
}

static double percentile99(struct subject *subject)
{
	static double samples[SAMPLES];

	for (unsigned i = 0; i < SAMPLES; i++)
		samples[i] = cost(subject, judge, 1);
	qsort(samples, SAMPLES, sizeof(*samples), memory_compare);
	return samples[SAMPLES * 99 / 100];
}

static void measure(struct subject *subject, bool quick, bool first)
{
	double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS], again[ROUNDS];
	double guess = cost(subject, bare, 50) + cost(subject, judge, 50);
	unsigned count = (unsigned)((quick ? 20000 : 100000) / guess) + 1;

	for (unsigned round = 0; round < ROUNDS; round++) {
		theirs[round] = cost(subject, bare, count);
		ours[round] = cost(subject, judge, count);
		again[round] = cost(subject, judge_again, count + 1000);
		ratios[round] = ours[round] / theirs[round];
	}
	qsort(ours, ROUNDS, sizeof(*ours), memory_compare);
	qsort(theirs, ROUNDS, sizeof(*theirs), memory_compare);
	qsort(ratios, ROUNDS, sizeof(*ratios), memory_compare);
	qsort(again, ROUNDS, sizeof(*again), memory_compare);
	printf("%s\"%s\": {\"ours\": %.3f, \"bare\": %.3f, \"ratio\": %.3f, \"p99\": %.3f, \"again\": %.3f, "
	       "\"octets\": %zu, \"rounds\": %d}",
	       first ? "" : ", ", subject->name, ours[ROUNDS / 2], theirs[ROUNDS / 2], ratios[ROUNDS / 2],
	       percentile99(subject), again[ROUNDS / 2], subject->token.size, ROUNDS);
}

int main(int count, char **arguments)
{
	static const enum jose_algorithm algorithms[] = { JOSE_HS256, JOSE_RS256, JOSE_ES256, JOSE_EDDSA };
	bool quick = count > 1 && strcmp(arguments[1], "--quick") == 0;

	printf("{");
	for (unsigned i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		struct subject subject;

		if (count > 2 && strcmp(arguments[2], jose_name(algorithms[i])) != 0)
			continue;
		make(&subject, algorithms[i]);
		measure(&subject, quick, i == 0);
		fw_conn_free(subject.conn);
		fw_engine_free(subject.engine);
		fw_policy_unref(subject.policy);
		jose_key_fini(&subject.key);
		arena_fini(&subject.arena);
	}
	printf("}\n");
	return 0;
}
