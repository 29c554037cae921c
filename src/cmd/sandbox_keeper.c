#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/sandbox.h"
#include "cmd/sandbox_parts.h"

enum { PATH_ROOM = 4096, DEPTH = 8 };

/* What libraries read: addresses of names, authorities, zones of time, themselves. Files that are replaced when they
 * change count by their folders. */
static const char *const readable[] = {
	"/etc",	      "/usr/lib",    "/usr/share",	     "/usr/local/share/ca-certificates",
	"/lib",	      "/lib64",	     "/run/systemd/resolve", "/run/resolvconf",
	"/proc/self", "/dev/random", "/dev/urandom",
};
static const char *const variables[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF" };

/* What no library has a use for, and what is done with other processes or to the machine. */
static const int denied[] = {
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(tkill),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(reboot),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(syslog),
	SCMP_SYS(vhangup),
	SCMP_SYS(personality),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(capset),
	SCMP_SYS(process_madvise),
};
static const int of_programs[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(wait4), SCMP_SYS(waitid),
};

static void allow_file(struct sandbox_files *files, const char *path, enum sandbox_right right)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_ROOM];

	sandbox_files_allow(files, path, right); /* where a link leads */
	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	sandbox_files_allow(files, folder, right);
}

static bool restrict_files(const struct keeper_needs *needs)
{
	struct sandbox_files files;

	if (!sandbox_files_begin(&files, false))
		return false;
	for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++)
		sandbox_files_allow(&files, readable[i], SANDBOX_READ);
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if (getenv(variables[i]) != NULL)
			sandbox_files_allow(&files, getenv(variables[i]), SANDBOX_READ);
	for (size_t i = 0; i < needs->read_count; i++)
		allow_file(&files, needs->reads[i], SANDBOX_READ);
	if (needs->copy != NULL)
		allow_file(&files, needs->copy, SANDBOX_WRITE);
	for (size_t i = 0; i < needs->write_count; i++)
		allow_file(&files, needs->writes[i], SANDBOX_WRITE);
	if (getenv("TMPDIR") != NULL)
		sandbox_files_allow(&files, getenv("TMPDIR"), SANDBOX_WRITE);
	sandbox_files_allow(&files, "/dev/null", SANDBOX_WRITE);
	sandbox_files_allow(&files, needs->data, SANDBOX_WRITE);
	if (needs->record != NULL)
		sandbox_files_allow(&files, needs->record, SANDBOX_WRITE);
	return sandbox_files_end(&files);
}

static int deny(scmp_filter_ctx filter, int call)
{
	return call >= 0 ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) : 0;
}

/* Nothing but these: the last word of those above the ones between. */
static int deny_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int from = 0, failed = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		for (int family = from; family < families[i]; family++)
			failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
						   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
		from = families[i] + 1;
	}
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				   SCMP_A0(SCMP_CMP_GE, (scmp_datum_t)from));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				   SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW));
	return failed;
}

/* A thread may let others go first, its own alone. */
static int deny_priorities(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setpriority), 1,
				SCMP_A0(SCMP_CMP_NE, PRIO_PROCESS)) |
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setpriority), 1, SCMP_A1(SCMP_CMP_NE, 0));
}

static int deny_programs(scmp_filter_ctx filter)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(of_programs) / sizeof(*of_programs); i++)
		failed |= deny(filter, of_programs[i]);
	/* Threads, not processes: see the gate's. */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				   SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	failed |= deny(filter, SCMP_SYS(kill));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
				   SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	return failed;
}

static bool restrict_calls(bool programs)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool done = filter != NULL;

	for (size_t i = 0; done && i < sizeof(denied) / sizeof(*denied); i++)
		done = deny(filter, denied[i]) == 0;
	done = done && deny_sockets(filter) == 0 && deny_priorities(filter) == 0 &&
	       (programs || deny_programs(filter) == 0) && seccomp_load(filter) == 0;
	if (filter != NULL)
		seccomp_release(filter);
	return done;
}

/* What is a file by one name alone, or a folder. */
static bool own(int at, const char *name, const struct passwd *user, unsigned depth)
{
	int folder = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	bool done = true;
	struct stat is;
	DIR *list;

	if (folder < 0)
		return errno == ENOENT;
	list = depth != 0 && fchown(folder, user->pw_uid, user->pw_gid) == 0 ? fdopendir(folder) : NULL;
	if (list == NULL) {
		close(folder);
		return false;
	}
	while (done && (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(folder, entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(is.st_mode))
			done = own(folder, entry->d_name, user, depth - 1);
		else if (is.st_uid != user->pw_uid && is.st_nlink == 1)
			done = fchownat(folder, entry->d_name, user->pw_uid, user->pw_gid, AT_SYMLINK_NOFOLLOW) == 0;
	}
	closedir(list);
	return done;
}

/* Its folders are there, and that user's from now on: root made what is in them. Where they cannot be made, whoever
 * opens them says so. */
static bool become(const char *name, const struct keeper_needs *needs)
{
	struct passwd *user = getuid() == 0 && name != NULL ? getpwnam(name) : NULL;

	mkdir(needs->data, 0700);
	if (needs->record != NULL)
		mkdir(needs->record, 0700);
	if (user == NULL)
		return true;
	return own(AT_FDCWD, needs->data, user, DEPTH) &&
	       (needs->record == NULL || own(AT_FDCWD, needs->record, user, DEPTH)) && sandbox_become(name);
}

/* Where it stays root: files of others, and ports below 1024. */
static const uint32_t kept = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_FOWNER |
			     1U << CAP_FSETID | 1U << CAP_NET_BIND_SERVICE;

const char *sandbox_keeper(const char *user, const struct keeper_needs *needs)
{
	bool files, calls;

	if (!become(user, needs))
		return "the keeper stays who it is: it could not become another user";
	sandbox_drop_rights(kept);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return "the keeper is not confined: the kernel has no no_new_privs";
	if (SANDBOX_UNDER_SANITIZER)
		return NULL;
	files = needs->programs || restrict_files(needs);
	calls = restrict_calls(needs->programs);
	if (!files && !calls)
		return "the keeper is not confined: the kernel has neither landlock nor seccomp here";
	if (!files)
		return "the keeper is not kept from files: the kernel has no landlock here";
	return calls ? NULL : "system calls of the keeper are not filtered: the kernel has no seccomp here";
}
