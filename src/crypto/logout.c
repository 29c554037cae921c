#include "crypto/logout.h"

#include <string.h>

#include "base/slice.h"
#include "crypto/jws.h"

static const char logout_event[] = "http://schemas.openid.net/event/backchannel-logout",
		  revoked_event[] = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/* A text of 1 to LOGOUT_TEXT octets. False: there is a member of that name, and it is none. */
static bool text_at(struct arena *arena, const struct json *json, uint32_t object, const char *name,
		    struct fw_slice *ret_text)
{
	uint32_t node = jws_member(json, object, name);

	*ret_text = slice(NULL, 0);
	if (node == 0)
		return true;
	if (json->nodes[node].kind != JSON_STRING)
		return false;
	*ret_text = json_text(json, node, arena);
	return ret_text->data != NULL && ret_text->size != 0 && ret_text->size <= LOGOUT_TEXT;
}

static uint32_t object_at(const struct json *json, uint32_t object, const char *name)
{
	uint32_t node = json->nodes[object].kind == JSON_OBJECT ? jws_member(json, object, name) : 0;

	return node != 0 && json->nodes[node].kind == JSON_OBJECT ? node : 0;
}

/* RFC 9493: of an issuer that is this one, or of nobody in particular. */
static bool read_identifier(struct arena *arena, const struct json *json, uint32_t node, const char *issuer,
			    struct fw_slice *ret_text)
{
	struct fw_slice format, named;

	if (!text_at(arena, json, node, "format", &format))
		return false;
	if (slice_is(format, "opaque"))
		return text_at(arena, json, node, "id", ret_text) && ret_text->data != NULL;
	if (!slice_is(format, "iss_sub") || !text_at(arena, json, node, "iss", &named) || !slice_is(named, issuer))
		return false;
	return text_at(arena, json, node, "sub", ret_text) && ret_text->data != NULL;
}

/* CAEP 2, 3.1: who the event is about: one identifier, or several in a complex one. */
static bool read_subject(struct arena *arena, const struct json *json, uint32_t event, const char *issuer,
			 struct logout *logout)
{
	uint32_t node = object_at(json, 0, "sub_id"), user, session;
	struct fw_slice format;

	if (node == 0)
		node = object_at(json, event, "subject");
	if (node == 0 || !text_at(arena, json, node, "format", &format))
		return false;
	if (!slice_is(format, "complex"))
		return read_identifier(arena, json, node, issuer, &logout->subject);
	user = object_at(json, node, "user");
	session = object_at(json, node, "session");
	return (user != 0 || session != 0) &&
	       (user == 0 || read_identifier(arena, json, user, issuer, &logout->subject)) &&
	       (session == 0 || read_identifier(arena, json, session, issuer, &logout->session));
}

static const char *check_times(const struct jwt_rules *rules, const struct json *claims, enum logout_kind kind,
			       uint64_t now, struct logout *logout)
{
	uint32_t iat = jws_member(claims, 0, "iat"), exp = jws_member(claims, 0, "exp");
	uint64_t end = 0;

	if (iat == 0 || !jws_seconds(claims, iat, &logout->issued_s) || logout->issued_s > now + rules->skew_s)
		return "iat";
	if (logout->issued_s + LOGOUT_AGE_S + rules->skew_s < now)
		return "too old";
	if (exp == 0 ? kind == LOGOUT_TOKEN : !jws_seconds(claims, exp, &end))
		return "exp";
	if (exp != 0 && end <= now)
		return "expired";
	logout->until_s = logout->issued_s + LOGOUT_AGE_S + rules->skew_s + 1;
	return NULL;
}

static const char *check(struct arena *arena, const struct jwt_rules *rules, const char *audience,
			 enum logout_kind kind, const struct json *claims, uint64_t now, struct logout *logout)
{
	uint32_t events = object_at(claims, 0, "events"),
		 event = events != 0 ? object_at(claims, events, kind == LOGOUT_TOKEN ? logout_event : revoked_event)
				     : 0;
	struct fw_slice issuer;
	const char *cause;

	if (!text_at(arena, claims, 0, "iss", &issuer) || !slice_is(issuer, rules->issuer))
		return "iss";
	if (!jwt_is_for(arena, claims, audience))
		return "aud";
	cause = check_times(rules, claims, kind, now, logout);
	if (cause != NULL)
		return cause;
	if (!text_at(arena, claims, 0, "jti", &logout->id) || logout->id.data == NULL)
		return "jti";
	if (event == 0) /* also an ID token, and a SET of something else */
		return "events";
	if (jws_member(claims, 0, "nonce") != 0) /* 2.4: so that it is no ID token */
		return "nonce";
	if (kind == LOGOUT_EVENT)
		return read_subject(arena, claims, event, rules->issuer, logout) ? NULL : "subject";
	if (!text_at(arena, claims, 0, "sub", &logout->subject) || !text_at(arena, claims, 0, "sid", &logout->session))
		return "sub or sid";
	return logout->subject.data != NULL || logout->session.data != NULL ? NULL : "sub or sid";
}

const char *logout_verify(struct arena *arena, const struct jwt_rules *rules, const char *audience,
			  enum logout_kind kind, struct fw_slice token, uint64_t wall_us, struct logout *ret_logout)
{
	struct jwt_rules of_this = *rules;
	struct fw_slice payload;
	struct json claims;
	const char *cause;

	*ret_logout = (struct logout){ 0 };
	of_this.type = kind == LOGOUT_TOKEN ? "logout+jwt" : "secevent+jwt";
	cause = jwt_open(arena, &of_this, token, &payload);
	if (cause == NULL)
		cause = jws_object(arena, payload, "claims", &claims);
	if (cause == NULL)
		cause = check(arena, rules, audience, kind, &claims, wall_us / 1000000, ret_logout);
	if (cause != NULL)
		*ret_logout = (struct logout){ 0 };
	return cause;
}
