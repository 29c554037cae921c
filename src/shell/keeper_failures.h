/* keeper_failures.h: credentials that were refused within the last hour, by whose they were, where they came from and
 * how they were shown: of each minute of the clock, so that a recount of the record comes to the same. Seen in the
 * recorder's thread, before any record is summed up; asked by any. Bounded: what finds no room is counted, unnamed. */
#ifndef SHELL_KEEPER_FAILURES_H
#define SHELL_KEEPER_FAILURES_H
#include <framewall/event.h>
#include <uv.h>

#include "base/hash.h"
#include "base/limits.h"

/* user: of a session, else the mark of the account that a record has; prefix: /24, of IPv6 /64. */
enum failures_of { FAILURES_METHOD, FAILURES_USER, FAILURES_ADDRESS, FAILURES_PREFIX, FAILURES_OF };
/* Minutes: this one and those before it. */
enum failures_window { FAILURES_1, FAILURES_5, FAILURES_60, FAILURES_WINDOWS };
enum { FAILURES_MINUTES = 60, FAILURES_NAME = 128 };

struct keeper_failures {
	uv_mutex_t lock;
	bool open;
	uint64_t minute; /* the newest */
	struct hash_key key;
	struct failure *rows; /* LIMIT_FAILURE_ROWS */
	uint16_t *chains;     /* as many; 0: none, else the row behind it plus 1 */
	unsigned count;
	uint32_t others[FAILURES_OF][FAILURES_MINUTES]; /* that found no row */
	uint32_t all[FAILURES_MINUTES];
};
struct failures_row {
	char name[FAILURES_NAME];
	size_t size;
	uint32_t counts[FAILURES_WINDOWS];
};
struct failures_answer {
	uint64_t since_wall_us[FAILURES_WINDOWS]; /* records of that time and later are counted */
	uint32_t all[FAILURES_WINDOWS], others[FAILURES_WINDOWS];
	unsigned names;		   /* how many there are, with those that are not in rows */
	unsigned count;		   /* of rows */
	struct failures_row *rows; /* the caller's; of the hour the most first */
};

bool keeper_failures_init(struct keeper_failures *failures, const struct hash_key *key); /* false: memory is short */
void keeper_failures_fini(struct keeper_failures *failures);
void keeper_failures_see(struct keeper_failures *failures, const struct fw_record *record);
void keeper_failures_ask(struct keeper_failures *failures, enum failures_of of, uint64_t now_wall_us, unsigned most,
			 struct failures_answer *answer);
extern const char *const keeper_failures_words[FAILURES_OF]; /* "method", … */
extern const unsigned keeper_failures_minutes[FAILURES_WINDOWS];
#endif
