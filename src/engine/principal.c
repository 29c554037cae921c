/* principal.c: who is logged in. */
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"

#include <string.h>

/* A wall-clock end as monotonic time, so that no clock jump moves it afterwards. */
static uint64_t monotonic_end(const struct fw_engine *engine, uint64_t wall_us)
{
	if (wall_us <= engine->now.wall_us)
		return engine->now.monotonic_ns;
	return engine->now.monotonic_ns + (wall_us - engine->now.wall_us) * 1000;
}

struct principal *principal_new(struct fw_conn *conn, const struct identity *identity)
{
	struct fw_engine *engine = conn->engine;
	uint64_t absolute_us =
		engine->now.wall_us + (uint64_t)conn->policy->settings.session_absolute_hours * 3600 * 1000000;
	struct principal *made;
	uint8_t id[8];

	if (identity->user_id.size > LIMIT_USER_ID || identity->scopes.size > LIMIT_API_KEY_SCOPES ||
	    identity->key_id.size > sizeof(made->key_id))
		return NULL;
	made = mem_zero(1, sizeof(*made) + identity->user_id.size + identity->scopes.size);
	if (made == NULL)
		return NULL;
	if (identity->has_origin) {
		made->origin = mem_alloc(sizeof(identity->origin));
		if (made->origin == NULL)
			return principal_free(made);
		memcpy(made->origin, identity->origin, sizeof(identity->origin));
	}
	made->role = identity->role;
	made->method = identity->method;
	made->credential = identity->credential;
	made->bound = identity->binding.kinds;
	made->since_ns = engine->now.monotonic_ns;
	made->expires_wall_us = absolute_us;
	if (identity->expires_wall_us != 0 && identity->expires_wall_us < absolute_us)
		made->expires_wall_us = identity->expires_wall_us;
	made->expires_ns = monotonic_end(engine, made->expires_wall_us);
	made->user_id_size = (uint16_t)identity->user_id.size;
	memcpy(made->user_id, identity->user_id.data, identity->user_id.size);
	made->scopes_size = (uint16_t)identity->scopes.size;
	if (made->scopes_size != 0)
		memcpy(made->user_id + made->user_id_size, identity->scopes.data, made->scopes_size);
	made->key_id_size = (uint8_t)identity->key_id.size;
	made->key_stored = identity->key_stored;
	if (made->key_id_size != 0)
		memcpy(made->key_id, identity->key_id.data, made->key_id_size);
	if (!principal_narrow(made, conn->policy, made->role))
		return principal_free(made);
	engine_random(engine, id, sizeof(id));
	encode_hex(id, sizeof(id), made->session_id);
	made->session_id_size = 16;
	principal_new_csrf(conn, made);
	return made;
}

struct principal *principal_free(struct principal *principal)
{
	if (principal != NULL) {
		if (principal->token != NULL)
			mem_wipe(principal->token, principal->token_size);
		mem_free(principal->token);
		mem_free(principal->origin);
		mem_free(principal->narrowed);
		mem_wipe(principal, sizeof(*principal));
		mem_free(principal);
	}
	return NULL;
}

void principal_new_csrf(struct fw_conn *conn, struct principal *principal)
{
	uint8_t bytes[64];
	size_t size = (size_t)conn->policy->settings.csrf_length;

	if (size > sizeof(bytes))
		size = sizeof(bytes);
	engine_random(conn->engine, bytes, size);
	principal->csrf_size = (uint8_t)encode_base64(bytes, size, 1, principal->csrf);
	principal->csrf_until_ns =
		conn->engine->now.monotonic_ns + (uint64_t)conn->policy->settings.csrf_expiry * 3600 * SECOND_NS;
	mem_wipe(bytes, sizeof(bytes));
}

static bool scopes_grant(struct fw_slice scopes, const char *permission)
{
	while (scopes.size != 0) {
		const uint8_t *end = memchr(scopes.data, ' ', scopes.size);
		size_t size = end != NULL ? (size_t)(end - scopes.data) : scopes.size;

		if (rbac_pattern_grants(slice(scopes.data, size), slice_text(permission)))
			return true;
		scopes = slice_from(scopes, end != NULL ? size + 1 : size);
	}
	return false;
}

bool principal_narrow(struct principal *principal, const struct fw_policy *policy, uint16_t role)
{
	struct fw_slice scopes = slice(principal->user_id + principal->user_id_size, principal->scopes_size);
	const struct policy_role *whole = &policy->roles[role];
	struct policy_role *made;
	const char **names;

	if (scopes.size == 0)
		return true;
	made = mem_zero(1, sizeof(*made) + policy->permission_count * sizeof(*names));
	if (made == NULL)
		return false;
	names = (const char **)(void *)(made + 1);
	*made = (struct policy_role){ .name = whole->name,
				      .name_size = whole->name_size,
				      .is = whole->is,
				      .patterns = { names, 0 },
				      .narrowed = true };
	for (unsigned i = 0; i < policy->permission_count; i++) {
		if (!bits_has(&whole->permissions, i) || !scopes_grant(scopes, policy->permissions[i]))
			continue;
		bits_add(&made->permissions, i);
		names[made->patterns.count++] = policy->permissions[i];
	}
	mem_free(principal->narrowed);
	principal->narrowed = made;
	return true;
}

const struct policy_role *principal_role(const struct fw_conn *conn)
{
	if (conn->principal == NULL)
		return NULL;
	return conn->principal->narrowed != NULL ? conn->principal->narrowed
						 : &conn->policy->roles[conn->principal->role];
}

/* False: this one did not come with that key. */
static bool ends(const struct fw_engine *engine, struct principal *principal, struct fw_slice key_id, uint64_t wall_us)
{
	if (principal == NULL || !principal->key_stored ||
	    !slice_equal(slice(principal->key_id, principal->key_id_size), key_id))
		return false;
	if (wall_us < principal->expires_wall_us) {
		principal->expires_wall_us = wall_us;
		principal->expires_ns = monotonic_end(engine, wall_us);
	}
	return true;
}

bool fw_conn_key_ends(struct fw_conn *conn, struct fw_slice key_id, uint64_t wall_us)
{
	bool here = ends(conn->engine, conn->principal, key_id, wall_us);
	bool coming = conn->login != NULL && ends(conn->engine, conn->login->made, key_id, wall_us);

	if (here && wall_us <= conn->engine->now.wall_us)
		ending_close(conn, CLOSE_REVOKED, NULL, "its API key was revoked");
	return here || coming;
}

struct fw_principal fw_conn_principal(const struct fw_conn *conn)
{
	const struct principal *who = conn->principal;

	if (who == NULL)
		return (struct fw_principal){ .connection_id = conn->id };
	return (struct fw_principal){
		.user_id = slice(who->user_id, who->user_id_size),
		.role = slice_text(conn->policy->roles[who->role].name),
		.session_id = slice(who->session_id, who->session_id_size),
		.connection_id = conn->id,
		.origin = slice(who->origin, who->origin != NULL ? 32 : 0),
	};
}

bool fw_conn_allows(const struct fw_conn *conn, const char *permission)
{
	const struct policy_role *role = principal_role(conn);
	uint16_t number = policy_permission_find(conn->policy, slice_text(permission));

	return role != NULL && number != POLICY_NONE && bits_has(&role->permissions, number);
}
