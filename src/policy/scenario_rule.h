/* scenario_rule.h: an entry of `scenarios`: events that mean something together. Part of a policy; no state, any
 * thread. */
#ifndef POLICY_SCENARIO_RULE_H
#define POLICY_SCENARIO_RULE_H
#include "base/event_where.h"

enum { SCENARIO_NAME = 40, SCENARIO_GROUP_FIELDS = 4, SCENARIO_VALUES_MOST = 256, SCENARIO_LABELS = 256 };

/* What of an event. */
enum scenario_field_kind {
	SCENARIO_ADDRESS,
	SCENARIO_NETWORK,
	SCENARIO_USER,
	SCENARIO_SESSION,
	SCENARIO_CONNECTION,
	SCENARIO_EVENT,
	SCENARIO_DETAIL
};
struct scenario_field {
	uint8_t kind;
	const char *detail; /* of SCENARIO_DETAIL: its key */
};

enum scenario_action {
	SCENARIO_RECORD,
	SCENARIO_POINTS,
	SCENARIO_CLOSE,
	SCENARIO_BLOCK,
	SCENARIO_REVOKE,
	SCENARIO_ACTIONS
};
const char *scenario_action_name(unsigned action);

struct scenario_rule {
/* One member a row of scenarios.def, but for the mappings. */
#define SCENARIO_TEXT(name, help) const char *name; /* NULL: not given */
#define SCENARIO_TEXTS(name, help) struct texts name;
#define SCENARIO_MAP(name, help)
#define SCENARIO_INTEGER(name, value, min, max, unit, help) int64_t name##_;
#include "tables/scenarios.def"
#undef SCENARIO_TEXT
#undef SCENARIO_TEXTS
#undef SCENARIO_MAP
#undef SCENARIO_INTEGER
	struct event_where where;
	/* made of them */
	uint64_t events; /* bit set of enum event_type */
	struct scenario_field group[SCENARIO_GROUP_FIELDS];
	unsigned group_count;
	struct scenario_field value;
	bool has_distinct;
	uint8_t does;	    /* enum scenario_action */
	int record_level;   /* enum fw_level; -1: as the event has it */
	bool of_user;	    /* an action is about the user, not about the address */
	const char *label;  /* "mitre=T1110.003, …"; NULL: none */
	uint8_t digest[32]; /* of all that says what counts: equal means that what was counted stays */
};
#endif
