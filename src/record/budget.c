#include "record/budget.h"

#include <stddef.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/budget_parts.h"
#include "record/jsonl.h"

struct source {
	uint64_t key; /* 0: free */
	uint64_t until_ns;
	uint64_t count; /* records that it left */
	uint32_t sums;
};

struct budget {
	struct hash_key key;
	budget_write_function *write;
	void *user;
	struct budget_rule rule;
	uint64_t until_ns; /* nothing is over before */
	uint64_t changes;
	unsigned count;
	struct source sources[BUDGET_SOURCES];
	/* behind those of sources: one for each event, of what found no room */
	struct budget_sum sums[BUDGET_SUMS + EVENT_TYPES];
};

struct budget *budget_new(const struct hash_key *key, budget_write_function *write, void *user)
{
	struct budget *budget = mem_zero(1, sizeof(*budget));

	if (budget == NULL)
		return NULL;
	budget->key = *key;
	budget->write = write;
	budget->user = user;
	budget->until_ns = UINT64_MAX;
	return budget;
}

struct budget *budget_free(struct budget *budget)
{
	mem_free(budget);
	return NULL;
}

unsigned budget_sums(const struct budget *budget)
{
	return budget->count;
}

uint64_t budget_changes(const struct budget *budget)
{
	return budget->changes;
}

const struct budget_sum *budget_sum_next(const struct budget *budget, const struct budget_sum *before)
{
	size_t at = before == NULL ? 0 : (size_t)(before - budget->sums) + 1;

	while (at < BUDGET_SUMS + EVENT_TYPES && budget->sums[at].key == 0)
		at++;
	return at < BUDGET_SUMS + EVENT_TYPES ? &budget->sums[at] : NULL;
}

static void end(struct budget *budget, struct budget_sum *sum)
{
	budget_sum_write(sum, budget->write, budget->user);
	sum->key = 0;
	budget->count--;
	budget->changes++;
}

void budget_flush(struct budget *budget, uint64_t now_ns, bool all)
{
	uint64_t next = UINT64_MAX;

	if (budget->count == 0 || (!all && now_ns < budget->until_ns))
		return;
	for (size_t i = 0; i < BUDGET_SUMS + EVENT_TYPES; i++) {
		struct budget_sum *sum = &budget->sums[i];

		if (sum->key != 0 && (all || sum->until_ns <= now_ns))
			end(budget, sum);
		if (sum->key != 0 && sum->until_ns < next)
			next = sum->until_ns;
	}
	budget->until_ns = next;
}

void budget_set(struct budget *budget, const struct budget_rule *rule)
{
	if (rule->records == budget->rule.records && rule->per_ns == budget->rule.per_ns &&
	    rule->summed_ns == budget->rule.summed_ns)
		return;
	budget_flush(budget, 0, true);
	memset(budget->sources, 0, sizeof(budget->sources));
	budget->rule = *rule;
}

/* Not 0, which says that there is none. */
static uint64_t hash(const struct budget *budget, const void *bytes, size_t size)
{
	return hash_bytes(&budget->key, bytes, size) | 1;
}

/* Who comes without a login is called so on every connection; a name that somebody only claimed is in no record. */
static bool is_user(const struct fw_record *record)
{
	return record->user_id.size != 0 && !slice_is(record->user_id, "anonymous");
}

static uint64_t source_key(const struct budget *budget, const struct fw_record *record, const struct fw_addr *prefix)
{
	return is_user(record) ? hash(budget, record->user_id.data, record->user_id.size) ^ 2
			       : hash(budget, prefix, sizeof(*prefix));
}

/* Its place, its budget begun anew where its time is over. NULL: there is no room. */
static struct source *find_source(struct budget *budget, uint64_t key, uint64_t now_ns)
{
	struct source *first = &budget->sources[(key >> 3) % (BUDGET_SOURCES / BUDGET_WAYS) * BUDGET_WAYS],
		      *over = NULL;
	struct source *source = first;

	while (source < first + BUDGET_WAYS && source->key != key) {
		if (over == NULL && source->until_ns <= now_ns)
			over = source;
		source++;
	}
	if (source == first + BUDGET_WAYS)
		source = over;
	if (source != NULL && (source->key != key || source->until_ns <= now_ns))
		*source = (struct source){ key, now_ns + budget->rule.per_ns, 0, 0 };
	return source;
}

static struct fw_slice cause_of(const struct fw_record *record)
{
	for (unsigned i = 0; i < record->detail_count && i < FW_RECORD_DETAILS; i++)
		if (record->details[i].kind == FW_DETAIL_TEXT && strcmp(record->details[i].key, "cause") == 0)
			return record->details[i].text;
	return slice(NULL, 0);
}

/* whole: by address and cause, too. */
static uint64_t sum_key(const struct budget *budget, const struct fw_record *record, uint64_t source,
			const struct fw_addr *prefix, bool whole)
{
	struct fw_slice cause = cause_of(record);
	struct {
		uint64_t source, user, prefix, cause;
		uint32_t type, level;
	} parts = { .source = source, .type = record->type, .level = record->level };

	parts.user = hash(budget, record->user_id.data, record->user_id.size);
	if (whole) {
		parts.prefix = hash(budget, prefix, sizeof(*prefix));
		parts.cause = hash(budget, cause.data, cause.size);
	}

	return hash(budget, &parts, sizeof(parts));
}

static struct budget_sum *find_sum(struct budget *budget, uint64_t key)
{
	struct budget_sum *first = &budget->sums[(key >> 3) % (BUDGET_SUMS / BUDGET_WAYS) * BUDGET_WAYS];

	for (struct budget_sum *sum = first; sum < first + BUDGET_WAYS; sum++)
		if (sum->key == key)
			return sum;
	return NULL;
}

/* A free place for a sum, or that of one that is over and is written. */
static struct budget_sum *make_room(struct budget *budget, uint64_t key, uint64_t now_ns)
{
	struct budget_sum *first = &budget->sums[(key >> 3) % (BUDGET_SUMS / BUDGET_WAYS) * BUDGET_WAYS];

	for (struct budget_sum *sum = first; sum < first + BUDGET_WAYS; sum++) {
		if (sum->key != 0 && sum->until_ns <= now_ns)
			end(budget, sum);
		if (sum->key == 0)
			return sum;
	}
	return NULL;
}

static void begin(struct budget *budget, struct budget_sum *sum, const struct fw_record *record, uint64_t key,
		  uint64_t until_ns)
{
	memset(sum, 0, offsetof(struct budget_sum, texts));
	sum->key = key;
	sum->until_ns = until_ns;
	budget_sum_begin(sum, record);
	budget->count++;
	if (until_ns < budget->until_ns)
		budget->until_ns = until_ns;
}

static void count(struct budget *budget, struct budget_sum *sum, const struct fw_record *record)
{
	budget->changes++;
	if (sum->count++ != 0 && sum->connection_id != record->connection_id)
		sum->connection_id = 0;
	if (!addr_equal(&sum->source, &record->source)) {
		struct fw_addr one = addr_prefix(&sum->source), other = addr_prefix(&record->source);

		sum->source = addr_equal(&one, &other) ? one : (struct fw_addr){ 0 };
		sum->several = 1;
	}
	if (!slice_equal(record->session_id, slice(sum->texts + sum->user_size, sum->session_size)))
		sum->sessions = 1;
	if (record->wall_us < sum->first_us)
		sum->first_us = record->wall_us;
	if (record->wall_us > sum->last_us)
		sum->last_us = record->wall_us;
	memcpy(sum->last_id, record->event_id, sizeof(sum->last_id));
}

/* What found no room: the event, its level, its number, and nobody's. */
static void count_other(struct budget *budget, const struct fw_record *record, uint64_t now_ns)
{
	struct budget_sum *sum = &budget->sums[BUDGET_SUMS + record->type];
	struct fw_record bare = { .wall_us = record->wall_us, .type = record->type, .level = record->level };

	memcpy(bare.event_id, record->event_id, sizeof(bare.event_id));
	if (sum->key != 0 && (sum->until_ns <= now_ns || sum->level != record->level))
		end(budget, sum);
	if (sum->key == 0)
		begin(budget, sum, &bare, 1, now_ns + budget->rule.summed_ns);
	sum->others = 1;
	count(budget, sum, &bare);
}

static void sum_up(struct budget *budget, struct source *source, const struct fw_record *record,
		   const struct fw_addr *prefix, uint64_t now_ns)
{
	uint64_t key = sum_key(budget, record, source->key, prefix, true);
	struct budget_sum *sum = find_sum(budget, key);
	struct fw_record whole = *record;

	if (sum == NULL && source->sums >= BUDGET_CAUSES) {
		key = sum_key(budget, record, source->key, prefix, false);
		sum = find_sum(budget, key);
		whole.detail_count = 0;
	}
	if (sum != NULL && sum->until_ns <= now_ns) {
		end(budget, sum);
		sum = NULL;
	}
	if (sum == NULL) {
		sum = make_room(budget, key, now_ns);
		if (sum == NULL) {
			count_other(budget, record, now_ns);
			return;
		}
		begin(budget, sum, &whole, key, source->until_ns);
		source->sums++;
	}
	count(budget, sum, record);
}

bool budget_take(struct budget *budget, const struct fw_record *record, uint64_t now_ns)
{
	struct fw_addr prefix = addr_prefix(&record->source);
	struct source *source;

	if (budget->rule.records == 0 || !event_type_is_summed(record->type))
		return true;
	source = find_source(budget, source_key(budget, record, &prefix), now_ns);
	if (source == NULL) {
		count_other(budget, record, now_ns);
		return false;
	}
	if (source->count < budget->rule.records) {
		source->count++;
		return true;
	}
	if (source->count++ == budget->rule.records)
		source->until_ns = now_ns + budget->rule.summed_ns;
	sum_up(budget, source, record, &prefix, now_ns);
	return false;
}
