/* A file that lines are appended to. It is opened anew each time, so it may be moved away (logrotate) at any moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "shell/sender_parts.h"

static bool cannot(struct sender *sender, const char *what, const char *path)
{
	snprintf(sender->why, sizeof(sender->why), "cannot %s %.200s: %s", what, path, strerror(errno));
	return false;
}

/* Half a line would be joined to the next one. */
static bool append(struct sender *sender, int fd, const char *path, struct fw_slice lines)
{
	struct stat stat;
	int reason;

	if (fstat(fd, &stat) != 0)
		return cannot(sender, "look at", path);
	if (!S_ISREG(stat.st_mode)) {
		errno = EINVAL;
		return cannot(sender, "append to what is no file,", path);
	}
	if (storage_write_all(&storage_system, fd, lines.data, lines.size) == lines.size && fdatasync(fd) == 0)
		return true;
	reason = errno;
	if (ftruncate(fd, stat.st_size) != 0)
		return cannot(sender, "take half a line out of", path);
	errno = reason;
	return cannot(sender, "write", path);
}

bool sender_file_append(struct sender *sender, const char *path, struct fw_slice lines)
{
	/* A pipe whose reader is gone must not hold this thread. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	bool holds;

	if (fd < 0)
		return cannot(sender, "open", path);
	holds = append(sender, fd, path, lines);
	close(fd);
	return holds;
}

static enum sender_result send_file(struct sender *sender, struct sender_batch *batch)
{
	return sender_file_append(sender, sender->receiver->path,
				  slice(buf_data(&batch->lines), buf_size(&batch->lines)))
		       ? SENDER_SENT
		       : SENDER_FAILED;
}

static bool close_file(struct sender *sender, bool in_order)
{
	(void)sender;
	return in_order;
}

const struct sender_transport sender_file = { send_file, NULL, close_file };
