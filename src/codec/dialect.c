/* dialect.c: the table, and what dialects share: fields of an object or of a list, and their way back. */
#include "codec/dialect.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"

enum json_result dialect_json_read(struct dialect_message *message)
{
	enum json_result result = dialect_parse(message, message->text, &message->json);
	uint32_t type;

	if (result != JSON_OK)
		return result;
	type = dialect_member(&message->json, 0, "type");
	if (type == 0 || message->json.nodes[type].kind != JSON_STRING)
		return dialect_bad(message, message->text.data, "no type");
	result = dialect_name(message, &message->json, type);
	return result == JSON_OK ? dialect_object(message, &message->json, 0) : result;
}

bool dialect_json_next(struct dialect_message *message)
{
	(void)message;
	return true;
}

bool dialect_json_refuse(const struct dialect_refusal *refusal, struct json_writer *w)
{
	json_write_open(w, '{');
	json_write_key(w, "type");
	json_write_string(w, "error");
	json_write_key(w, "data");
	json_write_raw(w, refusal->data);
	json_write_close(w, '}');
	return true;
}

const struct dialect dialects[DIALECTS] = {
#define DIALECT(id, name, subprotocol, type, fields, help)                                                             \
	{ name, subprotocol, dialect_##id##_read, dialect_##id##_next, dialect_##id##_refuse },
#include "tables/dialects.def"
#undef DIALECT
};

unsigned dialect_find(struct fw_slice name)
{
	unsigned i = 0;

	while (i < DIALECTS && !slice_is(name, dialects[i].name))
		i++;
	return i;
}

unsigned dialect_of_subprotocol(struct fw_slice subprotocol)
{
	for (unsigned i = 0; i < DIALECTS; i++)
		if (subprotocol.size != 0 && slice_is(subprotocol, dialects[i].subprotocol))
			return i;
	return DIALECT_json;
}

enum json_result dialect_read(const struct dialect *dialect, struct dialect_message *message)
{
	static const uint8_t none[1];

	if (message->text.data == NULL)
		message->text = slice(none, 0);
	message->units = 1;
	return dialect->read(message);
}

enum json_result dialect_bad(struct dialect_message *message, const uint8_t *at, const char *what)
{
	message->offset = (size_t)(at - message->text.data);
	message->what = what;
	return JSON_BAD;
}

enum json_result dialect_parse(struct dialect_message *message, struct fw_slice text, struct json *ret_json)
{
	struct json_error error;
	enum json_result result =
		json_parse(message->arena, text, message->utf8_known ? JSON_UTF8_KNOWN : 0, ret_json, &error);

	if (result != JSON_OK)
		dialect_bad(message, text.data + error.offset, error.what);
	return result;
}

enum json_result dialect_object(struct dialect_message *message, const struct json *json, uint32_t node)
{
	uint32_t count = json->nodes[node].next - node;
	struct json_node *nodes;

	message->place = json_raw(json, node);
	message->listed = false;
	message->fields = *json;
	if (node == 0)
		return JSON_OK;
	nodes = arena_alloc(message->arena, count * sizeof(*nodes));
	if (nodes == NULL)
		return JSON_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		nodes[i] = json->nodes[node + i];
		nodes[i].next -= node;
	}
	message->fields.nodes = nodes;
	message->fields.count = count;
	return JSON_OK;
}

enum json_result dialect_nothing(struct dialect_message *message)
{
	static const uint8_t text[] = "{}";
	static const struct json_node node = { .kind = JSON_OBJECT, .next = 1, .size = 2 };

	message->fields = (struct json){ text, 2, &node, 1 };
	message->place = slice(NULL, 0);
	return JSON_OK;
}

/* {"0":…,"1":…}: a tape of its own, of a text of its own. */
enum json_result dialect_list(struct dialect_message *message, const struct json *json, uint32_t at, uint32_t end)
{
	char digits[ENCODE_U64];
	size_t size = 2, count = 0;
	uint8_t *text, *to;
	uint32_t last = at;

	if (at >= end)
		return dialect_nothing(message);
	for (uint32_t node = at; node < end; node = json->nodes[node].next) {
		size += json_raw(json, node).size + ENCODE_U64 + 4;
		last = node;
	}
	text = to = arena_alloc(message->arena, size);
	if (text == NULL)
		return JSON_MEMORY;
	*to++ = '{';
	for (uint32_t node = at; node < end; node = json->nodes[node].next) {
		struct fw_slice raw = json_raw(json, node);
		size_t n = encode_u64(count, digits);

		if (count++ != 0)
			*to++ = ',';
		*to++ = '"';
		memcpy(to, digits, n);
		to += n;
		*to++ = '"';
		*to++ = ':';
		memcpy(to, raw.data, raw.size);
		to += raw.size;
	}
	*to++ = '}';
	message->listed = true;
	message->place = json_raw(json, at);
	message->place.size = (size_t)(json_raw(json, last).data + json_raw(json, last).size - message->place.data);
	/* What it is of was read: only the arena can be too small. */
	return json_parse(message->arena, slice(text, (size_t)(to - text)), JSON_UTF8_KNOWN, &message->fields, NULL) ==
			       JSON_OK
		       ? JSON_OK
		       : JSON_MEMORY;
}

enum json_result dialect_arguments(struct dialect_message *message, const struct json *json, uint32_t at, uint32_t end)
{
	if (at < end && json->nodes[at].kind == JSON_OBJECT && json->nodes[at].next == end)
		return dialect_object(message, json, at);
	return dialect_list(message, json, at, end);
}

enum json_result dialect_name(struct dialect_message *message, const struct json *json, uint32_t node)
{
	const uint8_t *at = dialect_at(json, node);

	if (json->nodes[node].kind != JSON_STRING)
		return dialect_bad(message, at, "a name that is not a string");
	message->type = json_text(json, node, message->arena);
	if (message->type.data == NULL)
		return JSON_MEMORY;
	if (message->type.size == 0 || message->type.size > DIALECT_NAME)
		return dialect_bad(message, at, "a name that is empty or too long");
	if (message->type.data[0] == ':')
		return dialect_bad(message, at, "a name that begins with \":\", which means what is no name");
	for (size_t i = 0; i < message->type.size; i++)
		if (message->type.data[i] < 0x20 || message->type.data[i] == 0x7f)
			return dialect_bad(message, at, "a name with a control character");
	return JSON_OK;
}

bool dialect_type(struct dialect_message *message, struct fw_slice first, struct fw_slice second)
{
	uint8_t *text = arena_alloc(message->arena, first.size + 1 + second.size);

	if (text == NULL)
		return false;
	memcpy(text, first.data, first.size);
	text[first.size] = ' ';
	memcpy(text + first.size + 1, second.data, second.size);
	message->type = slice(text, first.size + 1 + second.size);
	return true;
}

uint32_t dialect_unknown(const struct json *json, uint32_t object, const char *const *names, unsigned count)
{
	for (uint32_t key = object + 1; key < json->nodes[object].next; key = json->nodes[key + 1].next) {
		unsigned i = 0;

		while (i < count && !json_string_is(json, key, names[i], strlen(names[i])))
			i++;
		if (i == count)
			return key;
	}
	return 0;
}

/* {"0":a,"1":b} to a,b. */
static size_t put_list(const struct json *json, uint8_t *to)
{
	uint8_t *start = to;

	for (uint32_t key = 1; key < json->count; key = json->nodes[key + 1].next) {
		struct fw_slice raw = json_raw(json, key + 1);

		if (key != 1)
			*to++ = ',';
		memcpy(to, raw.data, raw.size);
		to += raw.size;
	}
	return (size_t)(to - start);
}

static uint8_t *copy(uint8_t *to, const uint8_t *from, size_t size)
{
	if (size != 0)
		memcpy(to, from, size);
	return to + size;
}

struct fw_slice dialect_write(const struct dialect_message *message, struct fw_slice fields)
{
	struct fw_slice text = message->text, place = message->place, length = message->length;
	const uint8_t *end = text.data + text.size, *at = text.data;
	uint8_t *made, *to, *body;
	struct json json;
	size_t size;

	if (place.data == NULL)
		return slice(NULL, 0);
	made = to = arena_alloc(message->arena, text.size + fields.size + ENCODE_U64);
	body = arena_alloc(message->arena, fields.size + 1);
	if (made == NULL || body == NULL)
		return slice(NULL, 0);
	size = fields.size;
	if (!message->listed)
		memcpy(body, fields.data, fields.size);
	else if (json_parse(message->arena, fields, JSON_UTF8_KNOWN, &json, NULL) == JSON_OK)
		size = put_list(&json, body);
	else
		return slice(NULL, 0);
	if (length.size != 0) {
		to = copy(to, at, (size_t)(length.data - at));
		to += encode_u64(message->body_size - place.size + size, (char *)to);
		at = length.data + length.size;
	}
	to = copy(to, at, (size_t)(place.data - at));
	to = copy(to, body, size);
	at = place.data + place.size;
	to = copy(to, at, (size_t)(end - at));
	return slice(made, (size_t)(to - made));
}

void dialect_put(struct json_writer *w, struct fw_slice octets)
{
	uint8_t *to = w->failed ? NULL : buf_reserve(w->out, w->pool, octets.size);

	w->failed = to == NULL;
	if (to == NULL)
		return;
	if (octets.size != 0)
		memcpy(to, octets.data, octets.size);
	buf_added(w->out, octets.size);
	w->comma = false;
}
