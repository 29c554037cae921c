/* stage_inspect.c: the texts of a message, keys too, looked through for attacks: each by itself, and all of them
 * joined, in case one was split; in a dialect also what stands around the fields. */
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/views.h"
#include "engine/conn_state.h"
#include "engine/inspect_parts.h"

#include <string.h>

enum {
	MARK = 0x1f,	  /* between the texts that are joined: a blank in one view of them, nothing in the other */
	TEXT_WITHIN = 12, /* in 64 KiB at random there is not even one so long */
};

enum { OWN_WORDS = sizeof(struct patterns_found) / sizeof(uint64_t) };

static bool found_any(const struct inspect_result *result)
{
	uint64_t any = 0;

	for (size_t i = 0; i < INSPECT_WORDS; i++)
		any |= result->known.found.bits[i] | result->known.fenced.bits[i];
	for (size_t i = 0; i < OWN_WORDS; i++)
		any |= result->own.bits[i];
	return any != 0;
}

/* False: memory is short. suspect: it could be a piece of something. */
static bool add_piece(struct inspect *inspect, struct inspect_pieces *pieces, struct fw_slice text,
		      enum field_class class, bool suspect)
{
	if (inspect->apart)
		return true;
	if (pieces->joined == NULL) {
		/* each text has its quotes in the message, or is a number with what ends it */
		pieces->room = inspect->message->text.size + inspect->message->json.size + 2;
		pieces->joined = arena_alloc(&inspect->message->engine->arena, pieces->room);
	}
	if (pieces->joined == NULL || text.size + 1 > pieces->room - pieces->size)
		return false;
	if (pieces->count++ != 0)
		pieces->joined[pieces->size++] = MARK;
	if (text.size != 0)
		memcpy(pieces->joined + pieces->size, text.data, text.size);
	pieces->size += text.size;
	pieces->suspect = pieces->suspect || suspect;
	pieces->plain = pieces->plain || (suspect && class != CLASS_HTML);
	return true;
}

static bool add_text(struct inspect *inspect, struct fw_slice text, enum field_class class, unsigned gate)
{
	return add_piece(inspect, &inspect->texts, text, class, detect_is_piece(gate));
}

/* Names of members are what they are: only those that could be a piece are one. */
static bool add_key(struct inspect *inspect, struct fw_slice name, unsigned gate)
{
	/* names of members have these, and mean nothing by it */
	bool suspect = (gate & ~(unsigned)(GATE_UNDERSCORE | GATE_DASH | GATE_DIGIT | GATE_HIGH | GATE_COLON)) != 0;

	return !suspect || (add_piece(inspect, &inspect->texts, name, CLASS_PLAIN, true) &&
			    add_piece(inspect, &inspect->keys, name, CLASS_PLAIN, true));
}

/* The rules of the configuration, on the text as it came and as it may be read. */
static bool look_own(struct inspect *inspect, struct fw_slice text, unsigned gate, struct patterns_found *ret_found)
{
	struct fw_engine *engine = inspect->message->engine;
	const struct patterns *patterns = inspect->message->policy->inspect.patterns;
	unsigned kinds;
	uint8_t *view;

	if (patterns == NULL)
		return true;
	if (!patterns_prepare(patterns, &engine->patterns) ||
	    !patterns_look(patterns, engine->patterns, text, ret_found))
		return false;
	if (!detect_is_encoded(gate))
		return true;
	view = arena_alloc(&engine->arena, text.size);
	if (view == NULL)
		return false;
	views_lower(view, text.data, text.size);
	text = slice(view, views_decode(view, text.size, &kinds));
	return kinds == 0 || patterns_look(patterns, engine->patterns, text, ret_found);
}

static bool look_at(struct inspect *inspect, struct fw_slice text, struct inspect_result *result, unsigned *ret_gate)
{
	size_t room = detect_room(text);
	uint8_t *memory = room != 0 ? arena_alloc(&inspect->message->engine->arena, room) : NULL;

	if (room != 0 && memory == NULL)
		return false;
	*ret_gate = detect_text(&inspect->message->engine->words, text, memory, &result->known);
	return look_own(inspect, text, *ret_gate, &result->own);
}

static void keep_single(struct inspect *inspect, const struct inspect_result *result)
{
	for (size_t i = 0; i < INSPECT_WORDS; i++)
		inspect->single.bits[i] |= result->known.found.bits[i] | result->known.fenced.bits[i];
	for (size_t i = 0; i < OWN_WORDS; i++)
		inspect->own_single.bits[i] |= result->own.bits[i];
}

/* "constructor": {"prototype": … */
static bool reaches_prototype(const struct json *json, uint32_t key)
{
	return json->nodes[key + 1].kind == JSON_OBJECT && json_string_is(json, key, "constructor", 11) &&
	       json_member(json, key + 1, "prototype", 9) != 0;
}

/* False: memory is short. */
bool inspect_look(struct inspect *inspect, struct fw_slice text, const struct inspect_place *place)
{
	bool key = place->json != NULL && place->json->nodes[place->node].is_key;
	struct inspect_result result = { 0 };
	unsigned gate;

	if (text.data == NULL)
		return false;
	/* it holds its form: a piece of something is all that it can be */
	if (schema_class_is_strict(place->class) && inspect->message->policy->inspect.patterns == NULL)
		return add_text(inspect, text, place->class, detect_gate(text));
	if (!look_at(inspect, text, &result, &gate))
		return false;
	if (schema_class_is_strict(place->class))
		result.known = (struct detect_result){ 0 };
	if (key && detect_is_operator(&inspect->message->engine->words, text))
		detect_rules_add(&result.known.found, RULE_OTHER_NOSQL);
	if (key && reaches_prototype(place->json, place->node))
		detect_rules_add(&result.known.found, RULE_OTHER_PROTOTYPE);
	if (found_any(&result)) {
		if (inspect_weigh(inspect, &result, place))
			return true;
		keep_single(inspect, &result);
	}
	return key ? add_key(inspect, text, gate) : add_text(inspect, text, place->class, gate);
}

static bool look_joined_at(struct inspect *inspect, const struct inspect_pieces *pieces)
{
	const struct inspect_place joined = { .name = "*", .allow_list = !pieces->plain };
	struct inspect_result result = { 0 };
	unsigned gate;

	if (!look_at(inspect, slice(pieces->joined, pieces->size), &result, &gate))
		return false;
	for (size_t i = 0; i < INSPECT_WORDS; i++) {
		result.known.found.bits[i] &= ~inspect->single.bits[i];
		result.known.fenced.bits[i] &= ~inspect->single.bits[i];
	}
	for (size_t i = 0; i < OWN_WORDS; i++)
		result.own.bits[i] &= ~inspect->own_single.bits[i];
	if (found_any(&result))
		inspect_weigh(inspect, &result, &joined);
	return true;
}

/* The last first. */
static bool turn(struct inspect *inspect, struct inspect_pieces *pieces)
{
	uint8_t *turned = arena_alloc(&inspect->message->engine->arena, pieces->size);
	size_t end = pieces->size, out = 0;

	if (turned == NULL)
		return false;
	for (size_t at = end; at-- != 0;) {
		if (at != 0 && pieces->joined[at - 1] != MARK)
			continue;
		memcpy(turned + out, pieces->joined + at, end - at);
		out += end - at;
		if (at != 0)
			turned[out++] = MARK;
		end = at != 0 ? at - 1 : 0;
	}
	pieces->joined = turned;
	pieces->size = out;
	return true;
}

/* The texts as one: what none of them is, all of them can be, in the order in which they came, or the other way round.
 * False: memory is short. */
static bool look_joined(struct inspect *inspect, struct inspect_pieces *pieces)
{
	bool asked = pieces->suspect || inspect->message->policy->inspect.patterns != NULL;

	if (pieces->count < 2 || !asked || inspect->worst.refuses)
		return true;
	return look_joined_at(inspect, pieces) &&
	       (inspect->worst.refuses || (turn(inspect, pieces) && look_joined_at(inspect, pieces)));
}

/* Of a JSON Schema each text has the class that this says. */
static enum field_class class_of(const struct message *message, const struct json *json, uint32_t node,
				 enum field_class class)
{
	const uint8_t *classes =
		message->rule != NULL && message->rule->schema != NULL ? message->problems->classes : NULL;

	return classes != NULL && json == &message->json && classes[node] != FIELD_CLASSES ? classes[node] : class;
}

static bool look_within(struct inspect *inspect, const struct json *json, uint32_t from, uint32_t to,
			enum field_class class)
{
	struct inspect_place place = { .json = json };

	for (place.node = from; place.node < to; place.node++) {
		place.class = class_of(inspect->message, json, place.node, class);
		if (json->nodes[place.node].kind == JSON_STRING) {
			if (!inspect_look(inspect, json_text(json, place.node, &inspect->message->engine->arena),
					  &place))
				return false;
		} else if (json->nodes[place.node].kind == JSON_NUMBER &&
			   !add_text(inspect, json_raw(json, place.node), class, GATE_DIGIT)) {
			return false;
		}
	}
	return true;
}

/* A token that was compared, or is removed before a server behind reads it: who embeds us reads it. */
static bool ends_here(const struct message *message, uint32_t node)
{
	return node == message->csrf_node && message->rule != NULL &&
	       (message->rule->csrf || message->conn == NULL || message->conn->upstream != NULL);
}

/* The fields of the message. */
static bool look_fields(struct inspect *inspect)
{
	const struct message *message = inspect->message;
	const struct json *json = &message->json;

	if (json->count == 0)
		return true;
	if (json->nodes[0].kind != JSON_OBJECT)
		return look_within(inspect, json, 0, json->count, CLASS_PLAIN);
	for (uint32_t key = 1; key < json->nodes[0].next; key = json->nodes[key + 1].next) {
		struct fw_slice name = json_text(json, key, &message->engine->arena);
		const struct policy_field *field;

		if (name.data == NULL)
			return false;
		field = message->rule == NULL || message->rule->open ? NULL : schema_field(message->rule, name);
		if (!inspect_look(inspect, name, &(struct inspect_place){ .json = json, .node = key }))
			return false;
		/* the type was found by its name */
		if (ends_here(message, key + 1) || key + 1 == message->type_node)
			continue;
		/* within lists and objects nothing is rewritten: only a text that is the field itself is left to the
		 * allow-list */
		if (!look_within(
			    inspect, json, key + 1, json->nodes[key + 1].next,
			    field != NULL && json->nodes[key + 1].kind == JSON_STRING ? field->class : CLASS_PLAIN))
			return false;
	}
	return true;
}

/* What a dialect says around the fields: names, ids, headers, the texts of a document. */
static bool look_around(struct inspect *inspect)
{
	const struct message *message = inspect->message;
	const struct dialect_message *said = message->said;
	const struct json *json = &said->json;
	struct inspect_place place = { .json = json }, beside = { .name = "envelope" };
	uint32_t end = json->nodes != NULL ? json->nodes[said->whole].next : 0;

	/* of a document that holds code nothing is known of which text that is */
	for (unsigned i = 0; said->document != 0 && message->rule != NULL && i < message->rule->field_count; i++)
		if (message->rule->fields[i].class == CLASS_CODE)
			place.class = beside.class = CLASS_CODE;
	for (place.node = said->whole; place.node < end; place.node++) {
		const uint8_t *at = dialect_at(json, place.node);

		if (json->nodes[place.node].kind != JSON_STRING || place.node == said->document ||
		    (said->place.data != NULL && at >= said->place.data && at < said->place.data + said->place.size))
			continue;
		if (!inspect_look(inspect, json_text(json, place.node, &message->engine->arena), &place))
			return false;
	}
	for (unsigned i = 0; i < said->beside_count; i++)
		if (!inspect_look(inspect, said->beside[i], &beside))
			return false;
	return said->space.size == 0 || inspect_look(inspect, said->space, &beside);
}

static bool is_text(uint8_t c)
{
	return (c >= ' ' && c < 0x7f) || (c >= '\t' && c <= '\r');
}

/* Octets that an event announced: a text, or the texts within; what is none has too many beginnings of everything. */
static bool look_attachment(struct inspect *inspect)
{
	static const struct inspect_place place = { .name = "attachment" };
	struct fw_slice octets = inspect->message->text;

	if (utf8_valid(octets.data, octets.size))
		return inspect_look(inspect, octets, &place);
	for (size_t at = 0, from; at < octets.size; at++) {
		for (from = at; at < octets.size && is_text(octets.data[at]); at++)
			;
		if (at - from >= TEXT_WITHIN && !inspect_look(inspect, slice(octets.data + from, at - from), &place))
			return false;
	}
	return true;
}

static bool look_all(struct inspect *inspect)
{
	const struct message *message = inspect->message;

	inspect->apart = message->attachment == ATTACHMENT_PASSES;
	if (inspect->apart)
		return look_attachment(inspect);
	return look_fields(inspect) && (message->said == NULL || look_around(inspect)) &&
	       look_joined(inspect, &inspect->texts) && look_joined(inspect, &inspect->keys);
}

enum verdict stage_inspect(struct message *message)
{
	struct inspect inspect = { .message = message, .type = message->rule != NULL ? message->rule->name : "" };
	char shown[INSPECT_SHOWN];

	/* what is answered here no server reads; a login holds secrets */
	if (policy_inspect_mode(message->policy, message->route) == INSPECT_OFF ||
	    (message->rule == NULL && message->said == NULL && message->attachment != ATTACHMENT_PASSES) ||
	    (message->rule != NULL && message->rule->answered_here))
		return VERDICT_PASS;
	if (message->conn == NULL || message->engine->trial != NULL) {
		inspect.show = shown;
		inspect.found = arena_alloc(&message->engine->arena, INSPECT_FOUND * sizeof(*inspect.found));
	}
	if (!look_all(&inspect)) {
		message->error = ERROR_VALIDATION_ERROR;
		message->event = EVENT_system_error;
		message->cause = "memory";
		message->close = CLOSE_FAULT;
		return VERDICT_CLOSE;
	}
	if (inspect.worst.points == 0)
		return VERDICT_PASS;
	if (inspect.show != NULL) {
		inspect.show = arena_alloc(&message->engine->arena, inspect.shown + 1);
		if (inspect.show != NULL)
			memcpy(inspect.show, shown, inspect.shown + 1);
	}
	return inspect_tell(message, &inspect);
}
