/* admin_parts.h: the inside of the admin side, for its own files. One thread: that of the keeper's loop. */
#ifndef SHELL_ADMIN_PARTS_H
#define SHELL_ADMIN_PARTS_H
#include "base/arena.h"
#include "base/close_reason.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "shell/admin.h"
#include "shell/keeper_parts.h"
#include "shell/tls_stream.h"

enum { ADMIN_LISTENERS = 4 };

struct admin {
	struct keeper *keeper;
	uv_tcp_t tcp[ADMIN_LISTENERS];
	unsigned tcp_count;
	uv_pipe_t control;
	bool control_open;
	bool loopback_only; /* no listener but on loopback: then only loopback names are right in Host */
	uint16_t port;
	struct pool pool;
	struct arena arena;	  /* of the request being answered */
	struct buf states[2];	  /* enum admin_when, of the record being made */
	struct admin_conn *conns; /* oldest last */
	unsigned counts[2];	  /* of connections: TCP, control socket */
	bool stalled[2];	  /* memory was short when one was to be accepted */
	struct admin_reload *reload;
	struct admin_searches *searches;
	struct admin_report *report;
	struct admin_change *changes; /* of users, being made */
	struct admin_streams *streams;
	struct admin_tokens *tokens;
	struct admin_guard *guard;
	struct admin_pasts *pasts;
	struct admin_conn *connections_asker; /* waits for the list of connections; NULL: nobody does */
	uint32_t connections_most;
	struct tls_io *tls_io;	    /* of all connections, in turn; NULL: none was by TLS yet */
	uint64_t connections_ended; /* the one that is to end; 0: they are listed */
};

enum admin_state {
	ADMIN_READING, /* a request, or waiting for one */
	ADMIN_ASKING,  /* the request is there; figures of the workers, or what a thread makes, are not */
	ADMIN_WRITING,
	ADMIN_STREAM, /* a WebSocket from now on: admin_stream.c */
	ADMIN_LINGER, /* our end is closed: reads until the peer's is, so that no reset overtakes the answer */
	ADMIN_CLOSING
};

/* Who asks: of the credential of this request. */
enum admin_role {
	ADMIN_ROLE_open,
#define ADMIN_ROLE(name, text, help) ADMIN_ROLE_##name,
#include "tables/admin_roles.def"
#undef ADMIN_ROLE
	ADMIN_ROLES
};
struct admin_access {
	uint8_t role;			 /* enum admin_role */
	char id[DATABASE_ACCESS_ID + 1]; /* of a token in the database; empty: it is not one */
	uint64_t expires_wall_us;	 /* 0: never */
	char name[DATABASE_ACCESS_NAME + 1];
	bool by_certificate; /* and by that alone: a browser shows it unasked */
};

struct admin_conn {
	union {
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} io;
	uv_timer_t timer;
	uv_write_t write;
	uv_shutdown_t shutdown;
	struct admin *admin;
	struct tls_stream *tls; /* NULL: without TLS */
	struct admin_conn *next, **link;
	struct keeper_ask ask;
	bool control;
	bool close_after;
	uint8_t state; /* enum admin_state */
	uint8_t handles;
	struct fw_addr peer;
	struct buf in, body, out; /* out: head of the answer */
	struct http1_head head;	  /* of the request; points into in */
	struct fw_slice content;  /* its body */
	struct fw_slice rest;	  /* of the path, behind the route's */
	const struct admin_route *route;
	struct admin_access access;
	struct admin_past *past;     /* where the answer is kept for who asks the same again; NULL: nowhere */
	struct admin_stream *stream; /* NULL: it is HTTP */
};

/* admin_conn.c */
void admin_conn_accept(struct admin *admin, uv_stream_t *listener, bool control);
void admin_conn_close(struct admin_conn *conn);
void admin_conn_write(struct admin_conn *conn);	 /* out and body are ready */
void admin_conn_linger(struct admin_conn *conn); /* ends, when what is written is sent */
/* The answer is made elsewhere (a thread), however long it takes: nothing more is read meanwhile, no deadline holds. */
void admin_conn_wait(struct admin_conn *conn);

/* admin_tls.c: what is between a connection and its socket, where conn->tls says so. */
bool admin_tls_begin(struct admin_conn *conn); /* of one that came; false: memory is short */
void admin_tls_room(struct admin_conn *conn, uv_buf_t *ret_buf);
/* Of what was read into that: how much of it is in conn->in now. 0: nothing yet, or never: then it ends. */
size_t admin_tls_take(struct admin_conn *conn, const uint8_t *octets, size_t size);
/* As uv_write, of any connection. */
int admin_tls_write(struct admin_conn *conn, uv_write_t *request, const uv_buf_t *parts, unsigned count,
		    uv_write_cb done);
void admin_tls_finish(struct admin_conn *conn); /* the last word */
void admin_tls_free(struct admin_conn *conn);
/* Whose certificate was shown, by admin.tls.roles; ADMIN_ROLE_open: nobody's. */
struct admin_access admin_tls_access(struct admin_conn *conn);
/* By the configuration of now: TLS where it is asked for, and a certificate of the authorities that there are now. */
bool admin_tls_holds(struct admin_conn *conn);

/* admin_request.c: called when octets came or an answer went out. */
void admin_request_next(struct admin_conn *conn);

/* admin_answer.c: finishing an answer; each ends in admin_conn_write. extra: header lines with CRLF, or "". */
struct json_writer admin_answer_json(struct admin_conn *conn);
void admin_answer(struct admin_conn *conn, unsigned status, const char *type, const char *extra);
void admin_answer_written(struct admin_conn *conn, unsigned status,
			  const struct json_writer *writer); /* JSON in body */
/* A page of another origin asks whether it may ask (CORS preflight). True when it is one and was answered. */
bool admin_answer_preflight(struct admin_conn *conn);
void admin_answer_problem(struct admin_conn *conn, unsigned status, const char *detail, const char *extra);

/* admin_route.c */
struct admin_route {
	const char *method, *path; /* "/api/v1/blocks/{subject}": something follows, conn->rest */
	uint8_t role;		   /* the least that may; open: no credential is asked for */
	bool figures;		   /* waits for fresh ones */
	bool demo;		   /* only in the quick start */
	void (*answer)(struct admin_conn *conn);
};
void admin_route_request(struct admin_conn *conn);
bool admin_route_host(const struct admin *admin, struct fw_slice host);
bool admin_route_origin(const struct admin_conn *conn); /* no page, one of this server, or one that cors lists */

/* admin_access.c: tokens of the admin side, and what their roles are called. */
int admin_access_init(struct admin *admin, const char **reterr_text);
void admin_access_free(struct admin *admin);
void admin_access_tick(struct admin *admin); /* every second: streams of those that expired end */
const char *admin_role_name(unsigned role);
uint8_t admin_role_find(struct fw_slice name); /* ADMIN_ROLE_open: there is none of that name */
bool admin_access_find(struct admin_conn *conn, struct fw_slice token); /* then conn->access is its owner */
void admin_access_whole(struct admin_conn *conn, const char *name);	/* the same of who may do all */
void admin_access_list(struct admin_conn *conn);
void admin_access_add(struct admin_conn *conn);
void admin_access_revoke(struct admin_conn *conn);
void admin_whoami(struct admin_conn *conn);

/* admin_guard.c: how much an address may ask. Both: false after an answer. */
int admin_guard_init(struct admin *admin);
void admin_guard_free(struct admin *admin);
bool admin_guard_takes(struct admin_conn *conn);
bool admin_guard_failed(struct admin_conn *conn); /* with a credential that is none */
bool admin_guard_notes(struct admin_conn *conn);  /* the same, where nobody is answered */

/* admin_again.c: the same POST twice, with the same Idempotency-Key, is done once. */
int admin_again_init(struct admin *admin);
void admin_again_free(struct admin *admin);
bool admin_again_answered(struct admin_conn *conn); /* it was done before, or must not be */
void admin_again_keep(struct admin_conn *conn, unsigned status, const char *type);
void admin_again_forget(struct admin_conn *conn); /* it is closed: nobody knows what came of it */

/* Handlers. */
void admin_openapi(struct admin_conn *conn); /* admin_page.c */
void admin_page(struct admin_conn *conn);    /* admin_page.c */
void admin_page_login(struct admin_conn *conn);
void admin_health_live(struct admin_conn *conn); /* admin_health.c */
void admin_health_ready(struct admin_conn *conn);
void admin_keys(struct admin_conn *conn);     /* admin_keys.c */
void admin_log_show(struct admin_conn *conn); /* admin_log.c */
void admin_log_set(struct admin_conn *conn);
void admin_metrics(struct admin_conn *conn); /* admin_metrics.c */
/* admin_metrics_families.c: those with labels; and what of them figures in /api/v1/stats. False: memory is short. */
bool admin_metrics_families(struct keeper *keeper, struct buf *out, struct pool *pool);
void admin_metrics_stats(struct json_writer *w, struct keeper *keeper);
void admin_stats(struct admin_conn *conn); /* admin_stats.c */
void admin_top(struct admin_conn *conn);   /* admin_top.c */
void admin_stats_write(struct json_writer *w, struct keeper *keeper);
/* admin_stream.c: events and figures as they come, over a WebSocket. */
int admin_stream_init(struct admin *admin);
void admin_stream_stop(struct admin *admin); /* nobody is told any more */
void admin_stream_free(struct admin *admin);
void admin_stream_tick(struct admin *admin); /* every second */
void admin_stream_begin(struct admin_conn *conn);
void admin_stream_read(struct admin_conn *conn); /* octets came */
void admin_stream_forget(struct admin_conn *conn);
/* admin_report.c */
int admin_report_init(struct admin *admin);
void admin_report_stop(struct admin *admin);	   /* waits for one that is being made, which ends soon */
void admin_report_forget(struct admin_conn *conn); /* it is closed: whoever asked does not wait for the answer */
void admin_report_free(struct admin *admin);
void admin_report(struct admin_conn *conn);
/* admin_events.c */
int admin_events_init(struct admin *admin);
void admin_events_stop(struct admin *admin);	   /* waits for searches that go on, which end at once */
void admin_events_forget(struct admin_conn *conn); /* it is closed: whoever asked does not wait for the answer */
void admin_events_free(struct admin *admin);
void admin_events(struct admin_conn *conn);
/* admin_reload.c */
int admin_reload_init(struct admin *admin);
void admin_reload_stop(struct admin *admin);	   /* waits for the thread that reads the configuration */
void admin_reload_forget(struct admin_conn *conn); /* it is closed: whoever asked does not wait for the answer */
void admin_reload_free(struct admin *admin);
void admin_reload(struct admin_conn *conn);
void admin_api_keys_list(struct admin_conn *conn); /* admin_api_keys.c */
void admin_api_keys_add(struct admin_conn *conn);
void admin_api_keys_rotate(struct admin_conn *conn);
void admin_api_keys_revoke(struct admin_conn *conn);
void admin_key_store_show(struct admin_conn *conn); /* admin_key_store.c */
void admin_key_store_rotate(struct admin_conn *conn);
/* admin_tokens.c */
struct admin_token {
	struct fw_slice user, role;
	int64_t issued_s, hours;
};
/* Signs one; ret_token is in the arena. FW_ERR_INVALID: there is no key that signs. Uses conn->body. */
int admin_tokens_issue(struct admin_conn *conn, const struct admin_token *wanted, struct fw_slice *ret_token);
void admin_tokens_add(struct admin_conn *conn);
void admin_blocks_list(struct admin_conn *conn);    /* admin_blocks.c */
void admin_blocks_explain(struct admin_conn *conn); /* what is known of an address or user */
void admin_blocks_add(struct admin_conn *conn);
void admin_blocks_remove(struct admin_conn *conn);

/* admin_alerts.c */
void admin_alerts_list(struct admin_conn *conn); /* and silences */
void admin_alerts_silence(struct admin_conn *conn);
void admin_alerts_unsilence(struct admin_conn *conn);
bool admin_alerts_metrics(struct keeper *keeper, struct buf *out, struct pool *pool); /* false: memory is short */

/* admin_responses.c: what is done about users and addresses. */
void admin_responses_list(struct admin_conn *conn);
void admin_responses_add(struct admin_conn *conn);
void admin_responses_undo(struct admin_conn *conn);

void admin_policy(struct admin_conn *conn);  /* admin_policy.c */
void admin_explain(struct admin_conn *conn); /* admin_explain.c */

/* admin_threats.c: lists of addresses that others publish. */
void admin_threats_list(struct admin_conn *conn);
void admin_threats_look_up(struct admin_conn *conn);
void admin_threats_reload(struct admin_conn *conn);
bool admin_threats_metrics(struct keeper *keeper, struct buf *out, struct pool *pool); /* false: memory is short */

/* admin_text.c: percent-decodes; false when it does not hold, or is longer than the room. */
bool admin_text_decode(struct fw_slice text, char *ret_text, size_t room, size_t *ret_size);
void admin_text_write(struct json_writer *w, const char *key, const char *text);
void admin_text_write_slice(struct json_writer *w, const char *key, struct fw_slice text);
void admin_text_write_number(struct json_writer *w, const char *key, uint64_t number);
void admin_text_write_boolean(struct json_writer *w, const char *key, bool is);
void admin_time_write(struct json_writer *w, const char *key, uint64_t wall_us); /* RFC 3339 */
bool admin_text_is_line(struct fw_slice text); /* something, and no control character in it */
/* NAME=VALUE&…, decoded into texts, which has room for the query and two more; what is not said stays as it is. NULL,
 * or what does not hold. */
const char *admin_text_query(struct fw_slice query, char *texts, const char *const *names,
			     const char **const *ret_values, unsigned count);
/* A number from 1 to most in digits; text NULL: it was not said, and stays as it is. */
bool admin_text_number(const char *text, uint64_t most, uint64_t *ret_number);
/* A text of the body without NUL, in the arena; false when it is none, or longer than most octets. An absent one (node
 * 0) stays as it is. */
bool admin_text_member(struct admin_conn *conn, const struct json *json, uint32_t node, size_t most,
		       struct fw_slice *ret_text);
void admin_connections_list(struct admin_conn *conn); /* admin_connections.c */
void admin_connections_end(struct admin_conn *conn);
void admin_connections_forget(struct admin_conn *conn); /* it is closed, or was answered */
void admin_sessions_list(struct admin_conn *conn);	/* admin_sessions.c */
void admin_sessions_end(struct admin_conn *conn);
void admin_revocations_list(struct admin_conn *conn); /* admin_revocations.c */
void admin_revocations_add(struct admin_conn *conn);
void admin_revocations_remove(struct admin_conn *conn);

void admin_revocations_write(struct admin_conn *conn, struct json_writer *w); /* the list */
void admin_users_list(struct admin_conn *conn);				      /* admin_users.c */
void admin_users_add(struct admin_conn *conn);
void admin_users_set(struct admin_conn *conn);
void admin_users_remove(struct admin_conn *conn);
void admin_users_forget(struct admin_conn *conn); /* it is closed: whoever asked does not wait for the answer */

/* admin_record.c: what operators do is recorded, with what it was before and what it is then: JSON of at most
 * LIMIT_RECORD_TEXT octets, without secrets. */
enum admin_when { ADMIN_BEFORE, ADMIN_AFTER };
/* Of the record that is made next. Who says nothing of one says that there is nothing: null. */
struct json_writer admin_record_state(struct admin *admin, enum admin_when state);
/* Adds both, writes the record, forgets them. */
void admin_record_change(struct admin *admin, struct fw_record *record);
void admin_record_forget(struct admin *admin); /* what was said of a change that did not come to be */
void admin_record_init(struct fw_record *record, const struct admin_conn *conn, uint16_t type, const char *action);
void admin_record_text(struct fw_record *record, const char *key, struct fw_slice text);
void admin_record_number(struct fw_record *record, const char *key, int64_t number);
/* For a record that is written when conn may be gone: who asked is copied. */
void admin_record_keep(struct fw_record *record, const struct admin_conn *conn, struct admin_access *ret_access);
void admin_record_refused(struct admin_conn *conn, const char *cause); /* a credential */

/* admin_series.c: SERIES of tables/metrics.def. labels: "" or "{NAME=…,…}". */
enum admin_series {
#define SERIES(name, type, labels, help) SERIES_##name,
#include "tables/metrics.def"
	ADMIN_SERIES
};
struct admin_page_out {
	struct buf *out;
	struct pool *pool;
	bool failed; /* memory is short */
};
void admin_series_begin(struct admin_page_out *page, enum admin_series series);
void admin_series_add(struct admin_page_out *page, enum admin_series series, const char *labels, uint64_t value);
void admin_series_one(struct admin_page_out *page, enum admin_series series, uint64_t value); /* without labels */

/* admin_failures.c: credentials that were refused of late. */
void admin_failures_stats(struct json_writer *w, struct keeper *keeper);
bool admin_failures_metrics(struct keeper *keeper, struct buf *out, struct pool *pool); /* false: memory is short */

/* admin_receivers.c: how far the receivers of the record are. */
void admin_receivers_stats(struct json_writer *w, struct keeper *keeper);
bool admin_receivers_metrics(struct keeper *keeper, struct buf *out, struct pool *pool); /* false: memory is short */
#endif
