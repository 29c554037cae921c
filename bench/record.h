/* record.h: for benches: a record of many events, made through the ledger's own code without forcing it to the disk. */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H
#include <stdint.h>
#include <time.h>

#include "record/ledger.h"

extern uint64_t record_made;	/* events so far */
extern uint64_t record_made_us; /* the wall clock of the last one */

_Noreturn void record_stop(const char *what); /* says why (errno) and ends the program */
struct record_texts {
	char user[32], session[32];
};
void record_make(uint64_t wall_us, struct record_texts *texts, struct fw_record *ret_record); /* points into texts */
struct ledger *record_open(const char *folder);
void record_add(struct ledger *ledger, uint64_t wall_us);
/* FOLDER/record with count events, step_us apart; events a second. */
double record_fill(const char *folder, uint64_t count, uint64_t step_us);
double record_now_s(clockid_t clock);
#endif
