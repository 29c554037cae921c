/* alert_parts.h: the inside of the alerts, for its own files. */
#ifndef ALERT_ALERT_PARTS_H
#define ALERT_ALERT_PARTS_H
#include "alert/alert.h"

enum { WAYS = 8, BUCKETS = 30, NO_GROUP = 0xffff, SEEN_BITS = 1 << 19 };
#define SECOND_NS ((uint64_t)1000000000)
#define SEEN_NS (24 * 3600 * SECOND_NS)

/* One rule and one value of each of its fields. */
struct alert {
	uint64_t hash; /* of both */
	uint16_t rule;
	uint16_t group; /* NO_GROUP: it is alone */
	bool used, shared;
	uint8_t state; /* enum alert_state */
	uint8_t mute;  /* enum alert_mute: when it was last to be told of */
	bool told;     /* of the present firing */
	bool owed;     /* somebody is to be told */
	bool over;     /* and that it is over, with its group */
	uint8_t level, told_level;
	uint16_t sources;		     /* bit set of inhibitions: it is a source of */
	uint64_t since_ns, last_ns, told_ns; /* told_ns 0: never */
	uint64_t causes, suppressed;
	int64_t value;
	uint64_t figure; /* of a counter, last time */
	bool has_figure;
	uint64_t bucket; /* number of the newest one: now / width */
	uint32_t buckets[BUCKETS];
	struct fw_addr address;
	char values[ALERT_BY][ALERT_VALUE];
	char event_id[FW_EVENT_ID_SIZE + 1];
};

struct alert_group {
	bool used;
	uint64_t hash, next_ns, told_ns;
	unsigned members;
	char labels[ALERT_LINE];
};

struct alerts {
	struct alert_rules rules;
	struct hash_key key;
	alert_tell *tell;
	void *user;
	struct alert list[LIMIT_ALERTS];
	struct alert spare[LIMIT_ALERT_RULES_ALL]; /* of each rule: what all share that find no room */
	struct alert_group groups[LIMIT_ALERT_GROUPS];
	unsigned group_count;
	struct alert_silence silences[LIMIT_SILENCES];
	unsigned source_count[LIMIT_ALERT_INHIBITIONS]; /* firing alerts that are a source */
	unsigned next_muted;				/* of list: who is asked next whether he may be told of */
	bool changed;
	struct alert_figures figures;
	uint64_t seen_ns;		  /* since when the first is filled */
	uint64_t seen[2][SEEN_BITS / 64]; /* Bloom filters of addresses: of this day, of the one before */
};

/* All alerts, those that are shared behind the others. */
enum { ALERTS_ALL = LIMIT_ALERTS + LIMIT_ALERT_RULES_ALL };
static inline struct alert *alert_at(struct alerts *alerts, unsigned number)
{
	return number < LIMIT_ALERTS ? &alerts->list[number] : &alerts->spare[number - LIMIT_ALERTS];
}
static inline const struct alert_rule *alert_rule_of(const struct alerts *alerts, const struct alert *alert)
{
	return &alerts->rules.rules[alert->rule];
}

/* alert_find.c: places in the table, and labels */
/* NULL: the event lacks a field. */
struct alert *alert_find(struct alerts *alerts, unsigned rule, const struct fw_record *record, uint64_t now_ns);
struct alert *alert_find_values(struct alerts *alerts, unsigned rule, const char *const *values,
				const struct fw_addr *address, uint64_t now_ns);
bool alert_is_cooling(const struct alerts *alerts, const struct alert *alert, uint64_t now_ns);
const char *alert_label(const struct alerts *alerts, const struct alert *alert,
			const char *label); /* "": it has none */
size_t alert_labels(const struct alerts *alerts, const struct alert *alert, char ret_text[ALERT_LINE]);
void alert_id(const struct alerts *alerts, const struct alert *alert, char ret_id[17]);
bool alert_seen(struct alerts *alerts, const struct fw_addr *address, uint64_t now_ns); /* and notes it */

/* alert_mute.c */
enum alert_mute alert_muted(const struct alerts *alerts, const struct alert *alert, uint64_t now_ns);
void alert_sources(struct alerts *alerts, struct alert *alert); /* after its state or level changed */

/* alert_tell.c: alone and in groups */
void alert_owe(struct alerts *alerts, struct alert *alert, bool at_once, uint64_t now_ns);
void alert_end(struct alerts *alerts, struct alert *alert, uint64_t now_ns); /* it fires no more */
void alert_try(struct alerts *alerts, struct alert *alert, uint64_t now_ns); /* what is owed of it alone */
void alert_groups(struct alerts *alerts, uint64_t now_ns);
void alert_leave(struct alerts *alerts, struct alert *alert); /* its group */
#endif
