/* A thread of its own, which gives way to all others: as segments of the record are closed, or their files become
 * others, they are verified and their rows made, so that a report has them. So a change of what is closed shows in the
 * log, too, before anybody asks. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "base/slice.h"
#include "report/facts.h"
#include "report/facts_files.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define PAUSE_NS ((uint64_t)2000000000)
#define LATER_NS ((uint64_t)60000000000)

enum { PRIORITY = 15 }; /* of the thread, as of nice */

static struct log *log_of(const struct keeper_rows *rows)
{
	return rows->keeper->options.log;
}

static const char *directory_of(const struct keeper_rows *rows)
{
	return rows->keeper->recorder.directory;
}

static void tell_damage(struct keeper_rows *rows, const struct ledger_report *report)
{
	if (!rows->damage_told)
		log_error(log_of(rows), record,
			  "the record in %s does not hold, in %s at byte %" PRIu64 ": %s; see framewall audit verify",
			  directory_of(rows), report->file, report->offset, report->reason);
	rows->damage_told = true;
}

/* What is over at the second attempt (no descriptor, a file that changed meanwhile) is not worth a word. */
static uint64_t tell_failure(struct keeper_rows *rows, int reason)
{
	if (reason == EWOULDBLOCK) /* a report does it */
		return PAUSE_NS;
	if (rows->failures++ == 1)
		log_warn(log_of(rows), record,
			 "rows for reports of the record in %s are not kept: %s; the next report takes longer",
			 directory_of(rows), strerror(reason));
	return rows->failures == 1 ? PAUSE_NS : LATER_NS;
}

/* How long to wait then. */
static uint64_t bring_up(struct keeper_rows *rows)
{
	struct facts_options options = { .record = directory_of(rows),
					 .kept = rows->kept,
					 .key = slice(rows->key, sizeof(rows->key)),
					 .cancelled = &rows->stop };
	struct ledger_report report;
	uint8_t closed[32];

	if (!facts_files_closed(directory_of(rows), closed))
		return tell_failure(rows, errno);
	if (memcmp(closed, rows->closed, sizeof(closed)) == 0)
		return PAUSE_NS;
	if (!keeper_has_room(directory_of(rows)) || !keeper_has_room(rows->keeper->options.data_directory))
		return tell_failure(rows, ENOSPC);
	if (facts_advance(&options, &report) != 0)
		return atomic_load(&rows->stop) ? PAUSE_NS : tell_failure(rows, errno);
	rows->failures = 0;
	memcpy(rows->closed, closed, sizeof(closed));
	if (report.holds)
		rows->damage_told = false;
	else
		tell_damage(rows, &report);
	return PAUSE_NS;
}

static void run(void *user)
{
	struct keeper_rows *rows = user;
	uint64_t pause;

	pthread_setname_np(pthread_self(), "fw-rows");
	setpriority(PRIO_PROCESS, 0, PRIORITY); /* on Linux: of this thread */
	uv_mutex_lock(&rows->lock);
	while (!atomic_load(&rows->stop)) {
		uv_mutex_unlock(&rows->lock);
		pause = bring_up(rows);
		uv_mutex_lock(&rows->lock);
		if (!atomic_load(&rows->stop))
			uv_cond_timedwait(&rows->wake, &rows->lock, pause);
	}
	uv_mutex_unlock(&rows->lock);
}

void keeper_rows_start(struct keeper_rows *rows, struct keeper *keeper)
{
	rows->keeper = keeper;
	if (!report_kept(keeper->options.data_directory, rows->kept, rows->key))
		return;
	uv_mutex_init(&rows->lock);
	uv_cond_init(&rows->wake);
	rows->starts = true;
	rows->runs = uv_thread_create(&rows->thread, run, rows) == 0;
}

void keeper_rows_stop(struct keeper_rows *rows)
{
	if (!rows->starts)
		return;
	uv_mutex_lock(&rows->lock);
	atomic_store(&rows->stop, true);
	uv_cond_signal(&rows->wake);
	uv_mutex_unlock(&rows->lock);
	if (rows->runs)
		uv_thread_join(&rows->thread);
	uv_cond_destroy(&rows->wake);
	uv_mutex_destroy(&rows->lock);
}
