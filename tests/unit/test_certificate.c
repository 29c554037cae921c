/* crypto and policy: names of certificates that a client of a test cannot be given (lists twice, lists that cannot be
 * read, short memory), and patterns against a plain model. With real clients: tests/e2e/test_certificate_login.py. */
#include <stdlib.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/certificate.h"
#include "crypto_fixture.h"
#include "policy/policy.h"

static X509 *make(void)
{
	X509 *made = X509_new();

	assert_non_null(made);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
						    (const uint8_t *)"ann", -1, -1, 0),
			 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made), 60));
	return made;
}

static void add_names(X509 *certificate, const char *octets, size_t size)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(value, (const uint8_t *)octets, (int)size);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
}

#define ADD(certificate, octets) add_names(certificate, octets, sizeof(octets) - 1)

static void names(void **state)
{
	X509 *certificate = make();
	struct certificate_facts facts;

	(void)state;
	ADD(certificate, "\x30\x08\x82\x01"
			 "a\x86\x03s:b");
	certificate_read(&arena, certificate, &facts);
	assert_null(facts.certificate.fault);
	assert_int_equal(facts.certificate.name_count, 4);
	assert_int_equal(facts.names[0].kind, FW_NAME_COMMON);
	assert_true(slice_is(facts.names[0].text, "ann"));
	assert_int_equal(facts.names[1].kind, FW_NAME_SUBJECT);
	assert_true(slice_is(facts.names[1].text, "CN=ann"));
	assert_int_equal(facts.names[2].kind, FW_NAME_DNS);
	assert_true(slice_is(facts.names[3].text, "s:b"));
	assert_true(facts.certificate.until_wall_us - facts.certificate.from_wall_us == 120000000);
	X509_free(certificate);
}

static void odd(X509 *certificate, const char *part)
{
	struct certificate_facts facts;

	certificate_read(&arena, certificate, &facts);
	if (facts.certificate.fault == NULL || strstr(facts.certificate.fault, part) == NULL)
		fail_msg("%s, not %s", facts.certificate.fault, part);
	assert_int_equal(facts.certificate.name_count, 0);
	X509_free(certificate);
}

static void what_is_odd(void **state)
{
	X509 *certificate = make();

	(void)state;
	ADD(certificate, "\x30\x03\x82\x01"
			 "a");
	ADD(certificate, "\x30\x03\x82\x01"
			 "b");
	odd(certificate, "or twice");
	certificate = make();
	ADD(certificate, "\x30\x05\x86\x10"
			 "a");
	odd(certificate, "cannot be read");
	certificate = make();
	ADD(certificate, "");
	odd(certificate, "cannot be read");
	certificate = make();
	ADD(certificate, "\x30\x03\x82\x01\x00");
	odd(certificate, "alternative name");
	certificate = make();
	assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "19500101000000Z") |
				 ASN1_TIME_set_string(X509_getm_notAfter(certificate), "500101000000Z"),
			 1);
	odd(certificate, "times");
}

static void memory_that_is_short(void **state)
{
	X509 *certificate = make();
	struct certificate_facts facts;
	bool held = false;

	(void)state;
	for (uint64_t n = 1; !held; n++) {
		struct arena small;

		assert_true(n < 100);
		arena_init(&small, 4096);
		mem_fail_at(n);
		certificate_read(&small, certificate, &facts);
		mem_fail_at(0);
		held = facts.certificate.fault == NULL;
		assert_true(held || facts.certificate.name_count == 0);
		arena_fini(&small);
	}
	X509_free(certificate);
}

/* As the reference says it, and no faster than that. */
static bool model(const char *pattern, const char *name, size_t size, char separator)
{
	if (*pattern == '\0')
		return size == 0;
	if (*pattern != '*')
		return size != 0 && *pattern == *name && model(pattern + 1, name + 1, size - 1, separator);
	for (size_t taken = 1; taken <= size && name[taken - 1] != separator; taken++)
		if (model(pattern + 1, name + taken, size - taken, separator))
			return true;
	return false;
}

static void patterns(void **state)
{
	static const char letters[] = "ab/*";
	unsigned random = 1, matched = 0;

	(void)state;
	for (unsigned n = 0; n < 300000; n++) {
		char pattern[9], name[9];
		size_t size;

		for (char *text = pattern; text != NULL; text = text == pattern ? name : NULL) {
			random = random * 1103515245 + 12345;
			size = (random >> 16) % 8 + 1;
			for (size_t i = 0; i < size; i++) {
				random = random * 1103515245 + 12345;
				text[i] = letters[(random >> 16) % (text == pattern ? 4 : 3)];
			}
			text[size] = '\0';
		}
		if (strstr(pattern, "**") != NULL) /* no configuration has that */
			continue;
		matched += model(pattern, name, strlen(name), '/');
		if (policy_certificate_matches(FW_NAME_URI, pattern, slice_text(name)) !=
		    model(pattern, name, strlen(name), '/'))
			fail_msg("%s and %s", pattern, name);
	}
	assert_in_range(matched, 1000, 300000);
	assert_true(policy_certificate_matches(FW_NAME_DNS, "*.Example.org", slice_text("A.eXample.org")));
	assert_false(policy_certificate_matches(FW_NAME_URI, "s://Example", slice_text("s://example")));
	assert_false(policy_certificate_matches(FW_NAME_URI, "a", slice(NULL, 0)));
	assert_false(policy_certificate_matches(FW_NAME_URI, "a", slice("a\0b", 3)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(names),
		TEST(what_is_odd),
		TEST(memory_that_is_short),
		TEST(patterns),
	};
#undef TEST

	return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
