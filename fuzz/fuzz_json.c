/* The JSON reader on any octets: no fault, a sound tape, an error inside the text; what it accepts comes back from the
 * canonical writer the same. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

static void check_tape(const struct json *json, struct arena *arena)
{
	for (uint32_t i = 0; i < json->count; i++) {
		const struct json_node *n = &json->nodes[i];
		struct fw_slice raw = json_raw(json, i);
		uint32_t children = 0, child;

		HOLDS(n->next > i && n->next <= json->count);
		HOLDS(raw.data >= json->text && raw.size != 0 && raw.data + raw.size <= json->text + json->size);
		if (n->kind == JSON_STRING)
			HOLDS(json_text(json, i, arena).data != NULL);
		if (n->kind != JSON_ARRAY && n->kind != JSON_OBJECT) {
			HOLDS(n->next == i + 1);
			continue;
		}
		for (child = i + 1; child < n->next; children++) {
			if (n->kind == JSON_OBJECT) {
				struct fw_slice name = json_text(json, child, arena);

				HOLDS(json->nodes[child].is_key);
				if (children < 32)
					HOLDS(json_member(json, i, (const char *)name.data, name.size) == child + 1);
				child++;
			}
			child = json->nodes[child].next;
		}
		HOLDS(child == n->next && children == n->count);
	}
}

static void check_canonical(const struct json *json, struct arena *arena, struct pool *pool)
{
	struct buf out = { 0 }, twice = { 0 };
	struct json_writer w = { .out = &out, .pool = pool }, again = { .out = &twice, .pool = pool };
	struct json back;

	json_write_value(&w, json, 0, arena, NULL, NULL);
	HOLDS(!w.failed && buf_size(&out) <= json->size);
	HOLDS(json_parse(arena, slice(buf_data(&out), buf_size(&out)), 0, &back, NULL) == JSON_OK);
	HOLDS(back.count == json->count);
	for (uint32_t i = 0; i < back.count; i++) {
		HOLDS(back.nodes[i].kind == json->nodes[i].kind && back.nodes[i].hash == json->nodes[i].hash);
		if (back.nodes[i].kind == JSON_STRING)
			HOLDS(slice_equal(json_text(&back, i, arena), json_text(json, i, arena)));
	}
	json_write_value(&again, &back, 0, arena, NULL, NULL);
	HOLDS(slice_equal(slice(buf_data(&out), buf_size(&out)), slice(buf_data(&twice), buf_size(&twice))));
	buf_clear(&out, pool);
	buf_clear(&twice, pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct pool pool;
	struct json json;
	struct json_error error;
	enum json_result result;

	arena_init(&arena, 256u << 20);
	pool_init(&pool);
	result = json_parse(&arena, slice(data, size), 0, &json, &error);
	if (result == JSON_OK) {
		check_tape(&json, &arena);
		check_canonical(&json, &arena, &pool);
	} else {
		HOLDS(error.result == result && error.offset <= size && error.what != NULL);
		HOLDS(memchr(error.path, '\0', sizeof(error.path)) != NULL && result != JSON_MEMORY);
	}
	json_parse(&arena, slice(data, size), JSON_UTF8_KNOWN, &json, &error);
	pool_fini(&pool);
	arena_fini(&arena);
	return 0;
}
