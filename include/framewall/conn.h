/* framewall/conn.h: the engine. One fw_conn is one client connection and, on a proxied route, its upstream
 * connection: bytes in, events out, bytes out, a deadline out. It owns no socket, clock, thread, log or randomness.
 *
 * Threads: a fw_engine and all its connections belong to one thread. Several engines may share one policy.
 *
 * The loop of an embedder, for each turn:
 *     fw_engine_time(engine, now);
 *     fw_conn_receive(conn, FW_CLIENT, bytes, size);        // bytes are modified (unmasked) in place
 *     while ((event = fw_conn_next_event(conn)) != NULL)    // until NULL: only then may the bytes be reused
 *             obey(event);
 *     for each side: send fw_conn_output(), then fw_conn_sent(n)
 *     arm a timer for fw_conn_deadline(); when it is due call fw_conn_tick() and drain events again. */
#ifndef FRAMEWALL_CONN_H
#define FRAMEWALL_CONN_H

#include <framewall/event.h>
#include <framewall/policy.h>
#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fw_engine;
struct fw_conn;

enum fw_side { FW_CLIENT = 0, FW_UPSTREAM = 1 };

struct fw_engine_options {
	struct fw_policy *policy; /* a reference is taken */
	struct fw_random random;
	uint8_t number; /* of several engines behind one address each has its own: connection ids differ by it */
};

FW_API struct fw_engine *fw_engine_new(const struct fw_engine_options *options);
FW_API struct fw_engine *fw_engine_free(struct fw_engine *engine); /* after its connections; NULL-safe, returns NULL */
FW_API void fw_engine_time(struct fw_engine *engine, struct fw_time now);
/* Another policy from now on (a reference is taken). New connections begin under it; a live one moves to it between two
 * of its messages: when something next happens to it, or by fw_conn_recheck. One that is shaking hands or logging in
 * moves when that is done. No message of an open connection is judged by the policy before. */
FW_API void fw_engine_set_policy(struct fw_engine *engine, struct fw_policy *policy);

struct fw_conn_options {
	struct fw_addr peer; /* address of the client's socket */
	uint16_t peer_port;
	struct fw_addr
		proxy; /* who announced that address by the PROXY protocol; family 0: nobody, it is the socket's */
	void *user;    /* the embedder's own pointer, returned by fw_conn_user */
};

/* NULL when memory is short. */
FW_API struct fw_conn *fw_conn_new(struct fw_engine *engine, const struct fw_conn_options *options);
FW_API struct fw_conn *
fw_conn_free(struct fw_conn *conn); /* NULL-safe, returns NULL; emits nothing: see fw_conn_lost */
FW_API void *fw_conn_user(const struct fw_conn *conn);

enum fw_event_kind {
	FW_EV_RECORD = 1, /* record: write it down */
	FW_EV_NEED,	  /* need: answer with fw_conn_supply; the connection's input waits until then */
	FW_EV_DIAL,	  /* dial: connect to the upstream, then call fw_conn_dialled */
	FW_EV_MESSAGE, /* message: a judged client message for the built-in hub or the embedder (route without upstream)
			*/
	FW_EV_OPEN,    /* the client is logged in (or anonymous): from now on fw_conn_send may be used */
	FW_EV_HANGUP,  /* side: no more on this side: send what fw_conn_output still has, then close that socket */
	FW_EV_DONE     /* both sides are over; close what is open once output is sent, then fw_conn_free */
};

enum fw_need_kind {
	/* address: may this client be here? It is what counts from now on: not fw_conn_options.peer where a trusted
	 * proxy told another one. Supplied once per connection; released by fw_conn_free's embedder */
	FW_NEED_ADMIT = 1,
	FW_NEED_AUTH_SLOT,    /* address: is a login attempt still allowed for it? */
	FW_NEED_SESSION_OPEN, /* key: SHA-256 of a new session token; user, role: whose it is; session_id: public id */
	FW_NEED_SESSION_TAKE, /* key: SHA-256 of a presented token. The store forgets it: the token is single use */
	FW_NEED_VIOLATION,    /* address, user_id (who is logged in; empty: nobody), number (enum event_type): count it;
				 no answer is awaited */
	/* key_id, address; key: SHA-256 of the presented API key, or empty where it was proved before and a session of
	 * its is taken up: may it be used from there? */
	FW_NEED_API_KEY,
	/* What takes time: whoever answers may do so much later, from outside of the handling of the event. The login's
	 * deadline bounds the wait; an answer that comes after it, or a second one, is ignored. */
	FW_NEED_PASSWORD,   /* user_id, key (the password): is it his? */
	FW_NEED_INTROSPECT, /* key: a token; number: index of its issuer in the policy, user_id: the issuer's name, for
			       a policy that numbers them otherwise: what does the issuer say of it? */
	FW_NEED_KEYS, /* user_id: name of an issuer, key: kid of a key that it may have by now: fetch its keys, and have
			 a policy with them in use (fw_engine_set_policy) before the answer */
	FW_NEED_LOGOUT /* key: 48 octets: its id, which is good once (NO: it was used), and two marks, zeros where there
			  is none: end what has them in its fw_principal.origin. number: until when, seconds since
			  1970, the id must be remembered */
};

/* All slices are the engine's, as the event is: whoever answers later copies what he needs, and wipes the copy of a
 * password or token when he is done. The engine wipes its own. */
struct fw_need {
	uint32_t id;
	enum fw_need_kind kind;
	struct fw_addr address;
	struct fw_slice key;
	struct fw_slice user_id;
	struct fw_slice role;
	struct fw_slice session_id;
	int64_t number;
	uint64_t issued_wall_us; /* SESSION_OPEN: when the credential was issued; 0: it does not say. NO: the user was
				    revoked since */
	uint64_t credential; /* SESSION_OPEN: which key the login was proved with; kept with the session, given back by
				SESSION_TAKE, so that a session does not outlive its key */
	/* SESSION_OPEN: what the credential is bound to, at most 65 octets; kept with the session, given back by
	 * SESSION_TAKE. Empty: to nothing. */
	struct fw_slice binding;
	/* SESSION_OPEN: SHA-256 of a proof that is good once, and until when it could be used again. Empty: there is
	 * none. REPLAYED when it was seen before, FULL when it could not be remembered: then no session is opened. */
	struct fw_slice proof;
	uint64_t proof_until_wall_us;
	uint64_t proof_issued_wall_us; /* what it says of itself; one from before the store began may have been used
					  then */
	bool wants_nonce;	/* the proof needs a nonce of the store; NONCE when nonce is none that still counts */
	struct fw_slice nonce;	/* that the proof has; may be empty */
	struct fw_slice key_id; /* SESSION_OPEN: API key of the store that the login was proved with; empty: none. The
				   same for SESSION_TAKE's answer. NO: it has ended since it was asked for */
	/* SESSION_OPEN and SESSION_TAKE: not 0 for a login ticket instead of a session. No connection holds one, none
	 * is ended for one, and it is good once, for so long. */
	uint32_t ticket_ms;
	/* SESSION_OPEN: marks of the issuer's session and subject, 32 octets; kept with the session, given back by
	 * SESSION_TAKE. Empty: none. NO when one of them was ended since the credential was issued. */
	struct fw_slice origin;
};

enum fw_answer_code {
	FW_ANSWER_YES = 0,
	FW_ANSWER_NO,	      /* not found, expired, refused */
	FW_ANSWER_BLOCKED,    /* ADMIT: the address is on the block list; SESSION_OPEN: the user is */
	FW_ANSWER_FULL,	      /* ADMIT: too many connections of this address; SESSION_OPEN: see fw_need.proof */
	FW_ANSWER_OVERLOAD,   /* ADMIT: too many connections in all: 503 */
	FW_ANSWER_LIMITED,    /* too many; retry_after_ms is set, and cause for SESSION_OPEN and what takes time */
	FW_ANSWER_FAILED,     /* the store could not be asked: the connection fails closed */
	FW_ANSWER_UNRECORDED, /* ADMIT, AUTH_SLOT: yes, but records cannot be written now; audit_logging.on_failure */
	FW_ANSWER_REPLAYED,   /* SESSION_OPEN: the proof was seen before */
	FW_ANSWER_NONCE,      /* SESSION_OPEN: the proof needs another nonce, the one in fw_answer */
	FW_ANSWER_CROWDED     /* SESSION_OPEN: connections hold as many sessions of the user as he may have */
};

/* The caller's, all of it: fw_conn_supply keeps no slice. */
struct fw_answer {
	enum fw_answer_code code;
	uint32_t retry_after_ms; /* INTROSPECT, YES: of an answer that was kept: how long it still counts; 0: it is new
				  */
	struct fw_slice
		user_id;      /* SESSION_TAKE: whose session it was; PASSWORD: who that is; API_KEY: the key's name */
	struct fw_slice role; /* SESSION_TAKE, PASSWORD, API_KEY */
	struct fw_slice session_id;
	struct fw_slice key_id;	  /* SESSION_TAKE: of fw_need; API_KEY is asked for it next */
	struct fw_slice scopes;	  /* API_KEY: what it is narrowed to, with a blank between; empty: all of the role */
	uint64_t expires_wall_us; /* SESSION_TAKE: absolute end; API_KEY: its end; PASSWORD: when he has to log in anew;
				     0: never */
	uint64_t issued_wall_us;  /* SESSION_TAKE: of fw_need; API_KEY, PASSWORD: when it was made, set; 0: not said */
	uint64_t credential;	  /* SESSION_TAKE: of fw_need; 0: a password opened it, or a stored key */
	struct fw_slice binding;  /* SESSION_TAKE: of fw_need */
	struct fw_slice origin;	  /* SESSION_TAKE: of fw_need */
	struct fw_slice nonce;	  /* NONCE: at most 64 characters that a JSON string and a header can have */
	struct fw_slice claims;	  /* INTROSPECT: the issuer's answer, a JSON text */
	struct fw_slice cause;	  /* API_KEY, PASSWORD, INTROSPECT, KEYS, SESSION_OPEN, not YES, and ADMIT: why, for the
				     record alone; may be empty. ADMIT, YES: he is let in, and recorded for this */
};

struct fw_dial {
	const char *host; /* name or literal address, from the policy */
	uint16_t port;
	bool tls;
};

/* One message that passed. payload is what may go on (rewritten where a stage rewrote it). */
struct fw_incoming {
	uint16_t type; /* index of the message type in the policy; FW_TYPE_OPAQUE on an opaque route */
	bool binary;
	struct fw_slice payload;
};
enum { FW_TYPE_OPAQUE = 0xffff };

struct fw_event {
	enum fw_event_kind kind;
	enum fw_side side; /* FW_EV_HANGUP */
	bool closed; /* FW_EV_HANGUP: the peer's close frame, or its whole refused request, came: nothing more will */
	union {
		struct fw_record record;
		struct fw_need need;
		struct fw_dial dial;
		struct fw_incoming message;
	} as;
};

/* Hands over bytes read from a side. They are borrowed and changed in place until fw_conn_next_event returns NULL. */
FW_API void fw_conn_receive(struct fw_conn *conn, enum fw_side side, uint8_t *bytes, size_t size);
/* The peer of that side is gone (end of file or error). Drain events afterwards. */
FW_API void fw_conn_lost(struct fw_conn *conn, enum fw_side side);
/* The next event, valid until the next call on any connection of this engine; NULL when there is none. */
FW_API const struct fw_event *fw_conn_next_event(struct fw_conn *conn);
/* Answers a need. A need may be answered inside the handling of its event or later. */
FW_API void fw_conn_supply(struct fw_conn *conn, uint32_t need_id, const struct fw_answer *answer);
/* Answers FW_EV_DIAL: connected (the engine then shakes hands with the upstream), or not. Where dial.tls is set,
 * connected means that the certificate of the upstream was checked, too. */
FW_API void fw_conn_dialled(struct fw_conn *conn, bool connected);
/* The same as not connected, with what is to be recorded as its cause (copied). */
FW_API void fw_conn_dial_failed(struct fw_conn *conn, const char *cause);

/* The client's octets come through TLS: call it when its handshake is done, before the first of them. Texts are static.
 * certificate: SHA-256 of the certificate that the client showed and that holds, 32 octets (copied); NULL: none. */
enum fw_certificate_name_kind {
	FW_NAME_SUBJECT, /* RFC 4514: "CN=alice,O=Example" */
	FW_NAME_ISSUER,
	FW_NAME_COMMON, /* CN of the subject */
	FW_NAME_DNS,	/* alternative names (RFC 5280 4.2.1.6) */
	FW_NAME_URI,
	FW_NAME_EMAIL,
	FW_NAMES
};
struct fw_certificate_name {
	enum fw_certificate_name_kind kind;
	struct fw_slice text; /* UTF-8 without control characters */
};
/* Whose certificate it is; copied. */
struct fw_certificate {
	const char *fault; /* why its names cannot be relied on: static; NULL: they can */
	const struct fw_certificate_name *names;
	size_t name_count;
	uint64_t from_wall_us, until_wall_us;
};
struct fw_security {
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	const uint8_t *certificate;
	const struct fw_certificate *names; /* of that certificate; NULL: nobody can log in with it */
};
FW_API void fw_conn_secured(struct fw_conn *conn, const struct fw_security *security);
/* What is below failed before a request came (a TLS handshake, HTTP without TLS where TLS is spoken): it is recorded
 * with this cause (copied), and the connection ends. answer: the client can read plain HTTP, and is told by a 400. */
FW_API void fw_conn_refuse(struct fw_conn *conn, const char *cause, bool answer);

/* Sends one message to the client through the outbound policy (hub, embedder). type: index of the outbound type or
 * FW_TYPE_OPAQUE. Returns FW_OK, FW_ERR_INVALID when the policy keeps it back, FW_ERR_STATE, FW_ERR_MEMORY. */
FW_API int fw_conn_send(struct fw_conn *conn, uint16_t type, bool binary, struct fw_slice payload);

/* What waits to be written to a side. Valid until the next call on this connection. */
FW_API struct fw_slice fw_conn_output(struct fw_conn *conn, enum fw_side side);
FW_API void fw_conn_sent(struct fw_conn *conn, enum fw_side side, size_t size);
/* Where the embedder keeps octets that fw_conn_sent was told of (encrypted, say) because the peer takes no more: it
 * says so, again after each part that was taken, and at last that nothing is kept. websocket.stall_timeout runs
 * meanwhile. */
FW_API void fw_conn_held(struct fw_conn *conn, enum fw_side side, bool held);
/* Back-pressure: may the embedder read from this side now? False while the other side's output is above its mark. */
FW_API bool fw_conn_wants(const struct fw_conn *conn, enum fw_side side);

/* Monotonic nanoseconds at which fw_conn_tick must be called; UINT64_MAX for never. */
FW_API uint64_t fw_conn_deadline(const struct fw_conn *conn);
FW_API void fw_conn_tick(struct fw_conn *conn);

/* Ends the connection from outside. close_reason: fw_close_reason of a name of docs/reference/closes.md ("DRAIN",
 * "SESSION_EXPIRED", "FORBIDDEN", …). */
FW_API unsigned fw_close_reason(const char *name); /* a name that there is not: POLICY */
FW_API void fw_conn_end(struct fw_conn *conn, unsigned close_reason);
/* The API key of that id ends at that moment of the wall clock (one that is past: now). True when who is logged in, or
 * is logging in, came with it: ask for the deadline anew, and drain events. */
FW_API bool fw_conn_key_ends(struct fw_conn *conn, struct fw_slice key_id, uint64_t wall_us);

/* Until a monotonic time (0: no more) the connection may do less, whatever its role: only messages that read, or none
 * until another login. Who logs in on it again is restricted as before: say otherwise then. */
enum fw_restriction { FW_RESTRICT_READ_ONLY, FW_RESTRICT_STEP_UP };
FW_API void fw_conn_restrict(struct fw_conn *conn, enum fw_restriction restriction, uint64_t until_ns);

/* The certificate that the client showed would not hold any more: the connection ends (monitor: that is recorded). */
FW_API void fw_conn_distrust(struct fw_conn *conn);
/* Moves a connection to the policy of its engine now. Whom that policy would not have let in (its key, role, Origin,
 * Host or path does not count any more) is told so and closed: 4401 where another login may help, else 4403. Drain
 * events afterwards, and ask for the deadline anew. */
FW_API void fw_conn_recheck(struct fw_conn *conn);

/* Who is logged in; user_id is empty before login. Borrowed from the connection. */
struct fw_principal {
	struct fw_slice user_id;
	struct fw_slice role;
	struct fw_slice session_id;
	uint64_t connection_id;
	struct fw_slice origin; /* of fw_need; empty: none */
};
FW_API struct fw_principal fw_conn_principal(const struct fw_conn *conn);
/* May who is logged in here do this ("tasks.read")? */
FW_API bool fw_conn_allows(const struct fw_conn *conn, const char *permission);

/* For explain: judges one message without a connection. Each stage's word goes to trace(). Returns true when it would
 * pass; ret_forward is what would go on (valid until the next call on this engine). */
struct fw_trace_problem {
	const char *field; /* names with "/" between */
	const char *rule;  /* "required", "type", "max_length", …: see docs/reference/messages.md */
	bool has_limit;
	int64_t limit;
	const char *expected;	      /* "string", "user_id", …; NULL: nothing is said */
	const char *schema, *keyword; /* of a JSON Schema: "#/properties/text" and "maxLength"; else NULL */
};
/* A rule of inspection that was found in a text. */
struct fw_trace_finding {
	const char *field; /* names with "." between; "*": the texts read as one */
	const char *rule;  /* its id */
	const char *reason;
	unsigned points;
};
/* All of it lives for the call. */
struct fw_trace {
	const char *stage;	/* name of the stage, a row of stages.def */
	const char *verdict;	/* "pass", "rewrite", "flag", "refuse", "close", "skip" */
	const char *code;	/* error code of the contract or NULL */
	struct fw_slice detail; /* why, for operators; may be empty */
	struct fw_slice field;	/* what it was about: a field, a name; may be empty */
	const char *rule;	/* id that the client may quote; NULL: none */
	const char *type;	/* message type, once it is known; else NULL */
	bool has_number;
	uint64_t number; /* an offset, a limit or a count, by detail */
	/* Of the stages that look at fields: the first of what is wrong with them; problem_total: of all */
	const struct fw_trace_problem *problems;
	unsigned problem_count, problem_total;
	/* Of the inspect stage: what its verdict is made of. */
	const struct fw_trace_finding *findings;
	unsigned finding_count;
};
typedef void fw_trace_function(void *user, const struct fw_trace *trace);
/* Where the messages come from that are explained from now on, and whether by a connection with a client certificate:
 * what messages.TYPE.when asks for. Without it: from nowhere, and without. */
FW_API void fw_engine_explain_from(struct fw_engine *engine, const struct fw_addr *address, bool certificate);
FW_API bool fw_engine_explain(struct fw_engine *engine, const char *role, bool outbound, struct fw_slice message,
			      fw_trace_function *trace, void *user, struct fw_slice *ret_forward);

#ifdef __cplusplus
}
#endif
#endif
