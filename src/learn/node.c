#include "learn/node.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/slice.h"

enum { NUMBER_ROOM = LIMIT_JSON_NUMBER + 1 };
#define DAY_S 86400.0

struct learn_node *learn_node_new(struct arena *arena)
{
	struct learn_node *node = arena_alloc(arena, sizeof(*node));

	if (node == NULL)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->times = true;
	node->members_end = &node->members;
	return node;
}

static void *zeroed(struct arena *arena, size_t size)
{
	void *made = arena_alloc(arena, size);

	if (made != NULL)
		memset(made, 0, size);
	return made;
}

void learn_ends_add(struct learn_ends *ends, double value)
{
	uint64_t used = ends->count < LEARN_ENDS ? ends->count : LEARN_ENDS;
	uint64_t at;

	ends->new_low += ends->count == 0 || value < ends->low[0];
	ends->new_high += ends->count == 0 || value > ends->high[0];
	for (at = used; at != 0 && value < ends->low[at - 1]; at--)
		if (at < LEARN_ENDS)
			ends->low[at] = ends->low[at - 1];
	if (at < LEARN_ENDS)
		ends->low[at] = value;
	for (at = used; at != 0 && value > ends->high[at - 1]; at--)
		if (at < LEARN_ENDS)
			ends->high[at] = ends->high[at - 1];
	if (at < LEARN_ENDS)
		ends->high[at] = value;
	ends->count++;
}

static void add_value(struct learn_node *node, struct arena *arena, const uint8_t *octets, size_t size)
{
	struct learn_values *values = node->values;

	if (values == NULL)
		values = node->values = zeroed(arena, sizeof(*values));
	if (values == NULL || values->more)
		return;
	for (unsigned i = 0; i < values->count; i++) {
		struct learn_value *value = &values->list[i];

		if (value->size == size && memcmp(value->text, octets, size) == 0) {
			value->count++;
			return;
		}
	}
	values->last_new = node->total;
	if (values->count == LEARN_VALUES || size > LEARN_VALUE) {
		values->more = true;
		return;
	}
	values->list[values->count].size = (uint8_t)size;
	values->list[values->count].count = 1;
	if (size != 0)
		memcpy(values->list[values->count].text, octets, size);
	values->count++;
}

static bool near_time(double value, double wall_s)
{
	static const double units[] = { 1, 1e3, 1e6, 1e9 };

	for (unsigned i = 0; i < 4; i++)
		if (value > (wall_s - 400 * DAY_S) * units[i] && value < (wall_s + 400 * DAY_S) * units[i])
			return true;
	return false;
}

static void add_number(struct learn_node *node, const struct learn_message *message, struct fw_slice raw)
{
	char text[NUMBER_ROOM];
	double value;

	if (raw.size >= sizeof(text))
		return;
	memcpy(text, raw.data, raw.size);
	text[raw.size] = '\0';
	value = strtod(text, NULL);
	if (node->numbers == NULL)
		node->numbers = zeroed(message->arena, sizeof(*node->numbers));
	if (node->numbers == NULL)
		return;
	learn_ends_add(node->numbers, value);
	node->fractions += value > 9e15 || value < -9e15 || (double)(int64_t)value != value;
	node->times = node->times && near_time(value, message->wall_s);
	add_value(node, message->arena, raw.data, raw.size);
}

static void add_string(struct learn_node *node, const struct learn_message *message, uint32_t value)
{
	const struct json_node *n = &message->json->nodes[value];
	const uint8_t *octets = message->json->text + n->offset;

	if (node->text == NULL) {
		node->text = zeroed(message->arena, sizeof(*node->text));
		if (node->text == NULL)
			return;
		node->text->formats = (1u << LEARN_FORMATS) - 1;
	}
	learn_text_add(node->text, message->policy, slice(octets, n->size), n->escaped != 0);
	add_value(node, message->arena, octets, n->size);
}

static struct learn_member *find_member(struct learn_node *node, struct arena *arena, const struct json *json,
					uint32_t key)
{
	const struct json_node *n = &json->nodes[key];
	struct learn_member *member;

	for (member = node->members; member != NULL; member = member->next)
		if (member->hash == n->hash && member->size == n->size &&
		    memcmp(member->name, json->text + n->offset, n->size) == 0)
			return member;
	if (node->member_count == LEARN_MEMBERS) {
		node->more_members = true;
		return NULL;
	}
	member = arena_alloc(arena, sizeof(*member) + n->size + 1);
	if (member == NULL || (member->node = learn_node_new(arena)) == NULL) {
		node->more_members = true;
		return NULL;
	}
	member->hash = n->hash;
	member->size = n->size;
	member->next = NULL;
	memcpy(member->name, json->text + n->offset, n->size);
	*node->members_end = member;
	node->members_end = &member->next;
	node->member_count++;
	return member;
}

static uint32_t height_of(const struct json *json, uint32_t value)
{
	uint32_t until[64], depth = 0, most = 0;

	for (uint32_t i = value; i < json->nodes[value].next; i++) {
		while (depth != 0 && i >= until[depth - 1])
			depth--;
		if (json->nodes[i].kind >= JSON_ARRAY && depth < 64)
			until[depth++] = json->nodes[i].next;
		if (depth > most)
			most = depth;
	}
	return most;
}

static void add_object(struct learn_node *node, const struct learn_message *message, uint32_t value,
		       enum learn_place place)
{
	const struct json *json = message->json;
	enum learn_place below = place == LEARN_IN_MAP ? LEARN_IN_MAP : LEARN_MEMBER;

	if (place == LEARN_MEMBER && node->any == NULL) {
		node->any = learn_node_new(message->arena);
		node->names = learn_node_new(message->arena);
	}
	if (json->nodes[value].count > node->most_members)
		node->most_members = json->nodes[value].count;
	for (uint32_t key = value + 1; key < json->nodes[value].next; key = json->nodes[key + 1].next) {
		struct learn_member *member = find_member(node, message->arena, json, key);

		if (member != NULL)
			learn_node_add(member->node, message, key + 1, below);
		if (node->any != NULL)
			learn_node_add(node->any, message, key + 1, LEARN_IN_MAP);
		if (node->names != NULL) {
			node->names->total++;
			add_string(node->names, message, key);
		}
	}
}

static void add_array(struct learn_node *node, const struct learn_message *message, uint32_t value,
		      enum learn_place place)
{
	const struct json *json = message->json;

	if (node->lengths == NULL)
		node->lengths = zeroed(message->arena, sizeof(*node->lengths));
	if (node->lengths != NULL)
		learn_ends_add(node->lengths, json->nodes[value].count);
	for (uint32_t i = value + 1; i < json->nodes[value].next; i = json->nodes[i].next) {
		if (node->items == NULL)
			node->items = learn_node_new(message->arena);
		if (node->items != NULL)
			learn_node_add(node->items, message, i, place);
	}
}

void learn_node_add(struct learn_node *node, const struct learn_message *message, uint32_t value,
		    enum learn_place place)
{
	const struct json *json = message->json;
	const struct json_node *n = &json->nodes[value];

	node->total++;
	node->kinds[n->kind]++;
	if (n->kind == JSON_NUMBER) {
		add_number(node, message, json_raw(json, value));
	} else if (n->kind == JSON_STRING) {
		add_string(node, message, value);
	} else if (n->kind >= JSON_ARRAY) {
		uint32_t height = height_of(json, value);

		node->height = height > node->height ? height : node->height;
		if (n->kind == JSON_ARRAY)
			add_array(node, message, value, place);
		else
			add_object(node, message, value, place);
	}
}
