#include "report/relay.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

enum { ROOM = 1 << 20 };

static void take_all(struct relay *relay, const struct relay_batch *batch)
{
	size_t at = 0, size;

	while (at < batch->size) {
		memcpy(&size, batch->octets + at, sizeof(size));
		relay->take(relay->user, slice(batch->octets + at + sizeof(size), size));
		at += sizeof(size) + size;
	}
}

static void *run(void *user)
{
	struct relay *relay = user;

	pthread_mutex_lock(&relay->lock);
	for (;;) {
		while (!relay->full && !relay->end)
			pthread_cond_wait(&relay->changed, &relay->lock);
		if (!relay->full)
			break;
		pthread_mutex_unlock(&relay->lock);
		take_all(relay, &relay->given);
		pthread_mutex_lock(&relay->lock);
		relay->full = false;
		pthread_cond_broadcast(&relay->changed);
	}
	pthread_mutex_unlock(&relay->lock);
	return NULL;
}

void relay_start(struct relay *relay, relay_function *take, void *user, bool threaded)
{
	*relay = (struct relay){ .take = take, .user = user };
	if (threaded) {
		relay->given.octets = mem_alloc(ROOM);
		relay->filled.octets = mem_alloc(ROOM);
	}
	pthread_mutex_init(&relay->lock, NULL);
	pthread_cond_init(&relay->changed, NULL);
	relay->threaded = relay->given.octets != NULL && relay->filled.octets != NULL &&
			  pthread_create(&relay->thread, NULL, run, relay) == 0;
}

/* Hands over what is filled, when what was given before is taken. */
static void give(struct relay *relay)
{
	struct relay_batch taken;

	pthread_mutex_lock(&relay->lock);
	while (relay->full)
		pthread_cond_wait(&relay->changed, &relay->lock);
	taken = relay->given;
	relay->given = relay->filled;
	relay->filled = (struct relay_batch){ taken.octets, 0 };
	relay->full = true;
	pthread_cond_broadcast(&relay->changed);
	pthread_mutex_unlock(&relay->lock);
}

void relay_line(struct relay *relay, struct fw_slice line)
{
	uint8_t *to;

	if (relay->threaded && relay->filled.size + sizeof(line.size) + line.size > ROOM)
		give(relay);
	if (!relay->threaded || sizeof(line.size) + line.size > ROOM) {
		relay_wait(relay);
		relay->take(relay->user, line);
		return;
	}
	to = relay->filled.octets + relay->filled.size;
	memcpy(to, &line.size, sizeof(line.size));
	if (line.size != 0)
		memcpy(to + sizeof(line.size), line.data, line.size);
	relay->filled.size += sizeof(line.size) + line.size;
}

void relay_wait(struct relay *relay)
{
	if (!relay->threaded)
		return;
	if (relay->filled.size != 0)
		give(relay);
	pthread_mutex_lock(&relay->lock);
	while (relay->full)
		pthread_cond_wait(&relay->changed, &relay->lock);
	pthread_mutex_unlock(&relay->lock);
}

void relay_end(struct relay *relay)
{
	relay_wait(relay);
	if (relay->threaded) {
		pthread_mutex_lock(&relay->lock);
		relay->end = true;
		pthread_cond_broadcast(&relay->changed);
		pthread_mutex_unlock(&relay->lock);
		pthread_join(relay->thread, NULL);
	}
	pthread_cond_destroy(&relay->changed);
	pthread_mutex_destroy(&relay->lock);
	mem_free(relay->given.octets);
	mem_free(relay->filled.octets);
}
