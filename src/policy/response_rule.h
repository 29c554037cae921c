/* response_rule.h: what is done when something is recorded. Part of a policy; no state, any thread. */
#ifndef POLICY_RESPONSE_RULE_H
#define POLICY_RESPONSE_RULE_H
#include <stdbool.h>

#include "base/event_where.h"

enum { RESPONSE_NAME = 40 };

enum response_action {
#define RESPONSE_ACTION(name, restriction, of_address, help) RESPONSE_##name,
#include "tables/response_actions.def"
#undef RESPONSE_ACTION
	RESPONSE_ACTIONS
};
const char *response_action_name(unsigned action);
unsigned response_action_find(const char *name); /* RESPONSE_ACTIONS: there is none */
bool response_action_of_address(unsigned action);

enum response_of { RESPONSE_OF_WHO, RESPONSE_OF_USER, RESPONSE_OF_ADDRESS };

struct response_rule {
/* One member a row of response_rules.def. */
#define RESPONSE_TEXT(name, help) const char *name; /* NULL: not given */
#define RESPONSE_TEXTS(name, help) struct texts name;
#define RESPONSE_MAP(name, help) struct event_where name;
#define RESPONSE_BOOLEAN(name, value, help) bool name;
#define RESPONSE_INTEGER(name, value, min, max, unit, help) int64_t name##_;
#include "tables/response_rules.def"
#undef RESPONSE_TEXT
#undef RESPONSE_TEXTS
#undef RESPONSE_MAP
#undef RESPONSE_BOOLEAN
#undef RESPONSE_INTEGER
	/* made of them */
	uint64_t events;    /* bit set of enum event_type */
	uint8_t does;	    /* enum response_action */
	uint8_t whose;	    /* enum response_of */
	uint8_t digest[32]; /* of all of it */
};
#endif
