/* authn_key.c: API keys: those of the configuration are known here, those of the store are asked for. */
#include <string.h>

#include "base/secret.h"
#include "base/slice.h"
#include "crypto/apikey.h"
#include "engine/conn_state.h"

const char authn_key_unknown[] = "unknown key";

/* Whose it is by the name of the key; in the arena. */
static bool user_of(struct fw_conn *conn, struct fw_slice name, struct fw_slice *ret_user)
{
	char *user = arena_alloc(&conn->engine->arena, strlen("api_key_") + name.size + 1);

	if (user == NULL)
		return false;
	memcpy(user, "api_key_", strlen("api_key_"));
	if (name.size != 0)
		memcpy(user + strlen("api_key_"), name.data, name.size);
	*ret_user = slice(user, strlen("api_key_") + name.size);
	return true;
}

const char *authn_key(struct fw_conn *conn, struct fw_slice key, struct identity *ret_identity)
{
	const struct fw_policy *policy = conn->policy;
	struct apikey_parts parts;

	if (!apikey_parse(key, &parts))
		return "form or checksum";
	for (size_t i = 0; i < policy->api_key_count; i++) {
		const struct policy_api_key *known = &policy->api_keys[i];

		if (!slice_is(parts.id, known->id))
			continue;
		if (!secret_equal(slice(parts.hash, sizeof(parts.hash)), slice(known->hash, sizeof(known->hash))))
			return "secret";
		*ret_identity = (struct identity){ .role = known->role,
						   .method = METHOD_API_KEY,
						   .credential = policy_credential_api_key(known),
						   .key_id = slice_text(known->id) };
		return user_of(conn, slice_text(known->name), &ret_identity->user_id) ? NULL : "memory";
	}
	return authn_key_unknown;
}

static void ask(struct fw_conn *conn, struct fw_slice key_id, struct fw_slice hash)
{
	conn->phase = PHASE_SESSION;
	event_need(conn, FW_NEED_API_KEY, &(struct fw_need){ .key = hash, .key_id = key_id });
}

void authn_key_ask(struct fw_conn *conn, struct fw_slice key)
{
	struct apikey_parts parts = { 0 };

	if (apikey_parse(key, &parts)) /* it holds: authn_key asked the same */
		ask(conn, parts.id, slice(parts.hash, sizeof(parts.hash)));
}

void authn_key_ask_again(struct fw_conn *conn, struct fw_slice key_id)
{
	ask(conn, key_id, slice(NULL, 0));
}

const char *authn_key_answered(struct fw_conn *conn, const struct fw_answer *answer, struct identity *ret_identity)
{
	uint16_t role = policy_role_find(conn->policy, answer->role);

	if (answer->code != FW_ANSWER_YES)
		return authn_key_unknown;
	if (!(conn->policy->methods >> METHOD_API_KEY & 1))
		return "method not listed";
	if (role == POLICY_NONE)
		return "the role of the key is gone";
	arena_reset(&conn->engine->arena);
	*ret_identity = (struct identity){ .role = role,
					   .method = METHOD_API_KEY,
					   .expires_wall_us = answer->expires_wall_us,
					   .issued_wall_us = answer->issued_wall_us,
					   .key_id = answer->key_id,
					   .scopes = answer->scopes,
					   .key_stored = true };
	return user_of(conn, answer->user_id, &ret_identity->user_id) ? NULL : "memory";
}
