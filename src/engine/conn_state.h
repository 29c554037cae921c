/* conn_state.h: the inside of fw_engine and fw_conn, for the files of this folder only.
 * An engine is what one thread's connections share: pools, scratch memory, counters. A connection holds only what must
 * outlive a turn, so that an idle one stays small (bench: idle). */
#ifndef ENGINE_CONN_STATE_H
#define ENGINE_CONN_STATE_H
#include <framewall/conn.h>
#include <framewall/stage.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/close_reason.h"
#include "base/event_type.h"
#include "base/gcra.h"
#include "base/pool.h"
#include "codec/deflater.h"
#include "codec/dialect.h"
#include "codec/inflater.h"
#include "codec/ws.h"
#include "engine/capture.h"
#include "engine/counters.h"
#include "engine/quota.h"
#include "engine/tallies.h"
#include "engine/detect/words.h"
#include "engine/trial.h"
#include "base/error_code.h"
#include "policy/policy.h"

#define SECOND_NS ((uint64_t)1000000000)

enum { EVENT_TEXT = 1536 };

/* One event that waits for fw_conn_next_event, with room for its texts. */
struct event_node {
	struct event_node *next;
	struct fw_event event;
	uint8_t *secret; /* the key of a need that is too large for text, or wiped when the event is over; NULL: none */
	size_t secret_size;
	size_t text_used;
	uint8_t text[EVENT_TEXT];
};

/* How long judging takes, of one message in some dozens. */
struct timing {
	engine_clock_function *clock; /* NULL: nothing is timed, nor counted by labels */
	unsigned left;		      /* messages until the next one */
	bool runs;		      /* the one that is being judged is timed */
	uint64_t begun_ns, last_ns, seed;
};

struct fw_engine {
	struct fw_policy *policy;
	struct fw_random random;
	struct fw_time now;
	struct pool pool;
	struct arena arena;    /* of the message being judged; reset for each */
	struct arena outbound; /* of a message to a client that has fields which not everybody may see */
	struct buf shown;      /* what of it this client does */
	struct buf copied;     /* a message of the embedder that may have to be masked */
	struct buf scratch;    /* what is being written: an answer, a rewritten message */
	struct inflater inflater;
	struct deflater deflater;
	struct buf inflated;		/* the compressed message that is being judged, made plain */
	struct event_node *free_events; /* bounded by events that waited at once */
	struct event_node *returned;	/* the event the embedder is looking at */
	struct event_node spare;	/* when memory is short, the one that says so */
	struct problems problems;
	struct fw_addr explained_from; /* in explain: where the message comes from; family 0: not said */
	struct dialect_link explained_link;
	bool explained_certificate;	   /* and whether by a connection with a client certificate */
	struct verified *verified;	   /* tokens verified a moment ago; NULL: none yet */
	struct detect_words words;	   /* of inspection */
	struct patterns_scratch *patterns; /* of the rules of a configuration; NULL: none had any yet */
	const struct engine_trial *trial;  /* NULL: none, as with every server */
	engine_capture_function *capture;  /* NULL: nobody records the traffic */
	void *capture_user;
	struct engine_quota quota;	  /* hold NULL: connections count by themselves */
	char stage_cause[FW_STAGE_CAUSE]; /* what a stage of the embedding program said last */
	uint64_t connection_base;	  /* see engine.c */
	uint32_t connection_count;
	uint64_t counters[COUNTERS];
	struct timing timing;
	struct tallies tallies;
	uint64_t records_lost; /* for want of memory, since that was last recorded */
	uint8_t entropy[1024]; /* bytes of random.fill, used front to back: masks are 4 bytes each */
	size_t entropy_left;
};

enum phase {
	PHASE_HEAD,	     /* reading the request head */
	PHASE_BODY,	     /* reading what an issuer tells of a logout */
	PHASE_ADMIT,	     /* head is there, admission is being asked */
	PHASE_SLOT,	     /* asking whether a login attempt is allowed */
	PHASE_SESSION,	     /* the store opens or takes a session */
	PHASE_DIAL,	     /* connecting to the upstream */
	PHASE_UPSTREAM_HEAD, /* waiting for the upstream's 101 */
	PHASE_LOGIN,	     /* upgraded, waiting for the auth message */
	PHASE_OPEN,	     /* messages */
	PHASE_OWED,	     /* a side broke the protocol; answers to what it said before still go out to it */
	PHASE_CLOSING,	     /* our close is out, waiting for the peer's */
	PHASE_DONE	     /* nothing more happens */
};

/* What a credential is bound to: who has it must show the certificate, or prove to have the key. */
enum { BOUND_CERTIFICATE = 1, BOUND_KEY = 2 };
struct binding {
	uint8_t kinds;		 /* bit set; 0: to nothing, whoever has it may use it */
	uint8_t certificate[32]; /* its SHA-256 */
	uint8_t key[32];	 /* its thumbprint (RFC 7638) */
};
enum { BINDING_MOST = 65 }; /* octets of one that is kept with a session */

/* What came with a credential to prove that it is its owner who sends it. */
struct presented {
	bool dpop;	       /* by the scheme DPoP, or with a proof in the message */
	struct fw_slice proof; /* borrowed */
	const char *fault;     /* why there is none: static, for the record */
};

/* A proof that holds: good once. */
struct proof {
	bool there;
	uint8_t nonce_size;
	uint8_t id[32]; /* SHA-256 of the key's thumbprint and jti */
	uint64_t issued_wall_us, until_wall_us;
	uint8_t nonce[64];
};

enum credential_kind {
	CREDENTIAL_NONE,
	CREDENTIAL_JWT,
	CREDENTIAL_API_KEY,
	CREDENTIAL_SESSION,
	CREDENTIAL_PASSWORD,
	CREDENTIAL_CERTIFICATE,
	CREDENTIAL_TICKET,
	CREDENTIAL_OAUTH
};

/* Who is logged in; made at login, one allocation with its texts behind it. */
struct principal {
	uint16_t role;
	uint8_t method; /* enum policy_method */
	uint8_t bound;	/* kinds of its binding */
	bool anonymous;
	uint8_t csrf_size;
	uint8_t session_id_size;
	uint16_t user_id_size, scopes_size;
	uint8_t key_id_size; /* 0: it did not come with an API key */
	bool key_stored;     /* the key is the store's, not the configuration's */
	char key_id[8];
	struct policy_role *narrowed; /* the role within the scopes of its API key; NULL: it has none */
	uint64_t csrf_until_ns;
	uint64_t expires_ns; /* credential or absolute session end, monotonic */
	uint64_t expires_wall_us;
	uint64_t since_ns;   /* when it was made */
	uint64_t credential; /* mark of the key that proved it; 0: none did */
	uint8_t *origin;     /* 32 octets of fw_need; owned; NULL: none */
	uint8_t *token;	     /* that its issuer is asked about again and again; owned, wiped; NULL: none */
	uint32_t token_size;
	uint64_t ask_ns, ask_until_ns; /* when he is asked next; and without an answer the connection ends */
	char csrf[88];
	char session_id[16];
	char user_id[]; /* scopes behind it */
};

/* The upstream half of a proxied connection. */
struct upstream {
	struct ws_reader reader;
	struct buf pending;
	struct buf out;
	uint8_t *input;
	size_t input_size;
	uint8_t nonce[16]; /* of our request: the key, from which its answer follows */
	bool connected;
	bool upgraded;
	bool lost;
	bool hung_up;
	bool close_sent;
	bool close_received;
	bool login_sent;     /* login_message was, and its answer is awaited: see upstream_swallows */
	uint8_t window_bits; /* what goes to it may be compressed for this window; 0: not negotiated */
	uint16_t broke;	     /* it broke the protocol: the close code it is told; 0: it did not */
};

/* What the handshake said that a later policy is asked about again; in one allocation. */
struct arrival {
	uint16_t path_size, origin_size, host_size;
	bool has_origin;
	char texts[]; /* path, origin, host */
};

/* Whose certificate the client showed; in one allocation. */
struct certificate {
	const char *fault; /* why its names cannot be relied on; NULL: they can */
	uint64_t from_wall_us, until_wall_us;
	size_t name_count;
	struct fw_certificate_name names[]; /* their texts behind them */
};

/* A login attempt, from its credential to its end. Wiped and freed then. */
struct login {
	uint8_t kind;		    /* enum credential_kind */
	bool first_message;	    /* else it came in the handshake */
	bool again;		    /* an auth message on an open connection */
	bool asked_keys;	    /* its issuer was asked for other keys: not twice */
	struct presented presented; /* its proof stands behind the credential */
	const char *place;	    /* "authorization", "cookie", …: static, for the record */
	struct principal *made;	    /* whose login it is, while the session is opened */
	char token[48];		    /* new session token */
	size_t token_size;
	struct fw_slice user;	/* PASSWORD: the user id that was given; stands behind both */
	uint64_t until_wall_us; /* end of the session that is taken up, while its API key is asked for; 0: none is */
	size_t credential_size;
	uint8_t credential[];
};

/* Data accesses since the last summary; there only between the first of a second and its end. */
enum { ACCESS_SLOTS = 4 };
struct access_slot {
	uint16_t type; /* message type or FW_TYPE_OPAQUE */
	uint8_t outbound;
	uint32_t count;
	uint64_t bytes;
};
struct access {
	uint64_t until_ns; /* when the summary is due */
	unsigned used;
	struct access_slot slots[ACCESS_SLOTS];
};

struct fw_conn {
	struct fw_engine *engine;
	struct fw_policy *policy;
	const struct policy_route *route;
	void *user;
	uint64_t id;
	struct fw_addr peer;  /* the client: what a trusted proxy said, else the socket's */
	struct fw_addr proxy; /* who said it; family 0: nobody */
	uint16_t peer_port;
	const char *tls_version, *tls_cipher; /* NULL: no TLS at the client */
	struct certificate *certificate;      /* its names; NULL: none */
	uint8_t *tls_certificate;	      /* 32 octets: which one the client showed; NULL: none */

	uint8_t phase;		/* enum phase */
	uint8_t admitted;	/* 0: not answered, else 1 + enum fw_answer_code */
	bool upgraded;		/* 101 was sent */
	bool logout;		/* no handshake: an issuer tells of a logout */
	bool logout_asked_keys; /* for its sake */
	bool ticket;		/* no handshake: a login ticket is asked for */
	bool ticket_here;	/* from a page that may read the answer */
	bool in_handshake; /* the credential came in the handshake (or none is needed): upgrade after the upstream */
	bool was_open;	   /* FW_EV_OPEN was given: gauges and disconnect record */
	bool lost;	   /* the client is gone */
	bool cut_short;	   /* refused before all of its request was read: more of it may come */
	bool hung_up;	   /* FW_EV_HANGUP was given for the client */
	bool done_given;
	bool close_sent;
	bool close_received;
	bool ping_due;		      /* a ping is out and unanswered */
	bool pong_due;		      /* a pong waits for room; the newest payload wins (RFC 6455 5.5.3) */
	bool broken;		      /* an allocation failed where it must not: fail closed */
	uint8_t window_bits;	      /* what goes to the client may be compressed for this window; 0: not negotiated */
	bool forwarded;		      /* peer was read from a forwarding header */
	uint8_t dialect;	      /* enum dialect_id: what its subprotocol means */
	struct dialect_link links[2]; /* of what each side says */
	uint8_t pong_size;
	uint8_t need_kind;  /* of the need that is open, 0: none */
	uint8_t end_reason; /* enum close_reason, once it is decided */
	bool held[2];	    /* the embedder keeps some of that side's output */
	uint32_t need_id;
	uint32_t violations;	 /* messages refused by rate in a row */
	uint32_t admit_again_ms; /* where too many handshakes came */
	uint32_t messages_in, messages_out;
	uint16_t end_code;	 /* close code sent or received */
	uint16_t late_frames;	 /* that came while it was closing */
	uint32_t frames_counted; /* of the message that is being read */

	uint64_t phase_until_ns;  /* deadline of the phase; UINT64_MAX: none */
	uint64_t last_input_ns;	  /* anything from the client: for pings */
	uint64_t last_message_ns; /* a message: for the idle timeout of the session */
	uint64_t stall_ns[2];	  /* since when that side's output makes no progress; 0: nothing waits */
	uint64_t message_cell;	  /* GCRA */
	uint64_t byte_cell;
	uint64_t control_cell;
	uint64_t frame_cell;
	uint64_t answer_cell; /* GCRA, of answers that say RATE_LIMITED */
	struct quota *quota;  /* words of limits that it shares; NULL: of none yet */
	uint64_t *type_cells; /* GCRA, of types with a rate of their own: policy->rate_cells; NULL: none came yet */

	struct ws_reader reader;
	struct buf head;    /* request head, until the upstream has it */
	struct buf pending; /* client octets that wait */
	struct buf out;
	uint8_t *input; /* borrowed octets of the embedder */
	size_t input_size;

	struct arrival *arrival; /* NULL: not admitted yet */
	char *listed;		 /* why he is not, or what is said of him all the same; NULL: nothing */
	struct upstream *upstream;
	struct login *login; /* the login being worked on */
	struct principal *principal;
	struct event_node *events, **events_tail;
	struct access *access; /* NULL: none */
	uint64_t *restricted;  /* until when it may do less, by enum fw_restriction; NULL: all */
	uint8_t *pong;	       /* its payload, LIMIT_CONTROL_PAYLOAD octets; NULL until one had to wait */
};

/* engine.c */
void engine_random(struct fw_engine *engine, uint8_t *ret_bytes, size_t size);
struct json_writer engine_writer(struct fw_engine *engine); /* writes into the emptied scratch */
struct fw_slice engine_written(const struct fw_engine *engine);

/* capture.c: only where somebody records (engine.capture). verdict: enum verdict. passes: it went to the client. */
struct message;
void capture_inbound(const struct fw_conn *conn, const struct message *message, unsigned verdict, unsigned stage);
void capture_outbound(const struct fw_conn *conn, bool binary, struct fw_slice text, bool passes);

/* event_queue.c: what the embedder is told. Never fails: when memory is short the connection is marked broken. */
struct fw_event *event_push(struct fw_conn *conn, enum fw_event_kind kind);
struct event_node *event_record(struct fw_conn *conn, uint16_t type); /* a record about this connection */
void event_detail(struct event_node *node, const char *key,
		  struct fw_slice text); /* copied, cut at LIMIT_RECORD_TEXT */
void event_text(struct event_node *node, const char *key, const char *text);
void event_number(struct event_node *node, const char *key, int64_t number);
void event_boolean(struct event_node *node, const char *key, bool value);
/* address is the client's; texts (may be NULL) are copied, the key of a need that is asked of the keeper as long as it
 * is; returns the id. */
uint32_t event_need(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_need *texts);
void event_violation(struct fw_conn *conn, uint16_t type); /* NEED_VIOLATION when the policy counts this event */
struct event_node *
event_next(struct fw_conn *conn); /* the oldest, now the embedder's until the next call; NULL: none */
void event_give_back(struct fw_engine *engine, struct event_node *node);
void event_free_all(struct fw_conn *conn);

/* output.c: frames to either side. 0, or -1 with conn->broken set. */
int output_frame(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload);
int output_compressed(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload);
int output_raw(struct fw_conn *conn, enum fw_side side, struct fw_slice bytes);
size_t output_waiting(const struct fw_conn *conn, enum fw_side side);

/* answer.c: what a client is told. */
struct message;
struct answer {
	enum error_code code;
	const char *text; /* NULL: the code's own */
	const struct problems *problems;
	uint32_t retry_after_ms;       /* 0: none */
	const char *event_id;	       /* 16 characters or NULL */
	const char *rule;	       /* NULL: none */
	const char *auth_required;     /* NULL: none */
	struct fw_slice dpop_nonce;    /* that the next proof must have; empty: none */
	const struct message *message; /* that it answers; NULL: none */
};
void answer_error(struct fw_conn *conn, const struct answer *answer);
void answer_auth_success(struct fw_conn *conn, const char *session_token, size_t session_token_size);
void answer_csrf(struct fw_conn *conn);
void answer_pong(struct fw_conn *conn, struct fw_slice timestamp);

/* http_answer.c: handshake answers. */
struct http1_head;
void http_answer_switching(struct fw_conn *conn, const struct http1_head *head, struct fw_slice subprotocol);
/* The subprotocol that is answered without asking an upstream; empty: none. */
struct fw_slice http_answer_subprotocol(const struct fw_conn *conn, const struct http1_head *head);
struct http_refusal {
	unsigned status;
	const char *code;   /* of the contract or NULL */
	const char *detail; /* what the client may know */
	const char *cause;  /* static text for the record */
	uint16_t event;	    /* enum event_type */
	uint32_t retry_after_ms;
	bool dpop;		     /* 401: the credential came by the scheme DPoP */
	struct fw_slice nonce;	     /* 401: that the next proof must have; empty: none */
	const struct message *found; /* by inspection, if it was that */
};
void http_answer_refuse(struct fw_conn *conn, const struct http_refusal *refusal);
/* An answer that is no refusal, and the end of the connection. extra: header lines; body: JSON, or empty. */
void http_answer_last(struct fw_conn *conn, const char *status, const char *extra, struct fw_slice body);

/* handshake.c */
void handshake_input(struct fw_conn *conn);    /* PHASE_HEAD: client octets came */
void handshake_admitted(struct fw_conn *conn); /* the head is there and admission is answered */
void handshake_forget(struct fw_conn *conn);   /* wipes and frees the kept head */
bool handshake_head(const struct fw_conn *conn, struct http1_head *ret_head); /* the kept head, parsed again */

/* inspect_edge.c: does what the client says outside of its messages go on? It is recorded if not, a handshake answered.
 */
bool inspect_handshake(struct fw_conn *conn, const struct http1_head *head);
bool inspect_reason(struct fw_conn *conn, struct fw_slice reason);

/* client_address.c */
bool client_address_awaited(
	const struct fw_conn *conn); /* the head may say who the client is: asked before it is read */
void client_address_find(struct fw_conn *conn, const struct http1_head *head);
bool client_address_trusts(const struct fw_conn *conn); /* did a trusted proxy send the head? */
void client_address_record(const struct fw_conn *conn, struct event_node *node); /* the proxy, where there is one */

/* authn.c */
/* Which kind of credential is this text? By its form: "fws_" session, "fw_" key, else JWT. */
enum credential_kind authn_kind(struct fw_slice credential);
struct identity {
	struct fw_slice user_id;
	uint64_t expires_wall_us;	     /* 0: does not end by itself */
	uint64_t issued_wall_us;	     /* 0: it does not say when it was issued */
	uint64_t credential;		     /* mark of the key; 0: none */
	const struct policy_issuer *keys_of; /* refused for want of a key that this issuer may have by now; else NULL */
	uint16_t role;
	uint8_t method;
	uint8_t required; /* enum policy_required_bound: what its issuer asks for */
	bool key_stored;  /* the key is the store's: it has no mark */
	bool has_origin;
	/* What most do not have: verified.c keeps what is in front of it alone. */
	struct binding binding;
	uint8_t origin[32];	/* of fw_need */
	struct fw_slice key_id; /* of an API key; empty: none */
	struct fw_slice scopes; /* permissions that it is narrowed to; empty: all of the role */
	struct fw_slice kid;	/* of the key that is wanted; empty: any */
};
/* NULL when it holds, else the cause for the record; ret_identity is whole even then. Sessions are the store's
 * business. */
const char *authn_verify(struct fw_conn *conn, enum credential_kind kind, struct fw_slice credential,
			 struct identity *ret_identity);
/* authn_jwt.c: the same for a signed token that is no larger than allowed */
const char *authn_jwt(struct fw_conn *conn, struct fw_slice token, struct identity *ret_identity);
/* authn_certificate.c */
bool authn_certificate_keep(struct fw_conn *conn, const struct fw_certificate *shown); /* false: memory */
extern const char authn_certificate_unmet[]; /* the cause when no rule is for it */
/* Is the client to be logged in by its certificate, or to be refused for what is odd about it? */
bool authn_certificate_counts(const struct fw_conn *conn);
const char *authn_certificate(struct fw_conn *conn, struct identity *ret_identity);
/* require.c: NULL, or what of it is not met, for the record */
const char *require_unmet(const struct fw_conn *conn, const struct fw_policy *policy, const struct policy_route *route,
			  const struct principal *who);
/* verified.c: who a token that was verified under this policy says that it is. Its user_id lives until the next token
 * is kept. */
bool verified_find(struct fw_conn *conn, struct fw_slice token, struct identity *ret_identity);
void verified_keep(struct fw_conn *conn, struct fw_slice token, const struct identity *identity);
void verified_forget(struct fw_engine *engine); /* all: another policy */
/* The same for what an issuer says of a token. */
const char *authn_claims(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims,
			 struct identity *ret_identity);
const char *authn_refusal_text(enum credential_kind kind);
/* binding.c */
/* The claim cnf; NULL, or what is wrong with it, for the record. */
const char *binding_read(struct arena *arena, const struct json *claims, struct binding *ret_binding);
bool binding_suffices(unsigned kinds, unsigned required); /* required: enum policy_required_bound */
/* To be kept with a session and back; empty: bound to nothing. False: that is none. */
struct fw_slice binding_pack(const struct binding *binding, uint8_t ret_octets[BINDING_MOST]);
bool binding_unpack(struct fw_slice octets, struct binding *ret_binding);
const char *binding_name(unsigned kinds); /* for the record; NULL: bound to nothing */
struct http1_head;
void binding_present(const struct http1_head *head, struct presented *ret_presented);
/* Is it the owner of the credential who sent it? NULL, or the cause for the record. ret_proof: the proof of a key,
 * which the store must not have seen before. */
const char *binding_check(struct fw_conn *conn, const struct presented *presented, struct fw_slice credential,
			  const struct identity *identity, struct proof *ret_proof);

/* authn_key.c: the same for an API key that is no larger than allowed. One that the configuration does not have is
 * authn_key_unknown: the store is to be asked. */
extern const char authn_key_unknown[];
const char *authn_key(struct fw_conn *conn, struct fw_slice key, struct identity *ret_identity);
void authn_key_ask(struct fw_conn *conn, struct fw_slice key);		/* of a credential that was unknown */
void authn_key_ask_again(struct fw_conn *conn, struct fw_slice key_id); /* of a session that is taken up */
/* The store's answer. NULL when it holds, else the cause for the record. */
const char *authn_key_answered(struct fw_conn *conn, const struct fw_answer *answer, struct identity *ret_identity);
/* The credential in a request head: CREDENTIAL_NONE when there is none. ret_place: static name of where it was. */
enum credential_kind authn_find(const struct fw_conn *conn, const struct http1_head *head,
				struct fw_slice *ret_credential, const char **ret_place);

/* login.c */
void login_handshake(struct fw_conn *conn, const struct http1_head *head); /* PHASE_ADMIT is over: who is it? */
void login_message(struct fw_conn *conn, const struct ws_item *item);	   /* PHASE_LOGIN: the first message */
void login_again(struct fw_conn *conn, const struct json *json); /* a judged auth message on an open connection */
void login_supplied(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer);
void login_let_in(struct fw_conn *conn, const struct http1_head *head,
		  struct fw_slice subprotocol);		   /* all is ready: PHASE_OPEN */
bool login_anonymous(struct fw_conn *conn, uint16_t role); /* who need not log in; false: memory is short */
void login_free(struct fw_conn *conn);
/* Of login.c, for the other files of a login. text: what the client is told; cause: what is recorded. */
const char *login_method(const struct login *login); /* how it was shown, for the record */
void login_refuse(struct fw_conn *conn, const char *text, const char *cause);
void login_verify(struct fw_conn *conn); /* whose credential is it? */
/* user: who a password is said to be of; else empty. False: memory is short, and the connection ends. */
bool login_begin(struct fw_conn *conn, enum credential_kind kind, struct fw_slice credential, struct fw_slice user,
		 bool first_message, const char *place, const struct presented *presented);
void login_ask_slot(struct fw_conn *conn);
void login_fault(struct fw_conn *conn, const char *cause); /* our own: 503, or AUTH_ERROR and 1011 */
void login_open_session(struct fw_conn *conn, const struct identity *identity); /* it holds */
/* logout.c */
enum { LOGOUT_KEY = 48 };
bool logout_asked(const struct fw_conn *conn, const struct http1_head *head); /* is that what the head is? */
bool logout_form(struct fw_conn *conn, const struct http1_head *head);	      /* false: it was refused */
void logout_input(struct fw_conn *conn);				      /* PHASE_BODY: client octets came */
void logout_supplied(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer);
/* What of claims a later logout may be about. */
void logout_origin(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims,
		   struct identity *identity);
/* login_introspect.c */
bool login_introspect_wants(struct fw_conn *conn); /* must the issuer be asked about the credential? */
void login_introspect_ask(struct fw_conn *conn);
void login_introspect_answered(struct fw_conn *conn, const struct fw_answer *answer);
void login_introspect_again(struct fw_conn *conn);
void login_introspect_displaced(struct fw_conn *conn); /* by a login on a live connection */
void login_introspect_rechecked(struct fw_conn *conn, const struct fw_answer *answer);
/* login_keys.c */
const char *login_keys_verify(struct fw_conn *conn, struct fw_slice credential, struct identity *ret_identity);
void login_keys_ask(struct fw_conn *conn, const struct identity *identity);
void login_keys_answered(struct fw_conn *conn, const struct fw_answer *answer);
const char *login_cause_of(const struct fw_answer *answer, const char *otherwise, char ret_text[FW_STAGE_CAUSE]);

/* login_ticket.c: POST /framewall/ticket. */
bool login_ticket_asked(const struct fw_conn *conn, const struct http1_head *head); /* is that what the head is? */
/* Has it the form of such a request? Otherwise it was answered, as a preflight is. */
bool login_ticket_form(struct fw_conn *conn, const struct http1_head *head);
bool login_ticket_preflight(struct fw_conn *conn, const struct http1_head *head); /* true: it was one, and answered */
/* The credential that a ticket may be asked for with; CREDENTIAL_NONE: there is none. */
enum credential_kind login_ticket_find(const struct fw_conn *conn, const struct http1_head *head,
				       struct fw_slice *ret_credential, const char **ret_place);
/* NULL, or why there is no ticket for it. */
const char *login_ticket_refusal(const struct identity *identity);
/* "fwt_", how the login was proved, and 256 random bits. */
size_t login_ticket_make(const struct identity *identity, const uint8_t random[32], char ret_token[48]);
uint8_t login_ticket_method(struct fw_slice ticket); /* enum policy_method that it was made of */
void login_ticket_answer(struct fw_conn *conn);

/* login_away.c: ends it without a word about the credential. */
void login_limited(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer);
void login_turn_away(struct fw_conn *conn, const char *cause); /* overload */
void login_crowded(struct fw_conn *conn);
void login_blocked(struct fw_conn *conn);
void login_ask_nonce(struct fw_conn *conn, struct fw_slice nonce);

/* principal.c */
struct principal *principal_new(struct fw_conn *conn, const struct identity *identity);
struct principal *principal_free(struct principal *principal); /* wipes; NULL-safe */
void principal_new_csrf(struct fw_conn *conn, struct principal *principal);
const struct policy_role *principal_role(const struct fw_conn *conn); /* NULL: nobody is logged in */
/* The role of a policy within the scopes of who is logged in: when that policy is the connection's. False: memory is
 * short. */
bool principal_narrow(struct principal *principal, const struct fw_policy *policy, uint16_t role);

/* upstream.c */
void upstream_dial(struct fw_conn *conn);
/* Its answer to our login message is not the client's business: true when this first message is such an answer. */
bool upstream_swallows(struct fw_conn *conn, struct fw_slice message);
void upstream_input(struct fw_conn *conn);
void upstream_failed(struct fw_conn *conn, const char *cause);
void upstream_free(struct fw_conn *conn);

/* assertion.c: a signed token of who the client is, in the arena; false: it cannot be made, and nothing goes on. */
bool assertion_make(struct fw_conn *conn, struct fw_slice *ret_token);

/* traffic.c: messages and control frames of an open connection. */
void traffic_client(struct fw_conn *conn);
void traffic_upstream(struct fw_conn *conn);
uint64_t traffic_largest(const struct fw_conn *conn, enum fw_side side); /* octets that its next message may have */
void traffic_pong(struct fw_conn *conn); /* sends a pong that waited, when there is room */

/* compression.c: permessage-deflate (RFC 7692) on either side. */
/* Takes the client's offer where the policy says so, and writes the field of the 101. */
void compression_answer(struct fw_conn *conn, const struct http1_head *request);
/* Writes the field of the request to the upstream where the policy says so. */
void compression_offer(struct fw_conn *conn);
/* The upstream's answer to it: NULL when it holds, else the static cause. */
const char *compression_answered(struct fw_conn *conn, const struct http1_head *response);
/* Makes a compressed message of that side plain: *text then lies in engine->inflated, and where it lay is given back.
 * CLOSE_NORMAL when that was done, else the close reason and the static cause. */
unsigned compression_inflate(struct fw_conn *conn, enum fw_side side, struct fw_slice *text, bool binary,
			     const char **reterr_cause);
/* The message has been dealt with: what was inflated is given back. */
void compression_release(struct fw_engine *engine);
/* A message, compressed where that was negotiated and makes it smaller. 0, or -1 when memory is short. */
int compression_send(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload);

/* recheck.c: see fw_conn_recheck. */
bool recheck_keep(struct fw_conn *conn, const struct http1_head *head); /* for later; false: memory is short */
static inline bool recheck_due(const struct fw_conn *conn)
{
	return conn->policy != conn->engine->policy;
}

/* quota.c: limits that connections share, in the order of the rows of limit_kinds.def. Those of the client come first.
 */
enum { QUOTA_OF_CLIENT_END = 4 };
enum quota_answer { QUOTA_YES, QUOTA_NO, QUOTA_MEMORY };
struct quota_asked {
	unsigned first, end; /* the n-th of the kinds that connections hold */
	uint64_t messages, bytes;
	uint64_t wait_ns;     /* NO: until it is YES */
	enum limit_kind kind; /* that says so */
};
enum quota_answer quota_ask(struct fw_conn *conn, struct quota_asked *asked); /* nothing is counted */
/* After it was asked: on all of them, or on none. NO: another thread was faster. */
enum quota_answer quota_take(struct fw_conn *conn, struct quota_asked *asked);
/* Before the connection has that policy and route. */
void quota_move(struct fw_conn *conn, const struct fw_policy *next, const struct policy_route *route);
void quota_free(struct fw_conn *conn);

/* access.c: data access records. */
void access_note(struct fw_conn *conn, bool outbound, uint16_t type, size_t bytes);
void access_flush(struct fw_conn *conn); /* writes what there is */

/* ending.c */
/* Ends the connection: error and close frame to the client, close frame to the upstream, one record. Only the first
 * call counts. */
void ending_close(struct fw_conn *conn, unsigned reason, const struct answer *answer, const char *cause);
/* The same for a side that broke the protocol, after what the other side still owes it for the messages before (at most
 * LIMIT_OWED_MS). It is not read any more. No answer goes with such a reason. */
void ending_close_when_answered(struct fw_conn *conn, unsigned reason, const char *cause);
void ending_answered(struct fw_conn *conn); /* a message was passed on */
/* The peer's close frame (code 1005 when it had none): answer it, and pass it to the other side. */
void ending_peer_close(struct fw_conn *conn, enum fw_side side, uint16_t code, struct fw_slice reason);
/* FW_EV_HANGUP or FW_EV_DONE when one is due and nothing else waits; NULL otherwise, or when records were made first.
 */
const struct fw_event *ending_event(struct fw_conn *conn);
void ending_lost(struct fw_conn *conn, enum fw_side side);
void ending_drop(struct fw_conn *conn, const char *cause); /* no close frame: the connection is simply over */

static inline bool conn_monitors(const struct fw_conn *conn)
{
	return conn->policy->settings.mode == MODE_MONITOR;
}

static const char conn_unrecorded[] = "the record cannot be written";
/* Monitor turns nobody away by policy, and this is one. */
static inline bool conn_refuses_unrecorded(const struct fw_conn *conn)
{
	return conn->policy->settings.on_failure == UNRECORDED_REFUSED && !conn_monitors(conn);
}
#endif
