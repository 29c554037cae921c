/* assertion.c: what the identity headers say, signed and short-lived, so that the server behind needs to trust no
 * network: a JWT (RFC 7519) for one upstream and one connection. The key is the policy's, time the engine's. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "crypto/jwt.h"
#include "engine/conn_state.h"

static void text(struct json_writer *writer, const char *name, struct fw_slice value)
{
	json_write_key(writer, name);
	json_write_text(writer, value);
}

static void seconds(struct json_writer *writer, const char *name, uint64_t value)
{
	json_write_key(writer, name);
	json_write_integer(writer, (int64_t)value);
}

/* The upstream's URL as the configuration has it: another server cannot use what was meant for this one. */
static void write_audience(struct json_writer *writer, const struct policy_route *route)
{
	char url[512], *end = stpcpy(url, route->upstream_tls ? "wss://" : "ws://");
	size_t authority = strlen(route->upstream_authority);

	if (authority > sizeof(url) - 8) {
		writer->failed = true;
		return;
	}
	end = stpcpy(end, route->upstream_authority);
	text(writer, "aud", slice(url, (size_t)(end - url)));
}

static void write_permissions(struct json_writer *writer, const struct policy_role *role)
{
	json_write_key(writer, "permissions");
	json_write_open(writer, '[');
	for (size_t i = 0; i < role->patterns.count; i++)
		json_write_string(writer, role->patterns.items[i]);
	json_write_close(writer, ']');
}

static bool write_claims(struct fw_conn *conn)
{
	const struct settings *settings = &conn->policy->settings;
	const struct principal *who = conn->principal;
	const struct policy_role *role = principal_role(conn);
	struct json_writer w = engine_writer(conn->engine);
	char address[ADDR_TEXT], id[ENCODE_U64], once[24];
	uint64_t now_s = conn->engine->now.wall_us / 1000000;
	uint8_t random[16];

	engine_random(conn->engine, random, sizeof(random));
	json_write_open(&w, '{');
	text(&w, "iss", slice_text(settings->assertion_issuer));
	write_audience(&w, conn->route);
	if (who != NULL) {
		text(&w, "sub", slice(who->user_id, who->user_id_size));
		text(&w, "role", slice_text(role->name));
		write_permissions(&w, role);
	}
	text(&w, "connection_id", slice(id, encode_u64(conn->id, id)));
	text(&w, "client_ip", slice(address, addr_format(&conn->peer, address)));
	seconds(&w, "iat", now_s);
	seconds(&w, "exp", now_s + (uint64_t)settings->assertion_lifetime);
	text(&w, "jti", slice(once, encode_base64(random, sizeof(random), 1, once)));
	json_write_close(&w, '}');
	return !w.failed;
}

bool assertion_make(struct fw_conn *conn, struct fw_slice *ret_token)
{
	const struct fw_policy *policy = conn->policy;

	arena_reset(&conn->engine->arena);
	return policy->assertion_key_count != 0 && write_claims(conn) &&
	       jwt_issue(&conn->engine->arena, &policy->assertion_keys[0], engine_written(conn->engine), ret_token) ==
		       FW_OK;
}
