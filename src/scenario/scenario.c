/* docs/internals/scenarios.md says why. */
#include "scenario/scenario.h"

#include <string.h>

#include "base/event_type.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/where.h"
#include "scenario/value.h"

#define SECOND_NS UINT64_C(1000000000)

enum { SETS = LIMIT_SCENARIO_GROUPS / SCENARIO_WAYS };
_Static_assert((SETS & (SETS - 1)) == 0, "the sets are found by masking");
_Static_assert(LIMIT_SCENARIOS <= 32, "which rules an event is for is one word");

struct bucket {
	uint64_t key;	   /* of its group; 0: the slot is free */
	uint64_t empty_ns; /* when all in it will have leaked */
	uint64_t quiet_ns; /* until then it takes nothing */
	uint64_t events, first_us;
	uint16_t values; /* with distinct: how many of its row are in it, the oldest first */
	uint8_t samples; /* so many there were; the newest ones are kept */
	bool watched;
};

struct table {
	const struct scenario_rule *rule;
	struct bucket *buckets;
	uint32_t *values;				    /* capacity of each bucket; NULL: without distinct */
	char (*samples)[SCENARIO_SAMPLES][SCENARIO_SAMPLE]; /* the same */
	uint64_t leak_ns, room_ns;			    /* of one event, of capacity of them */
	struct scenario_figures figures;
};

struct scenarios {
	struct hash_key key;
	size_t count;
	uint32_t for_event[EVENT_TYPES]; /* bit set of tables */
	struct table tables[];
};

static bool take_memory(struct table *table)
{
	size_t capacity = (size_t)table->rule->capacity_;

	table->buckets = mem_zero(LIMIT_SCENARIO_GROUPS, sizeof(*table->buckets));
	if (!table->rule->has_distinct || table->buckets == NULL)
		return table->buckets != NULL;
	table->values = mem_zero(LIMIT_SCENARIO_GROUPS, (capacity != 0 ? capacity : 1) * sizeof(*table->values));
	table->samples = mem_zero(LIMIT_SCENARIO_GROUPS, sizeof(*table->samples));
	return table->values != NULL && table->samples != NULL;
}

static void give_memory(struct table *table)
{
	mem_free(table->buckets);
	mem_free(table->values);
	mem_free(table->samples);
}

static void open_table(struct table *table, const struct scenario_rule *rule)
{
	table->rule = rule;
	table->leak_ns = (uint64_t)rule->leak_ * SECOND_NS;
	table->room_ns = (uint64_t)rule->capacity_ * table->leak_ns;
}

struct scenarios *scenarios_new(const struct scenario_rule *rules, size_t count, const struct hash_key *key)
{
	struct scenarios *scenarios = mem_zero(1, sizeof(*scenarios) + count * sizeof(*scenarios->tables));

	if (scenarios == NULL)
		return NULL;
	scenarios->key = *key;
	for (; scenarios->count < count; scenarios->count++) {
		struct table *table = &scenarios->tables[scenarios->count];

		open_table(table, &rules[scenarios->count]);
		for (unsigned type = 0; type < EVENT_TYPES; type++)
			if ((table->rule->events >> type & 1) != 0)
				scenarios->for_event[type] |= UINT32_C(1) << scenarios->count;
		if (!take_memory(table)) {
			give_memory(table);
			return scenarios_free(scenarios);
		}
	}
	return scenarios;
}

struct scenarios *scenarios_free(struct scenarios *scenarios)
{
	for (size_t i = 0; scenarios != NULL && i < scenarios->count; i++)
		give_memory(&scenarios->tables[i]);
	mem_free(scenarios);
	return NULL;
}

/* Figures go on by name, so that a counter never falls by a reload; buckets where all that counts is the same. */
void scenarios_inherit(struct scenarios *scenarios, struct scenarios *before)
{
	scenarios->key = before->key;
	for (size_t i = 0; i < scenarios->count; i++) {
		struct table *table = &scenarios->tables[i];

		for (size_t j = 0; j < before->count; j++) {
			struct table *old = &before->tables[j], was = *table;

			if (strcmp(old->rule->name, table->rule->name) != 0)
				continue;
			table->figures = old->figures;
			if (memcmp(old->rule->digest, table->rule->digest, sizeof(old->rule->digest)) != 0)
				continue;
			table->buckets = old->buckets;
			table->values = old->values;
			table->samples = old->samples;
			old->buckets = was.buckets;
			old->values = was.values;
			old->samples = was.samples;
		}
	}
}

/* The key of its bucket, not 0. False: the event lacks what the rule groups by. */
static bool find_group(const struct scenarios *scenarios, const struct scenario_rule *rule,
		       const struct fw_record *record, uint64_t *ret_key)
{
	uint64_t parts[SCENARIO_GROUP_FIELDS] = { 0 };

	for (unsigned i = 0; i < rule->group_count; i++)
		if (!value_hash(&rule->group[i], record, &scenarios->key, &parts[i]))
			return false;
	*ret_key = hash_bytes(&scenarios->key, parts, sizeof(parts)) | 1;
	return true;
}

/* How much would be forgotten with it: what has fired and is quiet is as good as full. */
static uint64_t worth(const struct table *table, const struct bucket *bucket, uint64_t now_ns)
{
	if (bucket->key == 0)
		return 0;
	if (bucket->quiet_ns > now_ns)
		return table->room_ns + table->leak_ns;
	return bucket->empty_ns > now_ns ? bucket->empty_ns - now_ns : 0;
}

static size_t find_bucket(struct table *table, uint64_t key, uint64_t now_ns)
{
	size_t first = (size_t)(key >> 1 & (SETS - 1)) * SCENARIO_WAYS, least = first;
	uint64_t least_worth = UINT64_MAX;

	for (size_t at = first; at < first + SCENARIO_WAYS; at++) {
		uint64_t one;

		if (table->buckets[at].key == key)
			return at;
		one = worth(table, &table->buckets[at], now_ns);
		if (one < least_worth) {
			least_worth = one;
			least = at;
		}
	}
	table->figures.evicted += least_worth != 0;
	table->buckets[least] = (struct bucket){ .key = key };
	return least;
}

static uint32_t *values_of(const struct table *table, size_t at)
{
	return table->values + at * (size_t)table->rule->capacity_;
}

/* Begins anew when all has leaked; with it goes the oldest value for each event that has. */
static void leak(struct table *table, size_t at, uint64_t now_ns)
{
	struct bucket *bucket = &table->buckets[at];
	uint64_t held;

	if (bucket->empty_ns <= now_ns) {
		*bucket = (struct bucket){ .key = bucket->key, .empty_ns = now_ns, .quiet_ns = bucket->quiet_ns };
		return;
	}
	held = (bucket->empty_ns - now_ns + table->leak_ns - 1) / table->leak_ns;
	if (bucket->values > held) {
		uint32_t *values = values_of(table, at);

		memmove(values, values + (bucket->values - held), (size_t)held * sizeof(*values));
		bucket->values = (uint16_t)held;
	}
}

/* Is it one that the bucket holds? */
static bool holds(const struct table *table, size_t at, uint32_t value)
{
	const uint32_t *values = values_of(table, at);

	for (unsigned i = 0; i < table->buckets[at].values; i++)
		if (values[i] == value)
			return true;
	return false;
}

static void keep_sample(struct table *table, size_t at, const struct fw_record *record)
{
	struct bucket *bucket = &table->buckets[at];

	value_text(&table->rule->value, record, table->samples[at][bucket->samples % SCENARIO_SAMPLES]);
	/* Which one is written over next is all that matters, once there are all. */
	bucket->samples++;
	if (bucket->samples == 2 * SCENARIO_SAMPLES)
		bucket->samples = SCENARIO_SAMPLES;
}

static void list_samples(const struct table *table, size_t at, char *ret_list)
{
	unsigned count = table->buckets[at].samples;

	*ret_list = '\0';
	if (table->samples == NULL)
		return;
	for (unsigned i = 0; i < count && i < SCENARIO_SAMPLES; i++) {
		if (i != 0)
			ret_list = stpcpy(ret_list, ", ");
		ret_list = stpcpy(ret_list, table->samples[at][i]);
	}
}

/* True: the bucket is empty again. */
static bool run_over(struct scenarios *scenarios, size_t index, size_t at, const struct fw_record *record,
		     scenario_fire_function *fire, void *user)
{
	struct table *table = &scenarios->tables[index];
	const struct bucket *bucket = &table->buckets[at];
	struct scenario_firing firing = { .scenario = (unsigned)index,
					  .record = record,
					  .events = bucket->events,
					  .values = table->rule->has_distinct ? bucket->values + 1u : 0,
					  .first_us = bucket->first_us,
					  .last_us = record->wall_us,
					  .watched = bucket->watched };

	list_samples(table, at, firing.sample);
	if (!fire(user, &firing)) {
		table->figures.held++;
		return false;
	}
	table->figures.fired++;
	return true;
}

static bool is_watched(const struct fw_record *record)
{
	const struct fw_detail *mode = where_detail(record, "mode");

	return mode != NULL && mode->kind == FW_DETAIL_TEXT && slice_is(mode->text, "monitor");
}

static void pour(struct scenarios *scenarios, size_t index, const struct fw_record *record, uint64_t now_ns,
		 scenario_fire_function *fire, void *user)
{
	struct table *table = &scenarios->tables[index];
	uint64_t key, value = 0;
	struct bucket *bucket;
	size_t at;

	if (!find_group(scenarios, table->rule, record, &key))
		return;
	if (table->rule->has_distinct && !value_hash(&table->rule->value, record, &scenarios->key, &value))
		return;
	at = find_bucket(table, key, now_ns);
	bucket = &table->buckets[at];
	if (bucket->quiet_ns > now_ns)
		return;
	leak(table, at, now_ns);
	if (bucket->events++ == 0)
		bucket->first_us = record->wall_us;
	bucket->watched |= is_watched(record);
	if (table->rule->has_distinct) {
		if (holds(table, at, (uint32_t)value))
			return;
		keep_sample(table, at, record);
	}
	if (bucket->empty_ns - now_ns + table->leak_ns > table->room_ns) {
		if (run_over(scenarios, index, at, record, fire, user))
			*bucket = (struct bucket){ .key = key,
						   .quiet_ns = now_ns + (uint64_t)table->rule->blackhole_ * SECOND_NS };
		return;
	}
	bucket->empty_ns += table->leak_ns;
	if (table->rule->has_distinct)
		values_of(table, at)[bucket->values++] = (uint32_t)value;
}

void scenarios_see(struct scenarios *scenarios, const struct fw_record *record, uint64_t now_ns,
		   scenario_fire_function *fire, void *user)
{
	uint32_t left = record->type < EVENT_TYPES ? scenarios->for_event[record->type] : 0;

	for (; left != 0; left &= left - 1) {
		size_t index = (size_t)__builtin_ctz(left);

		if (where_matches(&scenarios->tables[index].rule->where, record))
			pour(scenarios, index, record, now_ns, fire, user);
	}
}

struct scenario_figures scenarios_figures(const struct scenarios *scenarios, unsigned scenario)
{
	return scenario < scenarios->count ? scenarios->tables[scenario].figures : (struct scenario_figures){ 0 };
}
