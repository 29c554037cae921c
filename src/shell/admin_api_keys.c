/* /api/v1/keys: API keys that this server keeps. A key is in the answer that made it, and nowhere else: what is kept is
 * its hash. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "crypto/apikey.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

enum { LIFE_MOST = 10 * 366 * 86400, OVERLAP_MOST = 90 * 86400, OVERLAP = 86400, ENV_MOST = 8, TRIES = 8 };
#define SECOND_US ((uint64_t)1000000)

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

static void write_time(struct json_writer *w, const char *name, uint64_t wall_us)
{
	char when[ENCODE_RFC3339];

	json_write_key(w, name);
	if (wall_us == 0) {
		json_write_null(w);
		return;
	}
	encode_rfc3339(wall_us, when);
	json_write_text(w, slice(when, sizeof(when)));
}

static void write_scopes(struct json_writer *w, struct fw_slice scopes)
{
	json_write_key(w, "scopes");
	json_write_open(w, '[');
	while (scopes.size != 0) {
		const uint8_t *end = memchr(scopes.data, ' ', scopes.size);
		size_t size = end != NULL ? (size_t)(end - scopes.data) : scopes.size;

		json_write_text(w, slice(scopes.data, size));
		scopes = slice_from(scopes, end != NULL ? size + 1 : size);
	}
	json_write_close(w, ']');
}

static void format_network(const struct addr_net *net, char ret_text[ADDR_TEXT + 4])
{
	size_t size = addr_format(&net->base, ret_text);

	snprintf(ret_text + size, ADDR_TEXT + 4 - size, "/%u", net->bits);
}

static void write_members(struct json_writer *w, const struct store_api_key *key, uint64_t now_wall_us)
{
	const char *state = key->revoked_wall_us != 0					       ? "revoked"
			    : key->expires_wall_us != 0 && now_wall_us >= key->expires_wall_us ? "expired"
											       : "active";
	char network[ADDR_TEXT + 4];

	json_write_key(w, "id");
	json_write_text(w, slice(key->id, sizeof(key->id)));
	json_write_key(w, "name");
	json_write_text(w, slice(key->name, key->name_size));
	json_write_key(w, "role");
	json_write_text(w, slice(key->role, key->role_size));
	write_scopes(w, slice(key->scopes, key->scopes_size));
	json_write_key(w, "networks");
	json_write_open(w, '[');
	for (unsigned i = 0; i < key->network_count; i++) {
		format_network(&key->networks[i], network);
		json_write_string(w, network);
	}
	json_write_close(w, ']');
	json_write_key(w, "state");
	json_write_string(w, state);
	write_time(w, "created_at", key->created_wall_us);
	write_time(w, "expires_at", key->expires_wall_us);
	write_time(w, "revoked_at", key->revoked_wall_us);
	write_time(w, "last_used_at", key->used_wall_us);
}

struct listing {
	struct json_writer writer;
	uint64_t now_wall_us;
};

static void list_one(void *user, const struct store_api_key *key)
{
	struct listing *listing = user;

	json_write_open(&listing->writer, '{');
	write_members(&listing->writer, key, listing->now_wall_us);
	json_write_close(&listing->writer, '}');
}

void admin_api_keys_list(struct admin_conn *conn)
{
	struct listing listing = { admin_answer_json(conn), clock_wall_us() };

	json_write_open(&listing.writer, '{');
	json_write_key(&listing.writer, "keys");
	json_write_open(&listing.writer, '[');
	store_key_list(conn->admin->keeper->options.store, list_one, &listing);
	json_write_close(&listing.writer, ']');
	json_write_close(&listing.writer, '}');
	admin_answer_written(conn, 200, &listing.writer);
}

struct wish {
	struct store_api_key key;
	char env[ENV_MOST + 1];
	int64_t expires_in; /* 0: never */
	int64_t overlap;
};

static bool is_name(struct fw_slice text, size_t most)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '\0' || strchr(name_characters, text.data[i]) == NULL)
			return false;
	return text.size != 0 && text.size <= most;
}

/* A name that says nothing of what the role has would be a key that can do nothing, which nobody asks for. */
static bool scope_holds(const struct fw_policy *policy, uint16_t role, struct fw_slice scope)
{
	for (unsigned i = 0; i < policy->permission_count; i++)
		if (bits_has(&policy->roles[role].permissions, i) &&
		    rbac_pattern_grants(scope, slice_text(policy->permissions[i])))
			return true;
	return false;
}

static const char *read_scopes(struct admin_conn *conn, const struct json *json, uint32_t list, uint16_t role,
			       struct store_api_key *key)
{
	static const char wrong[] =
		"scopes must be permissions that the role has, such as \"chat.send\" or \"tasks.*\", "
		"512 bytes in all";

	if (list == 0)
		return NULL;
	if (json->nodes[list].kind != JSON_ARRAY || json->nodes[list].count == 0)
		return wrong;
	for (uint32_t at = list + 1; at < json->nodes[list].next; at = json->nodes[at].next) {
		struct fw_slice scope = slice(NULL, 0);

		if (!admin_text_member(conn, json, at, sizeof(key->scopes), &scope) ||
		    !scope_holds(conn->admin->keeper->options.policy, role, scope) ||
		    memchr(scope.data, ' ', scope.size) != NULL ||
		    key->scopes_size + (key->scopes_size != 0) + scope.size > sizeof(key->scopes))
			return wrong;
		if (key->scopes_size != 0)
			key->scopes[key->scopes_size++] = ' ';
		memcpy(key->scopes + key->scopes_size, scope.data, scope.size);
		key->scopes_size += scope.size;
	}
	return NULL;
}

static const char *read_networks(struct admin_conn *conn, const struct json *json, uint32_t list,
				 struct store_api_key *key)
{
	static const char wrong[] =
		"networks must be 1 to 16 addresses or networks, such as \"192.0.2.0/24\", without host bits";

	if (list == 0)
		return NULL;
	if (json->nodes[list].kind != JSON_ARRAY || json->nodes[list].count == 0)
		return wrong;
	for (uint32_t at = list + 1; at < json->nodes[list].next; at = json->nodes[at].next) {
		struct fw_slice text = slice(NULL, 0);

		if (key->network_count == LIMIT_API_KEY_NETWORKS ||
		    !admin_text_member(conn, json, at, ADDR_TEXT + 4, &text) ||
		    !addr_net_parse(text, &key->networks[key->network_count++]))
			return wrong;
	}
	return NULL;
}

static bool read_seconds(const struct json *json, uint32_t node, int64_t least, int64_t most, int64_t *ret_seconds)
{
	return node == 0 || (json_integer(json, node, ret_seconds) && *ret_seconds >= least && *ret_seconds <= most);
}

static const char *read_env(struct fw_slice env, struct wish *wish)
{
	if (env.size == 0 || env.size > ENV_MOST)
		return "env must be 1 to 8 small letters and digits";
	for (size_t i = 0; i < env.size; i++)
		if (!((env.data[i] >= 'a' && env.data[i] <= 'z') || (env.data[i] >= '0' && env.data[i] <= '9')))
			return "env must be 1 to 8 small letters and digits";
	memcpy(wish->env, env.data, env.size);
	return NULL;
}

static bool parse_body(struct admin_conn *conn, struct json *ret_json)
{
	return json_parse(&conn->admin->arena, conn->content, 0, ret_json, NULL) == JSON_OK &&
	       ret_json->nodes[0].kind == JSON_OBJECT;
}

/* The values of the named members, 0 for one that is not there. False: there is another one. */
static bool find_members(const struct json *json, const char *const *names, size_t count, uint32_t *ret_nodes)
{
	unsigned found = 0;

	for (size_t i = 0; i < count; i++) {
		ret_nodes[i] = json_member(json, 0, names[i], strlen(names[i]));
		found += ret_nodes[i] != 0;
	}
	return found == json->nodes[0].count;
}

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, struct wish *wish)
{
	static const char *const names[] = { "name", "role", "scopes", "networks", "expires_in", "env" };
	struct fw_slice name = slice(NULL, 0), role = slice_text("user"), env = slice_text("live");
	const struct fw_policy *policy = conn->admin->keeper->options.policy;
	const char *wrong;
	uint32_t nodes[6];
	uint16_t number;
	struct json json;

	if (!parse_body(conn, &json) || !find_members(&json, names, 6, nodes))
		return "the body must be a JSON object {name, role, scopes, networks, expires_in, env}";
	if (nodes[0] == 0 || !admin_text_member(conn, &json, nodes[0], STORE_KEY_NAME, &name) ||
	    !is_name(name, STORE_KEY_NAME))
		return "name must be 1 to 64 letters, digits, _, - and .";
	if (!admin_text_member(conn, &json, nodes[1], STORE_ROLE, &role))
		return "role must be a role of the configuration";
	number = policy_role_find(policy, role);
	if (number == POLICY_NONE)
		return "role must be a role of the configuration";
	memcpy(wish->key.name, name.data, name.size);
	wish->key.name_size = name.size;
	memcpy(wish->key.role, role.data, role.size);
	wish->key.role_size = role.size;
	wrong = read_scopes(conn, &json, nodes[2], number, &wish->key);
	if (wrong == NULL)
		wrong = read_networks(conn, &json, nodes[3], &wish->key);
	if (wrong != NULL)
		return wrong;
	if (!read_seconds(&json, nodes[4], 1, LIFE_MOST, &wish->expires_in))
		return "expires_in must be seconds, at most ten years";
	if (!admin_text_member(conn, &json, nodes[5], ENV_MOST, &env))
		return "env must be 1 to 8 small letters and digits";
	return read_env(env, wish);
}

static bool is_configured(const struct fw_policy *policy, struct fw_slice id)
{
	for (size_t i = 0; i < policy->api_key_count; i++)
		if (slice_is(id, policy->api_keys[i].id))
			return true;
	return false;
}

/* The secret is in ret_text alone. False: no id was free, which does not happen by chance. */
static bool make_key(struct keeper *keeper, struct wish *wish, char ret_text[APIKEY_TEXT])
{
	struct store_api_key there;
	struct apikey_parts parts;

	for (unsigned i = 0; i < TRIES; i++) {
		size_t size = apikey_make(&keeper->options.random, wish->env, ret_text);

		if (!apikey_parse(slice(ret_text, size), &parts))
			return false;
		if (store_key_get(keeper->options.store, parts.id, &there) ||
		    is_configured(keeper->options.policy, parts.id))
			continue;
		memcpy(wish->key.id, parts.id.data, sizeof(wish->key.id));
		memcpy(wish->key.hash, parts.hash, sizeof(wish->key.hash));
		wish->key.created_wall_us = clock_wall_us();
		wish->key.expires_wall_us =
			wish->expires_in != 0 ? wish->key.created_wall_us + (uint64_t)wish->expires_in * SECOND_US : 0;
		wish->key.used_wall_us = 0;
		return true;
	}
	return false;
}

static void record_state(struct admin *admin, enum admin_when state, const struct store_api_key *key)
{
	struct json_writer w = admin_record_state(admin, state);

	json_write_open(&w, '{');
	admin_text_write_slice(&w, "key", slice(key->id, sizeof(key->id)));
	write_time(&w, "expires_at", key->expires_wall_us);
	write_time(&w, "revoked_at", key->revoked_wall_us);
	json_write_close(&w, '}');
}

/* before: what it was, or what it comes in place of; NULL: nothing. */
static void record_change(struct admin_conn *conn, const char *action, const struct store_api_key *key,
			  const struct store_api_key *before, const char *failed)
{
	char end[ENCODE_RFC3339], networks[LIMIT_API_KEY_NETWORKS * (ADDR_TEXT + 5)] = "";
	struct fw_record record;
	size_t size = 0;

	admin_record_init(&record, conn, EVENT_admin_action, action);
	admin_record_text(&record, "key", slice(key->id, sizeof(key->id)));
	admin_record_text(&record, "name", slice(key->name, key->name_size));
	admin_record_text(&record, "role", slice(key->role, key->role_size));
	if (key->scopes_size != 0)
		admin_record_text(&record, "scopes", slice(key->scopes, key->scopes_size));
	for (unsigned i = 0; i < key->network_count; i++) {
		char network[ADDR_TEXT + 4];

		format_network(&key->networks[i], network);
		size += (size_t)snprintf(networks + size, sizeof(networks) - size, "%s%s", size != 0 ? " " : "",
					 network);
	}
	if (size != 0)
		admin_record_text(&record, "networks", slice(networks, size));
	if (key->expires_wall_us != 0) {
		encode_rfc3339(key->expires_wall_us, end);
		admin_record_text(&record, "expires_at", slice(end, sizeof(end)));
	}
	if (failed != NULL)
		admin_record_text(&record, "not_kept", slice_text(failed));
	if (before != NULL)
		record_state(conn->admin, ADMIN_BEFORE, before);
	record_state(conn->admin, ADMIN_AFTER, key);
	admin_record_change(conn->admin, &record);
}

/* False after an answer: it is not there from now on. */
static bool add(struct admin_conn *conn, const struct store_api_key *key)
{
	char failed[DATABASE_ERROR], detail[DATABASE_ERROR + 64];

	switch (keeper_keys_add(conn->admin->keeper, key, failed)) {
	case KEEPER_KEPT:
		return true;
	case KEEPER_KEPT_FULL:
		admin_answer_problem(conn, 507, "there is no room for another API key: revoke some", "");
		return false;
	case KEEPER_KEPT_MEMORY:
		admin_answer_problem(conn, 503, "memory is short", "");
		return false;
	case KEEPER_KEPT_DISK:
		break;
	}
	snprintf(detail, sizeof(detail), "no key was made: framewall.db: %s", failed);
	admin_answer_problem(conn, 500, detail, "");
	return false;
}

/* The one answer that has a key in it. */
static void answer_key(struct admin_conn *conn, const char *text, const struct store_api_key *key,
		       const struct store_api_key *before)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "key");
	json_write_string(&w, text);
	write_members(&w, key, key->created_wall_us);
	if (before != NULL) {
		json_write_key(&w, "replaces");
		json_write_text(&w, slice(before->id, sizeof(before->id)));
		write_time(&w, "replaced_until",
			   before->revoked_wall_us != 0 ? before->revoked_wall_us : before->expires_wall_us);
	}
	json_write_close(&w, '}');
	admin_answer_written(conn, 201, &w);
}

void admin_api_keys_add(struct admin_conn *conn)
{
	char text[APIKEY_TEXT] = "";
	struct wish wish = { 0 };
	const char *wrong = read_wish(conn, &wish);

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
	} else if (!make_key(conn->admin->keeper, &wish, text)) {
		admin_answer_problem(conn, 503, "no key could be made", "");
	} else if (add(conn, &wish.key)) {
		record_change(conn, "key create", &wish.key, NULL, NULL);
		answer_key(conn, text, &wish.key, NULL);
	}
	mem_wipe(text, sizeof(text));
}

/* The key of a path that is one of the store's and counts; false after an answer. */
static bool find_active(struct admin_conn *conn, struct fw_slice id, struct store_api_key *ret_key)
{
	struct keeper *keeper = conn->admin->keeper;
	uint64_t now = clock_wall_us();

	if (store_key_get(keeper->options.store, id, ret_key)) {
		if (ret_key->revoked_wall_us == 0 && (ret_key->expires_wall_us == 0 || now < ret_key->expires_wall_us))
			return true;
		admin_answer_problem(conn, 409, "this key has ended already", "");
	} else if (is_configured(keeper->options.policy, id)) {
		admin_answer_problem(
			conn, 409,
			"this key is in the configuration: take it out of authentication.api_keys and reload", "");
	} else {
		admin_answer_problem(conn, 404, "there is no key with this id", "");
	}
	return false;
}

/* False after an answer: the end is in force, but somebody has to know what is not as it should be. */
static bool end_key(struct admin_conn *conn, struct store_api_key *key, uint64_t wall_us, const char *action)
{
	char failed[DATABASE_ERROR] = "", detail[DATABASE_ERROR + 96];
	struct store_api_key before = *key;
	enum keeper_kept kept;
	bool told;

	kept = keeper_keys_end(conn->admin->keeper, key, wall_us, &told, failed);
	if (kept == KEEPER_KEPT_MEMORY) {
		admin_answer_problem(conn, 503, "memory is short", "");
		return false;
	}
	if (action != NULL)
		record_change(conn, action, key, &before, kept == KEEPER_KEPT ? NULL : failed);
	if (kept == KEEPER_KEPT_DISK) {
		snprintf(detail, sizeof(detail),
			 "the key is ended, but a restart would not know of it: framewall.db: %s", failed);
		admin_answer_problem(conn, 500, detail, "");
		return false;
	}
	if (!told)
		admin_answer_problem(
			conn, 503,
			"the key is ended, but a worker that is busy may still have connections: revoke the "
			"sessions of its user",
			"");
	return told;
}

void admin_api_keys_revoke(struct admin_conn *conn)
{
	struct store_api_key key;
	char id[STORE_KEY_ID];
	size_t size;

	if (!admin_text_decode(conn->rest, id, sizeof(id), &size)) {
		admin_answer_problem(conn, 404, "there is no key with this id", "");
		return;
	}
	if (!find_active(conn, slice(id, size), &key) || !end_key(conn, &key, 0, "key revoke"))
		return;
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}

/* Seconds; 0: without end. */
static int64_t life_of(const struct store_api_key *key)
{
	int64_t life = (int64_t)((key->expires_wall_us - key->created_wall_us) / SECOND_US);

	if (key->expires_wall_us == 0)
		return 0;
	return life > 0 ? life : 1;
}

/* ID/rotate. */
static bool read_rotate_path(struct fw_slice rest, char ret_id[STORE_KEY_ID], size_t *ret_size)
{
	static const char end[] = "/rotate";
	size_t size = strlen(end);

	return rest.size > size && slice_is(slice_from(rest, rest.size - size), end) &&
	       admin_text_decode(slice(rest.data, rest.size - size), ret_id, STORE_KEY_ID, ret_size);
}

/* The same rights under a new secret; the old one goes on for a while. */
void admin_api_keys_rotate(struct admin_conn *conn)
{
	static const char *const names[] = { "overlap", "expires_in", "env" };
	struct wish wish = { .overlap = OVERLAP, .expires_in = -1 };
	struct fw_slice env = slice_text("live");
	char text[APIKEY_TEXT] = "", id[STORE_KEY_ID];
	struct store_api_key before;
	uint32_t nodes[3];
	struct json json;
	size_t size;

	if (!read_rotate_path(conn->rest, id, &size)) {
		admin_answer_problem(conn, 404, "no such path", "");
		return;
	}
	if (!parse_body(conn, &json) || !find_members(&json, names, 3, nodes) ||
	    !read_seconds(&json, nodes[0], 0, OVERLAP_MOST, &wish.overlap) ||
	    !read_seconds(&json, nodes[1], 1, LIFE_MOST, &wish.expires_in) ||
	    !admin_text_member(conn, &json, nodes[2], ENV_MOST, &env) || read_env(env, &wish) != NULL) {
		admin_answer_problem(
			conn, 400,
			"the body must be a JSON object {overlap, expires_in, env}: seconds, at most 90 days and "
			"ten years; 1 to 8 small letters and digits",
			"");
		return;
	}
	if (!find_active(conn, slice(id, size), &before))
		return;
	wish.key = before;
	if (wish.expires_in < 0) /* as long as the one before was meant to live */
		wish.expires_in = life_of(&before);
	if (!make_key(conn->admin->keeper, &wish, text)) {
		admin_answer_problem(conn, 503, "no key could be made", "");
	} else if (add(conn, &wish.key)) {
		record_change(conn, "key rotate", &wish.key, &before, NULL);
		if (end_key(conn, &before,
			    wish.overlap != 0 ? wish.key.created_wall_us + (uint64_t)wish.overlap * SECOND_US : 0,
			    NULL))
			answer_key(conn, text, &wish.key, &before);
	}
	mem_wipe(text, sizeof(text));
}
