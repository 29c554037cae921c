/* dialect_socket_io.c: Socket.IO 5 on Engine.IO 4 over WebSocket (socket.io-protocol v5, engine.io-protocol v4). The
 * long-polling transport, and with it the change from one to the other, is no matter of a WebSocket. */
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"

enum packet { CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK };

static bool digit(struct fw_slice text, size_t at)
{
	return at < text.size && text.data[at] >= '0' && text.data[at] <= '9';
}

/* Names that mean something else to every library. */
static bool reserved(struct fw_slice name)
{
	static const char *const names[] = { "connect",	      "connect_error", "disconnect",
					     "disconnecting", "newListener",   "removeListener" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

/* "2-" of a binary packet. */
static enum json_result read_attachments(struct dialect_message *message, size_t *at)
{
	size_t start = *at;
	unsigned count = 0;

	while (digit(message->text, *at) && *at - start < 3)
		count = count * 10 + (message->text.data[(*at)++] - '0');
	if (*at == start || *at == message->text.size || message->text.data[*at] != '-' ||
	    message->text.data[start] == '0')
		return dialect_bad(message, message->text.data + *at, "a count of attachments and \"-\" expected");
	if (count > DIALECT_ATTACHMENTS)
		return dialect_bad(message, message->text.data + start, "too many attachments");
	(*at)++;
	message->attachments = (uint8_t)count;
	return JSON_OK;
}

/* "/admin," */
static enum json_result read_namespace(struct dialect_message *message, size_t *at)
{
	struct fw_slice text = message->text;
	size_t start = *at;

	message->space = slice(text.data + start, 0);
	if (start == text.size || text.data[start] != '/')
		return JSON_OK;
	while (*at < text.size && text.data[*at] != ',') {
		if (text.data[*at] <= 0x20 || text.data[*at] > 0x7e || text.data[*at] == '?' ||
		    *at - start > DIALECT_NAME)
			return dialect_bad(message, text.data + *at, "a namespace cannot have that");
		(*at)++;
	}
	message->space = slice(text.data + start, *at - start);
	if (message->space.size == 1)
		return dialect_bad(message, text.data + start, "the main namespace has no name");
	if (*at < text.size)
		(*at)++;
	return JSON_OK;
}

/* Of an event that wants an acknowledgement, or of the acknowledgement. Libraries take a blank for a digit: whatever
 * follows must be one, or the beginning of the JSON. */
static enum json_result read_number(struct dialect_message *message, size_t *at)
{
	size_t start = *at;

	while (digit(message->text, *at))
		(*at)++;
	message->number = slice(message->text.data + start, *at - start);
	if (*at - start > 15 || (*at - start > 1 && message->text.data[start] == '0'))
		return dialect_bad(message, message->text.data + start, "an id that is no safe whole number");
	return JSON_OK;
}

static enum json_result read_json(struct dialect_message *message, size_t at, uint8_t bracket)
{
	if (at == message->text.size || message->text.data[at] != bracket)
		return dialect_bad(message, message->text.data + at,
				   bracket == '[' ? "\"[\" expected" : "\"{\" expected");
	return dialect_parse(message, slice_from(message->text, at), &message->json);
}

/* {"_placeholder":true,"num":0}: each attachment has its place, and just one. */
static enum json_result check_placeholders(struct dialect_message *message)
{
	const struct json *json = &message->json;
	unsigned seen = 0, count = 0;

	for (uint32_t i = 1; i < json->count; i++) {
		uint32_t mark, num;
		int64_t number;

		if (json->nodes[i].kind != JSON_OBJECT)
			continue;
		mark = dialect_member(json, i, "_placeholder");
		if (mark == 0)
			continue;
		num = dialect_member(json, i, "num");
		if (json->nodes[mark].kind != JSON_TRUE || json->nodes[i].count != 2 || num == 0 ||
		    !json_integer(json, num, &number) || number < 0 || number >= message->attachments ||
		    (seen >> number & 1) != 0)
			return dialect_bad(message, dialect_at(json, i),
					   "a placeholder of no attachment, or of another's");
		seen |= 1u << number;
		count++;
	}
	if (count != message->attachments)
		return dialect_bad(message, json->text, "an attachment without a placeholder");
	return JSON_OK;
}

static enum json_result place_in(struct dialect_message *message, struct fw_slice name)
{
	if (message->space.size != 0)
		return dialect_type(message, message->space, name) ? JSON_OK : JSON_MEMORY;
	message->type = name;
	return JSON_OK;
}

static enum json_result read_connect(struct dialect_message *message, size_t at)
{
	enum json_result result = JSON_OK;

	if (message->number.size != 0)
		return dialect_bad(message, message->number.data, "a packet that has no id");
	if (at < message->text.size)
		result = read_json(message, at, '{');
	if (result != JSON_OK)
		return result;
	message->own = message->space.size == 0;
	result = at < message->text.size ? dialect_object(message, &message->json, 0) : dialect_nothing(message);
	return result == JSON_OK && !message->own ? place_in(message, slice_text(":connect")) : result;
}

static enum json_result read_event(struct dialect_message *message, size_t at)
{
	const struct json *json = &message->json;
	enum json_result result = read_json(message, at, '[');

	if (result == JSON_OK)
		result = check_placeholders(message);
	if (result != JSON_OK)
		return result;
	if (json->count < 2 || json->nodes[1].kind != JSON_STRING)
		return dialect_bad(message, json->text, "an event without a name");
	result = dialect_name(message, json, 1);
	if (result != JSON_OK)
		return result;
	if (reserved(message->type) || message->type.data[0] == '/')
		return dialect_bad(message, dialect_at(json, 1), "a name that no event has");
	result = place_in(message, message->type);
	return result == JSON_OK ? dialect_arguments(message, json, 2, json->count) : result;
}

static enum json_result read_ack(struct dialect_message *message, size_t at)
{
	enum json_result result;

	if (message->number.size == 0)
		return dialect_bad(message, message->text.data + at, "an acknowledgement without an id");
	result = read_json(message, at, '[');
	if (result == JSON_OK)
		result = check_placeholders(message);
	message->number = slice(NULL, 0); /* nobody answers it */
	if (result == JSON_OK)
		result = place_in(message, slice_text(":ack"));
	return result == JSON_OK ? dialect_arguments(message, &message->json, 1, message->json.count) : result;
}

static enum json_result read_packet(struct dialect_message *message)
{
	size_t at = 1, type_at = at;
	enum json_result result = JSON_OK;
	unsigned type;

	if (!digit(message->text, at) || message->text.data[at] > '6')
		return dialect_bad(message, message->text.data + at, "no kind of packet");
	if (message->link->attachments != 0)
		return dialect_bad(message, message->text.data + at,
				   "a packet before the attachments of the one before");
	type = message->text.data[at++] - '0';
	if (type == BINARY_EVENT || type == BINARY_ACK)
		result = read_attachments(message, &at);
	if (result == JSON_OK)
		result = read_namespace(message, &at);
	if (result == JSON_OK)
		result = read_number(message, &at);
	if (result != JSON_OK)
		return result;
	switch (type) {
	case CONNECT:
		return read_connect(message, at);
	case EVENT:
	case BINARY_EVENT:
		return read_event(message, at);
	case ACK:
	case BINARY_ACK:
		return read_ack(message, at);
	case DISCONNECT:
		message->own = true;
		if (at != message->text.size || message->number.size != 0)
			return dialect_bad(message, message->text.data + at, "something behind the packet");
		return dialect_nothing(message);
	default:
		message->own = true;
		if (!message->outbound)
			return dialect_bad(message, message->text.data + type_at, "a packet that only servers send");
		return dialect_nothing(message);
	}
}

/* Engine.IO. A server opens and pings; a client answers. */
enum json_result dialect_socket_io_read(struct dialect_message *message)
{
	struct fw_slice text = message->text;
	const char *known = message->outbound ? "012346" : "134";

	message->number = message->space = slice(NULL, 0);
	message->attachments = 0;
	if (text.size == 0 || memchr(known, text.data[0], strlen(known)) == NULL)
		return dialect_bad(
			message, text.data,
			"no Engine.IO 4 packet of this side (of other transports and versions none is taken)");
	if (text.data[0] == '4')
		return read_packet(message);
	if (!message->outbound && text.size != 1)
		return dialect_bad(message, text.data + 1, "something behind the packet");
	message->own = true;
	return dialect_nothing(message);
}

bool dialect_socket_io_next(struct dialect_message *message)
{
	(void)message;
	return true;
}

static void put_head(const struct dialect_message *message, const char *type, struct json_writer *w)
{
	dialect_put(w, slice_text(type));
	if (message == NULL)
		return;
	dialect_put(w, message->space);
	if (message->space.size != 0)
		dialect_put(w, slice_text(","));
}

/* The acknowledgement that was asked for, with {"error":…} as its only argument; for want of one an event "error"; for
 * a namespace connect_error. */
bool dialect_socket_io_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	const struct dialect_message *message = refusal->message;
	bool known = message != NULL && message->text.size > 1 && message->text.data[0] == '4';
	bool connecting = known && message->text.data[1] == '0';
	bool acknowledged = known && !connecting && message->number.size != 0;

	put_head(message, connecting ? "44" : acknowledged ? "43" : "42", w);
	if (acknowledged)
		dialect_put(w, message->number);
	if (connecting) {
		json_write_open(w, '{');
		json_write_key(w, "message");
		json_write_string(w, refusal->text);
		json_write_key(w, "data");
		json_write_raw(w, refusal->data);
		json_write_close(w, '}');
		return true;
	}
	json_write_open(w, '[');
	if (!acknowledged)
		json_write_string(w, "error");
	else {
		json_write_open(w, '{');
		json_write_key(w, "error");
	}
	json_write_raw(w, refusal->data);
	if (acknowledged)
		json_write_close(w, '}');
	json_write_close(w, ']');
	return true;
}
