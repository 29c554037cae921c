/* check_jwt_shape.c: tokens in another shape than header.payload.signature of some hundred octets: in JSON, encrypted,
 * compressed, broken, large. */
#include <openssl/pem.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/deflater.h"
#include "scan/check.h"

/* RFC 7519 3: a JWT is in the compact form. */
void check_jwt_forms(struct scan_trial *trial)
{
	struct fw_slice claims, header;
	const char *token, *first, *last, *texts[4];
	static const char *const whats[] = { "the good token in the flattened JSON form",
					     "the good token in the general JSON form",
					     "the good token with two parts more",
					     "the good token within one that nobody signed" };

	if (!check_jwt_ready(trial, &claims, &header) || (token = check_token_ready(trial)) == NULL)
		return;
	first = strchr(token, '.');
	last = strrchr(token, '.');
	if (first == NULL || last <= first) {
		trial_skip(trial, "the token is no JWT");
		return;
	}
	texts[0] = trial_text(trial, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%s\"}",
			      (int)(first - token), token, (int)(last - first - 1), first + 1, last + 1);
	texts[1] = trial_text(trial,
			      "{\"payload\":\"%.*s\",\"signatures\":[{\"protected\":\"%.*s\",\"signature\":\"%s\"}]}",
			      (int)(last - first - 1), first + 1, (int)(first - token), token, last + 1);
	texts[2] = trial_text(trial, "%s.AAAA.AAAA", token);
	texts[3] = token_join(trial, "{\"alg\":\"none\",\"cty\":\"JWT\"}", slice_text(token), slice("", 0));
	for (unsigned i = 0; i < 4; i++)
		if (!check_not_accepted(trial, check_token_try(trial, texts[i], whats[i]), whats[i]))
			return;
	trial_pass(trial, "the good token in another form than header.payload.signature was refused");
}

/* Broken tokens beside an honest client: none may log in, and none may end the service of others. */
void check_broken_tokens(struct scan_trial *trial)
{
	enum { DEEP = 3000, LONG = 7000 };
	struct client *honest;
	char deep[2 * DEEP + 1], dots[LONG + 1], letters[LONG + 1];
	struct fw_slice claims, header;
	const char *texts[8];

	if (!check_jwt_ready(trial, &claims, &header) || (honest = check_client(trial, 1, "honest", NULL)) == NULL)
		return;
	memset(deep, '[', DEEP);
	memset(deep + DEEP, ']', DEEP);
	memset(dots, '.', LONG);
	memset(letters, 'A', LONG);
	deep[sizeof(deep) - 1] = dots[LONG] = letters[LONG] = '\0';
	texts[0] = token_join(trial, deep, claims, slice("0123456789abcdef0123456789abcdef", 32));
	texts[1] = token_join(trial, trial_copy(trial, header), slice_text(deep),
			      slice("0123456789abcdef0123456789abcdef", 32));
	texts[2] = dots;
	texts[3] = letters;
	texts[4] = trial_text(trial, "%.*s", (int)(strcspn(check_token_ready(trial), ".")), check_token_ready(trial));
	texts[5] = token_join(trial, "\xef\xbb\xbf{\"alg\":\"HS256\"}", claims,
			      slice("0123456789abcdef0123456789abcdef", 32));
	texts[6] = token_join(trial, "{\"alg\":\"HS256\",\"kid\":\"\xff\xfe\xc0\x80\"}", claims,
			      slice("0123456789abcdef0123456789abcdef", 32));
	texts[7] = token_join(trial, "{\"alg\":\"HS256\",\"kid\":\"\\ud800\"}", claims,
			      slice("0123456789abcdef0123456789abcdef", 32));
	for (unsigned i = 0; i < 8; i++) {
		const char *what = trial_text(trial, "broken token %u of 8, of %zu octets", i + 1, strlen(texts[i]));

		trial->quiet = i >= 4;
		if (!check_not_accepted(trial, check_token_try(trial, texts[i], what), what))
			break;
		trial->quiet = false;
		if (!client_answers(honest, TRIAL_PATIENCE_MS)) {
			trial_finding(trial, "after %s an honest client was no longer served", what);
			return;
		}
	}
	trial->quiet = false;
	trial_pass(trial, "eight broken tokens were refused, and an honest client was served behind each");
}

/* Larger than a bound should let through; what each of them costs who reads it whole. */
void check_large_tokens(struct scan_trial *trial)
{
	enum { KID = 65536, DEEP = 100000, LARGE = 1000000 };
	static const char *const whats[] = { "a token with a kid of 64 KiB", "a token of 1 MB",
					     "a token of 1,000,000 dots",
					     "a token whose claims are 100,000 lists deep" };
	const struct fw_slice signature = slice("0123456789abcdef0123456789abcdef", 32);
	struct fw_slice claims, header;
	struct client *honest;
	char *filling;

	if (!check_jwt_ready(trial, &claims, &header) || (honest = check_client(trial, 1, "honest", NULL)) == NULL)
		return;
	filling = arena_alloc(&trial->arena, LARGE + 1);
	if (filling == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		size_t size = i == 0 ? KID : i == 3 ? DEEP : LARGE;
		const char *token;
		enum check_tried tried;

		memset(filling, i == 2 ? '.' : i == 3 ? '[' : 'A', size);
		filling[size] = '\0';
		token = i == 0	 ? token_join(trial,
					      trial_text(trial, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
							 filling),
					      claims, signature)
			: i == 1 ? token_join(trial, trial_copy(trial, header),
					      slice_text(trial_text(trial, "{\"sub\":\"%s\"}", filling)), signature)
			: i == 2 ? filling
				 : token_join(trial, trial_copy(trial, header), slice_text(filling), signature);
		tried = check_token_try(trial, token, trial_text(trial, "%s: %zu octets", whats[i], strlen(token)));
		if (tried == CHECK_ACCEPTED || !client_answers(honest, TRIAL_PATIENCE_MS * 2)) {
			trial_finding(trial,
				      tried == CHECK_ACCEPTED ? "accepted: %s"
							      : "after %s an honest client was no longer served",
				      whats[i]);
			return;
		}
		if (!check_not_accepted(trial, tried, whats[i]))
			return;
	}
	trial_pass(trial, "four tokens of 64 KiB to 1 MB were refused, and an honest client was served behind each");
}

static EVP_PKEY *public_key(const struct scan_trial *trial)
{
	const char *pem = trial->work->profile.public_pem;
	BIO *bio = pem != NULL ? BIO_new_mem_buf(pem, -1) : NULL;
	EVP_PKEY *pair = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return pair;
}

/* What is encrypted is not signed: whoever has the public key can do it, and a key of zeros everybody has. */
void check_jwt_encrypted(struct scan_trial *trial)
{
	static const struct {
		const char *algorithm;
		bool within; /* a token that nobody signed is what is encrypted, else the claims are */
		const char *what;
	} rows[] = { { "dir", false, "claims encrypted under a key of zeros" },
		     { "dir", true, "a token that nobody signed, encrypted under a key of zeros" },
		     { "RSA-OAEP", false, "claims encrypted for the server's public key" },
		     { "RSA-OAEP", true, "a token that nobody signed, encrypted for the server's public key" },
		     { "RSA-OAEP-256", false, "the same claims by RSA-OAEP-256" },
		     { "RSA-OAEP-256", true, "the same token by RSA-OAEP-256" } };
	struct fw_slice claims, header;
	EVP_PKEY *pair;
	bool refused = true, rsa;

	if (!check_jwt_ready(trial, &claims, &header))
		return;
	pair = public_key(trial);
	rsa = pair != NULL && EVP_PKEY_is_a(pair, "RSA");
	for (size_t i = 0; i < (rsa ? 6 : 2) && refused; i++) {
		struct fw_slice plain = rows[i].within
						? slice_text(token_join(trial, "{\"alg\":\"none\",\"typ\":\"JWT\"}",
									claims, slice("", 0)))
						: claims;
		char *token = token_encrypted(trial, rows[i].algorithm, i < 2 ? NULL : pair,
					      rows[i].within ? ",\"cty\":\"JWT\"" : "", plain);

		if (token == NULL)
			trial_error(trial, "out of memory");
		refused = token != NULL &&
			  check_not_accepted(trial, check_token_try(trial, token, rows[i].what), rows[i].what);
	}
	EVP_PKEY_free(pair);
	if (refused)
		trial_pass(trial, "encrypted tokens that nobody signed were refused%s",
			   rsa ? "" : " (of those under a key; the profile has no RSA key, jwt.public_key_file)");
}

/* Raw deflate with its end, as RFC 7516 4.1.3 has it. */
static struct fw_slice deflated(struct scan_trial *trial, struct fw_slice plain)
{
	static const uint8_t end[] = { 0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff };
	struct deflater deflater = { 0 };
	size_t room = plain.size + 256, size;
	uint8_t *octets = mem_alloc(room + sizeof(end));
	struct fw_slice made = { 0 };

	size = octets != NULL ? deflater_message(&deflater, 15, plain, octets, room) : 0;
	if (size != 0) {
		uint8_t *copy = arena_alloc(&trial->arena, size + sizeof(end));

		if (copy != NULL) {
			memcpy(copy, octets, size);
			memcpy(copy + size, end, sizeof(end));
			made = slice(copy, size + sizeof(end));
		}
	}
	deflater_fini(&deflater);
	mem_free(octets);
	return made;
}

/* The right signature over claims that are compressed: a header that is ignored is none that anybody obeys. */
void check_jwt_zip(struct scan_trial *trial)
{
	enum { BOMB = 4 << 20 };
	static const char *const whats[] = { "a token with compressed claims (zip: DEF)",
					     "a token with claims that inflate a thousand times" };
	struct client *honest;
	char *padding;

	if (!check_mint_ready(trial) || (honest = check_client(trial, 1, "honest", NULL)) == NULL)
		return;
	padding = arena_alloc(&trial->arena, BOMB + 1);
	if (padding == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	memset(padding, 'a', BOMB);
	padding[BOMB] = '\0';
	for (unsigned i = 0; i < 2; i++) {
		const struct token_claims claims = {
			.user = trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks),
			.role = trial->work->profile.identity_count != 0 ? trial->work->profile.identities[0].role
									 : NULL,
			.expires = 3600,
			.more = i == 0 ? NULL : trial_text(trial, ",\"pad\":\"%s\"", padding)
		};
		struct fw_slice small = deflated(trial, slice_text(token_payload(trial, &claims)));
		char *token = small.size != 0 ? token_sign(trial, ",\"zip\":\"DEF\"", small, false) : NULL;

		if (token == NULL) {
			trial_error(trial, "the key of the profile does not sign, or memory is short");
			return;
		}
		if (!check_not_accepted(trial, check_token_try(trial, token, whats[i]), whats[i]))
			return;
		if (!client_answers(honest, TRIAL_PATIENCE_MS * 2)) {
			trial_finding(trial, "after %s an honest client was no longer served", whats[i]);
			return;
		}
	}
	trial_pass(trial, "tokens with compressed claims were refused, and an honest client was served behind each");
}
