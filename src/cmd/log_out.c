#include "cmd/log_out.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"

enum { LINE = 3072 }; /* below PIPE_BUF: lines of several processes on one pipe stay whole */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long unread; /* lines that nobody took; under lock */

static const char *level_name(enum fw_log_level level)
{
	static const char *const names[] = { "error", "warn", "notice", "info", "debug", "trace" };

	return names[level];
}

static int make_line(char line[LINE], enum fw_log_level level, const char *module, const char *text)
{
	char when[ENCODE_RFC3339];
	struct timespec now;
	int size;

	clock_gettime(CLOCK_REALTIME, &now);
	encode_rfc3339((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000, when);
	size = snprintf(line, LINE, "%.*s %s %s: %s\n", (int)sizeof(when), when, level_name(level), module, text);
	return size < LINE ? size : LINE - 1;
}

/* A reader that does not read must not stop who speaks: then the line is left out. Under the lock. */
static bool put_line(const char *line, size_t size)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t written;

	if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
		return false;
	do
		written = write(STDERR_FILENO, line, size);
	while (written < 0 && errno == EINTR);
	return written > 0;
}

static void put(enum fw_log_level level, const char *module, const char *text)
{
	char line[LINE], missed[LINE];
	int size = make_line(line, level, module, text), missed_size;

	pthread_mutex_lock(&lock);
	if (unread != 0) {
		char said[64];

		snprintf(said, sizeof(said), "%lu lines were left out: nobody read them", unread);
		missed_size = make_line(missed, FW_LOG_WARNING, "log", said);
		if (put_line(missed, (size_t)missed_size))
			unread = 0;
	}
	if (unread != 0 || !put_line(line, (size_t)size))
		unread++;
	pthread_mutex_unlock(&lock);
}

void log_out(void *user, enum fw_log_level level, const char *module, const char *text)
{
	(void)user;
	if (level == FW_LOG_NOTICE) {
		printf("%s\n", text);
		fflush(stdout);
	} else if (strcmp(module, "config") == 0) {
		fprintf(stderr, "%s\n", text); /* problems of a configuration say themselves where they are */
	} else if (strcmp(module, "manager") == 0) {
		fprintf(stderr, "framewall: %s\n", text);
	} else {
		put(level, module, text);
	}
}
