#include "engine/tallies_parts.h"

#include "base/slice.h"

#include <string.h>

static const char *const unknown = "unknown", *const opaque = "opaque", *const other = "other";

/* One in 32 to 95, so that traffic with a beat of its own is met at any place of it. */
enum { TIMED_LEAST = 32 };

static void put_name(char room[TALLY_NAME], struct fw_slice name)
{
	size_t size = name.size < TALLY_NAME ? name.size : TALLY_NAME - 1;

	while (size < name.size && size != 0 && ((uint8_t)name.data[size] & 0xc0) == 0x80)
		size--; /* not within a character */
	if (size != 0)
		memcpy(room, name.data, size);
	memset(room + size, 0, TALLY_NAME - size);
}

static struct tally_series *find(struct tallies *tallies, struct fw_slice route, struct fw_slice type, bool outbound)
{
	char route_name[TALLY_NAME], type_name[TALLY_NAME];
	struct tally_series *series;

	put_name(route_name, route);
	put_name(type_name, type);
	for (series = tallies->series; series < tallies->series + tallies->count; series++)
		if (series->outbound == outbound && memcmp(series->type, type_name, TALLY_NAME) == 0 &&
		    memcmp(series->route, route_name, TALLY_NAME) == 0)
			return series;
	if (tallies->count == TALLY_SERIES) {
		series = &tallies->series[TALLY_SERIES + outbound];
		put_name(route_name, slice_text(other));
		put_name(type_name, slice_text(other));
	} else {
		tallies->count++;
	}
	memcpy(series->route, route_name, TALLY_NAME);
	memcpy(series->type, type_name, TALLY_NAME);
	series->outbound = outbound;
	return series;
}

void tallies_count(struct fw_engine *engine, const struct policy_route *route, const void *key, struct fw_slice type,
		   bool outbound, enum decision decision)
{
	struct tallies *tallies = &engine->tallies;
	uintptr_t mark = ((uintptr_t)key >> 3) ^ ((uintptr_t)route >> 4) ^ (uintptr_t)outbound;
	unsigned place = (unsigned)((mark ^ mark >> 6) % TALLY_KNOWN);

	if (engine->timing.clock == NULL)
		return;
	if (tallies->known[place].series == NULL || tallies->known[place].type != key ||
	    tallies->known[place].route != route || tallies->known[place].outbound != outbound) {
		tallies->known[place].series =
			find(tallies, route != NULL ? slice(route->path, route->path_size) : slice_text(unknown), type,
			     outbound);
		tallies->known[place].type = key;
		tallies->known[place].route = route;
		tallies->known[place].outbound = outbound;
	}
	tallies->known[place].series->counts[decision]++;
}

void tallies_stop(struct fw_engine *engine, const struct message *message, enum decision decision, unsigned stage)
{
	if (stage < pipeline_count && stage < TALLY_STAGES)
		engine->tallies.fixed.stops[message->outbound][stage][decision]++;
}

void tallies_message(struct fw_engine *engine, const struct message *message, enum decision decision, unsigned stage)
{
	const struct policy_message *rule = message->rule;
	const char *const *untyped = decision == DECISION_refuse || decision == DECISION_close ? &unknown : &opaque;

	if (rule != NULL)
		tallies_count(engine, message->route, rule, slice(rule->name, rule->name_size), message->outbound,
			      decision);
	else
		tallies_count(engine, message->route, untyped, slice_text(*untyped), message->outbound, decision);
	if (decision >= DECISION_refuse)
		tallies_stop(engine, message, decision, stage);
}

/* Policies that come later may stand where one that is no more stood. */
void tallies_forget(struct fw_engine *engine)
{
	memset(engine->tallies.known, 0, sizeof(engine->tallies.known));
}

static void add(struct tally_histogram *histogram, uint64_t took_ns)
{
	static const uint64_t ends[TALLY_BUCKETS] = {
#define LATENCY(nanoseconds, seconds) nanoseconds,
#include "tables/latency.def"
#undef LATENCY
	};
	unsigned bucket = 0;

	while (bucket < TALLY_BUCKETS && took_ns > ends[bucket])
		bucket++;
	histogram->buckets[bucket]++;
	histogram->sum_ns += took_ns;
}

void tallies_time_begin(struct fw_engine *engine)
{
	struct timing *timing = &engine->timing;

	timing->seed = timing->seed * 2862933555777941757U + 3037000493U;
	timing->left = TIMED_LEAST + (unsigned)(timing->seed >> 58);
	timing->begun_ns = timing->last_ns = timing->clock();
	timing->runs = true;
}

void tallies_time_stage(struct fw_engine *engine, unsigned stage, bool outbound)
{
	struct timing *timing = &engine->timing;
	uint64_t now_ns = timing->clock();

	if (stage < TALLY_STAGES)
		add(&engine->tallies.fixed.stages[outbound][stage], now_ns - timing->last_ns);
	timing->last_ns = now_ns;
}

void tallies_time_end(struct fw_engine *engine, bool outbound)
{
	struct timing *timing = &engine->timing;

	add(&engine->tallies.fixed.judging[outbound], timing->last_ns - timing->begun_ns);
	timing->runs = false;
}

const struct tallies *engine_tallies(const struct fw_engine *engine)
{
	return &engine->tallies;
}

void engine_tallies_told(struct fw_engine *engine, bool series)
{
	struct tallies *tallies = &engine->tallies;

	if (!series) {
		memset(&tallies->fixed, 0, sizeof(tallies->fixed));
		return;
	}
	for (unsigned i = 0; i < TALLY_SERIES + 2; i++)
		memset(tallies->series[i].counts, 0, sizeof(tallies->series[i].counts));
	if (tallies->count < TALLY_SERIES)
		return;
	/* Names of configurations that are no more are among them: who is counted again has a place again. */
	tallies->count = 0;
	tallies_forget(engine);
}

void engine_watch(struct fw_engine *engine, engine_clock_function *clock)
{
	engine->timing.clock = clock;
	engine->timing.left = 1;
}
