#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/note.h"
#include "record/checkpoint.h"

/* The example of golang.org/x/mod/sumdb/note, the implementation that the format comes from. */
static const char known_key[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char known_seed[] = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
static const char known_text[] = "If you think cryptography is the answer to your problem,\n"
				 "then you don't know what your problem is.\n";
static const char known_line[] =
	"\xe2\x80\x94 PeterNeumann "
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static void test_the_known_note(void **state)
{
	char note[512], line[NOTE_LINE], text[NOTE_VERIFIER + 1];
	struct note_key verifier, signer;
	uint8_t seed[40];

	(void)state;
	assert_true(note_key_read(slice_text(known_key), &verifier));
	assert_int_equal(note_key_write(&verifier, text), strlen(known_key));
	assert_string_equal(text, known_key);
	snprintf(note, sizeof(note), "%s\n%s", known_text, known_line);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_HOLDS);

	assert_int_equal(decode_base64(known_seed, strlen(known_seed), 0, seed), 33);
	assert_true(note_key_private("PeterNeumann", seed + 1, &signer));
	assert_memory_equal(signer.public_key, verifier.public_key, NOTE_KEY);
	assert_int_equal(note_sign(&signer, slice_text(known_text), line), strlen(known_line));
	assert_memory_equal(line, known_line, strlen(known_line));
	note_key_fini(&verifier);
	note_key_fini(&signer);
}

/* No octet of a note may be another one; only base64 has none that could be left out. */
static void test_every_bit_counts(void **state)
{
	struct note_key verifier;
	char note[512];
	size_t size;

	(void)state;
	assert_true(note_key_read(slice_text(known_key), &verifier));
	size = (size_t)snprintf(note, sizeof(note), "%s\n%s", known_text, known_line);
	for (size_t at = 0; at < size; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			note[at] = (char)(note[at] ^ (1 << bit));
			assert_int_not_equal(note_verify(&verifier, slice(note, size)), NOTE_HOLDS);
			note[at] = (char)(note[at] ^ (1 << bit));
		}
	for (size_t cut = 0; cut < size; cut++)
		assert_int_not_equal(note_verify(&verifier, slice(note, cut)), NOTE_HOLDS);
	note_key_fini(&verifier);
}

static void test_other_signatures(void **state)
{
	static const char other[] = "\xe2\x80\x94 somebody.else/key AAAAAAAA\n";
	struct note_key verifier;
	char note[4096];
	size_t at;

	(void)state;
	assert_true(note_key_read(slice_text(known_key), &verifier));
	snprintf(note, sizeof(note), "%s\n%s%s", known_text, other, known_line);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_HOLDS);
	snprintf(note, sizeof(note), "%s\n%s", known_text, other);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_UNSIGNED);
	/* the same key twice, once wrong: the whole note is refused */
	snprintf(note, sizeof(note), "%s\n%s%s", known_text, known_line, known_line);
	note[strlen(note) - 8] ^= 1;
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_FORGED);
	snprintf(note, sizeof(note), "%s\n%snot a line\n", known_text, known_line);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_MALFORMED);
	snprintf(note, sizeof(note), "%s", known_text);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_MALFORMED);
	/* an empty line within the text */
	snprintf(note, sizeof(note), "one\n\ntwo\n\n%s", other);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_UNSIGNED);
	at = (size_t)snprintf(note, sizeof(note), "%s\n", known_text);
	for (int i = 0; i < 40; i++)
		at += (size_t)snprintf(note + at, sizeof(note) - at, "%s", other);
	assert_int_equal(note_verify(&verifier, slice_text(note)), NOTE_MALFORMED);
	note_key_fini(&verifier);
}

static void test_keys_that_are_none(void **state)
{
	static const char *const texts[] = {
		"",
		"+",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	static const uint8_t seed[NOTE_KEY] = { 1 };
	char name[NOTE_NAME + 2];
	struct note_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(note_key_read(slice_text(texts[i]), &key));
	assert_false(note_key_private("with blank", seed, &key));
	assert_false(note_key_private("with+plus", seed, &key));
	assert_false(note_key_private("", seed, &key));
	memset(name, 'n', sizeof(name));
	name[NOTE_NAME + 1] = '\0';
	assert_false(note_key_private(name, seed, &key));
	name[NOTE_NAME] = '\0';
	assert_true(note_key_private(name, seed, &key));
	note_key_fini(&key);
}

static void test_checkpoints(void **state)
{
	static const uint8_t seeds[2][NOTE_KEY] = { { 1 }, { 2 } };
	const struct note_key *keys[2];
	struct note_key one, two;
	struct checkpoint checkpoint;
	struct merkle_hash root;
	char note[CHECKPOINT_SIZE];
	size_t size;

	(void)state;
	memset(&root, 0xab, sizeof(root));
	assert_true(note_key_private("example.com/log", seeds[0], &one));
	assert_true(note_key_private("example.com/log/epoch/1", seeds[1], &two));
	keys[0] = &one;
	keys[1] = &two;
	size = checkpoint_make(keys, 2, false, 20852163, &root, note);
	assert_true(size > 0 && size <= sizeof(note));
	assert_memory_equal(note, "example.com/log\n20852163\nq6urq6", 31);
	assert_int_equal(note_verify(&one, slice(note, size)), NOTE_HOLDS);
	assert_int_equal(note_verify(&two, slice(note, size)), NOTE_HOLDS);
	assert_true(checkpoint_read(slice(note, size), &checkpoint));
	assert_true(slice_is(checkpoint.origin, "example.com/log"));
	assert_int_equal(checkpoint.size, 20852163);
	assert_memory_equal(checkpoint.root.bytes, root.bytes, MERKLE_HASH);
	note_key_fini(&one);
	note_key_fini(&two);
}

/* A verifier's key of both kinds, whatever OpenSSL has: the digest stands for the key of ML-DSA-65. */
static const char *strong_key(struct note_key *ret_key, char ret_text[NOTE_VERIFIER + 1])
{
	static const uint8_t seed[NOTE_KEY] = { 3 };
	struct note_key key;

	assert_true(note_key_private("example.com/log/epoch/1", seed, &key));
	if (mldsa_available())
		assert_true(note_key_strengthen(&key, seed));
	else
		key.strong = true;
	note_key_write(&key, ret_text);
	if (!key.strong_pair) { /* as note_key_strengthen makes it, with a digest of zeros: its id is found by trying */
		char *id = strchr(ret_text, ' ') + 1 + strlen(key.name) + 1;
		uint8_t bytes[1 + 1 + NOTE_STRONG_NAME + 32] = "\n\xff"
							       "framewall/ml-dsa-65",
							 digest[32];

		digest_sha256_pair(slice_text(key.name), slice(bytes, sizeof(bytes)), digest);
		encode_hex(digest, 4, id);
	}
	*ret_key = key;
	return ret_text;
}

static void test_a_second_key(void **state)
{
	static const char note_text[] = "a text\n";
	char text[NOTE_VERIFIER + 1], again[NOTE_VERIFIER + 1], line[NOTE_LINE], note[2 * NOTE_STRONG_LINE];
	char strong[NOTE_STRONG_LINE + 1];
	struct note_key key, verifier, other;
	size_t size, at, end;

	(void)state;
	strong_key(&key, text);
	assert_true(note_key_read(slice_text(text), &verifier));
	assert_true(verifier.strong);
	note_key_write(&verifier, again);
	assert_string_equal(text, again);
	for (size_t i = 0; text[i] != '\0'; i++) { /* every character of it counts, and none may be missing */
		char was = text[i];

		if (i > 0 && note_key_read(slice(text, i), &other)) {
			assert_true(text[i] == ' '); /* the first key alone is one */
			assert_false(other.strong);
			note_key_fini(&other);
		}
		text[i] = was == 'A' ? 'B' : 'A';
		if (note_key_read(slice_text(text), &other))
			fail_msg("character %zu of %s", i, again);
		text[i] = was;
	}
	at = (size_t)snprintf(note, sizeof(note), "%s\n", note_text);
	at += size = note_sign(&key, slice_text(note_text), line);
	memcpy(note + at - size, line, size);
	assert_int_equal(note_verify(&verifier, slice(note, at)), NOTE_HOLDS);
	assert_int_equal(note_verify_strong(&verifier, slice(note, at)), NOTE_UNSIGNED);
	size = note_sign_strong(&key, slice_text(note_text), strong);
	assert_int_equal(size != 0, mldsa_available());
	if (size == 0) { /* some octets instead of a signature, which nobody can check */
		uint8_t *bytes = calloc(1, 4 + MLDSA_KEY + MLDSA_SIGNATURE);

		assert_non_null(bytes);
		memcpy(bytes, verifier.strong_id, 4);
		size = (size_t)sprintf(strong, "\xe2\x80\x94 %s ", key.name);
		size += encode_base64(bytes, 4 + MLDSA_KEY + MLDSA_SIGNATURE, 0, strong + size);
		strong[size++] = '\n';
		free(bytes);
	}
	memcpy(note + at, strong, size);
	end = at + size;
	assert_int_equal(note_verify(&verifier, slice(note, end)), NOTE_HOLDS);
	assert_int_equal(note_verify_strong(&verifier, slice(note, end)),
			 mldsa_available() ? NOTE_HOLDS : NOTE_UNCHECKED);
	for (size_t i = at + 40; i < end; i += 97) { /* the key, the signature */
		char was = note[i];

		note[i] = was == 'A' ? 'B' : 'A';
		assert_true(note_verify_strong(&verifier, slice(note, end)) != NOTE_HOLDS);
		note[i] = was;
	}
	if (mldsa_available()) {
		note[0] = 'A';
		assert_int_equal(note_verify_strong(&verifier, slice(note, end)), NOTE_FORGED);
		note[0] = 'a';
	}
	/* cut short, and with more behind it */
	memmove(note + end - 5, note + end - 1, 1);
	assert_int_equal(note_verify_strong(&verifier, slice(note, end - 4)), NOTE_FORGED);
	assert_int_equal(note_verify(&verifier, slice(note, end - 4)), NOTE_HOLDS);
	note_key_fini(&verifier);
	note_key_fini(&key);
}

static void test_what_is_no_checkpoint(void **state)
{
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
#define SIGNED "\n\xe2\x80\x94 a AAAAAAAA\n"
	static const char *const bad[] = {
		"",
		"a\n1\n" ROOT "\n",
		"\n1\n" ROOT "\n" SIGNED,
		"a\n01\n" ROOT "\n" SIGNED,
		"a\n-1\n" ROOT "\n" SIGNED,
		"a\n\n" ROOT "\n" SIGNED,
		"a\n18446744073709551616\n" ROOT "\n" SIGNED,
		"a\n1\nAAAA\n" SIGNED,
		"a\n1\n" SIGNED,
		"a\n1\n" ROOT "\n\nmore\n" SIGNED,
	};
	static const char *const good[] = {
		"a\n0\n" ROOT "\n" SIGNED,
		"a\n18446744073709551615\n" ROOT "\n" SIGNED,
		"a\n1\n" ROOT "\nan extension\nand one more\n" SIGNED,
	};
	struct checkpoint checkpoint;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(checkpoint_read(slice_text(bad[i]), &checkpoint));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(checkpoint_read(slice_text(good[i]), &checkpoint));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_known_note),	      cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_other_signatures),      cmocka_unit_test(test_keys_that_are_none),
		cmocka_unit_test(test_a_second_key),	      cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_what_is_no_checkpoint),
	};

	return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
