#include "shell/keeper_failures.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"

#define MINUTE_US UINT64_C(60000000)

enum { WORD_MOST = 16 };

struct failure {
	uint16_t next; /* in its chain */
	uint8_t of;    /* enum failures_of */
	uint8_t size;
	char name[FAILURES_NAME];
	uint32_t minutes[FAILURES_MINUTES]; /* by minute modulo their number */
};

const char *const keeper_failures_words[FAILURES_OF] = { "method", "user", "address", "prefix" };
const unsigned keeper_failures_minutes[FAILURES_WINDOWS] = { 1, 5, 60 };

bool keeper_failures_init(struct keeper_failures *failures, const struct hash_key *key)
{
	failures->key = *key;
	failures->rows = mem_zero(LIMIT_FAILURE_ROWS, sizeof(*failures->rows));
	failures->chains = mem_zero(LIMIT_FAILURE_ROWS, sizeof(*failures->chains));
	failures->open = uv_mutex_init(&failures->lock) == 0;
	return failures->open && failures->rows != NULL && failures->chains != NULL;
}

void keeper_failures_fini(struct keeper_failures *failures)
{
	if (failures->open)
		uv_mutex_destroy(&failures->lock);
	mem_free(failures->rows);
	mem_free(failures->chains);
	*failures = (struct keeper_failures){ .open = false };
}

/* --- under the lock */

static uint16_t *chain_of(struct keeper_failures *failures, unsigned of, struct fw_slice name)
{
	return &failures->chains[(hash_bytes(&failures->key, name.data, name.size) + of) % LIMIT_FAILURE_ROWS];
}

static void put(struct keeper_failures *failures, unsigned at)
{
	struct failure *row = &failures->rows[at];
	uint16_t *chain = chain_of(failures, row->of, slice(row->name, row->size));

	row->next = *chain;
	*chain = (uint16_t)(at + 1);
}

static bool is_empty(const struct failure *row)
{
	for (unsigned i = 0; i < FAILURES_MINUTES; i++)
		if (row->minutes[i] != 0)
			return false;
	return true;
}

/* Rows that nothing is left of make room; the others are chained anew. */
static void sweep(struct keeper_failures *failures)
{
	unsigned kept = 0;

	memset(failures->chains, 0, LIMIT_FAILURE_ROWS * sizeof(*failures->chains));
	for (unsigned i = 0; i < failures->count; i++) {
		if (is_empty(&failures->rows[i]))
			continue;
		if (kept != i)
			failures->rows[kept] = failures->rows[i];
		put(failures, kept++);
	}
	failures->count = kept;
}

static void forget(struct keeper_failures *failures, unsigned at)
{
	failures->all[at] = 0;
	for (unsigned of = 0; of < FAILURES_OF; of++)
		failures->others[of][at] = 0;
	for (unsigned i = 0; i < failures->count; i++)
		failures->rows[i].minutes[at] = 0;
}

static void advance(struct keeper_failures *failures, uint64_t minute)
{
	uint64_t passed = minute > failures->minute ? minute - failures->minute : 0;

	if (passed == 0)
		return;
	for (uint64_t i = 0; i < passed && i < FAILURES_MINUTES; i++)
		forget(failures, (unsigned)((minute - i) % FAILURES_MINUTES));
	failures->minute = minute;
	sweep(failures);
}

static struct failure *find(struct keeper_failures *failures, unsigned of, struct fw_slice name)
{
	struct failure *row;

	for (unsigned at = *chain_of(failures, of, name); at != 0; at = failures->rows[at - 1].next) {
		row = &failures->rows[at - 1];
		if (row->of == of && slice_equal(slice(row->name, row->size), name))
			return row;
	}
	if (failures->count == LIMIT_FAILURE_ROWS)
		return NULL;
	row = &failures->rows[failures->count];
	*row = (struct failure){ .of = (uint8_t)of, .size = (uint8_t)name.size };
	memcpy(row->name, name.data, name.size);
	put(failures, failures->count++);
	return row;
}

static void add(struct keeper_failures *failures, enum failures_of of, struct fw_slice name, unsigned at)
{
	struct failure *row;

	if (name.size == 0)
		return;
	if (name.size > FAILURES_NAME)
		name.size = FAILURES_NAME;
	row = find(failures, of, name);
	if (row != NULL)
		row->minutes[at]++;
	else
		failures->others[of][at]++;
}

/* --- */

static struct fw_slice detail_of(const struct fw_record *record, const char *key)
{
	for (unsigned i = 0; i < record->detail_count; i++)
		if (record->details[i].kind == FW_DETAIL_TEXT && strcmp(record->details[i].key, key) == 0)
			return record->details[i].text;
	return slice(NULL, 0);
}

/* Of IPv4 the /24, of IPv6 the /64. */
static size_t format_prefix(const struct fw_addr *address, char ret_text[ADDR_TEXT + 4])
{
	struct fw_addr prefix = addr_prefix(address);
	size_t size;

	if (prefix.family == 4)
		prefix.bytes[3] = 0;
	size = addr_format(&prefix, ret_text);
	memcpy(ret_text + size, prefix.family == 4 ? "/24" : "/64", 4);
	return size + 3;
}

/* In metrics it is the value of a label: a word of ours, whatever a gate says that was taken over. */
static struct fw_slice word_of(struct fw_slice method)
{
	for (size_t i = 0; i < method.size; i++)
		if ((method.data[i] < 'a' || method.data[i] > 'z') && method.data[i] != '_')
			return slice_text("other");
	return method.size <= WORD_MOST ? method : slice_text("other");
}

void keeper_failures_see(struct keeper_failures *failures, const struct fw_record *record)
{
	struct fw_slice user = record->user_id, method = detail_of(record, "method");
	char address[ADDR_TEXT] = "", prefix[ADDR_TEXT + 4] = "", account[16];
	uint64_t minute = record->wall_us / MINUTE_US;
	unsigned at = (unsigned)(minute % FAILURES_MINUTES);

	if (record->type != EVENT_auth_failure)
		return;
	if (user.size == 0 && detail_of(record, "account").size != 0) {
		struct fw_slice mark = detail_of(record, "account");

		user = slice(account, (size_t)snprintf(account, sizeof(account), "account %.*s",
						       (int)(mark.size < 7 ? mark.size : 7), (const char *)mark.data));
	}
	if (method.size == 0)
		method = detail_of(record, "through").size != 0 ? slice_text("admin") : slice_text("none");
	if (record->source.family != 0) {
		addr_format(&record->source, address);
		format_prefix(&record->source, prefix);
	}
	uv_mutex_lock(&failures->lock);
	advance(failures, minute);
	if (failures->minute - minute < FAILURES_MINUTES) { /* else it comes too late */
		failures->all[at]++;
		add(failures, FAILURES_METHOD, word_of(method), at);
		add(failures, FAILURES_USER, user, at);
		add(failures, FAILURES_ADDRESS, slice_text(address), at);
		add(failures, FAILURES_PREFIX, slice_text(prefix), at);
	}
	uv_mutex_unlock(&failures->lock);
}

static void sum(const struct keeper_failures *failures, const uint32_t minutes[FAILURES_MINUTES],
		uint32_t ret_counts[FAILURES_WINDOWS])
{
	for (unsigned window = 0; window < FAILURES_WINDOWS; window++) {
		ret_counts[window] = 0;
		for (unsigned back = 0; back < keeper_failures_minutes[window]; back++)
			ret_counts[window] += minutes[(failures->minute - back) % FAILURES_MINUTES];
	}
}

/* Keeps the rows in order: the most of the hour first. */
static void offer(const struct keeper_failures *failures, const struct failure *row, unsigned most,
		  struct failures_answer *answer)
{
	struct failures_row made = { .size = row->size };
	unsigned at = answer->count;

	sum(failures, row->minutes, made.counts);
	memcpy(made.name, row->name, row->size);
	while (at != 0 && answer->rows[at - 1].counts[FAILURES_60] < made.counts[FAILURES_60])
		at--;
	if (at >= most)
		return;
	if (answer->count < most)
		answer->count++;
	memmove(&answer->rows[at + 1], &answer->rows[at], (answer->count - 1 - at) * sizeof(made));
	answer->rows[at] = made;
}

void keeper_failures_ask(struct keeper_failures *failures, enum failures_of of, uint64_t now_wall_us, unsigned most,
			 struct failures_answer *answer)
{
	answer->count = answer->names = 0;
	uv_mutex_lock(&failures->lock);
	advance(failures, now_wall_us / MINUTE_US);
	for (unsigned window = 0; window < FAILURES_WINDOWS; window++)
		answer->since_wall_us[window] = (failures->minute - (keeper_failures_minutes[window] - 1)) * MINUTE_US;
	sum(failures, failures->all, answer->all);
	sum(failures, failures->others[of], answer->others);
	for (unsigned i = 0; i < failures->count; i++) {
		if (failures->rows[i].of != of)
			continue;
		answer->names++;
		offer(failures, &failures->rows[i], most, answer);
	}
	uv_mutex_unlock(&failures->lock);
}
