/* config_build.h: inside of config*.c: a policy while it is being compiled from YAML.
 * Each part reads its section, reports every problem it finds and goes on: the end decides by the count of errors.
 * One thread. Only config*.c and document.c include this; only they see libfyaml. */
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

/* The file, and the overlay of the environment above it. */
enum { CONFIG_BASE, CONFIG_OVERLAY, CONFIG_LAYERS };

/* Where the value of a row comes from. */
struct config_origin {
	enum config_from from;
	struct config_place place;
	bool secret; /* it came out of a file named by ${file:…} */
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
	unsigned unsaid;	  /* problems above LIMIT_CONFIG_PROBLEMS */
	const uint8_t *spot_text; /* the place that was counted last, see config_report.c */
	size_t spot_start;
	unsigned spot_line;
	int64_t text_most;    /* characters and elements of a field whose definition says none */
	bool hiding;	      /* the section has secrets: of the source line nothing behind the place is shown */
	bool short_of_memory; /* sticks: the load ends in FW_ERR_MEMORY */
	bool secret;	      /* the text given last came out of a file: it is not quoted */
	/* An overlay that was not chosen is judged, too, but nothing depends on it: what it refers to may be absent. */
	bool trial;
	unsigned layer;			     /* that the walk is in */
	struct config_origin *origins;	     /* of each row; in scratch */
	struct config_expansion *expansions; /* to be wiped */
	struct policy_shown *shown_last;     /* of those that are kept */

	struct fy_node *root; /* of the file; NULL: there is nothing in it */
	struct config_section environments;
	struct config_section routes[CONFIG_LAYERS], jwt_keys[CONFIG_LAYERS], issuers[CONFIG_LAYERS],
		api_keys[CONFIG_LAYERS], certificate_rules[CONFIG_LAYERS], receivers[CONFIG_LAYERS],
		rules[CONFIG_LAYERS], threats[CONFIG_LAYERS], scenarios[CONFIG_LAYERS], alert_rules[CONFIG_LAYERS],
		alert_inhibitions[CONFIG_LAYERS], responses[CONFIG_LAYERS];
	struct config_section schema_documents[CONFIG_LAYERS];
	struct config_section max_lengths[CONFIG_LAYERS], message_sizes[CONFIG_LAYERS];
	struct config_section permissions[CONFIG_LAYERS], hierarchy[CONFIG_LAYERS], roles[CONFIG_LAYERS],
		categories[CONFIG_LAYERS];
	struct config_section certificates[CONFIG_LAYERS];
	struct config_section messages[CONFIG_LAYERS];
	struct config_section html_attributes[CONFIG_LAYERS], log_levels[CONFIG_LAYERS];
};

/* Of a section that is replaced as a whole the topmost layer that has it. */
static inline const struct config_section *config_topmost(const struct config_section layers[CONFIG_LAYERS])
{
	return &layers[layers[CONFIG_OVERLAY].key != NULL ? CONFIG_OVERLAY : CONFIG_BASE];
}

struct fw_policy *config_new_policy(void); /* an empty one; NULL: memory is short */

/* config_json.c: a value as the JSON that it says, of the policy's arena; false: reported */
bool config_json(struct config *config, struct config_place place, struct fy_node *node, struct fw_slice *ret_json);
bool config_json_number(struct fw_slice text); /* does JSON write a number so, and is it short enough to be read? */

/* config_report.c: messages, sorted by place and given to the caller at the end */
void config_report_error(struct config *config, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_report_warning(struct config *config, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_report_error_at(struct config *config, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_report_give(struct config *config);
/* Nothing more is said: who would think about it need not. */
static inline bool config_report_is_full(const struct config *config)
{
	return config->note_count >= LIMIT_CONFIG_PROBLEMS;
}
/* "framewall.yaml:12:5", or the file's name or an override's where there is no line. Of the policy's arena. */
const char *config_report_place(struct config *config, struct config_place place);
/* A text of the input for a message: shortened, control characters shown as "?"; "(secret)" when it came out of a file.
 * room 64. */
const char *config_report_quote(const struct config *config, struct fw_slice text, char ret_text[64]);
size_t config_report_offset(struct config_place place);		   /* in the file; 0: not there */
unsigned config_report_line(struct config *config, size_t offset); /* from 1 */
/* Takes over what a trial found within an overlay, and errors outside it where there is none yet. */
void config_report_adopt(struct config *config, const struct config *trial, size_t start, size_t end);

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
/* The pair of a map with that key, the first of several; NULL: there is none, or it is no map. */
struct fy_node_pair *config_yaml_pair(struct fy_node *map, struct fw_slice name);
struct config_place config_yaml_place(struct fy_node *node, struct config_place otherwise);
/* The text of a key; false and reported when it is not a plain name. */
bool config_yaml_key(struct config *config, struct config_place place, struct fy_node *key, struct fw_slice *ret_name);
/* Is the value a map (a list)? Reported when not. Nothing at all is an empty one (a list must be written). */
bool config_yaml_is_map(struct config *config, struct config_place place, const char *what, struct fy_node *node);
bool config_yaml_is_list(struct config *config, struct config_place place, const char *what, struct fy_node *node);
/* The text of a scalar value, with what ${…} stands for; false and reported when it is none or has control characters.
 */
bool config_yaml_is_text(struct config *config, struct config_place place, const char *what, struct fy_node *node,
			 struct fw_slice *ret_text);

/* config_value.c: values checked and copied */
const char *config_value_text(struct config *config,
			      struct fw_slice text); /* into the policy's arena; NULL: short of memory */
/* A path in the file is seen from the folder of the file, as nginx and an include of C see it. NULL: short of memory.
 */
const char *config_value_beside(struct config *config, struct fw_slice path);
void *config_value_zero(struct config *config, size_t count, size_t size); /* cleared, of the policy's arena */
/* Has it control characters besides line ends and tabs? Then false and reported. */
bool config_value_visible(struct config *config, struct config_place place, const char *what, struct fw_slice text);
bool config_value_boolean(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			  bool *ret_value);
bool config_value_integer(struct config *config, struct config_place place, const char *path, struct fw_slice text,
			  int64_t min, int64_t max, const char *unit, int64_t *ret_value);
/* A list of scalars, each judged by check (NULL: any). */
typedef bool config_check(struct config *config, struct config_place place, const char *path, struct fw_slice text);
bool config_value_texts(struct config *config, struct config_place place, const char *path, struct fy_node *node,
			config_check *check, struct texts *ret_texts);

/* config_expand.c: ${file:PATH} and ${env:NAME}. False and reported when it stands for nothing. */
bool config_expand(struct config *config, struct config_place place, const char *what, struct fw_slice text,
		   struct fw_slice *ret_text);
bool config_expand_is_in(const struct config *config, const char *text); /* has it what came out of a file? */
void config_expand_hide(const struct config *config, char *text);	 /* puts stars over it */
void config_expand_forget(struct config *config);

/* config_scalar.c: the rows of config.def */
void config_scalar_defaults(struct config *config);
unsigned config_scalar_count(void);
const char *config_scalar_path(unsigned row);
void config_scalar_set(struct config *config, unsigned row, struct config_place key, struct fy_node *value);
/* A value given as text, lists with commas; of an environment (place empty), a variable or the command line. */
void config_scalar_text(struct config *config, unsigned row, struct config_place place, enum config_from from,
			const char *value);
void config_scalar_show(struct config *config, unsigned row, struct config_shown *shown);
unsigned config_scalar_find(const char *path); /* or config_scalar_count() */

/* config_variable.c: FRAMEWALL_… and the command line */
enum { CONFIG_VARIABLE_ROOM = 128 };
void config_variable_name(const char *path, char ret_name[CONFIG_VARIABLE_ROOM]);
void config_variable_apply(struct config *config);
void config_variable_override(struct config *config);
/* Only the row `environment`, which decides what else is read. */
void config_variable_environment(struct config *config);

/* config_environment.c: defaults of the environment, and its overlay */
void config_environment(struct config *config);
/* Calls judge(config, name, start, end) for each overlay that was not chosen, with the part of the file that it is. */
typedef void config_environment_judge(struct config *config, struct fw_slice name, size_t start, size_t end);
void config_environment_others(struct config *config, config_environment_judge *judge);

/* config_idle.c: keys that are given and have no effect in this version: warned of where they stand, named in the
 * policy */
void config_idle_add(struct config *config, struct config_place place, const char *path);

/* config_production.c: what environment production does not run with */
void config_production(struct config *config);
/* Is a listener reached from this machine alone? What cannot be told is taken for open. */
bool config_production_local(const char *listen);

/* config_show.c: every effective value and where it comes from */
void config_show(struct config *config);
void config_show_sections(struct config *config); /* config_show_sections.c */
void config_show_value(struct config *config, enum config_from from, struct config_place place,
		       struct config_shown *shown); /* its origin is set here */
/* Where the entry `name` of a section's mapping stands, in the topmost layer that has it. */
enum config_from config_show_origin(const struct config_section sections[CONFIG_LAYERS], struct fw_slice name,
				    struct config_place *ret_place);

/* config_check.c: what a text of config.def must be besides a text */
config_check *config_check_of(const char *path);	       /* NULL: anything */
bool config_check_id(struct fw_slice text, size_t max);	       /* [a-zA-Z0-9_.-]+ */
config_check config_check_alert_label, config_check_immediate; /* config_alerts.c */
config_check config_check_network, config_check_origin, config_check_host, config_check_token, config_check_template,
	config_check_tag;

/* config_walk.c: the mappings of the file, unknown and double keys. layer: of the file or of an overlay */
void config_walk(struct config *config, struct fy_node *root, struct config_place place, unsigned layer);
/* For a map with few known keys: calls set(user, index, key, value) for each; unknown and double keys are reported. */
/* Is it the first key of the name in the map? Reported when not. Of a map whose keys are names of the user's. */
bool config_walk_first(struct config *config, struct fy_node *map, struct fy_node *key);
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
void config_issuers(struct config *config);
/* config_provider.c: members of an issuer that say how it is asked */
enum {
#define PROVIDER_BOOLEAN(name, value, help) CONFIG_PROVIDER_##name,
#define PROVIDER_TEXT(name, help) CONFIG_PROVIDER_##name,
#define PROVIDER_INTEGER(name, value, min, max, unit, help) CONFIG_PROVIDER_##name,
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
	CONFIG_PROVIDER_ROWS
};
extern const char *const config_provider_names[CONFIG_PROVIDER_ROWS];
void config_provider_defaults(struct provider *provider);
void config_provider_set(struct config *config, struct provider *provider, unsigned row, struct config_place place,
			 struct fw_slice text);
void config_provider_introspection(struct config *config, struct policy_issuer *issuer, struct config_place place,
				   struct fy_node *map);
void config_provider_check_introspection(struct config *config, struct config_place place,
					 struct policy_issuer *issuer);
void config_provider_check(struct config *config, struct config_place place, const char *issuer,
			   struct provider *provider);
/* After config_derive made the own rules: what both share. */
void config_issuers_derive(struct config *config);
void config_certificates(struct config *config);
void config_receivers(struct config *config);	   /* config_receivers.c */
void config_threats(struct config *config);	   /* config_threats.c */
void config_scenarios(struct config *config);	   /* config_scenarios.c */
void config_responses_link(struct config *config); /* when the messages are known */
void config_responses(struct config *config);	   /* config_responses.c */
void config_alerts(struct config *config);	   /* config_alerts.c: when the settings are known */
/* config_where.c: which events a rule is about */
void config_where(struct config *config, struct config_place place, struct fy_node *map, struct event_where *where);
/* One line; reported when it is none. */
void config_where_text(struct config *config, const char *name, struct config_place place, struct fy_node *value,
		       const char **ret_text);
/* Into a digest of a rule: equal means that it is about the same events. */
void config_where_digest(uint8_t digest[32], const struct event_where *where);
int config_where_level(const char *text); /* enum fw_level; -1: it is none */
void config_tls(struct config *config);
void config_csrf(struct config *config);       /* config_csrf.c: after config_routes */
void config_encryption(struct config *config); /* config_encryption.c */
void config_html(struct config *config);

/* config_inspect.c: validation.inspect.exceptions, one checked, all read; and the points. */
bool config_check_exception(struct config *config, struct config_place place, const char *path, struct fw_slice text);
void config_inspect_derive(struct config *config);
/* config_rules.c */
void config_rules(struct config *config);
const char *config_rule_action(unsigned action);
bool config_check_field_points(struct config *config, struct config_place place, const char *path,
			       struct fw_slice text);
void config_inspect_route(struct config *config, struct config_place key, struct fy_node *value,
			  struct policy_route_inspect *inspect);
const char *config_inspect_mode(unsigned mode);
void config_levels(struct config *config);
unsigned config_levels_event(struct fw_slice name); /* of an entry that holds */
uint16_t config_rbac_role(struct config *config, struct config_place place,
			  struct fw_slice name);   /* or POLICY_NONE, reported */
void config_derive_lengths(struct config *config); /* validation.max_lengths, message_sizes: after contract_build */
void config_messages(struct config *config);
/* config_define.c: message types of the configuration's own. The permissions that they name: within config_rbac. The
 * types: after contract_build, before what may be said of any type. */
void config_define_permissions(struct config *config);
void config_define(struct config *config);
/* The definition of a type of the configuration's own: of what clients send, else of what servers do; NULL: there is
 * none. */
const struct policy_message *config_define_find(const struct config *config, struct fw_slice name);
/* Does the overlay define the type anew, whole? Then what the file says of it does not count. */
bool config_define_is_replaced(struct config *config, struct fy_node *key);
/* Members of messages.TYPE: those before FIELDS are of any type, see config_messages; those behind it define one. */
enum config_message_member {
	CONFIG_MESSAGE_WHEN,
	CONFIG_MESSAGE_RATE,
	CONFIG_MESSAGE_FIELDS,
	CONFIG_MESSAGE_PERMISSION,
	CONFIG_MESSAGE_ROLE,
	CONFIG_MESSAGE_MAX_BYTES,
	CONFIG_MESSAGE_CSRF,
	CONFIG_MESSAGE_SCHEMA,
	CONFIG_MESSAGE_SCHEMA_FILE,
	CONFIG_MESSAGE_DIRECTION,
	CONFIG_MESSAGE_RECEIVE,
	CONFIG_MESSAGE_MEMBERS
};
extern const char *const config_message_members[CONFIG_MESSAGE_MEMBERS];
/* config_define_fields.c: members of messages.TYPE.fields.NAME; those before TYPE are of any type, see config_fields.
 */
enum config_field_member {
	CONFIG_FIELD_SET,
	CONFIG_FIELD_SEE,
	CONFIG_FIELD_MASK,
	CONFIG_FIELD_TYPE,
	CONFIG_FIELD_CLASS,
	CONFIG_FIELD_REQUIRED,
	CONFIG_FIELD_MIN,
	CONFIG_FIELD_MAX,
	CONFIG_FIELD_VALUES,
	CONFIG_FIELD_ITEMS,
	CONFIG_FIELD_FIELDS,
	CONFIG_FIELD_MEMBERS
};
extern const char *const config_field_members[CONFIG_FIELD_MEMBERS];
/* depth: 1 of the message itself. NULL and no fields when there are none, or reported. */
const struct policy_field *config_define_fields(struct config *config, struct config_place place, struct fy_node *map,
						unsigned depth, uint16_t *ret_count);
/* How many members of a field say who may set and see it, and how many what it is; all: with those that nobody knows.
 */
struct config_field_said {
	unsigned rules, definition, all;
};
struct config_field_said config_define_said(struct fy_node *field);
void config_types(struct config *config, struct config_place place, struct fy_node *value, struct policy_route *route);
/* config_limits.c */
#define CONFIG_MINUTE_NS UINT64_C(60000000000)
/* No limit is an interval of nothing: no event ever comes too early. */
static inline struct gcra config_rate(int64_t per_minute)
{
	return per_minute != 0 ? gcra_per((uint64_t)per_minute, CONFIG_MINUTE_NS) : (struct gcra){ 0, 0 };
}
/* routes[].messages_per_minute, or bytes_per_minute. */
void config_limits_route(struct config *config, struct config_place key, struct fy_node *value, bool bytes,
			 struct policy_route *route);
void config_limits_check(struct config *config); /* do they go together? */
/* config_secrets.c */
void config_secrets(struct config *config, struct config_place place, const char *what, struct fy_node *value,
		    struct policy_secrets *secrets);
void config_secrets_read(struct config *config, struct config_place place, struct fy_node *value,
			 struct policy_secrets *secrets);
/* config_outbound.c: routes[].outbound */
void config_outbound_link(struct config *config); /* when the types are known */
void config_outbound(struct config *config, struct config_place place, struct fy_node *value,
		     struct policy_route *route);
const char *config_outbound_action(unsigned action);
const char *config_secrets_action(unsigned action);
const char *config_secrets_kind(unsigned kind);
bool config_types_has(const struct config *config,
		      struct fw_slice type);   /* does a route list it? after config_routes */
void config_types_link(struct config *config); /* after config_messages */
void config_fields(struct config *config, struct config_place place, struct fw_slice type, struct fy_node *value);
void config_fields_link(struct config *config); /* after the last of them */ /* messages: after contract_build */
/* security_policies.csp as a mapping */
void config_derive_csp(struct config *config, struct config_place place, struct fy_node *map);
void config_derive(struct config *config); /* rates, methods, networks, events: of settings that hold */
#endif
