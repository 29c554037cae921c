/* dialect_stomp.c: STOMP 1.2 over WebSocket. A command and its destination are the type; what SEND and MESSAGE carry is
 * the fields, where it is JSON, else {"body": …}; of other commands their headers are. */
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/dialect.h"
#include "codec/stomp.h"

struct command {
	const char *name;
	bool outbound, opening, typed, body;
	const char *needs[2];
};
/* host, which the specification asks for, stompjs does not send; a server that needs it says so. */
static const struct command commands[] = {
	{ "CONNECT", false, true, false, false, { "accept-version", NULL } },
	{ "STOMP", false, true, false, false, { "accept-version", NULL } },
	{ "SEND", false, false, true, true, { "destination", NULL } },
	{ "SUBSCRIBE", false, false, true, false, { "destination", "id" } },
	{ "UNSUBSCRIBE", false, false, false, false, { "id", NULL } },
	{ "ACK", false, false, false, false, { "id", NULL } },
	{ "NACK", false, false, false, false, { "id", NULL } },
	{ "BEGIN", false, false, false, false, { "transaction", NULL } },
	{ "COMMIT", false, false, false, false, { "transaction", NULL } },
	{ "ABORT", false, false, false, false, { "transaction", NULL } },
	{ "DISCONNECT", false, false, false, false, { NULL, NULL } },
	{ "CONNECTED", true, true, false, false, { "version", NULL } },
	{ "MESSAGE", true, false, true, true, { "destination", "message-id" } },
	{ "RECEIPT", true, false, false, false, { "receipt-id", NULL } },
	{ "ERROR", true, false, false, true, { NULL, NULL } },
};

static const struct command *find_command(struct fw_slice name, bool outbound)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (commands[i].outbound == outbound && slice_is(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* "1.0,1.1,1.2" */
static bool offers_1_2(struct fw_slice list)
{
	while (list.size != 0) {
		const uint8_t *comma = memchr(list.data, ',', list.size);
		size_t size = comma != NULL ? (size_t)(comma - list.data) : list.size;

		if (slice_is(slice(list.data, size), "1.2"))
			return true;
		list = slice_from(list, size + 1);
	}
	return false;
}

static uint8_t *put_text(uint8_t *to, struct fw_slice text)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '"';
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c == '"' || c == '\\')
			*to++ = '\\';
		if (c >= 0x20) {
			*to++ = c;
			continue;
		}
		memcpy(to, "\\u00", 4);
		to[4] = (uint8_t)digits[c >> 4];
		to[5] = (uint8_t)digits[c & 15];
		to += 6;
	}
	*to++ = '"';
	return to;
}

/* An object of texts. What it holds has been looked at: its JSON can only be wrong where it is no UTF-8. */
static enum json_result make_fields(struct dialect_message *message, const struct stomp_header *texts, unsigned count)
{
	size_t size = 2;
	uint8_t *text, *to;
	struct json_error error;
	enum json_result result;

	for (unsigned i = 0; i < count; i++)
		size += 6 * (texts[i].name.size + texts[i].value.size) + 6;
	text = to = arena_alloc(message->arena, size);
	if (text == NULL)
		return JSON_MEMORY;
	*to++ = '{';
	for (unsigned i = 0; i < count; i++) {
		if (i != 0)
			*to++ = ',';
		to = put_text(to, texts[i].name);
		*to++ = ':';
		to = put_text(to, texts[i].value);
	}
	*to++ = '}';
	message->place = slice(NULL, 0);
	result = json_parse(message->arena, slice(text, (size_t)(to - text)), 0, &message->fields, &error);
	return result == JSON_OK || result == JSON_MEMORY ? result
							  : dialect_bad(message, message->text.data, error.what);
}

/* "application/json", "application/vnd.x+json", and however it is written. */
static bool says_json(struct fw_slice type)
{
	for (; type.size >= 4; type = slice_from(type, 1))
		if (slice_is_nocase(slice(type.data, 4), "json"))
			return true;
	return false;
}

/* The headers of a frame whose fields are its body. */
static bool keep_headers(struct dialect_message *message, const struct stomp *frame)
{
	struct fw_slice *texts = arena_alloc(message->arena, (2 * frame->count + 1) * sizeof(*texts));

	if (texts == NULL)
		return false;
	message->beside = texts;
	message->beside_count = 2 * frame->count;
	for (unsigned i = 0; i < frame->count; i++) {
		*texts++ = frame->headers[i].name;
		*texts++ = frame->headers[i].value;
	}
	return true;
}

/* A byte order mark and blanks before it are no matter to some readers. */
static bool begins_object(struct fw_slice body)
{
	if (slice_starts(body, "\xef\xbb\xbf"))
		body = slice_from(body, 3);
	while (body.size != 0 && memchr(" \t\r\n", body.data[0], 4) != NULL)
		body = slice_from(body, 1);
	return body.size != 0 && body.data[0] == '{';
}

/* What begins like an object is one, whatever the content type says: a server may read it so. */
static enum json_result read_body(struct dialect_message *message, const struct stomp *frame)
{
	const struct stomp_header *type = stomp_find(frame, "content-type"),
				  *length = stomp_find(frame, "content-length");
	const struct stomp_header body = { .name = slice_text("body"), .value = frame->body };
	enum json_result result;

	if ((type == NULL || !says_json(type->value)) && !begins_object(frame->body))
		return make_fields(message, &body, 1);
	result = dialect_parse(message, frame->body, &message->json);
	if (result != JSON_OK)
		return result;
	message->length = length != NULL ? length->raw : slice(NULL, 0);
	message->body_size = frame->body.size;
	return dialect_arguments(message, &message->json, 0, message->json.count);
}

static enum json_result check_opening(struct dialect_message *message, const struct stomp *frame,
				      const struct command *command)
{
	message->own = true;
	message->fatal = true;
	if (message->link->begun)
		return dialect_bad(message, message->text.data, "an opening in the middle");
	if (!command->opening)
		return dialect_bad(message, message->text.data, "a frame before the opening");
	if (command->outbound && !slice_is(stomp_find(frame, "version")->value, "1.2"))
		return dialect_bad(message, message->text.data, "the server chose another version than 1.2");
	if (!command->outbound && !offers_1_2(stomp_find(frame, "accept-version")->value))
		return dialect_bad(message, message->text.data, "another version than 1.2");
	message->fatal = false;
	return make_fields(message, frame->headers, frame->count);
}

static enum json_result read_frame(struct dialect_message *message, const struct stomp *frame)
{
	const struct command *command = find_command(frame->command, message->outbound);
	const struct stomp_header *receipt = stomp_find(frame, "receipt"), *destination;

	if (receipt != NULL)
		message->number = receipt->raw;
	if (command == NULL)
		return dialect_bad(message, message->text.data, "no command of this side");
	for (unsigned i = 0; i < 2 && command->needs[i] != NULL; i++)
		if (stomp_find(frame, command->needs[i]) == NULL)
			return dialect_bad(message, message->text.data, "a header is missing");
	if (frame->body.size != 0 && !command->body)
		return dialect_bad(message, message->text.data, "a body where none may be");
	if (command->opening || (!message->link->begun && strcmp(command->name, "ERROR") != 0))
		return check_opening(message, frame, command);
	message->own = !command->typed;
	if (message->own)
		return make_fields(message, frame->headers, command->body ? 0 : frame->count);
	destination = stomp_find(frame, "destination");
	if (destination->value.size == 0 || destination->value.size > DIALECT_NAME)
		return dialect_bad(message, message->text.data, "a destination that is empty or too long");
	for (size_t i = 0; i < destination->value.size; i++)
		if (destination->value.data[i] < 0x20 || destination->value.data[i] == 0x7f)
			return dialect_bad(message, message->text.data, "a destination with a control character");
	if (!dialect_type(message, slice_text(command->name), destination->value))
		return JSON_MEMORY;
	if (!command->body)
		return make_fields(message, frame->headers, frame->count);
	return keep_headers(message, frame) ? read_body(message, frame) : JSON_MEMORY;
}

enum json_result dialect_stomp_read(struct dialect_message *message)
{
	struct stomp *frame = arena_alloc(message->arena, sizeof(*frame));
	size_t offset = 0;
	const char *wrong;

	message->number = message->length = slice(NULL, 0);
	if (frame == NULL)
		return JSON_MEMORY;
	wrong = stomp_read(message->arena, message->text, frame, &offset);
	if (wrong == stomp_memory)
		return JSON_MEMORY;
	if (wrong != NULL) {
		message->fatal = !message->link->begun;
		return dialect_bad(message, message->text.data + offset, wrong);
	}
	message->rest = slice_from(message->text, frame->size);
	message->text.size = frame->size;
	if (frame->command.size == 0) {
		message->own = true;
		return dialect_nothing(message);
	}
	return read_frame(message, frame);
}

bool dialect_stomp_next(struct dialect_message *message)
{
	(void)message;
	return true;
}

/* ERROR would end the connection, and a RECEIPT would say that it was done: what was refused is told by a MESSAGE of no
 * subscription, which libraries hand to whoever asks for such. Before the opening it is ERROR. */
bool dialect_stomp_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	const struct dialect_message *message = refusal->message;
	bool opening = message == NULL || message->fatal;

	dialect_put(
		w, slice_text(opening ? "ERROR\nmessage:"
				      : "MESSAGE\nsubscription:framewall\nmessage-id:framewall\ndestination:/framewall/"
					"error\nmessage:"));
	dialect_put(w, slice_text(refusal->text)); /* of the contract, which has nothing to escape */
	if (message != NULL && message->number.size != 0) {
		dialect_put(w, slice_text("\nreceipt-id:"));
		dialect_put(w, message->number);
	}
	dialect_put(w, slice_text("\ncontent-type:application/json\n\n"));
	dialect_put(w, refusal->data);
	dialect_put(w, slice("\0\n", 2));
	return true;
}
