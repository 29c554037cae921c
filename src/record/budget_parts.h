/* budget_parts.h: what the files of the budget share. */
#ifndef RECORD_BUDGET_PARTS_H
#define RECORD_BUDGET_PARTS_H
#include "base/event_type.h"
#include "record/budget.h"

struct budget_sum {
	uint64_t key; /* 0: there is none here */
	uint64_t until_ns;
	uint64_t count;
	uint64_t first_us, last_us; /* by the wall clock */
	uint64_t connection_id;	    /* 0: none, or several */
	struct fw_addr source;	    /* several of a /64: that prefix; others: of family 0 */
	uint16_t type;
	uint8_t level;
	uint8_t detail_count; /* of the first record */
	uint8_t several;      /* addresses */
	uint8_t sessions;     /* several */
	uint8_t others;	      /* of sources for which there was no room */
	char first_id[FW_EVENT_ID_SIZE], last_id[FW_EVENT_ID_SIZE];
	uint16_t user_size, session_size, details_size; /* in texts, one behind the other */
	uint8_t texts[BUDGET_TEXTS];
};

/* Calls write for the record that a sum is. False: the sum does not hold together, and there is none. */
bool budget_sum_write(const struct budget_sum *sum, budget_write_function *write, void *user);
/* The first record of a sum: its texts as far as there is room. */
void budget_sum_begin(struct budget_sum *sum, const struct fw_record *record);
const struct budget_sum *budget_sum_next(const struct budget *budget, const struct budget_sum *before); /* NULL */
#endif
