/* Logout tokens and security events cut at each octet and with each of them changed: none of that holds. With every
 * rule broken by itself: tests/e2e/test_logout.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/logout.h"
#include "shell/random.h"
#include "state/store.h"

static uint8_t secret[32] = "0123456789abcdef0123456789abcdef";
static const struct jwt_key key = { .secret = secret, .secret_size = sizeof(secret) };
static const struct jwt_rules rules = { .keys = &key, .key_count = 1, .issuer = "i", .skew_s = 60, .max_size = 8192 };

static struct fw_slice sign_with(const char *header, const char *claims)
{
	static char text[2048];
	uint8_t signature[JOSE_SIGNATURE];
	size_t size = encode_base64((const uint8_t *)header, strlen(header), 1, text), signed_size;

	text[size++] = '.';
	size += encode_base64((const uint8_t *)claims, strlen(claims), 1, text + size);
	signed_size = jose_sign(&key, slice(text, size), signature);
	text[size++] = '.';
	size += encode_base64(signature, signed_size, 1, text + size);
	return slice(text, size);
}

static const char *judge(struct fw_slice token, enum logout_kind kind, struct logout *logout)
{
	struct arena arena;
	const char *cause;

	arena_init(&arena, 1 << 20);
	cause = logout_verify(&arena, &rules, "client", kind, token, UINT64_C(1000) * 1000000, logout);
	arena_fini(&arena);
	return cause;
}

static void nothing_but_the_whole(void **state)
{
	static const char typ[] = "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}";
	static const char claims[] = "{\"iss\":\"i\",\"aud\":[\"client\"],\"iat\":990,\"exp\":1100,\"jti\":\"j\","
				     "\"sub\":\"s\",\"sid\":\"t\","
				     "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}}";
	struct logout logout;
	struct fw_slice token;
	uint8_t copy[2048];

	(void)state;
	token = sign_with(typ, claims);
	assert_true(token.size < sizeof(copy));
	assert_null(judge(token, LOGOUT_TOKEN, &logout));
	assert_int_equal(logout.issued_s, 990);
	assert_int_equal(logout.until_s, 990 + LOGOUT_AGE_S + 60 + 1);
	assert_non_null(judge(token, LOGOUT_EVENT, &logout));
	assert_null(logout.id.data);
	for (size_t size = 0; size < token.size; size++)
		assert_non_null(judge(slice(token.data, size), LOGOUT_TOKEN, &logout));
	for (size_t at = 0; at < token.size; at++) {
		memcpy(copy, token.data, token.size);
		copy[at] ^= 1;
		assert_non_null(judge(slice(copy, token.size), LOGOUT_TOKEN, &logout));
		assert_null(logout.subject.data);
	}
}

static enum fw_answer_code open_with(struct store *store, uint8_t number, uint8_t first, uint8_t second,
				     uint64_t issued_us)
{
	struct store_session session = { .user_id = "u",
					 .user_id_size = 1,
					 .role = "r",
					 .role_size = 1,
					 .issued_wall_us = issued_us,
					 .origin_size = STORE_ORIGIN };
	uint8_t token[32] = { number };
	char evicted[STORE_SESSION_ID];
	size_t size;

	memset(session.origin, first, 16);
	memset(session.origin + 16, second, 16);
	return store_session_open(store, token, &session, (struct fw_time){ .wall_us = 1 }, evicted, &size);
}

/* Whose credential is of before, in either half of where it comes from; and the session remembers it. */
static void what_is_over(void **state)
{
	const struct store_options options = { .max_sessions_per_user = 100, .session_absolute_us = 3600000000u };
	struct fw_random random = random_system();
	struct store *store = store_new(&options, &random);
	struct store_session taken;
	uint8_t mark[16], token[32] = { 1 };

	(void)state;
	assert_int_equal(open_with(store, 1, 7, 8, 100), FW_ANSWER_YES);
	memset(mark, 8, sizeof(mark));
	assert_true(store_logout(store, mark, 100, 1000));
	assert_int_equal(open_with(store, 2, 7, 8, 100), FW_ANSWER_NO);
	assert_int_equal(open_with(store, 2, 8, 9, 0), FW_ANSWER_NO);
	assert_int_equal(open_with(store, 2, 7, 8, 101), FW_ANSWER_YES);
	assert_int_equal(open_with(store, 3, 7, 9, 100), FW_ANSWER_YES);
	assert_int_equal(store_session_take(store, token, (struct fw_time){ .wall_us = 1 }, &taken), FW_ANSWER_YES);
	assert_int_equal(taken.origin_size, STORE_ORIGIN);
	assert_memory_equal(taken.origin + 16, mark, 16);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_but_the_whole), cmocka_unit_test(what_is_over) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
