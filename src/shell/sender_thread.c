/* The thread of one receiver: reads the ledger from where the receiver is, sends, remembers how far it is. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/encode.h"
#include "base/slice.h"
#include "record/checkpoint.h"
#include "record/segment.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/sender_parts.h"

enum {
	BATCH_BYTES = 262144,
	BATCH_RECORDS = 1000,
	PROGRAM_RECORDS = 100, /* what is sure is counted by batches */
	IDLE_MS = 20,	       /* an alert has 100 ms from its cause to its handler (bench/delay.py) */
	BACK_OFF_MS = 250,
	BACK_OFF_MOST_MS = 30000,
	ARENA = 1 << 20,
	NOTE = CHECKPOINT_SIZE
};
#define CHECKPOINT_NS ((uint64_t)60000000000)
#define SECOND_NS ((uint64_t)1000000000)

static struct log *log_of(const struct sender *sender)
{
	return sender_options(sender)->log;
}

static uint64_t durable(const struct sender *sender)
{
	return atomic_load(sender_options(sender)->durable);
}

static void set_state(struct sender *sender, const char *state)
{
	pthread_mutex_lock(&sender->lock);
	sender->status.state = state;
	pthread_mutex_unlock(&sender->lock);
}

/* --- where the receiver is */

static void read_from_settled(struct sender *sender)
{
	follow_seek(&sender->follow, sender->settled.sequence);
	sender->read = sender->settled;
	sender->pending = false;
}

static void write_cursor(struct sender *sender, bool now)
{
	bool failed;

	if (memcmp(&sender->settled, &sender->written, sizeof(sender->settled)) == 0 ||
	    (!now && uv_hrtime() - sender->written_ns < SECOND_NS))
		return;
	sender->written_ns = uv_hrtime();
	failed = delivery_write(&storage_system, sender->cursor_path, &sender->settled) != 0;
	if (failed && !sender->cursor_failed)
		log_error(log_of(sender), receiver, "%s: cannot write %s: %s; after a restart it is sent some again",
			  sender->receiver->name, sender->cursor_path, strerror(errno));
	sender->cursor_failed = failed;
	if (!failed)
		sender->written = sender->settled;
}

/* Is the record that the cursor names still that one? Where it is gone nobody can say, and the next one will do. */
static bool is_of_this_ledger(struct sender *sender, const struct delivery_cursor *cursor)
{
	static const uint8_t unknown[32];
	struct segment_line parts;
	struct fw_slice line;
	uint64_t first;
	bool same = true;

	if (cursor->sequence == 0)
		return true;
	if (cursor->sequence > durable(sender))
		return false;
	if (memcmp(cursor->chain, unknown, sizeof(unknown)) == 0)
		return true;
	follow_seek(&sender->follow, cursor->sequence - 1);
	if (follow_next(&sender->follow, cursor->sequence, &line, &first) == FOLLOW_RECORD)
		same = segment_line(line, &parts) && memcmp(parts.chain, cursor->chain, sizeof(parts.chain)) == 0;
	return same;
}

static void find_place(struct sender *sender)
{
	struct delivery_cursor *cursor = &sender->settled;

	switch (delivery_read(sender->cursor_path, cursor)) {
	case DELIVERY_READ:
		sender->written = *cursor;
		break;
	case DELIVERY_NONE:
		if (!sender->receiver->backlog)
			cursor->sequence = durable(sender);
		break;
	default:
		log_error(log_of(sender), receiver,
			  "%s: %s cannot be read or is none of ours: all is sent that is kept", sender->receiver->name,
			  sender->cursor_path);
		break;
	}
	if (!is_of_this_ledger(sender, cursor)) {
		log_warn(log_of(sender), receiver, "%s: the record is another one than it was: all of it is sent",
			 sender->receiver->name);
		*cursor = (struct delivery_cursor){ 0 };
	}
	read_from_settled(sender);
	sender->highest = cursor->sequence;
	write_cursor(sender, true);
}

/* --- what is sent next */

static bool tells_refusal(struct fw_slice line)
{
	static const char member[] = "\"event_type\":\"receiver_refused\"";

	return memmem(line.data, line.size, member, sizeof(member) - 1) != NULL;
}

static void note_id(struct sender_batch *batch, struct fw_slice line)
{
	static const char key[] = "\"event_id\":\""; /* no text can hold it: its quotation marks are escaped there */
	const uint8_t *at = memmem(line.data, line.size, key, sizeof(key) - 1);

	batch->first_id[0] = '\0';
	if (at == NULL || line.size - (size_t)(at - line.data) < sizeof(key) - 1 + FW_EVENT_ID_SIZE)
		return;
	memcpy(batch->first_id, at + sizeof(key) - 1, FW_EVENT_ID_SIZE);
	batch->first_id[FW_EVENT_ID_SIZE] = '\0';
}

/* Once of each record, however often the way leads past where it was. */
static void tell_lost(struct sender *sender, uint64_t first, uint64_t last)
{
	struct fw_detail details[3];

	if (last <= sender->told_lost)
		return;
	if (first <= sender->told_lost)
		first = sender->told_lost + 1;
	sender->told_lost = last;
	details[0] = detail_number("count", last - first + 1);
	details[1] = detail_number("first", first);
	details[2] = detail_number("last", last);
	pthread_mutex_lock(&sender->lock);
	sender->status.lost += last - first + 1;
	pthread_mutex_unlock(&sender->lock);
	log_error(log_of(sender), receiver, "%s: records %" PRIu64 " to %" PRIu64 " were gone before it had them",
		  sender->receiver->name, first, last);
	sender_record(sender, EVENT_receiver_gap, details, 3);
}

static bool take_line(struct sender *sender, struct fw_slice line)
{
	struct sender_batch *batch = &sender->batch;
	uint64_t sequence = sender->follow.next - 1;
	struct segment_line parts;

	switch (export_line(&sender->exporter, line, &batch->lines)) {
	case EXPORT_MEMORY:
		return false;
	case EXPORT_NO_RECORD:
		tell_lost(sender, sequence, sequence);
		break;
	case EXPORT_UNWANTED:
		break;
	case EXPORT_DONE:
		if (batch->count++ == 0) {
			batch->first = sequence;
			note_id(batch, line);
			batch->tells_refusal = tells_refusal(line);
			if (line.size < SEGMENT_TIME + ENCODE_RFC3339 ||
			    !decode_rfc3339((const char *)line.data + SEGMENT_TIME, &batch->first_wall_us))
				batch->first_wall_us = 0;
		}
		batch->again += sequence <= sender->highest;
		break;
	}
	sender->read = (struct delivery_cursor){ .sequence = sequence };
	if (segment_line(line, &parts))
		memcpy(sender->read.chain, parts.chain, sizeof(parts.chain));
	return true;
}

static bool fill_records(struct sender *sender)
{
	struct sender_batch *batch = &sender->batch;

	while (batch->count < sender->most && buf_size(&batch->lines) < BATCH_BYTES) {
		struct fw_slice line;
		uint64_t first;

		switch (follow_next(&sender->follow, durable(sender), &line, &first)) {
		case FOLLOW_RECORD:
			if (take_line(sender, line))
				break;
			snprintf(sender->why, sizeof(sender->why), "memory is short");
			return false;
		case FOLLOW_GAP:
			tell_lost(sender, first, sender->follow.next - 1);
			sender->read = (struct delivery_cursor){ .sequence = sender->follow.next - 1 };
			break;
		case FOLLOW_DAMAGE: /* whose numbers are missed afterwards */
			break;
		case FOLLOW_FAILED:
			snprintf(sender->why, sizeof(sender->why), "cannot read the record: %s", strerror(errno));
			return false;
		case FOLLOW_END:
			return true;
		}
	}
	return true;
}

/* The latest one, if it says more than the one before. */
static void fill_checkpoint(struct sender *sender)
{
	uint64_t now = uv_hrtime(), size;
	char path[STORAGE_PATH], note[NOTE];
	ssize_t got;

	if (!sender->receiver->checkpoints ||
	    (sender->checkpoint_ns != 0 && now - sender->checkpoint_ns < CHECKPOINT_NS && !sender_stopping(sender)))
		return;
	if (!storage_path(sender_options(sender)->record_directory, "checkpoint", path))
		return;
	got = storage_read(path, note, sizeof(note));
	if (got > 0) /* of ML-DSA-65 there are 7 KB, which many a receiver cuts */
		got = (ssize_t)checkpoint_plain(slice(note, (size_t)got)).size;
	buf_cut(&sender->line, 0);
	if (got <= 0 || !export_checkpoint(slice(note, (size_t)got), clock_wall_us(), &sender->line, &sender->pool))
		return;
	size = export_checkpoint_size(slice(note, (size_t)got));
	if (size <= sender->checkpoint ||
	    export_line(&sender->exporter, slice(buf_data(&sender->line), buf_size(&sender->line)),
			&sender->batch.lines) != EXPORT_DONE)
		return;
	if (sender->batch.count == 0)
		note_id(&sender->batch, slice(buf_data(&sender->line), buf_size(&sender->line)));
	sender->batch.has_checkpoint = true;
	sender->batch.checkpoint = size;
	sender->checkpoint_ns = now;
}

static bool fill(struct sender *sender)
{
	struct sender_batch *batch = &sender->batch;
	struct buf lines = batch->lines;

	buf_cut(&lines, 0);
	*batch = (struct sender_batch){ .lines = lines };
	if (!fill_records(sender))
		return false;
	batch->last = sender->read;
	fill_checkpoint(sender);
	sender->pending = batch->count != 0 || batch->has_checkpoint;
	return true;
}

/* --- what came of it */

static void pause_for(struct sender *sender, uint64_t milliseconds)
{
	uint64_t until = uv_hrtime() + milliseconds * SENDER_MS, now;
	short events;

	if (until < sender->not_before_ns)
		until = sender->not_before_ns;
	while (!sender_stopping(sender) && (now = uv_hrtime()) < until)
		sender_poll(sender, -1, 0, (int)((until - now) / SENDER_MS) + 1, &events);
}

/* Twice as long each time, and not all at the same moment. */
static uint64_t back_off(struct sender *sender, unsigned failures)
{
	const struct fw_random *random = &sender_options(sender)->random;
	uint64_t most = failures < 8 ? (uint64_t)BACK_OFF_MS << (failures - 1) : BACK_OFF_MOST_MS;
	uint16_t jitter;

	if (most > BACK_OFF_MOST_MS)
		most = BACK_OFF_MOST_MS;
	random->fill(random->user, (uint8_t *)&jitter, sizeof(jitter));
	return most / 2 + most / 2 * jitter / UINT16_MAX;
}

/* What is not certain is sent again. */
static void rewind_to_settled(struct sender *sender)
{
	delivery_window_clear(&sender->window);
	read_from_settled(sender);
	sender->checkpoint = 0;
	if (sender->batch.has_checkpoint)
		sender->checkpoint_ns = 0;
}

static void note_error(struct sender *sender)
{
	for (char *at = sender->why; *at != '\0'; at++) /* of a peer, or of a library about it */
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	pthread_mutex_lock(&sender->lock);
	sender->status.failures++;
	sender->status.state = "waiting";
	memcpy(sender->status.error, sender->why, sizeof(sender->why));
	sender->status.error_wall_us = clock_wall_us();
	pthread_mutex_unlock(&sender->lock);
}

static void fail(struct sender *sender)
{
	const struct fw_detail details[] = { detail_text("reason", slice_text(sender->why)) };

	sender->transport->close(sender, false);
	sender->is_down = true;
	rewind_to_settled(sender);
	note_error(sender);
	if (sender->failures++ == 0) {
		sender->failing_ns = uv_hrtime();
		log_warn(log_of(sender), receiver, "%s: %s; tried again", sender->receiver->name, sender->why);
	} else if (!sender->told) { /* not of each restart of a receiver */
		sender->told = true;
		sender_record(sender, EVENT_receiver_failed, details, 1);
	}
	sender->failed_at = sender->settled.sequence;
	write_cursor(sender, true);
	pause_for(sender, back_off(sender, sender->failures));
}

static void restored(struct sender *sender)
{
	uint64_t milliseconds = (uv_hrtime() - sender->failing_ns) / SENDER_MS, durable_now = durable(sender);
	const struct fw_detail details[] = {
		detail_number("milliseconds", milliseconds),
		detail_number("behind", durable_now > sender->highest ? durable_now - sender->highest : 0)
	};

	log_info(log_of(sender), receiver, "%s takes the record again, after %" PRIu64 " ms", sender->receiver->name,
		 milliseconds);
	if (sender->told)
		sender_record(sender, EVENT_receiver_restored, details, 2);
	sender->told = false;
	sender->failures = 0;
}

static void succeed(struct sender *sender, bool certain)
{
	struct sender_batch *batch = &sender->batch;

	sender->pending = sender->is_down = false;
	sender->tries = 0;
	sender->last_ns = uv_hrtime();
	if (certain)
		sender->settled = batch->last;
	if (batch->last.sequence > sender->highest)
		sender->highest = batch->last.sequence;
	if (batch->has_checkpoint)
		sender->checkpoint = batch->checkpoint;
	if (certain && sender->most < (unsigned)sender->receiver->batch)
		sender->most = sender->most * 2 < (unsigned)sender->receiver->batch ? sender->most * 2
										    : (unsigned)sender->receiver->batch;
	pthread_mutex_lock(&sender->lock);
	sender->status.sent += batch->count - batch->again;
	sender->status.sent_again += batch->again;
	pthread_mutex_unlock(&sender->lock);
	if (certain && sender->failures != 0)
		restored(sender);
}

/* A file that would be too large makes room; what was there before it is gone. Octets of that. */
static uint64_t make_room(struct sender *sender, const char *path)
{
	uint64_t most = (uint64_t)sender->receiver->dead_letters_max * 1024;
	char older[STORAGE_PATH + 2];
	struct stat now, before;
	uint64_t gone;

	if (most == 0 || lstat(path, &now) != 0 || (uint64_t)now.st_size + buf_size(&sender->batch.lines) <= most)
		return 0;
	snprintf(older, sizeof(older), "%s.1", path);
	gone = lstat(older, &before) == 0 ? (uint64_t)before.st_size : 0;
	if (rename(path, older) != 0) {
		log_warn(log_of(sender), receiver, "%s: cannot move %s: %s; it grows", sender->receiver->name, path,
			 strerror(errno));
		return 0;
	}
	log_warn(log_of(sender), receiver,
		 "%s: %s has come to its size and is %s now; %" PRIu64 " octets of older dead letters are gone",
		 sender->receiver->name, path, older, gone);
	return gone;
}

/* One record, for what it is, as often as it may be. False: it could not be put aside. */
static bool put_aside(struct sender *sender)
{
	const struct receiver *receiver = sender->receiver;
	struct sender_batch *batch = &sender->batch;
	char path[STORAGE_PATH], reason[SENDER_ERROR];
	uint64_t gone;

	memcpy(reason, sender->why, sizeof(reason));
	if (receiver->dead_letters != NULL)
		snprintf(path, sizeof(path), "%s", receiver->dead_letters);
	else
		snprintf(path, sizeof(path), "%.4000s/receivers/%s.dead", sender_options(sender)->data_directory,
			 receiver->name);
	gone = make_room(sender, path);
	if (!sender_file_append(sender, path, slice(buf_data(&batch->lines), buf_size(&batch->lines))))
		return false;
	log_error(log_of(sender), receiver, "%s refuses record %" PRIu64 ": %s; it is in %s", receiver->name,
		  batch->first, reason, path);
	/* A receiver that refuses everything would refuse that record, too, and there would be another one without end.
	 */
	if (!batch->tells_refusal)
		sender_record(sender, EVENT_receiver_refused,
			      (const struct fw_detail[]){
				      detail_number("record", batch->first), detail_text("reason", slice_text(reason)),
				      detail_text("file", slice_text(path)), detail_number("removed", gone) },
			      gone != 0 ? 4 : 3);
	sender->settled = batch->last;
	sender->pending = false;
	sender->tries = 0;
	pthread_mutex_lock(&sender->lock);
	sender->status.refused++;
	pthread_mutex_unlock(&sender->lock);
	return true;
}

/* Which record it is that is not wanted shows when fewer are sent. */
static void refuse(struct sender *sender)
{
	struct sender_batch *batch = &sender->batch;

	if (batch->count + batch->has_checkpoint > 1) {
		sender->most = batch->count > 1 ? batch->count / 2 : 1;
		if (batch->has_checkpoint)
			sender->checkpoint_ns = uv_hrtime();
		sender->is_down = sender_stopping(sender); /* no more turns, then */
		read_from_settled(sender);
		return;
	}
	note_error(sender);
	if (++sender->tries < (unsigned)sender->receiver->attempts)
		pause_for(sender, back_off(sender, sender->tries));
	else if (!put_aside(sender))
		fail(sender);
}

/* A connection that holds has told more than one that was accepted: whoever closes at once is not well. */
static void look(struct sender *sender)
{
	bool stays = (sender->stream != NULL || sender->program != NULL) && uv_hrtime() - sender->opened_ns > SECOND_NS;

	if (sender->failures != 0 && (stays || sender->settled.sequence > sender->failed_at))
		restored(sender);
}

static void publish(struct sender *sender)
{
	const struct sender_batch *batch = &sender->batch;

	pthread_mutex_lock(&sender->lock);
	sender->status.delivered = sender->pending && batch->count != 0 ? batch->first - 1 : sender->read.sequence;
	sender->status.certain = sender->settled.sequence;
	sender->status.behind_ms = sender->pending && batch->count != 0 ? batch->first_wall_us / 1000 : 0;
	pthread_mutex_unlock(&sender->lock);
}

static void send_batch(struct sender *sender)
{
	set_state(sender, "sending");
	switch (sender->transport->send(sender, &sender->batch)) {
	case SENDER_SENT:
		succeed(sender, true);
		break;
	case SENDER_UNSURE:
		succeed(sender, false);
		break;
	case SENDER_REFUSED:
		refuse(sender);
		break;
	case SENDER_FAILED:
		fail(sender);
		break;
	case SENDER_STOPPED:
		break;
	}
}

static void rest(struct sender *sender)
{
	short events;

	set_state(sender, "idle");
	if (sender->transport->wait == NULL)
		sender_poll(sender, -1, 0, IDLE_MS, &events);
	else if (sender->transport->wait(sender, IDLE_MS) == SENDER_FAILED)
		fail(sender);
}

/* What nobody wants needs no sending; it counts as sent when all before it does. */
static void pass_over(struct sender *sender)
{
	if (sender->window.count == 0)
		sender->settled = sender->batch.last;
	if (sender->batch.last.sequence > sender->highest)
		sender->highest = sender->batch.last.sequence;
}

static void turn(struct sender *sender)
{
	if (!sender->pending && !fill(sender)) {
		fail(sender);
		return;
	}
	publish(sender);
	if (sender->pending) {
		send_batch(sender);
	} else {
		pass_over(sender);
		if (sender->follow.next > durable(sender) && !sender_stopping(sender))
			rest(sender);
	}
	look(sender);
	publish(sender);
	write_cursor(sender, false);
}

static bool must_end(const struct sender *sender)
{
	return sender_stopping(sender) &&
	       (sender->is_down || uv_hrtime() >= atomic_load(&sender->stop_ns) ||
		(!sender->pending && sender->follow.next > durable(sender) && sender->stopped_once));
}

void *sender_run(void *user)
{
	struct sender *sender = user;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_setname_np(pthread_self(), "fw-sender");
	sender_join(sender->before);
	sender->before = NULL;
	arena_init(&sender->arena, ARENA);
	pool_init(&sender->pool);
	sender->most = sender->receiver->kind == RECEIVER_HTTPS || sender->receiver->kind == RECEIVER_SMTP
			       ? (unsigned)sender->receiver->batch
		       : sender->receiver->kind == RECEIVER_PROGRAM ? PROGRAM_RECORDS
								    : BATCH_RECORDS;
	if (follow_open(&sender->follow, sender_options(sender)->record_directory, 0)) {
		find_place(sender);
		while (!must_end(sender)) {
			sender->stopped_once = sender_stopping(sender);
			turn(sender);
		}
	}
	if (sender->transport->close(sender, true) && sender->window.count != 0)
		delivery_window_settle(&sender->window, UINT64_MAX, &sender->settled);
	write_cursor(sender, true);
	follow_close(&sender->follow);
	delivery_window_clear(&sender->window);
	buf_clear(&sender->batch.lines, &sender->pool);
	buf_clear(&sender->line, &sender->pool);
	pool_fini(&sender->pool);
	arena_fini(&sender->arena);
	atomic_store(&sender->ended, true);
	return NULL;
}
