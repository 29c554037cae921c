/* alert_rule.h: what is an alert, and what alerts say nothing of others. Part of a policy; no state, any thread. */
#ifndef POLICY_ALERT_RULE_H
#define POLICY_ALERT_RULE_H
#include <stdbool.h>

#include "base/limits.h"
#include "base/event_where.h"

enum { ALERT_NAME = 40, ALERT_BY = 3, ALERT_MATCHERS = 6, ALERT_EQUAL = 4, ALERT_NO_METRIC = 0xffff };

enum alert_field_kind {
	ALERT_ADDRESS,
	ALERT_USER,
	ALERT_SESSION,
	ALERT_CONNECTION,
	ALERT_EVENT,
	ALERT_DETAIL,
};
struct alert_field {
	uint8_t kind;
	const char *label;  /* as written */
	const char *detail; /* of ALERT_DETAIL: its key */
};

/* "alert", "level", or a field: is like the pattern, in which "*" is any octets. */
struct alert_matcher {
	const char *label, *pattern;
};
struct alert_matchers {
	struct alert_matcher list[ALERT_MATCHERS];
	unsigned count;
};

/* While an alert like source is there, one like target with the same labels is not told of. */
struct alert_inhibition {
	struct alert_matchers source, target;
	struct texts equal;
};

struct alert_rule {
/* One member a row of alert_rules.def, but for the mapping. */
#define ALERT_TEXT(name, help) const char *name; /* NULL: not given */
#define ALERT_TEXTS(name, help) struct texts name;
#define ALERT_MAP(name, help) struct event_where name;
#define ALERT_BOOLEAN(name, value, help) bool name;
#define ALERT_INTEGER(name, value, min, max, unit, help) int64_t name##_;
#include "tables/alert_rules.def"
#undef ALERT_TEXT
#undef ALERT_TEXTS
#undef ALERT_MAP
#undef ALERT_BOOLEAN
#undef ALERT_INTEGER
	/* made of them */
	uint64_t events; /* bit set of enum event_type */
	uint8_t least_level;
	int alert_level; /* enum fw_level; -1: as the event has it */
	struct alert_field fields[ALERT_BY];
	unsigned field_count;
	unsigned row;	    /* of metrics.def, or ALERT_NO_METRIC */
	bool counts;	    /* that row is a counter */
	bool new_addresses; /* an event counts whose address was not seen for a day or two */
	uint8_t digest[32]; /* equal means that what was counted stays */
};
#endif
