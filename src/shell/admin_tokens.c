/* /api/v1/tokens: login tokens, signed with the first key that the configuration in use takes tokens of. A token is in
 * the answer that made it, and nowhere else. */
#include <string.h>

#include "base/encode.h"
#include "base/limits.h"
#include "crypto/jwt.h"
#include "policy/policy.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

int admin_tokens_issue(struct admin_conn *conn, const struct admin_token *wanted, struct fw_slice *ret_token)
{
	const struct fw_policy *policy = conn->admin->keeper->options.policy;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "sub");
	json_write_text(&w, wanted->user);
	json_write_key(&w, "role");
	json_write_text(&w, wanted->role);
	json_write_key(&w, "iat");
	json_write_integer(&w, wanted->issued_s);
	json_write_key(&w, "exp");
	json_write_integer(&w, wanted->issued_s + wanted->hours * 3600);
	if (policy->jwt.issuer != NULL) {
		json_write_key(&w, "iss");
		json_write_string(&w, policy->jwt.issuer);
	}
	if (policy->jwt.audience != NULL) {
		json_write_key(&w, "aud");
		json_write_string(&w, policy->jwt.audience);
	}
	json_write_close(&w, '}');
	if (w.failed)
		return FW_ERR_MEMORY;
	if (policy->jwt_key_count == 0)
		return FW_ERR_INVALID;
	return jwt_issue(&conn->admin->arena, &policy->jwt_keys[0], slice(buf_data(&conn->body), buf_size(&conn->body)),
			 ret_token);
}

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, struct admin_token *wanted)
{
	const struct fw_policy *policy = conn->admin->keeper->options.policy;
	uint32_t user, role, hours;
	struct json json;

	if (json_parse(&conn->admin->arena, conn->content, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {user, role, hours}";
	user = json_member(&json, 0, "user", 4);
	role = json_member(&json, 0, "role", 4);
	hours = json_member(&json, 0, "hours", 5);
	if (json.nodes[0].count != (unsigned)(user != 0) + (role != 0) + (hours != 0))
		return "the body has a member besides user, role, hours";
	if (user == 0 || !admin_text_member(conn, &json, user, LIMIT_USER_ID, &wanted->user) ||
	    !jwt_name_holds(wanted->user))
		return "user must be a name of 1 to 128 bytes without control characters";
	if (!admin_text_member(conn, &json, role, LIMIT_USER_ID, &wanted->role) ||
	    policy_role_find(policy, wanted->role) == POLICY_NONE)
		return "role must be one of the configuration";
	if (hours != 0 && (!json_integer(&json, hours, &wanted->hours) || wanted->hours < 1 ||
			   wanted->hours > policy->settings.jwt_expiry_hours))
		return "hours must be a whole number from 1 to authentication.jwt_expiry_hours";
	return NULL;
}

static void record_issue(struct admin_conn *conn, const struct admin_token *wanted)
{
	struct fw_record record;
	struct json_writer w;

	admin_record_init(&record, conn, EVENT_admin_action, "token issue");
	admin_record_text(&record, "user", wanted->user);
	admin_record_text(&record, "role", wanted->role);
	admin_record_number(&record, "hours", wanted->hours);
	w = admin_record_state(conn->admin, ADMIN_AFTER);
	json_write_open(&w, '{');
	admin_time_write(&w, "expires_at", (uint64_t)(wanted->issued_s + wanted->hours * 3600) * 1000000);
	json_write_close(&w, '}');
	admin_record_change(conn->admin, &record);
}

void admin_tokens_add(struct admin_conn *conn)
{
	struct admin_token wanted = { .role = slice_text("user"),
				      .issued_s = (int64_t)(clock_wall_us() / 1000000),
				      .hours = conn->admin->keeper->options.policy->settings.jwt_expiry_hours };
	const char *wrong = read_wish(conn, &wanted);
	char expires[ENCODE_RFC3339];
	struct json_writer w;
	struct fw_slice token;
	int result;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	result = admin_tokens_issue(conn, &wanted, &token);
	if (result != FW_OK) {
		admin_answer_problem(conn, result == FW_ERR_INVALID ? 409 : 503,
				     result == FW_ERR_INVALID
					     ? "the first key of authentication.jwt.keys is a public one: whoever has "
					       "the private one issues tokens"
					     : "memory is short",
				     "");
		return;
	}
	record_issue(conn, &wanted);
	encode_rfc3339((uint64_t)(wanted.issued_s + wanted.hours * 3600) * 1000000, expires);
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	json_write_key(&w, "token");
	json_write_text(&w, token);
	json_write_key(&w, "user");
	json_write_text(&w, wanted.user);
	json_write_key(&w, "role");
	json_write_text(&w, wanted.role);
	json_write_key(&w, "expires_at");
	json_write_text(&w, slice(expires, sizeof(expires)));
	json_write_close(&w, '}');
	admin_answer_written(conn, 201, &w);
}
