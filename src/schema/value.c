#include "base/slice.h"
#include "codec/json_keys.h"
#include "codec/json_string.h"
#include "schema/program.h"

#include <stdlib.h>

enum { FEW_ELEMENTS = 8, OCTETS_A_STEP = 64 };

static bool spend(uint64_t *steps, uint64_t cost)
{
	if (*steps < cost) {
		*steps = 0;
		return false;
	}
	*steps -= cost;
	return true;
}

static bool strings_equal(struct schema_value a, struct schema_value b)
{
	const struct json_node *x = &a.json->nodes[a.node], *y = &b.json->nodes[b.node];
	struct json_string_reader left, right;
	int one, other;

	if (!x->escaped && !y->escaped)
		return x->size == y->size && octets_equal(a.json->text + x->offset, b.json->text + y->offset, x->size);
	left = json_string_read(a.json->text + x->offset, x->size);
	right = json_string_read(b.json->text + y->offset, y->size);
	do {
		one = json_string_next(&left);
		other = json_string_next(&right);
	} while (one == other && one >= 0);
	return one == other;
}

static bool numbers_equal(struct schema_value a, struct schema_value b)
{
	struct decimal x, y;

	if (slice_equal(json_raw(a.json, a.node), json_raw(b.json, b.node)))
		return true;
	decimal_read(json_raw(a.json, a.node), &x);
	decimal_read(json_raw(b.json, b.node), &y);
	return decimal_compare(&x, &y) == 0;
}

static uint32_t find_key(struct schema_value object, struct schema_value key, uint64_t *steps)
{
	const struct json_node *nodes = object.json->nodes;

	for (uint32_t at = object.node + 1; at < nodes[object.node].next; at = nodes[at + 1].next) {
		if (!spend(steps, 1))
			return 0;
		if (nodes[at].hash == key.json->nodes[key.node].hash &&
		    strings_equal((struct schema_value){ object.json, at }, key))
			return at;
	}
	return 0;
}

/* Depth: that of the shallower of the two, which the reader bounds. */
bool jsonschema_value_equal(struct schema_value a, struct schema_value b, uint64_t *steps)
{
	const struct json_node *x = &a.json->nodes[a.node], *y = &b.json->nodes[b.node];

	if (!spend(steps, 1 + (x->size < y->size ? x->size : y->size) / OCTETS_A_STEP) || x->kind != y->kind)
		return false;
	if (x->kind == JSON_STRING)
		return strings_equal(a, b);
	if (x->kind == JSON_NUMBER)
		return numbers_equal(a, b);
	if (x->kind < JSON_ARRAY)
		return true;
	if (x->count != y->count)
		return false;
	for (uint32_t i = a.node + 1, j = b.node + 1; i < x->next;) {
		if (x->kind == JSON_OBJECT) {
			j = find_key(b, (struct schema_value){ a.json, i }, steps);
			if (j == 0)
				return false;
			i++;
			j++;
		}
		if (!jsonschema_value_equal((struct schema_value){ a.json, i }, (struct schema_value){ b.json, j },
					    steps))
			return false;
		i = a.json->nodes[i].next;
		j = b.json->nodes[j].next;
	}
	return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b) * 0x9e3779b97f4a7c15u;
	return a ^ a >> 29;
}

/* Equal values have the same; members count in any order. */
static uint64_t hash_value(struct schema_value value)
{
	const struct json_node *nodes = value.json->nodes, *n = &nodes[value.node];
	uint64_t hash = n->kind;
	struct decimal decimal;

	switch (n->kind) {
	case JSON_STRING:
		return mix(hash, json_keys_hash(value.json->text + n->offset, n->size, n->escaped));
	case JSON_NUMBER:
		decimal_read(json_raw(value.json, value.node), &decimal);
		hash = mix(hash, (uint64_t)decimal.exponent * 2 + decimal.negative);
		for (uint8_t i = 0; i < decimal.count; i++)
			hash = mix(hash, decimal.digits[i]);
		return hash;
	case JSON_ARRAY:
		for (uint32_t at = value.node + 1; at < n->next; at = nodes[at].next)
			hash = mix(hash, hash_value((struct schema_value){ value.json, at }));
		return hash;
	case JSON_OBJECT:
		for (uint32_t key = value.node + 1; key < n->next; key = nodes[key + 1].next)
			hash += mix(nodes[key].hash, hash_value((struct schema_value){ value.json, key + 1 }));
		return hash;
	default:
		return hash;
	}
}

struct element {
	uint64_t hash;
	uint32_t node, number;
};

static int by_hash(const void *a, const void *b)
{
	const struct element *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

int64_t jsonschema_value_repeated(struct schema_value array, struct arena *arena, uint64_t *steps)
{
	const struct json_node *nodes = array.json->nodes;
	struct element few[FEW_ELEMENTS], *list = few;
	uint32_t count = nodes[array.node].count, i = 0;

	if (count < 2)
		return 0;
	if (count > FEW_ELEMENTS)
		list = arena_alloc(arena, count * sizeof(*list));
	if (list == NULL)
		return -1;
	if (!spend(steps, count + nodes[array.node].size / OCTETS_A_STEP))
		return 0;
	for (uint32_t at = array.node + 1; at < nodes[array.node].next; at = nodes[at].next, i++)
		list[i] = (struct element){ hash_value((struct schema_value){ array.json, at }), at, i + 1 };
	qsort(list, count, sizeof(*list), by_hash);
	/* Values of one hash that are not equal are rare, unless somebody made them: then the steps run out. */
	for (i = 1; i < count; i++)
		for (uint32_t j = i; j-- != 0 && list[j].hash == list[i].hash;)
			if (jsonschema_value_equal((struct schema_value){ array.json, list[i].node },
						   (struct schema_value){ array.json, list[j].node }, steps))
				return list[i].number;
	return 0;
}
