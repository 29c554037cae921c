/* Which URLs are safe: row 28 of the checklist, with the list that the reference let through or refused wrongly (M4).
 */
#include "policy_of.h"

static struct fw_policy *policy;

static int set_up(void **state)
{
	(void)state;
	policy = policy_of("validation: {blocked_domains: [localhost, 127.0.0.1, '::1', evil.example]}");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fw_policy_unref(policy);
	return 0;
}

static void all(const char *const *urls, size_t count, bool safe)
{
	for (size_t i = 0; i < count; i++)
		if (schema_url_safe(policy, slice_text(urls[i])) != safe)
			fail_msg("%s is judged %s", urls[i], safe ? "unsafe" : "safe");
}
#define SAFE(...)                                                                                                      \
	all((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), true)
#define UNSAFE(...)                                                                                                    \
	all((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), false)

static void measured(void **state)
{
	(void)state;
	UNSAFE("http://127.0.0.2/", "http://2130706433/", "http://[::ffff:127.0.0.1]/",
	       "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/", "http://localhost./");
	SAFE("http://172.200.1.1/", "http://10.example.com/");
}

static void public_urls(void **state)
{
	(void)state;
	SAFE("http://example.com", "https://example.com/", "HTTPS://EXAMPLE.COM/a?b=c#d", "https://example.com:8443/x",
	     "http://a.b?x", "http://a.b#x", "https://user.example.com/@me", "https://8.8.8.8/", "http://172.15.0.1/",
	     "http://172.32.0.1/", "http://192.167.1.1/", "http://11.0.0.1/", "http://100.63.0.1/",
	     "http://100.128.0.1/", "http://[2606:4700::1111]/", "http://[2a00:1450:4001::1]:80/",
	     "http://bücher.example/", "http://例え.テスト/", "http://пример.рф/x", "http://a-b_c.example/",
	     "http://1.2.3.4.example/", "https://ｅｘａｍｐｌｅ.com/", "http://127.0.0.1.example.com/",
	     "http://xn--bcher-kva.example/", "http://example.com/?u=http://x@y", "http://notevil.example/",
	     "http://localhost.example.com/", "http://a.b/%2e%2e/{x}|y");
}

static void schemes(void **state)
{
	(void)state;
	UNSAFE("", "example.com", "//example.com", "/x", "javascript:alert(1)", "JavaScript://example.com/%0aalert(1)",
	       "data:text/html,x", "file:///etc/passwd", "ftp://example.com/", "vbscript:x",
	       "http:", "http:/example.com", "http:example.com", "http//example.com", "https:///example.com",
	       "ws://example.com/", "http\t://example.com/", " http://example.com/", "java\tscript:1", "httpx://a.b/",
	       "h\xc5\xa5tp://a.b/", "http://", "http:///", "http://?x", "http://#x", ":", "://a.b");
}

static void numeric_hosts(void **state)
{
	(void)state;
	UNSAFE("http://127.1/", "http://127.0.1/", "http://0x7f.0.0.1/", "http://0x7f000001/", "http://0177.0.0.1/",
	       "http://017700000001/", "http://0/", "http://1/", "http://127.0.0.1/", "http://127.0.0.1:80/",
	       "http://0x/", "http://1.2.3.0x4/", "http://8.8.8/", "http://08.8.8.8/", "http://8.8.8.010/",
	       "http://8.8.8.256/", "http://8.8.8.8.8/", "http://999999999999/", "http://8.8.8.8./", "http://foo.0x1/",
	       "http://foo.1/", "http://1.2.3.4.5.6/", "http://0X7F.1/");
}

static void private_hosts(void **state)
{
	(void)state;
	UNSAFE("http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/", "http://172.31.255.255/",
	       "http://192.168.0.1/", "http://169.254.0.1/", "http://0.1.2.3/", "http://100.64.0.1/",
	       "http://100.127.255.254/", "http://127.255.255.255/", "http://224.0.0.1/", "http://255.255.255.255/",
	       "http://240.0.0.1/", "http://198.18.0.1/", "http://198.19.255.1/", "http://192.0.0.1/");
	UNSAFE("http://[::1]/", "http://[::]/", "http://[::ffff:8.8.8.8]/", "http://[::ffff:7f00:1]/",
	       "http://[::127.0.0.1]/", "http://[::7f00:1]/", "http://[fe80::1]/", "http://[fec0::1]/",
	       "http://[fc00::1]/", "http://[fd12:3456::1]/", "http://[ff02::1]/", "http://[64:ff9b::7f00:1]/",
	       "http://[2002:7f00:1::]/", "http://[2001:0:1::]/", "http://[2001:db8::1]/", "http://[fe80::1%25eth0]/",
	       "http://[::1", "http://[]/", "http://[::1]x/", "http://[g::1]/", "http://[1.2.3.4]/", "http://::1/",
	       "http://[0:0:0:0:0:0:0:1]/");
	UNSAFE("http://localhost/", "http://LOCALHOST/", "http://localhost:8765/", "http://x.localhost/",
	       "http://printer.local/", "http://metadata.google.internal/", "http://metadata.goog/",
	       "http://[fd00:ec2::254]/", "http://router.home.arpa/", "http://localhost.localdomain/",
	       "http://intranet/", "http://evil.example/", "http://www.EVIL.example/", "http://evil.example:80/x");
}

static void tricks(void **state)
{
	(void)state;
	UNSAFE("http://user@example.com/", "http://user:pw@example.com/", "http://@example.com/",
	       "http://example.com@127.0.0.1/", "http://example.com\\@127.0.0.1/", "http://example.com\\.evil/",
	       "http:\\\\example.com/", "http://exam%70le.com/", "http://127.0.0.1%2f.example.com/",
	       "http://%31%32%37.0.0.1/", "http://example.com./", "http://.example.com/", "http://a..b/",
	       "http://example.com:/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:8a/",
	       "http://example.com:-1/", "http://exa mple.com/", "http://exa\tmple.com/", "http://exa\nmple.com/",
	       "http://example.com/a b", "http://example.com/\"x", "http://example.com/<x>", "http://example.com/`",
	       "http://exa<mple.com/", "http://exa|mple.com/", "http://exa^mple.com/", "http://example.com/\x7f",
	       "http://\xff.com/");
	/* Characters that a browser reads as others, or not at all. */
	UNSAFE("http://１２７.0.0.1/", "http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0｡0｡1/",
	       "http://ｌｏｃａｌｈｏｓｔ/", "http://ⓛocalhost/", "http://ⓔvil.example/", "http://a.ⓔvil.example/",
	       "http://loc\xc2\xad"
	       "alhost/",
	       "http://local\xe2\x80\x8bhost/", "http://①②⑦.0.0.1/", "http://127.0.0.¹/", "http://ℓocalhost/",
	       "http://localho\xc5\xbft/", "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/", "http://evil。example/", "http://ｅｖｉｌ.example/",
	       "http://example.com。/", "http://8.8.8.８/",
	       "http://example\xef\xbc\x8f"
	       "com/",
	       "http://exam\xe2\x84\xa8le.com/", "http://\xef\xbb\xbflocalhost/", "http://𝓁ocalhost.de/",
	       "http://ª.com/");
}

static void long_hosts(void **state)
{
	char url[400] = "http://", label[66];

	(void)state;
	memset(label, 'a', 64);
	strcpy(label + 63, ".");
	for (unsigned i = 0; i < 3; i++)
		strcat(url, label);
	strcat(url, "de/");
	assert_true(schema_url_safe(policy, slice_text(url)));
	strcpy(label + 63, "a.");
	strcat(strcat(strcpy(url, "http://"), label), "de/");
	assert_false(schema_url_safe(policy, slice_text(url)));
	memset(url + 7, 'a', 254);
	for (unsigned i = 0; i < 254; i += 50)
		url[7 + 49 + i] = '.';
	url[7 + 253] = '\0';
	assert_true(schema_url_safe(policy, slice_text(url)));
	strcat(url, "a");
	assert_false(schema_url_safe(policy, slice_text(url)));
}

/* Blocked by the name in ASCII, whatever script it is written in. */
static void other_scripts(void **state)
{
	struct fw_policy *kept = policy;

	(void)state;
	SAFE("http://한국.example/", "http://ตัวอย่าง.example/", "http://தமிழ்நாடு.example/", "http://faß.example/",
	     "http://é.example/");
	policy = policy_of("validation: {blocked_domains: [xn--9ca.example, xn--e1afmkfd.example]}");
	UNSAFE("http://é.example/", "http://a.é.example/", "http://xn--9ca.example/", "http://XN--9CA.example/",
	       "http://e\xcc\x81.example/", "http://É.example/", "http://пример.example/", "http://Пример.example/",
	       "http://é\xc2\xad.example/");
	SAFE("http://è.example/", "http://xn--9ca.example.org/", "http://примеры.example/");
	fw_policy_unref(policy);
	policy = kept;
}

/* Emptied lists are for development: they open what they list and nothing else. */
static void development(void **state)
{
	struct fw_policy *kept = policy;

	(void)state;
	policy = policy_of("validation: {blocked_domains: []}");
	SAFE("http://localhost:3000/", "http://127.0.0.1/", "http://[::1]:80/", "http://intranet/", "http://a.local/");
	UNSAFE("http://10.0.0.1/", "http://169.254.169.254/", "http://168.63.129.16/", "http://0x7f.1/",
	       "http://localhost./", "http://a@localhost/");
	fw_policy_unref(policy);
	policy = policy_of("validation: {blocked_ip_ranges: []}");
	SAFE("http://10.0.0.1/", "http://192.168.1.1/", "http://[fd00::1]/");
	UNSAFE("http://127.0.0.1/", "http://localhost/", "http://169.254.169.254/", "http://0.0.0.0/",
	       "http://[fe80::1]/");
	fw_policy_unref(policy);
	policy = policy_of(
		"validation: {blocked_ip_ranges: [203.0.113.0/24, '2606:4700::/32'], blocked_url_schemes: [http]}");
	UNSAFE("https://203.0.113.9/", "https://[2606:4700::1]/", "http://example.com/", "https://10.0.0.1/");
	SAFE("https://203.0.114.9/", "https://[2606:4701::1]/", "https://example.com/");
	fw_policy_unref(policy);
	policy = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measured),	 cmocka_unit_test(public_urls),	  cmocka_unit_test(schemes),
		cmocka_unit_test(numeric_hosts), cmocka_unit_test(private_hosts), cmocka_unit_test(tricks),
		cmocka_unit_test(long_hosts),	 cmocka_unit_test(development),	  cmocka_unit_test(other_scripts),
	};

	return cmocka_run_group_tests_name("schema_url", tests, set_up, tear_down);
}
