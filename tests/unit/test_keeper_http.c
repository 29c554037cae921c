#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/event_type.h"
#include "base/limits.h"
#include "base/slice.h"
#include "codec/json.h"
#include "engine/counters.h"
#include "policy/config.h"
#include "shell/gate.h"
#include "shell/keeper.h"
#include "shell/random.h"

enum { ANSWER = 1 << 20, WORKERS = 2 };

/* A gate of two workers that have the counters the test gives them. */
struct gate {
	struct keeper *keeper;
	bool mute; /* a worker does not answer */
	uint64_t counters[WORKERS][COUNTERS];
	struct fw_addr ended;
};

unsigned gate_workers(const struct gate *gate)
{
	(void)gate;
	return WORKERS;
}

void gate_tell(struct gate *gate, int worker, enum ipc_type type, const void *payload, size_t size, struct fw_slice tail)
{
	(void)worker;
	(void)tail;
	if (type == IPC_END_ADDRESS && size == sizeof(struct ipc_end_address))
		gate->ended = ((const struct ipc_end_address *)payload)->address;
	for (uint16_t i = 0; type == IPC_ASK_FIGURES && i < (gate->mute ? 1 : WORKERS); i++) {
		struct ipc_figures figures = { .worker = i };

		memcpy(figures.counters, gate->counters[i], sizeof(gate->counters[i]));
		ipc_send(keeper_figures(gate->keeper), IPC_FIGURES, &figures, sizeof(figures), slice(NULL, 0), false);
	}
}

/* What a test runs on: a keeper on a loop in a thread of its own. */
static struct fixture {
	char folder[64], record[256];
	struct fw_policy *policy;
	struct store *store;
	struct keeper *keeper;
	struct keeper_demo demo;
	struct gate gate;
	uv_loop_t loop;
	uv_thread_t thread;
	uv_async_t call;
	uv_sem_t done;
	void (*function)(void);
	uint16_t port;
	char token[64];
	char code[40];
	bool running;
} fx;

static char answer[ANSWER];

static void on_call(uv_async_t *async)
{
	(void)async;
	fx.function();
	uv_sem_post(&fx.done);
}

static void in_loop(void (*function)(void))
{
	fx.function = function;
	uv_async_send(&fx.call);
	uv_sem_wait(&fx.done);
}

static void run(void *user)
{
	(void)user;
	uv_run(&fx.loop, UV_RUN_DEFAULT);
}

static void stop_loop(void)
{
	uv_stop(&fx.loop);
}

static void report(void *user, const char *text)
{
	(void)user;
	print_error("%s\n", text);
}

static struct keeper_options options_of(const char *folder)
{
	return (struct keeper_options){
		.loop = &fx.loop,
		.policy = fx.policy,
		.store = fx.store,
		.data_directory = folder,
		.record_directory = fx.record,
		.admin_host = "127.0.0.1",
		.random = random_system(),
		.demo = fx.demo.user_count != 0 ? &fx.demo : NULL,
	};
}

static void start_keeper(void)
{
	struct keeper_options options = options_of(fx.folder);
	const char *text = NULL;

	uv_loop_init(&fx.loop);
	uv_async_init(&fx.loop, &fx.call, on_call);
	uv_sem_init(&fx.done, 0);
	fx.keeper = keeper_start(&options, &text);
	if (fx.keeper == NULL)
		print_error("%s\n", text);
	assert_non_null(fx.keeper);
	fx.port = keeper_port(fx.keeper);
	assert_true(fx.port != 0);
	snprintf(fx.token, sizeof(fx.token), "%s", keeper_admin_token(fx.keeper));
	fx.gate.keeper = fx.keeper;
	assert_int_equal(uv_thread_create(&fx.thread, run, NULL), 0);
	fx.running = true;
}

static void stop_keeper(void)
{
	if (!fx.running)
		return;
	in_loop(stop_loop);
	uv_thread_join(&fx.thread);
	keeper_stop(fx.keeper);
	uv_close((uv_handle_t *)&fx.call, NULL);
	uv_run(&fx.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&fx.loop), 0);
	uv_sem_destroy(&fx.done);
	fx.running = false;
}

static void set_gate(void)
{
	keeper_set_gate(fx.keeper, &fx.gate);
}

static int set_up(void **state)
{
	static const uint8_t secret[32] = "0123456789abcdef0123456789abcdef";
	struct config_options config = { .name = "test", .default_jwt_secret = slice(secret, sizeof(secret)), .report = report };
	struct store_options store = { .max_connections = 100, .max_connections_per_ip = 10, .auth_rate = gcra_per(5, 60000000000u),
				       .max_sessions_per_user = 5, .session_absolute_us = 3600000000u };
	struct fw_random random = random_system();

	(void)state;
	memset(&fx, 0, sizeof(fx));
	strcpy(fx.folder, "/tmp/framewall-keeper-XXXXXX");
	if (mkdtemp(fx.folder) == NULL || config_load(&config, &fx.policy) != FW_OK)
		return -1;
	snprintf(fx.record, sizeof(fx.record), "%s/record", fx.folder);
	fx.store = store_new(&store, &random);
	return 0;
}

static int set_up_running(void **state)
{
	if (set_up(state) != 0)
		return -1;
	start_keeper();
	in_loop(set_gate);
	return 0;
}

static int set_up_demo(void **state)
{
	if (set_up(state) != 0)
		return -1;
	fx.demo = (struct keeper_demo){ { { "alice", "user" }, { "bob", "moderator" } }, 2, 8765 };
	start_keeper();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	stop_keeper();
	fw_policy_unref(fx.policy);
	store_free(fx.store);
	snprintf(command, sizeof(command), "rm -rf '%s'", fx.folder);
	return system(command);
}

static int dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(fx.port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	size_t size = strlen(text);

	assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

static const char *header(const char *name)
{
	static char value[1024];
	char start[64];
	const char *at, *head_end = strstr(answer, "\r\n\r\n");

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strstr(answer, start);
	if (at == NULL || at > head_end)
		return NULL;
	at += strlen(start);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

/* Reads one answer into answer[]; returns its status, 0 when the connection was closed instead. */
static int read_answer_of(int fd, bool head_only)
{
	size_t size = 0, whole = SIZE_MAX;

	memset(answer, 0, sizeof(answer) < 4096 ? sizeof(answer) : 4096);
	while (size < whole) {
		/* one octet of head at a time, so that nothing of the next answer is taken */
		size_t most = whole == SIZE_MAX ? 1 : whole - size;
		ssize_t got = recv(fd, answer + size, most, 0);

		if (got <= 0)
			return 0;
		size += (size_t)got;
		answer[size] = '\0';
		if (whole == SIZE_MAX && size >= 4 && memcmp(answer + size - 4, "\r\n\r\n", 4) == 0) {
			const char *length = header("Content-Length");

			whole = size + (length != NULL && !head_only ? strtoul(length, NULL, 10) : 0);
			assert_true(whole < sizeof(answer));
		}
	}
	assert_memory_equal(answer, "HTTP/1.1 ", 9);
	return atoi(answer + 9);
}

static int read_answer(int fd)
{
	return read_answer_of(fd, false);
}

static const char *body(void)
{
	return strstr(answer, "\r\n\r\n") + 4;
}

/* One request on a connection of its own. body NULL: none. extra: header lines. */
static int ask_with(const char *method, const char *path, const char *extra, const char *content)
{
	char request[4096];
	int fd = dial(), status;

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost:%u\r\n%s", method, path, fx.port, extra);
	if (content != NULL)
		snprintf(request + strlen(request), sizeof(request) - strlen(request),
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(content));
	snprintf(request + strlen(request), sizeof(request) - strlen(request), "\r\n%s", content != NULL ? content : "");
	send_text(fd, request);
	status = read_answer_of(fd, strcmp(method, "HEAD") == 0);
	close(fd);
	return status;
}

static const char *credential(void)
{
	static char line[128];

	snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", fx.token);
	return line;
}

static int ask(const char *method, const char *path, const char *content)
{
	return ask_with(method, path, credential(), content);
}

static int64_t number_in(const char *key)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\"%s\":", key);
	at = strstr(body(), start);
	assert_non_null(at);
	return strtoll(at + strlen(start), NULL, 10);
}

static bool file_has(const char *name, const char *text)
{
	static char content[ANSWER];
	char path[256];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", fx.folder, name);
	file = fopen(path, "r");
	assert_non_null(file);
	size = fread(content, 1, sizeof(content) - 1, file);
	content[size] = '\0';
	fclose(file);
	return strstr(content, text) != NULL;
}

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
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n",        "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"GET /healthz HTTP/1.1\r\n\r\n",                    "nonsense\r\n\r\n",
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
		{ "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400 },
		{ "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 400 },
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
	assert_int_equal(ask("GET", "/api/v1/blocks/192.0.2.1", NULL), 405);
	assert_string_equal(header("Allow"), "DELETE");
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
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", i == 1 ? "/metrics" : i == 0 ? "/healthz" : "/api/v1/blocks",
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
		 "POST /api/v1/blocks HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\nContent-Length: 24\r\n\r\n"
		 "{\"address\":\"192.0.2.33\"}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", credential());
	for (const char *at = request; *at != '\0'; at++) /* octet by octet */
		assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(read_answer(fd), 201);
	assert_int_equal(read_answer(fd), 200);
	assert_null(header("Connection"));
	send_text(fd, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
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
#define COUNTER(name, help)                                                                                             \
	{                                                                                                               \
		char line[256];                                                                                         \
		snprintf(line, sizeof(line), "# TYPE framewall_" #name "_total counter\nframewall_" #name "_total %u\n", \
			 1100 + COUNT_##name);                                                                           \
		assert_non_null(strstr(body(), line));                                                                  \
		assert_non_null(strstr(body(), "# HELP framewall_" #name "_total " help "\n"));                         \
	}
#define GAUGE(name, help)                                                                                               \
	{                                                                                                               \
		char line[256];                                                                                         \
		snprintf(line, sizeof(line), "# TYPE framewall_" #name " gauge\nframewall_" #name " %u\n", 1100 + COUNT_##name); \
		assert_non_null(strstr(body(), line));                                                                  \
	}
#include "tables/metrics.def"
#undef COUNTER
#undef GAUGE
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
	struct fw_record record = { .wall_us = 1700000000000000, .type = type, .level = event_type_level(type),
				    .source = { 4, { 192, 0, 2, 7 } }, .user_id = slice_text(user), .connection_id = 5 };

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
	assert_int_equal(ask("GET", "/api/v1/events?limit=2", NULL), 200);
	assert_memory_equal(body(), "{\"events\":[{\"timestamp\":\"2023-11-14T22:13:20.000000Z\",\"sequence\":1100,", 70);
	assert_non_null(strstr(body(), "\"user_id\":\"user1100\""));
	assert_non_null(strstr(body(), "},{\"timestamp\":\"2023-11-14T22:13:20.000000Z\",\"sequence\":1099,"));
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
		assert_int_equal(count, 5001);
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
	assert_non_null(strstr(body(), "\"sequence\":100,"));
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (ask("GET", "/readyz", NULL) != 200)
		;
	send_event(EVENT_data_access, "alice");
	stop_keeper();
	for (int i = 1; i <= 101; i++) {
		char want[32];

		snprintf(want, sizeof(want), "\"sequence\":%d,", i);
		assert_true(file_has("record/security_audit.log", want));
	}
}

static void test_blocks(void **state)
{
	struct fw_addr a = { 4, { 192, 0, 2, 1 } }, b;

	(void)state;
	assert_int_equal(ask("POST", "/api/v1/blocks", "{\"address\":\"192.0.2.1\",\"hours\":2,\"reason\":\"port \\u001b[31mscan\\n\"}"), 201);
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
			     "\"details\":{\"action\":\"block add\",\"through\":\"admin port\",\"address\":\"192.0.2.1\",\"hours\":2,"
			     "\"reason\":\"port \\u001b[31mscan\\u000a\"}"));
	assert_true(file_has("record/security_audit.log", "\"action\":\"block remove\",\"through\":\"admin port\",\"address\":\"2001:db8::/64\""));
	assert_true(file_has("record/security_audit.log", "\"source_ip\":\"127.0.0.1\""));
}

static void test_blocks_that_do_not_hold(void **state)
{
	static const char *const bodies[] = {
		"", "[]", "{}", "nonsense", "{\"address\":7}", "{\"address\":\"example.com\"}", "{\"address\":\"192.0.2.0/24\"}",
		"{\"address\":\"192.0.2.1\",\"hours\":0}", "{\"address\":\"192.0.2.1\",\"hours\":8761}", "{\"address\":\"192.0.2.1\",\"hours\":1.5}",
		"{\"address\":\"192.0.2.1\",\"hours\":\"1\"}", "{\"address\":\"192.0.2.1\",\"reason\":5}", "{\"address\":\"192.0.2.1\",\"why\":\"x\"}",
		"{\"address\":\"192.0.2.1\",\"reason\":\"a\\u0000b\"}", "{\"address\":\"192.0.2.1\",\"address\":\"192.0.2.2\"}",
	};
	static const char *const paths[] = { "192.0.2", "%", "%zz", "example.com", "2001:db8::/48", "..%2f..%2fetc",
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
	send_text(fd, "POST /api/v1/blocks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n{\"address\":\"192.0.2.9\"}");
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
		cmocka_unit_test_setup_teardown(test_health_needs_no_credential, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_everything_else_needs_one, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_every_answer_has_the_security_headers, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_names_that_can_be_rebound_are_refused, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_requests_that_do_not_hold, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_one_connection_many_requests, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_clients_that_go_away, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_idle_connection_gives_way, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_metrics_are_the_workers_sums, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_stats, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_events_newest_first, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_is_lost_by_stopping, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_disk_loses_nothing, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_blocks, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_blocks_that_do_not_hold, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_the_control_socket, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_one_server_a_data_directory, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_a_long_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pages, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_the_quick_start_logs_in_once, set_up_demo, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
