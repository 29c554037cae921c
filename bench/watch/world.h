/* world.h: between the parts of the generator. */
#ifndef BENCH_WATCH_WORLD_H
#define BENCH_WATCH_WORLD_H

#include "traffic.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, VISITS_OF_ATTACK = 8, DAYS_MOST = 32 };

/* Random numbers: splitmix64, one state for each who acts, so that attacks do not move what the others do. */
uint64_t dice(uint64_t *state);
double dice_unit(uint64_t *state); /* [0, 1) */
uint32_t dice_below(uint64_t *state, uint32_t bound);
double dice_normal(uint64_t *state);
double dice_exponential(uint64_t *state, double mean);

/* Who connects and talks for a while. */
enum visit_stage { VISIT_NONE, VISIT_OPEN, VISIT_LOGIN, VISIT_TALK, VISIT_CLOSE };
struct visit {
	uint64_t dice;
	uint64_t at;	/* of the next event */
	uint64_t until; /* when he leaves */
	uint32_t connection, user, address, session;
	uint32_t reply;		/* octets that are about to be delivered; 0: none */
	const float *mix;	/* TYPES shares, added up */
	const float *other_mix; /* in place of mix, with this share */
	float other_share;
	float gap, spread; /* median milliseconds between messages, sigma of their logarithm */
	float size;	   /* a factor on the sizes he sends */
	float content;	   /* a factor on what is delivered to him */
	float refused;	   /* share of his messages that his role may not send */
	uint8_t stage, fails, type;
	bool cut;    /* the next event is the end of the connection, by a restart of the service */
	bool person; /* takes part in rushes and restarts */
};

enum persona { PERSONA_CHATTER, PERSONA_WORKER, PERSONA_ANALYST, PERSONA_LURKER, PERSONA_ADMIN, PERSONA_BOT, PERSONAS };

struct person {
	struct visit visit;
	uint32_t home, office, mobile, hotel; /* addresses; office 0: none; mobile: the carrier's network */
	uint32_t session;		      /* the token he has */
	uint64_t session_until;
	float mix[TYPES];
	float gap, spread, size, content, clumsy;
	float hour, width, visits,
		minutes;	    /* when he is there (UTC), how long on either side, visits a day, minutes each */
	float at_home, on_the_road; /* where */
	uint8_t persona, quick_returns;
	bool night_owl, taken;
	uint16_t travels_on; /* a day, as a number; 0: none */
};

struct world {
	struct traffic_options options;
	uint64_t dice;
	uint64_t end;
	struct person *people;
	uint32_t connections, sessions;
	uint64_t restart[DAYS_MOST], rush[DAYS_MOST]; /* one of each a day, at most */
};

void world_people(struct world *world); /* makes them and plans their first visit */
uint32_t world_home(uint64_t *dice);	/* addresses: of a home, of a mobile network, of a rented server */
uint32_t world_mobile(uint64_t *dice, uint32_t carrier);
uint32_t world_server(uint64_t *dice);

void visit_begin(struct world *world, struct visit *visit, uint64_t at, uint64_t until);
/* Writes his next event and plans the one behind it; stage is VISIT_NONE after the last. */
void visit_step(struct world *world, struct visit *visit, struct traffic_event *ret_event);

void person_step(struct world *world, struct person *person, struct traffic_event *ret_event);

struct attack;
struct attack *attack_new(struct world *world, struct traffic_label *label, unsigned number);
uint64_t attack_at(const struct attack *attack); /* of its next event; UINT64_MAX: over */
bool attack_step(struct world *world, struct attack *attack, struct traffic_event *ret_event); /* false: it waited */
int attack_claims(const struct attack *attack, uint32_t user,
		  uint64_t at); /* whether what this user does himself is part of it */
void attack_free(struct attack *attack);

#endif
