/* keeper_responses.h: what is done about a user or an address, by a rule of monitoring.response or by an operator,
 * until it is over or undone. Rules see events in the recorder's thread; all else is done on the loop. */
#ifndef SHELL_KEEPER_RESPONSES_H
#define SHELL_KEEPER_RESPONSES_H
#include <framewall/event.h>
#include <uv.h>

#include "policy/policy.h"
#include "state/database.h"

struct keeper;
struct keeper_responses {
	struct keeper *keeper;
	uv_async_t wake;
	uv_mutex_t lock;
	bool locks; /* there is one */
	/* under the lock */
	bool open;
	struct fw_policy *policy;     /* whose rules they are */
	struct keeper_matched *queue; /* LIMIT_RESPONSE_QUEUE */
	unsigned first, count;
	uint64_t lost; /* that found no room in it */
	/* of the loop */
	struct database_response *rows; /* LIMIT_RESPONSES; those that are in force, and dry runs */
	unsigned row_count;
	bool full_said;
};
/* NULL, or what failed. What was in force is again. */
const char *keeper_responses_start(struct keeper_responses *responses, struct keeper *keeper);
/* In the recorder's thread, or under its locks; NULL: there are none. */
void keeper_responses_see(struct keeper_responses *responses, const struct fw_record *record);
void keeper_responses_renew(struct keeper_responses *responses, struct fw_policy *policy);
void keeper_responses_tick(struct keeper_responses *responses); /* every second: what is over is undone */
void keeper_responses_stop(struct keeper_responses *responses); /* closes the handle */
void keeper_responses_free(struct keeper_responses *responses);

/* What came of it: KEPT; FULL: there are as many as may be; FAILED: nothing was done; NOT_KEPT: it is in force, but
 * does not outlive the server. */
enum keeper_responded { RESPONDED_KEPT, RESPONDED_FULL, RESPONDED_FAILED, RESPONDED_NOT_KEPT };
/* By an operator. wish has all but id and times; ret_response is what is in force: in mode: monitor a dry run, whatever
 * was wished. by: who, for the record. */
enum keeper_responded keeper_responses_add(struct keeper_responses *responses, const struct database_response *wish,
					   uint64_t seconds, const char *by, struct database_response *ret_response,
					   char ret_error[DATABASE_ERROR]);
/* False: there is none of this id. ret_error: not empty: it is undone, but that was not kept. */
bool keeper_responses_undo(struct keeper_responses *responses, struct fw_slice id, const char *by,
			   char ret_error[DATABASE_ERROR]);
#endif
