/* rehearsal.h: a policy without a network: connections of one client, and the server behind it, over an engine of its
 * own with a clock of its own. What `explain`, `check --tests` and `replay` say is what the engine does, not what
 * somebody wrote down about it. The engine is driven as a server drives it: octets of a handshake and of frames go in,
 * its needs are answered by a store; only who the client is may be said instead of proved. One thread. */
#ifndef SHELL_REHEARSAL_H
#define SHELL_REHEARSAL_H
#include <framewall/conn.h>

#include "policy/policy.h"

struct rehearsal;

/* Who knocks, and how. Texts may be NULL. */
struct rehearsal_opening {
	const char *path; /* NULL: that of the first route */
	const char *subprotocol, *origin, *host;
	const char *headers; /* more of them: "Name: value\r\n…" */
	struct fw_addr from; /* family 0: 127.0.0.1 */
	bool certificate;    /* TLS, and a certificate that holds, with no names */
	bool tls;
	const char *user, *role; /* role NULL: nobody yet: the route's own rules, or a login by the first message */
	const char *permissions; /* that the role is narrowed to, with a blank between; NULL: all it has */
	/* What is asked is about one message alone: whatever csrf_token it has counts, the dialect's opening was said
	 * before unless first, no address is blocked for what was refused, and where from is not said no network has
	 * it. */
	bool alone, first;
};

/* Passwords that hold. */
struct rehearsal_user {
	const char *name, *password, *role;
};

enum rehearsal_verdict { REHEARSAL_PASS, REHEARSAL_REFUSE, REHEARSAL_CLOSE };
extern const char *const rehearsal_verdict_names[3];

/* What became of a connection or a message. Lives until the next call. */
struct rehearsal_result {
	enum rehearsal_verdict verdict;
	bool answered;	       /* it passed, and its answer came from here: nothing went on */
	bool rewritten;	       /* what went on are other octets than what came */
	bool binary;	       /* what went on is */
	unsigned status;       /* of a handshake that was refused; else 0 */
	unsigned close;	       /* code the client was told; 0: none */
	const char *stage;     /* a row of stages.def, or "handshake", "login", "frame"; NULL: it passed */
	const char *code;      /* error code of the contract; NULL: none */
	const char *rule;      /* id that the client may quote; NULL: none */
	const char *reason;    /* for people; "" when there is nothing to say */
	const char *type;      /* message type; NULL: not known, or none */
	struct fw_slice went;  /* on to the server (or the client, when it came from the server) */
	struct fw_slice reply; /* the last message that the client was sent; empty: none */
};

/* From which moment on; NULL: memory is short. The policy is borrowed. */
struct rehearsal *rehearsal_new(struct fw_policy *policy, uint64_t wall_us);
struct rehearsal *rehearsal_free(struct rehearsal *rehearsal);
void rehearsal_trace(struct rehearsal *rehearsal, fw_trace_function *trace, void *user);
void rehearsal_users(struct rehearsal *rehearsal, const struct rehearsal_user *users, size_t count);

/* All return FW_OK and what came of it, or FW_ERR_MEMORY, or FW_ERR_INVALID: the role is none of the policy's (open),
 * or there is no connection (any more). Opening ends the connection before. */
int rehearsal_open(struct rehearsal *rehearsal, const struct rehearsal_opening *opening,
		   struct rehearsal_result *ret_result);
int rehearsal_send(struct rehearsal *rehearsal, bool binary, struct fw_slice message,
		   struct rehearsal_result *ret_result);
/* From the server: behind the route, or the built-in one. */
int rehearsal_receive(struct rehearsal *rehearsal, bool binary, struct fw_slice message,
		      struct rehearsal_result *ret_result);
/* Time passes; the result is REHEARSAL_CLOSE when that ended the connection. */
int rehearsal_wait(struct rehearsal *rehearsal, uint64_t ns, struct rehearsal_result *ret_result);
/* It is this moment now, or a later one that it was already; what was due to the connection meanwhile happens. As
 * rehearsal_wait. */
int rehearsal_at(struct rehearsal *rehearsal, uint64_t wall_us, struct rehearsal_result *ret_result);
/* Several connections at once: each has a seat, and one of them is sat in. A new rehearsal sits in one of its own, to
 * which NULL returns. The connection of a seat ends with the seat; not while it is sat in. */
struct rehearsal_seat;
struct rehearsal_seat *rehearsal_seat_new(void); /* NULL: memory is short */
struct rehearsal_seat *rehearsal_seat_free(struct rehearsal *rehearsal, struct rehearsal_seat *seat);
void rehearsal_sit(struct rehearsal *rehearsal, struct rehearsal_seat *seat);
bool rehearsal_is_open(const struct rehearsal *rehearsal);
bool rehearsal_is_logged_in(const struct rehearsal *rehearsal);
struct fw_slice rehearsal_csrf(const struct rehearsal *rehearsal); /* of the session; empty: none */
#endif
