#include "crypto/apikey.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"

enum { ENV_MAX = 8, SECRET = 32, CHECKSUM = 6 };

static const char base62[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
enum { BASE36 = 36, BASE62 = 62 }; /* the first 36 are [a-z0-9] */

static bool all_of(struct fw_slice text, size_t digits)
{
	for (size_t i = 0; i < text.size; i++)
		if (memchr(base62, text.data[i], digits) == NULL)
			return false;
	return true;
}

/* Takes what stands before the next underscore. */
static bool take_part(struct fw_slice *rest, struct fw_slice *ret_part)
{
	const uint8_t *end = rest->size != 0 ? memchr(rest->data, '_', rest->size) : NULL;
	size_t size;

	if (end == NULL)
		return false;
	size = (size_t)(end - rest->data);
	*ret_part = slice(rest->data, size);
	*rest = slice_from(*rest, size + 1);
	return true;
}

/* Of everything before the checksum, its underscore included. */
static void checksum_of(struct fw_slice text, char ret_checksum[CHECKSUM])
{
	uint8_t digest[32];

	digest_sha256(text, digest);
	encode_hex(digest, CHECKSUM / 2, ret_checksum);
}

bool apikey_parse(struct fw_slice key, struct apikey_parts *ret_parts)
{
	struct fw_slice rest = key, prefix, env, id, secret;
	char checksum[CHECKSUM];

	if (key.size >= APIKEY_TEXT || !take_part(&rest, &prefix) || !take_part(&rest, &env) ||
	    !take_part(&rest, &id) || !take_part(&rest, &secret))
		return false;
	if (!slice_is(prefix, "fw") || env.size == 0 || env.size > ENV_MAX || !all_of(env, BASE36))
		return false;
	if (id.size != APIKEY_ID || !all_of(id, BASE36) || secret.size != SECRET || !all_of(secret, BASE62))
		return false;
	checksum_of(slice(key.data, key.size - rest.size), checksum);
	if (!slice_equal(rest, slice(checksum, CHECKSUM)))
		return false;
	ret_parts->id = id;
	digest_sha256(key, ret_parts->hash);
	return true;
}

/* Eight octets a digit: what the remainder prefers is less than 2^-57. */
static void random_digits(const struct fw_random *random, char *text, size_t size, unsigned base)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t word = 0;

		random->fill(random->user, (uint8_t *)&word, sizeof(word));
		text[i] = base62[word % base];
		mem_wipe(&word, sizeof(word));
	}
}

size_t apikey_make(const struct fw_random *random, const char *env, char ret_key[APIKEY_TEXT])
{
	struct fw_slice name = slice_text(env);
	size_t size = 0;

	ret_key[0] = '\0';
	if (name.size == 0 || name.size > ENV_MAX || !all_of(name, BASE36))
		return 0;
	memcpy(ret_key, "fw_", 3);
	size = 3;
	memcpy(ret_key + size, env, name.size);
	size += name.size;
	ret_key[size++] = '_';
	random_digits(random, ret_key + size, APIKEY_ID, BASE36);
	size += APIKEY_ID;
	ret_key[size++] = '_';
	random_digits(random, ret_key + size, SECRET, BASE62);
	size += SECRET;
	ret_key[size++] = '_';
	checksum_of(slice(ret_key, size), ret_key + size);
	size += CHECKSUM;
	ret_key[size] = '\0';
	return size;
}
