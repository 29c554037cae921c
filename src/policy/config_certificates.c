/* authentication.certificates: who the client is whose certificate has such names, and which role that is. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"

enum { MATCH, USER, ROLE, MEMBERS };
static const char *const member_names[MEMBERS] = { "match", "user", "role" };

enum { PATTERN_MOST = 512, STARS_MOST = 8 };

static void set_pattern(struct config *config, void *user, unsigned kind, struct config_place place,
			struct fy_node *value)
{
	struct policy_certificate_rule *rule = user;
	struct fw_slice text;
	unsigned stars = 0;

	if (!config_yaml_is_text(config, place, policy_certificate_kind(kind), value, &text))
		return;
	for (size_t i = 0; i < text.size; i++) {
		stars += text.data[i] == '*';
		if (i != 0 && text.data[i] == '*' && text.data[i - 1] == '*')
			config_report_error(
				config, place,
				"\"**\" stands for nothing more than \"*\": one label of a name, one part of "
				"a path");
	}
	if (text.size == 0 || text.size > PATTERN_MOST || stars > STARS_MOST)
		config_report_error(config, place, "a pattern is a text of 1 to %d octets with at most %d \"*\"",
				    (int)PATTERN_MOST, (int)STARS_MOST);
	else
		rule->patterns[kind] = config_value_text(config, text);
}

/* "cn" is a part of the subject: it can be named in a user, and is matched with the subject. */
static void read_match(struct config *config, struct config_place place, struct fy_node *map,
		       struct policy_certificate_rule *rule)
{
	const char *names[FW_NAMES];
	bool whose = false;

	for (unsigned kind = 0; kind < FW_NAMES; kind++)
		names[kind] = policy_certificate_kind(kind);
	if (!config_yaml_is_map(config, place, "\"match\"", map))
		return;
	config_walk_map(config, map, "\"match\"", names, FW_NAMES, set_pattern, rule);
	if (rule->patterns[FW_NAME_COMMON] != NULL)
		config_report_error(config, place,
				    "match the whole subject in place of \"cn\", as in subject: \"CN=*,O=Example\"");
	for (unsigned kind = 0; kind < FW_NAMES; kind++)
		whose = whose || (kind != FW_NAME_ISSUER && rule->patterns[kind] != NULL);
	if (!whose)
		config_report_error(config, place,
				    "\"match\" needs a pattern of the client's own names: subject, san_dns, san_uri or "
				    "san_email");
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct policy_certificate_rule *rule = user;
	struct fw_slice text;

	if (index == MATCH) {
		read_match(config, place, value, rule);
		return;
	}
	if (!config_yaml_is_text(config, place, member_names[index], value, &text))
		return;
	if (index == ROLE)
		rule->role = config_rbac_role(config, config_yaml_place(value, place), text);
	else if (text.size == 0 || text.size > PATTERN_MOST)
		config_report_error(config, place, "\"user\" is a text of 1 to %d octets", (int)PATTERN_MOST);
	else
		rule->user = config_value_text(config, text);
}

/* Each placeholder once, and only of a name that the rule asks for: else a certificate without it would be nobody. */
static void check_user(struct config *config, struct config_place place, const struct policy_certificate_rule *rule)
{
	unsigned seen = 0;

	for (const char *at = strstr(rule->user, "${"); at != NULL; at = strstr(at + 2, "${")) {
		unsigned kind = policy_certificate_placeholder(slice_text(at));

		if (kind == FW_NAMES)
			config_report_error(config, place,
					    "a placeholder of \"user\" is ${subject}, ${cn}, ${issuer}, ${san_dns}, "
					    "${san_uri} or ${san_email}");
		else if ((seen >> kind & 1) != 0)
			config_report_error(config, place, "\"user\" has ${%s} twice", policy_certificate_kind(kind));
		else if (rule->patterns[kind == FW_NAME_COMMON ? FW_NAME_SUBJECT : kind] == NULL)
			config_report_error(config, place, "\"user\" has ${%s}, for which \"match\" has no pattern",
					    policy_certificate_kind(kind));
		if (kind != FW_NAMES)
			seen |= 1u << kind;
	}
}

static void read_rule(struct config *config, struct config_place place, struct fy_node *node,
		      struct policy_certificate_rule *rule)
{
	unsigned before = config->errors;
	bool matches = false;

	rule->role = policy_role_find(config->policy, slice_text("user"));
	if (config_yaml_kind(config, place, node) != CONFIG_MAP) {
		config_report_error(config, place, "each entry is a mapping with match, user and role");
		return;
	}
	config_walk_map(config, node, "an entry", member_names, MEMBERS, set_member, rule);
	for (unsigned kind = 0; kind < FW_NAMES; kind++)
		matches = matches || rule->patterns[kind] != NULL;
	if (config->errors != before || config->short_of_memory)
		return;
	if (!matches || rule->user == NULL)
		config_report_error(config, place, "an entry needs \"match\" and \"user\"");
	else
		check_user(config, place, rule);
}

/* What the method and the routes ask for and TLS does not give. */
static void check(struct config *config)
{
	const struct fw_policy *policy = config->policy;
	struct config_place place = config->origins[config_scalar_find("authentication.methods")].place;
	bool listed = false, asked = policy->settings.tls_client_certificate != CLIENT_CERTIFICATE_NONE;

	for (size_t i = 0; i < policy->settings.methods.count; i++)
		listed = listed || strcmp(policy->settings.methods.items[i], "certificate") == 0;
	if (listed && !asked)
		config_report_error(config, place,
				    "\"authentication.methods\" has certificate, but clients are not asked for one: "
				    "\"tls.client_certificate\" is none");
	else if (listed && policy->certificate_rule_count == 0)
		config_report_warning(config, place,
				      "\"authentication.methods\" has certificate, but \"authentication.certificates\" "
				      "says of nobody who that is");
	else if (!listed && policy->certificate_rule_count != 0)
		config_report_warning(config, place,
				      "\"authentication.certificates\" has no effect while \"authentication.methods\" "
				      "lacks certificate");
}

void config_certificates(struct config *config)
{
	const struct config_section *section = config_topmost(config->certificate_rules);
	struct config_place place = { .node = section->key };
	struct policy_certificate_rule *rules;
	struct fy_node *item;
	void *at = NULL;
	int count;

	if (section->key != NULL &&
	    config_yaml_is_list(config, place, "\"authentication.certificates\"", section->value)) {
		count = fy_node_sequence_item_count(section->value);
		if (count > LIMIT_CERTIFICATE_RULES) {
			config_report_error(config, place, "there are more than %d entries",
					    (int)LIMIT_CERTIFICATE_RULES);
			return;
		}
		rules = config_value_zero(config, (size_t)count, sizeof(*rules));
		config->policy->certificate_rules = rules;
		while (rules != NULL && (item = fy_node_sequence_iterate(section->value, &at)) != NULL)
			read_rule(config, config_yaml_place(item, place), item,
				  &rules[config->policy->certificate_rule_count++]);
	}
	if (config->errors == 0)
		check(config);
}
