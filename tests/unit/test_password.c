#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "crypto/password.h"

static const struct password_cost least = { 8, 1 };
/* "password", by argon2id_hash_encoded of the reference implementation (libargon2). */
static const char foreign[] =
	"$argon2id$v=19$m=8192,t=1,p=1$c2l4dGVlbiBvY3RldHMhIQ$teI70eMryciPzbCsmM661QZNbUB/rfE05gxA/LtgRgA";

static void test_what_was_hashed_is_known_again(void **state)
{
	char one[PASSWORD_HASH], two[PASSWORD_HASH];

	(void)state;
	assert_int_equal(password_hash(slice_text("correct horse"), &least, one), PASSWORD_RIGHT);
	assert_int_equal(password_hash(slice_text("correct horse"), &least, two), PASSWORD_RIGHT);
	assert_string_not_equal(one, two); /* each has a salt of its own */
	assert_int_equal(password_check(one, slice_text("correct horse")), PASSWORD_RIGHT);
	assert_int_equal(password_check(two, slice_text("correct horse")), PASSWORD_RIGHT);
	assert_int_equal(password_check(one, slice_text("correct horsf")), PASSWORD_WRONG);
	assert_int_equal(password_check(one, slice_text("")), PASSWORD_WRONG);
	assert_int_equal(password_check(one, slice("correct horse\0", 14)), PASSWORD_WRONG);
	assert_true(password_is_of(one, &least));
	assert_false(password_is_of(one, &(struct password_cost){ 9, 1 }));
	assert_false(password_is_of(one, &(struct password_cost){ 8, 2 }));
}

static void test_a_hash_of_another_program(void **state)
{
	(void)state;
	assert_int_equal(password_check(foreign, slice_text("password")), PASSWORD_RIGHT);
	assert_int_equal(password_check(foreign, slice_text("Password")), PASSWORD_WRONG);
}

static void test_what_is_no_hash_is_not_read(void **state)
{
	char hash[PASSWORD_HASH], bent[PASSWORD_HASH + 32];
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "m=8192", "m=1048577" },
		{ "m=8192", "m=9999999" },
		{ "m=8192", "m=99999999999" },
		{ "m=8192", "m=0" },
		{ "m=8192", "m=8193" },
		{ "m=8192", "m=-8192" },
		{ "m=8192", "m=08192" },
		{ "m=8192", "m= 8192" },
		{ "t=1", "t=33" },
		{ "t=1", "t=0" },
		{ "t=1", "t=999" },
		{ "p=1", "p=2" },
		{ "v=19", "v=16" },
		{ "$argon2id$", "$argon2i$" },
		{ "$argon2id$", "argon2id$" },
		{ "$argon2id$", "$argon2d$" },
	};

	(void)state;
	assert_int_equal(password_hash(slice_text("x"), &least, hash), PASSWORD_RIGHT);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		const char *at = strstr(hash, changes[i].from);

		assert_non_null(at);
		snprintf(bent, sizeof(bent), "%.*s%s%s", (int)(at - hash), hash, changes[i].to,
			 at + strlen(changes[i].from));
		assert_int_equal(password_check(bent, slice_text("x")), PASSWORD_UNREADABLE);
		assert_false(password_is_of(bent, &least));
	}
	/* Cut anywhere, or longer. */
	for (size_t size = 0; size < strlen(hash); size++) {
		snprintf(bent, sizeof(bent), "%.*s", (int)size, hash);
		assert_int_equal(password_check(bent, slice_text("x")), PASSWORD_UNREADABLE);
	}
	snprintf(bent, sizeof(bent), "%sA", hash);
	assert_int_equal(password_check(bent, slice_text("x")), PASSWORD_UNREADABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_hashed_is_known_again),
		cmocka_unit_test(test_a_hash_of_another_program),
		cmocka_unit_test(test_what_is_no_hash_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
