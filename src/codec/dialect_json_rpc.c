/* dialect_json_rpc.c: JSON-RPC 2.0 (jsonrpc.org/specification). A batch is several units of one message: all of them
 * pass, or none. */
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"

/* An id by which two could not mean different things: text, or a number without a fraction. null is what answers to
 * nobody have. */
static bool id_holds(const struct json *json, uint32_t id)
{
	const struct json_node *node = &json->nodes[id];
	int64_t number;

	return node->kind == JSON_STRING ? node->size <= DIALECT_NAME : json_integer(json, id, &number);
}

static enum json_result read_answer(struct dialect_message *message, uint32_t call)
{
	static const char *const names[] = { "jsonrpc", "result", "error", "id" };
	const struct json *json = &message->json;
	uint32_t result = dialect_member(json, call, "result"), error = dialect_member(json, call, "error");
	uint32_t unknown = dialect_unknown(json, call, names, 4), value = result != 0 ? result : error;

	if (unknown != 0)
		return dialect_bad(message, dialect_at(json, unknown), "a member that a response does not have");
	if ((result != 0) == (error != 0))
		return dialect_bad(message, dialect_at(json, call), "neither a method nor one of result and error");
	if (message->id == 0 || (json->nodes[message->id].kind == JSON_NULL && error == 0))
		return dialect_bad(message, dialect_at(json, call), "a response without an id");
	message->id = 0; /* nobody answers an answer */
	message->type = slice_text(":response");
	if (json->nodes[value].kind == JSON_OBJECT)
		return dialect_object(message, json, value);
	return dialect_list(message, json, value, json->nodes[value].next);
}

static enum json_result read_call(struct dialect_message *message, uint32_t method, uint32_t call)
{
	static const char *const names[] = { "jsonrpc", "method", "params", "id" };
	const struct json *json = &message->json;
	uint32_t params = dialect_member(json, call, "params");
	uint32_t unknown = dialect_unknown(json, call, names, 4);
	enum json_result result;

	if (unknown != 0)
		return dialect_bad(message, dialect_at(json, unknown), "a member that a request does not have");
	result = dialect_name(message, json, method);
	if (result != JSON_OK)
		return result;
	if (params == 0)
		return dialect_nothing(message);
	if (json->nodes[params].kind == JSON_OBJECT)
		return dialect_object(message, json, params);
	if (json->nodes[params].kind == JSON_ARRAY)
		return dialect_list(message, json, params + 1, json->nodes[params].next);
	return dialect_bad(message, dialect_at(json, params), "params is neither an object nor an array");
}

static enum json_result read_unit(struct dialect_message *message)
{
	const struct json *json = &message->json;
	uint32_t call = message->at, version, method;

	message->id = 0;
	message->whole = call;
	if (json->nodes[call].kind != JSON_OBJECT)
		return dialect_bad(message, dialect_at(json, call), "not an object");
	version = dialect_member(json, call, "jsonrpc");
	method = dialect_member(json, call, "method");
	message->id = dialect_member(json, call, "id");
	if (message->id != 0 && !id_holds(json, message->id) &&
	    (method != 0 || json->nodes[message->id].kind != JSON_NULL)) {
		uint32_t id = message->id;

		message->id = 0;
		return dialect_bad(message, dialect_at(json, id), "an id that is neither text nor a whole number");
	}
	if (version == 0 || !json_string_is(json, version, "2.0", 3))
		return dialect_bad(message, dialect_at(json, call), "jsonrpc is not \"2.0\"");
	return method != 0 ? read_call(message, method, call) : read_answer(message, call);
}

/* Each is read at once, so that a batch is refused before the first of it is judged. */
static enum json_result read_batch(struct dialect_message *message)
{
	const struct json *json = &message->json;
	enum json_result result;

	message->units = json->nodes[0].count;
	if (json->nodes[0].next == 1 || message->units > DIALECT_UNITS) {
		message->units = 1;
		return dialect_bad(message, json->text, "a batch of none, or of too many");
	}
	for (message->at = 1; message->at < json->count; message->at = json->nodes[message->at].next) {
		result = read_unit(message);
		if (result != JSON_OK)
			return result;
	}
	message->at = 1;
	return read_unit(message);
}

enum json_result dialect_json_rpc_read(struct dialect_message *message)
{
	enum json_result result = dialect_parse(message, message->text, &message->json);

	message->at = message->id = 0;
	if (result != JSON_OK)
		return result;
	return message->json.nodes[0].kind == JSON_ARRAY ? read_batch(message) : read_unit(message);
}

bool dialect_json_rpc_next(struct dialect_message *message)
{
	message->at = message->json.nodes[message->at].next;
	return read_unit(message) == JSON_OK;
}

/* -32700, -32600, -32601 and -32602 are the specification's; of the codes that it leaves to servers (-32000 to -32099)
 * one. */
static int64_t number_of(const struct dialect_refusal *refusal)
{
	if (refusal->unread && refusal->message != NULL)
		return refusal->message->json.nodes == NULL ? -32700 : -32600;
	if (refusal->unlisted)
		return -32601;
	if (strcmp(refusal->code, "INVALID_MESSAGE") == 0)
		return refusal->message != NULL && refusal->message->type.size != 0 ? -32602 : -32600;
	return -32001;
}

static void put_error(const struct dialect_refusal *refusal, struct fw_slice id, struct json_writer *w)
{
	json_write_open(w, '{');
	json_write_key(w, "jsonrpc");
	json_write_string(w, "2.0");
	json_write_key(w, "error");
	json_write_open(w, '{');
	json_write_key(w, "code");
	json_write_integer(w, number_of(refusal));
	json_write_key(w, "message");
	json_write_string(w, refusal->text);
	json_write_key(w, "data");
	json_write_raw(w, refusal->data);
	json_write_close(w, '}');
	json_write_key(w, "id");
	json_write_raw(w, id.size != 0 ? id : slice_text("null"));
	json_write_close(w, '}');
}

/* Each request of a batch is answered, since none of it went on. */
static void put_batch(const struct dialect_refusal *refusal, struct json_writer *w)
{
	const struct json *json = &refusal->message->json;
	bool any = false;

	json_write_open(w, '[');
	for (uint32_t call = 1; call < json->count; call = json->nodes[call].next) {
		uint32_t id = dialect_member(json, call, "id");

		if (id == 0 || !id_holds(json, id) || dialect_member(json, call, "method") == 0)
			continue;
		put_error(refusal, json_raw(json, id), w);
		any = true;
	}
	if (!any)
		put_error(refusal, slice(NULL, 0), w);
	json_write_close(w, ']');
}

/* A notification has no answer by the specification; that it was refused is told with the id null, as of what could not
 * be read. */
bool dialect_json_rpc_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	const struct dialect_message *message = refusal->message;

	if (message != NULL && message->json.nodes != NULL && message->json.nodes[0].kind == JSON_ARRAY &&
	    message->json.nodes[0].next > 1 && message->json.nodes[0].count <= DIALECT_UNITS)
		put_batch(refusal, w);
	else
		put_error(refusal,
			  message != NULL && message->id != 0 ? json_raw(&message->json, message->id) : slice(NULL, 0),
			  w);
	return true;
}
