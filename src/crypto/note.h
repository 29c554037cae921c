/* note.h: C2SP signed-note: a text, an empty line, and a line for each key that signed it, with Ed25519 (type 0x01).
 * No clock, no files, no randomness. Any thread; a key may be used by several at once. */
#ifndef CRYPTO_NOTE_H
#define CRYPTO_NOTE_H
#include <framewall/types.h>

enum {
	NOTE_NAME = 127,
	NOTE_KEY = 32,				    /* octets of a public key and of a seed */
	NOTE_VERIFIER = NOTE_NAME + 1 + 8 + 1 + 44, /* "name+id+base64" */
	NOTE_LINE = 4 + NOTE_NAME + 1 + 92 + 1, /* a signature's line with its LF: em dash, name, base64 of 68 octets */
	NOTE_SIGNATURES = 32			/* lines that are looked at */
};

struct note_key {
	char name[NOTE_NAME + 1];
	uint8_t public_key[NOTE_KEY];
	uint8_t id[4];
	struct evp_pkey_st *pair; /* owned */
};

/* The key that signs, from its seed (RFC 8032 5.1.5). False: the name is empty, too long or has blanks, plus or
 * controls, or memory is short; then there is nothing to free. */
bool note_key_private(const char *name, const uint8_t seed[NOTE_KEY], struct note_key *ret_key);
bool note_key_public(const char *name, const uint8_t public_key[NOTE_KEY], struct note_key *ret_key);
/* "name+id+base64", as verifiers of the format take it. */
bool note_key_read(struct fw_slice text, struct note_key *ret_key);
size_t note_key_write(const struct note_key *key,
		      char ret_text[NOTE_VERIFIER + 1]); /* length; a NUL stands behind it */
void note_key_fini(struct note_key *key);

/* The line that signs text, which ends with LF. Its size; 0 when it could not be made. */
size_t note_sign(const struct note_key *key, struct fw_slice text, char ret_line[NOTE_LINE]);
/* The text with its last LF, and the lines behind the empty one. False: it is no note. */
bool note_split(struct fw_slice note, struct fw_slice *ret_text, struct fw_slice *ret_lines);
enum note_result {
	NOTE_HOLDS,
	NOTE_FORGED,   /* a line claims to be this key's and is not */
	NOTE_UNSIGNED, /* this key signed nothing here */
	NOTE_MALFORMED
};
enum note_result note_verify(const struct note_key *key, struct fw_slice note);
#endif
