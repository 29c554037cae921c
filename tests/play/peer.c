#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "deflate.h"

static uint64_t random_state = 1;

void peer_seed(uint64_t seed)
{
	random_state = seed;
}

/* SplitMix64. */
uint64_t peer_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct peer *peer_new(const char *name, bool upstream)
{
	struct peer *peer = text_memory(sizeof(*peer));

	snprintf(peer->name, sizeof(peer->name), "%s", name);
	peer->upstream = upstream;
	peer->items_tail = &peer->items;
	peer->descriptor = -1;
	return peer;
}

struct peer *peer_free(struct peer *peer)
{
	struct item *item;

	if (peer == NULL)
		return NULL;
	while ((item = peer_take(peer)) != NULL)
		free(item);
	text_clear(&peer->in);
	text_clear(&peer->out);
	text_clear(&peer->head);
	text_clear(&peer->body);
	text_clear(&peer->message);
	text_clear(&peer->last);
	text_clear(&peer->csrf);
	text_clear(&peer->session);
	text_clear(&peer->seen);
	free(peer);
	return NULL;
}

static void peer_blame(struct peer *peer, const char *what)
{
	if (peer->broken[0] == '\0')
		snprintf(peer->broken, sizeof(peer->broken), "%s", what);
}

void peer_accept(const char *key, char ret_accept[32])
{
	char accept[28];

	digest_websocket_accept(slice_text(key), accept);
	memcpy(ret_accept, accept, 28);
	ret_accept[28] = '\0';
}

const char *peer_header(const struct peer *peer, const char *name, struct text *ret_value, unsigned *ret_count)
{
	const char *line = strstr(text_get(&peer->head), "\r\n");
	size_t size = strlen(name);
	unsigned count = 0;

	ret_value->size = 0;
	for (; line != NULL && strncmp(line, "\r\n\r\n", 4) != 0; line = strstr(line + 2, "\r\n")) {
		const char *at = line + 2;

		if (strncasecmp(at, name, size) != 0 || at[size] != ':')
			continue;
		if (count++ != 0)
			continue;
		at = text_skip(at + size + 1);
		text_add(ret_value, at, strcspn(at, "\r"));
	}
	if (ret_count != NULL)
		*ret_count = count;
	return count != 0 ? text_get(ret_value) : NULL;
}

/* A response that switches must prove that it read our key (RFC 6455 4.1). */
static void peer_check_switching(struct peer *peer)
{
	struct text value = { 0 };
	char accept[32];

	peer_accept(peer->key, accept);
	if (peer->key[0] != '\0' && /* a play that wrote its own head checks by itself */
	    (peer_header(peer, "Sec-WebSocket-Accept", &value, NULL) == NULL || strcmp(text_get(&value), accept) != 0))
		peer_blame(peer, "Sec-WebSocket-Accept is not that of the key");
	if (peer_header(peer, "Upgrade", &value, NULL) == NULL || strcasecmp(text_get(&value), "websocket") != 0)
		peer_blame(peer, "101 without Upgrade: websocket");
	text_clear(&value);
}

void peer_extensions(struct peer *peer, const char *head, const char *parameter)
{
	const char *line = strcasestr(head, "Sec-WebSocket-Extensions:");
	struct text value = { 0 };

	if (line == NULL)
		return;
	text_add(&value, line, strcspn(line, "\r"));
	if (strstr(text_get(&value), "permessage-deflate") != NULL) {
		peer->window_bits = deflate_parameter(text_get(&value), parameter);
		if (peer->window_bits < 8 || peer->window_bits > 15)
			peer->window_bits = 15;
	}
	text_clear(&value);
}

static bool peer_read_head(struct peer *peer)
{
	char *end = peer->in.size != 0 ? memmem(peer->in.data, peer->in.size, "\r\n\r\n", 4) : NULL;

	if (end == NULL)
		return false;
	text_add(&peer->head, peer->in.data, (size_t)(end - peer->in.data) + 4);
	text_take(&peer->in, peer->head.size);
	peer->has_head = true;
	if (peer->upstream) {
		struct text value = { 0 };

		if (peer_header(peer, "Sec-WebSocket-Key", &value, NULL) != NULL)
			snprintf(peer->key, sizeof(peer->key), "%s", text_get(&value));
		text_clear(&value);
		peer->framed = true;
		return true;
	}
	if (strncmp(text_get(&peer->head), "HTTP/1.1 ", 9) == 0)
		peer->status = (unsigned)strtoul(text_get(&peer->head) + 9, NULL, 10);
	if (peer->status < 100 || peer->status > 599)
		peer_blame(peer, "the answer is no HTTP/1.1 response");
	peer->framed = peer->status == 101;
	if (peer->framed) {
		peer_check_switching(peer);
		peer_extensions(peer, text_get(&peer->head), "server_max_window_bits");
	}
	return true;
}

/* Keeps the value of "csrf_token":"…" and "session_token":"…". */
static void peer_keep_token(const char *payload, const char *name, struct text *ret_token)
{
	char key[40];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(payload, key);
	if (at == NULL)
		return;
	at += strlen(key);
	ret_token->size = 0;
	text_add(ret_token, at, strcspn(at, "\""));
}

static struct item *peer_item(struct peer *peer, enum item_kind kind, unsigned code, unsigned frames,
			      const char *payload, size_t size)
{
	struct item *item = text_memory(sizeof(*item) + size + 1);

	item->kind = kind;
	item->code = code;
	item->frames = frames;
	item->size = size;
	if (size != 0)
		memcpy(item->payload, payload, size);
	*peer->items_tail = item;
	peer->items_tail = &item->next;
	if (peer->upstream && (kind == ITEM_TEXT || kind == ITEM_BINARY)) {
		text_add(&peer->seen, &item->kind, sizeof(item->kind));
		text_add(&peer->seen, &size, sizeof(size));
		text_add(&peer->seen, payload, size);
	}
	if (kind == ITEM_TEXT && !peer->upstream) {
		peer_keep_token(item->payload, "csrf_token", &peer->csrf);
		peer_keep_token(item->payload, "session_token", &peer->session);
	}
	if (peer->echo && (kind == ITEM_TEXT || kind == ITEM_BINARY))
		peer_message(peer, (unsigned)kind, payload, size);
	return item;
}

static void peer_control(struct peer *peer, unsigned opcode, const char *payload, size_t size)
{
	unsigned code = 1005;

	if (opcode != ITEM_CLOSE) {
		if (peer->manual)
			peer_item(peer, opcode, 0, 1, payload, size);
		else if (opcode == ITEM_PING)
			peer_message(peer, ITEM_PONG, payload, size);
		return;
	}
	if (size == 1)
		peer_blame(peer, "close frame of one octet (RFC 6455 5.5.1)");
	if (size >= 2)
		code = (unsigned)((uint8_t)payload[0] << 8 | (uint8_t)payload[1]);
	if (peer->close_received)
		peer_blame(peer, "a second close frame");
	peer->close_received = true;
	peer_item(peer, ITEM_CLOSE, code, 1, size > 2 ? payload + 2 : "", size > 2 ? size - 2 : 0);
	if (!peer->manual && !peer->close_sent)
		peer_close(peer, code == 1005 ? 0 : code, "", 0);
}

/* The whole message of which the last frame came; inflated where it came compressed. */
static void peer_data_item(struct peer *peer)
{
	struct text plain = { 0 };
	const struct text *message = &peer->message;

	if (peer->message_compressed) {
		if (!deflate_read(text_get(message), message->size, peer->window_bits, &plain))
			peer_blame(peer,
				   "a compressed message that zlib does not read with this window (RFC 7692 7.2)");
		message = &plain;
	}
	peer_item(peer, peer->message_kind, 0, peer->message_frames, text_get(message), message->size)->compressed =
		peer->message_compressed;
	text_clear(&plain);
}

static void peer_data(struct peer *peer, unsigned opcode, bool fin, bool compressed, const char *payload, size_t size)
{
	if (opcode == 0 && compressed)
		peer_blame(peer, "RSV1 on a continuation (RFC 7692 6.1)");
	if (opcode == 0 && peer->message_kind == 0)
		peer_blame(peer, "continuation without a message (RFC 6455 5.4)");
	if (opcode != 0 && peer->message_kind != 0)
		peer_blame(peer, "a message within a message (RFC 6455 5.4)");
	if (opcode != 0) {
		peer->message_kind = opcode;
		peer->message_compressed = compressed;
	}
	text_add(&peer->message, payload, size);
	peer->message_frames++;
	if (!fin)
		return;
	peer_data_item(peer);
	peer->message.size = 0;
	peer->message_kind = 0;
	peer->message_frames = 0;
}

/* Octets of the header and the payload; false while they are not all there. */
static bool peer_sizes(const uint8_t *bytes, size_t size, size_t *ret_header, uint64_t *ret_payload, bool *ret_minimal)
{
	size_t header = 2, extra = 0;
	uint64_t length;

	if (size < 2)
		return false;
	length = bytes[1] & 0x7f;
	if (length >= 126)
		extra = length == 126 ? 2 : 8;
	if (size < header + extra)
		return false;
	if (extra != 0) {
		length = 0;
		for (size_t i = 0; i < extra; i++)
			length = length << 8 | bytes[2 + i];
	}
	*ret_minimal = extra == 0 || (extra == 2 ? length > 125 : length > 65535);
	*ret_header = header + extra + ((bytes[1] & 0x80) != 0 ? 4 : 0);
	*ret_payload = length;
	return size >= *ret_header && size - *ret_header >= length;
}

static bool peer_read_frame(struct peer *peer)
{
	uint8_t *bytes = (uint8_t *)peer->in.data;
	size_t header;
	uint64_t length;
	bool minimal, masked, fin;
	unsigned opcode;

	if (peer->in.size == 0 || !peer_sizes(bytes, peer->in.size, &header, &length, &minimal))
		return false;
	masked = (bytes[1] & 0x80) != 0;
	fin = (bytes[0] & 0x80) != 0;
	opcode = bytes[0] & 0x0f;
	if (masked != peer->upstream)
		peer_blame(peer, masked ? "a masked frame to a client (RFC 6455 5.1)"
					: "an unmasked frame to a server (RFC 6455 5.1)");
	if (!minimal)
		peer_blame(peer, "a length that is not minimal (RFC 6455 5.2)");
	if ((bytes[0] & 0x70) != 0 && ((bytes[0] & 0x70) != 0x40 || peer->window_bits == 0 || opcode >= 8))
		peer_blame(peer, "a reserved bit (RFC 6455 5.2)");
	if (peer->close_received)
		peer_blame(peer, "a frame behind a close frame (RFC 6455 5.5.1)");
	if (masked)
		for (uint64_t i = 0; i < length; i++)
			bytes[header + i] ^= bytes[header - 4 + i % 4];
	if (opcode >= 8 && (length > 125 || !fin))
		peer_blame(peer, "a long or fragmented control frame (RFC 6455 5.5)");
	if (opcode >= 8 && opcode <= 10)
		peer_control(peer, opcode, peer->in.data + header, length);
	else if (opcode <= 2)
		peer_data(peer, opcode, fin, (bytes[0] & 0x40) != 0, peer->in.data + header, length);
	else
		peer_blame(peer, "a reserved opcode (RFC 6455 5.2)");
	text_take(&peer->in, header + length);
	return true;
}

void peer_read(struct peer *peer)
{
	if (!peer->has_head && !peer_read_head(peer))
		return;
	while (peer->framed && peer_read_frame(peer))
		;
	if (!peer->framed && peer->in.size != 0) {
		text_add(&peer->body, peer->in.data, peer->in.size);
		peer->in.size = 0;
	}
}

static size_t peer_write_length(uint8_t *header, const struct frame *frame, uint64_t length)
{
	unsigned form = frame->form != 0 ? frame->form : (length < 126 ? 7 : length < 65536 ? 16 : 64);

	if (form == 7) {
		header[1] = (uint8_t)length;
		return 2;
	}
	header[1] = form == 16 ? 126 : 127;
	for (unsigned i = 0; i < form / 8; i++)
		header[2 + i] = (uint8_t)(length >> (form - 8 - 8 * i));
	return 2 + form / 8;
}

void peer_frame(struct peer *peer, const struct frame *frame, const void *payload, size_t size)
{
	uint8_t header[14] = { 0 };
	size_t header_size = peer_write_length(header, frame, frame->has_length ? frame->length : size), start;
	uint64_t mask = frame->zero_mask ? 0 : peer_random();

	header[0] = (uint8_t)((frame->fin != 0 ? 0x80 : 0) | (frame->rsv & 7) << 4 | (frame->opcode & 15));
	if (frame->masked) {
		header[1] |= 0x80;
		memcpy(header + header_size, &mask, 4);
		header_size += 4;
	}
	text_add(&peer->out, header, header_size);
	start = peer->out.size;
	text_add(&peer->out, payload, size);
	if (frame->masked)
		for (size_t i = 0; i < size; i++)
			peer->out.data[start + i] = (char)(peer->out.data[start + i] ^ (char)(mask >> 8 * (i % 4)));
}

void peer_message(struct peer *peer, unsigned opcode, const void *payload, size_t size)
{
	peer_frame(peer, &(struct frame){ .fin = 1, .opcode = opcode, .masked = !peer->upstream }, payload, size);
}

void peer_close(struct peer *peer, unsigned code, const char *reason, size_t size)
{
	uint8_t payload[125] = { (uint8_t)(code >> 8), (uint8_t)code };

	if (size > sizeof(payload) - 2)
		size = sizeof(payload) - 2;
	memcpy(payload + 2, reason, size);
	peer_message(peer, ITEM_CLOSE, payload, code != 0 ? size + 2 : 0);
	peer->close_sent = true;
}

struct item *peer_take(struct peer *peer)
{
	struct item *item = peer->items;

	if (item == NULL)
		return NULL;
	peer->items = item->next;
	if (peer->items == NULL)
		peer->items_tail = &peer->items;
	return item;
}

/* The product writes canonical JSON with "type" somewhere; a type to be ignored is looked for as it stands. */
static bool peer_ignores(const struct peer *peer, const struct item *item)
{
	char list[256], *word, *rest = list, key[80];

	if (item->kind != ITEM_TEXT || peer->ignore[0] == '\0')
		return false;
	snprintf(list, sizeof(list), "%s", peer->ignore);
	while ((word = strsep(&rest, " ")) != NULL) {
		snprintf(key, sizeof(key), "\"type\":\"%s\"", word);
		if (*word != '\0' && strstr(item->payload, key) != NULL)
			return true;
	}
	return false;
}

struct item *peer_look(struct peer *peer)
{
	while (peer->items != NULL && peer_ignores(peer, peer->items))
		free(peer_take(peer));
	return peer->items;
}
