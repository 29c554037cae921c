/* store.h: what the workers share: sessions, address limits, the block list. In memory, fixed tables, keyed hashing.
 * Any thread; locks inside, held for a table operation only. Time is an argument. Does not know the engine: it answers
 * with the codes of <framewall/conn.h>, which the shell passes on. */
#ifndef STATE_STORE_H
#define STATE_STORE_H
#include <framewall/conn.h>

#include "base/addr.h"
#include "base/gcra.h"
#include "base/limit_kind.h"
#include "base/limits.h"

struct store;
struct threats;

/* What is done about an address or a user that breaks rules, from little to much. */
enum store_step {
	STORE_STEP_none,
#define PENALTY(name, help) STORE_STEP_##name,
#include "tables/penalties.def"
#undef PENALTY
	STORE_STEP_block,
	STORE_STEPS
};
/* How long a point counts: by its event. */
enum store_window {
#define WINDOW(name, event) STORE_WINDOW_##name,
#include "tables/windows.def"
#undef WINDOW
	STORE_WINDOW_others, /* an hour */
	STORE_WINDOWS
};

/* May be changed at run time with store_configure. */
struct store_options {
	uint32_t max_connections_per_ip;
	uint32_t max_connections;
	struct gcra auth_rate; /* login attempts of one address prefix */
	/* No limit where the interval is 0: handshakes of an address, login attempts at an account, sessions that a
	 * user opens. */
	struct gcra handshake_rate, account_rate, session_rate;
	uint32_t max_sessions_per_user;
	bool sessions_refused;	      /* over that: where connections hold so many, no further one is opened */
	uint64_t session_idle_ns;     /* life of a session that no connection holds */
	uint64_t session_absolute_us; /* since it was opened */
	uint32_t violation_threshold; /* points that count at a time */
	uint64_t window_ns[STORE_WINDOW_others]; /* how long they do; 0: an hour */
	uint64_t block_ns;			 /* the longest automatic block */
	uint64_t block_first_ns;		 /* the first one; 0: as long as the longest */
	uint32_t block_factor;			 /* each next one is so many times as long; 0: as 1 */
	uint32_t block_jitter;			 /* and up to so many percent longer, by chance */
	uint64_t forgive_ns;		   /* without a block, after which one earlier block is forgotten; 0: at once */
	uint32_t shared_users;		   /* users of late from which on an address is a shared one; 0: never */
	uint32_t shared_most;		   /* times the threshold that a shared address has at most */
	uint8_t step_percent[STORE_STEPS]; /* of the threshold, where a step begins; 0: never */
	uint64_t begun_wall_us;		   /* of store_new alone: when there was nothing in it */
	/* Bits of an address that limits count by, of store_new alone; 0: 32 and 64, which blocks always count by. */
	unsigned ipv4_prefix, ipv6_prefix;
};

struct store *store_new(const struct store_options *options, const struct fw_random *random); /* NULL: memory */
struct store *store_free(struct store *store);
/* Lists of addresses that others publish: state/threats.h. Of the store, whose life it shares. */
struct threats *store_threats(const struct store *store);
void store_configure(struct store *store, const struct store_options *options);

/* A connection asks to be here; YES counts it until store_release. BLOCKED, FULL (of the address) or OVERLOAD
 * otherwise. */
enum fw_answer_code store_admit(struct store *store, const struct fw_addr *address, uint64_t now_ns);
void store_release(struct store *store, const struct fw_addr *address);
/* store_handshake_slot, then store_admit. */
enum fw_answer_code store_arrive(struct store *store, const struct fw_addr *address, uint64_t now_ns,
				 uint32_t *ret_retry_ms);
/* What a session that was opened says of its user and its address: store_login_known and store_well_done. */
void store_logged_in(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns);

/* YES, or LIMITED with *ret_retry_ms. A full table counts all addresses it has no cell for in one shared cell
 * (stricter, never open). */
enum fw_answer_code store_auth_slot(struct store *store, const struct fw_addr *address, uint64_t now_ns,
				    uint32_t *ret_retry_ms);

/* The same for a handshake, before anything else is asked of it. */
enum fw_answer_code store_handshake_slot(struct store *store, const struct fw_addr *address, uint64_t now_ns,
					 uint32_t *ret_retry_ms);
/* The same for an attempt at the password of an account, from wherever it comes. An address from which that user has
 * logged in within a week is left to its own limit: so nobody is locked out by others who guess. */
enum fw_answer_code store_account_slot(struct store *store, struct fw_slice user, const struct fw_addr *address,
				       uint64_t now_ns, uint32_t *ret_retry_ms);
/* The same for a session that a user is about to open. */
enum fw_answer_code store_session_slot(struct store *store, struct fw_slice user, uint64_t now_ns,
				       uint32_t *ret_retry_ms);
/* A word that connections count messages on together, as limits_hold: of an address (name is not looked at), else of a
 * name. Given back by store_limit_release. *ret_crowded: it is that of all who found no place. */
_Atomic uint64_t *store_limit_hold(struct store *store, enum limit_kind kind, const struct fw_addr *address,
				   struct fw_slice name, const struct gcra *rate, uint64_t now_ns, bool *ret_crowded);
void store_limit_release(struct store *store, enum limit_kind kind, _Atomic uint64_t *word);
/* That user has logged in from there. */
void store_login_known(struct store *store, struct fw_slice user, const struct fw_addr *address, uint64_t now_ns);

enum {
	STORE_NAME = 128,
	STORE_ROLE = 64,
	STORE_SESSION_ID = 32,
	STORE_BINDING = 65,
	STORE_KEY_ID = 8,
	STORE_ORIGIN = 32
};
struct store_session {
	char user_id[STORE_NAME];
	size_t user_id_size;
	char role[STORE_ROLE];
	size_t role_size;
	char session_id[STORE_SESSION_ID]; /* public id, 16 hex digits */
	size_t session_id_size;
	char key_id[STORE_KEY_ID];	/* API key of the store that it was opened with */
	size_t key_id_size;		/* STORE_KEY_ID, or 0: none */
	uint64_t expires_wall_us;	/* absolute end */
	uint64_t credential;		/* fw_need.credential */
	uint64_t issued_wall_us;	/* when that credential was issued; 0: it does not say */
	uint8_t binding[STORE_BINDING]; /* fw_need.binding */
	size_t binding_size;
	uint8_t origin[STORE_ORIGIN]; /* fw_need.origin */
	size_t origin_size;
};
/* Stores a session under the SHA-256 of its token. NO when the user was revoked since the credential was issued, or its
 * API key has ended. When the user has too many the oldest is forgotten and its public id copied to ret_evicted (size 0
 * when none): the shell ends the connection that holds it. LIMITED when the table is full, FAILED when memory is short:
 * then nothing was changed. */
enum fw_answer_code store_session_open(struct store *store, const uint8_t key[32], const struct store_session *session,
				       struct fw_time now, char ret_evicted[STORE_SESSION_ID],
				       size_t *ret_evicted_size);
/* Logins whose origin has this mark are refused from now on, where their credential was issued until then; remembered
 * for as long. False: memory is short. */
bool store_logout(struct store *store, const uint8_t mark[16], uint64_t before_wall_us, uint64_t until_wall_us);
typedef void store_logout_function(void *user, const uint8_t mark[16], uint64_t before_wall_us, uint64_t until_wall_us);
void store_logout_list(struct store *store, store_logout_function *each, void *user); /* under the lock */
/* Finds and forgets (single use). NO when unknown or expired. Of one that an API key opened the key is the caller's to
 * ask for: store_key_check. */
enum fw_answer_code store_session_take(struct store *store, const uint8_t key[32], struct fw_time now,
				       struct store_session *ret_session);
/* The connection that opened it is gone: from now on its idle time runs. Until then only its absolute end counts. */
void store_session_leave(struct store *store, const uint8_t key[32], uint64_t now_ns);
/* Login tickets, under the SHA-256 of each: what a session would have, for a login that is yet to come. NO, LIMITED,
 * FAILED as above. Of one user there are at most max_sessions_per_user: the oldest gives way. */
enum fw_answer_code store_ticket_open(struct store *store, const uint8_t key[32], const struct store_session *session,
				      uint64_t life_ns, struct fw_time now);
enum fw_answer_code store_ticket_take(struct store *store, const uint8_t key[32], struct fw_time now,
				      struct store_session *ret_session);
/* Forgets one, held or not, and says what it was: false when there is none. Whoever holds it is told by the caller. */
bool store_session_revoke(struct store *store, struct fw_slice session_id, struct store_session *ret_session);
uint32_t store_session_end_user(struct store *store, struct fw_slice user); /* forgets all of his: how many */
/* Up to limit sessions that have not ended, of one user or (user.size 0) of all; each is called under the lock. */
typedef void store_session_function(void *user, const struct store_session *session, bool held);
void store_session_list(struct store *store, struct fw_slice of, struct fw_time now, size_t limit,
			store_session_function *each, void *user);
size_t store_session_count(struct store *store);
/* Forgets a slice of what has ended: sessions, blocks. To be called every second or so; never needed for a right
 * answer. */
void store_sweep(struct store *store, struct fw_time now);

/* A proof, by its SHA-256, is good once: YES, REPLAYED, or FULL when there is no room to remember it until then. */
enum fw_answer_code store_proof_take(struct store *store, const uint8_t proof[32], uint64_t until_wall_us,
				     struct fw_time now);
/* It may have been used when there was no such store, or another: it needs a nonce of this one. By the second. */
bool store_proof_is_older(const struct store *store, uint64_t issued_wall_us);
/* What a proof must have in it that was made now: nobody else can tell it in advance; it counts for five to ten
 * minutes. Characters of base64url. */
enum { STORE_NONCE = 22 };
bool store_nonce_make(const struct store *store, uint64_t now_ns, char ret_nonce[STORE_NONCE]);
bool store_nonce_holds(const struct store *store, uint64_t now_ns, struct fw_slice nonce);

/* Automatic blocks: docs/internals/penalties.md. Points of an address, or of a user who is logged in. */
enum { STORE_BLOCK_REASON = 128 };
struct store_block {
	struct fw_addr address; /* base of its prefix; family 0: it is a user's */
	char user[STORE_NAME];
	size_t user_size;
	char reason[STORE_BLOCK_REASON]; /* ends with a NUL */
	uint64_t left_ns;		 /* 0: it is over; what is kept is how many there were */
	uint64_t forgive_ns;		 /* until the next one of them is forgotten */
	uint32_t blocks;		 /* automatic ones that are remembered, this one counted */
	uint32_t score;			 /* points that made it */
	bool automatic;
};
struct store_offence {
	struct fw_addr address;
	struct fw_slice user; /* size 0: nobody is logged in */
	unsigned event;	      /* enum event_type */
	uint32_t points;
	bool exempt; /* nothing is done about it, but for the record */
	/* By several events together: */
	bool of_user;	      /* it counts on the user alone */
	uint64_t first_ns;    /* life of a first block; 0: as it is set */
	struct fw_slice said; /* why, in place of what there were points for; size 0: that */
};
struct store_penalty {
	enum store_step step; /* that holds now */
	bool crossed;	      /* by this offence */
	bool exempt;
	bool shared; /* it is about a user, and the address is a shared one */
	uint32_t score, threshold;
	struct store_block block; /* of the address or user that it is about; as it is listed, where step is block */
};
/* Counts an offence. BLOCK: the address or user in ret_penalty was put on the block list, unless it is exempt. */
enum store_step store_offend(struct store *store, const struct store_offence *offence, uint64_t now_ns,
			     struct store_penalty *ret_penalty);
/* A user logged in from there: an address with many of them is shared. */
void store_well_done(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns);
/* What is known of an address or (family 0) a user; false: nothing. ret_kinds: its points by kind of event, all those
 * since it had none. */
enum { STORE_KINDS = 8 };
struct store_kind {
	unsigned event; /* enum event_type; EVENT_TYPES: others */
	uint32_t points;
};
struct store_standing {
	struct store_block block; /* blocks 0 and left_ns 0: there is none */
	uint32_t score, threshold, users;
	struct store_kind kinds[STORE_KINDS];
	unsigned kind_count;
};
bool store_standing(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns,
		    struct store_standing *ret_standing);

/* By an operator. */
int store_block_add(struct store *store, const struct fw_addr *address, uint64_t now_ns, uint64_t life_ns,
		    const char *reason);
int store_block_add_user(struct store *store, struct fw_slice user, uint64_t now_ns, uint64_t life_ns,
			 const char *reason);
/* One that was listed elsewhere, or of before; its times count from now on. */
int store_block_put(struct store *store, const struct store_block *block, uint64_t now_ns);
/* Points and earlier blocks are forgotten, too. False: there was no block. user: where address is of family 0. */
bool store_block_remove(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns);
typedef void store_block_function(void *user, const struct store_block *block);
void store_block_list(struct store *store, uint64_t now_ns, bool past, store_block_function *each, void *user);
size_t store_block_count(struct store *store, uint64_t now_ns);
/* Up to most blocks that changed since they were asked for the last time, in no order; how many. Those that could not
 * be kept are given back. */
size_t store_block_changed(struct store *store, uint64_t now_ns, struct store_block *ret_blocks, size_t most);
void store_block_give_back(struct store *store, const struct store_block *blocks, size_t count);

/* A user whose credentials of before a moment count no more, or (disabled) none at all. Sessions of his are forgotten;
 * his connections are ended by the caller. What does not say when it was issued (an API key, a token without iat)
 * counts as issued before. Kept until store_restore; user and reason are copied, at most STORE_NAME and STORE_REASON
 * octets. */
enum { STORE_REASON = 120 };
struct store_revocation {
	struct fw_slice user, reason;
	uint64_t before_wall_us;
	bool disabled;
};
/* restrictions.c: users and addresses that may do less until a monotonic time. */
enum store_restriction_kind { STORE_RESTRICT_slow, STORE_RESTRICT_isolate, STORE_RESTRICT_step_up, STORE_RESTRICTIONS };
struct store_restriction {
	struct fw_addr address; /* of IPv6 its /64; family 0: user */
	char user[STORE_NAME];
	size_t user_size;
	uint8_t kind; /* enum store_restriction_kind */
	uint64_t until_ns, since_wall_us;
};
/* In place of one of the same kind about the same; one whose end is past takes that away. False: there are too many. */
bool store_restrict(struct store *store, const struct store_restriction *restriction, uint64_t now_ns);
/* By kind, 0 where it is not so. issued: when his credential was; step_up is not for one issued since. */
void store_restricted(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t issued_wall_us,
		      uint64_t now_ns, uint64_t ret_until_ns[STORE_RESTRICTIONS]);
void store_restriction_list(struct store *store, void (*each)(void *user, const struct store_restriction *restriction),
			    void *user); /* under the lock */

enum store_revoked { STORE_REVOKED, STORE_REVOKED_FULL, STORE_REVOKED_MEMORY };
/* It only ever takes away: who is disabled stays so, and the moment goes back for no clock. What is in force from now
 * on is put into revocation. */
enum store_revoked store_revoke(struct store *store, struct store_revocation *revocation, uint32_t *ret_sessions);
bool store_restore(struct store *store, struct fw_slice user); /* false: he was not revoked */
bool store_revoked(struct store *store, struct fw_slice user, bool *ret_disabled);
typedef void store_revocation_function(void *user, const struct store_revocation *revocation);
void store_revocation_list(struct store *store, store_revocation_function *each, void *user); /* under the lock */

/* API keys: kept whole in memory, so that a login waits for no disk. */
enum { STORE_KEY_NAME = 64 };
struct store_api_key {
	char id[STORE_KEY_ID];
	uint8_t hash[32]; /* SHA-256 of the whole key */
	char name[STORE_KEY_NAME], role[STORE_ROLE], scopes[LIMIT_API_KEY_SCOPES];
	size_t name_size, role_size;
	size_t scopes_size; /* permissions with a blank between them; 0: all that the role has */
	struct addr_net networks[LIMIT_API_KEY_NETWORKS];
	unsigned network_count; /* 0: from anywhere */
	uint64_t created_wall_us;
	uint64_t expires_wall_us; /* 0: never */
	uint64_t revoked_wall_us; /* 0: it is not */
	uint64_t used_wall_us;	  /* to the minute; 0: never */
};
enum store_key_kept { STORE_KEY_KEPT, STORE_KEY_FULL, STORE_KEY_MEMORY };
/* Keeps a key, in place of the one of this id where there is one. When there is no room the one that ended first is
 * forgotten, and its id copied to ret_forgotten (else all zero); FULL when none has ended. */
enum store_key_kept store_key_put(struct store *store, const struct store_api_key *key, uint64_t now_wall_us,
				  char ret_forgotten[STORE_KEY_ID]);
bool store_key_get(struct store *store, struct fw_slice id, struct store_api_key *ret_key);
/* Forgets the sessions that a key opened; how many there were. Their connections are ended by the caller. */
uint32_t store_key_end_sessions(struct store *store, struct fw_slice id);
/* May a key be used now, from there? hash NULL: it was proved before. YES, and the key (this counts as a use of it); or
 * NO and why, a static text for the record. */
enum fw_answer_code store_key_check(struct store *store, struct fw_slice id, const uint8_t *hash,
				    const struct fw_addr *address, struct fw_time now, struct store_api_key *ret_key,
				    const char **ret_cause);
void store_key_touch(struct store *store, struct fw_slice id, uint64_t used_wall_us); /* it was used then, elsewhere */
typedef void store_key_function(void *user, const struct store_api_key *key);
void store_key_list(struct store *store, store_key_function *each, void *user); /* under the lock */
/* Up to most keys that were used since this was asked for the last time, in no order; how many. */
size_t store_key_used(struct store *store, struct store_api_key *ret_keys, size_t most);
#endif
