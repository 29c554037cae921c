/* value.h: what of an event groups and counts. No state; any thread. */
#ifndef SCENARIO_VALUE_H
#define SCENARIO_VALUE_H
#include <framewall/event.h>

#include "base/hash.h"
#include "policy/scenario_rule.h"
#include "scenario/scenario.h"

/* False: the event has none. */
bool value_hash(const struct scenario_field *field, const struct fw_record *record, const struct hash_key *key,
		uint64_t *ret_hash);
/* For people: cut, and without what a list of them is divided by. */
void value_text(const struct scenario_field *field, const struct fw_record *record, char ret_text[SCENARIO_SAMPLE]);
#endif
