/* tls and upstream.tls in the configuration: what is named, in which order, with which place; no file is read here. */
#include "policy_of.h"

static void nothing_named(void **state)
{
	struct fw_policy *policy = policy_of("");

	(void)state;
	assert_int_equal(policy->certificate_count, 0);
	assert_string_equal(policy->source, "f.yaml");
	assert_int_equal(policy->settings.upstream_tls_verify, VERIFY_ON);
	assert_int_equal(policy->settings.tls_min_version, TLS_1_2);
	assert_string_equal(policy->settings.tls_groups.items[0], "X25519MLKEM768");
	fw_policy_unref(policy);
}

static void in_order(void **state)
{
	struct fw_policy *policy = policy_of("tls:\n"
					     "  certificates:\n"
					     "    - {certificate: b.pem, key: b.key}\n"
					     "    - certificate: c.pem\n"
					     "  certificate: a.pem\n"
					     "  min_version: 1.3\n"
					     "  groups: [P-256]\n");
	const struct policy_certificate *certificates = policy->certificates;

	(void)state;
	assert_int_equal(policy->certificate_count, 3);
	assert_string_equal(certificates[0].certificate, "a.pem");
	assert_string_equal(certificates[0].key, "a.pem"); /* in the same file */
	assert_string_equal(certificates[0].place, "f.yaml");
	assert_string_equal(certificates[1].certificate, "b.pem");
	assert_string_equal(certificates[1].key, "b.key");
	assert_string_equal(certificates[1].place, "f.yaml:3:8");
	assert_string_equal(certificates[2].key, "c.pem");
	assert_string_equal(certificates[2].place, "f.yaml:4:7");
	assert_int_equal(policy->settings.tls_min_version, TLS_1_3);
	assert_int_equal(policy->settings.tls_groups.count, 1);
	fw_policy_unref(policy);
}

static void many(void **state)
{
	static char yaml[16384] = "tls:\n  certificates:\n";
	struct fw_policy *policy;

	(void)state;
	for (unsigned i = 0; i < LIMIT_CERTIFICATES; i++)
		strcat(yaml, "    - {certificate: a, key: b}\n");
	policy = policy_of(yaml);
	assert_int_equal(policy->certificate_count, LIMIT_CERTIFICATES);
	fw_policy_unref(policy);
	refused_for(strcat(yaml, "    - {certificate: a, key: b}\n"), "there are more than 256 certificates");
}

static void refused(void **state)
{
	(void)state;
	refused_for("tls: {certificates: [a.pem]}", "each certificate is a mapping with certificate and key");
	refused_for("tls: {certificates: {certificate: a}}", "\"tls.certificates\" is a list");
	refused_for("tls: {certificates: [{key: a.key}]}", "the PEM file is missing: certificate: FILE");
	refused_for("tls: {certificates: [{certificate: ''}]}", "the name of a PEM file is missing");
	refused_for("tls: {certificates: [{certificate: a, keys: b}]}", "did you mean \"key\"");
	refused_for("tls: {certificates: [{certificate: [a]}]}", "not a list");
	refused_for("tls: {min_version: 1.1}", "\"tls.min_version\" must be one of: 1.2, 1.3; not \"1.1\"");
	refused_for("tls: {key: a.key}", "is of no use without \"tls.certificate\"");
	refused_for("tls: {certificate: a, client_certificate: require}", "name in \"tls.client_ca\" who signs them");
	refused_for("tls: {client_certificate: request, client_ca: a}", "name a \"tls.certificate\"");
	refused_for("upstream: {tls: {key: a.key}}", "is of no use without \"upstream.tls.certificate\"");
	refused_for("upstream: {tls: {verify: false}}",
		    "\"upstream.tls.verify\" must be one of: on, off; not \"false\"");
}

static void warned(void **state)
{
	(void)state;
	fw_policy_unref(policy_of("upstream: {url: 'wss://a.example', tls: {verify: off}}"));
	assert_non_null(strstr(reported,
			       "f.yaml: warning: \"upstream.tls.verify\" is off: anybody between here and the "
			       "upstream can read and change what passes"));
	fw_policy_unref(policy_of("tls: {certificate: a, client_ca: b}"));
	assert_non_null(strstr(reported, "\"tls.client_ca\" has no effect"));
	fw_policy_unref(policy_of("upstream: {url: 'wss://a.example'}"));
	assert_string_equal(reported, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_named), cmocka_unit_test(in_order), cmocka_unit_test(many),
		cmocka_unit_test(refused),	 cmocka_unit_test(warned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
