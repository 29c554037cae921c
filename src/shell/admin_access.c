/* Who may ask the admin side: DATA/admin.token, which may do all, and tokens with a role and an end, of which the
 * database has the hashes. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

#define SECOND_US UINT64_C(1000000)

enum { SECRET = 32, LIFE_DEFAULT = 90 * 86400, LIFE_MOST = 3660 * 86400, TOKEN = 96 };

static const char mark[] = "fwadmin_";

static const char *const role_names[ADMIN_ROLES] = {
	"open",
#define ADMIN_ROLE(name, text, help) text,
#include "tables/admin_roles.def"
#undef ADMIN_ROLE
};

struct admin_tokens {
	unsigned count;
	struct database_access rows[LIMIT_ADMIN_TOKENS];
};

const char *admin_role_name(unsigned role)
{
	return role < ADMIN_ROLES ? role_names[role] : "";
}

uint8_t admin_role_find(struct fw_slice name)
{
	for (unsigned role = ADMIN_ROLE_open + 1; role < ADMIN_ROLES; role++)
		if (slice_is(name, role_names[role]))
			return (uint8_t)role;
	return ADMIN_ROLE_open;
}

int admin_access_init(struct admin *admin, const char **reterr_text)
{
	static char failed[DATABASE_ERROR], said[DATABASE_ERROR + 32];

	admin->tokens = mem_zero(1, sizeof(*admin->tokens));
	if (admin->tokens == NULL)
		return -1;
	if (admin->keeper->database == NULL || database_access_load(admin->keeper->database, admin->tokens->rows,
								    LIMIT_ADMIN_TOKENS, &admin->tokens->count, failed))
		return 0;
	snprintf(said, sizeof(said), "framewall.db: %s", failed);
	*reterr_text = said;
	return -1;
}

void admin_access_free(struct admin *admin)
{
	mem_free(admin->tokens);
	admin->tokens = NULL;
}

/* Of whoever has a stream: his token, his certificate, or what the configuration says of it. */
static bool has_ended(struct admin_conn *conn, uint64_t now)
{
	return (conn->access.expires_wall_us != 0 && conn->access.expires_wall_us <= now) || !admin_tls_holds(conn) ||
	       (conn->access.by_certificate && admin_tls_access(conn).role == ADMIN_ROLE_open);
}

void admin_access_tick(struct admin *admin)
{
	uint64_t now = clock_wall_us();
	struct admin_conn *next;

	for (struct admin_conn *conn = admin->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->state == ADMIN_STREAM && has_ended(conn, now))
			admin_conn_close(conn);
	}
}

void admin_access_whole(struct admin_conn *conn, const char *name)
{
	conn->access = (struct admin_access){ .role = ADMIN_ROLE_admin };
	snprintf(conn->access.name, sizeof(conn->access.name), "%s", name);
}

bool admin_access_find(struct admin_conn *conn, struct fw_slice token)
{
	const struct admin_tokens *tokens = conn->admin->tokens;
	const struct database_access *found = NULL;
	uint8_t hash[32];

	if (secret_equal(token, slice_text(conn->admin->keeper->token))) {
		admin_access_whole(conn, "admin.token");
		return true;
	}
	digest_sha256(token, hash);
	for (unsigned i = 0; i < tokens->count; i++)
		if (secret_equal(slice(hash, sizeof(hash)), slice(tokens->rows[i].hash, sizeof(hash))))
			found = &tokens->rows[i];
	if (found == NULL || found->expires_wall_us <= clock_wall_us())
		return false;
	conn->access = (struct admin_access){ .role = admin_role_find(slice_text(found->role)),
					      .expires_wall_us = found->expires_wall_us };
	memcpy(conn->access.id, found->id, sizeof(conn->access.id));
	memcpy(conn->access.name, found->name, sizeof(conn->access.name));
	return conn->access.role != ADMIN_ROLE_open; /* a role of a later version is none */
}

void admin_whoami(struct admin_conn *conn)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "name");
	json_write_string(&w, conn->access.name);
	json_write_key(&w, "role");
	json_write_string(&w, admin_role_name(conn->access.role));
	json_write_key(&w, "may");
	json_write_open(&w, '[');
	for (unsigned role = ADMIN_ROLE_open + 1; role <= conn->access.role; role++)
		json_write_string(&w, admin_role_name(role));
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static void write_members(struct json_writer *w, const struct database_access *token)
{
	json_write_key(w, "id");
	json_write_string(w, token->id);
	json_write_key(w, "name");
	json_write_string(w, token->name);
	json_write_key(w, "role");
	json_write_string(w, token->role);
	admin_time_write(w, "created_at", token->created_wall_us);
	admin_time_write(w, "expires_at", token->expires_wall_us);
	json_write_key(w, "expired");
	json_write_boolean(w, token->expires_wall_us <= clock_wall_us());
}

void admin_access_list(struct admin_conn *conn)
{
	const struct admin_tokens *tokens = conn->admin->tokens;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "tokens");
	json_write_open(&w, '[');
	for (unsigned i = 0; i < tokens->count; i++) {
		json_write_open(&w, '{');
		write_members(&w, &tokens->rows[i]);
		json_write_close(&w, '}');
	}
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, struct database_access *wish)
{
	struct fw_slice name = slice(NULL, 0), role = slice(NULL, 0);
	uint32_t name_at, role_at, life_at;
	int64_t life = LIFE_DEFAULT;
	struct json json;

	if (json_parse(&conn->admin->arena, conn->content, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {name, role, expires_in}";
	name_at = json_member(&json, 0, "name", 4);
	role_at = json_member(&json, 0, "role", 4);
	life_at = json_member(&json, 0, "expires_in", 10);
	if (json.nodes[0].count != (unsigned)(name_at != 0) + (role_at != 0) + (life_at != 0))
		return "the body has a member besides name, role, expires_in";
	if (!admin_text_member(conn, &json, name_at, DATABASE_ACCESS_NAME, &name) || !admin_text_is_line(name))
		return "name must be a line of 1 to 64 bytes";
	if (!admin_text_member(conn, &json, role_at, DATABASE_ACCESS_ROLE, &role) ||
	    admin_role_find(role) == ADMIN_ROLE_open)
		return "role must be read-only, auditor, operator or admin";
	if (life_at != 0 && (!json_integer(&json, life_at, &life) || life < 1 || life > LIFE_MOST))
		return "expires_in must be a whole number of seconds from 1 to 316224000";
	memcpy(wish->name, name.data, name.size);
	memcpy(wish->role, role.data, role.size);
	wish->created_wall_us = clock_wall_us();
	wish->expires_wall_us = wish->created_wall_us + (uint64_t)life * SECOND_US;
	return NULL;
}

/* "fwadmin_" and an id, by which people and scanners of secrets know it, and 256 bits. */
static void make(struct admin_conn *conn, struct database_access *wish, char ret_token[TOKEN])
{
	const struct fw_random *random = &conn->admin->keeper->options.random;
	uint8_t octets[SECRET];
	size_t size = sizeof(mark) - 1;

	random->fill(random->user, octets, DATABASE_ACCESS_ID / 2);
	encode_hex(octets, DATABASE_ACCESS_ID / 2, wish->id);
	random->fill(random->user, octets, sizeof(octets));
	memcpy(ret_token, mark, size);
	memcpy(ret_token + size, wish->id, DATABASE_ACCESS_ID);
	size += DATABASE_ACCESS_ID;
	ret_token[size++] = '_';
	size += encode_base64(octets, sizeof(octets), 1, ret_token + size);
	ret_token[size] = '\0';
	digest_sha256(slice(ret_token, size), wish->hash);
	mem_wipe(octets, sizeof(octets));
}

/* state: which of the two it is. */
static void record(struct admin_conn *conn, const char *action, const struct database_access *token,
		   enum admin_when state)
{
	struct json_writer w = admin_record_state(conn->admin, state);
	struct fw_record made;

	admin_record_init(&made, conn, EVENT_admin_action, action);
	admin_record_text(&made, "token", slice_text(token->id));
	admin_record_text(&made, "name", slice_text(token->name));
	admin_record_text(&made, "role", slice_text(token->role));
	json_write_open(&w, '{');
	admin_text_write(&w, "role", token->role);
	admin_time_write(&w, "expires_at", token->expires_wall_us);
	json_write_close(&w, '}');
	admin_record_change(conn->admin, &made);
}

static void drop(struct admin_tokens *tokens, unsigned index)
{
	tokens->count--;
	memmove(&tokens->rows[index], &tokens->rows[index + 1], (tokens->count - index) * sizeof(tokens->rows[0]));
}

/* One that expired makes room. */
static bool make_room(struct admin_conn *conn, char ret_failed[DATABASE_ERROR])
{
	struct admin_tokens *tokens = conn->admin->tokens;
	uint64_t now = clock_wall_us();

	for (unsigned i = 0; tokens->count == LIMIT_ADMIN_TOKENS && i < tokens->count; i++)
		if (tokens->rows[i].expires_wall_us <= now &&
		    database_access_remove(conn->admin->keeper->database, tokens->rows[i].id, ret_failed))
			drop(tokens, i);
	return tokens->count < LIMIT_ADMIN_TOKENS;
}

static void answer_failed(struct admin_conn *conn, const char *failed)
{
	char detail[DATABASE_ERROR + 64];

	snprintf(detail, sizeof(detail), "nothing was changed: framewall.db: %s", failed);
	admin_answer_problem(conn, 500, detail, "");
}

void admin_access_add(struct admin_conn *conn)
{
	struct admin_tokens *tokens = conn->admin->tokens;
	struct database_access wish = { .id = "" };
	const char *wrong = read_wish(conn, &wish);
	char token[TOKEN], failed[DATABASE_ERROR] = "";
	struct json_writer w;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	if (!make_room(conn, failed)) {
		admin_answer_problem(conn, 507, "there are as many tokens as there may be: revoke some", "");
		return;
	}
	make(conn, &wish, token);
	if (!database_access_add(conn->admin->keeper->database, &wish, failed)) {
		mem_wipe(token, sizeof(token));
		answer_failed(conn, failed);
		return;
	}
	tokens->rows[tokens->count++] = wish;
	record(conn, "admin token create", &wish, ADMIN_AFTER);
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	json_write_key(&w, "token");
	json_write_string(&w, token);
	write_members(&w, &wish);
	json_write_close(&w, '}');
	mem_wipe(token, sizeof(token));
	admin_answer_written(conn, 201, &w);
}

/* What goes on by a token that was revoked ends, but for the connection that is being answered. */
static void end_streams(struct admin_conn *but, const char *id)
{
	struct admin_conn *next;

	for (struct admin_conn *conn = but->admin->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn != but && conn->state == ADMIN_STREAM && strcmp(conn->access.id, id) == 0)
			admin_conn_close(conn);
	}
}

void admin_access_revoke(struct admin_conn *conn)
{
	struct admin_tokens *tokens = conn->admin->tokens;
	char id[DATABASE_ACCESS_ID + 1] = "", failed[DATABASE_ERROR];
	struct database_access gone;
	unsigned at = 0;
	size_t size;

	if (!admin_text_decode(conn->rest, id, DATABASE_ACCESS_ID, &size))
		size = 0;
	while (at < tokens->count && !slice_equal(slice(id, size), slice_text(tokens->rows[at].id)))
		at++;
	if (at == tokens->count) {
		admin_answer_problem(conn, 404, "there is no such token", "");
		return;
	}
	gone = tokens->rows[at];
	if (!database_access_remove(conn->admin->keeper->database, gone.id, failed)) {
		answer_failed(conn, failed);
		return;
	}
	drop(tokens, at);
	record(conn, "admin token revoke", &gone, ADMIN_BEFORE);
	end_streams(conn, gone.id);
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}
