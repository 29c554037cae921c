/* What a process may do behind src/cmd/sandbox.c, tried in a child. Not under a sanitizer, which needs more. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
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
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

static char kept_data[96], kept_record[96], written[96];
static char *writes[] = { written };

static const char *gate(void)
{
	return sandbox_gate(NULL);
}

static struct keeper_needs needs(bool programs)
{
	return (struct keeper_needs){
		.data = kept_data, .record = kept_record, .writes = writes, .write_count = 1, .programs = programs
	};
}

static const char *keeper(void)
{
	struct keeper_needs of = needs(false);

	return sandbox_keeper(NULL, &of);
}

static const char *keeper_with_programs(void)
{
	struct keeper_needs of = needs(true);

	return sandbox_keeper(NULL, &of);
}

static const char *keeper_of_another_user(void)
{
	struct keeper_needs of = needs(false);

	return sandbox_keeper("nobody", &of);
}

static const char *in(const char *where, const char *name)
{
	static char paths[2][128];
	static unsigned next;

	next = !next;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", where, name);
	return paths[next];
}

static void try_writing(const char *where)
{
	int fd = open(in(where, "a"), O_RDWR | O_CREAT | O_EXCL, 0600);

	HOLDS(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0);
	HOLDS(rename(in(where, "a"), in(where, "b")) == 0 && open(in(where, "b"), O_RDONLY) >= 0);
	HOLDS(mkdir(in(where, "c"), 0700) == 0 && rename(in(where, "b"), in(where, "c/b")) == 0);
	HOLDS(unlink(in(where, "c/b")) == 0 && rmdir(in(where, "c")) == 0);
	HOLDS(mknod(in(where, "e"), S_IFCHR | 0600, 0x103) < 0);
	HOLDS((fd = open(where, O_TMPFILE | O_RDWR, 0600)) >= 0 || errno == EOPNOTSUPP);
}

static void try_files_of_keeper(void)
{
	HOLDS(open(record, O_RDONLY) < 0 && errno == EACCES);
	HOLDS(open(record, O_WRONLY | O_APPEND) < 0 && unlink(record) < 0 && truncate(record, 0) < 0);
	HOLDS(open(in(folder, "new"), O_WRONLY | O_CREAT, 0600) < 0 && mkdir(in(folder, "new"), 0700) < 0);
	HOLDS(rename(in(kept_data, "there"), in(folder, "there")) < 0 && link(record, in(kept_data, "link")) < 0);
	HOLDS(open("/etc/passwd", O_WRONLY) < 0 && open("/etc/passwd", O_RDONLY) >= 0);
	HOLDS(open("/usr/bin/env", O_RDONLY) < 0 && open("/proc/1/environ", O_RDONLY) < 0);
	try_writing(kept_data);
	try_writing(kept_record);
	HOLDS(open(written, O_WRONLY | O_CREAT | O_APPEND, 0600) >= 0);
}

static void try_sockets_of_keeper(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct addrinfo *found = NULL;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	HOLDS(getaddrinfo("localhost", "80", NULL, &found) == 0);
	freeaddrinfo(found);
	HOLDS(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 1) == 0);
	HOLDS(socket(AF_UNIX, SOCK_STREAM, 0) >= 0 && socket(AF_INET6, SOCK_DGRAM, 0) >= 0);
	HOLDS(socket(AF_PACKET, SOCK_RAW, 0) < 0 && socket(AF_VSOCK, SOCK_STREAM, 0) < 0 && socket(AF_ALG, 5, 0) < 0);
	HOLDS(socket(AF_INET, SOCK_RAW, 255) < 0 && socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 255) < 0);
}

static void try_rights_of_keeper(void)
{
	HOLDS(setuid(1) < 0 && setgid(1) < 0 && chroot("/") < 0 && unshare(CLONE_NEWUSER) < 0);
	HOLDS(mount("none", kept_data, "tmpfs", 0, NULL) < 0 && sethostname("x", 1) < 0);
	HOLDS(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) < 0 && errno == EPERM);
	HOLDS(syscall(SYS_pidfd_open, getppid(), 0) < 0);
}

static void try_program(void)
{
	char *const words[] = { "/bin/true", NULL };
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execv(words[0], words);
		_exit(1);
	}
	HOLDS(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	HOLDS(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 && mount("none", kept_data, "tmpfs", 0, NULL) < 0);
}

/* Root's, and not root's any more. */
static void try_as_another(void)
{
	struct passwd *nobody = getpwnam("nobody");
	struct stat is;

	HOLDS(nobody != NULL && getuid() == nobody->pw_uid && geteuid() == nobody->pw_uid && setuid(0) < 0);
	HOLDS(stat(kept_data, &is) == 0 && is.st_uid == nobody->pw_uid);
	HOLDS(stat(in(kept_data, "there"), &is) == 0 && is.st_uid == nobody->pw_uid);
	HOLDS(lstat(in(kept_data, "away"), &is) == 0 && open(record, O_RDONLY) < 0);
	try_writing(kept_data);
}

static int child_of(const char *(*confine)(void), void (*attempt)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (confine() != NULL)
			_exit(CONFINED_NOT);
		attempt();
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check_of(const char *(*confine)(void), void (*attempt)(void))
{
	int result = child_of(confine, attempt);

	if (result == CONFINED_NOT)
		print_message("# the kernel lacks a part of it: not looked at\n");
	else
		assert_int_equal(result, 0);
}

static void check(void (*attempt)(void))
{
	check_of(gate, attempt);
}

static void test_keeper(void **state)
{
	(void)state;
	check_of(keeper, try_files_of_keeper);
	check_of(keeper, try_processes);
	check_of(keeper, try_sockets_of_keeper);
	check_of(keeper, try_rights_of_keeper);
	check_of(keeper, try_abort);
}

static void test_keeper_that_runs_programs(void **state)
{
	(void)state;
	check_of(keeper_with_programs, try_program);
	check_of(keeper_with_programs, try_rights_of_keeper);
}

static void test_keeper_of_another_user(void **state)
{
	struct stat is;

	(void)state;
	if (getuid() != 0 || getpwnam("nobody") == NULL) {
		print_message("# not root, or there is no nobody: not looked at\n");
		return;
	}
	assert_int_equal(symlink(record, in(kept_data, "away")), 0);
	assert_int_equal(link(record, in(kept_data, "again")), 0);
	assert_int_equal(chmod(folder, 0711), 0);
	check_of(keeper_of_another_user, try_as_another);
	assert_int_equal(stat(record, &is), 0);
	assert_int_equal(is.st_uid, 0); /* neither by a link nor by another name */
	unlink(in(kept_data, "away"));
	unlink(in(kept_data, "again"));
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
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_sockets_of_others),
		cmocka_unit_test(test_what_it_needs),
		cmocka_unit_test(test_keeper),
		cmocka_unit_test(test_keeper_that_runs_programs),
		cmocka_unit_test(test_keeper_of_another_user),
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
	unsetenv("TMPDIR");
	snprintf(kept_data, sizeof(kept_data), "%s/data", folder);
	snprintf(kept_record, sizeof(kept_record), "%s/kept", folder);
	snprintf(written, sizeof(written), "%s/copies/checkpoints", folder);
	if (mkdir(kept_data, 0700) != 0 || mkdir(in(folder, "copies"), 0700) != 0)
		return 1;
	fd = open(in(kept_data, "there"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(in(kept_data, "there"));
	unlink(written);
	rmdir(in(folder, "copies"));
	rmdir(kept_data);
	rmdir(kept_record);
	unlink(record);
	rmdir(folder);
	return failed;
}
