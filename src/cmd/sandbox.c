#include "cmd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
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

#include "cmd/sandbox_parts.h"

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

static bool restrict_files(void)
{
	struct sandbox_files files;

	if (!sandbox_files_begin(&files, true))
		return false;
	for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++)
		sandbox_files_allow(&files, readable[i], SANDBOX_READ);
	return sandbox_files_end(&files);
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
	static const int of_files[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_GET_SEALS };
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

	if (!sandbox_become(user))
		return "the gate stays who it is: it could not become another user";
	sandbox_drop_rights(0);
	prctl(PR_SET_PDEATHSIG, 9); /* anew: becoming somebody else undoes it */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return "the gate is not confined: the kernel has no no_new_privs";
	if (SANDBOX_UNDER_SANITIZER)
		return NULL;
	files = restrict_files();
	calls = restrict_calls();
	if (!files && !calls)
		return "the gate is not confined: the kernel has neither landlock nor seccomp here";
	if (!files)
		return "the gate is not kept from files: the kernel has no landlock here";
	return calls ? NULL : "system calls of the gate are not filtered: the kernel has no seccomp here";
}
