/* Lines to their file. What is not known to be on the disk stays in memory: after a failed sync the kernel may have
 * marked as clean what it could not write, so that a second sync that succeeds says nothing. Such a file gets nothing
 * more: it is cut where it was known to be good, and the rest is written again into a new one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "record/ledger_parts.h"

static const char link_name[] = "security_audit.log";

/* A name that stays the same, for `tail -F`: nothing reads the record by it. Best effort. */
void ledger_point_link(struct ledger *ledger)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH], fresh[STORAGE_PATH];

	segment_name(ledger->segment_first, ".log", name);
	if (!storage_path(ledger->options.directory, link_name, path) ||
	    !storage_path(ledger->options.directory, "security_audit.log.new", fresh))
		return;
	ledger->storage->remove(fresh);
	if (symlink(name, fresh) == 0)
		ledger->storage->rename(fresh, path);
}

static int begin_segment(struct ledger *ledger, struct ledger_time now)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];

	segment_name(ledger->first, ".log", name);
	if (!storage_path(ledger->options.directory, name, path))
		return -1;
	ledger->fd = ledger->storage->open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ledger->fd < 0)
		return -1;
	ledger->segment_first = ledger->first;
	ledger->segment_size = 0;
	ledger->written = 0;
	ledger->segment_began_us = now.wall_us;
	if (ledger->options.sync != LEDGER_SYNC_NONE &&
	    storage_sync_folder(ledger->storage, ledger->options.directory) != 0) {
		ledger->condemned = true; /* its name may be lost: nothing was written yet */
		return -1;
	}
	ledger_point_link(ledger);
	return 0;
}

/* Gives up a file that cannot be trusted. 0 when the next one may begin. */
static int leave_condemned(struct ledger *ledger)
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];

	if (ledger->segment_size != 0) {
		if (ledger->storage->truncate(ledger->fd, (off_t)ledger->segment_size) != 0 ||
		    (ledger->options.sync != LEDGER_SYNC_NONE && ledger->storage->sync(ledger->fd) != 0))
			return -1;
	} else {
		segment_name(ledger->segment_first, ".log", name);
		if (!storage_path(ledger->options.directory, name, path) ||
		    (ledger->storage->remove(path) != 0 && errno != ENOENT))
			return -1;
	}
	close(ledger->fd);
	ledger->fd = -1;
	ledger->written = 0;
	ledger->condemned = false;
	return 0;
}

/* All that is in the file is good now: it need not be kept. */
static void forget_written(struct ledger *ledger)
{
	ledger->segment_size += ledger->written;
	buf_consume(&ledger->lines, &ledger->pool, ledger->written);
	ledger->written = 0;
	ledger->first = ledger->sequence + 1;
	ledger->durable = ledger->sequence;
}

static int sync_lines(struct ledger *ledger, struct ledger_time now)
{
	if (ledger->storage->sync(ledger->fd) != 0) {
		ledger->condemned = true;
		return -1;
	}
	ledger->synced_ns = now.monotonic_ns;
	forget_written(ledger);
	return 0;
}

static bool segment_is_full(const struct ledger *ledger, struct ledger_time now)
{
	const struct ledger_options *options = &ledger->options;

	if (ledger->fd < 0 || ledger->segment_size + ledger->written == 0)
		return false;
	return (options->segment_bytes != 0 && ledger->segment_size + ledger->written >= options->segment_bytes) ||
	       (options->segment_ns != 0 && now.wall_us > ledger->segment_began_us &&
		now.wall_us - ledger->segment_began_us >= options->segment_ns / 1000);
}

/* Only whole segments are left behind, signed to their end. */
void ledger_end_full_segment(struct ledger *ledger, struct ledger_time now)
{
	if (!segment_is_full(ledger, now))
		return;
	if (ledger->unsigned_reason != 0 && now.monotonic_ns - ledger->sign_tried_ns < LEDGER_RETRY_NS)
		return;
	if (ledger->checkpoint_size != ledger->sequence && ledger_checkpoint(ledger, now, true) != 0)
		return;
	close(ledger->fd);
	ledger->fd = -1;
}

static bool must_sync(const struct ledger *ledger, struct ledger_time now)
{
	switch (ledger->options.sync) {
	case LEDGER_SYNC_GROUP:
	case LEDGER_SYNC_EACH:
		return true;
	case LEDGER_SYNC_INTERVAL:
		return now.monotonic_ns - ledger->synced_ns >= LEDGER_SECOND_NS;
	case LEDGER_SYNC_NONE:
		break;
	}
	return false;
}

static int write_lines(struct ledger *ledger, struct ledger_time now, bool sync)
{
	size_t size = buf_size(&ledger->lines), done;

	if (ledger->condemned && leave_condemned(ledger) != 0)
		return -1;
	if (size == 0)
		return 0;
	if (ledger->fd < 0 && begin_segment(ledger, now) != 0)
		return -1;
	done = storage_write_all(ledger->storage, ledger->fd, buf_data(&ledger->lines) + ledger->written,
				 size - ledger->written);
	ledger->written += done;
	if (ledger->written != size) {
		ledger->condemned = errno == EIO;
		return -1;
	}
	if (ledger->options.sync == LEDGER_SYNC_NONE)
		forget_written(ledger);
	else if ((sync || must_sync(ledger, now) || size >= LIMIT_RECORD_KEPT / 2) && sync_lines(ledger, now) != 0)
		return -1;
	else if (ledger->options.sync == LEDGER_SYNC_INTERVAL)
		ledger->durable = ledger->sequence;
	return 0;
}

int ledger_write(struct ledger *ledger, struct ledger_time now, bool sync)
{
	ledger->write_failed = write_lines(ledger, now, sync) != 0;
	return ledger->write_failed ? -1 : 0;
}
