#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define MINUTE_NS ((uint64_t)60 * 1000000000)
#define WAIT_NS ((uint64_t)1000000000)
/* A connection begins with three records. One wake and one write for what comes within 5 ms, not for each: of the CPU
 * of a handshake, waking this thread was a third. */
#define GATHER_NS ((uint64_t)5000000)
#define HOUR_NS ((uint64_t)3600 * 1000000000)
/* As the journal of systemd has it. */
#define EPOCH_NS ((uint64_t)15 * 60 * 1000000000)

/* PRIORITY: of the thread, as of nice: who is waiting for an answer goes first on a core that both are on. */
enum { RETRY_MS = 100, DRAIN_MOST = 10000, PRIORITY = 5 };

static void pause_ms(long milliseconds)
{
	struct timespec time = { 0, milliseconds * 1000000 };

	nanosleep(&time, NULL);
}

/* Drops the oldest line of the ring. Under the lock. */
static void forget_line(struct keeper_recorder *recorder)
{
	unsigned oldest = (recorder->ring_next + LIMIT_RECORD_RING - recorder->ring_count) % LIMIT_RECORD_RING;

	recorder->forgotten = recorder->ring[oldest].sequence;
	recorder->ring_bytes -= recorder->ring[oldest].size;
	recorder->ring_count--;
	mem_free(recorder->ring[oldest].text);
	recorder->ring[oldest] = (struct keeper_line){ 0 };
}

static void remember_line(struct keeper_recorder *recorder, struct fw_slice line, uint64_t sequence)
{
	char *text = mem_text(line.data, line.size);

	while (recorder->ring_count == LIMIT_RECORD_RING ||
	       (recorder->ring_count != 0 && recorder->ring_bytes + line.size > LIMIT_RECORD_RING_BYTES))
		forget_line(recorder);
	if (text == NULL)
		return; /* it is in the file all the same */
	recorder->ring[recorder->ring_next] = (struct keeper_line){ text, line.size, sequence };
	recorder->ring_next = (recorder->ring_next + 1) % LIMIT_RECORD_RING;
	recorder->ring_count++;
	recorder->ring_bytes += line.size;
}

/* Clears the minutes that have begun since the newest one. Under the lock. */
static void advance_minutes(struct keeper_recorder *recorder)
{
	uint64_t minute = uv_hrtime() / MINUTE_NS;

	for (uint64_t passed = 0; recorder->minute < minute && passed < KEEPER_MINUTES; passed++) {
		recorder->minute++;
		memset(recorder->minutes[recorder->minute % KEEPER_MINUTES], 0, sizeof(recorder->minutes[0]));
	}
	recorder->minute = minute;
}

static void count(struct keeper_recorder *recorder, uint16_t type)
{
	if (type >= EVENT_TYPES)
		return;
	advance_minutes(recorder);
	recorder->totals[type]++;
	recorder->minutes[recorder->minute % KEEPER_MINUTES][type]++;
}

/* What the ledger says of itself goes by none of the ways that others go. */
static void count_own(struct keeper_recorder *recorder)
{
	const uint64_t *own = ledger_own_counts(recorder->ledger);

	uv_mutex_lock(&recorder->lock);
	for (unsigned type = 0; type < EVENT_TYPES; type++) {
		recorder->totals[type] += own[type] - recorder->own_events[type];
		recorder->own_events[type] = own[type];
	}
	uv_mutex_unlock(&recorder->lock);
}

/* A copy for the embedding program: it is told when the batch is written. */
static void keep_for_telling(struct keeper_recorder *recorder, const struct ipc_record *message, struct fw_slice tail)
{
	size_t size = sizeof(tail.size) + sizeof(*message) + tail.size;
	uint8_t *room;

	if (recorder->options == NULL || recorder->options->on_event == NULL)
		return;
	while ((room = buf_reserve(&recorder->told, &recorder->pool, size)) == NULL)
		pause_ms(RETRY_MS); /* as above: nobody is told of less than was written */
	memcpy(room, &tail.size, sizeof(tail.size));
	memcpy(room + sizeof(tail.size), message, sizeof(*message));
	if (tail.size != 0)
		memcpy(room + sizeof(tail.size) + sizeof(*message), tail.data, tail.size);
	buf_added(&recorder->told, size);
}

/* Tells the embedding program what was written. */
static void tell_events(struct keeper_recorder *recorder)
{
	const struct keeper_options *options = recorder->options;
	struct ipc_record message;
	struct fw_record record;
	size_t size, at = 0;

	while (at < buf_size(&recorder->told)) {
		const uint8_t *next = buf_data(&recorder->told) + at;

		memcpy(&size, next, sizeof(size));
		memcpy(&message, next + sizeof(size), sizeof(message));
		next += sizeof(size) + sizeof(message);
		if (ipc_read_record(&message, slice(next, size), &record))
			options->on_event(options->event_user, &record);
		at += sizeof(size) + sizeof(message) + size;
	}
	buf_clear(&recorder->told, &recorder->pool);
}

static struct log *log_of(const struct keeper_recorder *recorder)
{
	return recorder->options != NULL ? recorder->options->log : NULL;
}

static struct ledger_time now(void)
{
	return (struct ledger_time){ clock_wall_us(), uv_hrtime() };
}

/* Says it once when writing begins to fail, and once when it works again. */
static void tell(struct keeper_recorder *recorder, bool failed, int reason)
{
	if (failed && !atomic_load(&recorder->failing))
		log_error(
			log_of(recorder), record,
			"cannot write the record in %s: %s; events are kept in memory and tried again, make room there",
			recorder->directory, strerror(reason));
	if (!failed && atomic_load(&recorder->failing))
		log_warn(log_of(recorder), record, "the record in %s is written again, nothing was lost",
			 recorder->directory);
	atomic_store(&recorder->failing, failed);
	ipc_set_stuck(recorder->channel, failed);
}

/* The same of signing, without which records are kept all the same. */
static void tell_unsigned(struct keeper_recorder *recorder, int reason)
{
	if (reason != 0 && !recorder->is_unsigned)
		log_warn(log_of(recorder), record,
			 "cannot sign the record in %s: %s; it is written, and signing is tried again",
			 recorder->directory, strerror(reason));
	if (reason == 0 && recorder->is_unsigned)
		log_warn(log_of(recorder), record, "the record in %s is signed again", recorder->directory);
	recorder->is_unsigned = reason != 0;
}

/* One write and one sync for all that was taken. */
static void commit(struct keeper_recorder *recorder)
{
	bool failed = ledger_commit(recorder->ledger, now()) != 0;

	count_own(recorder);
	tell(recorder, failed, errno);
	if (!failed)
		tell_unsigned(recorder, ledger_unsigned(recorder->ledger));
	atomic_store(&recorder->waiting, ledger_waiting(recorder->ledger));
	if (atomic_exchange(&recorder->durable, ledger_durable(recorder->ledger)) == ledger_durable(recorder->ledger) &&
	    !failed)
		return;
	uv_mutex_lock(&recorder->lock);
	if (recorder->written != NULL)
		recorder->written(recorder->written_user);
	uv_mutex_unlock(&recorder->lock);
}

static void keep(struct keeper_recorder *recorder, const struct fw_record *record, const struct ipc_record *message,
		 struct fw_slice tail)
{
	struct fw_slice line;

	while (ledger_add(recorder->ledger, record, &line) != 0)
		pause_ms(RETRY_MS); /* memory is short: the record waits, and with it whoever sends the next */
	uv_mutex_lock(&recorder->lock);
	remember_line(recorder, line, ledger_sequence(recorder->ledger));
	uv_mutex_unlock(&recorder->lock);
	if (message != NULL)
		keep_for_telling(recorder, message, tail);
	if (recorder->each)
		commit(recorder);
}

static void keep_own(struct keeper_recorder *recorder, const struct fw_record *record)
{
	uint8_t texts[IPC_RECORD_TEXTS];
	struct ipc_record message;
	struct fw_slice tail = ipc_make_record(record, &message, texts);

	keep(recorder, record, &message, tail);
}

void keeper_recorder_commit(struct keeper_recorder *recorder)
{
	commit(recorder);
}

void keeper_recorder_add(struct keeper_recorder *recorder, const struct fw_record *record)
{
	keep_own(recorder, record);
}

static void count_one(struct keeper_recorder *recorder, uint16_t type)
{
	uv_mutex_lock(&recorder->lock);
	count(recorder, type);
	uv_mutex_unlock(&recorder->lock);
}

void keeper_recorder_tell(struct keeper_recorder *recorder, const struct fw_record *record)
{
	count_one(recorder, record->type);
	keep_own(recorder, record);
}

/* Is it the one that follows? Of a worker of another gate, and to a keeper that has just begun, each is the first. */
static uint64_t missing(struct keeper_recorder *recorder, const struct ipc_record *message)
{
	struct keeper_sequence *last =
		&recorder->sequences[message->worker < LIMIT_WORKERS ? message->worker : LIMIT_WORKERS];
	bool follows = last->generation == message->generation && last->sequence < message->sequence;
	uint64_t missing = follows && last->sequence != 0 ? message->sequence - last->sequence - 1 : 0;

	*last = (struct keeper_sequence){ message->sequence, message->generation };
	return missing;
}

/* A loss is itself a record: whoever reads knows how many there are not. */
void keeper_recorder_add_loss(struct keeper_recorder *recorder, uint64_t count, const char *key, int64_t number,
			      const char *cause)
{
	struct fw_record record = { .wall_us = clock_wall_us(),
				    .type = EVENT_records_lost,
				    .level = recorder->levels[EVENT_records_lost] };
	uint8_t id[FW_EVENT_ID_SIZE / 2] = { 0 };

	if (recorder->options != NULL)
		recorder->options->random.fill(recorder->options->random.user, id, sizeof(id));
	encode_hex(id, sizeof(id), record.event_id);
	if (count != 0)
		record.details[record.detail_count++] =
			(struct fw_detail){ .key = "count", .kind = FW_DETAIL_INTEGER, .number = (int64_t)count };
	if (key != NULL)
		record.details[record.detail_count++] =
			(struct fw_detail){ .key = key, .kind = FW_DETAIL_INTEGER, .number = number };
	if (cause != NULL)
		record.details[record.detail_count++] =
			(struct fw_detail){ .key = "cause", .kind = FW_DETAIL_TEXT, .text = slice_text(cause) };
	count_one(recorder, record.type);
	keep_own(recorder, &record);
}

static void take(struct keeper_recorder *recorder, const struct ipc_record *message, struct fw_slice tail)
{
	uint64_t lost = missing(recorder, message);
	struct fw_record record;

	if (ipc_read_record(message, tail, &record)) {
		count_one(recorder, record.type);
		keeper_scenarios_see(recorder->scenarios, &record);
		keeper_responses_see(recorder->responses, &record);
		keeper_watch_see(recorder, &record);
		keeper_top_see(&recorder->top, &record, uv_hrtime());
		keeper_failures_see(&recorder->failures, &record);
		if (keeper_sums_take(recorder, &record))
			keep(recorder, &record, message, tail);
		keeper_alerts_see(recorder->alerts, &record);
	} else {
		lost++;
	}
	if (lost != 0)
		keeper_recorder_add_loss(recorder, lost, "worker", message->worker, NULL);
}

static bool may_take(const struct keeper_recorder *recorder, size_t waiting)
{
	return waiting < LIMIT_RECORD_KEPT || atomic_load(&recorder->take_all) || atomic_load(&recorder->stop);
}

/* The keeper's own records have a channel of their own, since the other one may be another process's to write. They are
 * put between the gate's by time. */
static bool take_own(struct keeper_recorder *recorder, uint64_t until_wall_us)
{
	bool any = false;

	for (;;) {
		enum ipc_type type;

		if (!recorder->has_next)
			recorder->has_next = ipc_receive(recorder->own, &type, &recorder->next, sizeof(recorder->next),
							 &recorder->next_tail);
		if (!recorder->has_next || recorder->next.record.wall_us > until_wall_us)
			return any;
		take(recorder, &recorder->next, recorder->next_tail);
		recorder->has_next = false;
		any = true;
	}
}

/* Takes what waits in the channels into the batch; false when there was nothing. */
static bool drain(struct keeper_recorder *recorder)
{
	size_t before = recorder->each ? 0 : ledger_waiting(recorder->ledger);
	struct ipc_record message;
	struct fw_slice tail;
	enum ipc_type type;
	unsigned taken = 0; /* what is summed up waits nowhere */

	while (taken < DRAIN_MOST && may_take(recorder, ledger_waiting(recorder->ledger)) &&
	       ledger_waiting(recorder->ledger) - before < LIMIT_RECORD_BATCH) {
		if (!ipc_receive(recorder->channel, &type, &message, sizeof(message), &tail))
			return take_own(recorder, UINT64_MAX) || taken != 0;
		taken++;
		if (type != IPC_RECORD)
			continue;
		take_own(recorder, message.record.wall_us);
		if (!keeper_sums_knows(recorder, &message)) {
			take(recorder, &message, tail);
			keeper_sums_done(recorder, &message);
		}
		if (recorder->each)
			keeper_sums_release(recorder);
	}
	return taken != 0;
}

static void run(void *user)
{
	struct keeper_recorder *recorder = user;
	size_t lost;

	pthread_setname_np(pthread_self(), "fw-recorder");
	setpriority(PRIO_PROCESS, 0, PRIORITY); /* on Linux: of this thread */
	keeper_sums_begin(recorder);
	for (;;) {
		bool stop = atomic_load(&recorder->stop), any = drain(recorder);

		keeper_sums_write(recorder, stop && !any);
		keeper_alerts_tick(recorder->alerts);
		commit(recorder); /* without records too: a checkpoint may be due */
		/* What is on the disk, or kept here since that takes nothing, need not be received again. Not in
		 * commit: there one may have been received that is not taken yet. */
		keeper_sums_release(recorder);
		tell_events(recorder);
		keeper_watch_save(recorder, true); /* some MiB: when no record waits for the disk */
		if (stop && !any)
			break;
		if (atomic_load(&recorder->failing) && !stop)
			pause_ms(RETRY_MS);
		else if (!any)
			ipc_wait(recorder->channel, WAIT_NS);
		if (!stop)
			ipc_gather(recorder->channel, GATHER_NS);
	}
	lost = ledger_close(recorder->ledger, now());
	recorder->ledger = NULL;
	keeper_sums_stop(recorder, lost == 0);
	if (lost != 0)
		log_error(log_of(recorder), record, "%zu bytes of the record could not be written to %s and are lost",
			  lost, recorder->directory);
}

static struct ledger *open_ledger(struct keeper_recorder *recorder, const struct keeper_options *options,
				  const char **reterr_text)
{
	const struct settings *settings = keeper_started(options);
	char keys[STORAGE_PATH];
	struct ledger_options ledger = {
		.directory = options->record_directory,
		.key_directory = keys,
		.sync = (enum ledger_sync)settings->record_sync,
		.segment_bytes = (uint64_t)settings->max_log_size << 20,
		.segment_ns = (uint64_t)settings->rotation_interval * HOUR_NS,
		.epoch_ns = EPOCH_NS,
		.copy = settings->checkpoint_copy[0] != '\0' ? settings->checkpoint_copy : NULL,
		.levels = recorder->levels,
		.random = options->random,
	};

	/* The ledger looks at them for as long as it lives, and a policy may be replaced sooner. */
	memcpy(recorder->levels, options->policy->event_levels, sizeof(recorder->levels));
	if (!storage_path(options->data_directory, "keys", keys)) {
		*reterr_text = "the path is too long";
		return NULL;
	}
	return ledger_open(&ledger, now(), reterr_text);
}

static void wake(void *user)
{
	ipc_wake(user);
}

const char *keeper_recorder_start(struct keeper_recorder *recorder, const struct keeper_options *options,
				  unsigned workers)
{
	static char text[512];
	struct hash_key key;
	const char *failed;

	recorder->directory = options->record_directory;
	recorder->sums.file.fd = -1;
	recorder->each = keeper_started(options)->record_sync == LEDGER_SYNC_EACH;
	uv_mutex_init(&recorder->lock);
	keeper_top_init(&recorder->top, uv_hrtime());
	options->random.fill(options->random.user, (uint8_t *)&key, sizeof(key));
	if (!keeper_failures_init(&recorder->failures, &key))
		return "cannot start the keeper: memory is short";
	pool_init(&recorder->pool);
	recorder->minute = uv_hrtime() / MINUTE_NS;
	recorder->channel = options->records;
	if (recorder->channel == NULL) {
		recorder->channel = ipc_channel_share((size_t)LIMIT_RECORD_QUEUE * (workers + 1), false);
		recorder->owns_channel = true;
	}
	if (recorder->channel == NULL)
		return "cannot start the recorder: memory is short";
	ipc_keep(recorder->channel);
	recorder->own = ipc_channel_new(LIMIT_RECORD_QUEUE, wake, recorder->channel);
	if (recorder->own == NULL)
		return "cannot start the recorder: memory is short";
	recorder->ledger = open_ledger(recorder, options, &failed);
	if (recorder->ledger == NULL) {
		snprintf(text, sizeof(text), "cannot open the record in %s: %s: %s", recorder->directory, failed,
			 strerror(errno));
		return text;
	}
	count_own(recorder);
	atomic_store(&recorder->durable, ledger_durable(recorder->ledger));
	keeper_watch_set(&recorder->watching, options->policy);
	if (!keeper_sums_start(recorder, options))
		return "cannot start the recorder: memory is short";
	if (uv_thread_create(&recorder->thread, run, recorder) != 0)
		return "cannot start the recorder: no thread";
	recorder->runs = true;
	return NULL;
}

void keeper_recorder_stop(struct keeper_recorder *recorder)
{
	if (recorder->directory == NULL)
		return;
	if (recorder->runs) {
		atomic_store(&recorder->stop, true);
		ipc_wake(recorder->channel);
		uv_thread_join(&recorder->thread);
	}
	while (recorder->ring_count != 0)
		forget_line(recorder);
	buf_clear(&recorder->told, &recorder->pool);
	pool_fini(&recorder->pool);
	ledger_close(recorder->ledger, now()); /* when the thread did not start */
	keeper_sums_stop(recorder, false);
	keeper_watch_stop(recorder);
	if (recorder->owns_channel)
		ipc_channel_free(recorder->channel);
	ipc_channel_free(recorder->own);
	uv_mutex_destroy(&recorder->lock);
	keeper_top_fini(&recorder->top);
	keeper_failures_fini(&recorder->failures);
}

void keeper_recorder_counts(struct keeper_recorder *recorder, uint64_t ret_totals[EVENT_TYPES],
			    uint64_t ret_hour[EVENT_TYPES])
{
	memset(ret_hour, 0, EVENT_TYPES * sizeof(*ret_hour));
	uv_mutex_lock(&recorder->lock);
	advance_minutes(recorder);
	memcpy(ret_totals, recorder->totals, sizeof(recorder->totals));
	for (unsigned minute = 0; minute < KEEPER_MINUTES; minute++)
		for (unsigned type = 0; type < EVENT_TYPES; type++)
			ret_hour[type] += recorder->minutes[minute][type];
	uv_mutex_unlock(&recorder->lock);
}

struct keeper_hour keeper_recorder_hour(struct keeper_recorder *recorder)
{
	uint64_t totals[EVENT_TYPES], counts[EVENT_TYPES];
	struct keeper_hour hour = { 0 };

	keeper_recorder_counts(recorder, totals, counts);
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		hour.events += counts[type];
	hour.auth_failures = counts[EVENT_auth_failure];
	hour.rate_limit_violations = counts[EVENT_rate_limit_violation];
	return hour;
}

/* What is shown is on the disk, but for a disk that takes nothing. */
static uint64_t last_shown(struct keeper_recorder *recorder)
{
	return atomic_load(&recorder->failing) ? UINT64_MAX : atomic_load(&recorder->durable);
}

/* The line before so many others, the newest being 0. Under the lock. */
static const struct keeper_line *line_back(const struct keeper_recorder *recorder, unsigned back)
{
	return &recorder->ring[(recorder->ring_next + LIMIT_RECORD_RING - 1 - back) % LIMIT_RECORD_RING];
}

int keeper_recorder_after(struct keeper_recorder *recorder, uint64_t after, unsigned limit, struct buf *out,
			  struct pool *pool, struct keeper_lines *ret_lines)
{
	uint64_t shown = last_shown(recorder);
	unsigned newest = 0, end;
	int result = 0;

	*ret_lines = (struct keeper_lines){ .last = after };
	uv_mutex_lock(&recorder->lock);
	while (newest < recorder->ring_count && line_back(recorder, newest)->sequence > shown)
		newest++;
	for (end = newest; end < recorder->ring_count && line_back(recorder, end)->sequence > after; end++)
		;
	if (recorder->forgotten > after)
		ret_lines->missed = recorder->forgotten - after;
	if (end - newest > limit) {
		ret_lines->missed += end - newest - limit;
		end = newest + limit;
	}
	for (unsigned back = end; back > newest && result == 0; back--) {
		const struct keeper_line *line = line_back(recorder, back - 1);

		if (ret_lines->count++ != 0)
			result = buf_append(out, pool, ",", 1);
		if (result == 0)
			result = buf_append(out, pool, line->text, line->size);
		ret_lines->last = line->sequence;
	}
	uv_mutex_unlock(&recorder->lock);
	return result;
}

void keeper_recorder_watch(struct keeper_recorder *recorder, void (*written)(void *user), void *user)
{
	uv_mutex_lock(&recorder->lock);
	recorder->written = written;
	recorder->written_user = user;
	uv_mutex_unlock(&recorder->lock);
}

int keeper_recorder_list(struct keeper_recorder *recorder, unsigned limit, struct buf *out, struct pool *pool)
{
	uint64_t shown = last_shown(recorder);
	unsigned given = 0;
	int result = 0;

	uv_mutex_lock(&recorder->lock);
	for (unsigned i = 0; given < limit && i < recorder->ring_count && result == 0; i++) {
		const struct keeper_line *line = line_back(recorder, i);

		if (line->sequence > shown)
			continue;
		if (given++ != 0)
			result = buf_append(out, pool, ",", 1);
		if (result == 0)
			result = buf_append(out, pool, line->text, line->size);
	}
	uv_mutex_unlock(&recorder->lock);
	return result;
}
