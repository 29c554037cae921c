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

	if (identity->user_id.size > LIMIT_USER_ID)
		return NULL;
	made = mem_zero(1, sizeof(*made) + identity->user_id.size);
	if (made == NULL)
		return NULL;
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
	engine_random(engine, id, sizeof(id));
	encode_hex(id, sizeof(id), made->session_id);
	made->session_id_size = 16;
	principal_new_csrf(conn, made);
	return made;
}

struct principal *principal_free(struct principal *principal)
{
	if (principal != NULL) {
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

const struct policy_role *principal_role(const struct fw_conn *conn)
{
	return conn->principal != NULL ? &conn->policy->roles[conn->principal->role] : NULL;
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
	};
}

bool fw_conn_allows(const struct fw_conn *conn, const char *permission)
{
	const struct policy_role *role = principal_role(conn);

	return role != NULL && fw_policy_allows(conn->policy, role->name, permission);
}
