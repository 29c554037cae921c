/* Requests to providers: what is refused before anybody is asked, and every way in which an answer can be wrong. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/slice.h"
#include "shell/fetch.h"

enum { ROOM = 4096, MOST = 1000 };

/* Answers each request with the same text, over and over on one connection, until the peer closes it. */
static struct {
	int listening;
	uint16_t port;
	const char *answer; /* NULL: none, ever */
	size_t repeat;	    /* times that its last octet is sent once more */
	bool closes;
	_Atomic unsigned connections, requests;
	char request[ROOM];
	pthread_t thread;
} server;

static uv_loop_t loop;
static struct fetcher *fetcher;
static struct {
	unsigned count;
	char fault[1024], body[ROOM];
	int64_t max_age_s;
} got;

/* False: the peer is gone. */
static bool read_request(int fd)
{
	size_t size = 0, whole = SIZE_MAX;

	while (size < whole) {
		ssize_t more = recv(fd, server.request + size, sizeof(server.request) - 1 - size, 0);
		const char *end, *length;

		if (more <= 0)
			return false;
		size += (size_t)more;
		server.request[size] = '\0';
		end = strstr(server.request, "\r\n\r\n");
		length = strstr(server.request, "Content-Length: ");
		if (end != NULL)
			whole = (size_t)(end - server.request) + 4 +
				(length != NULL ? strtoul(length + 16, NULL, 10) : 0);
	}
	server.requests++;
	return true;
}

static void serve_one(int fd)
{
	while (read_request(fd)) {
		size_t size = server.answer != NULL ? strlen(server.answer) : 0;
		const char *last = server.answer != NULL ? server.answer + size - 1 : NULL;

		if (size != 0 && send(fd, server.answer, size, MSG_NOSIGNAL) < 0)
			return;
		for (size_t i = 0; i < server.repeat; i++)
			if (send(fd, last, 1, MSG_NOSIGNAL) < 0)
				return;
		if (server.closes)
			return;
	}
}

static void *serve(void *unused)
{
	int fd;

	(void)unused;
	while ((fd = accept(server.listening, NULL, NULL)) >= 0) {
		server.connections++;
		serve_one(fd);
		close(fd);
	}
	return NULL;
}

static int set_up(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);

	(void)state;
	memset(&server, 0, sizeof(server));
	memset(&got, 0, sizeof(got));
	server.listening = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(server.listening, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(server.listening, 100) != 0 ||
	    getsockname(server.listening, (struct sockaddr *)&address, &size) != 0 ||
	    pthread_create(&server.thread, NULL, serve, NULL) != 0)
		return -1;
	server.port = ntohs(address.sin_port);
	uv_loop_init(&loop);
	fetcher = fetcher_new(&loop);
	return fetcher != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	fetcher_stop(fetcher);
	while (!fetcher_closed(fetcher))
		uv_run(&loop, UV_RUN_ONCE);
	fetcher = fetcher_free(fetcher);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	shutdown(server.listening, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listening);
	return 0;
}

static void done(void *user, const struct fetch_result *result)
{
	(void)user;
	got.count++;
	snprintf(got.fault, sizeof(got.fault), "%s", result->fault != NULL ? result->fault : "");
	snprintf(got.body, sizeof(got.body), "%.*s", (int)result->body.size,
		 result->body.size != 0 ? (const char *)result->body.data : "");
	got.max_age_s = result->max_age_s;
}

static struct fetch_options options_of(const char *url)
{
	return (struct fetch_options){ .url = url,
				       .allow_http = true,
				       .allow_private = true,
				       .timeout_ms = 20000,
				       .most = MOST,
				       .types = { "application/json", "application/jwk-set+json" },
				       .done = done };
}

static const char *url_of(const char *host)
{
	static char url[128];

	snprintf(url, sizeof(url), "http://%s:%u/keys", host, server.port);
	return url;
}

static void fetch(const struct fetch_options *options)
{
	unsigned before = got.count;

	assert_non_null(fetch_start(fetcher, options));
	while (got.count == before)
		uv_run(&loop, UV_RUN_ONCE);
}

/* One answer, on a connection of its own. */
static void answered(const char *answer)
{
	struct fetch_options options = options_of(url_of("127.0.0.1"));

	server.closes = true;
	server.answer = answer;
	fetch(&options);
}

static void refused(const char *answer, const char *why)
{
	answered(answer);
	if (strstr(got.fault, why) == NULL)
		print_error("\"%s\" says nothing of \"%s\"\n", got.fault, why);
	assert_non_null(strstr(got.fault, why));
	assert_non_null(strstr(got.fault, url_of("127.0.0.1")));
	assert_string_equal(got.body, "");
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

static void test_an_answer(void **state)
{
	(void)state;
	answered(HEAD "Content-Length: 2\r\nCache-Control: public, MAX-AGE=300\r\nAge: 10\r\n\r\n{}");
	assert_string_equal(got.fault, "");
	assert_string_equal(got.body, "{}");
	assert_int_equal(got.max_age_s, 290);
	assert_non_null(strstr(server.request, "GET /keys HTTP/1.1\r\n"));
	answered("HTTP/1.1 200 OK\r\nContent-Type: Application/JWK-Set+json; charset=utf-8\r\nContent-Length: 2\r\n"
		 "\r\n[]");
	assert_string_equal(got.body, "[]");
	assert_int_equal(got.max_age_s, -1);
}

static void test_ages(void **state)
{
	static const struct {
		const char *header;
		int64_t age;
	} rows[] = {
		{ "Cache-Control: max-age=0", 0 },
		{ "Cache-Control: max-age=60, no-store", 0 },
		{ "Cache-Control: no-cache", 0 },
		{ "Cache-Control: max-age=\"60\"", 60 },
		{ "Cache-Control: s-maxage=9, private", -1 },
		{ "Cache-Control: max-age=-5", -1 },
		{ "Cache-Control: max-age=", -1 },
		{ "Cache-Control: max-age=1h", -1 },
		{ "Cache-Control: ,,max-age=7,", 7 },
		{ "Cache-Control: max-age=99999999999999999999999999", 1000000000 },
		{ "Cache-Control: max-age=60\r\nAge: 61", 0 },
		{ "Cache-Control: max-age=60\r\nAge: -1", 60 },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), HEAD "Content-Length: 2\r\n%s\r\n\r\n{}", rows[i].header);
		answered(text);
		assert_string_equal(got.fault, "");
		if (got.max_age_s != rows[i].age)
			print_error("%s\n", rows[i].header);
		assert_int_equal(got.max_age_s, rows[i].age);
	}
	/* What is said before the answer says nothing of it. */
	answered("HTTP/1.1 103 Early Hints\r\nCache-Control: max-age=5, no-store\r\n\r\n" HEAD
		 "Content-Length: 2\r\n\r\n{}");
	assert_int_equal(got.max_age_s, -1);
}

static void test_wrong_answers(void **state)
{
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
		 url_of("127.0.0.1"));
	refused(text, "answered 302, a redirect, which is not followed");
	assert_int_equal(server.requests, 1);
	refused("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
		"answered 404");
	refused("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/html\r\n\r\n{}",
		"answered with Content-Type text/html, not application/json");
	refused("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "Content-Type (none)");
	refused(HEAD "Content-Length: 1001\r\n\r\n{}", "more than 1000 octets");
	refused(HEAD "Content-Length: 100\r\n\r\n{}", "transfer closed");
	refused("SSH-2.0-OpenSSH_9.2\r\n", "HTTP/0.9");
	refused("", "Empty reply");
	server.repeat = 2000; /* without a length */
	refused(HEAD "\r\n ", "more than 1000 octets");
	server.repeat = 200000; /* one line */
	refused(HEAD "X: y", "a line of the head of the answer is too long");
	server.repeat = 0;
}

static void test_long_head(void **state)
{
	static char text[LIMIT_FETCH_HEAD + 1024];
	char *at = stpcpy(text, HEAD);

	(void)state;
	while (at < text + LIMIT_FETCH_HEAD)
		at = stpcpy(at, "X-Again: and again and again\r\n");
	stpcpy(at, "Content-Length: 2\r\n\r\n{}");
	refused(text, "the head of the answer has more than 65536 octets");
}

/* No answer at all: the time ends it. */
static void test_time(void **state)
{
	struct fetch_options options = options_of(url_of("127.0.0.1"));

	(void)state;
	options.timeout_ms = 50;
	fetch(&options);
	assert_non_null(strstr(got.fault, "timed out"));
	server.answer = HEAD "Content-Length: 100\r\n\r\n{";
	fetch(&options);
	assert_non_null(strstr(got.fault, "timed out"));
}

static void test_refused_addresses(void **state)
{
	static const struct {
		const char *host, *why;
	} rows[] = {
		{ "127.0.0.1", "the address 127.0.0.1 is one of this machine; allow_private" },
		{ "localhost", "is one of this machine" },
		{ "2130706433", "is one of this machine" },
		{ "0x7f.1", "is one of this machine" },
		{ "[::1]", "the address ::1 is one of this machine" },
		{ "[::ffff:127.0.0.1]", "the address 127.0.0.1 is one of this machine" },
		{ "10.0.0.1", "is one of a private network" },
		{ "192.168.1.1", "is one of a private network" },
		{ "[fd00::1]", "is one of a private network" },
		{ "169.254.169.254", "is one of no host on the Internet" },
		{ "[fe80::1]", "is one of no host on the Internet" },
		{ "[64:ff9b::7f00:1]", "is one of no host on the Internet" },
		{ "0.0.0.0", "is one of no host on the Internet" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fetch_options options = options_of(url_of(rows[i].host));

		options.allow_private = false;
		fetch(&options);
		if (strstr(got.fault, rows[i].why) == NULL)
			print_error("%s: %s\n", rows[i].host, got.fault);
		assert_non_null(strstr(got.fault, rows[i].why));
	}
	/* Even where private ones are allowed: what looks up the keys of a cloud machine. */
	for (size_t i = 9; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fetch_options options = options_of(url_of(rows[i].host));

		fetch(&options);
		assert_non_null(strstr(got.fault, rows[i].why));
	}
	assert_int_equal(server.connections, 0);
}

/* What one request may use is not there for the next, which may not. */
static void test_kept_connection(void **state)
{
	struct fetch_options options = options_of(url_of("127.0.0.1"));

	(void)state;
	server.answer = HEAD "Content-Length: 2\r\n\r\n{}";
	fetch(&options);
	fetch(&options);
	assert_string_equal(got.fault, "");
	assert_int_equal(server.connections, 1); /* it is kept */
	options.allow_private = false;
	fetch(&options);
	assert_non_null(strstr(got.fault, "is one of this machine"));
	assert_int_equal(server.connections, 1);
	assert_int_equal(server.requests, 2);
}

static void test_schemes(void **state)
{
	static const char *const urls[] = {
		"http://127.0.0.1:%u/",	    "ftp://127.0.0.1:%u/",   "file:///etc/hostname",
		"gopher://127.0.0.1:%u/_x", "dict://127.0.0.1:%u/x", "HTTP://127.0.0.1:%u/"
	};
	char url[128];

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct fetch_options options = options_of(url);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(url, sizeof(url), urls[i], server.port);
#pragma GCC diagnostic pop
		options.allow_http = false;
		fetch(&options);
		assert_non_null(strstr(got.fault, "rotocol"));
	}
	assert_int_equal(server.connections, 0);
}

/* A server that speaks no TLS is no server of https. */
static void test_plain_under_tls(void **state)
{
	struct fetch_options options;
	char url[128];

	(void)state;
	server.answer = HEAD "Content-Length: 2\r\n\r\n{}";
	server.closes = true;
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
	options = options_of(url);
	options.timeout_ms = 500; /* the server waits for the end of a line */
	fetch(&options);
	assert_string_not_equal(got.fault, "");
	assert_string_equal(got.body, "");
}

static void test_no_proxy(void **state)
{
	static const char *const names[] = { "http_proxy", "all_proxy", "ALL_PROXY" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		setenv(names[i], "http://127.0.0.1:1/", 1);
	answered(HEAD "Content-Length: 2\r\n\r\n{}");
	assert_string_equal(got.fault, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
}

static void test_post(void **state)
{
	struct fetch_options options = options_of(url_of("127.0.0.1"));

	(void)state;
	options.form = slice_text("token=abc&x=%00");
	options.authorization = "Basic YTpi";
	server.answer = HEAD "Content-Length: 2\r\n\r\n{}";
	fetch(&options);
	assert_string_equal(got.body, "{}");
	assert_non_null(strstr(server.request, "POST /keys HTTP/1.1\r\n"));
	assert_non_null(strstr(server.request, "\r\nAuthorization: Basic YTpi\r\n"));
	assert_non_null(strstr(server.request, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_null(strstr(server.request, "Expect:"));
	assert_string_equal(strstr(server.request, "\r\n\r\n"), "\r\n\r\ntoken=abc&x=%00");
}

static void test_bounded_and_cancelled(void **state)
{
	struct fetch_options options = options_of(url_of("127.0.0.1"));
	struct fetch *all[LIMIT_FETCHES];

	(void)state;
	for (size_t i = 0; i < LIMIT_FETCHES; i++)
		assert_non_null(all[i] = fetch_start(fetcher, &options));
	assert_null(fetch_start(fetcher, &options));
	uv_run(&loop, UV_RUN_NOWAIT);
	for (size_t i = 0; i < LIMIT_FETCHES - 1; i++)
		fetch_cancel(all[i]);
	assert_non_null(fetch_start(fetcher, &options));
	/* Two go on: whoever stops does not wait for them. */
	fetcher_stop(fetcher);
	assert_null(fetch_start(fetcher, &options));
	assert_int_equal(got.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_head, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_schemes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plain_under_tls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_proxy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_post, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounded_and_cancelled, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
