/* scan/token_jwe, scan/check_timing, scan/client: an encrypted token is one that its key opens; what is noise is no
 * difference; an end is seen behind a ping that can no longer be answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/jose.h"
#include "crypto/seal.h"
#include "scan/check.h"

static const char claims[] = "{\"sub\":\"anybody\"}";

/* Part number `at` of a token, decoded. */
static size_t part(const char *token, unsigned at, uint8_t *ret_octets, const char **ret_text, size_t *ret_size)
{
	for (; at != 0; at--) {
		token = strchr(token, '.');
		assert_non_null(token);
		token++;
	}
	*ret_text = token;
	*ret_size = strcspn(token, ".");
	return (size_t)decode_base64(token, *ret_size, 1, ret_octets);
}

static size_t unwrap(EVP_PKEY *pair, const EVP_MD *digest, struct fw_slice wrapped, uint8_t *ret_key, size_t room)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);

	assert_int_equal(EVP_PKEY_decrypt_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(context, digest), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest), 1);
	assert_int_equal(EVP_PKEY_decrypt(context, ret_key, &room, wrapped.data, wrapped.size), 1);
	EVP_PKEY_CTX_free(context);
	return room;
}

static void opens(struct scan_trial *trial, const char *algorithm, const EVP_MD *digest)
{
	EVP_PKEY *pair = digest != NULL ? token_attacker_key() : NULL;
	char *token = token_encrypted(trial, algorithm, pair, "", slice_text(claims));
	uint8_t header[256], wrapped[1024], key[1024] = { 0 }, nonce[64], sealed[256], plain[256];
	const char *text, *other;
	size_t size, header_size, wrapped_size, sealed_size, other_size;

	assert_non_null(token);
	(void)part(token, 0, header, &text, &header_size);
	assert_non_null(memmem(header, 64, algorithm, strlen(algorithm)));
	wrapped_size = part(token, 1, wrapped, &other, &other_size);
	size = digest != NULL ? unwrap(pair, digest, slice(wrapped, wrapped_size), key, sizeof(key)) : SEAL_KEY;
	assert_int_equal(size, SEAL_KEY);
	assert_int_equal(wrapped_size, digest != NULL ? 256 : 0);
	assert_int_equal(part(token, 2, nonce, &other, &other_size), SEAL_NONCE);
	sealed_size = part(token, 3, sealed, &other, &other_size);
	assert_int_equal(sealed_size, strlen(claims));
	assert_int_equal(part(token, 4, sealed + sealed_size, &other, &other_size), SEAL_TAG);
	assert_true(seal_open(key, nonce, slice(text, header_size), slice(sealed, sealed_size + SEAL_TAG), plain));
	assert_memory_equal(plain, claims, strlen(claims));
	EVP_PKEY_free(pair);
}

static void an_encrypted_token_opens(void **state)
{
	static struct scan_work work;
	static struct scan_trial trial;
	struct scan_result result;
	struct arena arena;
	EVP_PKEY *curve = EVP_EC_gen("P-256");

	(void)state;
	arena_init(&arena, 1 << 20);
	trial_begin(&trial, &work, NULL, 0, &result);
	opens(&trial, "dir", NULL);
	opens(&trial, "RSA-OAEP", EVP_sha1());
	opens(&trial, "RSA-OAEP-256", EVP_sha256());
	assert_null(token_encrypted(&trial, "RSA-OAEP", curve, "", slice_text(claims)));
	trial_pass(&trial, "done");
	assert_int_equal(trial_end(&trial, &arena), FW_OK);
	EVP_PKEY_free(curve);
	arena_fini(&arena);
}

static uint64_t state_of_chance = 20261129;
static uint64_t chance(uint64_t below)
{
	uint64_t mixed = state_of_chance += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (mixed ^ (mixed >> 31)) % below;
}

static int by_size(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Answers of a machine that others load: mostly quick, sometimes one that waited. */
static void answers(unsigned kind, uint64_t base, uint64_t *ret_us, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t us = base + chance(300);

		if (kind == 1) /* waits of a scheduler */
			us += chance(2) * (4000 + chance(4000));
		else if (kind == 2) /* a long tail */
			us += 2000000 / (1 + chance(2000));
		else if (kind == 3) /* anywhere */
			us += chance(200000);
		else if (kind == 4) /* at once, or behind a timer */
			us += chance(2) * 40000;
		ret_us[i] = us;
	}
	qsort(ret_us, count, sizeof(*ret_us), by_size);
}

static void noise_is_no_difference(void **state)
{
	enum { TIMES = 20000 };
	uint64_t one[10], two[10];
	unsigned wrong = 0;

	(void)state;
	for (unsigned kind = 0; kind < 5; kind++)
		for (unsigned i = 0; i < TIMES; i++) {
			answers(kind, 500, one, 10);
			answers(kind, 500, two, 10);
			wrong += check_times_differ(one, two, 10) || check_times_differ(two, one, 10);
		}
	print_message("# %u of %d series without a difference would be a finding\n", wrong, 5 * TIMES);
	assert_true(wrong <= 1);
}

static void a_slow_hash_is_a_difference(void **state)
{
	uint64_t slow[10], fast[10];

	(void)state;
	answers(0, 60000, slow, 10);
	answers(0, 500, fast, 10);
	assert_true(check_times_differ(slow, fast, 10));
	/* One answer of the other kind between them, or less than five milliseconds: no finding. */
	fast[9] = slow[0];
	assert_false(check_times_differ(slow, fast, 10));
	answers(0, 4000, slow, 10);
	answers(0, 500, fast, 10);
	assert_false(check_times_differ(slow, fast, 10));
}

static void an_end_behind_a_ping_is_seen(void **state)
{
	static const uint8_t last[] = { 0x89, 0x00, 0x88, 0x02, 0x03, 0xf0 };
	static struct scan_work work;
	static struct scan_trial trial;
	struct scan_result result;
	struct client_item item;
	struct client *client;
	struct arena arena;
	int pair[2];

	(void)state;
	arena_init(&arena, 1 << 20);
	trial_begin(&trial, &work, NULL, 0, &result);
	client = client_new(&trial, "client", NULL);
	assert_non_null(client);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[1], last, sizeof(last)), sizeof(last));
	close(pair[1]);
	client->link.fd = pair[0];
	client->link.budget = &trial.budget;
	client->open = true;
	item = client_next(client, 1000);
	assert_int_equal(item.event, CLIENT_CLOSED);
	assert_int_equal(item.code, 1008);
	assert_true(client->closed);
	trial_pass(&trial, "done");
	assert_int_equal(trial_end(&trial, &arena), FW_OK);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(an_encrypted_token_opens),
					    cmocka_unit_test(noise_is_no_difference),
					    cmocka_unit_test(a_slow_hash_is_a_difference),
					    cmocka_unit_test(an_end_behind_a_ping_is_seen) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
