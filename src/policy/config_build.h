/* config_build.h: inside of config*.c: a policy while it is being compiled from YAML.
 * Each part reads its section, reports every problem it finds and goes on: the end decides by the count of errors.
 * One thread. Only config*.c include this; only they see libfyaml. */
#ifndef POLICY_CONFIG_BUILD_H
#define POLICY_CONFIG_BUILD_H
#include <libfyaml.h>

#include "policy/config.h"
#include "policy/config_suggest.h"
#include "policy/policy.h"

/* Where a value stands: for messages. node: a key or a scalar of the file. origin: an override ("--upstream"). */
struct config_place {
	struct fy_node *node;
	const char *origin;
};

struct config_note; /* one message, see config_report.c */

/* A section with a shape of its own, kept until what it names is known; key NULL: the file does not have it. */
struct config_section {
	struct fy_node *key, *value;
};

struct config {
	const struct config_options *options;
	struct fw_slice text; /* without a byte order mark */
	uint8_t *copy;	      /* the text as libfyaml has it, in scratch; wiped */
	struct fw_policy *policy;
	struct arena scratch; /* of the load: names and messages */
	struct config_note *notes;
	unsigned note_count;
	unsigned errors;
	bool hiding;	      /* the section has secrets: of the source line nothing behind the place is shown */
	bool short_of_memory; /* sticks: the load ends in FW_ERR_MEMORY */

	struct config_section routes, jwt_keys, api_keys, max_lengths, message_sizes, csp, certificates;
	struct config_section permissions, hierarchy, roles, categories;
	bool strict; /* rbac.strict */
};

/* config_report.c: messages, sorted by place and given to the caller at the end */
void config_report_error(struct config *config, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_report_warning(struct config *config, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_report_error_at(struct config *config, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_report_give(struct config *config);
/* "framewall.yaml:12:5", or the file's name or an override's where there is no line. Of the policy's arena. */
const char *config_report_place(struct config *config, struct config_place place);
/* A text of the input for a message: shortened, control characters shown as "?". room 64. */
const char *config_report_quote(struct fw_slice text, char ret_text[64]);

/* config_yaml.c: libfyaml's document and its nodes */
enum config_kind { CONFIG_NOTHING, CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP, CONFIG_BAD };
/* FW_OK and the document (NULL when there is nothing in it), or FW_ERR_INVALID with what is wrong reported. */
int config_yaml_open(struct config *config, struct fy_document **ret_document);
void config_yaml_close(struct config *config, struct fy_document *document);
/* CONFIG_NOTHING: an empty plain scalar. CONFIG_BAD: an alias or a tag, reported here at node, or at place for want of
 * one. */
enum config_kind config_yaml_kind(struct config *config, struct config_place place, struct fy_node *node);
/* The text of a scalar; plain: written without quotes. */
struct fw_slice config_yaml_text(struct fy_node *node, bool *ret_plain);
struct config_place config_yaml_place(struct fy_node *node, struct config_place otherwise);
/* The text of a key; false and reported when it is not a plain name. */
bool config_yaml_key(struct config *config, struct config_place place, struct fy_node *key, struct fw_slice *ret_name);
/* Is the value a map (a list)? Reported when not. Nothing at all is an empty one (a list must be written). */
bool config_yaml_is_map(struct config *config, struct config_place place, const char *what, struct fy_node *node);
bool config_yaml_is_list(struct config *config, struct config_place place, const char *what, struct fy_node *node);
/* The text of a scalar value; false and reported when it is none or has control characters. */
bool config_yaml_is_text(struct config *config, struct config_place place, const char *what, struct fy_node *node,
			 struct fw_slice *ret_text);

/* config_value.c: values checked and copied */
const char *config_value_text(struct config *config,
			      struct fw_slice text); /* into the policy's arena; NULL: short of memory */
void *config_value_zero(struct config *config, size_t count, size_t size); /* cleared, of the policy's arena */
bool config_value_boolean(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			  bool *ret_value);
bool config_value_integer(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			  int64_t min, int64_t max, const char *unit, int64_t *ret_value);
/* A list of scalars, each judged by check (NULL: any). */
typedef bool config_check(struct config *config, struct config_place place, const char *path, struct fw_slice text);
bool config_value_texts(struct config *config, struct config_place place, const char *path, struct fy_node *node,
			config_check *check, struct texts *ret_texts);

/* config_scalar.c: the rows of config.def */
void config_scalar_defaults(struct config *config);
unsigned config_scalar_count(void);
const char *config_scalar_path(unsigned row);
void config_scalar_set(struct config *config, unsigned row, struct config_place key, struct fy_node *value);
void config_scalar_override(struct config *config, const struct config_override *override);

/* config_check.c: what a text of config.def must be besides a text */
config_check *config_check_of(const char *path);	/* NULL: anything */
bool config_check_id(struct fw_slice text, size_t max); /* [a-zA-Z0-9_.-]+ */
config_check config_check_origin, config_check_host, config_check_token, config_check_template;

/* config_walk.c: the mappings of the file, unknown and double keys */
void config_walk(struct config *config, struct fy_node *root);
/* For a map with few known keys: calls set(user, index, key, value) for each; unknown and double keys are reported. */
typedef void config_walk_member(struct config *config, void *user, unsigned index, struct config_place key,
				struct fy_node *value);
void config_walk_map(struct config *config, struct fy_node *map, const char *what, const char *const *names,
		     unsigned count, config_walk_member *set, void *user);

/* one file a section with a shape of its own; all report what is wrong and go on */
void config_rbac(struct config *config);
void config_routes(struct config *config);
bool config_routes_upstream(struct config *config, struct config_place place, struct fw_slice url,
			    struct policy_route *ret_route);
void config_keys(struct config *config);
void config_tls(struct config *config);
uint16_t config_rbac_role(struct config *config, struct config_place place,
			  struct fw_slice name);   /* or POLICY_NONE, reported */
void config_derive_lengths(struct config *config); /* validation.max_lengths, message_sizes: after contract_build */
void config_derive_csp(struct config *config);	   /* security_policies.csp as a mapping */
void config_derive(struct config *config);	   /* rates, methods, networks, events: of settings that hold */
#endif
