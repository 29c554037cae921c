#include "cmd/sandbox_parts.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights by the version of landlock that brought them; headers of Debian 12 know those up to 2. */
#define RIGHTS_1 (((uint64_t)1 << 13) - 1)
#define RIGHT_REFER ((uint64_t)1 << 13)
#define RIGHT_TRUNCATE ((uint64_t)1 << 14)
#define RIGHT_IOCTL_DEV ((uint64_t)1 << 15)
#define RIGHTS_TCP ((uint64_t)3) /* 4: to bind and to connect */
#define SCOPES_ALL ((uint64_t)3) /* 6: abstract unix sockets, and signals, of processes that are not so confined */
#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* What a rule of a file, not of a folder, may have. */
#define RIGHTS_OF_FILES                                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | RIGHT_TRUNCATE |  \
	 RIGHT_IOCTL_DEV)
#define RIGHTS_NEVER                                                                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | RIGHT_IOCTL_DEV)

struct ruleset {
	uint64_t files, tcp, scopes;
};

bool sandbox_become(const char *name)
{
	struct passwd *user = getuid() == 0 && name != NULL ? getpwnam(name) : NULL;

	if (user == NULL)
		return true;
	return setgroups(0, NULL) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	       setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
}

void sandbox_drop_rights(uint32_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct rights[2];

	if (syscall(SYS_capget, &header, rights) != 0)
		return;
	rights[0].permitted &= kept;
	rights[1].permitted = 0;
	for (unsigned i = 0; i < 2; i++) {
		rights[i].effective = rights[i].permitted;
		rights[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, rights);
}

bool sandbox_files_begin(struct sandbox_files *files, bool quiet)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset handled = { .files = RIGHTS_1 };
	size_t size = version >= 6   ? sizeof(handled)
		      : version >= 4 ? offsetof(struct ruleset, scopes)
				     : offsetof(struct ruleset, tcp);

	*files = (struct sandbox_files){ .rules = -1 };
	if (version < 1)
		return false;
	handled.files |= version >= 2 ? RIGHT_REFER : 0;
	handled.files |= version >= 3 ? RIGHT_TRUNCATE : 0;
	handled.files |= version >= 5 ? RIGHT_IOCTL_DEV : 0;
	handled.tcp = version >= 4 && quiet ? RIGHTS_TCP : 0;
	handled.scopes = version >= 6 ? SCOPES_ALL : 0;
	files->rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
	files->handled = handled.files;
	files->holds = files->rules >= 0;
	return files->holds;
}

void sandbox_files_allow(struct sandbox_files *files, const char *path, enum sandbox_right right)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat is;

	if (rule.parent_fd < 0)
		return;
	rule.allowed_access = files->handled & (right == SANDBOX_READ ? RIGHTS_READ : ~RIGHTS_NEVER);
	if (fstat(rule.parent_fd, &is) != 0 || !S_ISDIR(is.st_mode))
		rule.allowed_access &= RIGHTS_OF_FILES;
	files->holds &= syscall(SYS_landlock_add_rule, files->rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
}

bool sandbox_files_end(struct sandbox_files *files)
{
	files->holds = files->holds && syscall(SYS_landlock_restrict_self, files->rules, 0) == 0;
	close(files->rules);
	return files->holds;
}
