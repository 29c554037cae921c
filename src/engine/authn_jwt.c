/* authn_jwt.c: from a signed token to an identity: whose rules it is judged by, who that is, and which role. */
#include "base/slice.h"
#include "codec/json_pointer.h"
#include "crypto/jwt.h"
#include "engine/conn_state.h"

#include <string.h>

/* A role that is (inherits) the best so far is higher. */
static void prefer(const struct fw_policy *policy, uint16_t role, uint16_t *best)
{
	if (role != POLICY_NONE && (*best == POLICY_NONE || policy->roles[role].is >> *best & 1))
		*best = role;
}

/* What one name of the token means; POLICY_NONE: nothing. issuer NULL: the own tokens name roles as they are. */
static uint16_t role_named(const struct fw_policy *policy, const struct policy_issuer *issuer, struct fw_slice name)
{
	if (issuer == NULL)
		return policy_role_find(policy, name);
	for (size_t i = 0; i < issuer->role_count; i++)
		if (slice_is(name, issuer->roles[i].name))
			return issuer->roles[i].role;
	return POLICY_NONE;
}

struct roles {
	struct fw_conn *conn;
	const struct policy_issuer *issuer;
	uint16_t best; /* POLICY_NONE: none so far */
};

static void take_name(struct roles *roles, struct fw_slice name)
{
	const struct fw_policy *policy = roles->conn->policy;

	prefer(policy, role_named(policy, roles->issuer, name), &roles->best);
}

/* "chat.read chat.send" of a claim scope (RFC 6749 3.3, RFC 9068 2.2.3) */
static void take_scope(struct roles *roles, struct fw_slice text)
{
	while (text.size != 0) {
		const uint8_t *space = memchr(text.data, ' ', text.size);
		size_t size = space != NULL ? (size_t)(space - text.data) : text.size;

		take_name(roles, slice(text.data, size));
		text = slice_from(text, size + (space != NULL));
	}
}

/* A string is one name, never a list of letters; what is no string counts as nothing. */
static void take_claim(struct roles *roles, const struct json *claims, uint32_t node, bool scope)
{
	uint32_t end, item;

	if (node == 0)
		return;
	end = claims->nodes[node].next;
	for (item = claims->nodes[node].kind == JSON_ARRAY ? node + 1 : node; item < end;
	     item = claims->nodes[item].next) {
		if (claims->nodes[item].kind != JSON_STRING)
			continue;
		if (scope)
			take_scope(roles, json_text(claims, item, &roles->conn->engine->arena));
		else
			take_name(roles, json_text(claims, item, &roles->conn->engine->arena));
	}
}

/* The claim of that name, or the value that a JSON Pointer leads to; 0: there is none. */
static uint32_t claim_at(const struct json *claims, const char *name)
{
	return name[0] == '/' ? json_pointer_find(claims, slice_text(name))
			      : json_member(claims, 0, name, strlen(name));
}

/* The highest role among the claims, else the default role. */
static uint16_t role_of(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims)
{
	uint16_t lowest = issuer != NULL ? issuer->default_role : conn->policy->role_default;
	struct roles roles = { .conn = conn, .issuer = issuer, .best = POLICY_NONE };

	if (issuer != NULL && issuer->roles_claim != NULL) {
		take_claim(&roles, claims, claim_at(claims, issuer->roles_claim),
			   strcmp(issuer->roles_claim, "scope") == 0);
	} else {
		take_claim(&roles, claims, claim_at(claims, "role"), false);
		take_claim(&roles, claims, claim_at(claims, "roles"), false);
	}
	return roles.best != POLICY_NONE ? roles.best : lowest;
}

static const struct policy_issuer *issuer_of(struct fw_conn *conn, struct fw_slice token)
{
	if (conn->policy->issuer_count == 0)
		return NULL;
	return policy_issuer_find(conn->policy, jwt_claimed_issuer(&conn->engine->arena, token));
}

/* A name is of the issuer whose prefix is the longest that it begins with: from another one, or from an own token, it
 * would be somebody who only calls himself that. */
static bool is_of_another(const struct fw_policy *policy, const struct policy_issuer *issuer, struct fw_slice user)
{
	size_t own = issuer != NULL ? strlen(issuer->user_prefix) : 0;

	for (size_t i = 0; i < policy->issuer_count; i++)
		if (strlen(policy->issuers[i].user_prefix) > own && slice_starts(user, policy->issuers[i].user_prefix))
			return true;
	return false;
}

/* Who that is: the claim, behind what tells the users of this issuer from those of others. */
static bool name_user(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims,
		      struct fw_slice *ret_user)
{
	uint32_t node = claim_at(claims, issuer->user_claim);
	struct fw_slice prefix = slice_text(issuer->user_prefix), name = slice(NULL, 0);
	uint8_t *whole;

	if (node != 0 && claims->nodes[node].kind == JSON_STRING)
		name = json_text(claims, node, &conn->engine->arena);
	if (name.data == NULL || !jwt_name_holds(name))
		return false;
	whole = arena_alloc(&conn->engine->arena, prefix.size + name.size);
	if (whole == NULL)
		return false;
	if (prefix.size != 0)
		memcpy(whole, prefix.data, prefix.size);
	memcpy(whole + prefix.size, name.data, name.size);
	*ret_user = slice(whole, prefix.size + name.size);
	return jwt_name_holds(*ret_user);
}

/* A time that no clock reaches is the end of time, not some time of now. */
static uint64_t in_us(uint64_t seconds)
{
	return seconds <= UINT64_MAX / 1000000 ? seconds * 1000000 : UINT64_MAX;
}

/* A set may have the key by now, unless nothing is called so. */
static void want_key(struct fw_conn *conn, const struct policy_issuer *issuer, struct fw_slice token,
		     struct identity *ret_identity)
{
	ret_identity->kid = jwt_claimed_kid(&conn->engine->arena, token);
	if (ret_identity->kid.size <= JWK_KID_MOST)
		ret_identity->keys_of = issuer;
}

/* Who that is, of claims that are known to be the issuer's own. NULL, or the cause. */
static const char *identify(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims,
			    struct identity *ret_identity)
{
	const char *cause;

	ret_identity->required = issuer != NULL ? issuer->require_bound : conn->policy->settings.jwt_require_bound;
	cause = binding_read(&conn->engine->arena, claims, &ret_identity->binding);
	if (cause != NULL)
		return cause;
	if (issuer != NULL && !name_user(conn, issuer, claims, &ret_identity->user_id))
		return "user";
	if (is_of_another(conn->policy, issuer, ret_identity->user_id))
		return "user of another issuer";
	if (issuer != NULL)
		logout_origin(conn, issuer, claims, ret_identity);
	return ret_identity->role == POLICY_NONE ? "no role" : NULL;
}

/* iss need not be there: whoever was asked is the issuer. Whom the token is for must be. */
const char *authn_claims(struct fw_conn *conn, const struct policy_issuer *issuer, const struct json *claims,
			 struct identity *ret_identity)
{
	struct arena *arena = &conn->engine->arena;
	uint32_t named = json_member(claims, 0, "iss", 3);
	struct jwt times;
	const char *cause = jwt_check_times(&issuer->rules, claims, conn->engine->now.wall_us, &times);

	if (cause != NULL)
		return cause;
	if (named != 0 && (claims->nodes[named].kind != JSON_STRING ||
			   !slice_is(json_text(claims, named, arena), issuer->rules.issuer)))
		return "iss";
	if (!jwt_is_for(arena, claims, issuer->rules.audience))
		return "aud";
	*ret_identity = (struct identity){ .role = role_of(conn, issuer, claims),
					   .method = METHOD_OAUTH,
					   .expires_wall_us = times.expires_s != 0 ? in_us(times.expires_s) : 0,
					   .issued_wall_us = in_us(times.issued_s),
					   .credential = issuer->introspection.mark };
	return identify(conn, issuer, claims, ret_identity);
}

const char *authn_jwt(struct fw_conn *conn, struct fw_slice token, struct identity *ret_identity)
{
	const struct policy_issuer *issuer = issuer_of(conn, token);
	const struct jwt_rules *rules = issuer != NULL ? &issuer->rules : &conn->policy->jwt;
	const uint64_t *marks = issuer != NULL ? issuer->marks : conn->policy->jwt_marks;
	struct jwt jwt;
	const char *cause = jwt_verify(&conn->engine->arena, rules, token, conn->engine->now.wall_us, &jwt);

	if (issuer != NULL && provider_is_asked(&issuer->provider) &&
	    (cause == jwt_unknown_kid || (cause != NULL && rules->key_count == 0)))
		want_key(conn, issuer, token, ret_identity);
	if (cause != NULL && rules->key_count == 0) /* nothing else can be said of it */
		return "keys of the issuer not fetched";
	if (cause != NULL)
		return cause;
	*ret_identity = (struct identity){ .user_id = jwt.subject,
					   .role = role_of(conn, issuer, &jwt.claims),
					   .method = METHOD_JWT,
					   .expires_wall_us = in_us(jwt.expires_s),
					   .issued_wall_us = in_us(jwt.issued_s),
					   .credential = marks[jwt.key] };
	return identify(conn, issuer, &jwt.claims, ret_identity);
}
