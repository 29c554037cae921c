/* The keeper's dialler, asked by a gate that is this test: what it connects to, what it does not, and what a gate that
 * has been taken over can have of it. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "policy_of.h"
#include "shell/dial.h"
#include "shell/dialler.h"
#include "shell/process_link.h"

enum { PATIENCE_MS = 20000, GENERATION = 7 };

static struct {
	struct fw_policy *policy;
	struct dialler *dialler;
	int gate[2], keeper[2]; /* two workers */
	int listener, full, filler;
	uint16_t port, full_port, closed_port;
} fx;

/* A listening socket of the loopback address, or a port where nobody listens. */
static int listen_at(uint16_t *ret_port, int backlog)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
	*ret_port = ntohs(here.sin_port);
	return fd;
}

static struct fw_policy *policy_with(const char *more)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "routes:\n"
		 "  - {path: /a, anonymous: user, upstream: \"ws://127.0.0.1:%u\"}\n"
		 "  - {path: /b, anonymous: user, upstream: \"ws://localhost:%u\"}\n"
		 "  - {path: /c, anonymous: user, upstream: \"ws://127.0.0.1:%u\"}\n"
		 "  - {path: /d, anonymous: user, upstream: \"ws://127.0.0.1:%u\"}\n"
		 "  - {path: /e, anonymous: user, upstream: \"ws://no-such-name.invalid:80\"}\n%s",
		 fx.port, fx.port, fx.closed_port, fx.full_port, more);
	return policy_of(yaml);
}

/* A place where connecting takes for ever: the queue of those who wait to be accepted is full. */
static void fill_up(void)
{
	struct sockaddr_in there = { .sin_family = AF_INET,
				     .sin_port = htons(fx.full_port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };

	fx.filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fx.filler, (struct sockaddr *)&there, sizeof(there)), 0);
}

static struct dial_answer hear(unsigned worker, int *ret_fd)
{
	struct pollfd readable = { .fd = fx.gate[worker], .events = POLLIN };
	struct dial_answer answer;

	assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
	assert_int_equal(dial_receive_answer(fx.gate[worker], &answer, ret_fd), DIAL_HEARD);
	return answer;
}

static int set_up(void **state)
{
	int closed, fd;

	(void)state;
	fx.listener = listen_at(&fx.port, 64);
	fx.full = listen_at(&fx.full_port, 0);
	closed = listen_at(&fx.closed_port, 1);
	close(closed);
	fill_up();
	fx.policy = policy_with("");
	for (unsigned i = 0; i < 2; i++) {
		int pair[2];

		assert_true(process_link_pair(pair));
		fx.gate[i] = pair[0];
		fx.keeper[i] = pair[1];
	}
	fx.dialler = dialler_start(fx.keeper, 2, fx.policy, NULL);
	assert_non_null(fx.dialler);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hear(i, &fd).result, DIAL_BEGINS);
	return 0;
}

static int tear_down(void **state)
{
	const int fds[] = { fx.gate[0], fx.gate[1], fx.keeper[0], fx.keeper[1], fx.listener, fx.full, fx.filler };

	(void)state;
	fx.dialler = dialler_stop(fx.dialler);
	fw_policy_unref(fx.policy);
	for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		close(fds[i]);
	return 0;
}

static struct dial_ask ask_of(uint64_t id, const char *host, uint16_t port)
{
	struct dial_ask ask = { .id = id, .generation = GENERATION, .kind = DIAL_CONNECT, .port = port };

	snprintf(ask.host, sizeof(ask.host), "%s", host);
	return ask;
}

static void say(unsigned worker, uint64_t id, const char *host, uint16_t port)
{
	struct dial_ask ask = ask_of(id, host, port);
	struct pollfd writable = { .fd = fx.gate[worker], .events = POLLOUT };

	assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
	assert_true(dial_send_ask(fx.gate[worker], &ask));
}

static void expect(unsigned worker, uint64_t id, enum dial_result result)
{
	int fd;
	struct dial_answer answer = hear(worker, &fd);

	assert_int_equal(answer.id, id);
	assert_int_equal(answer.generation, GENERATION);
	assert_int_equal(answer.result, result);
	assert_int_equal(fd >= 0, result == DIAL_CONNECTED);
	if (fd < 0)
		return;
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	close(fd);
}

static unsigned open_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void wait_for_count(unsigned count)
{
	const struct timespec step = { 0, 1000000 };

	for (unsigned i = 0; i < PATIENCE_MS && open_count() != count; i++)
		nanosleep(&step, NULL);
	assert_int_equal(open_count(), count);
}

static void test_connects(void **state)
{
	(void)state;
	say(0, 1, "127.0.0.1", fx.port);
	expect(0, 1, DIAL_CONNECTED);
	say(1, 1, "localhost", fx.port); /* also where ::1 is asked first, and nobody is there */
	expect(1, 1, DIAL_CONNECTED);
	say(0, 2, "127.0.0.1", fx.closed_port);
	expect(0, 2, DIAL_REFUSED);
	say(0, 3, "no-such-name.invalid", 80);
	expect(0, 3, DIAL_UNKNOWN);
}

static void test_only_upstreams(void **state)
{
	unsigned before = open_count();

	(void)state;
	say(0, 1, "127.0.0.1", 22);
	expect(0, 1, DIAL_FORBIDDEN);
	say(0, 2, "127.0.0.2", fx.port);
	expect(0, 2, DIAL_FORBIDDEN);
	say(0, 3, "LOCALHOST", fx.port);
	expect(0, 3, DIAL_FORBIDDEN);
	say(0, 4, "", fx.port);
	expect(0, 4, DIAL_FORBIDDEN);
	say(0, 5, "::ffff:127.0.0.1", fx.port);
	expect(0, 5, DIAL_FORBIDDEN);
	assert_int_equal(open_count(), before);
}

static void test_nonsense_is_passed_over(void **state)
{
	struct dial_ask ask = ask_of(9, "127.0.0.1", fx.port), wrong;
	char large[2 * sizeof(ask)] = { 0 };
	unsigned before = open_count();

	(void)state;
	assert_int_equal(send(fx.gate[0], &ask, 0, 0), 0); /* which is not the end */
	assert_true(process_link_put(fx.gate[0], &ask, 1, -1));
	assert_true(process_link_put(fx.gate[0], &ask, sizeof(ask) - 1, -1));
	memcpy(large, &ask, sizeof(ask));
	assert_true(process_link_put(fx.gate[0], large, sizeof(large), -1));
	assert_true(process_link_put(fx.gate[0], &ask, sizeof(ask), fx.listener)); /* with a descriptor */
	wrong = ask;
	wrong.id = 0;
	assert_true(dial_send_ask(fx.gate[0], &wrong));
	wrong = ask;
	wrong.kind = 0;
	assert_true(dial_send_ask(fx.gate[0], &wrong));
	wrong.kind = 3;
	assert_true(dial_send_ask(fx.gate[0], &wrong));
	wrong = ask;
	memset(wrong.host, 'a', sizeof(wrong.host));
	assert_true(dial_send_ask(fx.gate[0], &wrong));
	wrong = ask;
	wrong.kind = DIAL_CANCEL; /* of what nobody asked */
	assert_true(dial_send_ask(fx.gate[0], &wrong));
	assert_true(dial_send_ask(fx.gate[0], &ask));
	expect(0, 9, DIAL_CONNECTED);
	wait_for_count(before); /* none of it keeps a descriptor */
}

/* Two in one message: neither is kept. */
static void test_two_descriptors(void **state)
{
	struct dial_ask ask = ask_of(9, "127.0.0.1", fx.port);
	int two[] = { fx.listener, fx.listener };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(two))];
	} control = { .header = {
			      .cmsg_len = CMSG_LEN(sizeof(two)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec octets = { &ask, sizeof(ask) };
	struct msghdr whole = {
		.msg_iov = &octets, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	unsigned before = open_count();

	(void)state;
	memcpy(CMSG_DATA(&control.header), two, sizeof(two));
	assert_true(sendmsg(fx.gate[0], &whole, 0) > 0);
	expect(0, 9, DIAL_CONNECTED);
	wait_for_count(before);
}

static void test_cancelled_and_of_a_gate_that_fell(void **state)
{
	unsigned before = open_count();
	struct dial_ask ask = ask_of(1, "127.0.0.1", fx.full_port);

	(void)state;
	assert_true(dial_send_ask(fx.gate[0], &ask));
	wait_for_count(before + 1);
	assert_true(dial_send_ask(fx.gate[0], &ask)); /* anew: it is the same one */
	ask.kind = DIAL_CANCEL;
	assert_true(dial_send_ask(fx.gate[0], &ask));
	wait_for_count(before);
	ask.kind = DIAL_CONNECT;
	for (ask.id = 2; ask.id < 7; ask.id++)
		assert_true(dial_send_ask(fx.gate[0], &ask));
	wait_for_count(before + 5);
	ask.generation++;
	assert_true(dial_send_ask(fx.gate[0], &ask));
	wait_for_count(before + 1);
	assert_true(dial_send_ask(fx.gate[1], &ask));
	wait_for_count(before + 2); /* the other worker's is another */
}

static void test_no_more_than_so_many(void **state)
{
	struct rlimit limit, few;
	unsigned before;

	tear_down(state);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 2 * 2 * 20; /* half of it for two workers */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	set_up(state);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	before = open_count();
	for (unsigned i = 1; i <= 21; i++)
		say(0, i, "127.0.0.1", fx.full_port);
	expect(0, 21, DIAL_BUSY);
	assert_int_equal(open_count(), before + 20);
	say(1, 1, "127.0.0.1", fx.port); /* the other one has his own */
	expect(1, 1, DIAL_CONNECTED);
}

/* Answers that the gate does not read wait, each with its socket, and no more are taken then. */
static void test_a_gate_that_does_not_read(void **state)
{
	enum { MANY = 600 };
	unsigned count = 0;
	int fd;

	(void)state;
	for (unsigned i = 1; i <= MANY; i++)
		say(0, i, "127.0.0.1", fx.closed_port);
	say(1, 1, "127.0.0.1", fx.port);
	expect(1, 1, DIAL_CONNECTED);
	for (; count < MANY; count++)
		assert_int_equal(hear(0, &fd).id, count + 1);
}

static void test_another_configuration(void **state)
{
	struct fw_policy *next = policy_of("routes: [{path: /, anonymous: user, upstream: \"ws://127.0.0.9:9\"}]\n");

	(void)state;
	dialler_allow(fx.dialler, next);
	say(0, 1, "127.0.0.9", 9);
	expect(0, 1, DIAL_REFUSED);
	say(0, 2, "127.0.0.1", fx.port); /* of the one before: a moment more */
	expect(0, 2, DIAL_CONNECTED);
	dialler_allow(fx.dialler, next);
	say(0, 3, "127.0.0.9", 9);
	expect(0, 3, DIAL_REFUSED);
	say(0, 4, "127.0.0.1", fx.port);
	expect(0, 4, DIAL_FORBIDDEN);
	fw_policy_unref(next);
}

/* The gate and whoever else had its ends are gone: what it asked for is dropped. */
static void test_the_link_ends(void **state)
{
	unsigned before = open_count();

	(void)state;
	say(0, 1, "127.0.0.1", fx.full_port);
	wait_for_count(before + 1);
	close(fx.gate[0]);
	fx.gate[0] = -1;
	wait_for_count(before - 1);
	say(1, 1, "127.0.0.1", fx.port);
	expect(1, 1, DIAL_CONNECTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connects),
		TEST(test_only_upstreams),
		TEST(test_nonsense_is_passed_over),
		TEST(test_two_descriptors),
		TEST(test_cancelled_and_of_a_gate_that_fell),
		TEST(test_no_more_than_so_many),
		TEST(test_a_gate_that_does_not_read),
		TEST(test_another_configuration),
		TEST(test_the_link_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
