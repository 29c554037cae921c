/* json_keys.h: the keys of objects: hash, comparison, and the search for two that are equal after decoding.
 * No state; scratch memory from the caller's arena. */
#ifndef CODEC_JSON_KEYS_H
#define CODEC_JSON_KEYS_H
#include "codec/json.h"

/* Scratch memory of one text, kept between its objects. */
struct json_keys {
	struct arena *arena;
	uint64_t *rows;
	size_t capacity;
};

/* Of the decoded octets. Not keyed: nothing rests on it being hard to collide. */
uint32_t json_keys_hash(const uint8_t *raw, size_t size, bool escaped);
/* The order of the decoded octets: below, equal to or above 0. */
int json_keys_compare(const uint8_t *text, const struct json_node *a, const struct json_node *b);
bool json_keys_is(const uint8_t *text, const struct json_node *key, const char *name, size_t name_size);
/* Looks for a key of an object that stands in it twice: O(n log n) comparisons whatever the keys are. *ret_key is
 * the second of the two, or 0. False: memory is short. */
bool json_keys_repeated(struct json_keys *keys, const uint8_t *text, const struct json_node *nodes, uint32_t object,
			uint32_t *ret_key);
#endif
