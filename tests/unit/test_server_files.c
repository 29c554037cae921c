/* server: host:port as people write it, and the key of a data directory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell/random.h"
#include "shell/server_files.h"

static void test_listen_parse(void **state)
{
	static const struct {
		const char *text, *host; /* host NULL: refused */
		unsigned port;
	} cases[] = {
		{ "localhost:8765", "localhost", 8765 },
		{ ":8765", "", 8765 },
		{ "[::1]:0", "::1", 0 },
		{ "0.0.0.0:65535", "0.0.0.0", 65535 },
		{ "example.com:1", "example.com", 1 },
		{ "::1:80", NULL, 0 },
		{ "localhost", NULL, 0 },
		{ "8765", NULL, 0 },
		{ "localhost:", NULL, 0 },
		{ "localhost:65536", NULL, 0 },
		{ "localhost:-1", NULL, 0 },
		{ "localhost:+1", NULL, 0 },
		{ "localhost: 1", NULL, 0 },
		{ "localhost:1x", NULL, 0 },
		{ "localhost:99999999999999999999", NULL, 0 },
		{ "[::1:80", NULL, 0 },
		{ "[]:80", NULL, 0 },
		{ "a b:80", NULL, 0 },
		{ "http://a:80", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char host[256];
		uint16_t port = 7;
		bool ok = server_listen_parse(cases[i].text, host, &port);

		if (ok != (cases[i].host != NULL))
			fail_msg("\"%s\"", cases[i].text);
		if (ok) {
			assert_string_equal(host, cases[i].host);
			assert_int_equal(port, cases[i].port);
		}
	}
}

static void test_listen_long_host(void **state)
{
	char text[300], host[256];
	uint16_t port;

	(void)state;
	memset(text, 'a', sizeof(text));
	strcpy(text + 255, ":1");
	assert_true(server_listen_parse(text, host, &port));
	assert_int_equal(strlen(host), 255);
	text[255] = 'a';
	strcpy(text + 256, ":1");
	assert_false(server_listen_parse(text, host, &port));
}

static void test_jwt_key(void **state)
{
	char folder[] = "/tmp/framewall-test-XXXXXX", data[64], path[96], keys[80];
	uint8_t first[32], second[32];
	struct stat status;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(data, sizeof(data), "%s/data", folder);
	snprintf(keys, sizeof(keys), "%s/keys", data);
	snprintf(path, sizeof(path), "%s/jwt.key", keys);
	assert_int_equal(server_jwt_key(data, first), 0);
	assert_int_equal(server_jwt_key(data, second), 0);
	assert_memory_equal(first, second, sizeof(first));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_nlink, 1);
	assert_int_equal(stat(keys, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	/* A cut key is an error, never silently a new one: tokens that are out would die. */
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(server_jwt_key(data, second), -1);
	assert_int_equal(errno, EINVAL);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("ab", file);
	fclose(file);
	assert_int_equal(server_jwt_key(data, second), -1);
	unlink(path);
	assert_int_equal(server_jwt_key(data, second), 0);
	assert_memory_not_equal(first, second, sizeof(first));
	unlink(path);
	rmdir(keys);
	rmdir(data);
	assert_int_equal(server_jwt_key("/proc/nowhere/x", second), -1);
	rmdir(folder);
}

static void test_random_stock(void **state)
{
	static struct random_stock stock;
	struct fw_random random = random_from(&stock);
	static uint8_t bytes[10000];
	uint8_t a[24], b[24], zero[24] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		random.fill(random.user, a, sizeof(a));
		random.fill(random.user, b, sizeof(b));
		assert_memory_not_equal(a, b, sizeof(a));
		assert_memory_not_equal(a, zero, sizeof(a));
		assert_memory_equal(stock.bytes + stock.left, zero, 24); /* what was handed out is wiped */
	}
	random.fill(random.user, bytes, sizeof(bytes));
	assert_memory_not_equal(bytes, bytes + 5000, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_parse),
		cmocka_unit_test(test_listen_long_host),
		cmocka_unit_test(test_jwt_key),
		cmocka_unit_test(test_random_stock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
