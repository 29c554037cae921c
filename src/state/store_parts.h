/* store_parts.h: the tables of the store, for the files of this folder only. Each is of a fixed size, keyed with
 * SipHash under a random key, so that nobody can choose which entries share a place. Memory is taken at once
 * (mem_table): pages that were never used cost nothing. */
#ifndef STATE_STORE_PARTS_H
#define STATE_STORE_PARTS_H
#include <pthread.h>
#include <stdatomic.h>

#include "base/addr.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/slice.h"
#include "state/limits.h"
#include "state/marks.h"
#include "state/store.h"
#include "state/threats.h"

#define HOUR_NS ((uint64_t)3600 * 1000000000)

/* prefix.c: what addresses are counted by: their first bits as the words of a hash. What is behind them is zero. */
struct prefix {
	uint64_t head;	 /* the first 8 octets */
	uint64_t family; /* 0, 4 or 6 */
};
struct prefix prefix_of(const struct fw_addr *address);						    /* the /32 or /64 */
struct prefix prefix_within(const struct fw_addr *address, unsigned ipv4_bits, unsigned ipv6_bits); /* IPv6: up to 64 */
struct fw_addr prefix_address(const struct prefix *prefix);
static inline bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->head == b->head && a->family == b->family;
}

/* presence.c: how many connections an address has. Entries live only while a connection does, so none is ever evicted.
 */
struct presence_slot {
	struct prefix prefix;
	uint32_t connections; /* 0: the slot is free */
};
struct presence {
	struct hash_key key;
	struct presence_slot *slots; /* open addressing, twice as many as may be used */
	uint32_t used;
	uint32_t total; /* connections of all addresses */
};
int presence_init(struct presence *presence, const struct hash_key *key);
void presence_fini(struct presence *presence);
bool presence_enter(struct presence *presence, const struct prefix *prefix,
		    uint32_t most); /* false: as many as it may */
void presence_leave(struct presence *presence, const struct prefix *prefix);

/* Where an address and a user may stand: a user as a keyed hash of the name. */
enum { PREFIX_USER = 1 };

/* offences.c: points of an address or user, each for the window of its event. Losing an entry harms nobody but the
 * record of its owner, so a full set forgets the one whose points count no longer, or are the first to. */
enum { OFFENCE_WAYS = 8, OFFENCE_STEPS = 13, OFFENCE_KINDS = 5 };
struct offence_slot {
	struct prefix subject;		/* with the window in its family */
	uint64_t end_ns;		/* of the window of the newest points; 0: the slot is free */
	uint64_t width_ns, step;	/* of a step; that of the newest points */
	uint32_t points[OFFENCE_STEPS]; /* by step modulo OFFENCE_STEPS */
	uint32_t kind_points[OFFENCE_KINDS];
	uint8_t kinds[OFFENCE_KINDS]; /* enum event_type; the last one, EVENT_TYPES, is for all others; 0 points: free
				       */
};
struct offences {
	struct hash_key key;
	uint64_t window_ns[STORE_WINDOWS];
	struct offence_slot *slots; /* sets of OFFENCE_WAYS */
};
int offences_init(struct offences *offences, const struct hash_key *key);
void offences_fini(struct offences *offences);
void offences_configure(struct offences *offences, const uint64_t window_ns[STORE_WINDOW_others]);
uint32_t offences_count(struct offences *offences, const struct prefix *prefix, unsigned event, uint32_t points,
			uint64_t now_ns); /* with these */
uint32_t offences_score(struct offences *offences, const struct prefix *prefix, uint64_t now_ns);
unsigned offences_kinds(struct offences *offences, const struct prefix *prefix,
			struct store_kind ret_kinds[STORE_KINDS]); /* how many */
void offences_forget(struct offences *offences, const struct prefix *prefix);

/* credit.c: how many users logged in from an address within one or two days: a lower bound, 64 at most. */
enum { CREDIT_WAYS = 8 };
struct credit_slot {
	struct prefix prefix;
	uint64_t period;   /* the one that is, from 1 on; 0: the slot is free */
	uint64_t users[2]; /* a bit for each of 64 hashes of a name: of this period, and of the one before */
};
struct credit {
	struct hash_key key;
	struct credit_slot *slots; /* sets of CREDIT_WAYS */
};
int credit_init(struct credit *credit, const struct hash_key *key);
void credit_fini(struct credit *credit);
void credit_note(struct credit *credit, const struct prefix *prefix, struct fw_slice user, uint64_t now_ns);
unsigned credit_users(struct credit *credit, const struct prefix *prefix, uint64_t now_ns);

/* An end that the clock cannot reach is never. 0 is left for "none". */
static inline uint64_t store_end(uint64_t now_ns, uint64_t life_ns)
{
	uint64_t end;

	if (__builtin_add_overflow(now_ns, life_ns, &end))
		end = UINT64_MAX;
	return end != 0 ? end : 1;
}

/* blocks.c: the block list. What an operator put there gives way to nothing; what was put there automatically gives
 * way, when the list is full, to a newer one: of a few dozen the one that would have ended first. One that is over
 * stays, where there is room, until the earlier blocks it counts are forgotten. */
struct block_slot {
	struct prefix prefix;
	uint64_t until_ns;
	uint64_t forgive_ns; /* when one of blocks is forgotten */
	uint32_t blocks, score;
	bool automatic, changed;
	uint8_t user_size;
	char user[STORE_NAME];
	char reason[STORE_BLOCK_REASON];
};
struct blocks {
	struct hash_key key;
	struct block_slot *slots; /* open addressing, twice as many as may be used */
	/* A bit a slot that is used: a free one is not looked at, which would take memory for it, on some kernels. */
	uint64_t taken[2 * LIMIT_BLOCKS / 64];
	uint32_t used;
	uint32_t changed;    /* slots that are marked so */
	uint32_t cursor;     /* of the sweep and of the search for one to give up */
	uint64_t forgive_ns; /* of store_options */
};
static inline bool blocks_taken(const struct blocks *blocks, uint32_t at)
{
	return (blocks->taken[at / 64] >> at % 64 & 1) != 0;
}
int blocks_init(struct blocks *blocks, const struct hash_key *key);
void blocks_fini(struct blocks *blocks);
bool blocks_has(const struct blocks *blocks, const struct prefix *prefix, uint64_t now_ns);
struct block_slot *blocks_find(struct blocks *blocks, const struct prefix *prefix); /* or NULL */
/* In place of the one that is there; wish->changed is not looked at. False: full. */
bool blocks_put(struct blocks *blocks, const struct block_slot *wish, uint64_t now_ns);
void blocks_mark(struct blocks *blocks, struct block_slot *slot, bool changed);
bool blocks_remove(struct blocks *blocks, const struct prefix *prefix);
/* Automatic ones that are remembered; of one that lasts, with it. */
uint32_t blocks_earlier(const struct blocks *blocks, struct block_slot *slot, uint64_t now_ns);
void blocks_sweep(struct blocks *blocks, uint64_t now_ns, uint32_t steps);

/* logouts.c */
struct logout_slot {
	uint8_t mark[16];
	uint64_t before_wall_us, until_wall_us; /* until: 0: free */
};
struct logouts {
	struct logout_slot *slots;
};
void logouts_fini(struct logouts *logouts);
bool logouts_put(struct logouts *logouts, const uint8_t mark[16], uint64_t before_wall_us,
		 uint64_t until_wall_us); /* false: memory is short */
void logouts_each(const struct logouts *logouts, store_logout_function *each, void *user);
bool logouts_has(const struct logouts *logouts, const uint8_t mark[16], uint64_t issued_wall_us);

/* sessions.c: sessions by the hash of their token, and by user in the order they were opened. A slot is what an idle
 * connection costs here, so the three texts, mostly short, lie in one allocation of their size. */
enum { SESSION_NONE = 0 };
struct session_slot {
	uint8_t key[32];
	uint64_t idle_ns;	  /* end of the idle time; UINT64_MAX while a connection holds it */
	uint64_t opened;	  /* a count: the smallest of a user is the oldest */
	uint64_t expires_wall_us; /* absolute end */
	uint64_t credential;
	uint64_t issued_wall_us;
	char *texts; /* user id, role, session id, binding, key id, origin, one behind the other; NULL: the slot is free
		      */
	uint32_t next_key; /* chains and the free list: index, SESSION_NONE ends */
	uint32_t next_user;
	uint8_t user_id_size;
	uint8_t role_size;
	uint8_t session_id_size;
	uint8_t binding_size;
	uint8_t key_id_size;
	uint8_t origin_size;
};
_Static_assert(STORE_NAME <= UINT8_MAX && STORE_ROLE <= UINT8_MAX && STORE_SESSION_ID <= UINT8_MAX, "sizes are octets");
struct sessions {
	struct hash_key key;
	struct session_slot *slots; /* from 1 */
	uint32_t *by_key, *by_user;
	uint32_t free;	  /* list of slots given back */
	uint32_t touched; /* slots above were never used */
	uint32_t count;
	uint32_t cursor;
	uint64_t opened;
};
int sessions_init(struct sessions *sessions, const struct hash_key *key);
void sessions_fini(struct sessions *sessions);
/* The index of a live session, or SESSION_NONE. */
uint32_t sessions_find(struct sessions *sessions, const uint8_t key[32]);
void sessions_remove(struct sessions *sessions, uint32_t index);
/* The texts of a session for sessions_add; NULL when memory is short, or one is longer than its field. */
char *sessions_texts(const struct store_session *session);
/* A free slot, linked under key and user, that owns the texts from now on; SESSION_NONE when every slot is held by a
 * connection. */
uint32_t sessions_add(struct sessions *sessions, const uint8_t key[32], const struct store_session *session,
		      char *texts);
void sessions_read(const struct session_slot *slot, struct store_session *ret_session);
/* How many a user has, and the oldest of them. */
uint32_t sessions_of_user(const struct sessions *sessions, const struct store_session *session, uint32_t *ret_oldest);
/* The oldest of the same user that no connection holds, or SESSION_NONE. */
uint32_t sessions_left_of_user(const struct sessions *sessions, const struct store_session *session);
bool sessions_ended(const struct session_slot *slot, struct fw_time now);
/* Of a user all, else the one of that id; how many there were. */
uint32_t sessions_remove_user(struct sessions *sessions, struct fw_slice user);
bool sessions_remove_id(struct sessions *sessions, struct fw_slice session_id, struct store_session *ret_session);
uint32_t sessions_remove_key(struct sessions *sessions, struct fw_slice key_id);
void sessions_sweep(struct sessions *sessions, struct fw_time now, uint32_t steps);

/* proofs.c: proofs that were used, until they could not be used again. Nothing is evicted: what was forgotten could be
 * replayed. */
struct proof_slot {
	uint8_t proof[32];
	uint64_t until_ns, until_wall_us; /* both must have passed: whichever clock was set */
	uint32_t next;			  /* in the chain, or of the free list */
	bool used;
};
struct proofs {
	struct hash_key key;
	struct proof_slot *slots; /* from 1; 0 ends a chain */
	uint32_t *chains;
	uint32_t free;	  /* list of slots given back */
	uint32_t touched; /* slots above were never used */
	uint32_t cursor;
};
int proofs_init(struct proofs *proofs, const struct hash_key *key);
void proofs_fini(struct proofs *proofs);
enum fw_answer_code proofs_take(struct proofs *proofs, const uint8_t proof[32], uint64_t until_wall_us,
				struct fw_time now);
void proofs_sweep(struct proofs *proofs, struct fw_time now, uint32_t steps);

/* revocations.c */
struct revocation {
	struct revocation *next;
	uint64_t before_wall_us;
	bool disabled;
	uint16_t user_size, reason_size;
	uint8_t texts[]; /* user, reason */
};
struct revocations {
	struct hash_key key;
	struct revocation **chains;
	uint32_t count;
};
int revocations_init(struct revocations *revocations, const struct hash_key *key);
void revocations_fini(struct revocations *revocations);
const struct revocation *revocations_find(const struct revocations *revocations, struct fw_slice user); /* or NULL */
enum store_revoked revocations_put(struct revocations *revocations, const struct store_revocation *wish);
bool revocations_remove(struct revocations *revocations, struct fw_slice user);
void revocations_each(const struct revocations *revocations, store_revocation_function *each, void *user);

/* api_keys.c: API keys by their id. One that was revoked or has expired stays until there is no room, so that the
 * record can say what became of it. */
struct api_key {
	struct api_key *next;
	struct api_key *next_used; /* list of those whose use is not written yet */
	uint64_t created_wall_us, expires_wall_us, revoked_wall_us, used_wall_us;
	bool used;
	uint8_t name_size, role_size, network_count;
	uint16_t scopes_size;
	uint8_t hash[32];
	char id[STORE_KEY_ID];
	struct addr_net *networks; /* behind the texts, in the same allocation */
	char texts[];		   /* name, role, scopes */
};
struct api_keys {
	struct hash_key key;
	struct api_key **chains;
	struct api_key *used;
	uint32_t count;
};
int api_keys_init(struct api_keys *keys, const struct hash_key *key);
void api_keys_fini(struct api_keys *keys);
struct api_key *api_keys_find(const struct api_keys *keys, struct fw_slice id); /* or NULL */
enum store_key_kept api_keys_put(struct api_keys *keys, const struct store_api_key *wish, uint64_t now_wall_us,
				 char ret_forgotten[STORE_KEY_ID]);
void api_keys_read(const struct api_key *key, struct store_api_key *ret_key);
bool api_keys_ended(const struct api_key *key, uint64_t now_wall_us);
const char *api_keys_fault(const struct api_key *key, const uint8_t *hash, const struct fw_addr *address,
			   uint64_t now_wall_us); /* NULL: it may be used */
void api_keys_note_use(struct api_keys *keys, struct api_key *key, uint64_t now_wall_us);
size_t api_keys_take_used(struct api_keys *keys, struct store_api_key *ret_keys, size_t most);
void api_keys_each(const struct api_keys *keys, store_key_function *each, void *user);

/* restrictions.c */
struct restrictions {
	_Atomic unsigned count;
	struct store_restriction rows[LIMIT_RESPONSES];
};

struct store {
	pthread_mutex_t lock; /* of everything but attempts */
	struct store_options options;
	struct {
		_Atomic uint64_t interval_ns, burst_ns;
	} rates[LIMIT_KINDS];		   /* of the options, read without the lock */
	unsigned ipv4_prefix, ipv6_prefix; /* never change */
	struct presence presence;
	struct limits attempts; /* what strangers can fill */
	struct limits limits;	/* what takes a login */
	struct marks known;	/* from where users have logged in: marks */
	struct offences offences;
	struct credit credit;
	struct blocks blocks;
	struct hash_key user_key, chance_key; /* of penalties.c */
	uint64_t chances;
	_Atomic bool refuses; /* options.step_percent of refuse is not 0; read without the lock */
	struct sessions sessions;
	struct sessions tickets; /* for a login each, which no connection holds */
	struct restrictions restrictions;
	struct revocations revocations;
	struct proofs proofs;
	struct logouts logouts;
	uint64_t begun_wall_us;
	uint8_t nonce_key[32]; /* never changes: read without the lock */
	struct api_keys api_keys;
	struct threats *threats;
};

struct prefix store_prefix(const struct store *store, const struct fw_addr *address);
void store_set_rate(struct store *store, enum limit_kind kind, const struct gcra *rate);
/* penalties.c, store_blocks.c, under the lock: */
struct prefix penalties_user(const struct store *store, struct fw_slice user);
bool penalties_user_blocked(const struct store *store, struct fw_slice user, uint64_t now_ns);
/* Takes the lock. */
bool penalties_refuses(struct store *store, const struct prefix *prefix, uint64_t now_ns, uint32_t *ret_retry_ms);
void penalties_read(const struct block_slot *slot, uint64_t now_ns, struct store_block *ret_block);

/* store.c, under the lock: */
bool store_is_revoked(const struct store *store, const struct store_session *session);
bool store_key_ended(const struct store *store, const struct store_session *session, uint64_t now_wall_us);
#endif
