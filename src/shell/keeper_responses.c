/* Responses: what does them is what does the same for operators, so that all that is said of blocks and revocations
 * holds. Each is kept in the database before it is called done, and undone by itself when its time is over. Here are
 * the list and its life; keeper_responses_do.c has what each action is. */
#include "shell/keeper_responses.h"

#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/addr.h"
#include "base/detail.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/where.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/keeper_responses_do.h"
#include "shell/log.h"
#include "shell/penalty.h"

#define SECOND_US UINT64_C(1000000)

enum { STATE = 128 };

/* An event that a rule is about, with copies of what the record had. */
struct keeper_matched {
	const struct response_rule *rule; /* of the policy in use: it is not replaced while any waits */
	struct fw_addr address;
	char user[STORE_NAME], event_id[FW_EVENT_ID_SIZE + 1];
	size_t user_size;
	uint16_t type;
};

/* --- the recorder's thread */

static bool detail_says(const struct fw_record *record, const char *key, const char *text)
{
	for (unsigned i = 0; i < record->detail_count && i < FW_RECORD_DETAILS; i++)
		if (strcmp(record->details[i].key, key) == 0)
			return record->details[i].kind == FW_DETAIL_TEXT && slice_is(record->details[i].text, text);
	return false;
}

static bool is_about(const struct response_rule *rule, const struct fw_record *record)
{
	return (rule->events >> record->type & 1) != 0 &&
	       (rule->alert == NULL || detail_says(record, "alert", rule->alert)) &&
	       (rule->scenario == NULL || detail_says(record, "scenario", rule->scenario)) &&
	       where_matches(&rule->where, record);
}

/* Under the lock. */
static void match(struct keeper_responses *responses, const struct response_rule *rule, const struct fw_record *record)
{
	bool of_user =
		rule->whose != RESPONSE_OF_ADDRESS && record->user_id.size != 0 && record->user_id.size <= STORE_NAME;
	struct keeper_matched *matched;

	if (!of_user && (rule->whose == RESPONSE_OF_USER || record->source.family == 0))
		return;
	if (responses->count == LIMIT_RESPONSE_QUEUE) {
		responses->lost++;
		return;
	}
	matched = &responses->queue[(responses->first + responses->count++) % LIMIT_RESPONSE_QUEUE];
	*matched = (struct keeper_matched){ .rule = rule, .type = record->type };
	if (of_user) {
		matched->user_size = record->user_id.size;
		memcpy(matched->user, record->user_id.data, record->user_id.size);
	} else {
		matched->address = addr_prefix(&record->source);
	}
	memcpy(matched->event_id, record->event_id, FW_EVENT_ID_SIZE);
	uv_async_send(&responses->wake);
}

void keeper_responses_see(struct keeper_responses *responses, const struct fw_record *record)
{
	if (responses == NULL || record->type >= EVENT_TYPES)
		return;
	uv_mutex_lock(&responses->lock);
	for (unsigned i = 0; responses->open && i < responses->policy->response_count; i++)
		if (is_about(&responses->policy->responses[i], record))
			match(responses, &responses->policy->responses[i], record);
	uv_mutex_unlock(&responses->lock);
}

/* --- the list */

static struct database_response *find(struct keeper_responses *responses, const struct database_response *wish)
{
	for (unsigned i = 0; i < responses->row_count; i++) {
		struct database_response *row = &responses->rows[i];

		if (strcmp(row->action, wish->action) == 0 && row->dry_run == wish->dry_run &&
		    row->address.family == wish->address.family &&
		    (wish->address.family != 0
			     ? addr_equal(&row->address, &wish->address)
			     : slice_equal(slice(row->user, row->user_size), slice(wish->user, wish->user_size))))
			return row;
	}
	return NULL;
}

static void drop(struct keeper_responses *responses, struct database_response *row)
{
	size_t at = (size_t)(row - responses->rows);

	responses->row_count--;
	memmove(row, row + 1, (responses->row_count - at) * sizeof(*row));
}

/* What it was, or is, as JSON; row NULL: it is not there. */
static void write_state(const struct database_response *row, char ret_text[STATE])
{
	char until[ENCODE_RFC3339];

	if (row == NULL) {
		memcpy(ret_text, "null", sizeof("null"));
		return;
	}
	encode_rfc3339(row->until_wall_us, until);
	snprintf(ret_text, STATE, "{\"action\":\"%s\",\"until\":\"%.*s\",\"dry_run\":%s}", row->action,
		 (int)sizeof(until), until, row->dry_run ? "true" : "false");
}

/* before, after: NULL: it was not there, it is not any more. by: who, or why it is over. */
static void record(struct keeper_responses *responses, const struct database_response *before,
		   const struct database_response *after, const char *by)
{
	const struct fw_policy *policy = responses->keeper->options.policy;
	const struct database_response *row = after != NULL ? after : before;
	uint16_t type = after != NULL ? EVENT_response_applied : EVENT_response_ended;
	struct fw_record made = { .type = type,
				  .level = policy->event_levels[type],
				  .source = row->address,
				  .user_id = slice(row->user, row->user_size) };
	char until[ENCODE_RFC3339], was[STATE], is[STATE];

	detail_add(&made, detail_text("response", slice_text(row->id)));
	if (row->rule[0] != '\0')
		detail_add(&made, detail_text("rule", slice_text(row->rule)));
	detail_add(&made, detail_text(row->dry_run ? "would" : "action", slice_text(row->action)));
	if (type == EVENT_response_applied) {
		encode_rfc3339(row->until_wall_us, until);
		detail_add(&made, detail_text("until", slice(until, sizeof(until))));
		detail_add(&made, detail_text("why", slice_text(row->reason)));
		if (row->event_id[0] != '\0')
			detail_add(&made, detail_text("event", slice_text(row->event_id)));
		if (row->not_ours)
			detail_add(&made, detail_boolean("was_so_before", true));
		if (row->dry_run && policy->settings.mode == MODE_MONITOR)
			detail_add(&made, detail_text("mode", slice_text("monitor")));
	}
	write_state(before, was);
	write_state(after, is);
	detail_add(&made, detail_text("before", slice_text(was)));
	detail_add(&made, detail_text("after", slice_text(is)));
	if (by != NULL)
		detail_add(&made, detail_text(type == EVENT_response_ended ? "cause" : "by", slice_text(by)));
	keeper_record(responses->keeper, &made);
}

static bool keep(struct keeper_responses *responses, const struct database_response *row,
		 char ret_error[DATABASE_ERROR])
{
	struct keeper *keeper = responses->keeper;

	ret_error[0] = '\0';
	if (keeper->database == NULL || database_response_put(keeper->database, row, ret_error))
		return true;
	log_warn(keeper->options.log, admin, "a response does not outlive the server: framewall.db: %s", ret_error);
	return false;
}

static void name(struct keeper_responses *responses, struct database_response *row)
{
	const struct fw_random *random = &responses->keeper->options.random;
	uint8_t octets[DATABASE_RESPONSE_ID / 2];

	random->fill(random->user, octets, sizeof(octets));
	encode_hex(octets, sizeof(octets), row->id);
}

/* One that is there begins anew, and keeps its id; of that nothing is recorded where a rule did it. */
static enum keeper_responded respond(struct keeper_responses *responses, const struct database_response *wish,
				     uint64_t seconds, const char *by, struct database_response *ret_row,
				     char ret_error[DATABASE_ERROR])
{
	struct database_response *row = find(responses, wish), made = *wish;
	bool kept;

	ret_error[0] = '\0';
	made.since_wall_us = clock_wall_us();
	made.until_wall_us = made.since_wall_us + seconds * SECOND_US;
	if (row != NULL) {
		memcpy(made.id, row->id, sizeof(made.id));
		made.not_ours = row->not_ours;
		if (made.until_wall_us < row->until_wall_us)
			made.until_wall_us = row->until_wall_us;
	} else if (responses->row_count == LIMIT_RESPONSES) {
		return RESPONDED_FULL;
	} else {
		name(responses, &made);
	}
	if (!made.dry_run && !keeper_responses_do(responses->keeper, &made, row != NULL))
		return RESPONDED_FAILED;
	if (row == NULL || by != NULL)
		record(responses, row, &made, by);
	if (row == NULL)
		row = &responses->rows[responses->row_count++];
	*row = made;
	*ret_row = made;
	kept = keep(responses, &made, ret_error);
	return kept ? RESPONDED_KEPT : RESPONDED_NOT_KEPT;
}

enum keeper_responded keeper_responses_add(struct keeper_responses *responses, const struct database_response *wish,
					   uint64_t seconds, const char *by, struct database_response *ret_response,
					   char ret_error[DATABASE_ERROR])
{
	struct database_response done = *wish;

	done.dry_run = wish->dry_run || responses->keeper->options.policy->settings.mode == MODE_MONITOR;
	return respond(responses, &done, seconds, by, ret_response, ret_error);
}

/* What it was is undone first: whoever is told that it is over must not meet it. */
static void end(struct keeper_responses *responses, struct database_response *row, const char *cause,
		char ret_error[DATABASE_ERROR])
{
	struct keeper *keeper = responses->keeper;

	ret_error[0] = '\0';
	if (!row->dry_run)
		keeper_responses_undo_one(keeper, row, ret_error);
	if (keeper->database != NULL && !database_response_remove(keeper->database, row->id, ret_error))
		log_warn(keeper->options.log, admin, "a response that is over stays in framewall.db: %s", ret_error);
	record(responses, row, NULL, cause);
	drop(responses, row);
}

bool keeper_responses_undo(struct keeper_responses *responses, struct fw_slice id, const char *by,
			   char ret_error[DATABASE_ERROR])
{
	for (unsigned i = 0; i < responses->row_count; i++)
		if (slice_equal(id, slice_text(responses->rows[i].id))) {
			end(responses, &responses->rows[i], by, ret_error);
			return true;
		}
	return false;
}

/* --- the loop */

static bool take(struct keeper_responses *responses, struct keeper_matched *ret_matched)
{
	bool any;

	uv_mutex_lock(&responses->lock);
	any = responses->count != 0;
	if (any) {
		*ret_matched = responses->queue[responses->first];
		responses->first = (responses->first + 1) % LIMIT_RESPONSE_QUEUE;
		responses->count--;
	}
	uv_mutex_unlock(&responses->lock);
	return any;
}

/* As long as it has most of its time before it, it does not begin anew with each event. */
static bool is_fresh(const struct database_response *row, uint64_t seconds)
{
	return row != NULL && row->until_wall_us > clock_wall_us() + (seconds - seconds / 10) * SECOND_US;
}

static void obey(struct keeper_responses *responses, const struct keeper_matched *matched)
{
	const struct response_rule *rule = matched->rule;
	const struct fw_policy *policy = responses->keeper->options.policy;
	struct fw_slice user = slice(matched->user, matched->user_size);
	struct database_response wish = { .address = matched->address, .user_size = matched->user_size }, made;
	char failed[DATABASE_ERROR];
	enum keeper_responded responded;

	if (penalty_offence(policy, &matched->address, user, matched->type).exempt)
		return;
	memcpy(wish.user, matched->user, matched->user_size);
	memcpy(wish.event_id, matched->event_id, sizeof(wish.event_id));
	snprintf(wish.action, sizeof(wish.action), "%s", rule->action);
	snprintf(wish.rule, sizeof(wish.rule), "%s", rule->name);
	snprintf(wish.reason, sizeof(wish.reason), "%s", fw_event_name(matched->type));
	wish.dry_run = rule->dry_run || policy->settings.mode == MODE_MONITOR;
	if (is_fresh(find(responses, &wish), (uint64_t)rule->for_))
		return;
	responded = respond(responses, &wish, (uint64_t)rule->for_, NULL, &made, failed);
	if (responded == RESPONDED_KEPT || responded == RESPONDED_NOT_KEPT) {
		responses->full_said = false;
		return;
	}
	if (!responses->full_said)
		log_warn(responses->keeper->options.log, admin, "rule %s of monitoring.response: nothing was done: %s",
			 rule->name,
			 responded == RESPONDED_FULL ? "there are as many responses as there may be"
						     : "a list is full");
	responses->full_said = true;
}

static void obey_all(struct keeper_responses *responses)
{
	struct keeper_matched matched;

	while (take(responses, &matched))
		obey(responses, &matched);
}

static void on_wake(uv_async_t *wake)
{
	obey_all(wake->data);
}

void keeper_responses_tick(struct keeper_responses *responses)
{
	uint64_t now = clock_wall_us(), lost;
	char failed[DATABASE_ERROR];

	for (unsigned i = responses->row_count; i-- != 0;)
		if (responses->rows[i].until_wall_us <= now)
			end(responses, &responses->rows[i], "expired", failed);
	uv_mutex_lock(&responses->lock);
	lost = responses->lost;
	responses->lost = 0;
	uv_mutex_unlock(&responses->lock);
	if (lost != 0)
		log_warn(responses->keeper->options.log, admin,
			 "monitoring.response: %llu events came faster than they were responded to",
			 (unsigned long long)lost);
}

const char *keeper_responses_start(struct keeper_responses *responses, struct keeper *keeper)
{
	static const char short_of_memory[] = "cannot start the keeper: memory is short";
	static char failed[DATABASE_ERROR], said[DATABASE_ERROR + 32];

	responses->keeper = keeper;
	responses->policy = fw_policy_ref(keeper->options.policy);
	responses->queue = mem_zero(LIMIT_RESPONSE_QUEUE, sizeof(*responses->queue));
	responses->rows = mem_zero(LIMIT_RESPONSES, sizeof(*responses->rows));
	if (uv_mutex_init(&responses->lock) != 0)
		return short_of_memory;
	responses->locks = true;
	if (responses->queue == NULL || responses->rows == NULL)
		return short_of_memory;
	if (keeper->database != NULL && !database_response_load(keeper->database, responses->rows, LIMIT_RESPONSES,
								&responses->row_count, failed)) {
		snprintf(said, sizeof(said), "framewall.db: %s", failed);
		return said;
	}
	for (unsigned i = 0; i < responses->row_count; i++)
		keeper_responses_resume(keeper, &responses->rows[i]);
	if (uv_async_init(keeper->options.loop, &responses->wake, on_wake) != 0)
		return short_of_memory;
	uv_unref((uv_handle_t *)&responses->wake);
	responses->wake.data = responses;
	keeper->handles++;
	responses->open = true;
	return NULL;
}

/* What came by the rules of before is answered by them; what is in force stays until it is over. */
void keeper_responses_renew(struct keeper_responses *responses, struct fw_policy *policy)
{
	struct fw_policy *last = NULL;

	while (last == NULL) {
		obey_all(responses);
		uv_mutex_lock(&responses->lock);
		if (responses->count == 0) {
			last = responses->policy;
			responses->policy = fw_policy_ref(policy);
		}
		uv_mutex_unlock(&responses->lock);
	}
	fw_policy_unref(last);
}

void keeper_responses_stop(struct keeper_responses *responses)
{
	if (!responses->open)
		return;
	uv_mutex_lock(&responses->lock);
	responses->open = false;
	uv_mutex_unlock(&responses->lock);
	obey_all(responses);
	keeper_handle_close(responses->keeper, (uv_handle_t *)&responses->wake);
}

void keeper_responses_free(struct keeper_responses *responses)
{
	if (responses->locks)
		uv_mutex_destroy(&responses->lock);
	mem_free(responses->queue);
	mem_free(responses->rows);
	fw_policy_unref(responses->policy);
}
