/* alert.h: which alerts there are, and when somebody is told of one: counting, cooldown, grouping, inhibition,
 * silences, repetition and the end of it, with the meanings that Prometheus' Alertmanager gives these words. Time is an
 * argument, of a clock that nobody sets. Memory is taken once; what finds no room of its own shares one alert with all
 * others of its rule like it. One thread at a time.
 *
 * Never: sockets, files, clocks; an alert about an alert. */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H
#include <framewall/event.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/pool.h"
#include "policy/alert_rule.h"

enum { ALERT_VALUE = 64, ALERT_LINE = 480, ALERT_REASON = 120, ALERT_AUTHOR = 64, ALERT_PATTERN = 80 };

/* What the rules say; stays the caller's, and as it is, until it is set anew. */
struct alert_rules {
	const struct alert_rule *rules;
	unsigned count;
	const struct alert_inhibition *inhibitions;
	unsigned inhibition_count;
	struct texts group_by; /* labels; none: each alert by itself */
	uint64_t cooldown_ns, resolve_ns, group_wait_ns, group_interval_ns, repeat_ns;
};

/* One alert, or a group of them: raised, or over. Texts live until the call returns. */
struct alert_notice {
	bool resolved;
	bool again; /* it is still there */
	uint8_t level;
	const char *rule;		     /* of the first one */
	const char *summary;		     /* NULL: none */
	char id[17];			     /* of the first one: the same for the same rule and labels */
	char labels[ALERT_LINE];	     /* of it: address="192.0.2.1", user="bob" */
	struct fw_addr address;		     /* of it, where it is one of the labels */
	const char *user;		     /* the same; NULL: none */
	uint64_t since_ns;		     /* of it */
	uint64_t causes;		     /* of all: since they began */
	uint64_t suppressed;		     /* of all: that nobody was told of since the last notice */
	int64_t value;			     /* of it: what was counted or measured */
	char event_id[FW_EVENT_ID_SIZE + 1]; /* of it: the last event; "": a metric */
	unsigned count;			     /* alerts */
	const char *group;		     /* its labels; "": it is alone */
	char others[ALERT_LINE];	     /* the others, as "name{labels} level", cut */
};
typedef void alert_tell(void *user, const struct alert_notice *notice);

struct alerts;
struct alerts *alerts_new(const struct hash_key *key, alert_tell *tell, void *user); /* NULL: memory is short */
struct alerts *alerts_free(struct alerts *alerts);				     /* NULL-safe */
/* The first, and those of a reload: what stays the same goes on, what went is over. */
void alerts_set(struct alerts *alerts, const struct alert_rules *rules, uint64_t now_ns);
void alerts_event(struct alerts *alerts, const struct fw_record *record, uint64_t now_ns);
/* Every second or so. figures: COUNTERS words in the order of metrics.def; NULL: there are none. */
void alerts_tick(struct alerts *alerts, const uint64_t *figures, uint64_t now_ns);
/* Has anything changed that alerts_save would write? Asked once. */
bool alerts_changed(struct alerts *alerts);

/* --- silences */
struct alert_silence {
	uint64_t id; /* 0: it is free */
	uint64_t until_ns, since_ns;
	unsigned matcher_count;
	struct {
		char label[ALERT_NAME + 1], pattern[ALERT_PATTERN + 1];
	} matchers[ALERT_MATCHERS];
	char reason[ALERT_REASON + 1], author[ALERT_AUTHOR + 1];
};
/* Copies it, under an id that is given. 0: there are too many. */
uint64_t alerts_silence(struct alerts *alerts, const struct alert_silence *silence, uint64_t id);
bool alerts_unsilence(struct alerts *alerts, uint64_t id); /* false: there is none */
typedef void alert_silence_each(void *user, const struct alert_silence *silence);
void alerts_each_silence(const struct alerts *alerts, uint64_t now_ns, alert_silence_each *each, void *user);

/* --- what there is */
enum alert_state { ALERT_QUIET, ALERT_PENDING, ALERT_FIRING };
enum alert_mute { ALERT_HEARD, ALERT_SILENCED, ALERT_INHIBITED };
struct alert_status {
	const char *rule;
	char id[17];
	enum alert_state state;
	enum alert_mute mute;
	bool told;
	uint8_t level;
	char labels[ALERT_LINE];
	uint64_t since_ns, told_ns, causes, suppressed;
	int64_t value;
};
typedef void alert_each(void *user, const struct alert_status *status);
void alerts_each(const struct alerts *alerts, uint64_t now_ns, alert_each *each, void *user); /* pending and firing */
struct alert_figures {
	uint64_t raised, resolved, suppressed, shared; /* since the start */
	unsigned firing[4], muted;		       /* now, by level */
	unsigned silences;
};
struct alert_figures alerts_figures(const struct alerts *alerts);

/* --- over a restart. Times become those of the wall clock, by which long they are past. */
/* JSON. False: memory is short. */
bool alerts_save(const struct alerts *alerts, uint64_t now_ns, uint64_t wall_us, struct buf *out, struct pool *pool);
/* After alerts_set. What cannot be read, or is of no rule any more, is left out. False: it is none of ours. */
bool alerts_load(struct alerts *alerts, struct fw_slice text, uint64_t now_ns, uint64_t wall_us, struct arena *arena);
#endif
