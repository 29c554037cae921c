/* The admin side as HTTP: credentials, names, requests that do not hold, connections. */
#include "keeper_fixture.h"

static void set_draining(void)
{
	keeper_set_draining(fx.keeper);
}

static void test_health_needs_no_credential(void **state)
{
	(void)state;
	start_keeper();
	assert_int_equal(ask_with("GET", "/healthz", "", NULL), 200);
	assert_string_equal(body(), "{\"status\":\"ok\"}\n");
	assert_int_equal(ask_with("GET", "/readyz", "", NULL), 503);
	assert_string_equal(body(), "{\"status\":\"starting\"}\n");
	in_loop(set_gate);
	assert_int_equal(ask_with("GET", "/readyz", "", NULL), 200);
	in_loop(set_draining);
	assert_int_equal(ask_with("GET", "/readyz", "", NULL), 503);
	assert_string_equal(body(), "{\"status\":\"draining\"}\n");
}

static void test_everything_else_needs_one(void **state)
{
	static const char *const paths[] = { "/metrics", "/api/v1/stats", "/api/v1/events", "/api/v1/blocks" };
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(ask_with("GET", paths[i], "", NULL), 401);
		assert_string_equal(header("WWW-Authenticate"), "Bearer realm=\"framewall\"");
		assert_string_equal(header("Content-Type"), "application/problem+json");
		assert_int_equal(number_in("status"), 401);
		assert_int_equal(ask("GET", paths[i], NULL), 200);
	}
	assert_int_equal(ask_with("POST", "/api/v1/blocks", "", "{\"address\":\"192.0.2.1\"}"), 401);
	assert_int_equal(ask_with("DELETE", "/api/v1/blocks/192.0.2.1", "", NULL), 401);
	snprintf(line, sizeof(line), "Authorization: Bearer %.42sX\r\n", fx.token);
	if (fx.token[42] == 'X')
		line[strlen(line) - 3] = 'Y';
	assert_int_equal(ask_with("GET", "/metrics", line, NULL), 401);
	snprintf(line, sizeof(line), "Authorization: Basic %s\r\n", fx.token);
	assert_int_equal(ask_with("GET", "/metrics", line, NULL), 401);
	snprintf(line, sizeof(line), "Authorization: bearer   %s\r\n", fx.token);
	assert_int_equal(ask_with("GET", "/metrics", line, NULL), 200);
	assert_int_equal(ask_with("GET", "/metrics", "Authorization: Bearer\r\n", NULL), 401);
	assert_int_equal(ask_with("GET", "/metrics", "Authorization: Bearer \r\n", NULL), 401);
	stop_keeper();
	assert_true(file_has("record/security_audit.log", "\"cause\":\"admin token\""));
	assert_true(file_has("record/security_audit.log", "\"event_type\":\"auth_failure\""));
	assert_false(file_has("record/security_audit.log", fx.token));
	assert_false(file_has("record/security_audit.log", "admin_action"));
}

static void test_every_answer_has_the_security_headers(void **state)
{
	static const char *const requests[] = {
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"GET /healthz HTTP/1.1\r\n\r\n",
		"nonsense\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = dial();

		send_text(fd, requests[i]);
		assert_int_not_equal(read_answer(fd), 0);
		assert_non_null(strstr(header("Content-Security-Policy"), "default-src 'none'"));
		assert_null(strstr(header("Content-Security-Policy"), "unsafe-inline"));
		assert_string_equal(header("X-Frame-Options"), "DENY");
		assert_string_equal(header("X-Content-Type-Options"), "nosniff");
		assert_string_equal(header("X-XSS-Protection"), "0");
		assert_string_equal(header("Strict-Transport-Security"), "max-age=31536000; includeSubDomains");
		assert_string_equal(header("Referrer-Policy"), "strict-origin-when-cross-origin");
		assert_string_equal(header("Cache-Control"), "no-store");
		close(fd);
	}
}

/* Another policy than the defaults. */
static int set_up_policies(void **state)
{
	static const char text[] = "security_policies:\n"
				   "  csp: {default_src: \"'none'\", img_src: \"'self' https:\"}\n"
				   "  cors:\n"
				   "    allowed_origins: ['https://board.example:8443', 'https://two.example']\n"
				   "    allowed_methods: [GET, PUT]\n"
				   "    allowed_headers: [Authorization, X-Mine]\n"
				   "    max_age: 77\n"
				   "  headers: {x_frame_options: SAMEORIGIN, x_content_type_options: '',\n"
				   "    x_xss_protection: 1; mode=block, strict_transport_security: max-age=1,\n"
				   "    referrer_policy: no-referrer}\n";
	struct config_options config = { .name = "test", .text = slice_text(text), .report = report };

	if (set_up(state) != 0)
		return -1;
	fw_policy_unref(fx.policy);
	if (config_load(&config, &fx.policy) != FW_OK)
		return -1;
	start_keeper();
	return 0;
}

static void test_answers_have_the_configured_policies(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} rows[] = {
		{ "GET", "/healthz", 200 }, { "GET", "/metrics", 401 }, { "GET", "/none", 404 }, { "PUT", "/", 405 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ask_with(rows[i].method, rows[i].path, "", NULL), rows[i].status);
		assert_string_equal(header("Content-Security-Policy"), "default-src 'none'; img-src 'self' https:");
		assert_string_equal(header("X-Frame-Options"), "SAMEORIGIN");
		assert_null(header("X-Content-Type-Options"));
		assert_string_equal(header("X-XSS-Protection"), "1; mode=block");
		assert_string_equal(header("Strict-Transport-Security"), "max-age=1");
		assert_string_equal(header("Referrer-Policy"), "no-referrer");
		assert_string_equal(header("Vary"), "Origin");
		assert_null(header("Access-Control-Allow-Origin"));
	}
}

static void test_pages_of_listed_origins_may_read_answers(void **state)
{
	(void)state;
	assert_int_equal(ask_with("GET", "/healthz", "Origin: https://two.example\r\n", NULL), 200);
	assert_string_equal(header("Access-Control-Allow-Origin"), "https://two.example");
	assert_int_equal(ask_with("GET", "/metrics", "Origin: https://board.example:8443\r\n", NULL), 401);
	assert_string_equal(header("Access-Control-Allow-Origin"), "https://board.example:8443");
	assert_null(header("Access-Control-Allow-Credentials"));
	assert_int_equal(ask_with("GET", "/healthz", "Origin: https://three.example\r\n", NULL), 200);
	assert_null(header("Access-Control-Allow-Origin"));
	assert_int_equal(ask_with("GET", "/healthz", "Origin: https://board.example\r\n", NULL), 200);
	assert_null(header("Access-Control-Allow-Origin"));
	assert_int_equal(ask_with("GET", "/healthz", "Origin: null\r\n", NULL), 200);
	assert_null(header("Access-Control-Allow-Origin"));
	assert_int_equal(
		ask_with("GET", "/healthz", "Origin: https://two.example\r\nOrigin: https://two.example\r\n", NULL),
		200);
	assert_null(header("Access-Control-Allow-Origin"));
}

#define PREFLIGHT(origin) "Origin: " origin "\r\nAccess-Control-Request-Method: PUT\r\n"

static void test_preflights(void **state)
{
	(void)state;
	assert_int_equal(ask_with("OPTIONS", "/api/v1/blocks", PREFLIGHT("https://two.example"), NULL), 204);
	assert_string_equal(header("Access-Control-Allow-Origin"), "https://two.example");
	assert_string_equal(header("Access-Control-Allow-Methods"), "GET, PUT");
	assert_string_equal(header("Access-Control-Allow-Headers"), "Authorization, X-Mine");
	assert_string_equal(header("Access-Control-Max-Age"), "77");
	assert_string_equal(header("X-Frame-Options"), "SAMEORIGIN");
	assert_null(header("Content-Length"));
	/* A foreign page learns nothing, and neither does who does not ask as a browser does. */
	assert_int_equal(ask_with("OPTIONS", "/api/v1/blocks", PREFLIGHT("https://three.example"), NULL), 405);
	assert_null(header("Access-Control-Allow-Methods"));
	assert_int_equal(ask_with("OPTIONS", "/api/v1/blocks", "Origin: https://two.example\r\n", NULL), 405);
	assert_int_equal(ask_with("OPTIONS", "/api/v1/blocks", "Access-Control-Request-Method: PUT\r\n", NULL), 405);
	/* The request proper still needs its credential. */
	assert_int_equal(ask_with("GET", "/api/v1/blocks", "Origin: https://two.example\r\n", NULL), 401);
}

static void test_without_listed_origins_there_is_no_preflight(void **state)
{
	(void)state;
	assert_int_equal(ask_with("OPTIONS", "/healthz", PREFLIGHT("https://two.example"), NULL), 405);
	assert_null(header("Access-Control-Allow-Origin"));
	assert_null(header("Vary"));
}

static int ask_host(const char *host)
{
	char request[256];
	int fd = dial(), status;

	snprintf(request, sizeof(request), "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	send_text(fd, request);
	status = read_answer(fd);
	close(fd);
	return status;
}

static void test_names_that_can_be_rebound_are_refused(void **state)
{
	(void)state;
	assert_int_equal(ask_host("localhost"), 200);
	assert_int_equal(ask_host("LOCALHOST:1"), 200);
	assert_int_equal(ask_host("127.0.0.1:8766"), 200);
	assert_int_equal(ask_host("[::1]:8766"), 200);
	assert_int_equal(ask_host("evil.example"), 403);
	assert_int_equal(ask_host("localhost.evil.example"), 403);
	assert_int_equal(ask_host("127.0.0.1.evil.example:8766"), 403);
	assert_int_equal(ask_host("192.0.2.1"), 403); /* no listener there */
	assert_int_equal(ask_host("[2001:db8::1]"), 403);
}

static void test_requests_that_do_not_hold(void **state)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
		{ "GET /healthz HTTP/1.1\r\n\r\n", 400 },
		{ "GET /healthz HTTP/1.1\nHost: localhost\n\n", 400 },
		{ "GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n", 505 },
		{ "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
		{ "GET /demo HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
		{ "POST /demo/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 404 },
		{ "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 411 },
		{ "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n", 413 },
		{ "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		  400 },
		{ "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: "
		  "5\r\n\r\n",
		  400 },
	};
	static char large[20000];
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = dial();
		send_text(fd, rows[i].request);
		assert_int_equal(read_answer(fd), rows[i].status);
		assert_string_equal(header("Content-Type"), "application/problem+json");
		close(fd);
	}
	assert_int_equal(ask("PUT", "/api/v1/blocks", "{}"), 405);
	assert_string_equal(header("Allow"), "GET, POST");
	assert_int_equal(ask("PUT", "/api/v1/blocks/192.0.2.1", "{}"), 405);
	assert_string_equal(header("Allow"), "GET, DELETE");
	assert_int_equal(ask_with("POST", "/api/v1/blocks", credential(), NULL), 415);

	memcpy(large, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 36);
	memset(large + 36, 'x', sizeof(large) - 37);
	fd = dial();
	send(fd, large, sizeof(large) - 1, MSG_NOSIGNAL);
	assert_int_equal(read_answer(fd), 431);
	assert_string_equal(header("Connection"), "close");
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	close(fd);
}

static void test_one_connection_many_requests(void **state)
{
	char request[2048] = "";
	int fd = dial();

	(void)state;
	for (int i = 0; i < 3; i++) /* all at once: answered one by one, in order */
		snprintf(request + strlen(request), sizeof(request) - strlen(request),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
			 i == 1	  ? "/metrics"
			 : i == 0 ? "/healthz"
				  : "/api/v1/blocks",
			 credential());
	send_text(fd, request);
	assert_int_equal(read_answer(fd), 200);
	assert_string_equal(body(), "{\"status\":\"ok\"}\n");
	assert_int_equal(read_answer(fd), 200);
	assert_memory_equal(body(), "# HELP", 6);
	assert_int_equal(read_answer(fd), 200);
	assert_string_equal(body(), "{\"blocks\":[]}\n");
	/* a body stands between two requests */
	snprintf(request, sizeof(request),
		 "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: "
		 "application/json\r\nContent-Length: 24\r\n\r\n"
		 "{\"address\":\"192.0.2.33\"}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 credential());
	for (const char *at = request; *at != '\0'; at++) /* octet by octet */
		assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(read_answer(fd), 201);
	assert_int_equal(read_answer(fd), 200);
	assert_null(header("Connection"));
	send_text(fd, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: "
		      "localhost\r\nConnection: close\r\n\r\n");
	assert_int_equal(read_answer_of(fd, true), 200);
	assert_string_equal(header("Content-Length"), "16");
	assert_int_equal(read_answer(fd), 200);
	assert_string_equal(header("Connection"), "close");
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	close(fd);
	fd = dial();
	send_text(fd, "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n");
	assert_int_equal(read_answer(fd), 200);
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	close(fd);
}

static void test_clients_that_go_away(void **state)
{
	char request[512];

	(void)state;
	snprintf(request, sizeof(request), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n%s\r\n", credential());
	fx.gate.mute = true; /* so that the request is waiting when its client goes */
	for (size_t cut = 0; cut <= strlen(request); cut += 7) {
		struct linger now = { 1, 0 };
		int fd = dial();

		if (cut != 0)
			assert_int_equal(send(fd, request, cut, MSG_NOSIGNAL), (ssize_t)cut);
		if (cut % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
	assert_int_equal(ask("GET", "/healthz", NULL), 200);
}

static void test_the_oldest_idle_connection_gives_way(void **state)
{
	int idle[LIMIT_ADMIN_CONNECTIONS], more;

	(void)state;
	for (int i = 0; i < LIMIT_ADMIN_CONNECTIONS; i++) {
		idle[i] = dial();
		send_text(idle[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
		assert_int_equal(read_answer(idle[i]), 200);
	}
	more = dial();
	send_text(more, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(read_answer(more), 200);
	assert_int_equal(recv(idle[0], answer, 1, 0), 0);
	send_text(idle[1], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(read_answer(idle[1]), 200);
	for (int i = 0; i < LIMIT_ADMIN_CONNECTIONS; i++)
		close(idle[i]);
	close(more);
}

static void test_pages(void **state)
{
	(void)state;
	assert_int_equal(ask_with("GET", "/", "", NULL), 200);
	assert_string_equal(header("Content-Type"), "text/html; charset=utf-8");
	assert_non_null(strstr(body(), "<title>Framewall</title>"));
	assert_int_equal(ask_with("GET", "/app.js", "", NULL), 200);
	assert_string_equal(header("Content-Type"), "text/javascript; charset=utf-8");
	assert_int_equal(ask_with("GET", "/app.css", "", NULL), 200);
	assert_string_equal(header("Content-Type"), "text/css; charset=utf-8");
	assert_int_equal(ask_with("GET", "/index.html", "", NULL), 404);
	assert_int_equal(ask_with("GET", "/demo.js", "", NULL), 404); /* only in the quick start */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_health_needs_no_credential, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_everything_else_needs_one, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_every_answer_has_the_security_headers, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_have_the_configured_policies, set_up_policies, tear_down),
		cmocka_unit_test_setup_teardown(test_pages_of_listed_origins_may_read_answers, set_up_policies,
						tear_down),
		cmocka_unit_test_setup_teardown(test_preflights, set_up_policies, tear_down),
		cmocka_unit_test_setup_teardown(test_without_listed_origins_there_is_no_preflight, set_up_running,
						tear_down),
		cmocka_unit_test_setup_teardown(test_names_that_can_be_rebound_are_refused, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_requests_that_do_not_hold, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_one_connection_many_requests, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_clients_that_go_away, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_idle_connection_gives_way, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_pages, set_up_running, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
