/* login.c: a login from its credential to an open connection: attempt allowed? who? session; upstream; let in.
 *
 *   handshake or auth message -> AUTH_SLOT -> verify (JWT, key), SESSION_TAKE or PASSWORD -> SESSION_OPEN -> dial ->
 * let in                                       API_KEY behind both where the key is the store's
 * where a token names a key that is not known here, verify -> KEYS -> verify
 *
 * Each arrow is a FW_EV_NEED that login_supplied answers; a deadline bounds the wait. */
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "crypto/digest.h"
#include "engine/conn_state.h"

#include <string.h>

static uint64_t in_seconds(const struct fw_conn *conn, int64_t seconds)
{
	return conn->engine->now.monotonic_ns + (uint64_t)seconds * SECOND_NS;
}

void login_free(struct fw_conn *conn)
{
	if (conn->login == NULL)
		return;
	principal_free(conn->login->made);
	mem_wipe(conn->login, sizeof(*conn->login) + conn->login->credential_size + conn->login->presented.proof.size +
				      conn->login->user.size);
	mem_free(conn->login);
	conn->login = NULL;
}

const char *login_method(const struct login *login)
{
	static const char *const names[] = { "none",	 "jwt",		"api_key", "session",
					     "password", "certificate", "ticket",  "oauth" };

	return names[login->kind];
}

/* The precise cause is for the record alone: the client reads one text for all (row 114). */
void login_refuse(struct fw_conn *conn, const char *text, const char *cause)
{
	struct login *login = conn->login;
	struct answer answer = { .code = ERROR_AUTH_FAILED, .text = text };

	conn->engine->counters[COUNT_auth_failures]++;
	if (!login->first_message) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 401,
								 .code = "AUTH_FAILED",
								 .detail = text,
								 .cause = cause,
								 .event = EVENT_auth_failure,
								 .dpop = login->presented.dpop });
	} else if (login->again) {
		struct event_node *node = event_record(conn, EVENT_auth_failure);

		event_text(node, "cause", cause);
		answer.event_id = node->event.as.record.event_id;
		answer_error(conn, &answer);
		event_violation(conn, EVENT_auth_failure);
		conn->phase = PHASE_OPEN;
		conn->phase_until_ns = UINT64_MAX;
	} else {
		ending_close(conn, CLOSE_AUTH_FAILED, &answer, cause);
	}
	login_free(conn);
}

void login_fault(struct fw_conn *conn, const char *cause)
{
	if (conn->upgraded)
		ending_close(conn, CLOSE_AUTH_FAULT, NULL, cause);
	else
		http_answer_refuse(conn, &(struct http_refusal){ .status = 503,
								 .code = "AUTH_ERROR",
								 .cause = cause,
								 .event = EVENT_system_error,
								 .retry_after_ms = 1000 });
	login_free(conn);
}

bool login_begin(struct fw_conn *conn, enum credential_kind kind, struct fw_slice credential, struct fw_slice user,
		 bool first_message, const char *place, const struct presented *presented)
{
	/* An oversized credential is refused unread: its first octets are enough for that. */
	size_t most = (size_t)conn->policy->settings.max_token_size;
	size_t keep = credential.size <= most ? credential.size : 0;
	size_t proof = presented->proof.size <= most ? presented->proof.size : 0;

	conn->login = mem_zero(1, sizeof(*conn->login) + keep + proof + user.size);
	if (conn->login == NULL) {
		login_fault(conn, "memory");
		return false;
	}
	conn->login->kind = (uint8_t)kind;
	conn->login->first_message = first_message;
	conn->login->place = place;
	conn->login->credential_size = keep;
	if (keep != 0)
		memcpy(conn->login->credential, credential.data, keep);
	conn->login->presented = *presented;
	conn->login->presented.proof = slice(conn->login->credential + keep, proof);
	if (proof != 0)
		memcpy(conn->login->credential + keep, presented->proof.data, proof);
	conn->login->user = slice(conn->login->credential + keep + proof, user.size);
	if (user.size != 0)
		memcpy(conn->login->credential + keep + proof, user.data, user.size);
	return true;
}

void login_ask_slot(struct fw_conn *conn)
{
	conn->phase = PHASE_SLOT;
	conn->phase_until_ns = in_seconds(conn, conn->policy->settings.login_timeout);
	event_need(conn, FW_NEED_AUTH_SLOT, NULL);
}

static void upgrade(struct fw_conn *conn, const struct http1_head *head, struct fw_slice subprotocol)
{
	struct event_node *node;
	const struct http1_field *origin = http1_find(head, "Origin", NULL);

	http_answer_switching(conn, head, subprotocol);
	node = event_record(conn, EVENT_websocket_connected);
	event_detail(node, "path", head->path); /* never the query: it may hold a token */
	if (origin != NULL)
		event_detail(node, "origin", origin->value);
	event_text(node, "tls", conn->tls_version);
	event_text(node, "cipher", conn->tls_cipher);
	if (conn->tls_certificate != NULL) {
		char fingerprint[64];

		encode_hex(conn->tls_certificate, 32, fingerprint);
		event_detail(node, "client_certificate", slice(fingerprint, sizeof(fingerprint)));
	}
	client_address_record(conn, node);
}

static bool become(struct fw_conn *conn, const struct identity *identity)
{
	conn->principal = principal_new(conn, identity);
	if (conn->principal == NULL)
		login_fault(conn, "memory");
	return conn->principal != NULL;
}

bool login_anonymous(struct fw_conn *conn, uint16_t role)
{
	if (!become(conn, &(struct identity){ .user_id = slice_text("anonymous"), .role = role, .method = METHOD_JWT }))
		return false;
	conn->principal->anonymous = true;
	return true;
}

/* What the request carries, else the certificate of the connection where a rule is for it. */
static enum credential_kind find(const struct fw_conn *conn, const struct http1_head *head,
				 struct fw_slice *ret_credential, const char **ret_place)
{
	enum credential_kind kind = authn_find(conn, head, ret_credential, ret_place);

	if (kind != CREDENTIAL_NONE || !authn_certificate_counts(conn))
		return kind;
	*ret_place = "certificate";
	return CREDENTIAL_CERTIFICATE;
}

/* Monitor demands no login: a credential that is there and holds gives the role that would be asked, else nobody is
 * logged in. */
static void watched(struct fw_conn *conn, const struct http1_head *head, const char *place, const char *cause,
		    const struct identity *identity)
{
	struct event_node *node;

	if (cause == NULL) {
		if (!become(conn, identity))
			return;
	} else if (conn->route->anonymous_role == POLICY_NONE) {
		node = event_record(conn, EVENT_auth_failure);
		event_text(node, "mode", "monitor");
		event_text(node, "would", "require a login");
		event_text(node, "place", place);
		event_text(node, "cause", cause);
	}
	conn->in_handshake = true;
	if (conn->route->has_upstream)
		upstream_dial(conn);
	else
		login_let_in(conn, head, http_answer_subprotocol(conn, head));
}

static void watch(struct fw_conn *conn, const struct http1_head *head)
{
	struct fw_slice credential;
	const char *place = "none", *cause = "no credential in the handshake";
	struct identity identity;
	struct presented presented;
	struct proof proof; /* nobody is let in for it here: it need not be new */
	enum credential_kind kind = find(conn, head, &credential, &place);

	arena_reset(&conn->engine->arena);
	binding_present(head, &presented);
	if (kind != CREDENTIAL_NONE)
		cause = authn_verify(conn, kind, credential, &identity);
	if (cause == NULL)
		cause = binding_check(conn, &presented, credential, &identity, &proof);
	if (cause != authn_key_unknown) {
		watched(conn, head, place, cause, &identity);
	} else if (login_begin(conn, kind, credential, slice(NULL, 0), false, place, &presented)) {
		conn->phase_until_ns = in_seconds(conn, conn->policy->settings.login_timeout);
		authn_key_ask(conn, credential);
	}
}

/* What the store said of a key that came with the handshake: nobody is refused. */
static void watched_key(struct fw_conn *conn, const char *cause, const struct identity *identity)
{
	const char *place = conn->login->place;
	struct http1_head head;

	login_free(conn);
	if (handshake_head(conn, &head))
		watched(conn, &head, place, cause, identity);
	else
		login_fault(conn, "memory");
}

/* A policy is being tried: whom it lets in is not the question. */
static bool is_somebody(const struct fw_conn *conn)
{
	return conn->engine->trial != NULL && conn->engine->trial->is_somebody;
}

static bool on_trial(struct fw_conn *conn)
{
	const struct engine_trial *trial = conn->engine->trial;

	return become(conn, &(struct identity){ .user_id = trial->user_id,
						.role = trial->role,
						.scopes = trial->scopes,
						.method = METHOD_JWT });
}

void login_handshake(struct fw_conn *conn, const struct http1_head *head)
{
	struct fw_slice credential;
	const char *place = NULL;
	enum credential_kind kind;
	struct presented presented;

	if (conn_monitors(conn)) {
		watch(conn, head);
		return;
	}
	kind = (conn->ticket ? login_ticket_find : find)(conn, head, &credential, &place);
	if (kind != CREDENTIAL_NONE) {
		conn->in_handshake = true;
		binding_present(head, &presented);
		if (login_begin(conn, kind, credential, slice(NULL, 0), false, place, &presented))
			login_ask_slot(conn);
	} else if (conn->ticket) {
		http_answer_refuse(conn, &(struct http_refusal){ .status = 401,
								 .code = "AUTH_FAILED",
								 .detail = "a credential is needed",
								 .cause = "no credential for a ticket",
								 .event = EVENT_auth_failure });
	} else if (conn->route->anonymous_role != POLICY_NONE || is_somebody(conn)) {
		conn->in_handshake = true;
		if (!(is_somebody(conn) ? on_trial(conn) : login_anonymous(conn, conn->route->anonymous_role)))
			return;
		if (conn->route->has_upstream)
			upstream_dial(conn);
		else
			login_let_in(conn, head, http_answer_subprotocol(conn, head));
	} else {
		upgrade(conn, head, http_answer_subprotocol(conn, head));
		if (!conn->route->has_upstream)
			handshake_forget(conn);
		conn->phase = PHASE_LOGIN;
		conn->phase_until_ns = in_seconds(conn, conn->policy->settings.login_timeout);
	}
}

static uint32_t ticket_ms(const struct fw_conn *conn)
{
	return (uint32_t)conn->policy->settings.ticket_lifetime * 1000;
}

/* The credential holds: open a session, whose token is random and whose hash alone the store keeps. */
void login_open_session(struct fw_conn *conn, const struct identity *identity)
{
	struct login *login = conn->login;
	uint8_t random[32], key[32], binding[BINDING_MOST];
	struct proof proof;
	const char *cause = binding_check(conn, &login->presented, slice(login->credential, login->credential_size),
					  identity, &proof);

	if (cause == NULL && conn->ticket)
		cause = login_ticket_refusal(identity);
	if (cause != NULL) {
		login_refuse(conn, authn_refusal_text(login->kind), cause);
		return;
	}
	if (login->again &&
	    !slice_equal(identity->user_id, slice(conn->principal->user_id, conn->principal->user_id_size))) {
		login_refuse(conn, authn_refusal_text(login->kind), "another subject than the one logged in");
		return;
	}
	login->made = principal_new(conn, identity);
	if (login->made == NULL) {
		login_fault(conn, "memory");
		return;
	}
	cause = conn->ticket ? NULL : require_unmet(conn, conn->policy, conn->route, login->made);
	if (cause != NULL) {
		login_refuse(conn, authn_refusal_text(login->kind), cause);
		return;
	}
	engine_random(conn->engine, random, sizeof(random));
	if (conn->ticket) {
		login->token_size = login_ticket_make(identity, random, login->token);
	} else {
		memcpy(login->token, "fws_", 4);
		login->token_size = 4 + encode_base64(random, sizeof(random), 1, login->token + 4);
	}
	digest_sha256(slice(login->token, login->token_size), key);
	conn->phase = PHASE_SESSION;
	event_need(conn, FW_NEED_SESSION_OPEN,
		   &(struct fw_need){
			   .key = slice(key, sizeof(key)),
			   .user_id = identity->user_id,
			   .role = slice_text(conn->policy->roles[identity->role].name),
			   .session_id = slice(login->made->session_id, login->made->session_id_size),
			   .number = (int64_t)login->made->expires_wall_us,
			   .issued_wall_us = identity->issued_wall_us,
			   .credential = identity->credential,
			   .key_id = identity->key_stored ? identity->key_id : slice(NULL, 0),
			   .binding = binding_pack(&identity->binding, binding),
			   .origin = slice(identity->origin, identity->has_origin ? sizeof(identity->origin) : 0),
			   .proof = slice(proof.id, proof.there ? sizeof(proof.id) : 0),
			   .proof_until_wall_us = proof.until_wall_us,
			   .proof_issued_wall_us = proof.issued_wall_us,
			   .wants_nonce = proof.there && conn->policy->settings.dpop_nonce,
			   .nonce = slice(proof.nonce, proof.nonce_size),
			   .ticket_ms = conn->ticket ? ticket_ms(conn) : 0 });
	mem_wipe(random, sizeof(random));
}

/* Whether it is his takes as long to find out as a hash is made to take: that is the keeper's work. */
static void ask_password(struct fw_conn *conn, struct fw_slice password)
{
	struct login *login = conn->login;
	struct fw_slice user = login->user;

	if (password.size == 0 || user.size == 0 || user.size > LIMIT_USER_ID) {
		login_refuse(conn, authn_refusal_text(login->kind), "a user id or password that nobody can have");
		return;
	}
	conn->phase = PHASE_SESSION;
	event_need(conn, FW_NEED_PASSWORD, &(struct fw_need){ .user_id = user, .key = password });
}

void login_verify(struct fw_conn *conn)
{
	struct login *login = conn->login;
	struct fw_slice credential = slice(login->credential, login->credential_size);
	struct identity identity;
	const char *cause;
	uint8_t key[32];

	if (login->kind == CREDENTIAL_SESSION) {
		if (!(conn->policy->methods >> METHOD_SESSION & 1) || credential.size == 0 || conn->ticket) {
			login_refuse(conn, authn_refusal_text(login->kind),
				     credential.size == 0 ? "too large"
				     : conn->ticket	  ? "no ticket for a session"
							  : "method not listed");
			return;
		}
		digest_sha256(credential, key);
		conn->phase = PHASE_SESSION;
		event_need(conn, FW_NEED_SESSION_TAKE, &(struct fw_need){ .key = slice(key, sizeof(key)) });
		return;
	}
	if (login->kind == CREDENTIAL_TICKET) {
		digest_sha256(credential, key);
		conn->phase = PHASE_SESSION;
		event_need(conn, FW_NEED_SESSION_TAKE,
			   &(struct fw_need){ .key = slice(key, sizeof(key)), .ticket_ms = ticket_ms(conn) });
		return;
	}
	if (login->kind == CREDENTIAL_PASSWORD) {
		ask_password(conn, credential);
		return;
	}
	if (!login->asked_keys && login_introspect_wants(conn)) {
		login_introspect_ask(conn);
		return;
	}
	cause = login_keys_verify(conn, credential, &identity);
	if (cause == authn_key_unknown)
		authn_key_ask(conn, credential);
	else if (cause != NULL && identity.keys_of != NULL && !login->asked_keys)
		login_keys_ask(conn, &identity);
	else if (cause != NULL)
		login_refuse(conn, authn_refusal_text(login->kind), cause);
	else
		login_open_session(conn, &identity);
}

static void taken(struct fw_conn *conn, const struct fw_answer *answer)
{
	uint16_t role = policy_role_find(conn->policy, answer->role), given = POLICY_NONE;
	struct login *login = conn->login;
	const char *cause = NULL;
	struct binding binding;

	if (answer->code != FW_ANSWER_YES)
		cause = login->kind == CREDENTIAL_TICKET ? "unknown, used or expired ticket"
							 : "unknown or expired session";
	else if (role == POLICY_NONE)
		cause = "its role is gone";
	else if (policy_credential_is_asked(conn->policy, answer->credential)) /* without the token nobody can ask */
		cause = "its issuer must be asked about the token";
	else if (answer->credential == 0 && answer->key_id.size == 0 && !(conn->policy->methods >> METHOD_PASSWORD & 1))
		cause = "passwords are not listed any more"; /* all else that opens one leaves a mark */
	else if (answer->credential != 0 && !policy_credential_counts(conn->policy, answer->credential, &given))
		cause = "the key that it was opened with is gone";
	else if (given != POLICY_NONE && given != role)
		cause = "the role of its key was changed";
	else if (!binding_unpack(answer->binding, &binding))
		cause = "what it is bound to";
	if (cause != NULL) {
		login_refuse(conn, authn_refusal_text(login->kind), cause);
	} else if (answer->key_id.size != 0) {
		conn->login->until_wall_us = answer->expires_wall_us;
		authn_key_ask_again(conn, answer->key_id);
	} else {
		struct identity identity = { .user_id = answer->user_id,
					     .role = role,
					     .method = login->kind == CREDENTIAL_TICKET
							       ? login_ticket_method(slice(login->credential,
											   login->credential_size))
							       : METHOD_SESSION,
					     .expires_wall_us = answer->expires_wall_us,
					     .issued_wall_us = answer->issued_wall_us,
					     .credential = answer->credential,
					     .binding = binding,
					     .required = policy_credential_required(conn->policy, answer->credential) };

		if (answer->origin.size == sizeof(identity.origin)) {
			identity.has_origin = true;
			memcpy(identity.origin, answer->origin.data, sizeof(identity.origin));
		}
		login_open_session(conn, &identity);
	}
}

static void key_answered(struct fw_conn *conn, const struct fw_answer *answer)
{
	struct login *login = conn->login;
	struct identity identity;
	const char *cause = authn_key_answered(conn, answer, &identity);
	char text[FW_STAGE_CAUSE];

	if (answer->code != FW_ANSWER_YES)
		cause = login_cause_of(answer, cause, text);
	if (conn_monitors(conn)) {
		watched_key(conn, cause, &identity);
	} else if (cause != NULL) {
		login_refuse(conn, authn_refusal_text(login->kind), cause);
	} else {
		if (login->kind == CREDENTIAL_SESSION || login->kind == CREDENTIAL_TICKET) {
			if (login->kind == CREDENTIAL_SESSION)
				identity.method = METHOD_SESSION;
			if (identity.expires_wall_us == 0 || login->until_wall_us < identity.expires_wall_us)
				identity.expires_wall_us = login->until_wall_us;
		}
		login_open_session(conn, &identity);
	}
}

static void password_answered(struct fw_conn *conn, const struct fw_answer *answer)
{
	uint16_t role = policy_role_find(conn->policy, answer->role);
	char text[FW_STAGE_CAUSE];

	if (answer->code != FW_ANSWER_YES)
		login_refuse(conn, authn_refusal_text(CREDENTIAL_PASSWORD),
			     login_cause_of(answer, "unknown user or wrong password", text));
	else if (answer->user_id.size == 0 || answer->user_id.size > LIMIT_USER_ID)
		login_fault(conn, "the answer about a password names nobody");
	else if (role == POLICY_NONE)
		login_refuse(conn, authn_refusal_text(CREDENTIAL_PASSWORD), "his role is gone");
	else if (policy_name_is_of_issuer(conn->policy, answer->user_id))
		login_refuse(conn, authn_refusal_text(CREDENTIAL_PASSWORD), "a name of the users of an issuer");
	else
		login_open_session(conn, &(struct identity){ .user_id = answer->user_id,
							     .role = role,
							     .method = METHOD_PASSWORD,
							     .expires_wall_us = answer->expires_wall_us,
							     .issued_wall_us = answer->issued_wall_us });
}

static void opened(struct fw_conn *conn)
{
	struct event_node *node;
	if (conn->ticket) {
		login_ticket_answer(conn);
		return;
	}

	principal_free(conn->principal);
	conn->principal = conn->login->made;
	conn->login->made = NULL;
	conn->engine->counters[COUNT_logins]++;
	node = event_record(conn, EVENT_auth_success);
	event_text(node, "method", login_method(conn->login));
	event_text(node, "place", conn->login->place);
	event_text(node, "role", conn->policy->roles[conn->principal->role].name);
	event_text(node, "bound", binding_name(conn->principal->bound));
	if (conn->principal->key_id_size != 0)
		event_detail(node, "key", slice(conn->principal->key_id, conn->principal->key_id_size));
	if (conn->login->again) {
		conn->phase = PHASE_OPEN;
		conn->phase_until_ns = UINT64_MAX;
		answer_auth_success(conn, conn->login->token, conn->login->token_size);
		login_free(conn);
	} else if (conn->route->has_upstream) {
		upstream_dial(conn);
	} else {
		struct http1_head head;

		/* After a first-message login the upgrade is done and the head is gone. */
		if (conn->upgraded)
			login_let_in(conn, NULL, slice(NULL, 0));
		else if (handshake_head(conn, &head))
			login_let_in(conn, &head, http_answer_subprotocol(conn, &head));
		else
			login_fault(conn, "memory");
	}
}

void login_supplied(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer)
{
	char text[FW_STAGE_CAUSE];

	if (conn->logout) {
		logout_supplied(conn, kind, answer);
		return;
	}
	if (kind == FW_NEED_INTROSPECT && conn->login == NULL)
		login_introspect_rechecked(conn, answer);
	if (conn->login == NULL)
		return;
	if (answer->code == FW_ANSWER_FAILED)
		login_fault(conn, kind < FW_NEED_PASSWORD
					  ? "the store could not be asked"
					  : login_cause_of(answer, "the keeper could not be asked", text));
	else if (answer->code == FW_ANSWER_LIMITED)
		login_limited(conn, kind, answer);
	else if (answer->code == FW_ANSWER_UNRECORDED && conn_refuses_unrecorded(conn))
		login_turn_away(conn, conn_unrecorded);
	else if (answer->code == FW_ANSWER_FULL)
		login_turn_away(conn, "dpop: no room to remember another proof");
	else if (answer->code == FW_ANSWER_CROWDED)
		login_crowded(conn);
	else if (answer->code == FW_ANSWER_BLOCKED)
		login_blocked(conn);
	else if (answer->code == FW_ANSWER_REPLAYED)
		login_refuse(conn, authn_refusal_text(conn->login->kind), "dpop: replayed");
	else if (answer->code == FW_ANSWER_NONCE)
		login_ask_nonce(conn, answer->nonce);
	else if (kind == FW_NEED_AUTH_SLOT && (answer->code == FW_ANSWER_YES || answer->code == FW_ANSWER_UNRECORDED))
		login_verify(conn);
	else if (kind == FW_NEED_API_KEY)
		key_answered(conn, answer);
	else if (kind == FW_NEED_SESSION_TAKE)
		taken(conn, answer);
	else if (kind == FW_NEED_PASSWORD)
		password_answered(conn, answer);
	else if (kind == FW_NEED_INTROSPECT)
		login_introspect_answered(conn, answer);
	else if (kind == FW_NEED_KEYS)
		login_keys_answered(conn, answer);
	else if (kind == FW_NEED_SESSION_OPEN && answer->code == FW_ANSWER_YES)
		opened(conn);
	else
		login_refuse(conn, authn_refusal_text(conn->login->kind),
			     kind == FW_NEED_SESSION_OPEN ? "revoked" : "refused by the store");
}

void login_let_in(struct fw_conn *conn, const struct http1_head *head, struct fw_slice subprotocol)
{
	if (!conn->upgraded) {
		if (head == NULL) {
			login_fault(conn, "memory");
			return;
		}
		upgrade(conn, head, subprotocol);
	}
	handshake_forget(conn);
	conn->phase = PHASE_OPEN;
	conn->phase_until_ns = UINT64_MAX;
	conn->last_message_ns = conn->engine->now.monotonic_ns;
	if (conn->login != NULL && conn->login->first_message)
		answer_auth_success(conn, conn->login->token, conn->login->token_size);
	login_free(conn);
	conn->was_open = true;
	conn->engine->counters[COUNT_sessions_open]++;
	event_push(conn, FW_EV_OPEN);
}
