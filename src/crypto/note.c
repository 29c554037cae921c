#include "crypto/note.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "crypto/digest.h"

enum { TYPE_ED25519 = 1, ID = 4, SIGNATURE = 64, LEAD = 4, ENCODED = 92 };

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

bool note_key_read(struct fw_slice text, struct note_key *ret_key)
{
	const uint8_t *plus = text.size != 0 ? memchr(text.data, '+', text.size) : NULL;
	uint8_t bytes[NOTE_KEY + 1 + 3];
	char hex[2 * ID];
	size_t name, encoded = (1 + NOTE_KEY + 2) / 3 * 4;

	if (plus == NULL)
		return false;
	name = (size_t)(plus - text.data);
	if (text.size != name + 1 + sizeof(hex) + 1 + encoded || plus[1 + sizeof(hex)] != '+' ||
	    decode_base64((const char *)plus + 2 + sizeof(hex), encoded, 0, bytes) != 1 + NOTE_KEY ||
	    bytes[0] != TYPE_ED25519 || !make_public(slice(text.data, name), bytes + 1, ret_key))
		return false;
	encode_hex(ret_key->id, ID, hex);
	if (memcmp(plus + 1, hex, sizeof(hex)) == 0)
		return true;
	note_key_fini(ret_key);
	return false;
}

size_t note_key_write(const struct note_key *key, char ret_text[NOTE_VERIFIER + 1])
{
	uint8_t bytes[1 + NOTE_KEY];
	size_t at = strlen(key->name);

	memcpy(ret_text, key->name, at);
	ret_text[at++] = '+';
	encode_hex(key->id, ID, ret_text + at);
	at += (size_t)2 * ID;
	ret_text[at++] = '+';
	bytes[0] = TYPE_ED25519;
	memcpy(bytes + 1, key->public_key, NOTE_KEY);
	at += encode_base64(bytes, sizeof(bytes), 0, ret_text + at);
	ret_text[at] = '\0';
	return at;
}

void note_key_fini(struct note_key *key)
{
	EVP_PKEY_free(key->pair);
	key->pair = NULL;
}

size_t note_sign(const struct note_key *key, struct fw_slice text, char ret_line[NOTE_LINE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t bytes[ID + SIGNATURE];
	size_t size = SIGNATURE, at = 0, name = strlen(key->name);
	bool made = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
		    EVP_DigestSign(context, bytes + ID, &size, text.data, text.size) == 1 && size == SIGNATURE;

	EVP_MD_CTX_free(context);
	if (!made)
		return 0;
	memcpy(bytes, key->id, ID);
	memcpy(ret_line, lead, LEAD);
	at += LEAD;
	memcpy(ret_line + at, key->name, name);
	at += name;
	ret_line[at++] = ' ';
	at += encode_base64(bytes, sizeof(bytes), 0, ret_line + at);
	ret_line[at++] = '\n';
	return at;
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

/* One line without its LF. What another key signed is no concern of this one, whatever its form (types differ). */
static enum note_result verify_line(const struct note_key *key, struct fw_slice text, struct fw_slice line)
{
	size_t name = strlen(key->name), head = LEAD + name + 1;
	uint8_t bytes[ENCODED / 4 * 3 + 3], id[6];

	if (!slice_starts(line, lead) || memchr(line.data + LEAD, ' ', line.size - LEAD) == NULL)
		return NOTE_MALFORMED;
	if (line.size < head + 8 || memcmp(line.data + LEAD, key->name, name) != 0 || line.data[head - 1] != ' ' ||
	    decode_base64((const char *)line.data + head, 8, 0, id) != 6 || memcmp(id, key->id, ID) != 0)
		return NOTE_UNSIGNED;
	if (line.size != head + ENCODED ||
	    decode_base64((const char *)line.data + head, ENCODED, 0, bytes) != ID + SIGNATURE)
		return NOTE_FORGED;
	return verify(key, text, bytes + ID) ? NOTE_HOLDS : NOTE_FORGED;
}

enum note_result note_verify(const struct note_key *key, struct fw_slice note)
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
		of_line = verify_line(key, text, slice(lines.data, size));
		if (of_line == NOTE_FORGED || of_line == NOTE_MALFORMED)
			return of_line;
		if (of_line == NOTE_HOLDS)
			result = NOTE_HOLDS;
		lines = slice_from(lines, size + 1);
	}
	return result;
}
