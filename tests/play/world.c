#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint8_t world_secret[32] = "play: a secret of 32 octets, ok!";

void world_init(struct world *world, const struct world_operations *operations, const struct world_options *options)
{
	world->operations = operations;
	world->options = *options;
	world->records_tail = &world->records;
}

void world_fini(struct world *world)
{
	while (world->peers != NULL) {
		struct peer *peer = world->peers;

		world->peers = peer->next;
		peer_free(peer);
	}
	while (world->records != NULL) {
		struct record *record = world->records;

		world->records = record->next;
		free(record);
	}
	text_clear(&world->wrong);
}

void world_record(struct world *world, const char *line, size_t size)
{
	struct record *record = text_memory(sizeof(*record) + size + 1);

	record->size = size;
	memcpy(record->line, line, size);
	*world->records_tail = record;
	world->records_tail = &record->next;
}

void world_wrong(struct world *world, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (world->wrong.size == 0)
		text_say(&world->wrong, text);
}

void world_add(struct world *world, struct peer *peer)
{
	struct peer **tail = &world->peers;

	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = peer;
}

/* Names are reused: the newest one counts. */
struct peer *world_find(struct world *world, const char *name)
{
	struct peer *found = NULL;

	for (struct peer *peer = world->peers; peer != NULL; peer = peer->next)
		if (strcmp(peer->name, name) == 0)
			found = peer;
	return found;
}

struct peer *world_dialled(struct world *world)
{
	for (struct peer *peer = world->peers; peer != NULL; peer = peer->next)
		if (peer->upstream && !peer->bound)
			return peer;
	return NULL;
}

void world_accept(struct peer *upstream, const char *more)
{
	char accept[32];

	peer_accept(upstream->key, accept);
	peer_extensions(upstream, more, "client_max_window_bits");
	text_format(&upstream->out,
		    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		    "Sec-WebSocket-Accept: %s\r\n%s\r\n",
		    accept, more);
}

void world_read(struct world *world, struct peer *peer)
{
	bool had_head = peer->has_head;

	peer_read(peer);
	if (peer->upstream && !had_head && peer->has_head &&
	    (world->upstream == UPSTREAM_ACCEPT || world->upstream == UPSTREAM_ECHO)) {
		peer->echo = world->upstream == UPSTREAM_ECHO;
		world_accept(peer, "");
	}
}
