/* A thread of its own, which gives way to all others, for what the record does not wait for: its index is kept up to
 * date, and its old files are compressed and removed. Whatever becomes of that is said once, and it is tried again. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "base/slice.h"
#include "record/index.h"
#include "record/retention.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define PAUSE_NS ((uint64_t)200000000)
#define LATER_NS ((uint64_t)10000000000)
#define TIDY_NS ((uint64_t)1000000000)

enum {
	RECORDS = 8192,	 /* in one transaction */
	PRIORITY = 10,	 /* of the thread, as of nice */
	ROOM = 64 << 20, /* octets that must be free beside the record: those are for the record */
};

static struct log *log_of(const struct keeper_index *index)
{
	return index->keeper->options.log;
}

static const char *directory_of(const struct keeper_index *index)
{
	return index->keeper->recorder.directory;
}

/* What is over at the second attempt (no descriptor, no memory) is not worth a word. */
static void tell_trouble(struct keeper_index *index, const char *why)
{
	if (index->failures++ == 0)
		return;
	if (!atomic_load(&index->failing))
		log_warn(log_of(index), record,
			 "the record in %s is not indexed: %s; it is written all the same, searches read its lines",
			 directory_of(index), why);
	atomic_store(&index->failing, true);
}

static void tell_well(struct keeper_index *index)
{
	if (atomic_load(&index->failing))
		log_warn(log_of(index), record, "the record in %s is indexed again", directory_of(index));
	atomic_store(&index->failing, false);
	index->failures = 0;
}

bool keeper_has_room(const char *directory)
{
	struct statvfs room;

	return statvfs(directory, &room) != 0 || (uint64_t)room.f_bavail * room.f_frsize >= ROOM;
}

static void note_lag(struct keeper_index *index)
{
	uint64_t from = index_took_from_us(index->index), now = clock_wall_us();

	atomic_store(&index->last, index_last(index->index));
	if (from != 0)
		atomic_store(&index->lag_us, now > from ? now - from : 0);
}

/* Takes what there is; how long to wait then. */
static uint64_t bring_up(struct keeper_index *index)
{
	char why[INDEX_ERROR];

	while (!atomic_load(&index->stop)) {
		uint64_t durable = atomic_load(&index->keeper->recorder.durable);

		if (index_last(index->index) >= durable)
			break;
		if (!keeper_has_room(directory_of(index))) {
			tell_trouble(index, "less than 64 MiB are free there");
			return LATER_NS;
		}
		switch (index_advance(index->index, durable, RECORDS, why)) {
		case INDEX_STEP_CURRENT:
		case INDEX_STEP_MORE:
			note_lag(index);
			break;
		case INDEX_STEP_ANEW:
			log_warn(log_of(index), record, "the index of the record in %s is made anew: %s",
				 directory_of(index), why);
			atomic_store(&index->last, 0);
			atomic_fetch_add(&index->rebuilds, 1);
			if (atomic_load(&index->rebuilds) % 4 == 0) /* something keeps doing it */
				return LATER_NS;
			continue;
		case INDEX_STEP_STUCK:
		case INDEX_STEP_FAILED:
			note_lag(index);
			tell_trouble(index, why);
			return LATER_NS;
		}
		tell_well(index);
		if (index_last(index->index) < durable && index_took_from_us(index->index) == 0)
			break; /* the segments do not have it yet */
	}
	return PAUSE_NS;
}

static void tell_tidying(struct keeper_index *index, const char *why)
{
	if (!index->tidying_fails)
		log_warn(log_of(index), record, "old files of the record in %s stay as they are: %s",
			 directory_of(index), why);
	index->tidying_fails = true;
}

/* Old files, one after the other; after a failure not before some time. */
static void tidy(struct keeper_index *index)
{
	char why[RETENTION_WHY];
	uint64_t first = 0, last = 0;

	if (uv_hrtime() < index->tidy_ns)
		return;
	index->tidy_ns = uv_hrtime() + TIDY_NS;
	while (!atomic_load(&index->stop))
		switch (retention_advance(&index->retention, &first, &last, why)) {
		case RETENTION_NOTHING:
			index->tidying_fails = false;
			return;
		case RETENTION_ARCHIVED:
			break;
		case RETENTION_REMOVED:
			atomic_store(&index->removed, last);
			break;
		case RETENTION_FAILED:
			tell_tidying(index, why);
			index->tidy_ns = uv_hrtime() + LATER_NS;
			return;
		}
}

/* Records are sent on the loop's thread. */
void keeper_index_tick(struct keeper *keeper)
{
	uint64_t removed = atomic_load(&keeper->index.removed);
	struct fw_record record = { .type = EVENT_system_changes,
				    .level = keeper->options.policy->event_levels[EVENT_system_changes] };

	if (removed == keeper->index.removed_recorded)
		return;
	keeper->index.removed_recorded = removed;
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "change", .text = slice_text("old records removed") };
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "last", .kind = FW_DETAIL_INTEGER, .number = (int64_t)removed };
	keeper_record(keeper, &record);
}

/* A burst of records leaves pages of the index and free memory of all threads behind, some MB: when a round brought
 * nothing the kernel has them again. */
static void rest(struct keeper_index *index, bool worked)
{
	if (worked || !index->worked) {
		index->worked |= worked;
		return;
	}
	index->worked = false;
	index_rest(index->index);
	malloc_trim(0);
}

static void run(void *user)
{
	struct keeper_index *index = user;
	uint64_t pause = PAUSE_NS, before;

	pthread_setname_np(pthread_self(), "fw-index");
	setpriority(PRIO_PROCESS, 0, PRIORITY); /* on Linux: of this thread */
	uv_mutex_lock(&index->lock);
	while (!atomic_load(&index->stop)) {
		uv_mutex_unlock(&index->lock);
		before = atomic_load(&index->last);
		pause = index->index != NULL ? bring_up(index) : PAUSE_NS;
		if (index->index != NULL)
			rest(index, atomic_load(&index->last) != before);
		tidy(index);
		uv_mutex_lock(&index->lock);
		if (!atomic_load(&index->stop))
			uv_cond_timedwait(&index->wake, &index->lock, pause);
	}
	uv_mutex_unlock(&index->lock);
}

void keeper_index_start(struct keeper_index *index, struct keeper *keeper)
{
	const struct settings *settings = keeper_started(&keeper->options);

	index->keeper = keeper;
	index->index = index_open(directory_of(index), 0);
	index->failures = index->index == NULL; /* there is no second attempt */
	if (index->index == NULL)
		tell_trouble(index, errno == EWOULDBLOCK ? "another program is making the index" : strerror(errno));
	index->keys[0] = '\0';
	if (!storage_path(keeper->options.data_directory, "keys", index->keys))
		return;
	index->retention = (struct retention){ .directory = directory_of(index),
					       .key_directory = index->keys,
					       .texts = (uint64_t)settings->max_log_files,
					       .archives = (uint64_t)settings->max_archived_files };
	uv_mutex_init(&index->lock);
	uv_cond_init(&index->wake);
	index->starts = true;
	index->runs = uv_thread_create(&index->thread, run, index) == 0;
	if (index->runs)
		return;
	index->failures = 1;
	tell_trouble(index, "there is no thread for it");
}

void keeper_index_stop(struct keeper_index *index)
{
	if (!index->starts)
		return;
	uv_mutex_lock(&index->lock);
	atomic_store(&index->stop, true);
	uv_cond_signal(&index->wake);
	uv_mutex_unlock(&index->lock);
	if (index->runs)
		uv_thread_join(&index->thread);
	uv_cond_destroy(&index->wake);
	uv_mutex_destroy(&index->lock);
	index->index = index_close(index->index);
}

struct keeper_index_figures keeper_index_figures(const struct keeper_index *index)
{
	uint64_t last = atomic_load(&index->last), durable = atomic_load(&index->keeper->recorder.durable);

	return (struct keeper_index_figures){ .last = last,
					      .behind = durable > last ? durable - last : 0,
					      .lag_us = atomic_load(&index->lag_us),
					      .rebuilds = atomic_load(&index->rebuilds),
					      .failing = atomic_load(&index->failing) };
}
