/* login_message.c: the auth message: the first one of a connection, or a later one that logs in anew. */
#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"

#include <string.h>

/* What an auth message carries. */
struct carried {
	enum credential_kind kind; /* NONE: of a method that is not listed */
	struct fw_slice credential, user;
};

/* A text member; false when it is not there. */
static bool member(struct fw_conn *conn, const struct json *json, const char *name, struct fw_slice *ret_text)
{
	uint32_t node = json_member(json, 0, name, strlen(name));

	if (node != 0)
		*ret_text = json_text(json, node, &conn->engine->arena);
	return node != 0;
}

/* By its method. NULL: done; else the text of the refusal. */
static const char *read_message(struct fw_conn *conn, const struct json *json, struct carried *ret_carried)
{
	static const struct {
		const char *name, *field, *missing;
		uint8_t method, kind;
	} methods[] = {
		{ "jwt", "token", "JWT token required", METHOD_JWT, CREDENTIAL_JWT },
		{ "api_key", "api_key", "API key required", METHOD_API_KEY, CREDENTIAL_API_KEY },
		{ "session", "session_token", "Session token required", METHOD_SESSION, CREDENTIAL_SESSION },
		{ "password", "password", "User id and password required", METHOD_PASSWORD, CREDENTIAL_PASSWORD },
		{ "oauth", "token", "Access token required", METHOD_OAUTH, CREDENTIAL_OAUTH },
		{ "certificate", NULL, NULL, METHOD_CERTIFICATE, CREDENTIAL_CERTIFICATE },
	};
	struct fw_slice name = slice_text("jwt");
	char *text;

	*ret_carried = (struct carried){ .kind = CREDENTIAL_NONE };
	member(conn, json, "method", &name);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!slice_is(name, methods[i].name) || !(conn->policy->methods >> methods[i].method & 1))
			continue;
		ret_carried->kind = methods[i].kind;
		if ((methods[i].field != NULL && !member(conn, json, methods[i].field, &ret_carried->credential)) ||
		    (ret_carried->kind == CREDENTIAL_PASSWORD && !member(conn, json, "user_id", &ret_carried->user)))
			return methods[i].missing;
		return NULL;
	}
	text = arena_alloc(&conn->engine->arena, name.size + 64);
	if (text == NULL)
		return "Unsupported authentication method";
	memcpy(stpcpy(text, "Unsupported authentication method: "), name.data, name.size);
	text[strlen("Unsupported authentication method: ") + name.size] = '\0';
	return text;
}

static void begin_message(struct fw_conn *conn, const struct json *json, bool again)
{
	struct carried carried;
	const char *text = read_message(conn, json, &carried);
	struct presented presented = { 0 };
	bool begun;

	presented.dpop = member(conn, json, "dpop", &presented.proof);
	begun = text == NULL
			? login_begin(conn, carried.kind, carried.credential, carried.user, true, "message", &presented)
			: login_begin(conn, carried.kind, slice(NULL, 0), slice(NULL, 0), true, "message", &presented);
	if (!begun)
		return;
	conn->login->again = again;
	if (text != NULL)
		login_refuse(conn, text, carried.kind == CREDENTIAL_NONE ? "method not listed" : "no credential");
	else
		login_ask_slot(conn);
}

/* Neither what was sent nor what it means is left behind for whoever reads this memory. The octets of a message may be
 * changed. */
void login_again(struct fw_conn *conn, const struct json *json)
{
	static const char *const names[] = { "token", "api_key", "session_token", "password", "dpop" };

	login_introspect_displaced(conn);
	begin_message(conn, json, true);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint32_t node = json_member(json, 0, names[i], strlen(names[i]));
		struct fw_slice raw = node != 0 ? json_raw(json, node) : slice(NULL, 0);

		if (raw.size != 0)
			mem_wipe((void *)(uintptr_t)raw.data, raw.size);
	}
	arena_wipe(&conn->engine->arena);
}

/* The first message is judged as an auth message: JSON, its fields; any other type is refused as INVALID_AUTH. */
static void judge_message(struct fw_conn *conn, const struct ws_item *item)
{
	struct fw_engine *engine = conn->engine;
	struct message message = {
		.engine = engine,
		.policy = conn->policy,
		.route = NULL,
		.conn = conn,
		.text = slice(item->payload, item->size),
		.binary = item->opcode == WS_BINARY,
		.problems = &engine->problems,
	};
	struct answer answer = { .code = ERROR_INVALID_AUTH, .problems = &engine->problems };

	arena_reset(&engine->arena);
	problems_clear(&engine->problems);
	if (stage_json(&message) != VERDICT_PASS) {
		if (message.close == CLOSE_FAULT) {
			login_fault(conn, message.cause);
			return;
		}
		answer = (struct answer){ .code = message.binary ? ERROR_INVALID_AUTH : ERROR_INVALID_JSON };
		ending_close(conn, message.binary ? CLOSE_INVALID_AUTH : CLOSE_AUTH_JSON, &answer, message.cause);
		return;
	}
	if (stage_route(&message) != VERDICT_PASS ||
	    !slice_is(slice(message.rule->name, message.rule->name_size), "auth")) {
		ending_close(conn, CLOSE_INVALID_AUTH, &answer, "the first message is not of type auth");
		return;
	}
	if (stage_size(&message) != VERDICT_PASS) {
		answer = (struct answer){ .code = ERROR_MESSAGE_TOO_LARGE };
		ending_close(conn, CLOSE_TOO_BIG, &answer, message.cause);
		return;
	}
	if (stage_schema(&message) != VERDICT_PASS) {
		if (message.close == CLOSE_FAULT)
			login_fault(conn, message.cause);
		else
			ending_close(conn, CLOSE_INVALID_AUTH, &answer, message.cause);
		return;
	}
	begin_message(conn, &message.json, false);
}

void login_message(struct fw_conn *conn, const struct ws_item *item)
{
	judge_message(conn, item);
	mem_wipe(item->payload, item->size);
	arena_wipe(&conn->engine->arena);
}
