#include "shell/keeper_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "record/storage.h"
#include "shell/log.h"

#define WAIT_NS ((uint64_t)1000000000)
#define GATHER_NS ((uint64_t)20000000)
enum { FULL = 1 << 18, PATH_ROOM = 4096, NOTE_ROOM = 64 };

/* A file of ours that only we may read. Half a line of a writer that was killed is ended. */
static int open_file(struct keeper_capture *capture)
{
	int fd = open(capture->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat stat;
	char last = '\n';

	if (fd < 0)
		return -1;
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || stat.st_uid != geteuid() || stat.st_nlink != 1 ||
	    fchmod(fd, 0600) != 0) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	if (stat.st_size != 0 && pread(fd, &last, 1, stat.st_size - 1) == 1 && last != '\n' &&
	    write(fd, "\n", 1) != 1) {
		close(fd);
		return -1;
	}
	capture->size = (uint64_t)stat.st_size + (last != '\n');
	return fd;
}

static void say_failing(struct keeper_capture *capture, const char *what)
{
	if (!capture->failing)
		log_error(capture->log, record, "cannot %s %s: %s; traffic that is not recorded is counted", what,
			  capture->path, strerror(errno));
	capture->failing = true;
}

/* The next file; false: no more is written. */
static bool make_room(struct keeper_capture *capture, size_t size)
{
	char before[PATH_ROOM];

	if (capture->size + size <= capture->most)
		return true;
	if (!capture->rotates) {
		log_warn(capture->log, record,
			 "%s has the size that it may have (capture.max_size): no more traffic is recorded",
			 capture->path);
		capture->ended = true;
		return false;
	}
	if (snprintf(before, sizeof(before), "%s.1", capture->path) >= (int)sizeof(before) ||
	    rename(capture->path, before) != 0) {
		say_failing(capture, "rename");
		return false;
	}
	close(capture->fd);
	capture->fd = open_file(capture);
	if (capture->fd < 0)
		say_failing(capture, "open");
	return capture->fd >= 0;
}

static bool write_file(struct keeper_capture *capture, size_t size)
{
	if (capture->ended)
		return false;
	if (capture->fd < 0)
		capture->fd = open_file(capture);
	if (capture->fd < 0) {
		say_failing(capture, "open");
		return false;
	}
	if (!make_room(capture, size))
		return false;
	if (storage_write_all(&storage_system, capture->fd, buf_data(&capture->lines), size) == size) {
		capture->size += size;
		capture->failing = false;
		return true;
	}
	say_failing(capture, "write");
	if (ftruncate(capture->fd, (off_t)capture->size) != 0) /* half a line */
		capture->ended = true;
	return false;
}

static void write_lines(struct keeper_capture *capture)
{
	size_t size = buf_size(&capture->lines);

	if (size == 0)
		return;
	if (!write_file(capture, size))
		capture->lost += capture->waiting;
	capture->waiting = 0;
	buf_clear(&capture->lines, &capture->pool);
}

static void add(struct keeper_capture *capture, struct fw_slice line)
{
	if (buf_append(&capture->lines, &capture->pool, line.data, line.size) != 0 ||
	    buf_append(&capture->lines, &capture->pool, "\n", 1) != 0)
		capture->ended = true; /* half a line would be joined to the next one */
}

/* The gate may be a process that somebody has taken over: what it sends is one JSON object on one line, or nothing. */
static bool is_line(struct keeper_capture *capture, struct fw_slice line)
{
	struct json json;

	arena_reset(&capture->arena);
	return memchr(line.data, '\n', line.size) == NULL &&
	       json_parse(&capture->arena, line, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT;
}

static void take(struct keeper_capture *capture, const struct ipc_capture *message, struct fw_slice line)
{
	char note[NOTE_ROOM];
	int size;

	capture->lost += message->lost;
	if (capture->ended)
		return;
	if (line.size == 0 || !is_line(capture, line)) {
		capture->lost++;
		return;
	}
	if (capture->lost != 0) {
		size = snprintf(note, sizeof(note), "{\"lost\":%llu}", (unsigned long long)capture->lost);
		add(capture, slice(note, (size_t)size));
		capture->waiting += capture->lost;
		capture->lost = 0;
	}
	add(capture, line);
	capture->waiting++;
	if (buf_size(&capture->lines) >= FULL)
		write_lines(capture);
}

static void run(void *user)
{
	struct keeper_capture *capture = user;
	struct ipc_capture message;
	enum ipc_type type;
	struct fw_slice line;

	pthread_setname_np(pthread_self(), "fw-capture");
	for (;;) {
		bool stop = atomic_load(&capture->stop), any = false;

		while (ipc_receive(capture->channel, &type, &message, sizeof(message), &line)) {
			any = true;
			if (type == IPC_CAPTURE)
				take(capture, &message, line);
		}
		write_lines(capture);
		if (stop && !any)
			break;
		if (!any)
			ipc_wait(capture->channel, WAIT_NS);
		if (!stop)
			ipc_gather(capture->channel, GATHER_NS);
	}
}

const char *keeper_capture_start(struct keeper_capture *capture, const struct settings *settings,
				 struct ipc_channel *channel, struct log *log)
{
	static char text[PATH_ROOM + 256];

	capture->fd = -1;
	if (settings->capture_file[0] == '\0')
		return NULL;
	capture->log = log;
	capture->most = (uint64_t)settings->capture_max_size << 20;
	capture->rotates = settings->capture_when_full != 0;
	capture->path = capture->owned_path = mem_text(settings->capture_file, strlen(settings->capture_file));
	capture->owns_channel = channel == NULL;
	capture->channel = channel != NULL ? channel : ipc_channel_share(LIMIT_CAPTURE_QUEUE, false);
	if (capture->path == NULL || capture->channel == NULL)
		return "cannot record traffic: memory is short";
	pool_init(&capture->pool);
	arena_init(&capture->arena, (size_t)LIMIT_CAPTURE_QUEUE * 16);
	capture->fd = open_file(capture);
	if (capture->fd < 0) {
		snprintf(text, sizeof(text), "cannot record traffic to %s (capture.file): %s", capture->path,
			 errno == EINVAL ? "it is not a file of this user with one name" : strerror(errno));
		return text;
	}
	if (uv_thread_create(&capture->thread, run, capture) != 0)
		return "cannot record traffic: no thread";
	capture->runs = true;
	log_warn(log, record, "traffic is recorded, redacted, to %s (capture.file)", capture->path);
	return NULL;
}

void keeper_capture_stop(struct keeper_capture *capture)
{
	if (capture->channel == NULL)
		return;
	if (capture->runs) {
		atomic_store(&capture->stop, true);
		ipc_wake(capture->channel);
		uv_thread_join(&capture->thread);
	}
	if (capture->fd >= 0)
		close(capture->fd);
	buf_clear(&capture->lines, &capture->pool);
	pool_fini(&capture->pool);
	arena_fini(&capture->arena);
	if (capture->owns_channel)
		ipc_channel_free(capture->channel);
	mem_free(capture->owned_path);
	*capture = (struct keeper_capture){ .fd = -1 };
}
