/* budget.h: so that nobody drowns the record. Of events that a client can provoke at will (SUMMED in tables/events.def)
 * each source leaves so many records one by one within a time; who leaves more has them summed up for a while: one
 * record for each event, level, cause and address, with its count. Nothing is dropped: what finds no room in the table
 * is summed up without its source. The source is the user who is logged in, or else the address (IPv6: /64). Memory is
 * taken once. One thread; time is an argument. */
#ifndef RECORD_BUDGET_H
#define RECORD_BUDGET_H
#include <framewall/event.h>

#include "base/hash.h"

/* Sources and sums are found by a keyed hash, in places of WAYS each. CAUSES: sums of one source; what is more is
 * summed without its cause. TEXTS: user, session, and the details of the first record as far as they fit. */
enum { BUDGET_SOURCES = 4096, BUDGET_SUMS = 1024, BUDGET_WAYS = 8, BUDGET_CAUSES = 32, BUDGET_TEXTS = 768 };

struct budget;
/* A sum that is over, as a record; its texts live until the call returns. */
typedef void budget_write_function(void *user, const struct fw_record *record);

struct budget *budget_new(const struct hash_key *key, budget_write_function *write, void *user); /* NULL: no memory */
struct budget *budget_free(struct budget *budget); /* nothing is written; NULL-safe */
struct budget_rule {
	uint64_t records, per_ns; /* so many of a source within that time; 0: each is written */
	uint64_t summed_ns;	  /* from the one that is too many on */
};
/* By a change, what there is is written first. */
void budget_set(struct budget *budget, const struct budget_rule *rule);
/* True: it is to be written by itself. False: it was summed up. What is in its way is written first. */
bool budget_take(struct budget *budget, const struct fw_record *record, uint64_t now_ns);
void budget_flush(struct budget *budget, uint64_t now_ns, bool all); /* writes what is over; all: whatever there is */
unsigned budget_sums(const struct budget *budget);		     /* that wait */
/* More with each record that is summed up and each sum that is written: what was saved is old. */
uint64_t budget_changes(const struct budget *budget);

/* The sums as octets, so that they outlive the program; at most BUDGET_IMAGE. */
enum { BUDGET_IMAGE = (BUDGET_SUMS + 64) * 1024 };
size_t budget_image(const struct budget *budget, uint8_t ret_image[BUDGET_IMAGE]);
/* Writes what an image has. False: from somewhere on it is none. */
bool budget_write_image(struct fw_slice image, budget_write_function *write, void *user);
#endif
