/* What a process may do behind src/cmd/sandbox.c, tried in a child. Not under a sanitizer, which needs more. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/sandbox.h"

enum { CONFINED_NOT = 100 };

static char folder[] = "/tmp/framewall-sandbox-XXXXXX";
static char record[64];
static int held[2], connected[2], unconnected, datagrams;
static in_port_t port; /* somebody listens there */

/* The child's part: 0, or the number of the line that did not hold. */
#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			_exit(__LINE__ % 90 + 1);                                                                      \
	} while (0)

static void *run(void *user)
{
	*(int *)user = 1;
	return NULL;
}

static void try_files(void)
{
	HOLDS(open(record, O_RDONLY) < 0 && errno == EACCES);
	HOLDS(open(record, O_WRONLY | O_APPEND) < 0 && errno == EACCES);
	HOLDS(open(folder, O_RDONLY | O_DIRECTORY) < 0);
	HOLDS(unlink(record) < 0 && rename(record, folder) < 0 && mkdir("/tmp/framewall-sandbox-new", 0700) < 0);
	HOLDS(open("/etc/hosts", O_RDONLY) < 0 && open("/etc/resolv.conf", O_RDONLY) < 0);
	HOLDS(truncate(record, 0) < 0 && chmod(record, 0777) < 0);
}

static void try_processes(void)
{
	char *const words[] = { "/bin/true", NULL };

	HOLDS(fork() < 0);
	HOLDS(execv(words[0], words) < 0);
	HOLDS(kill(getppid(), 0) < 0 && ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0);
	HOLDS(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void try_sockets(void)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK };
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };
	struct addrinfo *found = NULL;
	int pair[2];

	for (unsigned i = 0; i < sizeof(families) / sizeof(*families); i++)
		for (unsigned j = 0; j < sizeof(kinds) / sizeof(*kinds); j++)
			HOLDS(socket(families[i], kinds[j], 0) < 0 && errno == EPERM);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 && errno == EPERM);
	HOLDS(getaddrinfo("localhost", "80", NULL, &found) != 0 && getaddrinfo("example.org", "80", NULL, &found) != 0);
}

/* One that it was handed leads nowhere else: not one that is connected, not one that is not. */
static void try_sockets_of_others(void)
{
	struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = port, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr *address = (struct sockaddr *)&there;
	struct iovec octet = { "x", 1 };
	struct msghdr whole = { .msg_name = &there, .msg_namelen = sizeof(there), .msg_iov = &octet, .msg_iovlen = 1 };
	char got;

	HOLDS(connect(unconnected, address, sizeof(there)) < 0 && errno == EPERM);
	HOLDS(sendto(unconnected, "x", 1, MSG_FASTOPEN, address, sizeof(there)) < 0 && errno == EPERM);
	HOLDS(sendto(datagrams, "x", 1, 0, address, sizeof(there)) < 0 && errno == EPERM);
	HOLDS(sendmsg(unconnected, &whole, MSG_FASTOPEN) < 0 && errno == EPERM);
	HOLDS(bind(unconnected, address, sizeof(there)) < 0 && listen(unconnected, 1) < 0);
	HOLDS(send(connected[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(connected[1], &got, 1, 0) == 1 && got == 'x');
	HOLDS(fcntl(connected[0], F_SETOWN, getppid()) < 0 &&
	      ioctl(connected[0], FIOSETOWN, &(pid_t){ getppid() }) < 0);
}

static void try_what_it_needs(void)
{
	pthread_t thread;
	int ran = 0, one = 1;

	HOLDS(write(held[1], "x", 1) == 1);
	HOLDS(pthread_create(&thread, NULL, run, &ran) == 0 && pthread_join(thread, NULL) == 0 && ran == 1);
	HOLDS(fcntl(held[1], F_SETFL, O_NONBLOCK) == 0 && ioctl(connected[0], FIONBIO, &one) == 0);
	HOLDS(open("/dev/null", O_RDONLY) >= 0); /* kept for when there are no more descriptors */
	HOLDS(malloc((size_t)64 << 20) != NULL);
}

static void try_abort(void)
{
	HOLDS(raise(0) == 0); /* which is how abort() ends it */
}

static int child(void (*attempt)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (sandbox_gate(NULL) != NULL)
			_exit(CONFINED_NOT);
		attempt();
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check(void (*attempt)(void))
{
	int result = child(attempt);

	if (result == CONFINED_NOT)
		print_message("# the kernel lacks a part of it: not looked at\n");
	else
		assert_int_equal(result, 0);
}

static void test_files(void **state)
{
	(void)state;
	check(try_files);
}

static void test_processes(void **state)
{
	(void)state;
	check(try_processes);
}

static void test_sockets(void **state)
{
	(void)state;
	check(try_sockets);
}

static void test_sockets_of_others(void **state)
{
	(void)state;
	check(try_sockets_of_others);
}

static void test_what_it_needs(void **state)
{
	(void)state;
	check(try_what_it_needs);
	check(try_abort);
}

static bool listens(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unconnected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || unconnected < 0 || datagrams < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) != 0 ||
	    listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&here, &size) != 0)
		return false;
	port = here.sin_port;
	return true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	      cmocka_unit_test(test_processes),
		cmocka_unit_test(test_sockets),	      cmocka_unit_test(test_sockets_of_others),
		cmocka_unit_test(test_what_it_needs),
	};
	int fd, failed;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	puts("1..0 # SKIP a sanitizer needs more than the gate may do");
	return 0;
#endif
	if (mkdtemp(folder) == NULL || pipe(held) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, connected) != 0 ||
	    !listens())
		return 1;
	snprintf(record, sizeof(record), "%s/record", folder);
	fd = open(record, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(record);
	rmdir(folder);
	return failed;
}
