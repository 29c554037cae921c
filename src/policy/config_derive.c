#include "policy/config_build.h"
#include "policy/cors.h"
#include "policy/security_headers.h"

#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "policy/config_event.h"
#include "policy/contract.h"

/* A mapping from names to limits: which names, what they are limited to. */
struct named_limits {
	const char *section;
	const char *what, *unit; /* "a length", "characters" */
	bool by_field;		 /* the names are fields, else message types */
	int64_t least, most;
	unsigned (*set)(struct fw_policy *policy, const char *name, int64_t max); /* returns how many there were */
	void (*offer)(const struct fw_policy *policy, struct config_suggest *suggest);
};

static void offer_fields(const struct fw_policy *policy, struct config_suggest *suggest)
{
	for (unsigned i = 0; i < policy->message_count; i++) {
		const struct policy_message *message = &policy->messages[i];

		for (unsigned k = 0; k < message->field_count; k++)
			if (message->fields[k].kind == KIND_STRING)
				config_suggest_offer(suggest, message->fields[k].name, message->fields[k].name_size);
	}
}

static void offer_messages(const struct fw_policy *policy, struct config_suggest *suggest)
{
	for (unsigned i = 0; i < policy->message_count; i++)
		config_suggest_offer(suggest, policy->messages[i].name, policy->messages[i].name_size);
}

static const struct named_limits length_limits = {
	"\"validation.max_lengths\"", "a length", "characters", true, 1, 1048576, contract_limit, offer_fields,
};
static const struct named_limits size_limits = {
	"\"validation.message_sizes\"", "a size", "bytes", false, 16, 1073741824, contract_limit_size, offer_messages,
};

static void set_limit(struct config *config, const struct named_limits *limits, struct fy_node *key,
		      struct fy_node *value)
{
	struct config_place place = { .node = key };
	struct config_suggest suggest;
	struct fw_slice name, text;
	char quoted[64], hint[128];
	int64_t max;

	if (!config_yaml_key(config, place, key, &name))
		return;
	config_report_quote(config, name, quoted);
	if (!config_yaml_is_text(config, place, limits->what, value, &text))
		return;
	if (!config_value_integer(config, config_yaml_place(value, place), quoted, text, limits->least, limits->most,
				  limits->unit, &max))
		return;
	if (limits->set(config->policy, quoted, max) != 0)
		return;
	config_suggest_start(&suggest, name);
	limits->offer(config->policy, &suggest);
	config_report_error(config, place,
			    limits->by_field ? "no message has a text field \"%s\"%s"
					     : "there is no message type \"%s\"%s",
			    quoted, config_suggest_text(&suggest, hint));
}

static void set_layer(struct config *config, const struct named_limits *limits, const struct config_section *section)
{
	struct fy_node_pair *pair;
	void *at = NULL;

	if (section->key == NULL ||
	    !config_yaml_is_map(config, (struct config_place){ .node = section->key }, limits->section, section->value))
		return;
	while ((pair = fy_node_mapping_iterate(section->value, &at)) != NULL)
		set_limit(config, limits, fy_node_pair_key(pair), fy_node_pair_value(pair));
}

/* What an overlay says stands above what the file says, name by name. */
static void set_limits(struct config *config, const struct named_limits *limits, const struct config_section *sections)
{
	for (unsigned i = 0; i < CONFIG_LAYERS; i++)
		set_layer(config, limits, &sections[i]);
}

void config_derive_lengths(struct config *config)
{
	set_limits(config, &length_limits, config->max_lengths);
	set_limits(config, &size_limits, config->message_sizes);
}

enum { CSP_ROOM = 4096 };

struct csp {
	char text[CSP_ROOM];
	size_t size;
	bool full;
};

static void csp_add(struct csp *csp, struct fw_slice text, bool name)
{
	csp->full = csp->full || text.size >= sizeof(csp->text) - csp->size;
	for (size_t i = 0; !csp->full && i < text.size; i++)
		csp->text[csp->size++] = name && text.data[i] == '_' ? '-' : (char)text.data[i];
}

static bool directive_holds(struct fw_slice name, struct fw_slice value)
{
	for (size_t i = 0; i < name.size; i++)
		if (!((name.data[i] >= 'a' && name.data[i] <= 'z') || name.data[i] == '_' || name.data[i] == '-'))
			return false;
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] < 0x20 || value.data[i] > 0x7e || value.data[i] == ';' || value.data[i] == ',')
			return false;
	return name.size != 0;
}

void config_derive_csp(struct config *config, struct config_place place, struct fy_node *map)
{
	struct fy_node_pair *pair;
	struct csp csp = { .size = 0 };
	void *at = NULL;

	if (config_yaml_kind(config, place, map) != CONFIG_MAP)
		return;
	while ((pair = fy_node_mapping_iterate(map, &at)) != NULL) {
		struct config_place here = { .node = fy_node_pair_key(pair) };
		struct fw_slice name, value;

		if (!config_yaml_key(config, here, fy_node_pair_key(pair), &name) ||
		    !config_yaml_is_text(config, here, "a directive", fy_node_pair_value(pair), &value))
			continue;
		if (!directive_holds(name, value)) {
			config_report_error(
				config, here,
				"a directive is a name such as script_src and sources without \";\" and \",\"");
			continue;
		}
		csp_add(&csp, slice_text(csp.size != 0 ? "; " : ""), false);
		csp_add(&csp, name, true);
		csp_add(&csp, slice_text(value.size != 0 ? " " : ""), false);
		csp_add(&csp, value, false);
	}
	if (csp.full)
		config_report_error(config, place, "the policy has more than %d characters", (int)CSP_ROOM);
	config->policy->settings.csp = config_value_text(config, slice(csp.text, csp.size));
}

static void derive_methods(struct fw_policy *policy)
{
	static const char *const names[] = {
		[METHOD_JWT] = "jwt",	  [METHOD_API_KEY] = "api_key",	  [METHOD_SESSION] = "session",
		[METHOD_OAUTH] = "oauth", [METHOD_PASSWORD] = "password", [METHOD_CERTIFICATE] = "certificate"
	};

	for (size_t i = 0; i < policy->settings.methods.count; i++)
		for (unsigned k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (strcmp(policy->settings.methods.items[i], names[k]) == 0)
				policy->methods |= 1u << k;
}

static struct addr_net *derive_nets(struct config *config, const struct texts *ranges, size_t *ret_count)
{
	struct addr_net *nets = config_value_zero(config, ranges->count, sizeof(*nets));

	*ret_count = 0;
	for (size_t i = 0; nets != NULL && i < ranges->count; i++)
		if (addr_net_parse(slice_text(ranges->items[i]), &nets[*ret_count]))
			++*ret_count;
	return nets;
}

static const char *or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

/* Types that have no rate of their own; what is shown as written stays as it is. */
static void derive_type_rates(struct config *config)
{
	struct fw_policy *policy = config->policy;
	int64_t usual = policy->settings.default_type_messages_per_minute;

	for (unsigned i = 0; usual != 0 && i < policy->message_count; i++) {
		struct policy_message *message = (struct policy_message *)&policy->messages[i];

		if (message->rate != NULL || strcmp(message->name, "auth") == 0)
			continue;
		if (!contract_rate(policy, message->name, usual))
			config->short_of_memory = true;
		message->messages_per_minute = 0;
	}
}

static void derive_rates(struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;
	const int64_t held[LIMIT_HELD] = {
		[LIMIT_KIND_user_messages - LIMIT_HELD_FIRST] = settings->user_messages_per_minute,
		[LIMIT_KIND_user_bytes - LIMIT_HELD_FIRST] = settings->user_bytes_per_minute,
		[LIMIT_KIND_address_messages - LIMIT_HELD_FIRST] = settings->address_messages_per_minute,
		[LIMIT_KIND_address_bytes - LIMIT_HELD_FIRST] = settings->address_bytes_per_minute,
		[LIMIT_KIND_total_messages - LIMIT_HELD_FIRST] = settings->total_messages_per_minute,
		[LIMIT_KIND_total_bytes - LIMIT_HELD_FIRST] = settings->total_bytes_per_minute,
	};

	policy->message_rate = config_rate(settings->messages_per_minute);
	policy->auth_rate = config_rate(settings->auth_attempts_per_minute);
	policy->control_rate = config_rate(settings->control_rate);
	policy->frame_rate = config_rate(settings->frame_rate);
	policy->byte_rate = config_rate(settings->bytes_per_minute);
	policy->handshake_rate = config_rate(settings->handshakes_per_minute);
	policy->account_rate = config_rate(settings->auth_attempts_per_account);
	policy->session_rate = config_rate(settings->sessions_per_user_per_minute);
	policy->answer_rate = config_rate(settings->limit_answers_per_minute);
	for (unsigned i = 0; i < LIMIT_HELD; i++) {
		policy->held_rates[i] = config_rate(held[i]);
		policy->held |= (uint8_t)((held[i] != 0) << i);
	}
}

void config_derive(struct config *config)
{
	struct fw_policy *policy = config->policy;
	const struct settings *settings = &policy->settings;

	derive_methods(policy);
	policy->blocked_nets = derive_nets(config, &settings->blocked_ranges, &policy->blocked_net_count);
	policy->exempt_nets = derive_nets(config, &settings->block_exempt, &policy->exempt_net_count);
	policy->trusted_nets = derive_nets(config, &settings->trusted_proxies, &policy->trusted_net_count);
	for (size_t i = 0; i < settings->blocking_events.count; i++) {
		uint32_t points;
		unsigned type = config_event_points(slice_text(settings->blocking_events.items[i]), &points);

		if (type >= EVENT_TYPES)
			continue;
		policy->blocking_events |= UINT64_C(1) << type;
		policy->event_points[type] = points;
	}
	derive_rates(policy);
	derive_type_rates(config);
	policy->jwt = (struct jwt_rules){
		.keys = policy->jwt_keys,
		.key_count = policy->jwt_key_count,
		.issuer = or_null(settings->jwt_issuer),
		.audience = or_null(settings->jwt_audience),
		.skew_s = (uint32_t)settings->clock_skew,
		.max_life_s = (uint64_t)settings->jwt_expiry_hours * 3600,
		.max_size = (size_t)settings->max_token_size,
	};
	config_issuers_derive(config);
	config_inspect_derive(config);
	for (unsigned i = 0; i < policy->message_count; i++)
		if (strcmp(policy->messages[i].name, "auth") == 0)
			policy->auth_message_bytes = policy->messages[i].max_bytes;
	if (security_headers_build(policy) != FW_OK || cors_build(policy) != FW_OK ||
	    policy_credential_build(policy) != FW_OK)
		config->short_of_memory = true;
}
