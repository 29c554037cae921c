/* POST /api/v1/explain: what the policy in use says of one message, and what its sender would be told. The message goes
 * through an engine and a store of its own, which are forgotten with the answer: nobody is counted, recorded, slowed
 * down or blocked for it. */
#include <string.h>

#include "base/limits.h"
#include "base/slice.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"
#include "shell/explained.h"

enum { PERMISSIONS = 2000, PATH = 1024, ADDRESS = 64 };

/* As the body has it. */
struct wish {
	struct json json;
	struct fw_slice message;
	char permissions[PERMISSIONS];
	struct explained explained;
};

/* A member that is a line, as a text of C in the arena; absent it stays as it is. */
static bool read_line(struct admin_conn *conn, struct wish *wish, const char *name, size_t most, const char **ret_text)
{
	uint32_t node = json_member(&wish->json, 0, name, strlen(name));
	struct fw_slice text = { NULL, 0 };
	char *copy;

	if (node == 0)
		return true;
	if (!admin_text_member(conn, &wish->json, node, most, &text) || !admin_text_is_line(text))
		return false;
	copy = arena_alloc(&conn->admin->arena, text.size + 1);
	if (copy == NULL)
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	*ret_text = copy;
	return true;
}

static bool read_flag(struct wish *wish, const char *name, bool *ret_value)
{
	uint32_t node = json_member(&wish->json, 0, name, strlen(name));

	if (node == 0)
		return true;
	*ret_value = wish->json.nodes[node].kind == JSON_TRUE;
	return *ret_value || wish->json.nodes[node].kind == JSON_FALSE;
}

static bool read_permissions(struct admin_conn *conn, struct wish *wish)
{
	uint32_t node = json_member(&wish->json, 0, "permissions", 11), at;
	struct fw_slice text;
	size_t used = 0;

	if (node == 0)
		return true;
	if (wish->json.nodes[node].kind != JSON_ARRAY || wish->json.nodes[node].count == 0)
		return false;
	for (at = node + 1; at < wish->json.nodes[node].next; at = wish->json.nodes[at].next) {
		if (!admin_text_member(conn, &wish->json, at, PERMISSIONS - 1, &text) || !admin_text_is_line(text) ||
		    memchr(text.data, ' ', text.size) != NULL || used + text.size + 2 > PERMISSIONS)
			return false;
		if (used != 0)
			wish->permissions[used++] = ' ';
		memcpy(wish->permissions + used, text.data, text.size);
		used += text.size;
	}
	wish->permissions[used] = '\0';
	wish->explained.opening.permissions = wish->permissions;
	return true;
}

static bool only_known(const struct wish *wish)
{
	static const char *const names[] = { "message", "direction",   "role",	"user",	       "permissions", "path",
					     "from",	"subprotocol", "first", "certificate", "binary" };
	unsigned count = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		count += json_member(&wish->json, 0, names[i], strlen(names[i])) != 0;
	return count == wish->json.nodes[0].count;
}

/* NULL, or what does not hold. */
static const char *read_opening(struct admin_conn *conn, struct wish *wish)
{
	struct rehearsal_opening *opening = &wish->explained.opening;
	const char *from = NULL;

	if (!read_line(conn, wish, "role", LIMIT_USER_ID, &opening->role) ||
	    policy_role_find(conn->admin->keeper->options.policy, slice_text(opening->role)) == POLICY_NONE)
		return "role must be one of the configuration";
	if (!read_line(conn, wish, "user", LIMIT_USER_ID, &opening->user))
		return "user must be a name of 1 to 128 bytes without control characters";
	if (!read_permissions(conn, wish))
		return "permissions must be a list of permissions that the role is narrowed to";
	if (!read_line(conn, wish, "path", PATH, &opening->path) ||
	    (opening->path != NULL && (*opening->path != '/' || strchr(opening->path, ' ') != NULL)))
		return "path must be one such as /chat";
	if (!read_line(conn, wish, "subprotocol", PATH, &opening->subprotocol))
		return "subprotocol must be a name";
	if (!read_line(conn, wish, "from", ADDRESS, &from) ||
	    (from != NULL && !addr_parse(slice_text(from), &opening->from)))
		return "from must be an address";
	if (!read_flag(wish, "first", &opening->first) || !read_flag(wish, "certificate", &opening->certificate) ||
	    !read_flag(wish, "binary", &wish->explained.binary))
		return "first, certificate and binary are true or false";
	return NULL;
}

static const char *read_wish(struct admin_conn *conn, struct wish *wish)
{
	const char *direction = "in";
	uint32_t message;

	if (json_parse(&conn->admin->arena, conn->content, 0, &wish->json, NULL) != JSON_OK ||
	    wish->json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {message, …}";
	if (!only_known(wish))
		return "the body has a member that is not known: docs/reference/admin.md lists them";
	message = json_member(&wish->json, 0, "message", 7);
	if (message == 0 || wish->json.nodes[message].kind != JSON_STRING)
		return "message must be a text: the octets of the message";
	wish->message = json_text(&wish->json, message, &conn->admin->arena);
	if (!read_line(conn, wish, "direction", 3, &direction) ||
	    (strcmp(direction, "in") != 0 && strcmp(direction, "out") != 0))
		return "direction must be in or out";
	wish->explained.outbound = strcmp(direction, "out") == 0;
	return read_opening(conn, wish);
}

static void answer(struct admin_conn *conn, struct wish *wish)
{
	const struct keeper_options *options = &conn->admin->keeper->options;
	struct json_writer w = admin_answer_json(conn);
	struct rehearsal_result result;

	json_write_open(&w, '{');
	json_write_key(&w, "mode");
	json_write_string(&w, options->policy->settings.mode == MODE_MONITOR ? "monitor" : "enforce");
	json_write_key(&w, "generation");
	json_write_integer(&w, (int64_t)options->configuration.generation);
	if (explained_write(&wish->explained, &w, wish->message, &result) != FW_OK)
		w.failed = true;
	json_write_close(&w, '}');
	if (w.failed)
		admin_answer_problem(conn, 503, "memory is short", "Retry-After: 5\r\n");
	else
		admin_answer_written(conn, 200, &w);
}

void admin_explain(struct admin_conn *conn)
{
	struct wish wish = { .explained = { .opening = { .role = "user", .alone = true } } };
	const char *wrong = read_wish(conn, &wish);
	struct fw_policy *policy;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	policy = policy_enforced(conn->admin->keeper->options.policy);
	wish.explained.rehearsal = policy != NULL ? rehearsal_new(policy, clock_wall_us()) : NULL;
	if (wish.explained.rehearsal == NULL)
		admin_answer_problem(conn, 503, "memory is short", "Retry-After: 5\r\n");
	else
		answer(conn, &wish);
	rehearsal_free(wish.explained.rehearsal);
	fw_policy_unref(policy);
}
