/* inspect.h: the classes and rules of inspection, and what the configuration says of them. */
#ifndef POLICY_INSPECT_H
#define POLICY_INSPECT_H
#include <stdbool.h>
#include <stdint.h>

#include "policy/patterns.h"
#include "base/texts.h"

enum detect_class {
#define DETECT_CLASS(name, word, help) DETECT_##name,
#include "tables/detect_classes.def"
#undef DETECT_CLASS
	DETECT_CLASSES
};
enum detect_rule {
#define DETECT_RULE(name, class, id, points, reason) RULE_##name,
#include "tables/detect_rules.def"
#undef DETECT_RULE
	DETECT_RULES
};

extern const char *const detect_class_words[DETECT_CLASSES];

struct detect_rules {
	uint64_t bits[(DETECT_RULES + 63) / 64];
};
static inline void detect_rules_add(struct detect_rules *rules, unsigned rule)
{
	rules->bits[rule / 64] |= UINT64_C(1) << (rule % 64);
}
static inline bool detect_rules_has(const struct detect_rules *rules, unsigned rule)
{
	return (rules->bits[rule / 64] >> (rule % 64) & 1) != 0;
}

enum inspect_mode { INSPECT_OFF, INSPECT_MONITOR, INSPECT_REFUSE };

/* Rules that say nothing of a field: of validation.inspect.exceptions. */
struct policy_exception {
	const char *type;  /* of message; "*": any */
	const char *field; /* a path; NULL: any */
	struct detect_rules rules;
};
/* At so many points; 0: never. */
struct policy_points {
	const char *type;  /* of message; "*": any */
	const char *field; /* a path; "*": any */
	uint8_t class;
	int64_t refuse, flag;
};
/* A rule of the configuration. */
enum rule_action { RULE_SCORES, RULE_FLAGS, RULE_REFUSES };
struct policy_rule {
	const char *id, *pattern, *reason; /* reason: NULL: none was given */
	struct texts types, fields;	   /* where it is looked for; none: everywhere */
	uint8_t class, action, flags;
	int64_t score;
};
struct policy_inspect {
	struct policy_rule *rules;
	unsigned rule_count;
	struct patterns *patterns;			      /* of the rules, owned; NULL: there are none */
	int64_t refuse[DETECT_CLASSES], flag[DETECT_CLASSES]; /* at so many points; 0: never */
	struct policy_points *points;			      /* of fields: the last that fits counts */
	unsigned points_count;
	struct policy_exception *exceptions;
	unsigned exception_count;
};
/* What is different on a route. */
struct policy_route_inspect {
	bool has_mode;
	uint8_t mode; /* enum inspect_mode */
	bool own[DETECT_CLASSES];
	int64_t refuse[DETECT_CLASSES], flag[DETECT_CLASSES];
	struct texts points; /* the same as written */
};
#endif
