/* messages: what a message type asks for besides a permission: from which networks it may come, and whether by a
 * connection with a client certificate. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "policy/contract.h"

enum { NETWORK, CERTIFICATE, CONDITIONS };
static const char *const condition_names[CONDITIONS] = { "network", "certificate" };

static void set_networks(struct config *config, struct config_place place, struct fy_node *value,
			 struct policy_condition *condition)
{
	struct addr_net *nets;
	unsigned before = config->errors;

	if (!config_value_texts(config, place, "network", value, config_check_network, &condition->networks) ||
	    config->errors != before)
		return;
	if (condition->networks.count == 0) {
		config_report_error(config, place,
				    "\"network\" lists no network: nobody could send it; leave it out for all");
		return;
	}
	nets = config_value_zero(config, condition->networks.count, sizeof(*nets));
	condition->nets = nets;
	for (size_t i = 0; nets != NULL && i < condition->networks.count; i++)
		(void)addr_net_parse(slice_text(condition->networks.items[i]), &nets[i]); /* it was judged above */
}

static void set_condition(struct config *config, void *user, unsigned index, struct config_place place,
			  struct fy_node *value)
{
	struct policy_condition *condition = user;
	struct fw_slice text;

	if (index == NETWORK) {
		set_networks(config, place, value, condition);
		return;
	}
	if (!config_yaml_is_text(config, place, "certificate", value, &text))
		return;
	condition->certificate = slice_is(text, "required");
	if (!condition->certificate && !slice_is(text, "any"))
		config_report_error(config, place, "\"certificate\" is required or any");
}

struct reader {
	const struct policy_message *message; /* that clients send; NULL: none of this name */
	struct fw_slice type;		      /* as written */
};

static bool read_fields(struct config *config, const struct reader *reader, unsigned index, struct config_place place,
			struct fy_node *value)
{
	if (index != CONFIG_MESSAGE_FIELDS)
		return false;
	if (config_yaml_is_map(config, place, "\"fields\"", value))
		config_fields(config, place, reader->type, value);
	return true;
}

static void set_rate(struct config *config, struct config_place place, const struct policy_message *message,
		     struct fy_node *value)
{
	struct fw_slice text;
	int64_t rate;

	if (!config_yaml_is_text(config, place, "messages_per_minute", value, &text) ||
	    !config_value_integer(config, config_yaml_place(value, place), "messages_per_minute", text, 1, 1000000000,
				  "messages", &rate))
		return;
	if (!contract_rate(config->policy, message->name, rate))
		config->short_of_memory = true;
}

static void set_member(struct config *config, void *user, unsigned index, struct config_place place,
		       struct fy_node *value)
{
	struct reader *reader = user;
	struct policy_condition *condition;

	if (read_fields(config, reader, index, place, value))
		return;
	if (index > CONFIG_MESSAGE_FIELDS) { /* of a type of our own config_define.c has read it */
		if (config_define_find(config, reader->type) == NULL)
			config_report_error(
				config, place,
				"a message of the contract has a permission, a size and its fields already: see "
				"\"rbac.roles\", \"validation.message_sizes\" and \"csrf.protected_operations\"");
		return;
	}
	if (reader->message == NULL || strcmp(reader->message->name, "auth") == 0) {
		config_report_error(config, place,
				    reader->message == NULL ? "only messages of clients have conditions and rates"
							    : "\"auth\" has no conditions: nobody is logged in "
							      "yet when it is judged");
		return;
	}
	if (index == CONFIG_MESSAGE_RATE) {
		set_rate(config, place, reader->message, value);
		return;
	}
	if (!config_yaml_is_map(config, place, "\"when\"", value))
		return;
	condition = config_value_zero(config, 1, sizeof(*condition));
	if (condition == NULL)
		return;
	config_walk_map(config, value, "\"when\"", condition_names, CONDITIONS, set_condition, condition);
	if (condition->certificate &&
	    config->policy->settings.tls_client_certificate == CLIENT_CERTIFICATE_NONE) /* it could never be sent */
		config_report_error(config, place,
				    "clients are not asked for certificates: \"tls.client_certificate\" is none");
	contract_condition(config->policy, reader->message->name, condition);
}

/* A type that the contract does not have is one of a server behind: all that can be said of it is who sees its fields.
 */
static bool config_fields_only(struct fy_node *value)
{
	struct fy_node_pair *pair;
	void *at = NULL;
	bool only = false;

	if (!fy_node_is_mapping(value))
		return false;
	while ((pair = fy_node_mapping_iterate(value, &at)) != NULL) {
		size_t size = 0;
		const char *key = fy_node_get_scalar(fy_node_pair_key(pair), &size);

		if (key == NULL || !slice_is(slice(key, size), "fields"))
			return false;
		only = true;
	}
	return only;
}

static void read_message(struct config *config, struct fy_node *key, struct fy_node *value)
{
	struct config_place place = { .node = key };
	struct config_suggest suggest;
	struct reader reader = { NULL, { NULL, 0 } };
	uint16_t number;
	bool sent = false;
	struct fw_slice name;
	char shown[64], hint[128];

	if (!config_yaml_key(config, place, key, &name))
		return;
	config_suggest_start(&suggest, name);
	for (unsigned i = 0; i < config->policy->message_count; i++)
		if (config->policy->messages[i].name != NULL)
			config_suggest_offer(&suggest, config->policy->messages[i].name,
					     config->policy->messages[i].name_size);
	number = policy_message_find(config->policy, name);
	if (number != POLICY_NONE)
		reader.message = &config->policy->messages[number];
	reader.type = name;
	sent = policy_outbound_find(config->policy, name) != POLICY_NONE;
	if (reader.message == NULL && !sent && !config_fields_only(value))
		config_report_error(config, place,
				    "there is no message type \"%s\"%s; one of your own names its \"permission\"",
				    config_report_quote(config, name, shown), config_suggest_text(&suggest, hint));
	else if (config_yaml_is_map(config, place, "a message type", value))
		config_walk_map(config, value, "a message type", config_message_members, CONFIG_MESSAGE_MEMBERS,
				set_member, &reader);
}

void config_messages(struct config *config)
{
	/* What an overlay says of a type stands in place of what the file says of it. */
	for (unsigned layer = 0; layer < CONFIG_LAYERS; layer++) {
		const struct config_section *section = &config->messages[layer];
		struct fy_node_pair *pair;
		void *at = NULL;

		if (section->key == NULL || !config_yaml_is_map(config, (struct config_place){ .node = section->key },
								"\"messages\"", section->value))
			continue;
		while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL)
			if (config_walk_first(config, section->value, fy_node_pair_key(pair)) &&
			    (layer == CONFIG_OVERLAY || !config_define_is_replaced(config, fy_node_pair_key(pair))))
				read_message(config, fy_node_pair_key(pair), fy_node_pair_value(pair));
	}
	config_fields_link(config);
}
