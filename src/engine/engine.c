/* engine.c: what one thread's connections share. */
#include "base/mem.h"
#include "codec/json.h"
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/tallies_parts.h"

#include <string.h>

enum { ARENA_LIMIT = 512 << 20 }; /* far above any configured message; the message size limit is the real bound */

struct fw_engine *fw_engine_new(const struct fw_engine_options *options)
{
	struct fw_engine *engine = mem_zero(1, sizeof(*engine));
	uint64_t random;

	if (engine == NULL)
		return NULL;
	pipeline_seal();
	detect_words_init(&engine->words);
	engine->policy = fw_policy_ref(options->policy);
	engine->random = options->random;
	pool_init(&engine->pool);
	arena_init(&engine->arena, ARENA_LIMIT);
	arena_init(&engine->outbound, ARENA_LIMIT);
	/* 2^53: ids are JSON numbers in the record. Bit 52 is set, so that none is 0; 12 random bits, 8 of the engine,
	 * and 32 that count from anywhere: after a restart hardly one comes again. */
	engine_random(engine, (uint8_t *)&random, sizeof(random));
	engine->connection_base = (uint64_t)1 << 52 | (random >> 52) << 40 | (uint64_t)options->number << 32;
	engine->connection_count = (uint32_t)random;
	return engine;
}

struct fw_engine *fw_engine_free(struct fw_engine *engine)
{
	if (engine == NULL)
		return NULL;
	while (engine->free_events != NULL) {
		struct event_node *next = engine->free_events->next;

		mem_free(engine->free_events);
		engine->free_events = next;
	}
	if (engine->returned != &engine->spare)
		mem_free(engine->returned);
	buf_clear(&engine->scratch, &engine->pool);
	buf_clear(&engine->inflated, &engine->pool);
	buf_clear(&engine->shown, &engine->pool);
	patterns_scratch_free(engine->patterns);
	buf_clear(&engine->copied, &engine->pool);
	inflater_fini(&engine->inflater);
	deflater_fini(&engine->deflater);
	arena_fini(&engine->arena);
	arena_fini(&engine->outbound);
	verified_forget(engine);
	pool_fini(&engine->pool);
	fw_policy_unref(engine->policy);
	mem_wipe(engine->entropy, sizeof(engine->entropy));
	mem_free(engine);
	return NULL;
}

void fw_engine_time(struct fw_engine *engine, struct fw_time now)
{
	engine->now = now;
}

void fw_engine_set_policy(struct fw_engine *engine, struct fw_policy *policy)
{
	fw_policy_ref(policy);
	fw_policy_unref(engine->policy);
	engine->policy = policy;
	verified_forget(engine);
	tallies_forget(engine);
}

unsigned engine_number(uint64_t connection_id)
{
	return (unsigned)(connection_id >> 32 & 0xff);
}

const uint64_t *engine_counters(const struct fw_engine *engine)
{
	return engine->counters;
}

void engine_random(struct fw_engine *engine, uint8_t *ret_bytes, size_t size)
{
	if (size > engine->entropy_left) {
		engine->random.fill(engine->random.user, engine->entropy, sizeof(engine->entropy));
		engine->entropy_left = sizeof(engine->entropy);
	}
	memcpy(ret_bytes, engine->entropy + sizeof(engine->entropy) - engine->entropy_left, size);
	/* What was handed out may be a token: it is not kept. */
	mem_wipe(engine->entropy + sizeof(engine->entropy) - engine->entropy_left, size);
	engine->entropy_left -= size;
}

struct json_writer engine_writer(struct fw_engine *engine)
{
	/* Not given back to the pool: the next answer needs it again. */
	engine->scratch.start = engine->scratch.end = 0;
	return (struct json_writer){ .out = &engine->scratch, .pool = &engine->pool };
}

struct fw_slice engine_written(const struct fw_engine *engine)
{
	return (struct fw_slice){ engine->scratch.base + engine->scratch.start, buf_size(&engine->scratch) };
}
