/* dialect_signalr.c: the JSON protocol of SignalR's hubs (HubProtocol.md of dotnet/aspnetcore). Messages end in 0x1E,
 * and several may come in one frame: each is judged by itself. */
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"

enum { MARK = 0x1e };
enum kind { INVOCATION = 1, STREAM_ITEM, COMPLETION, STREAM_INVOCATION, CANCEL_INVOCATION, PING, CLOSE, ACK, SEQUENCE };

static bool has_text(const struct json *json, uint32_t node)
{
	return node != 0 && json->nodes[node].kind == JSON_STRING && json->nodes[node].size != 0 &&
	       json->nodes[node].size <= DIALECT_NAME;
}

static enum json_result read_handshake(struct dialect_message *message)
{
	static const char *const asked[] = { "protocol", "version" }, *const answered[] = { "error", "minorVersion" };
	const struct json *json = &message->json;
	uint32_t unknown = dialect_unknown(json, 0, message->outbound ? answered : asked, 2), protocol, version;
	int64_t number;

	message->own = true;
	if (unknown != 0)
		return dialect_bad(message, dialect_at(json, unknown), "a member that the opening does not have");
	if (message->outbound)
		return dialect_nothing(message);
	protocol = dialect_member(json, 0, "protocol");
	version = dialect_member(json, 0, "version");
	if (protocol == 0 || !json_string_is(json, protocol, "json", 4))
		return dialect_bad(message, json->text, "another protocol than json; MessagePack is not read");
	if (version == 0 || !json_integer(json, version, &number) || number < 1 || number > 2)
		return dialect_bad(message, json->text, "another version than 1 and 2");
	return dialect_nothing(message);
}

static enum json_result read_invocation(struct dialect_message *message, bool answered)
{
	const struct json *json = &message->json;
	uint32_t target = dialect_member(json, 0, "target"), arguments = dialect_member(json, 0, "arguments");
	uint32_t streams = dialect_member(json, 0, "streamIds"), headers = dialect_member(json, 0, "headers");
	enum json_result result;

	if (target == 0)
		return dialect_bad(message, json->text, "no target");
	result = dialect_name(message, json, target);
	if (result != JSON_OK)
		return result;
	if (arguments == 0 || json->nodes[arguments].kind != JSON_ARRAY ||
	    (streams != 0 && json->nodes[streams].kind != JSON_ARRAY) ||
	    (headers != 0 && json->nodes[headers].kind != JSON_OBJECT) || (answered && message->id == 0))
		return dialect_bad(message, json->text, "an invocation has not such members");
	return dialect_arguments(message, json, arguments + 1, json->nodes[arguments].next);
}

/* A value that answers, or is part of a stream: it has no name but that of its kind. */
static enum json_result read_value(struct dialect_message *message, const char *type, uint32_t value)
{
	const struct json *json = &message->json;

	message->id = 0; /* nobody answers it */
	message->type = slice_text(type);
	return value != 0 ? dialect_arguments(message, json, value, json->nodes[value].next) : dialect_nothing(message);
}

static enum json_result read_sequence(struct dialect_message *message)
{
	uint32_t number = dialect_member(&message->json, 0, "sequenceId");
	int64_t value;

	message->own = true;
	if (number == 0 || !json_integer(&message->json, number, &value) || value < 0)
		return dialect_bad(message, message->json.text, "no sequenceId");
	return dialect_nothing(message);
}

static enum json_result read_kind(struct dialect_message *message, int64_t kind)
{
	static const char *const members[][8] = {
		[INVOCATION] = { "type", "target", "arguments", "invocationId", "streamIds", "headers" },
		[STREAM_ITEM] = { "type", "invocationId", "item", "headers" },
		[COMPLETION] = { "type", "invocationId", "result", "error", "headers" },
		[STREAM_INVOCATION] = { "type", "target", "arguments", "invocationId", "streamIds", "headers" },
		[CANCEL_INVOCATION] = { "type", "invocationId", "headers" },
		[PING] = { "type" },
		[CLOSE] = { "type", "error", "allowReconnect" },
		[ACK] = { "type", "sequenceId" },
		[SEQUENCE] = { "type", "sequenceId" },
	};
	const struct json *json = &message->json;
	uint32_t unknown, value, error;
	unsigned count = 0;

	if (kind < INVOCATION || kind > SEQUENCE)
		return dialect_bad(message, json->text, "no kind of message");
	while (count < 8 && members[kind][count] != NULL)
		count++;
	unknown = dialect_unknown(json, 0, members[kind], count);
	if (unknown != 0)
		return dialect_bad(message, dialect_at(json, unknown), "a member that such a message does not have");
	message->id = dialect_member(json, 0, "invocationId");
	if (message->id != 0 && !has_text(json, message->id)) {
		message->id = 0;
		return dialect_bad(message, json->text, "an invocationId that is no text, or is empty or too long");
	}
	switch ((enum kind)kind) {
	case INVOCATION:
	case STREAM_INVOCATION:
		return read_invocation(message, kind == STREAM_INVOCATION);
	case ACK:
	case SEQUENCE:
		return read_sequence(message);
	case PING:
	case CLOSE:
		message->own = true;
		return dialect_nothing(message);
	default:
		break;
	}
	if (message->id == 0)
		return dialect_bad(message, json->text, "no invocationId");
	if (kind == CANCEL_INVOCATION) {
		message->own = true;
		message->id = 0;
		return dialect_nothing(message);
	}
	value = dialect_member(json, 0, kind == STREAM_ITEM ? "item" : "result");
	error = dialect_member(json, 0, "error");
	if ((kind == STREAM_ITEM && value == 0) || (value != 0 && error != 0) ||
	    (error != 0 && json->nodes[error].kind != JSON_STRING))
		return dialect_bad(message, json->text, "neither a value nor an error");
	if (kind == COMPLETION && value == 0) { /* the end of a stream */
		message->own = true;
		message->id = 0;
		return dialect_nothing(message);
	}
	return read_value(message, kind == STREAM_ITEM ? ":item" : ":result", value);
}

enum json_result dialect_signalr_read(struct dialect_message *message)
{
	const uint8_t *end = memchr(message->text.data, MARK, message->text.size);
	enum json_result result;
	struct fw_slice record;
	uint32_t type;
	int64_t kind;

	message->id = 0;
	if (end == NULL)
		return dialect_bad(message, message->text.data + message->text.size, "no 0x1E at the end");
	record = slice(message->text.data, (size_t)(end - message->text.data));
	message->rest = slice_from(message->text, record.size + 1);
	message->text.size = record.size + 1;
	result = dialect_parse(message, record, &message->json);
	if (result != JSON_OK)
		return result;
	if (message->json.nodes[0].kind != JSON_OBJECT)
		return dialect_bad(message, record.data, "not an object");
	if (!message->link->begun)
		return read_handshake(message);
	type = dialect_member(&message->json, 0, "type");
	if (type == 0 || !json_integer(&message->json, type, &kind))
		return dialect_bad(message, record.data, "no type");
	return read_kind(message, kind);
}

bool dialect_signalr_next(struct dialect_message *message)
{
	(void)message;
	return true;
}

static void put_text(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_string(w, text);
}

/* A completion with an error, of which a client takes a text alone; where no answer was asked for an invocation of
 * "error"; and of the opening the answer to it. */
bool dialect_signalr_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	const struct dialect_message *message = refusal->message;
	uint32_t id = message != NULL ? message->id : 0;
	bool opening = message != NULL && !message->link->begun;

	json_write_open(w, '{');
	if (opening) {
		put_text(w, "error", refusal->text);
	} else {
		json_write_key(w, "type");
		json_write_integer(w, id != 0 ? COMPLETION : INVOCATION);
		if (id != 0) {
			json_write_key(w, "invocationId");
			json_write_raw(w, json_raw(&message->json, id));
			json_write_key(w, "error");
			json_write_text(w, refusal->data);
		} else {
			put_text(w, "target", "error");
			json_write_key(w, "arguments");
			json_write_open(w, '[');
			json_write_raw(w, refusal->data);
			json_write_close(w, ']');
		}
	}
	json_write_close(w, '}');
	dialect_put(w, slice("\x1e", 1));
	return true;
}
