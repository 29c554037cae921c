#include "codec/json_keys.h"

#include "base/slice.h"

#include "base/mem.h"
#include "codec/json_string.h"

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ (hash >> 29);
}

static uint32_t finish(uint64_t hash, size_t size)
{
	hash = mix(hash, (uint64_t)size);
	return (uint32_t)(hash >> 32);
}

static uint64_t load(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t load_half(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

/* Up to seven octets, the first the lowest. Octets are read twice where that saves a loop. */
static uint64_t load_tail(const uint8_t *p, size_t size)
{
	if (size >= 4)
		return load_half(p) | load_half(p + size - 4) << (8 * (size - 4));
	if (size == 0)
		return 0;
	return (uint64_t)p[0] | (uint64_t)p[size / 2] << (8 * (size / 2)) | (uint64_t)p[size - 1] << (8 * (size - 1));
}

static uint32_t hash_escaped(const uint8_t *raw, size_t size)
{
	struct json_string_reader reader = json_string_read(raw, size);
	uint64_t hash = 0, word = 0;
	size_t count = 0;
	int c;

	while ((c = json_string_next(&reader)) >= 0) {
		word |= (uint64_t)c << (8 * (count % 8));
		if (++count % 8 == 0) {
			hash = mix(hash, word);
			word = 0;
		}
	}
	return finish(mix(hash, word), count);
}

uint32_t json_keys_hash(const uint8_t *raw, size_t size, bool escaped)
{
	uint64_t hash = 0;
	size_t left;

	if (escaped)
		return hash_escaped(raw, size);
	for (left = size; left >= 8; left -= 8, raw += 8)
		hash = mix(hash, load(raw));
	return finish(mix(hash, load_tail(raw, left)), size);
}

int json_keys_compare(const uint8_t *text, const struct json_node *a, const struct json_node *b)
{
	struct json_string_reader left, right;
	int x, y;

	if (!a->escaped && !b->escaped) {
		int order = memcmp(text + a->offset, text + b->offset, a->size < b->size ? a->size : b->size);

		return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
	}
	left = json_string_read(text + a->offset, a->size);
	right = json_string_read(text + b->offset, b->size);
	do {
		x = json_string_next(&left);
		y = json_string_next(&right);
	} while (x == y && x >= 0);
	return x - y;
}

bool json_keys_is(const uint8_t *text, const struct json_node *key, const char *name, size_t name_size)
{
	struct json_string_reader reader;
	size_t i;

	if (!key->escaped)
		return key->size == name_size && octets_equal(text + key->offset, name, name_size);
	reader = json_string_read(text + key->offset, key->size);
	for (i = 0; i < name_size; i++)
		if (json_string_next(&reader) != (uint8_t)name[i])
			return false;
	return json_string_next(&reader) < 0;
}

/* What a sort needs to see. A row is the hash of a key above its node index. */
struct sorter {
	const uint8_t *text;
	const struct json_node *nodes;
	uint32_t repeated; /* the earliest key that repeats another, or 0 */
};

static bool in_order(struct sorter *sorter, uint64_t a, uint64_t b)
{
	uint32_t left = (uint32_t)a, right = (uint32_t)b, later;
	int order;

	if (a >> 32 != b >> 32)
		return a < b;
	order = json_keys_compare(sorter->text, &sorter->nodes[left], &sorter->nodes[right]);
	if (order == 0) {
		later = left > right ? left : right;
		if (sorter->repeated == 0 || later < sorter->repeated)
			sorter->repeated = later;
	}
	return order <= 0;
}

static void merge(struct sorter *sorter, const uint64_t *from, uint64_t *to, size_t start, size_t middle, size_t end)
{
	size_t left = start, right = middle, i;

	for (i = start; i < end; i++)
		if (right == end || (left < middle && in_order(sorter, from[left], from[right])))
			to[i] = from[left++];
		else
			to[i] = from[right++];
}

/* A merge sort from the bottom up. An octet of a key is compared at most once a pass, because a comparison is never
 * longer than the key that it moves: time is O(octets of the keys * log n) even when every hash is the same. */
static void sort(struct sorter *sorter, uint64_t *rows, uint64_t *other, size_t count)
{
	size_t width, start;

	for (width = 1; width < count && sorter->repeated == 0; width *= 2) {
		uint64_t *swap = rows;

		for (start = 0; start < count; start += 2 * width) {
			size_t middle = start + width < count ? start + width : count;
			size_t end = start + 2 * width < count ? start + 2 * width : count;

			merge(sorter, rows, other, start, middle, end);
		}
		rows = other;
		other = swap;
	}
}

bool json_keys_repeated(struct json_keys *keys, const uint8_t *text, const struct json_node *nodes, uint32_t object,
			uint32_t *ret_key)
{
	struct sorter sorter = { .text = text, .nodes = nodes };
	size_t count = nodes[object].count, i;
	uint32_t key = object + 1;

	if (count > keys->capacity) {
		size_t capacity = count < keys->capacity * 2 ? keys->capacity * 2 : count, bytes;

		if (!size_mul(capacity, 2 * sizeof(uint64_t), &bytes))
			return false;
		keys->rows = arena_alloc(keys->arena, bytes);
		keys->capacity = keys->rows != NULL ? capacity : 0;
		if (keys->rows == NULL)
			return false;
	}
	for (i = 0; i < count; i++) {
		keys->rows[i] = (uint64_t)nodes[key].hash << 32 | key;
		key = nodes[key + 1].next;
	}
	sort(&sorter, keys->rows, keys->rows + keys->capacity, count);
	*ret_key = sorter.repeated;
	return true;
}
