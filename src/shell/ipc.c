#include "shell/ipc.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"

static const size_t sizes[IPC_TYPES] = {
#define IPC(name, direction, payload, help) [IPC_##name] = sizeof(payload),
#include "tables/ipc.def"
#undef IPC
};

enum { ROOM_WAIT_MS = 200, CACHE_LINE = 64 };

#define SECOND_NS ((uint64_t)1000000000)

struct header {
	uint16_t type, to;
	uint32_t payload;
	uint64_t tail;
};

/* What writer and reader share, be they threads or processes. Cursors count octets since the beginning: written - taken
 * is what waits. Each is moved by one side alone; the other one checks it before every use, since it may be written by
 * a process that has been taken over. A message is a header, its payload and its tail, and may go round the end
 * anywhere; it can be seen when it is whole, so that a writer that is killed leaves no half of one. */
struct ring {
	_Atomic uint64_t written;
	_Atomic uint64_t front;	     /* the cursor that stands at the front of the octets */
	_Atomic uint32_t wants_room; /* a writer sleeps on room */
	uint8_t apart[CACHE_LINE - 20];
	_Atomic uint64_t taken;
	_Atomic uint64_t sleeps_to; /* the reader sleeps on bell until so much waits; 0: it does not sleep */
	_Atomic uint32_t bell, room;
	_Atomic uint32_t woken;
	_Atomic uint32_t stuck;
	uint8_t octets[];
};

struct ipc_channel {
	pthread_mutex_t lock; /* of the writers of this process */
	void (*wake)(void *user);
	void *user;
	int fd; /* the reader's, or -1 */
	bool shared, keeps;
	struct ring *ring;
	uint8_t *tail; /* of the message received last; as large as the ring, so that no message is too large for it */
	size_t size;
	size_t secret;		 /* octets of tail that are to be wiped */
	uint64_t written, front; /* the writers' */
	uint64_t read;		 /* the reader's: ring->taken, or ahead of it */
	uint64_t read_front;	 /* ring->front, for the messages that there are now */
	uint16_t to;		 /* of the message received last */
	_Atomic uint64_t refused;
	uint32_t generation;
	uint64_t identity;
	uint64_t sequences[LIMIT_WORKERS + 1];
};

static struct ipc_channel *finish(struct ipc_channel *channel, size_t size)
{
	channel->size = size;
	channel->identity = (uint64_t)getpid() << 40 ^ uv_hrtime();
	pthread_mutex_init(&channel->lock, NULL);
	channel->tail = mem_alloc(size);
	if (channel->ring == NULL || channel->tail == NULL)
		return ipc_channel_free(channel);
	return channel;
}

struct ipc_channel *ipc_channel_new(size_t size, void (*wake)(void *user), void *user)
{
	struct ipc_channel *channel = mem_zero(1, sizeof(*channel));

	if (channel == NULL)
		return NULL;
	channel->fd = -1;
	channel->wake = wake;
	channel->user = user;
	channel->ring = mem_alloc(sizeof(*channel->ring) + size);
	if (channel->ring != NULL)
		memset(channel->ring, 0, sizeof(*channel->ring));
	return finish(channel, size);
}

struct ipc_channel *ipc_channel_share(size_t size, bool has_fd)
{
	struct ipc_channel *channel = mem_zero(1, sizeof(*channel));
	void *memory;

	if (channel == NULL)
		return NULL;
	channel->shared = true;
	channel->fd = has_fd ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	memory = mmap(NULL, sizeof(*channel->ring) + size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	channel->ring = memory != MAP_FAILED && (channel->fd >= 0) == has_fd ? memory : NULL;
	if (memory != MAP_FAILED && channel->ring == NULL)
		munmap(memory, sizeof(*channel->ring) + size);
	return finish(channel, size);
}

void ipc_join(struct ipc_channel *channel, uint32_t generation)
{
	channel->written = atomic_load(&channel->ring->written);
	channel->front = atomic_load(&channel->ring->front);
	channel->read = atomic_load(&channel->ring->taken);
	channel->generation = generation;
}

uint32_t ipc_generation(const struct ipc_channel *channel)
{
	return channel->generation;
}

uint64_t ipc_identity(const struct ipc_channel *channel)
{
	return channel->identity;
}

void ipc_keep(struct ipc_channel *channel)
{
	channel->keeps = true;
}

int ipc_fd(const struct ipc_channel *channel)
{
	return channel->fd;
}

void ipc_fd_clear(struct ipc_channel *channel)
{
	uint64_t count;

	while (read(channel->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
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

static void wipe(struct ipc_channel *channel, uint64_t cursor, size_t size)
{
	size_t at = (cursor - channel->read_front) % channel->size;
	size_t first = size < channel->size - at ? size : channel->size - at;

	if (size == 0)
		return;
	mem_wipe(channel->ring->octets + at, first);
	mem_wipe(channel->ring->octets, size - first);
}

struct ipc_channel *ipc_channel_free(struct ipc_channel *channel)
{
	uint64_t waits;

	if (channel == NULL)
		return NULL;
	if (channel->ring != NULL && channel->tail != NULL) {
		wipe_tail(channel);
		waits = atomic_load(&channel->ring->written) - atomic_load(&channel->ring->taken);
		channel->read_front = atomic_load(&channel->ring->front);
		if (!channel->shared && waits <= channel->size)
			wipe(channel, atomic_load(&channel->ring->taken), waits);
	}
	pthread_mutex_destroy(&channel->lock);
	if (!channel->shared)
		mem_free(channel->ring);
	else if (channel->ring != NULL)
		munmap(channel->ring, sizeof(*channel->ring) + channel->size);
	if (channel->fd >= 0)
		close(channel->fd);
	mem_free(channel->tail);
	mem_free(channel);
	return NULL;
}

static void put(struct ipc_channel *channel, const void *bytes, size_t size)
{
	size_t at = (channel->written - channel->front) % channel->size;
	size_t first = size < channel->size - at ? size : channel->size - at;

	if (size == 0)
		return;
	memcpy(channel->ring->octets + at, bytes, first);
	memcpy(channel->ring->octets, (const uint8_t *)bytes + first, size - first);
	channel->written += size;
}

/* ret_bytes NULL: skip. */
static void get(struct ipc_channel *channel, void *ret_bytes, size_t size)
{
	size_t at = (channel->read - channel->read_front) % channel->size;
	size_t first = size < channel->size - at ? size : channel->size - at;

	if (ret_bytes != NULL && size != 0) {
		memcpy(ret_bytes, channel->ring->octets + at, first);
		memcpy((uint8_t *)ret_bytes + first, channel->ring->octets, size - first);
	}
	channel->read += size;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec timeout = { (time_t)(timeout_ns / SECOND_NS), (long)(timeout_ns % SECOND_NS) };

	syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* What waits. A cursor that cannot be: the ring is full for who writes. */
static uint64_t waits_for_reader(const struct ipc_channel *channel)
{
	uint64_t used = channel->written - atomic_load(&channel->ring->taken);

	return used <= channel->size ? used : channel->size;
}

/* What is free for a message of this type. Chat leaves a part to all else: a worker that cannot keep up with it is
 * still told whose connections must end. */
static size_t room_for(const struct ipc_channel *channel, enum ipc_type type)
{
	size_t room = channel->size - waits_for_reader(channel), kept = type == IPC_BROADCAST ? channel->size / 16 : 0;

	return room > kept ? room - kept : 0;
}

/* An empty ring begins at its front again: what never waited together never takes memory, nor cache. Whoever reads
 * looks for the front when he has found something new, which then all stands behind it. */
static void go_to_front(struct ipc_channel *channel)
{
	if (channel->front == channel->written || atomic_load(&channel->ring->taken) != channel->written)
		return;
	channel->front = channel->written;
	atomic_store(&channel->ring->front, channel->front);
}

static void ring_bell(struct ipc_channel *channel)
{
	atomic_store(&channel->ring->sleeps_to, 0);
	futex_wake(&channel->ring->bell);
}

static void await_room(struct ipc_channel *channel, enum ipc_type type, size_t whole)
{
	struct ring *ring = channel->ring;

	while (room_for(channel, type) < whole) {
		uint32_t room = atomic_load(&ring->room);

		atomic_store(&ring->wants_room, 1);
		if (room_for(channel, type) >= whole)
			return;
		if (atomic_load(&ring->sleeps_to) != 0)
			ring_bell(channel);
		futex_wait(&ring->room, room, (uint64_t)ROOM_WAIT_MS * 1000000);
	}
}

/* The message can be seen. The reader is woken when there was nothing, and where it sleeps until there is so much. */
static void publish(struct ipc_channel *channel, uint64_t before)
{
	static const uint64_t one = 1;
	uint64_t sleeps_to;

	atomic_store(&channel->ring->written, channel->written);
	sleeps_to = atomic_load(&channel->ring->sleeps_to);
	if (sleeps_to != 0 && waits_for_reader(channel) >= sleeps_to)
		ring_bell(channel);
	if ((channel->fd >= 0 || channel->wake != NULL) && atomic_load(&channel->ring->taken) == before) {
		if (channel->wake != NULL)
			channel->wake(channel->user);
		else if (write(channel->fd, &one, sizeof(one)) < 0)
			return; /* it counts so far that the reader has been told for long */
	}
}

static bool send_to(struct ipc_channel *channel, uint16_t to, enum ipc_type type, const void *payload, size_t size,
		    struct fw_slice tail, bool wait)
{
	struct header header = { .type = (uint16_t)type, .to = to, .payload = (uint32_t)size, .tail = tail.size };
	uint64_t before = channel->written;
	size_t whole;

	if ((unsigned)type >= IPC_TYPES || size != sizes[type] || !size_add(sizeof(header) + size, tail.size, &whole) ||
	    whole > channel->size) {
		atomic_fetch_add(&channel->refused, 1);
		return false;
	}
	if (wait)
		await_room(channel, type, whole);
	if (room_for(channel, type) < whole)
		return false;
	go_to_front(channel);
	put(channel, &header, sizeof(header));
	put(channel, payload, size);
	put(channel, tail.data, tail.size);
	publish(channel, before);
	return true;
}

bool ipc_send_to(struct ipc_channel *channel, uint16_t to, enum ipc_type type, const void *payload, size_t size,
		 struct fw_slice tail)
{
	bool sent;

	pthread_mutex_lock(&channel->lock);
	sent = send_to(channel, to, type, payload, size, tail, false);
	pthread_mutex_unlock(&channel->lock);
	return sent;
}

bool ipc_send(struct ipc_channel *channel, enum ipc_type type, const void *payload, size_t size, struct fw_slice tail,
	      bool wait)
{
	bool sent;

	pthread_mutex_lock(&channel->lock);
	sent = send_to(channel, 0, type, payload, size, tail, wait);
	pthread_mutex_unlock(&channel->lock);
	return sent;
}

bool ipc_send_numbered(struct ipc_channel *channel, struct ipc_record *message, struct fw_slice tail, bool wait)
{
	uint64_t *sequence = &channel->sequences[message->worker < LIMIT_WORKERS ? message->worker : LIMIT_WORKERS];
	bool sent;

	pthread_mutex_lock(&channel->lock);
	message->generation = channel->generation;
	message->sequence = *sequence + 1;
	sent = send_to(channel, 0, IPC_RECORD, message, sizeof(*message), tail, wait);
	if (sent)
		++*sequence;
	pthread_mutex_unlock(&channel->lock);
	return sent;
}

void ipc_release(struct ipc_channel *channel)
{
	struct ring *ring = channel->ring;

	atomic_store(&ring->taken, channel->read);
	if (atomic_load(&ring->wants_room) != 0) {
		atomic_store(&ring->wants_room, 0);
		futex_wake(&ring->room);
	}
}

static bool refuse_all(struct ipc_channel *channel, uint64_t written)
{
	atomic_fetch_add(&channel->refused, 1);
	channel->read = written;
	return false;
}

/* False: nothing is there, or what is there is no message, and what follows it none that could be found. */
static bool next_header(struct ipc_channel *channel, struct header *ret_header)
{
	uint64_t written = atomic_load(&channel->ring->written), waits = written - channel->read;
	size_t whole;

	if (waits == 0)
		return false;
	channel->read_front = atomic_load(&channel->ring->front);
	if (waits < sizeof(*ret_header) || waits > channel->size)
		return refuse_all(channel, written);
	get(channel, ret_header, sizeof(*ret_header));
	waits -= sizeof(*ret_header);
	if (!size_add(ret_header->payload, ret_header->tail, &whole) || whole > waits)
		return refuse_all(channel, written);
	return true;
}

bool ipc_receive(struct ipc_channel *channel, enum ipc_type *ret_type, void *ret_payload, size_t room,
		 struct fw_slice *ret_tail)
{
	struct header header;
	bool found = false;
	uint64_t start;

	wipe_tail(channel);
	while (!found && next_header(channel, &header)) {
		start = channel->read;
		found = header.type < IPC_TYPES && header.payload == sizes[header.type] && header.payload <= room;
		if (!found)
			atomic_fetch_add(&channel->refused, 1);
		get(channel, found ? ret_payload : NULL, header.payload);
		get(channel, found ? channel->tail : NULL, header.tail);
		if (is_secret(header.type)) {
			wipe(channel, start, header.payload + header.tail);
			channel->secret = found ? header.tail : 0;
		}
	}
	if (!channel->keeps && atomic_load_explicit(&channel->ring->taken, memory_order_relaxed) != channel->read)
		ipc_release(channel);
	if (!found)
		return false;
	channel->to = header.to;
	*ret_type = (enum ipc_type)header.type;
	*ret_tail = slice(channel->tail, header.tail);
	return true;
}

size_t ipc_size(enum ipc_type type)
{
	return sizes[type];
}

uint16_t ipc_to(const struct ipc_channel *channel)
{
	return channel->to;
}

/* Waits until more than `mark` octets are there, somebody wakes the receiver, or the time is over. */
static void wait_above(struct ipc_channel *channel, size_t mark, uint64_t timeout_ns)
{
	uint64_t until = uv_hrtime() + timeout_ns, now;
	/* What the reader keeps waits, too, for the writer's arithmetic. */
	uint64_t kept = channel->read - atomic_load(&channel->ring->taken);
	struct ring *ring = channel->ring;

	for (;;) {
		uint32_t bell = atomic_load(&ring->bell);

		atomic_store(&ring->sleeps_to, kept + mark + 1);
		if (atomic_load(&ring->written) - channel->read > mark || atomic_load(&ring->wants_room) != 0 ||
		    atomic_load(&ring->woken) != 0)
			break;
		now = uv_hrtime();
		if (now >= until)
			break;
		futex_wait(&ring->bell, bell, until - now);
	}
	atomic_store(&ring->sleeps_to, 0);
	atomic_store(&ring->woken, 0);
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
	static const uint64_t one = 1;

	atomic_store(&channel->ring->woken, 1);
	ring_bell(channel);
	if (channel->wake != NULL)
		channel->wake(channel->user);
	else if (channel->fd >= 0 && write(channel->fd, &one, sizeof(one)) < 0)
		return;
}

void ipc_set_stuck(struct ipc_channel *channel, bool stuck)
{
	atomic_store_explicit(&channel->ring->stuck, stuck, memory_order_relaxed);
}

bool ipc_is_stuck(const struct ipc_channel *channel)
{
	return atomic_load_explicit(&channel->ring->stuck, memory_order_relaxed) != 0;
}

bool ipc_is_crowded(const struct ipc_channel *channel)
{
	const struct ring *ring = channel->ring;
	uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);

	return atomic_load_explicit(&ring->written, memory_order_relaxed) - taken > channel->size / 4 * 3;
}

uint64_t ipc_refused(struct ipc_channel *channel)
{
	return atomic_load(&channel->refused);
}
