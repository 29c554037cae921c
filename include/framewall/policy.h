/* framewall/policy.h: an immutable, reference-counted policy: what the configuration says, compiled.
 * Any thread may read one; ref and unref are atomic. Nothing here asks the network or the clock, and
 * fw_policy_load_file alone reads files. */
#ifndef FRAMEWALL_POLICY_H
#define FRAMEWALL_POLICY_H

#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fw_policy;

/* Compiles a configuration text (YAML). name is used in messages ("framewall.yaml"). An empty text gives the
 * safe defaults. Every problem is reported at once through report(user, line): "file:line:column: error: …" with a
 * caret below. Warnings are reported the same way and do not fail. Returns FW_OK and a policy with one reference,
 * FW_ERR_INVALID, or FW_ERR_MEMORY. */
typedef void fw_report_function(void *user, const char *text);
FW_API int fw_policy_load(const char *name, struct fw_slice text, fw_report_function *report, void *user,
			  struct fw_policy **ret_policy);
/* The same from a file (NULL: none, the defaults), which may name others by ${file:…}, relative to its own folder, and
 * variables by ${env:…}. environment: the overlay that counts (NULL: what the file says, or none). FW_ERR_IO: the file
 * cannot be read, errno says why. */
FW_API int fw_policy_load_file(const char *path, const char *environment, fw_report_function *report, void *user,
			       struct fw_policy **ret_policy);
FW_API struct fw_policy *fw_policy_ref(struct fw_policy *policy);
FW_API struct fw_policy *fw_policy_unref(struct fw_policy *policy); /* NULL-safe, returns NULL */

/* A role besides those of the configuration. */
struct fw_role {
	const char *name; /* letters, digits, "_", "-" and ".", at most 64 */
	const char *const
		*permissions; /* names ("tasks.read") of permissions that there are, or patterns ("tasks.*") */
	size_t permission_count;
	const char *const *inherits; /* roles whose permissions it has, too; a client of this role is one of those */
	size_t inherit_count;
};
/* Adds a role to a policy that nobody else has yet: before an engine is made of it, with one reference, one thread. The
 * texts are copied. FW_OK; FW_ERR_INVALID (it is there already, or a name is not known), FW_ERR_STATE (it has other
 * references) or FW_ERR_MEMORY (also: LIMIT_ROLES), each with a reason in reterr_error (NULL: not wanted), and the
 * policy is as it was. For a manager: fw_manager_options.roles. */
FW_API int fw_role_define(struct fw_policy *policy, const struct fw_role *role, struct fw_error *reterr_error);

/* The name of a client's message type (fw_incoming.type); NULL when there is none of that index. Lives as long as the
 * policy. */
FW_API const char *fw_policy_message_name(const struct fw_policy *policy, uint16_t type);
/* The index of a type of messages to clients, for fw_conn_send. False: there is none of that name. */
FW_API bool fw_policy_outbound_type(const struct fw_policy *policy, const char *name, uint16_t *ret_type);

/* May this role do this? Both are names ("user", "chat.send"). Unknown role or permission: false. */
FW_API bool fw_policy_allows(const struct fw_policy *policy, const char *role, const char *permission);

#ifdef __cplusplus
}
#endif
#endif
