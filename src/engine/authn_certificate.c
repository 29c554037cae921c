/* authn_certificate.c: from the certificate of the client to an identity: the first rule of authentication.certificates
 * that its names meet. TLS has verified it; here is only asked who that is. */
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/jwt.h"
#include "engine/conn_state.h"

#include <string.h>

bool authn_certificate_keep(struct fw_conn *conn, const struct fw_certificate *shown)
{
	size_t size = sizeof(struct certificate), at = 0;
	struct certificate *kept;

	for (size_t i = 0; i < shown->name_count; i++)
		size += sizeof(struct fw_certificate_name) + shown->names[i].text.size;
	kept = mem_alloc(size);
	if (kept == NULL)
		return false;
	*kept = (struct certificate){ .fault = shown->fault,
				      .from_wall_us = shown->from_wall_us,
				      .until_wall_us = shown->until_wall_us,
				      .name_count = shown->name_count };
	for (size_t i = 0; i < shown->name_count; i++) {
		uint8_t *text = (uint8_t *)&kept->names[shown->name_count] + at;

		memcpy(text, shown->names[i].text.data, shown->names[i].text.size);
		kept->names[i] =
			(struct fw_certificate_name){ shown->names[i].kind, slice(text, shown->names[i].text.size) };
		at += shown->names[i].text.size;
	}
	mem_free(conn->certificate);
	conn->certificate = kept;
	return true;
}

/* Who a rule says that it is: which name met each of its patterns. */
struct met {
	const struct policy_certificate_rule *rule;
	struct fw_slice names[FW_NAMES];
};

/* A pattern that two names meet leaves open which of them is meant. */
static bool meets(const struct certificate *shown, const struct policy_certificate_rule *rule, struct met *ret_met,
		  const char **reterr_cause)
{
	*ret_met = (struct met){ .rule = rule };
	for (unsigned kind = 0; kind < FW_NAMES; kind++) {
		for (size_t i = 0; i < shown->name_count; i++) {
			if (shown->names[i].kind != kind)
				continue;
			if (kind == FW_NAME_COMMON) { /* there is one at most, and no pattern asks for it */
				ret_met->names[kind] = shown->names[i].text;
				continue;
			}
			if (rule->patterns[kind] == NULL ||
			    !policy_certificate_matches(kind, rule->patterns[kind], shown->names[i].text))
				continue;
			if (ret_met->names[kind].data != NULL)
				*reterr_cause = "certificate: two of its names meet one pattern";
			ret_met->names[kind] = shown->names[i].text;
		}
		if (rule->patterns[kind] != NULL && ret_met->names[kind].data == NULL)
			return false;
	}
	return true;
}

/* NULL and the rule, or why there is none. */
static const char *find(const struct fw_conn *conn, struct met *ret_met)
{
	const struct fw_policy *policy = conn->policy;
	const char *cause = NULL;

	if (conn->certificate == NULL)
		return "certificate: the client showed none";
	if (conn->certificate->fault != NULL)
		return conn->certificate->fault;
	for (size_t i = 0; i < policy->certificate_rule_count; i++)
		if (meets(conn->certificate, &policy->certificate_rules[i], ret_met, &cause) || cause != NULL)
			return cause;
	return authn_certificate_unmet;
}

const char authn_certificate_unmet[] = "certificate: its names meet no rule";

bool authn_certificate_counts(const struct fw_conn *conn)
{
	struct met met;

	return (conn->policy->methods >> METHOD_CERTIFICATE & 1) != 0 && conn->certificate != NULL &&
	       find(conn, &met) != authn_certificate_unmet;
}

/* The text of a template with the names that met the rule; data NULL: one is not there, or memory is short. */
static struct fw_slice expand(struct fw_conn *conn, const struct met *met)
{
	struct fw_slice left = slice_text(met->rule->user);
	size_t room = left.size, size = 0;
	uint8_t *text;

	for (unsigned kind = 0; kind < FW_NAMES; kind++)
		room += met->names[kind].size;
	text = arena_alloc(&conn->engine->arena, room + 1); /* each name stands there once: see config_certificates.c */
	while (text != NULL && left.size != 0) {
		unsigned kind = policy_certificate_placeholder(left);
		struct fw_slice part = kind < FW_NAMES ? met->names[kind] : slice(left.data, 1);

		if (part.data == NULL)
			return slice(NULL, 0);
		memcpy(text + size, part.data, part.size);
		size += part.size;
		left = slice_from(left, kind < FW_NAMES ? policy_certificate_placeholder_size(kind) : 1);
	}
	return slice(text, text != NULL ? size : 0);
}

const char *authn_certificate(struct fw_conn *conn, struct identity *ret_identity)
{
	const struct certificate *shown = conn->certificate;
	struct met met;
	const char *cause = find(conn, &met);

	if (!(conn->policy->methods >> METHOD_CERTIFICATE & 1))
		return "method not listed";
	if (cause != NULL)
		return cause;
	if (shown->until_wall_us <= conn->engine->now.wall_us)
		return "certificate: expired";
	*ret_identity = (struct identity){ .user_id = expand(conn, &met),
					   .role = met.rule->role,
					   .method = METHOD_CERTIFICATE,
					   .expires_wall_us = shown->until_wall_us,
					   .issued_wall_us = shown->from_wall_us,
					   .credential = met.rule->mark,
					   .binding = { .kinds = BOUND_CERTIFICATE } };
	memcpy(ret_identity->binding.certificate, conn->tls_certificate, sizeof(ret_identity->binding.certificate));
	if (!jwt_name_holds(ret_identity->user_id))
		return "certificate: it names a user that nobody can be";
	return policy_name_is_of_issuer(conn->policy, ret_identity->user_id) ? "user of another issuer" : NULL;
}
