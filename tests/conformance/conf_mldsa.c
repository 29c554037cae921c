/* Vectors of Wycheproof: ML-DSA-65. Skipped where OpenSSL has none (before 3.5). */
#include <unistd.h>

#include "crypto/mldsa.h"
#include "wycheproof.h"

static unsigned good;

static void one(const struct json *json, uint32_t group, uint32_t test, bool valid)
{
	bool has_context = json_member(json, test, "ctx", 3) != 0;
	bool holds = mldsa_verify(hex_at(json, group, "publicKey"), hex_at(json, test, "msg"),
				  has_context ? hex_at(json, test, "ctx") : slice(NULL, 0), hex_at(json, test, "sig"));

	if (holds != valid)
		fail_msg("test %lld: %s", (long long)number_at(json, test, "tcId"), valid ? "valid" : "invalid");
	good += holds;
}

static void signatures(void **state)
{
	(void)state;
	assert_int_equal(each("vectors/wycheproof/testvectors_v1/mldsa_65_verify_test.json", one), 210);
	assert_int_equal(good, 79);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(signatures, set_up, tear_down) };
	char folder[4096];

	if (access(vectors_path(folder, "vectors/wycheproof"), R_OK) != 0)
		return vectors_absent(folder);
	if (!mldsa_available()) {
		puts("1..0 # SKIP this OpenSSL has no ML-DSA (before 3.5)");
		return 0;
	}
	return cmocka_run_group_tests_name("ML-DSA-65 vectors", tests, NULL, NULL);
}
