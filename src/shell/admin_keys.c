/* The public halves of the keys that assertions are signed with, for the servers behind: a JWK set (RFC 7517 5). */
#include "crypto/signing_key.h"
#include "shell/admin_parts.h"

void admin_keys(struct admin_conn *conn)
{
	const struct fw_policy *policy = conn->admin->keeper->options.policy;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "keys");
	json_write_open(&w, '[');
	for (size_t i = 0; i < policy->assertion_key_count; i++)
		if (!signing_key_write(&w, &policy->assertion_keys[i]))
			w.failed = true;
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}
