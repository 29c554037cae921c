/* keeper_fixture.h: a keeper on a loop in a thread of its own, a gate that answers with the counters it is given, and a
 * blocking HTTP client: for the tests of the keeper and its admin side. */
#ifndef UNIT_KEEPER_FIXTURE_H
#define UNIT_KEEPER_FIXTURE_H
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
	bool full; /* an inbox takes no more */
	uint64_t counters[WORKERS][COUNTERS];
	struct fw_addr ended;
	unsigned answers; /* to questions of connections: the last one, and the texts of it */
	struct ipc_answer answer;
	char texts[64];
};

unsigned gate_workers(const struct gate *gate)
{
	(void)gate;
	return WORKERS;
}

bool gate_tell(struct gate *gate, int worker, enum ipc_type type, const void *payload, size_t size,
	       struct fw_slice tail)
{
	(void)worker;
	if (type == IPC_ANSWER && size == sizeof(gate->answer)) {
		gate->answers++;
		memcpy(&gate->answer, payload, size);
		snprintf(gate->texts, sizeof(gate->texts), "%.*s", (int)tail.size, (const char *)tail.data);
	}
	if (type == IPC_END_ADDRESS && size == sizeof(struct ipc_end_address))
		gate->ended = ((const struct ipc_end_address *)payload)->address;
	for (uint16_t i = 0; type == IPC_ASK_FIGURES && i < (gate->mute ? 1 : WORKERS); i++) {
		struct ipc_figures figures = { .worker = i };

		memcpy(figures.counters, gate->counters[i], sizeof(gate->counters[i]));
		ipc_send(keeper_figures(gate->keeper), IPC_FIGURES, &figures, sizeof(figures), slice(NULL, 0), false);
	}
	return !gate->full;
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

static inline void on_call(uv_async_t *async)
{
	(void)async;
	fx.function();
	uv_sem_post(&fx.done);
}

static inline void in_loop(void (*function)(void))
{
	fx.function = function;
	uv_async_send(&fx.call);
	uv_sem_wait(&fx.done);
}

static inline void run(void *user)
{
	(void)user;
	uv_run(&fx.loop, UV_RUN_DEFAULT);
}

static inline void stop_loop(void)
{
	uv_stop(&fx.loop);
}

static inline void report(void *user, const char *text)
{
	(void)user;
	print_error("%s\n", text);
}

static inline struct keeper_options options_of(const char *folder)
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

static inline void start_keeper(void)
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

static inline void stop_keeper(void)
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

static inline void set_gate(void)
{
	keeper_set_gate(fx.keeper, &fx.gate);
}

static inline int set_up(void **state)
{
	static const uint8_t secret[32] = "0123456789abcdef0123456789abcdef";
	struct config_options config = { .name = "test",
					 .default_jwt_secret = slice(secret, sizeof(secret)),
					 .report = report };
	struct store_options store = { .max_connections = 100,
				       .max_connections_per_ip = 10,
				       .auth_rate = gcra_per(5, 60000000000u),
				       .max_sessions_per_user = 5,
				       .session_absolute_us = 3600000000u };
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

static inline int set_up_running(void **state)
{
	if (set_up(state) != 0)
		return -1;
	start_keeper();
	in_loop(set_gate);
	return 0;
}

static inline int set_up_demo(void **state)
{
	if (set_up(state) != 0)
		return -1;
	fx.demo = (struct keeper_demo){ { { "alice", "user" }, { "bob", "moderator" } }, 2, 8765 };
	start_keeper();
	return 0;
}

static inline int tear_down(void **state)
{
	char command[128];

	(void)state;
	stop_keeper();
	fw_policy_unref(fx.policy);
	store_free(fx.store);
	snprintf(command, sizeof(command), "rm -rf '%s'", fx.folder);
	return system(command);
}

static inline int dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(fx.port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void send_text(int fd, const char *text)
{
	size_t size = strlen(text);

	assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

static inline const char *header(const char *name)
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
static inline int read_answer_of(int fd, bool head_only)
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

static inline int read_answer(int fd)
{
	return read_answer_of(fd, false);
}

static inline const char *body(void)
{
	return strstr(answer, "\r\n\r\n") + 4;
}

/* One request on a connection of its own. body NULL: none. extra: header lines. */
static inline int ask_with(const char *method, const char *path, const char *extra, const char *content)
{
	char request[4096];
	int fd = dial(), status;

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost:%u\r\n%s", method, path, fx.port, extra);
	if (content != NULL)
		snprintf(request + strlen(request), sizeof(request) - strlen(request),
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(content));
	snprintf(request + strlen(request), sizeof(request) - strlen(request), "\r\n%s",
		 content != NULL ? content : "");
	send_text(fd, request);
	status = read_answer_of(fd, strcmp(method, "HEAD") == 0);
	close(fd);
	return status;
}

static inline const char *credential(void)
{
	static char line[128];

	snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", fx.token);
	return line;
}

static inline int ask(const char *method, const char *path, const char *content)
{
	return ask_with(method, path, credential(), content);
}

static inline int64_t number_in(const char *key)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\"%s\":", key);
	at = strstr(body(), start);
	assert_non_null(at);
	return strtoll(at + strlen(start), NULL, 10);
}

static inline bool file_has(const char *name, const char *text)
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
#endif
