#include "cmd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A sanitizer has files, processes and system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { UNDER_SANITIZER = 1 };
#else
enum { UNDER_SANITIZER = 0 };
#endif

/* Rights by the version of landlock that brought them; headers of Debian 12 know those up to 2. */
#define RIGHTS_1 (((uint64_t)1 << 13) - 1)
#define RIGHT_REFER ((uint64_t)1 << 13)
#define RIGHT_TRUNCATE ((uint64_t)1 << 14)
#define RIGHT_IOCTL_DEV ((uint64_t)1 << 15)
#define RIGHTS_TCP ((uint64_t)3) /* 4: to bind and to connect */
#define SCOPES_ALL ((uint64_t)3) /* 6: abstract unix sockets, and signals, of processes that are not so confined */

struct ruleset {
	uint64_t files, tcp, scopes;
};

/* What stands in for a descriptor that is kept for when there are no more. */
static const char *const readable[] = { "/dev/null" };

/* Everything that is called once connections come, by glibc, OpenSSL and libuv, too. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(close),
	SCMP_SYS(openat),
	SCMP_SYS(open),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(stat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(dup),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(futex),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(gettid),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sched_yield),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(uname),
	SCMP_SYS(getrlimit),
	SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(membarrier),
	SCMP_SYS(fadvise64),
	SCMP_SYS(getcpu),
	SCMP_SYS(get_mempolicy),
};

static bool become(const char *name)
{
	struct passwd *user = getuid() == 0 && name != NULL ? getpwnam(name) : NULL;

	if (user == NULL)
		return true;
	return setgroups(0, NULL) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	       setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
}

/* Of a path that is not there nothing need be said. */
static bool allow_reading(int rules, const char *path)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	bool added;

	if (rule.parent_fd < 0)
		return true;
	added = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return added;
}

static bool restrict_files(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset handled = { .files = RIGHTS_1 };
	size_t size = version >= 6   ? sizeof(handled)
		      : version >= 4 ? offsetof(struct ruleset, scopes)
				     : offsetof(struct ruleset, tcp);
	bool done = true;
	int rules;

	if (version < 1)
		return false;
	handled.files |= version >= 2 ? RIGHT_REFER : 0;
	handled.files |= version >= 3 ? RIGHT_TRUNCATE : 0;
	handled.files |= version >= 5 ? RIGHT_IOCTL_DEV : 0;
	handled.tcp = version >= 4 ? RIGHTS_TCP : 0;
	handled.scopes = version >= 6 ? SCOPES_ALL : 0;
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	if (rules < 0)
		return false;
	for (size_t i = 0; done && i < sizeof(readable) / sizeof(*readable); i++)
		done = allow_reading(rules, readable[i]);
	done = done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}

/* A socket is accepted, or comes through a link; none is made, connected, bound or made to listen. Nor by sending: to
 * an address, or with MSG_FASTOPEN, which connects a socket whose connecting came to nothing. */
static int allow_sending(scmp_filter_ctx filter)
{
	int failed = 0;

	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2,
				   SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0), SCMP_A4(SCMP_CMP_EQ, 0));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	return failed;
}

/* Nothing that would have the kernel signal others, or type at a terminal. */
static int allow_control(scmp_filter_ctx filter)
{
	static const int of_files[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC };
	static const int of_devices[] = { FIONBIO, FIONREAD, FIOCLEX, TCGETS };
	int failed = 0;

	for (size_t i = 0; i < sizeof(of_files) / sizeof(*of_files); i++)
		failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
					   SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)of_files[i]));
	for (size_t i = 0; i < sizeof(of_devices) / sizeof(*of_devices); i++)
		failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					   SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)of_devices[i]));
	/* abort() */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return failed;
}

static int allow_rest(scmp_filter_ctx filter)
{
	int failed = 0;

	/* Memory that runs was there before. */
	failed |=
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Threads, not processes. What clone3 is asked for a filter cannot see: without it threads are made by clone.
	 */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				   SCMP_A0(SCMP_CMP_MASKED_EQ, 0x00010000 /* CLONE_THREAD */, 0x00010000));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
				   SCMP_A2(SCMP_CMP_EQ, 0)); /* asked for, not set */
	return failed;
}

/* What is not allowed fails with EPERM; it does not end the process, since a library may ask and do without. */
static bool restrict_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool done = filter != NULL;

	/* A call that this architecture has not is no reason to fail. */
	for (size_t i = 0; done && i < sizeof(allowed) / sizeof(*allowed); i++)
		if (allowed[i] >= 0)
			done = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
	done = done && allow_sending(filter) == 0 && allow_control(filter) == 0 && allow_rest(filter) == 0 &&
	       seccomp_load(filter) == 0;
	if (filter != NULL)
		seccomp_release(filter);
	return done;
}

const char *sandbox_gate(const char *user)
{
	bool files, calls;

	if (!become(user))
		return "the gate stays who it is: it could not become another user";
	prctl(PR_SET_PDEATHSIG, 9); /* anew: becoming somebody else undoes it */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return "the gate is not confined: the kernel has no no_new_privs";
	if (UNDER_SANITIZER)
		return NULL;
	files = restrict_files();
	calls = restrict_calls();
	if (!files && !calls)
		return "the gate is not confined: the kernel has neither landlock nor seccomp here";
	if (!files)
		return "the gate is not kept from files: the kernel has no landlock here";
	return calls ? NULL : "system calls of the gate are not filtered: the kernel has no seccomp here";
}
