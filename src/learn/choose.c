/* choose.c: which member says of what type a message is: the one whose value tells best which other members there are,
 * for what it costs to say so (minimum description length). */
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "learn/parts.h"

enum { CANDIDATES = 64, VALUES = 128, KEYS = 128, DEPTH = 2 };

struct candidate {
	char pointer[LEARN_NAME];
	unsigned present, values;
	bool more;
	uint32_t hashes[VALUES];
	uint32_t counts[VALUES];
	uint32_t keys[VALUES][KEYS];
};
struct choosing {
	struct candidate *candidates;
	unsigned count, messages;
	uint32_t keys[KEYS], totals[KEYS];
	unsigned key_count;
	bool has[KEYS];
	int values[CANDIDATES]; /* of the message at hand */
};

static uint32_t hash_of(const uint8_t *octets, size_t size, uint32_t hash)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ octets[i]) * 16777619u;
	return hash;
}

static void note_key(struct choosing *choosing, uint32_t hash)
{
	unsigned i = 0;

	while (i < choosing->key_count && choosing->keys[i] != hash)
		i++;
	if (i == KEYS)
		return;
	if (i == choosing->key_count)
		choosing->keys[choosing->key_count++] = hash;
	choosing->has[i] = true;
}

static void note_value(struct choosing *choosing, const char *pointer, struct fw_slice raw)
{
	struct candidate *candidate;
	uint32_t hash = hash_of(raw.data, raw.size, 2166136261u);
	unsigned i = 0, value = 0;

	while (i < choosing->count && strcmp(choosing->candidates[i].pointer, pointer) != 0)
		i++;
	if (i == CANDIDATES)
		return;
	candidate = &choosing->candidates[i];
	if (i == choosing->count) {
		choosing->count++;
		snprintf(candidate->pointer, sizeof(candidate->pointer), "%s", pointer);
	}
	candidate->present++;
	while (value < candidate->values && candidate->hashes[value] != hash)
		value++;
	if (value == VALUES) {
		candidate->more = true;
		return;
	}
	if (value == candidate->values)
		candidate->hashes[candidate->values++] = hash;
	choosing->values[i] = (int)value;
}

static void look(struct choosing *choosing, const struct json *json, uint32_t object, const char *before,
		 unsigned depth)
{
	char pointer[LEARN_NAME];

	for (uint32_t key = object + 1; key < json->nodes[object].next; key = json->nodes[key + 1].next) {
		const struct json_node *name = &json->nodes[key], *value = &json->nodes[key + 1];

		if (name->escaped || name->size == 0 || memchr(json->text + name->offset, '/', name->size) != NULL ||
		    memchr(json->text + name->offset, '~', name->size) != NULL ||
		    strlen(before) + name->size + 2 > sizeof(pointer))
			continue;
		snprintf(pointer, sizeof(pointer), "%s/%.*s", before, (int)name->size,
			 (const char *)json->text + name->offset);
		note_key(choosing, hash_of((const uint8_t *)pointer, strlen(pointer), 7));
		if (value->kind == JSON_STRING || (value->kind == JSON_NUMBER && !value->escaped))
			note_value(choosing, pointer, json_raw(json, key + 1));
		else if (value->kind == JSON_OBJECT && depth > 1)
			look(choosing, json, key + 1, pointer, depth - 1);
	}
}

static double log2_of(double value)
{
	double result = 0;

	while (value >= 2) {
		value /= 2;
		result++;
	}
	return result + (value - 1) * (1.4426950408889634 - 0.4426950408889634 * (value - 1) / 1.0);
}

/* Bits to say who of n has it, k do. */
static double bits(double k, double n)
{
	double rest = n - k;

	return (k > 0 ? k * (log2_of(n / k)) : 0) + (rest > 0 ? rest * (log2_of(n / rest)) : 0);
}

static double cost(const struct choosing *choosing, const struct candidate *candidate)
{
	double all = 0;

	for (unsigned v = 0; v < candidate->values; v++) {
		double n = candidate->counts[v];

		for (unsigned k = 0; k < choosing->key_count && n > 0; k++)
			all += bits(candidate->keys[v][k], n) + 0.5 * log2_of(n + 1);
	}
	return all;
}

static double base_cost(const struct choosing *choosing)
{
	double all = 0;

	for (unsigned k = 0; k < choosing->key_count; k++)
		all += bits(choosing->totals[k], choosing->messages) + 0.5 * log2_of(choosing->messages + 1.0);
	return all;
}

/* Where two tell as much the one that is called like it. */
static double liking(const char *pointer)
{
	static const char *const names[] = { "type",	    "event",	    "op",    "action", "kind",	   "method",
					     "cmd",	    "command",	    "t",     "msg",    "name",	   "topic",
					     "messageType", "message_type", "@type", "$type",  "eventType" };
	const char *last = strrchr(pointer, '/');

	for (size_t i = 0; last != NULL && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(last + 1, names[i]) == 0)
			return 0.9;
	return 1;
}

static void count(struct choosing *choosing)
{
	choosing->messages++;
	for (unsigned k = 0; k < choosing->key_count; k++)
		choosing->totals[k] += choosing->has[k];
	for (unsigned i = 0; i < choosing->count; i++) {
		int value = choosing->values[i];

		if (value < 0)
			continue;
		choosing->candidates[i].counts[value]++;
		for (unsigned k = 0; k < choosing->key_count; k++)
			choosing->candidates[i].keys[value][k] += choosing->has[k];
	}
}

static void choose(struct learn *learn, const struct choosing *choosing)
{
	double none = base_cost(choosing), best = none;

	for (unsigned i = 0; i < choosing->count; i++) {
		const struct candidate *candidate = &choosing->candidates[i];
		double now;

		if (candidate->more || candidate->present * 1000.0 < choosing->messages * 990.0)
			continue;
		now = cost(choosing, candidate) * liking(candidate->pointer);
		if (now < best ||
		    (candidate->values == 1 && liking(candidate->pointer) < 1 && learn->pointer[0] == '\0')) {
			best = now < best ? now : best;
			snprintf(learn->pointer, sizeof(learn->pointer), "%s", candidate->pointer);
		}
	}
}

void learn_choose(struct learn *learn)
{
	struct choosing *choosing = mem_zero(1, sizeof(*choosing));
	struct json json;

	learn->chosen = true;
	if (choosing == NULL || (choosing->candidates = mem_zero(CANDIDATES, sizeof(struct candidate))) == NULL) {
		mem_free(choosing);
		return;
	}
	for (const struct learn_sampled *one = learn->sample; one != NULL; one = one->next) {
		arena_reset(&learn->message);
		if (json_parse(&learn->message, one->line.payload, 0, &json, NULL) != JSON_OK ||
		    json.nodes[0].kind != JSON_OBJECT)
			continue;
		memset(choosing->has, 0, sizeof(choosing->has));
		for (unsigned i = 0; i < CANDIDATES; i++)
			choosing->values[i] = -1;
		look(choosing, &json, 0, "", DEPTH);
		count(choosing);
	}
	choose(learn, choosing);
	mem_free(choosing->candidates);
	mem_free(choosing);
}

uint32_t learn_type_node(const struct learn *learn, const struct json *json)
{
	const char *at = learn->pointer;
	uint32_t node = 0;

	while (*at == '/') {
		size_t size = strcspn(at + 1, "/");

		if (json->nodes[node].kind != JSON_OBJECT || (node = json_member(json, node, at + 1, size)) == 0)
			return 0;
		at += size + 1;
	}
	return node;
}
