/* threat_list.h: a list of addresses that others publish: an entry of threat_intelligence.lists. Part of a policy; no
 * state, any thread. */
#ifndef POLICY_THREAT_LIST_H
#define POLICY_THREAT_LIST_H
#include "codec/threat.h"

enum { THREAT_URL = 1024 };
struct threat_list {
/* One member a row of threat_lists.def. */
#define THREAT_TEXT(name, help) const char *name; /* NULL: not given */
#define THREAT_BOOLEAN(name, value, help) bool name;
#define THREAT_INTEGER(name, value, min, max, unit, help) int64_t name;
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
	/* made of them */
	const char *path; /* of file: */
	enum threat_format kind;
	enum threat_action does;
	uint8_t digest[32]; /* of all rows: equal means that nothing was changed */
};
#endif
