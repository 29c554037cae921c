#include "crypto/note.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "crypto/digest.h"

enum { TYPE_ED25519 = 1, TYPE_NAMED = 0xff, ID = 4, SIGNATURE = 64, LEAD = 4, ENCODED = 92 };
enum {
	STRONG = 1 + NOTE_STRONG_NAME + 32, /* type, its name, digest of the public key */
	STRONG_ENCODED = (STRONG + 2) / 3 * 4,
	STRONG_SIGNED = ID + MLDSA_KEY + MLDSA_SIGNATURE
};

static const char strong_name[] = "framewall/ml-dsa-65";
_Static_assert(sizeof(strong_name) - 1 == NOTE_STRONG_NAME, "NOTE_STRONG_NAME");

static const char lead[LEAD + 1] = "\xe2\x80\x94 "; /* U+2014 and a blank */

/* Of blanks only that of ASCII is looked for: other names than our own are only compared. */
static bool is_name(struct fw_slice name)
{
	if (name.size == 0 || name.size > NOTE_NAME || !utf8_valid(name.data, name.size))
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] <= ' ' || name.data[i] == '+' || name.data[i] == 0x7f)
			return false;
	return true;
}

static bool start(struct fw_slice name, struct note_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	if (name.data == NULL || !is_name(name))
		return false;
	memcpy(ret_key->name, name.data, name.size);
	return true;
}

/* key ID = SHA-256(name || LF || type || public key)[:4] */
static void set_id(struct note_key *key)
{
	uint8_t tail[2 + NOTE_KEY], digest[32];

	tail[0] = '\n';
	tail[1] = TYPE_ED25519;
	memcpy(tail + 2, key->public_key, NOTE_KEY);
	digest_sha256_pair(slice_text(key->name), slice(tail, sizeof(tail)), digest);
	memcpy(key->id, digest, ID);
}

static void write_strong(const struct note_key *key, uint8_t ret_bytes[STRONG])
{
	ret_bytes[0] = TYPE_NAMED;
	memcpy(ret_bytes + 1, strong_name, NOTE_STRONG_NAME);
	memcpy(ret_bytes + 1 + NOTE_STRONG_NAME, key->strong_digest, sizeof(key->strong_digest));
}

static void set_strong_id(struct note_key *key)
{
	uint8_t tail[1 + STRONG], digest[32];

	tail[0] = '\n';
	write_strong(key, tail + 1);
	digest_sha256_pair(slice_text(key->name), slice(tail, sizeof(tail)), digest);
	memcpy(key->strong_id, digest, ID);
	key->strong = true;
}

bool note_key_strengthen(struct note_key *key, const uint8_t seed[NOTE_KEY])
{
	uint8_t derived[MLDSA_SEED];
	uint8_t *public_key = mldsa_available() ? mem_alloc(MLDSA_KEY) : NULL;

	if (public_key == NULL)
		return false;
	digest_sha256_pair(slice_text(strong_name), slice(seed, NOTE_KEY), derived);
	key->strong_pair = mldsa_pair(derived, public_key);
	mem_wipe(derived, sizeof(derived));
	if (key->strong_pair == NULL) {
		mem_free(public_key);
		return false;
	}
	key->strong_public = public_key;
	digest_sha256(slice(public_key, MLDSA_KEY), key->strong_digest);
	set_strong_id(key);
	return true;
}

bool note_key_private(const char *name, const uint8_t seed[NOTE_KEY], struct note_key *ret_key)
{
	size_t size = NOTE_KEY;

	if (!start(slice_text(name), ret_key))
		return false;
	ret_key->pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, NOTE_KEY);
	if (ret_key->pair == NULL)
		return false;
	if (EVP_PKEY_get_raw_public_key(ret_key->pair, ret_key->public_key, &size) != 1 || size != NOTE_KEY) {
		note_key_fini(ret_key);
		return false;
	}
	set_id(ret_key);
	return true;
}

static bool make_public(struct fw_slice name, const uint8_t public_key[NOTE_KEY], struct note_key *ret_key)
{
	if (!start(name, ret_key))
		return false;
	memcpy(ret_key->public_key, public_key, NOTE_KEY);
	ret_key->pair = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, NOTE_KEY);
	set_id(ret_key);
	return ret_key->pair != NULL;
}

bool note_key_public(const char *name, const uint8_t public_key[NOTE_KEY], struct note_key *ret_key)
{
	return make_public(slice_text(name), public_key, ret_key);
}

/* The parts of "name+id+base64", of which the last has that many characters. */
static bool split_key(struct fw_slice text, size_t encoded, struct fw_slice *ret_name, const char **ret_id,
		      const char **ret_encoded)
{
	const uint8_t *plus = text.size != 0 ? memchr(text.data, '+', text.size) : NULL;
	size_t name = plus != NULL ? (size_t)(plus - text.data) : 0, id = (size_t)2 * ID;

	if (plus == NULL || text.size != name + 1 + id + 1 + encoded || plus[1 + id] != '+')
		return false;
	*ret_name = slice(text.data, name);
	*ret_id = (const char *)plus + 1;
	*ret_encoded = (const char *)plus + 2 + id;
	return true;
}

static bool is_id(const char *text, const uint8_t id[ID])
{
	char hex[2 * ID];

	encode_hex(id, ID, hex);
	return memcmp(text, hex, sizeof(hex)) == 0;
}

static bool read_plain(struct fw_slice text, struct note_key *ret_key)
{
	uint8_t bytes[NOTE_KEY + 1 + 3];
	const char *id, *encoded;
	struct fw_slice name;
	size_t size = (1 + NOTE_KEY + 2) / 3 * 4;

	if (!split_key(text, size, &name, &id, &encoded) || decode_base64(encoded, size, 0, bytes) != 1 + NOTE_KEY ||
	    bytes[0] != TYPE_ED25519 || !make_public(name, bytes + 1, ret_key))
		return false;
	if (is_id(id, ret_key->id))
		return true;
	note_key_fini(ret_key);
	return false;
}

static bool read_strong(struct fw_slice text, struct note_key *key)
{
	uint8_t bytes[STRONG_ENCODED / 4 * 3 + 3];
	const char *id, *encoded;
	struct fw_slice name;

	if (!split_key(text, STRONG_ENCODED, &name, &id, &encoded) || !slice_is(name, key->name) ||
	    decode_base64(encoded, STRONG_ENCODED, 0, bytes) != STRONG || bytes[0] != TYPE_NAMED ||
	    memcmp(bytes + 1, strong_name, NOTE_STRONG_NAME) != 0)
		return false;
	memcpy(key->strong_digest, bytes + 1 + NOTE_STRONG_NAME, sizeof(key->strong_digest));
	set_strong_id(key);
	return is_id(id, key->strong_id);
}

bool note_key_read(struct fw_slice text, struct note_key *ret_key)
{
	const uint8_t *blank = text.size != 0 ? memchr(text.data, ' ', text.size) : NULL;
	size_t size = blank != NULL ? (size_t)(blank - text.data) : text.size;

	if (!read_plain(slice(text.data, size), ret_key))
		return false;
	if (blank == NULL || read_strong(slice_from(text, size + 1), ret_key))
		return true;
	note_key_fini(ret_key);
	return false;
}

static size_t write_part(const struct note_key *key, const uint8_t id[ID], struct fw_slice bytes, char *ret_text)
{
	size_t at = strlen(key->name);

	memcpy(ret_text, key->name, at);
	ret_text[at++] = '+';
	encode_hex(id, ID, ret_text + at);
	at += (size_t)2 * ID;
	ret_text[at++] = '+';
	return at + encode_base64(bytes.data, bytes.size, 0, ret_text + at);
}

size_t note_key_write(const struct note_key *key, char ret_text[NOTE_VERIFIER + 1])
{
	uint8_t bytes[1 + NOTE_KEY], strong[STRONG];
	size_t at;

	bytes[0] = TYPE_ED25519;
	memcpy(bytes + 1, key->public_key, NOTE_KEY);
	at = write_part(key, key->id, slice(bytes, sizeof(bytes)), ret_text);
	if (key->strong) {
		write_strong(key, strong);
		ret_text[at++] = ' ';
		at += write_part(key, key->strong_id, slice(strong, sizeof(strong)), ret_text + at);
	}
	ret_text[at] = '\0';
	return at;
}

void note_key_fini(struct note_key *key)
{
	EVP_PKEY_free(key->pair);
	EVP_PKEY_free(key->strong_pair);
	mem_free(key->strong_public);
	key->pair = key->strong_pair = NULL;
	key->strong_public = NULL;
}

static size_t write_line(const struct note_key *key, struct fw_slice bytes, char *ret_line)
{
	size_t at = LEAD, name = strlen(key->name);

	memcpy(ret_line, lead, LEAD);
	memcpy(ret_line + at, key->name, name);
	at += name;
	ret_line[at++] = ' ';
	at += encode_base64(bytes.data, bytes.size, 0, ret_line + at);
	ret_line[at++] = '\n';
	return at;
}

size_t note_sign(const struct note_key *key, struct fw_slice text, char ret_line[NOTE_LINE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t bytes[ID + SIGNATURE];
	size_t size = SIGNATURE;
	bool made = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
		    EVP_DigestSign(context, bytes + ID, &size, text.data, text.size) == 1 && size == SIGNATURE;

	EVP_MD_CTX_free(context);
	if (!made)
		return 0;
	memcpy(bytes, key->id, ID);
	return write_line(key, slice(bytes, sizeof(bytes)), ret_line);
}

size_t note_sign_strong(const struct note_key *key, struct fw_slice text, char ret_line[NOTE_STRONG_LINE])
{
	uint8_t *bytes = key->strong_pair != NULL ? mem_alloc(STRONG_SIGNED) : NULL;
	size_t size = 0;

	if (bytes != NULL && mldsa_sign(key->strong_pair, text, bytes + ID + MLDSA_KEY)) {
		memcpy(bytes, key->strong_id, ID);
		memcpy(bytes + ID, key->strong_public, MLDSA_KEY);
		size = write_line(key, slice(bytes, STRONG_SIGNED), ret_line);
	}
	mem_free(bytes);
	return size;
}

/* The text is separated from the signatures by the last empty line. */
bool note_split(struct fw_slice note, struct fw_slice *ret_text, struct fw_slice *ret_lines)
{
	size_t at = note.size;

	if (note.size < 3 || note.data[note.size - 1] != '\n' || !utf8_valid(note.data, note.size))
		return false;
	for (size_t i = 0; i < note.size; i++)
		if (note.data[i] < ' ' && note.data[i] != '\n')
			return false;
	while (at > 1 && !(note.data[at - 1] == '\n' && note.data[at - 2] == '\n'))
		at--;
	if (at < 2 || at == note.size)
		return false;
	*ret_text = slice(note.data, at - 1);
	*ret_lines = slice_from(note, at);
	return true;
}

static bool verify(const struct note_key *key, struct fw_slice text, const uint8_t signature[SIGNATURE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool holds = context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pair) == 1 &&
		     EVP_DigestVerify(context, signature, SIGNATURE, text.data, text.size) == 1;

	EVP_MD_CTX_free(context);
	return holds;
}

static bool verify_strong(const struct note_key *key, struct fw_slice text, struct fw_slice bytes)
{
	struct fw_slice public_key = slice(bytes.data + ID, MLDSA_KEY);
	uint8_t digest[32];

	digest_sha256(public_key, digest);
	return memcmp(digest, key->strong_digest, sizeof(digest)) == 0 &&
	       mldsa_verify(public_key, text, slice(NULL, 0), slice_from(bytes, ID + MLDSA_KEY));
}

/* What is in a line of a key with that id: 1, and its octets; 0: it is another key's; -1: it is no line, or too long.
 */
static int open_line(const struct note_key *key, const uint8_t id[ID], struct fw_slice line, struct fw_slice *ret_text)
{
	size_t name = strlen(key->name), head = LEAD + name + 1;
	uint8_t got[6];

	if (!slice_starts(line, lead) || memchr(line.data + LEAD, ' ', line.size - LEAD) == NULL)
		return -1;
	if (line.size < head + 8 || memcmp(line.data + LEAD, key->name, name) != 0 || line.data[head - 1] != ' ' ||
	    decode_base64((const char *)line.data + head, 8, 0, got) != 6 || memcmp(got, id, ID) != 0)
		return 0;
	*ret_text = slice_from(line, head);
	return 1;
}

/* One line without its LF. What another key signed is no concern of this one, whatever its form (types differ). */
static enum note_result verify_line(const struct note_key *key, struct fw_slice text, struct fw_slice line)
{
	uint8_t bytes[ENCODED / 4 * 3 + 3];
	struct fw_slice encoded;
	int found = open_line(key, key->id, line, &encoded);

	if (found <= 0)
		return found == 0 ? NOTE_UNSIGNED : NOTE_MALFORMED;
	if (encoded.size != ENCODED || decode_base64((const char *)encoded.data, ENCODED, 0, bytes) != ID + SIGNATURE)
		return NOTE_FORGED;
	return verify(key, text, bytes + ID) ? NOTE_HOLDS : NOTE_FORGED;
}

static enum note_result verify_strong_line(const struct note_key *key, struct fw_slice text, struct fw_slice line)
{
	enum note_result result = NOTE_FORGED;
	struct fw_slice encoded;
	uint8_t *bytes;
	int found = key->strong ? open_line(key, key->strong_id, line, &encoded) : 0;

	if (found <= 0)
		return found == 0 ? NOTE_UNSIGNED : NOTE_MALFORMED;
	if (encoded.size != STRONG_SIGNED / 3 * 4)
		return NOTE_FORGED;
	bytes = mem_alloc(STRONG_SIGNED + 3);
	if (bytes == NULL)
		return NOTE_UNCHECKED;
	if (decode_base64((const char *)encoded.data, encoded.size, 0, bytes) == STRONG_SIGNED)
		result = !mldsa_available()					 ? NOTE_UNCHECKED
			 : verify_strong(key, text, slice(bytes, STRONG_SIGNED)) ? NOTE_HOLDS
										 : NOTE_FORGED;
	mem_free(bytes);
	return result;
}

typedef enum note_result verify_function(const struct note_key *key, struct fw_slice text, struct fw_slice line);

static enum note_result verify_lines(const struct note_key *key, struct fw_slice note, verify_function *verify_one)
{
	enum note_result result = NOTE_UNSIGNED, of_line;
	struct fw_slice text, lines;

	if (!note_split(note, &text, &lines))
		return NOTE_MALFORMED;
	for (unsigned count = 0; lines.size != 0; count++) {
		const uint8_t *end = memchr(lines.data, '\n', lines.size);
		size_t size = (size_t)(end - lines.data);

		if (count == NOTE_SIGNATURES)
			return NOTE_MALFORMED;
		of_line = verify_one(key, text, slice(lines.data, size));
		if (of_line == NOTE_FORGED || of_line == NOTE_MALFORMED)
			return of_line;
		if (of_line != NOTE_UNSIGNED)
			result = of_line;
		lines = slice_from(lines, size + 1);
	}
	return result;
}

enum note_result note_verify(const struct note_key *key, struct fw_slice note)
{
	return verify_lines(key, note, verify_line);
}

enum note_result note_verify_strong(const struct note_key *key, struct fw_slice note)
{
	return verify_lines(key, note, verify_strong_line);
}
