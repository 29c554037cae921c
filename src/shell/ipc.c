#include "shell/ipc.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/jsonl.h"

static const size_t sizes[IPC_TYPES] = {
#define IPC(name, direction, payload, help) [IPC_##name] = sizeof(payload),
#include "tables/ipc.def"
#undef IPC
};

struct header {
	uint32_t type;
	uint32_t payload;
	uint64_t tail;
};

/* A ring of octets; a message is a header, its payload and its tail, and may go round the end anywhere. */
struct ipc_channel {
	pthread_mutex_t lock;
	pthread_cond_t readable, writable;
	void (*wake)(void *user);
	void *user;
	uint8_t *ring;
	uint8_t *tail; /* of the message received last; as large as the ring, so that no message is too large for it */
	size_t size, start, used;
	size_t secret;	  /* octets of tail that are to be wiped */
	unsigned waiting; /* senders in wait for room */
	bool woken;
	uint64_t refused;
	_Atomic bool stuck;
};

struct ipc_channel *ipc_channel_new(size_t size, void (*wake)(void *user), void *user)
{
	struct ipc_channel *channel = mem_zero(1, sizeof(*channel));
	pthread_condattr_t monotonic;

	if (channel == NULL)
		return NULL;
	pthread_mutex_init(&channel->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&channel->readable, &monotonic);
	pthread_cond_init(&channel->writable, &monotonic);
	pthread_condattr_destroy(&monotonic);
	channel->wake = wake;
	channel->user = user;
	channel->size = size;
	channel->ring = mem_alloc(size);
	channel->tail = mem_alloc(size);
	if (channel->ring == NULL || channel->tail == NULL)
		return ipc_channel_free(channel);
	return channel;
}

static bool is_secret(uint32_t type)
{
	return type == IPC_ASK || type == IPC_ANSWER;
}

static void wipe_tail(struct ipc_channel *channel)
{
	if (channel->secret != 0)
		mem_wipe(channel->tail, channel->secret);
	channel->secret = 0;
}

static void wipe(struct ipc_channel *channel, size_t start, size_t size)
{
	size_t first = size < channel->size - start ? size : channel->size - start;

	if (size == 0)
		return;
	mem_wipe(channel->ring + start, first);
	mem_wipe(channel->ring, size - first);
}

struct ipc_channel *ipc_channel_free(struct ipc_channel *channel)
{
	if (channel == NULL)
		return NULL;
	if (channel->ring != NULL && channel->tail != NULL) {
		wipe(channel, channel->start, channel->used);
		wipe_tail(channel);
	}
	pthread_cond_destroy(&channel->readable);
	pthread_cond_destroy(&channel->writable);
	pthread_mutex_destroy(&channel->lock);
	mem_free(channel->ring);
	mem_free(channel->tail);
	mem_free(channel);
	return NULL;
}

static void put(struct ipc_channel *channel, const void *bytes, size_t size)
{
	size_t at = (channel->start + channel->used) % channel->size;
	size_t first = size < channel->size - at ? size : channel->size - at;

	if (size == 0)
		return;
	memcpy(channel->ring + at, bytes, first);
	memcpy(channel->ring, (const uint8_t *)bytes + first, size - first);
	channel->used += size;
}

/* ret_bytes NULL: skip. */
static void get(struct ipc_channel *channel, void *ret_bytes, size_t size)
{
	size_t first = size < channel->size - channel->start ? size : channel->size - channel->start;

	if (ret_bytes != NULL && size != 0) {
		memcpy(ret_bytes, channel->ring + channel->start, first);
		memcpy((uint8_t *)ret_bytes + first, channel->ring, size - first);
	}
	channel->used -= size;
	/* An empty ring begins at its front again: what never waited together never takes memory, nor cache. */
	channel->start = channel->used != 0 ? (channel->start + size) % channel->size : 0;
}

/* What is free for a message of this type. Chat leaves a part to all else: a worker that cannot keep up with it is
 * still told whose connections must end. */
static size_t room_for(const struct ipc_channel *channel, enum ipc_type type)
{
	size_t room = channel->size - channel->used, kept = type == IPC_BROADCAST ? channel->size / 16 : 0;

	return room > kept ? room - kept : 0;
}

bool ipc_send(struct ipc_channel *channel, enum ipc_type type, const void *payload, size_t size, struct fw_slice tail,
	      bool wait)
{
	struct header header = { .type = (uint32_t)type, .payload = (uint32_t)size, .tail = tail.size };
	size_t whole, before;
	bool fits;

	if ((unsigned)type >= IPC_TYPES || size != sizes[type] || !size_add(sizeof(header) + size, tail.size, &whole) ||
	    whole > channel->size) {
		pthread_mutex_lock(&channel->lock);
		channel->refused++;
		pthread_mutex_unlock(&channel->lock);
		return false;
	}
	pthread_mutex_lock(&channel->lock);
	while (wait && room_for(channel, type) < whole) {
		channel->waiting++;
		pthread_cond_signal(&channel->readable);
		pthread_cond_wait(&channel->writable, &channel->lock);
		channel->waiting--;
	}
	before = channel->used;
	fits = room_for(channel, type) >= whole;
	if (fits) {
		put(channel, &header, sizeof(header));
		put(channel, payload, size);
		put(channel, tail.data, tail.size);
		if (before == 0 || (before < channel->size / 2 && channel->used >= channel->size / 2))
			pthread_cond_signal(&channel->readable);
	}
	pthread_mutex_unlock(&channel->lock);
	if (fits && before == 0 && channel->wake != NULL)
		channel->wake(channel->user);
	return fits;
}

bool ipc_receive(struct ipc_channel *channel, enum ipc_type *ret_type, void *ret_payload, size_t room,
		 struct fw_slice *ret_tail)
{
	struct header header;
	bool found = false;
	size_t start;

	wipe_tail(channel);
	pthread_mutex_lock(&channel->lock);
	while (!found && channel->used != 0) {
		get(channel, &header, sizeof(header));
		start = channel->start;
		found = header.type < IPC_TYPES && header.payload == sizes[header.type] && header.payload <= room;
		if (!found)
			channel->refused++;
		get(channel, found ? ret_payload : NULL, header.payload);
		get(channel, found ? channel->tail : NULL, header.tail);
		if (is_secret(header.type)) {
			wipe(channel, start, header.payload + header.tail);
			channel->secret = found ? header.tail : 0;
		}
		if (channel->waiting != 0)
			pthread_cond_broadcast(&channel->writable);
	}
	pthread_mutex_unlock(&channel->lock);
	if (!found)
		return false;
	*ret_type = (enum ipc_type)header.type;
	*ret_tail = slice(channel->tail, header.tail);
	return true;
}

/* Waits until more than `mark` octets are there, somebody wakes the receiver, or the time is over. */
static void wait_above(struct ipc_channel *channel, size_t mark, uint64_t timeout_ns)
{
	struct timespec until;
	uint64_t nanoseconds;

	clock_gettime(CLOCK_MONOTONIC, &until);
	nanoseconds = (uint64_t)until.tv_nsec + timeout_ns % 1000000000;
	until.tv_sec += (time_t)(timeout_ns / 1000000000 + nanoseconds / 1000000000);
	until.tv_nsec = (long)(nanoseconds % 1000000000);
	pthread_mutex_lock(&channel->lock);
	while (channel->used <= mark && channel->waiting == 0 && !channel->woken)
		if (pthread_cond_timedwait(&channel->readable, &channel->lock, &until) == ETIMEDOUT)
			break;
	channel->woken = false;
	pthread_mutex_unlock(&channel->lock);
}

void ipc_wait(struct ipc_channel *channel, uint64_t timeout_ns)
{
	wait_above(channel, 0, timeout_ns);
}

void ipc_gather(struct ipc_channel *channel, uint64_t timeout_ns)
{
	wait_above(channel, channel->size / 2, timeout_ns);
}

void ipc_wake(struct ipc_channel *channel)
{
	pthread_mutex_lock(&channel->lock);
	channel->woken = true;
	pthread_cond_signal(&channel->readable);
	pthread_mutex_unlock(&channel->lock);
	if (channel->wake != NULL)
		channel->wake(channel->user);
}

void ipc_set_stuck(struct ipc_channel *channel, bool stuck)
{
	atomic_store_explicit(&channel->stuck, stuck, memory_order_relaxed);
}

bool ipc_is_stuck(const struct ipc_channel *channel)
{
	return atomic_load_explicit(&channel->stuck, memory_order_relaxed);
}

uint64_t ipc_refused(struct ipc_channel *channel)
{
	uint64_t refused;

	pthread_mutex_lock(&channel->lock);
	refused = channel->refused;
	pthread_mutex_unlock(&channel->lock);
	return refused;
}

enum { RECORD_TEXTS = FW_RECORD_DETAILS + 2 };

struct flat {
	uint8_t bytes[RECORD_TEXTS * LIMIT_RECORD_TEXT];
	size_t size;
};

/* Moves a text behind the others; what stays in the slice is its size. */
static void flatten(struct flat *flat, struct fw_slice *text)
{
	struct fw_slice cut = jsonl_cut(*text);

	if (cut.size != 0)
		memcpy(flat->bytes + flat->size, cut.data, cut.size);
	flat->size += cut.size;
	*text = slice(NULL, cut.size);
}

bool ipc_send_record(struct ipc_channel *channel, const struct fw_record *record, uint16_t worker)
{
	struct ipc_record message;
	struct flat flat;

	memset(&message, 0, sizeof(message));
	message.record = *record;
	message.worker = worker;
	flat.size = 0;
	if (message.record.detail_count > FW_RECORD_DETAILS)
		message.record.detail_count = FW_RECORD_DETAILS;
	flatten(&flat, &message.record.user_id);
	flatten(&flat, &message.record.session_id);
	for (unsigned i = 0; i < message.record.detail_count; i++)
		if (message.record.details[i].kind == FW_DETAIL_TEXT)
			flatten(&flat, &message.record.details[i].text);
	return ipc_send(channel, IPC_RECORD, &message, sizeof(message), slice(flat.bytes, flat.size), true);
}

static void unflatten(struct fw_slice *tail, struct fw_slice *text)
{
	size_t size = text->size < tail->size ? text->size : tail->size;

	*text = slice(tail->data, size);
	*tail = slice(tail->data + size, tail->size - size);
}

void ipc_read_record(struct ipc_record *message, struct fw_slice tail, struct fw_record *ret_record)
{
	*ret_record = message->record;
	if (ret_record->detail_count > FW_RECORD_DETAILS)
		ret_record->detail_count = FW_RECORD_DETAILS;
	unflatten(&tail, &ret_record->user_id);
	unflatten(&tail, &ret_record->session_id);
	for (unsigned i = 0; i < ret_record->detail_count; i++)
		if (ret_record->details[i].kind == FW_DETAIL_TEXT)
			unflatten(&tail, &ret_record->details[i].text);
}
