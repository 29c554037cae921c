/* check_jwt.c: tokens that must not be taken: forged without the key. */
#include <ctype.h>

#include "base/slice.h"
#include "scan/check.h"

/* The claims of a token that the server takes, and that its signatures count at all. */
static bool ready(struct scan_trial *trial, struct fw_slice *ret_claims, struct fw_slice *ret_header)
{
	const char *token = check_token_ready(trial);

	if (token == NULL)
		return false;
	*ret_claims = token_claims_of(trial, token, ret_header);
	if (ret_claims->data == NULL)
		trial_skip(trial, "the token is no JWT");
	else if (trial->work->verifies_nothing)
		trial_skip(trial, "signatures are not verified at all (jwt.signature)");
	else
		return true;
	return false;
}

void check_jwt_signature(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	const char *token = check_token_ready(trial);
	uint8_t zeros[32] = { 1, 2, 3 };

	if (token == NULL)
		return;
	claims = token_claims_of(trial, token, &header);
	if (claims.data == NULL) {
		trial_skip(trial, "the token is no JWT");
		return;
	}
	if (check_not_accepted(trial,
			       check_token_try(trial,
					       token_join(trial, trial_copy(trial, header), claims, slice(zeros, 32)),
					       "the same header and claims, another signature"),
			       "a token with a signature that nobody made"))
		trial_pass(trial, "a token with a signature that nobody made was refused");
}

void check_jwt_none(struct scan_trial *trial)
{
	static const char *const names[] = { "none", "None", "NONE", "nOnE" };
	struct fw_slice claims, header;

	if (!ready(trial, &claims, &header))
		return;
	for (unsigned i = 0; i < 4; i++) {
		const char *what = trial_text(trial, "alg \"%s\" and no signature", names[i]);
		char *token = token_join(trial, trial_text(trial, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[i]), claims,
					 slice("", 0));

		if (!check_not_accepted(trial, check_token_try(trial, token, what), what))
			return;
	}
	trial_pass(trial, "four spellings of alg none were refused");
}

void check_jwt_no_signature(struct scan_trial *trial)
{
	struct fw_slice claims, header;

	if (!ready(trial, &claims, &header))
		return;
	if (check_not_accepted(trial,
			       check_token_try(trial,
					       token_join(trial, trial_copy(trial, header), claims, slice("", 0)),
					       "the server's own header, an empty signature"),
			       "a token with an empty signature"))
		trial_pass(trial, "a token with an empty signature was refused");
}

void check_jwt_blank_key(struct scan_trial *trial)
{
	struct fw_slice claims, header;

	if (!ready(trial, &claims, &header))
		return;
	if (check_not_accepted(
		    trial,
		    check_token_try(trial,
				    token_hmac(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims, slice("", 0)),
				    "HS256 with an empty key"),
		    "a token signed with an empty key"))
		trial_pass(trial, "a token signed with an empty key was refused");
}

/* Secrets of examples and of haste. */
static const char *const common[] = {
	"secret",
	"password",
	"changeme",
	"change-me",
	"your-256-bit-secret",
	"your_jwt_secret",
	"jwt_secret",
	"jwtsecret",
	"secretkey",
	"secret-key",
	"secret_key",
	"mysecret",
	"my-secret",
	"mysecretkey",
	"supersecret",
	"super-secret",
	"super_secret",
	"supersecretkey",
	"test",
	"testing",
	"dev",
	"development",
	"key",
	"private",
	"admin",
	"123456",
	"12345678",
	"1234567890",
	"qwerty",
	"letmein",
	"default",
	"example",
	"token",
	"jwt",
	"hmac",
	"app",
	"api",
	"shhhhh",
	"shhhhhhared-secret",
	"keyboard cat",
	"your-secret-key",
	"your-secret",
	"your_secret_key",
	"your-super-secret-jwt-token-with-at-least-32-characters-long",
	"s3cr3t",
	"insecure",
	"none",
	"null",
	"undefined",
	"root",
};

void check_jwt_weak_secret(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	const char *token = check_token_ready(trial);

	if (token == NULL)
		return;
	claims = token_claims_of(trial, token, &header);
	if (claims.data == NULL || memmem(header.data, header.size, "HS256", 5) == NULL) {
		trial_skip(trial, "the token is none that a secret signs (HS256)");
		return;
	}
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (strcmp(token_hmac(trial, trial_copy(trial, header), claims, slice_text(common[i])), token) == 0) {
			trial_say(trial, "the token's signature is HMAC-SHA-256 with the key \"%s\"", common[i]);
			trial_finding(trial, "the secret that signs tokens is a word that everybody tries: whoever has "
					     "one token can make any");
			return;
		}
	trial_say(trial, "%zu secrets that are often used were tried on the token, without the server",
		  sizeof(common) / sizeof(*common));
	trial_pass(trial, "none of the usual secrets signs the token");
}

void check_jwt_confusion(struct scan_trial *trial)
{
	const char *pem = trial->work->profile.public_pem;
	struct fw_slice claims, header, trimmed;

	if (pem == NULL) {
		trial_skip(trial, "the profile has no public key of the server (jwt.public_key_file)");
		return;
	}
	if (!ready(trial, &claims, &header))
		return;
	trimmed = slice_text(pem);
	while (trimmed.size != 0 && isspace(trimmed.data[trimmed.size - 1]))
		trimmed.size--;
	for (unsigned i = 0; i < 2; i++) {
		const char *what =
			i == 0 ? "HS256 with the public key's text as the secret" : "the same without the line's end";
		char *token = token_hmac(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims,
					 i == 0 ? slice_text(pem) : trimmed);

		if (!check_not_accepted(trial, check_token_try(trial, token, what), what))
			return;
	}
	trial_pass(trial, "tokens signed with the public key as a secret were refused");
}

void check_jwt_kid(struct scan_trial *trial)
{
	static const struct {
		const char *kid, *key, *what;
	} rows[] = {
		{ "../../../../../../../dev/null", "", "a kid that is the path of an empty file" },
		{ "/dev/null", "", "a kid that is the absolute path of an empty file" },
		{ "x' UNION SELECT 'fwscan", "fwscan", "a kid that is an SQL expression whose value is the key" },
	};
	struct fw_slice claims, header;

	if (!ready(trial, &claims, &header))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *head = trial_text(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", rows[i].kid);

		if (!check_not_accepted(trial,
					check_token_try(trial, token_hmac(trial, head, claims, slice_text(rows[i].key)),
							rows[i].what),
					rows[i].what))
			return;
	}
	trial_pass(trial, "a kid that names a file or an SQL expression chose no key");
}

void check_jwt_embedded_key(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	char *token;

	if (!ready(trial, &claims, &header))
		return;
	token = token_own_key(trial, NULL, claims, NULL);
	if (token == NULL)
		trial_error(trial, "no key could be made");
	else if (check_not_accepted(trial,
				    check_token_try(trial, token, "signed by a key that the token brings along (jwk)"),
				    "a token signed by the key that it brings along (jwk)"))
		trial_pass(trial, "a token that brings its own key (jwk) was refused");
}

void check_jwt_zero_ecdsa(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	const uint8_t zeros[64] = { 0 };

	if (!ready(trial, &claims, &header))
		return;
	if (check_not_accepted(
		    trial,
		    check_token_try(trial,
				    token_join(trial, "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", claims, slice(zeros, 64)),
				    "ES256 with r and s zero"),
		    "an ECDSA signature of zeros"))
		trial_pass(trial, "an ECDSA signature of zeros was refused");
}
