#include "scan/client.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/extensions.h"
#include "crypto/digest.h"

struct client *client_new(struct scan_trial *trial, const char *name, const struct fw_addr *source)
{
	struct client *client = mem_alloc(sizeof(*client));

	if (client == NULL) {
		trial_error(trial, "out of memory");
		return NULL;
	}
	memset(client, 0, offsetof(struct client, heard));
	client->heard[0] = '\0';
	client->trial = trial;
	client->name = name;
	client->link.fd = -1;
	client->source = source != NULL ? *source : trial_address(trial);
	ws_reader_init(&client->reader, WS_CLIENT);
	client->next = trial->clients;
	trial->clients = client;
	return client;
}

void client_free(struct client *client)
{
	link_close(&client->link);
	ws_reader_fini(&client->reader, &client->trial->pool);
	buf_clear(&client->plain, &client->trial->pool);
	inflater_fini(&client->inflater);
	mem_free(client);
}

void client_close(struct client *client)
{
	static const uint8_t normal[2] = { 0x03, 0xe8 };
	const struct client_frame frame = { .first = 0x88, .payload = { normal, 2 } };

	if (client->open && !client->closed)
		(void)client_send_frame(client, &frame);
	link_close(&client->link);
	client->open = false;
}

const char *client_opened_text(const struct client *client, enum client_opened opened)
{
	switch (opened) {
	case CLIENT_OPEN:
		return "the handshake was accepted";
	case CLIENT_REFUSED:
		return trial_text(client->trial, "the handshake was answered with HTTP %u", client->status);
	case CLIENT_GONE:
		return "the server closed the connection without an answer to the handshake";
	case CLIENT_SILENT:
		return "the server did not answer the handshake in time";
	case CLIENT_ODD:
		return "the answer is no WebSocket handshake";
	case CLIENT_NO_LINK:
	default:
		return link_result_text(client->why);
	}
}

enum client_opened client_connect(struct client *client)
{
	struct scan_trial *trial = client->trial;

	client->why = link_open(&client->link, &trial->work->target, &client->source, &trial->budget, 5000);
	return client->why == LINK_OK ? CLIENT_OPEN : CLIENT_NO_LINK;
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

/* "Name: value", or nothing where it is left out. */
static const char *field(struct scan_trial *trial, const char *name, const char *value)
{
	return value == NULL || value[0] == '\0' ? "" : trial_text(trial, "%s: %s\r\n", name, value);
}

static char *request(struct client *client, const struct client_hello *hello, const char *key)
{
	struct scan_trial *trial = client->trial;
	const struct scan_work *work = trial->work;

	return trial_text(
		trial, "%s %s %s\r\n%s%s%s%s%s%s%s%s%s\r\n", or_else(hello->method, "GET"),
		or_else(hello->path, work->target.path), or_else(hello->http, "HTTP/1.1"),
		field(trial, "Host", or_else(hello->host, work->target.authority)),
		field(trial, "Upgrade", or_else(hello->upgrade, "websocket")),
		field(trial, "Connection", or_else(hello->connection, "Upgrade")),
		field(trial, "Sec-WebSocket-Version", or_else(hello->version, "13")),
		field(trial, "Sec-WebSocket-Key", key),
		field(trial, "Origin", or_else(hello->origin, work->profile.origin)),
		field(trial, "Sec-WebSocket-Protocol", or_else(hello->subprotocol, work->profile.subprotocol)),
		field(trial, "Sec-WebSocket-Extensions",
		      hello->deflate ? "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
				     : ""),
		or_else(hello->fields, ""));
}

/* The first line, and the fields that say something. */
static void note_head(struct client *client, const char *arrow, struct fw_slice head)
{
	const char *who = trial_text(client->trial, "%s%s", client->name, arrow);
	size_t at = 0;

	while (at < head.size) {
		const uint8_t *end = memchr(head.data + at, '\r', head.size - at);
		struct fw_slice line =
			slice(head.data + at, end != NULL ? (size_t)(end - head.data) - at : head.size - at);

		if (line.size != 0 && !slice_starts(line, "Upgrade:") && !slice_starts(line, "Connection:") &&
		    !slice_starts(line, "Date:") && !slice_starts(line, "Sec-WebSocket-Key:") &&
		    !slice_starts(line, "Sec-WebSocket-Accept:"))
			trial_note(client->trial, who, line);
		at += line.size + 2;
	}
}

static bool accepts(const struct http1_head *head, const char *key)
{
	const struct http1_field *found = http1_find(head, "Sec-WebSocket-Accept", NULL);
	char accept[WS_ACCEPT_SIZE];

	digest_websocket_accept(slice_text(key), accept);
	return found != NULL && slice_equal(found->value, slice(accept, sizeof(accept)));
}

bool client_read_head(struct client *client, const char *key, enum client_opened *ret_opened)
{
	struct http1_head head;
	struct fw_slice input = slice(client->input, client->end);
	const struct http1_field *found;
	const char *rule = NULL;
	enum http1_result result = http1_response(input, &head, &rule);
	struct extensions_deflate answer;
	enum extensions_result extensions = EXTENSIONS_NONE;

	if (result == HTTP1_MORE && client->end < CLIENT_HEAD)
		return false;
	*ret_opened = CLIENT_ODD;
	if (result != HTTP1_OK) {
		note_head(client, "<", slice(client->input, client->end > 512 ? 512 : client->end));
		return true;
	}
	client->status = head.status;
	client->head = trial_copy(client->trial, slice(client->input, head.size));
	note_head(client, "<", slice(client->input, head.size));
	found = http1_find(&head, "Server", NULL);
	client->server = found != NULL ? trial_copy(client->trial, found->value) : NULL;
	found = http1_find(&head, "Sec-WebSocket-Protocol", NULL);
	client->answered_subprotocol = found != NULL ? trial_copy(client->trial, found->value) : NULL;
	client->start = head.size;
	if (head.status != 101) {
		*ret_opened = CLIENT_REFUSED;
		return true;
	}
	client->accepted = accepts(&head, key) && http1_has_token(&head, "Upgrade", "websocket") &&
			   http1_has_token(&head, "Connection", "Upgrade");
	client->deflate = extensions_answered(&head, &extensions, &answer) == NULL && extensions == EXTENSIONS_DEFLATE;
	client->reader.deflate = client->deflate;
	client->open = client->accepted;
	*ret_opened = client->accepted ? CLIENT_OPEN : CLIENT_ODD;
	return true;
}

enum client_opened client_open(struct client *client, const struct client_hello *hello)
{
	static const struct client_hello honest;
	uint8_t random[16];
	char key[WS_KEY_SIZE + 1];
	uint64_t end = link_now() + TRIAL_PATIENCE_MS * 2;
	enum client_opened opened = CLIENT_SILENT;
	char *text;

	if (client->link.fd < 0 && client_connect(client) != CLIENT_OPEN)
		return CLIENT_NO_LINK;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memset(random, 1, sizeof(random));
	key[encode_base64(random, sizeof(random), 0, key)] = '\0';
	hello = hello != NULL ? hello : &honest;
	text = request(client, hello, hello->key != NULL ? hello->key : key);
	note_head(client, ">", slice_text(text));
	client->why = link_send(&client->link, text, strlen(text), TRIAL_PATIENCE_MS);
	while (link_now() < end) {
		size_t size;

		client->why = link_receive(&client->link, client->input + client->end, CLIENT_INPUT - client->end,
					   &size, (unsigned)(end - link_now()));
		client->end += size;
		if (client->why == LINK_OK && client_read_head(client, hello->key != NULL ? hello->key : key, &opened))
			return opened;
		if (client->why == LINK_CLOSED || client->why == LINK_BROKEN)
			return client->end == 0 ? CLIENT_GONE : CLIENT_ODD;
		if (client->why != LINK_OK)
			return client->why == LINK_TIMEOUT ? CLIENT_SILENT : CLIENT_NO_LINK;
	}
	return opened;
}

bool client_send_raw(struct client *client, struct fw_slice octets)
{
	client->why = link_send(&client->link, octets.data, octets.size, TRIAL_PATIENCE_MS * 2);
	return client->why == LINK_OK;
}

bool client_send_frame(struct client *client, const struct client_frame *frame)
{
	uint64_t length = frame->claimed != 0 ? frame->claimed : frame->payload.size;
	uint8_t head[14], mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	size_t size = 2;
	unsigned octets = frame->length_octets != 0 ? frame->length_octets : length < 126 ? 0 : length < 65536 ? 2 : 8;
	uint8_t *payload = mem_alloc(frame->payload.size + sizeof(head));
	bool sent;

	if (payload == NULL)
		return false;
	head[0] = frame->first;
	head[1] = (uint8_t)((frame->unmasked ? 0 : 0x80) | (octets == 0 ? length : octets == 2 ? 126 : 127));
	for (unsigned i = 0; i < octets; i++)
		head[size++] = (uint8_t)(length >> (8 * (octets - 1 - i)));
	if (!frame->unmasked) {
		memcpy(head + size, mask, 4);
		size += 4;
	}
	memcpy(payload, head, size);
	if (frame->unmasked && frame->payload.size != 0)
		memcpy(payload + size, frame->payload.data, frame->payload.size);
	else
		ws_mask(payload + size, frame->payload.data, frame->payload.size, mask);
	sent = client_send_raw(client, slice(payload, size + frame->payload.size));
	mem_free(payload);
	return sent;
}

bool client_send_text(struct client *client, struct fw_slice text)
{
	const struct client_frame frame = { .first = 0x81, .payload = text };

	trial_note(client->trial, trial_text(client->trial, "%s>", client->name), text);
	return client_send_frame(client, &frame);
}

static struct client_item inflated(struct client *client, const struct ws_item *from)
{
	const struct inflater_limits limits = { .max = CLIENT_MESSAGE_MOST };

	buf_clear(&client->plain, &client->trial->pool);
	if (inflater_message(&client->inflater, &client->trial->pool, slice(from->payload, from->size), &limits,
			     &client->plain) != INFLATER_OK)
		return (struct client_item){ .event = CLIENT_FAULT,
					     .rule = "RFC 7692: what was compressed cannot be read" };
	return (struct client_item){ .event = CLIENT_MESSAGE,
				     .binary = from->opcode == WS_BINARY,
				     .text = slice(buf_data(&client->plain), buf_size(&client->plain)) };
}

/* What is whole in the input, or TIMEOUT: nothing yet. */
static struct client_item take(struct client *client)
{
	const struct ws_limits limits = { .max_message = CLIENT_MESSAGE_MOST };
	struct client_item item = { .event = CLIENT_TIMEOUT };
	struct ws_item from;
	uint8_t *at = client->input + client->start;
	size_t left = client->end - client->start;
	enum ws_step step = ws_reader_next(&client->reader, &limits, &client->trial->pool, &at, &left, &from);

	client->start = client->end - left;
	if (step == WS_MESSAGE && from.compressed)
		return inflated(client, &from);
	if (step == WS_MESSAGE)
		item = (struct client_item){ .event = CLIENT_MESSAGE,
					     .binary = from.opcode == WS_BINARY,
					     .text = slice(from.payload, from.size) };
	if (step == WS_FAIL)
		item = (struct client_item){ .event = CLIENT_FAULT, .code = from.code, .rule = from.rule };
	if (step == WS_CONTROL)
		item = (struct client_item){ .event = from.opcode == WS_CLOSE ? CLIENT_CLOSED : CLIENT_PONG,
					     .code = from.opcode == WS_CLOSE ? from.code : from.opcode,
					     .text = slice(from.payload, from.size) };
	return item;
}

static void hear(struct client *client, struct fw_slice text)
{
	size_t room = CLIENT_HEARD - 2 > client->heard_size ? CLIENT_HEARD - 2 - client->heard_size : 0,
	       size = text.size < room ? text.size : room;

	if (room == 0)
		return;
	memcpy(client->heard + client->heard_size, text.data, size);
	client->heard_size += size;
	client->heard[client->heard_size++] = '\n';
	client->heard[client->heard_size] = '\0';
}

static void note_item(struct client *client, const struct client_item *item)
{
	struct scan_trial *trial = client->trial;
	const char *who = trial_text(trial, "%s<", client->name);

	if (item->event == CLIENT_MESSAGE)
		trial_note(trial, who, item->text);
	else if (item->event == CLIENT_CLOSED)
		trial_note(trial, who,
			   slice_text(trial_text(trial, "[close %u] %.*s", item->code, (int)item->text.size,
						 (const char *)item->text.data)));
	else if (item->event == CLIENT_ENDED)
		trial_note(trial, who, slice_text("[connection ended]"));
	else if (item->event == CLIENT_FAULT)
		trial_note(trial, who, slice_text(trial_text(trial, "[broke the protocol] %s", item->rule)));
}

static struct client_item next(struct client *client, uint64_t end)
{
	for (;;) {
		struct client_item item = take(client);
		uint64_t now = link_now();
		size_t size;

		if (item.event != CLIENT_TIMEOUT)
			return item;
		/* The reader has taken all there was; the room is free again. */
		client->start = client->end = 0;
		client->why = link_receive(&client->link, client->input, CLIENT_INPUT, &size,
					   now < end ? (unsigned)(end - now) : 1);
		client->end = size;
		if (client->why == LINK_CLOSED || client->why == LINK_BROKEN)
			return (struct client_item){ .event = CLIENT_ENDED };
		if (client->why == LINK_TIMEOUT)
			return (struct client_item){ .event = CLIENT_TIMEOUT };
		if (client->why != LINK_OK)
			return (struct client_item){ .event = CLIENT_STOPPED };
	}
}

struct client_item client_next(struct client *client, unsigned ms)
{
	uint64_t end = link_now() + ms;
	struct client_item item = { .event = CLIENT_ENDED };

	while (client->open) {
		item = next(client, end);
		if (item.event == CLIENT_PONG && item.code == WS_PING) {
			const struct client_frame pong = { .first = 0x8a, .payload = item.text };
			bool sent = client_send_frame(client, &pong);
			/* A connection that was ended has its end behind the ping. */
			bool ended = !sent && (client->why == LINK_BROKEN || client->why == LINK_CLOSED);

			client->pinged = true;
			/* Who pings without an end, or reads no answers, does not keep us. */
			if ((sent || ended) && link_now() < end)
				continue;
			item = (struct client_item){ .event = CLIENT_TIMEOUT };
		}
		break;
	}
	if (client->open)
		note_item(client, &item);
	if ((item.event == CLIENT_MESSAGE || item.event == CLIENT_CLOSED) && item.text.size != 0)
		hear(client, item.text);
	if (item.event == CLIENT_CLOSED || item.event == CLIENT_ENDED || item.event == CLIENT_FAULT) {
		client->closed = item.event != CLIENT_FAULT;
		client->faulted = item.event == CLIENT_FAULT;
		client->open = false;
	}
	return item;
}

bool client_answers(struct client *client, unsigned ms)
{
	const char *mark = trial_mark(client->trial);
	const struct client_frame ping = { .first = 0x89, .payload = slice_text(mark) };
	uint64_t end = link_now() + ms;

	if (!client->open)
		return false;
	if (!client_send_frame(client, &ping)) {
		client->closed = client->why == LINK_BROKEN;
		client->open = client->open && !client->closed;
		return false;
	}
	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));

		if (item.event == CLIENT_PONG && slice_is(item.text, mark))
			return true;
		if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			return false;
	}
	return false;
}
