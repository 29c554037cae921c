/* What the keeper keeps and operators see and do: figures, events, the block list, sockets, the quick start. */
#include "keeper_fixture.h"

static void test_metrics_are_the_workers_sums(void **state)
{
	const char *at;
	unsigned samples = 0;

	(void)state;
	for (unsigned i = 0; i < COUNTERS; i++) {
		fx.gate.counters[0][i] = 100 + i;
		fx.gate.counters[1][i] = 1000;
	}
	assert_int_equal(ask("GET", "/metrics", NULL), 200);
	assert_string_equal(header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
#define COUNTER(name, help)                                                                                            \
	{                                                                                                              \
		char line[256];                                                                                        \
		snprintf(line, sizeof(line),                                                                           \
			 "# TYPE framewall_" #name "_total counter\nframewall_" #name "_total %u\n",                   \
			 1100 + COUNT_##name);                                                                         \
		assert_non_null(strstr(body(), line));                                                                 \
		assert_non_null(strstr(body(), "# HELP framewall_" #name "_total " help "\n"));                        \
	}
#define GAUGE(name, help)                                                                                              \
	{                                                                                                              \
		char line[256];                                                                                        \
		snprintf(line, sizeof(line), "# TYPE framewall_" #name " gauge\nframewall_" #name " %u\n",             \
			 1100 + COUNT_##name);                                                                         \
		assert_non_null(strstr(body(), line));                                                                 \
	}
#include "tables/metrics.def"
	assert_non_null(strstr(body(), "\nframewall_build_info{version=\"" FRAMEWALL_VERSION "\"} 1\n"));
	assert_non_null(strstr(body(), "\nframewall_blocked_addresses 0\n"));
	assert_non_null(strstr(body(), "\nframewall_sessions 0\n"));
	assert_non_null(strstr(body(), "\nframewall_workers 2\n"));
	assert_non_null(strstr(body(), "\nframewall_events_total{event=\"auth_success\"} 0\n"));
	for (at = body(); (at = strchr(at, '\n')) != NULL; at++)
		samples++;
	assert_true(samples > 3 * COUNTERS);
	/* a worker that does not answer delays the page, and no more */
	fx.gate.mute = true;
	fx.gate.counters[0][0] = 0;
	assert_int_equal(ask("GET", "/metrics", NULL), 200);
	assert_non_null(strstr(body(), "\nframewall_connections_total 1000\n"));
}

static void send_event(uint16_t type, const char *user)
{
	struct fw_record record = { .wall_us = 1700000000000000,
				    .type = type,
				    .level = event_type_level(type),
				    .source = { 4, { 192, 0, 2, 7 } },
				    .user_id = slice_text(user),
				    .connection_id = 5 };

	memcpy(record.event_id, "0011223344556677", FW_EVENT_ID_SIZE);
	assert_true(ipc_send_record(keeper_records(fx.keeper), &record, 1));
}

static void wait_for_events(int64_t count)
{
	do
		assert_int_equal(ask("GET", "/api/v1/stats", NULL), 200);
	while (number_in("recent_security_events") < count);
}

static void test_stats(void **state)
{
	(void)state;
	fx.gate.counters[0][COUNT_active_connections] = 20;
	fx.gate.counters[1][COUNT_active_connections] = 5;
	fx.gate.counters[1][COUNT_messages_in] = 77;
	for (int i = 0; i < 12; i++)
		send_event(EVENT_auth_failure, "");
	for (int i = 0; i < 5; i++)
		send_event(EVENT_rate_limit_violation, "alice");
	wait_for_events(17);
	assert_int_equal(number_in("active_connections"), 25);
	assert_int_equal(number_in("blocked_ips"), 0);
	assert_int_equal(number_in("recent_security_events"), 17);
	assert_int_equal(number_in("auth_failures_last_hour"), 12);
	assert_int_equal(number_in("rate_limit_violations"), 5);
	assert_int_equal(number_in("sessions"), 0);
	assert_int_equal(number_in("messages_in"), 77);
	assert_int_equal(ask("GET", "/metrics", NULL), 200);
	assert_non_null(strstr(body(), "\nframewall_events_total{event=\"auth_failure\"} 12\n"));
}

static void test_events_newest_first(void **state)
{
	char user[16], text[64];

	(void)state;
	for (int i = 1; i <= 1100; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		send_event(EVENT_auth_success, user);
	}
	wait_for_events(1100);
	do /* what is shown is on the disk, which may take a while */
		assert_int_equal(ask("GET", "/api/v1/events?limit=2", NULL), 200);
	while (strstr(body(), "user1100") == NULL);
	assert_memory_equal(body(), "{\"events\":[{\"timestamp\":\"2023-11-14T22:13:20.000000Z\",\"sequence\":1101,",
			    70);
	assert_non_null(strstr(body(), "\"user_id\":\"user1100\""));
	assert_non_null(strstr(body(), "},{\"timestamp\":\"2023-11-14T22:13:20.000000Z\",\"sequence\":1100,"));
	assert_null(strstr(body(), "user1098"));
	assert_int_equal(ask("GET", "/api/v1/events?limit=1000", NULL), 200);
	assert_non_null(strstr(body(), "\"user101\""));
	assert_null(strstr(body(), "\"user100\"")); /* the last thousand are kept */
	assert_int_equal(ask("GET", "/api/v1/events", NULL), 200);
	assert_non_null(strstr(body(), "\"user1001\""));
	assert_null(strstr(body(), "\"user1000\""));
	for (int i = 0; i < 6; i++) {
		static const char *const bad[] = { "0", "1001", "-1", "x", "", "1&limit=2" };

		snprintf(text, sizeof(text), "/api/v1/events?limit=%s", bad[i]);
		assert_int_equal(ask("GET", text, NULL), 400);
	}
}

/* Stopping writes what waits, and the next start goes on counting. */
static void test_nothing_is_lost_by_stopping(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++)
		send_event(EVENT_data_access, "alice");
	stop_keeper();
	assert_true(file_has("record/security_audit.log", "\"sequence\":1,"));
	start_keeper();
	send_event(EVENT_data_access, "alice");
	stop_keeper();
	{
		char path[300], line[2048], want[32];
		unsigned count = 0;
		FILE *file;

		snprintf(path, sizeof(path), "%s/security_audit.log", fx.record);
		file = fopen(path, "r");
		assert_non_null(file);
		while (fgets(line, sizeof(line), file) != NULL) {
			snprintf(want, sizeof(want), "\"sequence\":%u,", ++count);
			assert_non_null(strstr(line, want));
		}
		fclose(file);
		assert_int_equal(count, 5002); /* the first one names the key that signs */
	}
}

/* A file that may grow no more stands for a full disk: nothing is lost, and who asks is told. */
static void test_a_full_disk_loses_nothing(void **state)
{
	struct rlimit limit = { 200, RLIM_INFINITY };

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 100; i++)
		send_event(EVENT_data_access, "alice");
	while (ask("GET", "/readyz", NULL) != 503)
		;
	assert_string_equal(body(), "{\"status\":\"the record cannot be written\"}\n");
	wait_for_events(100);
	assert_int_equal(ask("GET", "/api/v1/events?limit=1", NULL), 200);
	assert_non_null(strstr(body(), "\"sequence\":101,"));
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (ask("GET", "/readyz", NULL) != 200)
		;
	send_event(EVENT_data_access, "alice");
	stop_keeper();
	for (int i = 1; i <= 102; i++) {
		char want[32];

		snprintf(want, sizeof(want), "\"sequence\":%d,", i);
		assert_true(file_has("record/security_audit.log", want));
	}
}

/* Whoever revokes must know when a connection may still be there. */
static void test_revocations(void **state)
{
	(void)state;
	assert_int_equal(ask("POST", "/api/v1/revocations", "{\"user\":\"a/b\",\"disabled\":true}"), 201);
	fx.gate.full = true;
	assert_int_equal(ask("POST", "/api/v1/revocations", "{\"user\":\"a/b\"}"), 503);
	fx.gate.full = false;
	assert_int_equal(ask("POST", "/api/v1/revocations", "{\"user\":\"a/b\",\"reason\":\"again\"}"), 201);
	assert_int_equal(ask("GET", "/api/v1/revocations", NULL), 200);
	assert_non_null(strstr(body(), "{\"user\":\"a/b\",\"disabled\":true,"));
	assert_int_equal(ask("DELETE", "/api/v1/revocations/a%2fb", NULL), 204);
	assert_int_equal(ask("DELETE", "/api/v1/revocations/a%2fb", NULL), 404);
	for (const char *const *wrong =
		     (const char *const[]){ "{}", "[]", "{\"user\":\"\"}", "{\"user\":5}",
					    "{\"user\":\"a\",\"disabled\":1}", "{\"user\":\"a\",\"usr\":1}",
					    "{\"user\":\"a\\u0000b\"}", NULL };
	     *wrong != NULL; wrong++)
		assert_int_equal(ask("POST", "/api/v1/revocations", *wrong), 400);
}

static void test_blocks(void **state)
{
	struct fw_addr a = { 4, { 192, 0, 2, 1 } }, b;

	(void)state;
	assert_int_equal(ask("POST", "/api/v1/blocks",
			     "{\"address\":\"192.0.2.1\",\"hours\":2,\"reason\":\"port \\u001b[31mscan\\n\"}"),
			 201);
	assert_int_equal(number_in("seconds_left"), 7200);
	assert_true(addr_equal(&fx.gate.ended, &a));
	assert_int_equal(store_admit(fx.store, &a, uv_hrtime()), FW_ANSWER_BLOCKED);
	assert_int_equal(ask("POST", "/api/v1/blocks", "{\"address\":\"2001:db8::1\"}"), 201);
	assert_non_null(strstr(body(), "\"address\":\"2001:db8::/64\""));
	assert_true(addr_parse(slice_text("2001:db8::ffff"), &b));
	assert_int_equal(store_admit(fx.store, &b, uv_hrtime()), FW_ANSWER_BLOCKED);
	assert_int_equal(ask("GET", "/api/v1/blocks", NULL), 200);
	assert_non_null(strstr(body(), "\"address\":\"192.0.2.1\""));
	assert_non_null(strstr(body(), "\"reason\":\"by an operator\""));
	assert_int_equal(ask("GET", "/api/v1/stats", NULL), 200);
	assert_int_equal(number_in("blocked_ips"), 2);
	assert_int_equal(ask("DELETE", "/api/v1/blocks/192.0.2.1", NULL), 204);
	assert_null(header("Content-Length"));
	assert_int_equal(ask("DELETE", "/api/v1/blocks/192.0.2.1", NULL), 404);
	assert_int_equal(ask("DELETE", "/api/v1/blocks/2001%3adb8%3a%3A%2F64", NULL), 204);
	assert_int_equal(store_admit(fx.store, &a, uv_hrtime()), FW_ANSWER_YES);
	stop_keeper();
	assert_true(file_has("record/security_audit.log", "\"event_type\":\"admin_action\""));
	assert_true(file_has("record/security_audit.log",
			     "\"details\":{\"action\":\"block add\",\"through\":\"admin "
			     "port\",\"by\":\"admin.token\",\"address\":\"192.0.2.1\",\"hours\":2,"
			     "\"reason\":\"port \\u001b[31mscan\\u000a\",\"before\":\"null\",\"after\":"));
	assert_true(file_has("record/security_audit.log",
			     "\"action\":\"block remove\",\"through\":\"admin "
			     "port\",\"by\":\"admin.token\",\"address\":\"2001:db8::/64\""));
	assert_true(file_has("record/security_audit.log", "\"source_ip\":\"127.0.0.1\""));
}

static void test_blocks_that_do_not_hold(void **state)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"{}",
		"nonsense",
		"{\"address\":7}",
		"{\"address\":\"example.com\"}",
		"{\"address\":\"192.0.2.0/24\"}",
		"{\"address\":\"192.0.2.1\",\"hours\":0}",
		"{\"address\":\"192.0.2.1\",\"hours\":8761}",
		"{\"address\":\"192.0.2.1\",\"hours\":1.5}",
		"{\"address\":\"192.0.2.1\",\"hours\":\"1\"}",
		"{\"address\":\"192.0.2.1\",\"reason\":5}",
		"{\"address\":\"192.0.2.1\",\"why\":\"x\"}",
		"{\"address\":\"192.0.2.1\",\"reason\":\"a\\u0000b\"}",
		"{\"address\":\"192.0.2.1\",\"address\":\"192.0.2.2\"}",
	};
	static const char *const paths[] = { "192.0.2",
					     "%",
					     "%zz",
					     "example.com",
					     "2001:db8::/48",
					     "..%2f..%2fetc",
					     "1111111111111111111111111111111111111111111111111111111111111" };
	char path[128], long_reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(ask("POST", "/api/v1/blocks", bodies[i]), 400);
	snprintf(long_reason, sizeof(long_reason), "{\"address\":\"192.0.2.1\",\"reason\":\"%0121d\"}", 1);
	assert_int_equal(ask("POST", "/api/v1/blocks", long_reason), 400);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(path, sizeof(path), "/api/v1/blocks/%s", paths[i]);
		assert_int_equal(ask("DELETE", path, NULL), 400);
	}
	assert_int_equal(ask("DELETE", "/api/v1/blocks/", NULL), 404);
	assert_int_equal(store_block_count(fx.store, 0), 0);
	stop_keeper();
	assert_false(file_has("record/security_audit.log", "admin_action"));
}

static void test_the_control_socket(void **state)
{
	int fd = keeper_control_connect(fx.folder);
	struct stat info;
	char path[128];

	(void)state;
	assert_true(fd >= 0);
	send_text(fd, "GET /api/v1/stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(read_answer(fd), 200);
	send_text(fd, "POST /api/v1/blocks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
		      "23\r\n\r\n{\"address\":\"192.0.2.9\"}");
	assert_int_equal(read_answer(fd), 201);
	close(fd);
	snprintf(path, sizeof(path), "%s/control.sock", fx.folder);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	snprintf(path, sizeof(path), "%s/admin.token", fx.folder);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_true(file_has("admin.token", fx.token));
	stop_keeper();
	assert_true(file_has("record/security_audit.log", "\"through\":\"control socket\""));
	assert_int_equal(keeper_control_connect(fx.folder), -1);
}

static void test_one_server_a_data_directory(void **state)
{
	struct keeper_options options = options_of(fx.folder);
	const char *text = NULL;
	char token[64], path[128], other[128];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uv_loop_t loop;
	int fd;

	(void)state;
	uv_loop_init(&loop);
	options.loop = &loop;
	options.admin_host = NULL;
	assert_null(keeper_start(&options, &text));
	assert_non_null(strstr(text, "another framewall runs on this data directory"));
	assert_int_equal(ask("GET", "/healthz", NULL), 200); /* it was not disturbed */
	/* a port that is taken */
	snprintf(other, sizeof(other), "%s/other", fx.folder);
	options = options_of(other);
	options.loop = &loop;
	options.admin_port = fx.port;
	assert_null(keeper_start(&options, &text));
	assert_non_null(strstr(text, "address already in use"));
	assert_int_equal(uv_loop_close(&loop), 0);
	strcpy(token, fx.token);
	stop_keeper();
	/* a socket left over by a crash is replaced, and the token stays */
	snprintf(path, sizeof(path), "%s/control.sock", fx.folder);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	start_keeper();
	assert_string_equal(fx.token, token);
	fd = keeper_control_connect(fx.folder);
	assert_true(fd >= 0);
	close(fd);
	stop_keeper();
	/* a token that is none is made anew */
	snprintf(path, sizeof(path), "%s/admin.token", fx.folder);
	assert_int_equal(truncate(path, 10), 0);
	start_keeper();
	assert_int_equal(strlen(fx.token), 43);
	assert_string_not_equal(fx.token, token);
}

static void test_a_long_path(void **state)
{
	char longer[200];
	int fd;

	(void)state;
	snprintf(longer, sizeof(longer), "%s/%0120d", fx.folder, 1);
	strcpy(fx.record, longer);
	assert_int_equal(mkdir(longer, 0700), 0);
	{
		struct keeper_options options = options_of(longer);
		const char *text = NULL;
		uv_loop_t loop;
		struct keeper *keeper;

		uv_loop_init(&loop);
		options.loop = &loop;
		keeper = keeper_start(&options, &text);
		assert_non_null(keeper);
		fd = keeper_control_connect(longer);
		assert_true(fd >= 0);
		close(fd);
		keeper_stop(keeper);
		assert_int_equal(uv_loop_close(&loop), 0);
	}
}

static void make_code(void)
{
	assert_int_equal(keeper_demo_code(fx.keeper, 2, fx.code), 0);
	assert_int_equal(keeper_demo_code(fx.keeper, 1, fx.code), 22);
}

static void text_in(const char *key, char *ret_text, size_t room)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\"%s\":\"", key);
	at = strstr(body(), start);
	assert_non_null(at);
	at += strlen(start);
	snprintf(ret_text, room, "%.*s", (int)strcspn(at, "\""), at);
}

static void test_the_quick_start_logs_in_once(void **state)
{
	char content[128], token[2048], text[128];
	struct fw_slice subject;
	struct arena arena;
	struct jwt jwt;

	(void)state;
	in_loop(make_code);
	snprintf(content, sizeof(content), "{\"code\":\"%s\"}", fx.code);
	assert_int_equal(ask_with("GET", "/demo", "", NULL), 200);
	assert_int_equal(ask_with("POST", "/demo/login", "", "{\"code\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"), 403);
	assert_int_equal(ask_with("POST", "/demo/login", "", "{\"code\":\"\"}"), 400);
	assert_int_equal(ask_with("POST", "/demo/login", "", "{}"), 400);
	assert_int_equal(ask_with("POST", "/demo/login", "", content), 200);
	text_in("url", text, sizeof(text));
	assert_string_equal(text, "ws://localhost:8765/");
	text_in("user", text, sizeof(text));
	assert_string_equal(text, "bob");
	text_in("token", token, sizeof(token));
	arena_init(&arena, 1 << 20);
	assert_null(jwt_verify(&arena, &fx.policy->jwt, slice_text(token), (uint64_t)time(NULL) * 1000000, &jwt));
	subject = jwt.subject;
	assert_true(slice_is(subject, "bob"));
	assert_true(json_string_is(&jwt.claims, json_member(&jwt.claims, 0, "role", 4), "moderator", 9));
	arena_fini(&arena);
	assert_int_equal(ask_with("POST", "/demo/login", "", content), 403);
	stop_keeper();
	assert_true(file_has("record/security_audit.log", "\"action\":\"demo login\""));
	assert_false(file_has("record/security_audit.log", fx.code));
	assert_false(file_has("record/security_audit.log", token));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_metrics_are_the_workers_sums, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_stats, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_events_newest_first, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_is_lost_by_stopping, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_disk_loses_nothing, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_revocations, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_blocks, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_blocks_that_do_not_hold, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_the_control_socket, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_one_server_a_data_directory, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_a_long_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_quick_start_logs_in_once, set_up_demo, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
