/* A gate whose keeper is this test: answers that come late, twice, to nobody, or never. */
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
#include "shell/gate.h"
#include "shell/ipc.h"
#include "shell/random.h"
#include "shell/tls.h"

enum { PATIENCE_MS = 20000, WORKERS = 2 };
#define PATIENCE_NS ((uint64_t)PATIENCE_MS * 1000000)

static struct {
	struct fw_policy *policy;
	struct store *store;
	struct tls *tls;
	struct gate *gate;
	struct ipc_channel *records, *figures, *asks;
	struct ipc_ask ask; /* the one that came last, and its texts */
	char user[64], key[64];
} fx;

static void start(size_t room)
{
	struct store_options store = { .max_connections = 100,
				       .max_connections_per_ip = 100,
				       .auth_rate = gcra_per(1000, 60000000000u),
				       .max_sessions_per_user = 5,
				       .session_absolute_us = 3600000000u };
	struct fw_random random = random_system();
	const char *text = NULL;

	memset(&fx, 0, sizeof(fx));
	fx.policy = policy_of("authentication: {methods: [password]}\n");
	fx.store = store_new(&store, &random);
	fx.tls = tls_new(fx.policy, collect_report, NULL);
	fx.records = ipc_channel_new(1 << 20, NULL, NULL);
	fx.figures = ipc_channel_new(1 << 20, NULL, NULL);
	fx.asks = room != 0 ? ipc_channel_new(room, NULL, NULL) : NULL;
	fx.gate = gate_start(&(struct gate_options){ .policy = fx.policy,
						     .store = fx.store,
						     .tls = fx.tls,
						     .host = "127.0.0.1",
						     .workers = WORKERS,
						     .records = fx.records,
						     .figures = fx.figures,
						     .asks = fx.asks },
			     &text);
	assert_non_null(fx.gate);
}

static void stop(void)
{
	fx.gate = gate_stop(fx.gate);
	fx.records = ipc_channel_free(fx.records);
	fx.figures = ipc_channel_free(fx.figures);
	fx.asks = ipc_channel_free(fx.asks);
	fx.store = store_free(fx.store);
	tls_free(fx.tls);
	fw_policy_unref(fx.policy);
}

/* Reads until the text has come; false: the end came. */
static bool expect(int fd, const char *wanted)
{
	static char got[65536];
	size_t size = 0;

	while (size < sizeof(got)) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		ssize_t more;

		assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
		more = recv(fd, got + size, sizeof(got) - size, 0);
		if (more <= 0)
			return false;
		size += (size_t)more;
		if (memmem(got, size, wanted, strlen(wanted)) != NULL)
			return true;
	}
	return false;
}

static int connect_one(void)
{
	int fd = gate_client(gate_port(fx.gate));

	assert_true(expect(fd, "\r\n\r\n"));
	return fd;
}

static void log_in(int fd, const char *user)
{
	char text[120], frame[128];
	size_t size = (size_t)snprintf(
		text, sizeof(text),
		"{\"type\":\"auth\",\"method\":\"password\",\"user_id\":\"%s\",\"password\":\"pw\"}", user);

	assert_true(size < 126);
	frame[0] = (char)0x81;
	frame[1] = (char)(0x80 | size);
	memset(frame + 2, 0, 4); /* a mask of nothing */
	memcpy(frame + 6, text, size);
	assert_true(send(fd, frame, size + 6, MSG_NOSIGNAL) > 0);
}

static void take_ask(void)
{
	enum ipc_type type;
	struct fw_slice tail;
	struct fw_need need;

	for (int i = 0; i < 2 && !ipc_receive(fx.asks, &type, &fx.ask, sizeof(fx.ask), &tail); i++) {
		assert_int_equal(i, 0);
		ipc_wait(fx.asks, PATIENCE_NS);
	}
	assert_int_equal(type, IPC_ASK);
	assert_true(ipc_read_ask(&fx.ask, tail, &need));
	snprintf(fx.user, sizeof(fx.user), "%.*s", (int)need.user_id.size, (const char *)need.user_id.data);
	snprintf(fx.key, sizeof(fx.key), "%.*s", (int)need.key.size, (const char *)need.key.data);
}

static bool tell(const struct ipc_ask *ask, const struct fw_answer *answer)
{
	struct ipc_answer message;
	struct fw_slice tail;
	uint8_t *octets = ipc_make_answer(answer, &message, &tail);
	bool told;

	message.connection = ask->connection;
	message.need_id = ask->need_id;
	told = gate_tell(fx.gate, ask->worker, IPC_ANSWER, &message, sizeof(message), tail);
	ipc_answer_free(octets, tail);
	return told;
}

static struct fw_answer yes(const char *user)
{
	return (struct fw_answer){ .code = FW_ANSWER_YES, .user_id = slice_text(user), .role = slice_text("user") };
}

static void test_an_answer_finds_who_asked(void **state)
{
	enum { CLIENTS = 40 };
	int fds[CLIENTS];
	struct ipc_ask asks[CLIENTS];
	char users[CLIENTS][8], wanted[64];

	(void)state;
	start(1 << 20);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connect_one();
		snprintf(users[i], sizeof(users[i]), "u%d", i);
		log_in(fds[i], users[i]);
		take_ask();
		assert_string_equal(fx.user, users[i]);
		assert_string_equal(fx.key, "pw");
		asks[i] = fx.ask;
	}
	/* Last come, first answered. */
	for (int i = CLIENTS; i-- > 0;) {
		struct fw_answer answer = yes(users[i]);

		assert_true(tell(&asks[i], &answer));
		snprintf(wanted, sizeof(wanted), "\"user_id\":\"%s\"", users[i]);
		assert_true(expect(fds[i], wanted));
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	stop();
}

static void test_answers_that_nobody_waits_for_are_dropped(void **state)
{
	struct fw_answer answer = yes("alice"), no = { .code = FW_ANSWER_NO };
	struct ipc_answer broken = { .user_size = 100, .code = FW_ANSWER_YES };
	struct ipc_ask other;
	int fd, gone;

	(void)state;
	start(1 << 20);
	gone = connect_one();
	log_in(gone, "gone");
	take_ask();
	other = fx.ask;
	close(gone);
	fd = connect_one();
	log_in(fd, "alice");
	take_ask();
	/* For who is gone, or soon is; for another need, another connection, another worker; one that is cut. */
	assert_true(tell(&other, &answer));
	other = fx.ask;
	other.need_id++;
	assert_true(tell(&other, &no));
	other = fx.ask;
	other.connection += 256;
	assert_true(tell(&other, &no));
	other = fx.ask;
	other.worker = (uint16_t)(1 - other.worker);
	assert_true(tell(&other, &no));
	broken.connection = fx.ask.connection;
	broken.need_id = fx.ask.need_id;
	assert_true(gate_tell(fx.gate, fx.ask.worker, IPC_ANSWER, &broken, sizeof(broken), slice("xyz", 3)));
	/* The right one, then once more, then a different one. */
	assert_true(tell(&fx.ask, &answer));
	assert_true(tell(&fx.ask, &answer));
	assert_true(tell(&fx.ask, &no));
	assert_true(expect(fd, "\"auth_success\""));
	/* It lives, and can ask again. */
	log_in(fd, "alice");
	take_ask();
	assert_true(tell(&fx.ask, &no));
	assert_true(expect(fd, "Invalid user or password"));
	close(fd);
	stop();
}

static void test_a_gate_stops_with_questions_open(void **state)
{
	struct fw_answer answer = yes("alice");
	int fds[10];

	(void)state;
	start(1 << 20);
	for (int i = 0; i < 10; i++) {
		fds[i] = connect_one();
		log_in(fds[i], "alice");
		take_ask();
	}
	for (int i = 0; i < 1000; i++)
		tell(&fx.ask, &answer);
	stop();
	for (int i = 0; i < 10; i++)
		close(fds[i]);
}

static void test_without_room_the_client_is_told_at_once(void **state)
{
	int first, second;

	(void)state;
	start(sizeof(struct ipc_ask) + 16 + 10); /* one of them */
	first = connect_one();
	log_in(first, "alice");
	ipc_wait(fx.asks, PATIENCE_NS); /* it is there, and stays */
	second = connect_one();
	log_in(second, "bob");
	assert_true(expect(second, "RATE_LIMITED"));
	close(second);
	close(first);
	stop();
	start(0); /* nobody can be asked at all */
	second = connect_one();
	log_in(second, "bob");
	assert_true(expect(second, "RATE_LIMITED"));
	close(second);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_finds_who_asked),
		cmocka_unit_test(test_answers_that_nobody_waits_for_are_dropped),
		cmocka_unit_test(test_a_gate_stops_with_questions_open),
		cmocka_unit_test(test_without_room_the_client_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
