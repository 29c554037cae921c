/* other_world.h: what the parts of the other world know of each other: people, their devices, places, the calendar and
 * the attackers. Times are milliseconds, signed, since a Monday 00:00 UTC. */
#ifndef BENCH_WATCH_OTHER_WORLD_H
#define BENCH_WATCH_OTHER_WORLD_H

#include "other.h"
#include "other_dice.h"

enum {
	OTHER_SECOND = 1000,
	OTHER_MINUTE = 60 * OTHER_SECOND,
	OTHER_HOUR = 60 * OTHER_MINUTE,
	OTHER_DAY = 24 * OTHER_HOUR,
	OTHER_PRESENCES = 24,
	OTHER_COUNTRIES = 12,
	OTHER_HANDS = 24
};
#define OTHER_NEVER INT64_MAX

enum other_persona {
	OTHER_OFFICE,
	OTHER_TRADER,
	OTHER_GAMER,
	OTHER_CHATTER,
	OTHER_SUPPORT,
	OTHER_ADMIN,
	OTHER_ANALYST,
	OTHER_BOT,
	OTHER_AGENT,
	OTHER_OCCASIONAL,
	OTHER_FREELANCER,
	OTHER_PERSONAS
};

enum other_role { OTHER_MEMBER, OTHER_EXPORTER, OTHER_ADMINISTRATOR };

enum other_device_kind { OTHER_DESK, OTHER_PHONE, OTHER_TAB, OTHER_NODE };

enum other_state { OTHER_AWAY, OTHER_OPENED, OTHER_ONLINE, OTHER_CLOSING, OTHER_GONE };

enum other_place { OTHER_PLACE_OWN, OTHER_PLACE_NEAR, OTHER_PLACE_FAR, OTHER_PLACE_HOSTING };

struct other_office {
	unsigned country;
	uint32_t address;
	unsigned closing_day; /* of a month of 21 working days */
};

struct other_person {
	enum other_persona persona;
	enum other_role role;
	unsigned country, office, carrier;
	uint32_t home, hosting;
	unsigned vpn; /* which provider's, 0 is none */
	double vpn_share;
	int start, end;		      /* minutes of the local day */
	unsigned workdays, home_days; /* bit 0 is Monday */
	int shift;
	bool rotates;
	double token_hours[2]; /* how long a login lasts at the desk, on the phone */
	double rate, incoming; /* an hour while present */
	double drift;	       /* of the rate, a day */
	int ping_seconds, refresh_seconds;
	double beat, beat_jitter; /* of programs */
	double mix[TYPES];
	double scale;			/* of the answers to him */
	double day_octets;		/* expected of answers */
	int joined, away_from, away_to; /* days */
	int travel_from, travel_to;
	unsigned travel_country;
	uint32_t travel_address;
	int adopt_day, adopt_type;
	double release_hours; /* until he has the new program */
	uint32_t device, device_count;
};

struct other_presence {
	int64_t from, to;
};

struct other_device {
	struct other_dice dice;
	uint32_t person;
	enum other_device_kind kind;
	enum other_state state;
	int64_t at, due, stop, reopen;
	int day; /* the local day planned last */
	struct other_presence presences[OTHER_PRESENCES];
	unsigned presence_count, presence;
	int64_t last_to;
	uint32_t connection, address, session;
	uint32_t known, shown; /* user and session as in events of the connection */
	int64_t session_until;
	bool on_wifi, cut, place_kept;
	bool at_office;
	unsigned wrong;			/* passwords yet to be mistyped */
	unsigned retries, retries_done; /* of a token or password that is no longer good */
	uint32_t retry_session;
	bool retry_slowly;
	int64_t next_action, next_incoming, next_ping, next_refresh, drop_at, answer_at;
	int answer_type;
	uint32_t ghost_connection, ghost_address, ghost_session; /* left open by a network that went away */
	int64_t ghost_at;
	int64_t flaky_from, flaky_to, burst_at;
	unsigned burst, refused;
	int burst_type, refused_type;
	double mood;
};

/* One connection at a time of an attacker. */
struct other_hand {
	enum other_state state;
	int64_t due, answer_at;
	int answer_type;
	uint32_t connection, address, user, session;
	uint32_t known; /* as in events */
	unsigned rounds, messages;
	bool fits, chosen;
	uint32_t device; /* the owner's */
	int types[2];	 /* a program's */
	double beat;
};

struct other_attack {
	struct other_dice dice;
	enum traffic_kind kind;
	unsigned strength;
	unsigned hand_count;
	struct other_hand hands[OTHER_HANDS];
	uint32_t victim, session, device; /* one for all hands, where the kind has one */
	bool victim_chosen;
	int64_t at, stop;
};

struct other_heap_entry {
	int64_t at;
	uint32_t actor;
};

struct other {
	struct traffic_options options;
	int days;
	int64_t end;
	struct other_office *offices;
	unsigned office_count;
	struct other_person *people;
	struct other_device *devices;
	uint32_t device_count;
	struct other_attack *attacks;
	struct traffic_label *labels;
	uint32_t attack_count;
	uint8_t *taken; /* by an attack */
	struct other_heap_entry *heap;
	uint32_t heap_count;
	int64_t *outages, *outage_ends; /* one a day, or never */
	int64_t release_at;
	int release_type;
	uint32_t numbers[4]; /* connections and sessions, of the honest and of the others */
};

/* other_places.c */
int other_zone(unsigned country); /* minutes east of UTC */
unsigned other_country(struct other_dice *dice);
uint32_t other_residence(const struct other *world, struct other_dice *dice, unsigned country);
uint32_t other_business(const struct other *world, struct other_dice *dice, unsigned country);
uint32_t other_mobile(const struct other *world, struct other_dice *dice, const struct other_person *person);
uint32_t other_exit(const struct other *world, struct other_dice *dice, unsigned provider);
uint32_t other_hosting(const struct other *world, struct other_dice *dice, bool rented_by_honest);
uint32_t other_foothold(const struct other *world, struct other_dice *dice, const struct other_person *person,
			enum other_place place);
uint32_t other_home(const struct other *world, const struct other_person *person, int day);
void other_go_to_place(const struct other *world, struct other_device *device, int64_t now);

/* other_people.c */
void other_make_offices(struct other *world);
void other_make_person(struct other *world, uint32_t index);
unsigned other_count_devices(const struct other_person *person, uint64_t seed, uint32_t index);
void other_make_devices(struct other *world, uint32_t index);

/* other_calendar.c */
void other_make_calendar(struct other *world);
int other_local_day(const struct other_person *person, int64_t now);
int other_local_minute(const struct other_person *person, int64_t now);
bool other_travels(const struct other_person *person, int day);
void other_plan_day(struct other *world, struct other_device *device, int day);
int64_t other_outage_end(const struct other *world, int64_t now); /* 0 when there is none now */
int64_t other_next_cut(const struct other *world, const struct other_device *device, int64_t now);

/* other_messages.c */
bool other_reads(int type);
bool other_permits(enum other_role role, int type);
double other_weight(const struct other *world, const struct other_person *person, int type, int64_t now);
int other_pick_type(const struct other *world, const struct other_person *person, struct other_dice *dice, int64_t now);
uint32_t other_message_size(int type, struct other_dice *dice);
uint32_t other_answer_size(int type, double scale, struct other_dice *dice);
double other_answer_mean(int type);
int64_t other_gap(double an_hour, bool program, struct other_dice *dice);

/* other_device.c */
bool other_device_step(struct other *world, struct other_device *device, struct traffic_event *ret_event);

/* other_attacks.c */
void other_make_attacks(struct other *world);
bool other_attack_step(struct other *world, struct other_attack *attack, struct traffic_event *ret_event);

/* other_victims.c */
bool other_choose(struct other *world, struct other_attack *attack, struct other_hand *hand, int64_t now);
int other_unused_types(const struct other *world, const struct other_person *person, int64_t now, int types[TYPES]);

/* other.c */
uint32_t other_new_connection(struct other *world, bool honest);
uint32_t other_new_session(struct other *world, bool honest);

#endif
