/* parts.h: between the parts of watch. */
#ifndef FRAMEWALL_WATCH_PARTS_H
#define FRAMEWALL_WATCH_PARTS_H

#include "watch/watch.h"

enum { TYPES = WATCH_TYPES, HOURS = 24, NETWORKS = 8, WAYS = 8, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 24 * HOUR_S };

/* The head of what a table holds. */
struct entry {
	uint64_t key; /* 0: free */
	uint32_t seen_s;
};

/* A sum that fades. */
struct fading {
	float sum;
	uint32_t at_s;
};

struct profile {
	struct entry entry; /* user */
	uint32_t first_s;
	uint8_t hours[HOURS];	       /* on how many days he was there; all are halved when one is full */
	uint32_t hours_new, hours_day; /* of that day, a bit each: learned when it is over */
	uint16_t types[TYPES];	       /* messages; all are halved when one is full */
	uint32_t networks[NETWORKS];
	uint8_t network_visits[NETWORKS];
	struct fading abandoned, connects, deliveries, octets;
	float deliveries_top, octets_top,
		connects_top; /* the most there were, an hour ago and before; fall by the day */
	float deliveries_new, octets_new, connects_new; /* of this hour: nothing teaches while it goes on */
	uint32_t tops_s;
	float octets_each; /* usual, of a delivery */
	uint32_t learned;  /* messages, as far as it matters */
	float steady_top, steady_new;
	float refused; /* share of his messages */
	uint32_t told_s[WATCH_KINDS];
	float told_guessed, told_connects;
};
_Static_assert(sizeof(struct profile) <= 256, "a user's profile");

struct network {
	struct entry entry;
	struct fading abandoned;
	uint64_t tried;		   /* the user it tried last to be */
	uint32_t at_home, passing; /* logins of those who mostly come from here, and of others */
	uint32_t told_s;
	float told;
};

struct session {
	struct entry entry;
	uint64_t connection, other; /* that spoke last, and before it */
	struct fading turns;
	float told;
};

struct connection {
	struct entry entry;
	uint64_t user, session, network, login_ms, last_ms;
	float gap_mean, steady, types_evidence, refused_evidence, hour_evidence, network_evidence;
	float odd_types[TYPES];						     /* evidence in each */
	float told_steady, told_refused, told_unlike, told_much, told_twice; /* the score of what was told of it last */
	uint32_t gaps;
	uint8_t types[TYPES];
	uint8_t types_sum, failed, taught, refused_type;
	bool logged_in, odd; /* odd: it was told, and teaches nothing */
};

struct table {
	uint8_t *memory;
	size_t each, sets;
};

/* Of one group: those who mostly send the same type. */
struct peers {
	float types[TYPES];
};

/* How far those go who mean no harm: what the most unusual ones of each day had. */
enum { TAIL_KEPT = 8, TAIL_DAYS = 7, TAIL_DAYS_LEAST = 2 };
struct tail {
	float scores[TAIL_KEPT]; /* of this day, each of somebody else, the highest first */
	uint64_t whose[TAIL_KEPT];
	float bases[TAIL_DAYS], slopes[TAIL_DAYS]; /* of the days before */
	uint32_t days;
	float level; /* once there were TAIL_DAYS_LEAST */
};

/* What is known of all together. */
struct crowd {
	struct peers groups[TYPES], lately; /* lately: shares of all messages */
	struct tail tails[WATCH_KINDS];
	uint32_t day, first_s;
};

struct watch {
	struct watch_options options;
	struct table profiles, networks, sessions, connections;
	struct crowd crowd;
	uint64_t now_ms; /* never goes back */
	bool frozen;
};

bool table_init(struct table *table, size_t each, size_t count);
void table_fini(struct table *table);
void table_clear(struct table *table);
void *table_find(const struct table *table, uint64_t key);
void *table_take(struct table *table, uint64_t key, uint32_t now_s,
		 bool *ret_is_new); /* makes it; the one not seen for longest gives way */

float fading_now(const struct fading *fading, uint32_t now_s, float life_s);
float fading_add(struct fading *fading, float more, uint32_t now_s, float life_s);

/* tail.c: end_day: learn: of this day; wide: its highest days go far apart; margin: a factor on how far the level lies
 * above the third highest. */
void tail_note(struct tail *tail, uint64_t who, float score);
void tail_end_day(struct tail *tail, bool learn, bool wide, float margin);

/* profile.c: what is learned of a user, and how likely something is by it. */
void profile_login(struct watch *watch, struct profile *profile, const struct connection *connection, uint32_t now_s);
void profile_hour(struct profile *profile, uint32_t now_s, bool learn);
void profile_type(struct watch *watch, struct profile *profile, unsigned type);
float profile_hour_evidence(const struct profile *profile, unsigned hour);
float profile_type_share(const struct watch *watch, const struct profile *profile, unsigned type);
bool profile_knows(const struct profile *profile, uint64_t network);
void profile_tops(struct profile *profile, uint32_t now_s,
		  bool learn); /* false: what this hour had is not to be learned */

#endif
