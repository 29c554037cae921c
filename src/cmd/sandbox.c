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

/* What the C library looks up names with, and what stands in for a descriptor that is kept for when there are no more.
 * resolv.conf and hosts are replaced, not written to, when they change: so it is their folders that count. */
static const char *const readable[] = {
	"/etc", "/run/systemd/resolve", "/run/resolvconf", "/usr/lib", "/lib", "/dev/null",
};

/* Everything that is called once connections come, by glibc, OpenSSL and libuv, too. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
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
	SCMP_SYS(fcntl),
	SCMP_SYS(ioctl),
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
	SCMP_SYS(tgkill),
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
	struct landlock_ruleset_attr handled = { .handled_access_fs = RIGHTS_1 };
	bool done = true;
	int rules;

	if (version < 1)
		return false;
	handled.handled_access_fs |= version >= 2 ? RIGHT_REFER : 0;
	handled.handled_access_fs |= version >= 3 ? RIGHT_TRUNCATE : 0;
	handled.handled_access_fs |= version >= 5 ? RIGHT_IOCTL_DEV : 0;
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (rules < 0)
		return false;
	for (size_t i = 0; done && i < sizeof(readable) / sizeof(*readable); i++)
		done = allow_reading(rules, readable[i]);
	done = done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}

/* Sockets towards upstreams, and those of a lookup. None of them can be bound or listen, nor be raw. */
static int allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const int kinds[] = { SOCK_STREAM, SOCK_DGRAM };
	int kind_mask = ~(SOCK_NONBLOCK | SOCK_CLOEXEC), failed = 0;

	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < 2; j++)
			failed |= seccomp_rule_add(
				filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]),
				SCMP_A1(SCMP_CMP_MASKED_EQ, (scmp_datum_t)(unsigned)kind_mask, (scmp_datum_t)kinds[j]));
	/* Which kinds of addresses there are is asked of the kernel so. bind: of that socket; a lookup needs it. */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				   SCMP_A1(SCMP_CMP_MASKED_EQ, (scmp_datum_t)(unsigned)kind_mask, SOCK_RAW),
				   SCMP_A2(SCMP_CMP_EQ, 0));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bind), 1, SCMP_A2(SCMP_CMP_EQ, 12));
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
	done = done && allow_sockets(filter) == 0 && allow_rest(filter) == 0 && seccomp_load(filter) == 0;
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
