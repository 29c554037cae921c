/* dialect_phoenix.c: channels of Phoenix, version 2 of their JSON: [join_ref, ref, topic, event, payload]. */
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"

enum { JOIN_REF = 1 };

static bool ref_holds(const struct json *json, uint32_t node)
{
	return json->nodes[node].kind == JSON_NULL ||
	       (json->nodes[node].kind == JSON_STRING && json->nodes[node].size <= DIALECT_NAME);
}

/* A topic and an event make one type: the topic has no blank. */
static bool topic_holds(struct fw_slice topic)
{
	for (size_t i = 0; i < topic.size; i++)
		if (topic.data[i] <= 0x20 || topic.data[i] == 0x7f)
			return false;
	return true;
}

static enum json_result read_event(struct dialect_message *message, struct fw_slice topic, struct fw_slice event,
				   uint32_t payload)
{
	const struct json *json = &message->json;
	bool servers = slice_is(event, "phx_reply") || slice_is(event, "phx_error") || slice_is(event, "phx_close");

	if (slice_is(topic, "phoenix")) { /* of the socket itself */
		message->own = true;
		if (!message->outbound && !slice_is(event, "heartbeat"))
			return dialect_bad(message, dialect_at(json, message->topic),
					   "an event that the socket does not have");
		return dialect_nothing(message);
	}
	if (slice_is(event, "heartbeat") || (!message->outbound && servers))
		return dialect_bad(message, dialect_at(json, message->topic),
				   "an event that clients do not send to a topic");
	message->own = slice_is(event, "phx_leave") || (message->outbound && servers && !slice_is(event, "phx_reply"));
	if (message->own)
		return dialect_nothing(message);
	if (!dialect_type(message, topic, event))
		return JSON_MEMORY;
	return dialect_arguments(message, json, payload, json->nodes[payload].next);
}

enum json_result dialect_phoenix_read(struct dialect_message *message)
{
	const struct json *json = &message->json;
	enum json_result result = dialect_parse(message, message->text, &message->json);
	uint32_t join_ref = JOIN_REF, ref, event, payload;
	struct fw_slice topic, name;

	if (result != JSON_OK)
		return result;
	if (json->nodes[0].kind != JSON_ARRAY || json->nodes[0].next == 1 || json->nodes[0].count != 5)
		return dialect_bad(message, json->text,
				   "not [join_ref, ref, topic, event, payload] (of version 1 none is taken)");
	ref = json->nodes[join_ref].next;
	message->topic = json->nodes[ref].next;
	event = json->nodes[message->topic].next;
	payload = json->nodes[event].next;
	if (!ref_holds(json, join_ref) || !ref_holds(json, ref)) {
		message->topic = 0;
		return dialect_bad(message, json->text, "a ref that is neither text nor null");
	}
	message->ref = ref;
	result = dialect_name(message, json, message->topic);
	topic = message->type;
	if (result == JSON_OK && !topic_holds(topic))
		result = dialect_bad(message, dialect_at(json, message->topic), "a topic with a blank");
	if (result != JSON_OK) {
		message->topic = 0;
		return result;
	}
	result = dialect_name(message, json, event);
	name = message->type;
	return result == JSON_OK ? read_event(message, topic, name, payload) : result;
}

bool dialect_phoenix_next(struct dialect_message *message)
{
	(void)message;
	return true;
}

static void put_raw(struct json_writer *w, const struct json *json, uint32_t node)
{
	if (node != 0)
		json_write_raw(w, json_raw(json, node));
	else
		json_write_null(w);
}

/* The reply to the ref, with the status error; where there is none a push of "error" to the topic. */
bool dialect_phoenix_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	const struct dialect_message *message = refusal->message;
	const struct json *json = message != NULL ? &message->json : NULL;
	uint32_t topic = message != NULL ? message->topic : 0;
	bool answers = topic != 0 && json->nodes[message->ref].kind == JSON_STRING;

	json_write_open(w, '[');
	put_raw(w, json, topic != 0 ? JOIN_REF : 0);
	put_raw(w, json, answers ? message->ref : 0);
	if (topic != 0)
		put_raw(w, json, topic);
	else
		json_write_string(w, "phoenix");
	json_write_string(w, answers ? "phx_reply" : "error");
	if (answers) {
		json_write_open(w, '{');
		json_write_key(w, "status");
		json_write_string(w, "error");
		json_write_key(w, "response");
	}
	json_write_raw(w, refusal->data);
	if (answers)
		json_write_close(w, '}');
	json_write_close(w, ']');
	return true;
}
