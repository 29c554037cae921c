/* sender.h: the record is sent on while it is written, to each entry of audit_logging.receivers by a thread of its own,
 * so that nothing waits for a receiver. The ledger is the spool: a thread reads its files from where its receiver is
 * (DATA/receivers/NAME.cursor), so an outage loses nothing that is still kept. Needs the two folders, the policy and
 * the log; knows no other part of the keeper. Start, renew, quiet and stop are called by one thread.
 *
 * Owns its threads, sockets and cursors. Never: holds up the record, forgets what a receiver has not got without a
 * record of it. */
#ifndef SHELL_SENDER_H
#define SHELL_SENDER_H
#include <stdatomic.h>

#include "policy/policy.h"

struct log;
struct senders;
struct senders_options {
	const char *data_directory;
	const char *record_directory;
	const _Atomic uint64_t *durable; /* the last record that is on the disk */
	struct log *log;		 /* NULL: nothing is said */
	struct fw_random random;	 /* for any thread */
	/* A record about a receiver, in its thread; may wait. NULL: none is wanted. */
	void (*record)(void *user, const struct fw_record *record);
	void *user;
};
/* NULL: memory is short. */
struct senders *senders_start(const struct senders_options *options, struct fw_policy *policy);
/* Receivers that stay as they were are not disturbed; the others begin, end or begin anew where they were. Waits for
 * nobody. */
void senders_renew(struct senders *senders, struct fw_policy *policy);
/* From now on no record is made; what was still to be sent is. */
void senders_quiet(struct senders *senders);
/* Sends what there is, for two seconds at most, and ends. NULL-safe. */
struct senders *senders_stop(struct senders *senders);

enum { SENDER_ERROR = 320 };
struct sender_status {
	char name[RECEIVER_NAME + 1];
	const char *state;	    /* "idle", "sending", "waiting" (to try again) */
	uint64_t delivered;	    /* the last record that was sent */
	uint64_t certain;	    /* the last one that need not be sent again */
	uint64_t behind, behind_ms; /* records not sent yet, and the age of the first of them */
	uint64_t sent, sent_again;  /* records since the start */
	uint64_t failures, refused, lost;
	char error[SENDER_ERROR]; /* the last one; "": none */
	uint64_t error_wall_us;
};
/* Of at most LIMIT_RECEIVERS; how many. Any thread that start, renew and stop do not meet. */
unsigned senders_status(struct senders *senders, struct sender_status ret_status[]);
#endif
