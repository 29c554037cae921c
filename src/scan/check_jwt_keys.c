/* check_jwt_keys.c: tokens that choose the key they are verified with: by its kind, its name, its address, or by
 * bringing it along. */
#include <ctype.h>

#include <openssl/pem.h>

#include "base/slice.h"
#include "scan/check.h"
#include "scan/listen.h"

enum { CONFUSIONS = 5 };

/* The public key in the forms in which programs hold one. False: it is no key. */
static bool forms_of(struct scan_trial *trial, const char *pem, struct fw_slice ret_forms[static CONFUSIONS])
{
	struct fw_slice trimmed = slice_text(pem);
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pair = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	uint8_t *der = arena_alloc(&trial->arena, 4096), *at = der;
	int size = pair != NULL && der != NULL ? i2d_PUBKEY(pair, NULL) : 0;

	while (trimmed.size != 0 && isspace(trimmed.data[trimmed.size - 1]))
		trimmed.size--;
	ret_forms[0] = slice_text(pem);
	ret_forms[1] = trimmed;
	ret_forms[2] = slice(der, size > 0 && size <= 4096 ? (size_t)i2d_PUBKEY(pair, &at) : 0);
	ret_forms[3] = slice_text(trial_text(trial, "%.*s\n", (int)trimmed.size, (const char *)trimmed.data));
	if (slice_equal(ret_forms[3], ret_forms[0]))
		ret_forms[3] = slice("", 0);
	ret_forms[4] = pair != NULL && EVP_PKEY_is_a(pair, "RSA") ? slice_text(token_jwk(trial, pair)) : slice("", 0);
	EVP_PKEY_free(pair);
	BIO_free(bio);
	return pair != NULL;
}

void check_jwt_confusion(struct scan_trial *trial)
{
	static const char *const whats[CONFUSIONS] = {
		"HS256 with the public key's text as the secret", "the same without the line's end",
		"HS256 with the public key's DER as the secret",
		"HS256 with the public key's text and one line end as the secret",
		"HS256 with the public key's JWK as the secret"
	};
	const char *pem = trial->work->profile.public_pem;
	struct fw_slice claims, header, forms[CONFUSIONS];

	if (pem == NULL) {
		trial_skip(trial, "the profile has no public key of the server (jwt.public_key_file)");
		return;
	}
	if (!check_jwt_ready(trial, &claims, &header))
		return;
	(void)forms_of(trial, pem, forms);
	for (unsigned i = 0; i < CONFUSIONS; i++) {
		char *token = token_hmac(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims, forms[i]);

		if (forms[i].size != 0 && !check_not_accepted(trial, check_token_try(trial, token, whats[i]), whats[i]))
			return;
	}
	trial_pass(trial, "tokens signed with the public key as a secret were refused");
}

void check_jwt_kid(struct scan_trial *trial)
{
	static const struct {
		const char *kid, *key, *what;
	} rows[] = {
		{ "\"../../../../../../../dev/null\"", "", "a kid that is the path of an empty file" },
		{ "\"/dev/null\"", "", "a kid that is the absolute path of an empty file" },
		{ "\"x' UNION SELECT 'fwscan\"", "fwscan", "a kid that is an SQL expression whose value is the key" },
		{ "\"x' UNION SELECT 'fwscan'; --\"", "fwscan", "the same with an end of its own" },
		{ "\"|printf fwscan\"", "fwscan", "a kid that is a command whose output is the key" },
		{ "\"/dev/null\\u0000.pem\"", "", "a kid with a NUL behind the path of an empty file" },
		{ "\"there-is-no-such-key\"", "", "a kid that nobody knows, signed with an empty key" },
		{ "null", "", "a kid that is null, signed with an empty key" },
		{ "[\"scan\"]", "", "a kid that is a list, signed with an empty key" },
		{ "{\"$ne\":\"\"}", "", "a kid that is an expression of a database, signed with an empty key" },
	};
	struct fw_slice claims, header;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *head = trial_text(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":%s}", rows[i].kid);

		if (!check_not_accepted(trial,
					check_token_try(trial, token_hmac(trial, head, claims, slice_text(rows[i].key)),
							rows[i].what),
					rows[i].what))
			return;
	}
	trial_pass(trial, "a kid that names a file, a command or an SQL expression chose no key");
}

static void own_key(struct scan_trial *trial, const char *head_more, const char *what)
{
	struct fw_slice claims, header;
	char *token;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	token = token_own_key(trial, head_more, claims);
	if (token == NULL)
		trial_error(trial, "out of memory");
	else if (check_not_accepted(trial, check_token_try(trial, token, what), what))
		trial_pass(trial, "refused: %s", what);
}

void check_jwt_embedded_key(struct scan_trial *trial)
{
	own_key(trial, trial_text(trial, ",\"jwk\":%s", token_own_jwk(trial)),
		"a token signed by the key that it brings along (jwk)");
}

void check_jwt_certificate(struct scan_trial *trial)
{
	own_key(trial, trial_text(trial, ",\"x5c\":[\"%s\"]", token_own_certificate(trial)),
		"a token signed by the key of the certificate that it brings along (x5c)");
}

/* A program that fetches what anybody names is of use to him even where it takes no key from there. */
void check_jwt_remote_key(struct scan_trial *trial)
{
	static const struct {
		const char *member, *scheme;
		bool certificate;
	} rows[] = { { "jku", "http", false }, { "x5u", "http", true }, { "jku", "https", false } };
	struct fw_slice claims, header;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	for (unsigned i = 0; i < 3; i++) {
		char *text = rows[i].certificate
				     ? trial_text(trial, "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
						  token_own_certificate(trial))
				     : trial_text(trial, "{\"keys\":[%s]}", token_own_jwk(trial)),
		     *token, *url;
		struct listener listener;
		enum check_tried tried;
		unsigned came;

		if (!listen_begin(&listener, &trial->work->target, text)) {
			trial_error(trial, "this machine did not let it listen");
			return;
		}
		url = trial_text(trial, "%s://%s:%u/jwks.json", rows[i].scheme, listener.address, listener.port);
		token = token_own_key(trial, trial_text(trial, ",\"%s\":\"%s\"", rows[i].member, url), claims);
		tried = check_token_try(trial, token != NULL ? token : "",
					trial_text(trial, "a token whose header says %s %s", rows[i].member, url));
		came = listen_came(&listener);
		listen_end(&listener);
		trial_say(trial, "%u connections came to %s", came, url);
		if (came != 0) {
			trial_finding(trial,
				      "the server fetched the address that a token named (%s), and the token was %s",
				      rows[i].member, tried == CHECK_ACCEPTED ? "taken" : "not taken");
			return;
		}
		if (!check_not_accepted(trial, tried, rows[i].member))
			return;
	}
	trial_pass(trial,
		   "no address that a token names (jku, x5u) was asked for, by a server that could reach this machine");
}
