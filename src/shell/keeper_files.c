#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

enum {
	PATH_ROOM = 4096,
	SECRET = 32,
	/* The lock of a server before is waited for so long, 10 s; one that answers for half a second runs. */
	LOCK_STEP_MS = 20,
	LOCK_STEPS = 500,
	RUNS_STEPS = 25,
	SAY_STEPS = 25
};

static char text[2 * PATH_ROOM];

static const char *say(const char *what, const char *path)
{
	snprintf(text, sizeof(text), "cannot %s %s: %s", what, path, strerror(errno));
	return text;
}

static bool answers(const char *directory)
{
	int fd = keeper_control_connect(directory);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A keeper whose monitor was killed answers nobody any more, but writes what was recorded: that is waited for. One that
 * goes on answering for a moment is no such one. 0, or -1 with errno. */
static int lock(int fd, const char *directory, struct log *log)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000 };
	unsigned answered = 0;
	int result;

	for (unsigned i = 0; (result = flock(fd, LOCK_EX | LOCK_NB)) != 0 && errno == EWOULDBLOCK; i++) {
		answered = answers(directory) ? answered + 1 : 0;
		errno = EWOULDBLOCK;
		if (i >= LOCK_STEPS || answered >= RUNS_STEPS)
			break;
		if (i == SAY_STEPS && answered == 0)
			log_info(log, server, "the server before writes its record still: waiting for it");
		nanosleep(&step, NULL);
	}
	return result;
}

bool keeper_is_locked(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

/* The lock is the kernel's: it goes with the process, however that ends. */
int keeper_files_lock(const char *directory, struct log *log, const char **reterr_text)
{
	int fd;

	if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
		*reterr_text = say("make the data directory", directory);
		return -1;
	}
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		*reterr_text = say("open the data directory", directory);
		return -1;
	}
	if (lock(fd, directory, log) == 0)
		return fd;
	if (errno == EWOULDBLOCK) {
		snprintf(text, sizeof(text),
			 "another framewall runs on this data directory: %s; stop it, or name another with --data",
			 directory);
		*reterr_text = text;
	} else {
		*reterr_text = say("lock the data directory", directory);
	}
	close(fd);
	return -1;
}

static bool read_token(int fd, char ret_token[KEEPER_TOKEN + 1])
{
	char bytes[KEEPER_TOKEN + 2];
	uint8_t secret[SECRET + 3];
	ssize_t size = read(fd, bytes, sizeof(bytes));

	if (size < KEEPER_TOKEN || size > KEEPER_TOKEN + 1 ||
	    (size == KEEPER_TOKEN + 1 && bytes[KEEPER_TOKEN] != '\n') ||
	    decode_base64(bytes, KEEPER_TOKEN, 1, secret) != SECRET)
		return false;
	memcpy(ret_token, bytes, KEEPER_TOKEN);
	ret_token[KEEPER_TOKEN] = '\0';
	mem_wipe(secret, sizeof(secret));
	mem_wipe(bytes, sizeof(bytes));
	return true;
}

static void make_token(const struct fw_random *random, char ret_token[KEEPER_TOKEN + 1])
{
	uint8_t secret[SECRET];

	random->fill(random->user, secret, sizeof(secret));
	encode_base64(secret, sizeof(secret), 1, ret_token);
	ret_token[KEEPER_TOKEN] = '\0';
	mem_wipe(secret, sizeof(secret));
}

const char *keeper_files_database(const char *directory, const struct vault_options *keys, struct store *store,
				  struct database **ret_database)
{
	char path[PATH_ROOM], wrong[DATABASE_ERROR];

	*ret_database = NULL;
	if (snprintf(path, sizeof(path), "%s/framewall.db", directory) >= PATH_ROOM) {
		errno = ENAMETOOLONG;
		return say("open", path);
	}
	*ret_database = database_open(path, keys, wrong);
	if (*ret_database != NULL && database_load(*ret_database, store, wrong) &&
	    database_load_blocks(*ret_database, store,
				 (struct fw_time){ .monotonic_ns = uv_hrtime(), .wall_us = clock_wall_us() }, wrong))
		return NULL;
	*ret_database = database_close(*ret_database);
	snprintf(text, sizeof(text), "cannot use %s: %s", path, wrong);
	return text;
}

const char *keeper_files_token(const char *directory, const struct fw_random *random, char ret_token[KEEPER_TOKEN + 1])
{
	char path[PATH_ROOM], fresh[PATH_ROOM + 8], line[KEEPER_TOKEN + 1];
	bool known = false, written;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/admin.token", directory) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return say("read", directory);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		known = fchmod(fd, 0600) == 0 && read_token(fd, ret_token);
		close(fd);
	}
	if (known)
		return NULL;
	make_token(random, ret_token);
	memcpy(line, ret_token, KEEPER_TOKEN);
	line[KEEPER_TOKEN] = '\n';
	/* Whole or not at all: a reader never sees half a token. */
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return say("make", fresh);
	written = write(fd, line, sizeof(line)) == (ssize_t)sizeof(line);
	mem_wipe(line, sizeof(line));
	if (close(fd) != 0 || !written || rename(fresh, path) != 0)
		return say("write", path);
	return NULL;
}

bool keeper_files_socket(const char *directory, int directory_fd, struct sockaddr_un *ret_address)
{
	size_t room = sizeof(ret_address->sun_path);

	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	if ((size_t)snprintf(ret_address->sun_path, room, "%s/control.sock", directory) < room)
		return true;
	/* sun_path has 108 octets; a name through the open folder is always short enough. */
	return (size_t)snprintf(ret_address->sun_path, room, "/proc/self/fd/%d/control.sock", directory_fd) < room;
}
