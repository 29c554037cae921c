/* A gate that may make no socket: its dialler is this test. What it is handed late, twice, by mistake, or never. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/gcra.h"
#include "base/slice.h"
#include "gate_client.h"
#include "policy_of.h"
#include "shell/dial.h"
#include "shell/gate.h"
#include "shell/ipc.h"
#include "shell/process_link.h"
#include "shell/random.h"
#include "shell/tls.h"

enum { PATIENCE_MS = 20000 };

static struct {
	struct fw_policy *policy;
	struct store *store;
	struct tls *tls;
	struct gate *gate;
	struct ipc_channel *records, *figures;
	int links[2];
} fx;

static int set_up(void **state)
{
	struct store_options store = { .max_connections = 10000,
				       .max_connections_per_ip = 10000,
				       .auth_rate = gcra_per(1000, 60000000000u),
				       .max_sessions_per_user = 5,
				       .session_absolute_us = 3600000000u };
	struct fw_random random = random_system();
	const char *text = NULL;

	(void)state;
	memset(&fx, 0, sizeof(fx));
	assert_true(process_link_pair(fx.links));
	fx.policy = policy_of("routes: [{path: /, anonymous: user, upstream: \"ws://upstream.example:4321\"}]\n");
	fx.store = store_new(&store, &random);
	fx.tls = tls_new(fx.policy, collect_report, NULL);
	fx.records = ipc_channel_new(4 << 20, NULL, NULL);
	fx.figures = ipc_channel_new(1 << 20, NULL, NULL);
	fx.gate = gate_start(&(struct gate_options){ .policy = fx.policy,
						     .store = fx.store,
						     .tls = fx.tls,
						     .host = "127.0.0.1",
						     .workers = 1,
						     .dials = &fx.links[0],
						     .records = fx.records,
						     .figures = fx.figures },
			     &text);
	assert_non_null(fx.gate);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fx.gate = gate_stop(fx.gate);
	close(fx.links[0]);
	close(fx.links[1]);
	fx.records = ipc_channel_free(fx.records);
	fx.figures = ipc_channel_free(fx.figures);
	fx.store = store_free(fx.store);
	tls_free(fx.tls);
	fw_policy_unref(fx.policy);
	return 0;
}

static void await(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
}

static struct dial_ask hear(enum dial_kind kind)
{
	struct dial_ask ask;

	await(fx.links[1]);
	assert_int_equal(dial_receive_ask(fx.links[1], &ask), DIAL_HEARD);
	assert_int_equal(ask.kind, kind);
	assert_int_equal(ask.port, 4321);
	assert_string_equal(ask.host, "upstream.example");
	return ask;
}

static void hand(uint64_t id, uint32_t generation, uint32_t result, int fd)
{
	struct dial_answer answer = { .id = id, .generation = generation, .result = result };

	assert_true(dial_send_answer(fx.links[1], &answer, fd));
	if (fd >= 0)
		close(fd);
}

/* A socket to hand over, and the upstream's end of it. */
static void upstream(int ret_ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_ends), 0);
}

static void expect(int fd, const char *wanted)
{
	char got[4096] = "";
	ssize_t size;

	await(fd);
	size = recv(fd, got, sizeof(got) - 1, 0);
	assert_int_equal(size < (ssize_t)strlen(wanted), 0);
	assert_memory_equal(got, wanted, strlen(wanted));
}

static void expect_end(int fd)
{
	char octet;

	await(fd);
	assert_int_equal(recv(fd, &octet, 1, 0), 0);
}

static void test_handed(void **state)
{
	int fd = gate_client(gate_port(fx.gate)), ends[2];
	struct dial_ask ask = hear(DIAL_CONNECT);

	(void)state;
	upstream(ends);
	hand(ask.id, ask.generation, DIAL_CONNECTED, ends[0]);
	expect(ends[1], "GET / HTTP/1.1\r\nHost: localhost\r\n");
	close(ends[1]);
	expect(fd, "HTTP/1.1 502");
	close(fd);
}

static void test_not_handed(void **state)
{
	(void)state;
	for (uint32_t result = DIAL_CONNECTED; result < DIAL_RESULTS; result++) { /* the first one without a socket */
		int fd = gate_client(gate_port(fx.gate));
		struct dial_ask ask = hear(DIAL_CONNECT);

		hand(ask.id, ask.generation, result, -1);
		expect(fd, "HTTP/1.1 502");
		close(fd);
	}
}

/* Sockets that nobody waits for are closed. */
static void test_nobody_waits(void **state)
{
	int fd = gate_client(gate_port(fx.gate)), ends[2];
	struct dial_ask ask = hear(DIAL_CONNECT);

	(void)state;
	upstream(ends);
	hand(ask.id, ask.generation + 1, DIAL_CONNECTED, ends[0]);
	expect_end(ends[1]);
	close(ends[1]);
	upstream(ends);
	hand(ask.id + 1, ask.generation, DIAL_CONNECTED, ends[0]);
	expect_end(ends[1]);
	close(ends[1]);
	upstream(ends);
	hand(ask.id, ask.generation, DIAL_RESULTS, ends[0]); /* there is no such result */
	expect_end(ends[1]);
	close(ends[1]);
	assert_true(process_link_put(fx.links[1], "x", 1, -1));
	upstream(ends);
	hand(ask.id, ask.generation, DIAL_CONNECTED, ends[0]);
	expect(ends[1], "GET /");
	int again[2];

	upstream(again);
	hand(ask.id, ask.generation, DIAL_CONNECTED, again[0]); /* twice */
	expect_end(again[1]);
	close(again[1]);
	close(ends[1]);
	close(fd);
}

static void test_who_is_gone_asks_no_more(void **state)
{
	int fd = gate_client(gate_port(fx.gate)), ends[2];
	struct dial_ask ask = hear(DIAL_CONNECT), taken;

	(void)state;
	close(fd);
	taken = hear(DIAL_CANCEL);
	assert_int_equal(taken.id, ask.id);
	upstream(ends);
	hand(ask.id, ask.generation, DIAL_CONNECTED, ends[0]); /* it was on its way */
	expect_end(ends[1]);
	close(ends[1]);
}

/* More clients than the link holds questions: nothing is lost, and a new keeper is asked all of it anew. */
static void test_a_keeper_that_is_away(void **state)
{
	enum { CLIENTS = 400 };
	static int fds[CLIENTS];
	struct dial_ask ask, last = { 0 };

	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++)
		fds[i] = gate_client(gate_port(fx.gate));
	for (unsigned i = 0; i < 10; i++) /* taken along by the one that falls */
		last = hear(DIAL_CONNECT);
	assert_int_equal(last.id, 10);
	for (unsigned i = 10; i < CLIENTS; i++)
		last = hear(DIAL_CONNECT);
	assert_int_equal(last.id, CLIENTS);
	hand(0, 0, DIAL_BEGINS, -1);
	for (unsigned i = 0; i < CLIENTS; i++) {
		ask = hear(DIAL_CONNECT);
		assert_int_equal(ask.id, i + 1);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct pollfd writable = { .fd = fx.links[1], .events = POLLOUT };

		assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
		hand(i + 1, ask.generation, DIAL_REFUSED, -1);
		expect(fds[i], "HTTP/1.1 502");
		close(fds[i]);
	}
}

/* Neither keeper nor monitor is there: clients wait for as long as they may, and the gate can be stopped. */
static void test_the_link_ends(void **state)
{
	int fd = gate_client(gate_port(fx.gate));

	(void)state;
	hear(DIAL_CONNECT);
	close(fx.links[1]);
	fx.links[1] = gate_client(gate_port(fx.gate));
	tear_down(state);
	expect(fd, "HTTP/1.1 503");
	close(fd);
	set_up(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handed),
		TEST(test_not_handed),
		TEST(test_nobody_waits),
		TEST(test_who_is_gone_asks_no_more),
		TEST(test_a_keeper_that_is_away),
		TEST(test_the_link_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
