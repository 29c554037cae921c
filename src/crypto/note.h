/* note.h: C2SP signed-note: a text, an empty line, and a line for each key that signed it, with Ed25519 (type 0x01).
 * A key may have a second one beside it, of ML-DSA-65, for which the format has no type: it is 0xff and a name, the
 * verifier's key has the SHA-256 of the public key, and the signature the public key before it.
 * No clock, no files, no randomness. Any thread; a key may be used by several at once. */
#ifndef CRYPTO_NOTE_H
#define CRYPTO_NOTE_H
#include "crypto/mldsa.h"

enum {
	NOTE_NAME = 127,
	NOTE_KEY = 32,	       /* octets of a public key and of a seed */
	NOTE_STRONG_NAME = 19, /* of "framewall/ml-dsa-65" */
	NOTE_STRONG_VERIFIER = NOTE_NAME + 1 + 8 + 1 + (1 + NOTE_STRONG_NAME + 32 + 2) / 3 * 4,
	NOTE_VERIFIER = NOTE_NAME + 1 + 8 + 1 + 44 + 1 + NOTE_STRONG_VERIFIER, /* "name+id+base64", and the second */
	NOTE_LINE = 4 + NOTE_NAME + 1 + 92 + 1, /* a signature's line with its LF: em dash, name, base64 of 68 octets */
	NOTE_STRONG_LINE = 4 + NOTE_NAME + 1 + (4 + MLDSA_KEY + MLDSA_SIGNATURE + 2) / 3 * 4 + 1,
	NOTE_SIGNATURES = 32 /* lines that are looked at */
};

struct note_key {
	char name[NOTE_NAME + 1];
	uint8_t public_key[NOTE_KEY];
	uint8_t id[4];
	struct evp_pkey_st *pair; /* owned */
	bool strong;		  /* ML-DSA-65, too */
	uint8_t strong_id[4], strong_digest[32];
	struct evp_pkey_st *strong_pair; /* owned; NULL where it is a verifier's key, or OpenSSL has no ML-DSA */
	uint8_t *strong_public;		 /* owned, beside strong_pair */
};

/* The key that signs, from its seed (RFC 8032 5.1.5). False: the name is empty, too long or has blanks, plus or
 * controls, or memory is short; then there is nothing to free. */
bool note_key_private(const char *name, const uint8_t seed[NOTE_KEY], struct note_key *ret_key);
/* Gives a private key its second one, made of the same seed by a hash. False: OpenSSL has no ML-DSA, or memory is
 * short: the key is as it was. */
bool note_key_strengthen(struct note_key *key, const uint8_t seed[NOTE_KEY]);
bool note_key_public(const char *name, const uint8_t public_key[NOTE_KEY], struct note_key *ret_key);
/* "name+id+base64", as verifiers of the format take it; and, behind a blank, the same of the second key. */
bool note_key_read(struct fw_slice text, struct note_key *ret_key);
size_t note_key_write(const struct note_key *key,
		      char ret_text[NOTE_VERIFIER + 1]); /* length; a NUL stands behind it */
void note_key_fini(struct note_key *key);

/* The line that signs text, which ends with LF. Its size; 0 when it could not be made. */
size_t note_sign(const struct note_key *key, struct fw_slice text, char ret_line[NOTE_LINE]);
/* The line of the second key; 0 when it could not be made. */
size_t note_sign_strong(const struct note_key *key, struct fw_slice text, char ret_line[NOTE_STRONG_LINE]);
/* The text with its last LF, and the lines behind the empty one. False: it is no note. */
bool note_split(struct fw_slice note, struct fw_slice *ret_text, struct fw_slice *ret_lines);
enum note_result {
	NOTE_HOLDS,
	NOTE_FORGED,   /* a line claims to be this key's and is not */
	NOTE_UNSIGNED, /* this key signed nothing here */
	NOTE_MALFORMED,
	NOTE_UNCHECKED /* the second key signed, or pretends to: OpenSSL has no ML-DSA */
};
enum note_result note_verify(const struct note_key *key, struct fw_slice note);
enum note_result note_verify_strong(const struct note_key *key, struct fw_slice note);
#endif
