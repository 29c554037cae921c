/* logout.c: an issuer says that a user or a session of its is over: POST /framewall/logout with a logout token
 * (back-channel logout), POST /framewall/events with a security event token. Which logins that ends is told by marks:
 * of the issuer and the subject, and of the issuer and what the login's token says of its session. */
#include "base/slice.h"
#include "codec/http1.h"
#include "codec/json_pointer.h"
#include "crypto/digest.h"
#include "crypto/logout.h"
#include "engine/conn_state.h"

#include <string.h>

static const char logout_path[] = "/framewall/logout", events_path[] = "/framewall/events";

static void mark(const struct policy_issuer *issuer, const char *kind, struct fw_slice name, uint8_t ret_mark[16])
{
	uint8_t digests[3][32], whole[32];

	digest_sha256(slice_text(issuer->rules.issuer), digests[0]);
	digest_sha256(slice_text(kind), digests[1]);
	digest_sha256(name, digests[2]);
	digest_sha256(slice((const uint8_t *)digests, sizeof(digests)), whole);
	memcpy(ret_mark, whole, 16);
}

static bool is_text(const struct json *claims, uint32_t node)
{
	return node != 0 && claims->nodes[node].kind == JSON_STRING;
}

void logout_origin(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims,
		   struct identity *identity)
{
	uint32_t sub = json_member(claims, 0, "sub", 3), sid = json_member(claims, 0, "sid", 3);
	struct arena *arena = &conn->engine->arena;

	if (!issuer->provider.backchannel_logout || !is_text(claims, sub))
		return;
	identity->has_origin = true;
	mark(issuer, "sub", json_text(claims, sub, arena), identity->origin);
	if (is_text(claims, sid))
		mark(issuer, "sid", json_text(claims, sid, arena), identity->origin + 16);
	else
		mark(issuer, "sub without sid", json_text(claims, sub, arena), identity->origin + 16);
}

bool logout_asked(const struct fw_conn *conn, const struct http1_head *head)
{
	bool there = false;

	if (!slice_is(head->path, logout_path) && !slice_is(head->path, events_path))
		return false;
	for (size_t i = 0; i < conn->policy->issuer_count; i++)
		there = there || conn->policy->issuers[i].provider.backchannel_logout;
	return there && !conn_monitors(conn) && !http1_has_token(head, "Upgrade", "websocket");
}

static void refuse(struct fw_conn *conn, unsigned status, const char *cause)
{
	http_answer_refuse(
		conn, &(struct http_refusal){ .status = status,
					      .cause = cause,
					      .detail = status == 400 ? "this is no logout that counts here" : cause,
					      .event = EVENT_handshake_refused });
}

/* Of a head that is one: "application/x" of "Application/X; charset=utf-8". */
static bool has_type(const struct http1_head *head, const char *type)
{
	unsigned count;
	const struct http1_field *field = http1_find(head, "Content-Type", &count);
	const uint8_t *end;

	if (field == NULL || count != 1)
		return false;
	end = memchr(field->value.data, ';', field->value.size);
	return slice_is_nocase(slice_trim(slice(field->value.data,
						end != NULL ? (size_t)(end - field->value.data) : field->value.size)),
			       type);
}

bool logout_form(struct fw_conn *conn, const struct http1_head *head)
{
	bool is_form = slice_is(head->path, logout_path);
	unsigned hosts;

	http1_find(head, "Host", &hosts);
	if (!slice_is(head->method, "POST"))
		refuse(conn, 405, "a logout comes by POST");
	else if (hosts != 1)
		refuse(conn, 400, "RFC 9112 3.2: one Host field is needed");
	else if (http1_find(head, "Origin", NULL) != NULL)
		refuse(conn, 403, "a page of a browser");
	else if (head->chunked || head->content_length == 0)
		refuse(conn, 400, "a body with a Content-Length is needed");
	else if (head->content_length > LIMIT_LOGOUT_BODY)
		refuse(conn, 413, "the body is too large");
	else if (!has_type(head, is_form ? "application/x-www-form-urlencoded" : "application/secevent+jwt"))
		refuse(conn, 400, "Content-Type");
	else
		return true;
	return false;
}

/* The value of the one logout_token; data NULL: there is none, or more. A token has nothing that a form escapes. */
static struct fw_slice token_of(struct fw_slice form)
{
	static const char name[] = "logout_token=";
	struct fw_slice found = slice(NULL, 0);

	while (form.size != 0) {
		const uint8_t *and = memchr(form.data, '&', form.size);
		size_t size = and != NULL ? (size_t)(and-form.data) : form.size;
		struct fw_slice pair = slice(form.data, size);

		if (slice_starts(pair, name) && found.data != NULL)
			return slice(NULL, 0);
		if (slice_starts(pair, name))
			found = slice_from(pair, sizeof(name) - 1);
		form = slice_from(form, size + 1);
	}
	return found;
}

static const struct policy_issuer *issuer_of(const struct fw_policy *policy, struct arena *arena, struct fw_slice token)
{
	const struct policy_issuer *issuer = policy_issuer_find(policy, jwt_claimed_issuer(arena, token));

	return issuer != NULL && issuer->provider.backchannel_logout ? issuer : NULL;
}

static void record(struct fw_conn *conn, const struct policy_issuer *issuer, enum logout_kind kind,
		   const struct logout *logout)
{
	struct event_node *node = event_record(conn, EVENT_issuer_logout);

	event_text(node, "issuer", issuer->rules.issuer);
	event_text(node, "by", kind == LOGOUT_TOKEN ? "back-channel logout" : "session-revoked");
	if (logout->subject.data != NULL)
		event_detail(node, "sub", logout->subject);
	if (logout->session.data != NULL)
		event_detail(node, "sid", logout->session);
}

/* jti, the mark of the subject if all of his is over, and those of the session: zeros where there is none. */
static void tell(struct fw_conn *conn, const struct policy_issuer *issuer, const struct logout *logout)
{
	uint8_t key[LOGOUT_KEY] = { 0 };

	mark(issuer, "jti", logout->id, key);
	if (logout->session.data != NULL)
		mark(issuer, "sid", logout->session, key + 16);
	else
		mark(issuer, "sub", logout->subject, key + 16);
	if (logout->session.data != NULL && logout->subject.data != NULL)
		mark(issuer, "sub without sid", logout->subject, key + 32);
	conn->phase = PHASE_SESSION;
	event_need(conn, FW_NEED_LOGOUT,
		   &(struct fw_need){ .key = slice(key, sizeof(key)), .number = (int64_t)logout->until_s });
}

static void verify(struct fw_conn *conn)
{
	const struct fw_policy *policy = conn->engine->policy; /* keys that came since count */
	enum logout_kind kind = LOGOUT_TOKEN;
	const struct policy_issuer *issuer;
	struct fw_slice token, body;
	struct http1_head head;
	struct logout logout;
	const char *cause;

	arena_reset(&conn->engine->arena);
	if (!handshake_head(conn, &head)) {
		conn->broken = true;
		return;
	}
	body = slice_from(slice(buf_data(&conn->head), buf_size(&conn->head)), head.size);
	if (slice_is(head.path, events_path))
		kind = LOGOUT_EVENT;
	token = kind == LOGOUT_TOKEN ? token_of(body) : body;
	issuer = issuer_of(policy, &conn->engine->arena, token);
	if (token.data == NULL || issuer == NULL) {
		refuse(conn, 400, token.data == NULL ? "logout: no logout_token" : "logout: iss");
		return;
	}
	cause = logout_verify(&conn->engine->arena, &issuer->rules,
			      issuer->provider.logout_audience != NULL ? issuer->provider.logout_audience
								       : issuer->rules.audience,
			      kind, token, conn->engine->now.wall_us, &logout);
	if (cause == jwt_unknown_kid && provider_is_asked(&issuer->provider) && !conn->logout_asked_keys) {
		conn->logout_asked_keys = true;
		conn->phase = PHASE_SESSION;
		event_need(conn, FW_NEED_KEYS,
			   &(struct fw_need){ .user_id = slice_text(issuer->rules.issuer),
					      .key = jwt_claimed_kid(&conn->engine->arena, token) });
	} else if (cause != NULL) {
		refuse(conn, 400, cause);
	} else {
		record(conn, issuer, kind, &logout);
		tell(conn, issuer, &logout);
	}
}

void logout_input(struct fw_conn *conn)
{
	struct http1_head head;
	size_t whole, have = buf_size(&conn->head), take;

	if (!handshake_head(conn, &head)) {
		conn->broken = true;
		return;
	}
	whole = head.size + (size_t)head.content_length;
	take = conn->input_size < whole - have ? conn->input_size : whole - have;
	if (buf_append(&conn->head, &conn->engine->pool, conn->input, take) < 0) {
		conn->broken = true;
		return;
	}
	conn->input += take;
	conn->input_size -= take;
	if (have + take == whole)
		verify(conn);
}

void logout_supplied(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_answer *answer)
{
	if (kind == FW_NEED_KEYS && answer->code == FW_ANSWER_YES)
		verify(conn);
	else if (kind == FW_NEED_KEYS)
		refuse(conn, 400, "kid");
	else if (answer->code == FW_ANSWER_YES)
		http_answer_last(conn, "200 OK", "Content-Length: 0\r\n", slice(NULL, 0));
	else if (answer->code == FW_ANSWER_NO)
		refuse(conn, 400, "logout: it was used before");
	else
		http_answer_refuse(conn, &(struct http_refusal){ .status = 503,
								 .cause = "logout: the keeper could not be told",
								 .detail = "try again later",
								 .event = EVENT_overload,
								 .retry_after_ms = 1000 });
}
