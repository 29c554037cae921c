#include "scan/token.h"

#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/jose.h"

bool token_can_mint(const struct scan_work *work)
{
	return work->profile.secret != NULL || work->profile.private_pem != NULL;
}

const char *token_base64(struct scan_trial *trial, struct fw_slice octets)
{
	char *text = arena_alloc(&trial->arena, 4 * ((octets.size + 2) / 3) + 1);

	if (text == NULL)
		return "";
	text[encode_base64(octets.data, octets.size, 1, text)] = '\0';
	return text;
}

char *token_join(struct scan_trial *trial, const char *header, struct fw_slice payload, struct fw_slice signature)
{
	return trial_text(trial, "%s.%s.%s", token_base64(trial, slice_text(header)), token_base64(trial, payload),
			  token_base64(trial, signature));
}

char *token_unsigned(struct scan_trial *trial, const char *header, struct fw_slice payload)
{
	return trial_text(trial, "%s.%s", token_base64(trial, slice_text(header)), token_base64(trial, payload));
}

char *token_hmac(struct scan_trial *trial, const char *header, struct fw_slice payload, struct fw_slice key)
{
	char *text = token_unsigned(trial, header, payload);
	uint8_t mac[32];

	if (!digest_hmac_sha256(key.data != NULL ? key : slice("", 0), slice_text(text), mac))
		return text;
	return trial_text(trial, "%s.%s", text, token_base64(trial, slice(mac, sizeof(mac))));
}

static bool read_key(const struct scan_work *work, struct jwt_key *ret_key)
{
	BIO *bio;

	*ret_key = (struct jwt_key){ .algorithm = JOSE_HS256 };
	if (work->profile.private_pem == NULL)
		return false;
	bio = BIO_new_mem_buf(work->profile.private_pem, -1);
	ret_key->pair = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	if (ret_key->pair == NULL)
		return false;
	ret_key->algorithm = EVP_PKEY_is_a(ret_key->pair, "RSA")  ? JOSE_RS256
			     : EVP_PKEY_is_a(ret_key->pair, "EC") ? JOSE_ES256
								  : JOSE_EDDSA;
	return true;
}

/* ,"name":"text", or nothing where it is left out. */
static const char *member(struct scan_trial *trial, const char *name, const char *own, const char *profile)
{
	const char *text = own != NULL ? own : profile;

	return text == NULL || text[0] == '\0' ? "" : trial_text(trial, ",\"%s\":\"%s\"", name, text);
}

/* ,"name":time: as it is written, or so many seconds from now, or nothing. */
static const char *moment(struct scan_trial *trial, const char *name, const char *json, long seconds)
{
	return json != NULL   ? trial_text(trial, ",\"%s\":%s", name, json)
	       : seconds != 0 ? trial_text(trial, ",\"%s\":%ld", name, (long)time(NULL) + seconds)
			      : "";
}

char *token_payload(struct scan_trial *trial, const struct token_claims *claims)
{
	const struct profile *profile = &trial->work->profile;
	const char *role = claims->role_json != NULL
				   ? claims->role_json
				   : trial_text(trial, "\"%s\"", claims->role != NULL ? claims->role : "user");

	return trial_text(trial, "{\"%s\":\"%s\",\"%s\":%s,\"iat\":%ld%s%s%s%s%s%s}", profile->user_claim, claims->user,
			  profile->role_claim, role,
			  (long)time(NULL) + claims->issued - (claims->expires < 0 ? 7200 - claims->expires : 0),
			  moment(trial, "exp", claims->expires_json, claims->expires),
			  moment(trial, "nbf", claims->not_before_json, claims->not_before),
			  member(trial, "aud", claims->audience, profile->audience),
			  member(trial, "iss", claims->issuer, profile->issuer),
			  member(trial, "azp", claims->party, profile->party),
			  claims->more != NULL ? claims->more : "");
}

static char *sign(struct scan_trial *trial, const char *type, const char *head_more, struct fw_slice payload,
		  bool plain)
{
	const struct profile *profile = &trial->work->profile;
	bool secret = profile->secret != NULL;
	struct jwt_key key = { .algorithm = JOSE_HS256 };
	uint8_t signature[JOSE_SIGNATURE];
	const char *header, *over;
	size_t size = 0;
	char *text;

	if (!secret && !read_key(trial->work, &key))
		return NULL;
	header = trial_text(trial, "{\"alg\":\"%s\",\"typ\":\"%s\"%s}", jose_name(key.algorithm), type,
			    head_more != NULL ? head_more : "");
	text = token_unsigned(trial, header, payload);
	over = plain ? trial_text(trial, "%s.%.*s", token_base64(trial, slice_text(header)), (int)payload.size,
				  (const char *)payload.data)
		     : text;
	if (!secret)
		size = jose_sign(&key, slice_text(over), signature);
	else if (digest_hmac_sha256(slice(profile->secret, profile->secret_size), slice_text(over), signature))
		size = 32;
	jose_key_fini(&key);
	return size != 0 ? trial_text(trial, "%s.%s", text, token_base64(trial, slice(signature, size))) : NULL;
}

static const char *type_of(const struct profile *profile)
{
	return profile->type != NULL ? profile->type : "JWT";
}

char *token_sign(struct scan_trial *trial, const char *head_more, struct fw_slice payload, bool plain)
{
	return sign(trial, type_of(&trial->work->profile), head_more, payload, plain);
}

char *token_mint(struct scan_trial *trial, const struct token_claims *claims, const char *head_more)
{
	return sign(trial, claims->type != NULL ? claims->type : type_of(&trial->work->profile), head_more,
		    slice_text(token_payload(trial, claims)), false);
}

static struct fw_slice decode(struct scan_trial *trial, const char *text, size_t size)
{
	uint8_t *octets = arena_alloc(&trial->arena, size + 4);
	ptrdiff_t count = octets != NULL ? decode_base64(text, size, 1, octets) : -1;

	return count >= 0 ? slice(octets, (size_t)count) : slice(NULL, 0);
}

struct fw_slice token_claims_of(struct scan_trial *trial, const char *token, struct fw_slice *ret_header)
{
	const char *first = token != NULL ? strchr(token, '.') : NULL,
		   *second = first != NULL ? strchr(first + 1, '.') : NULL;
	struct fw_slice payload;

	if (second == NULL)
		return slice(NULL, 0);
	payload = decode(trial, first + 1, (size_t)(second - first - 1));
	if (ret_header != NULL)
		*ret_header = decode(trial, token, (size_t)(first - token));
	return payload.size != 0 && payload.data[0] == '{' ? payload : slice(NULL, 0);
}
