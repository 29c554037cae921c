#include "policy/config_build.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/config_schema.h"
#include "policy/contract.h"

/* What holds and is likely not what was meant. */
static void warn(struct config *config)
{
	const struct settings *settings = &config->policy->settings;
	struct config_place place = { .origin = config->options->name };
	unsigned row = config_scalar_find("listen");
	bool hosts = settings->hosts.count != 0;
	char shown[64];

	for (unsigned i = 0; i < config->policy->route_count; i++)
		hosts = hosts || config->policy->routes[i].hosts.count != 0;
	config->secret = config->origins[row].secret;
	if (!config_production_local(settings->listen) && !hosts)
		config_report_warning(config, place,
				      "\"listen\" is %s, but \"hosts\" is empty: only requests to localhost are "
				      "accepted; list the names that clients use",
				      config_report_quote(config, slice_text(settings->listen), shown));
	config->secret = false;
}

static bool lists(const struct texts *texts, const char *word)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], word) == 0)
			return true;
	return false;
}

static bool serves_hub(const struct config *config)
{
	for (unsigned i = 0; i < config->policy->route_count; i++)
		if (!config->policy->routes[i].has_upstream && !config->options->without_hub)
			return true;
	return false;
}

/* Values that do not go together. */
static void check_together(struct config *config)
{
	const struct settings *settings = &config->policy->settings;

	if (!settings->builtin_messages && serves_hub(config))
		config_report_warning(
			config, config->origins[config_scalar_find("validation.builtin_messages")].place,
			"the built-in hub knows no messages but the built-in ones: give each route an upstream");
	config_csrf(config);
	config_encryption(config);
	config_limits_check(config);
	if (settings->proxy_protocol != PROXY_OFF && settings->trusted_proxies.count == 0)
		config_report_error(config, config->origins[config_scalar_find("proxy_protocol")].place,
				    "\"proxy_protocol\" needs \"trusted_proxies\": without them nobody could connect");
	if (lists(&settings->methods, "oauth") && config->policy->issuer_count == 0)
		config_report_warning(
			config, config->origins[config_scalar_find("authentication.methods")].place,
			"\"authentication.methods\": oauth needs an issuer in \"authentication.issuers\": "
			"such logins are refused");
	if (!lists(&settings->methods, "oauth") && config->policy->introspector != POLICY_NONE)
		config_report_error(config, config->origins[config_scalar_find("authentication.methods")].place,
				    "\"introspection\" of an issuer needs oauth in \"authentication.methods\"");
}

/* From the lowest to the highest: defaults, file, overlay, variables, command line. */
static void read_values(struct config *config)
{
	config_scalar_defaults(config);
	if (config->short_of_memory)
		return;
	if (config->root != NULL)
		config_walk(config, config->root, (struct config_place){ 0 }, CONFIG_BASE);
	config_variable_environment(config);
	config_environment(config);
	config_variable_apply(config);
	config_variable_override(config);
}

static void compile(struct config *config)
{
	struct fw_policy *policy = config->policy;

	read_values(config);
	if (config->short_of_memory)
		return;
	config_rbac(config);
	if (config->short_of_memory)
		return;
	config_routes(config);
	config_keys(config);
	config_issuers(config);
	config_certificates(config);
	config_rules(config);
	config_receivers(config);
	config_threats(config);
	config_scenarios(config);
	config_alerts(config);
	config_responses(config);
	config_tls(config);
	config_html(config);
	config_levels(config);
	if (config->short_of_memory)
		return;
	if (contract_build(policy) != FW_OK) {
		/* Roles and permissions of the contract are always there: only memory can be short. */
		config->short_of_memory = true;
		return;
	}
	config_schema_documents(config);
	config_define(config);
	config_derive_lengths(config);
	config_messages(config);
	config_types_link(config);
	config_outbound_link(config);
	config_responses_link(config);
	check_together(config);
	if (config->errors == 0) {
		config_derive(config);
		warn(config);
		config_production(config);
	}
}

struct fw_policy *config_new_policy(void)
{
	struct fw_policy *policy = mem_zero(1, sizeof(*policy));

	if (policy == NULL)
		return NULL;
	atomic_init(&policy->references, 1);
	policy->introspector = POLICY_NONE;
	arena_init(&policy->arena, LIMIT_POLICY_BYTES);
	return policy;
}

/* An overlay that was not chosen: compiled like the chosen one and thrown away, so that its mistakes are known before
 * the day it counts. */
static void judge_overlay(struct config *config, struct fw_slice name, size_t start, size_t end)
{
	const struct config_override environment = { "environment", config_value_text(config, name), "--environment" };
	struct config_options options = {
		.name = config->options->name,
		.overrides = &environment,
		.override_count = 1,
		.default_jwt_secret = config->options->default_jwt_secret,
		.source = config->options->source,
		.without_hub = config->options->without_hub,
	};
	struct config trial = { .options = &options,
				.text = config->text,
				.root = config->root,
				.scratch = config->scratch,
				.trial = true };

	trial.policy = environment.value != NULL ? config_new_policy() : NULL;
	if (trial.policy == NULL) {
		config->short_of_memory = true;
		return;
	}
	trial.expansions = config->expansions;
	compile(&trial);
	config->expansions = trial.expansions;
	config->scratch = trial.scratch;
	config->short_of_memory = config->short_of_memory || trial.short_of_memory;
	config_report_adopt(config, &trial, start, end);
	fw_policy_unref(trial.policy);
}

static int load(struct config *config)
{
	struct fy_document *document = NULL;
	int result = config_yaml_open(config, &document);

	if (result == FW_OK) {
		config->root = document != NULL ? fy_document_root(document) : NULL;
		compile(config);
		if (!config->short_of_memory)
			config_environment_others(config, judge_overlay);
		if (config->errors == 0 && !config->short_of_memory)
			config_show(config);
	}
	/* Places point into the document: messages are given before it goes, and even when memory got short on the way.
	 */
	config_report_give(config);
	config_yaml_close(config, document);
	if (result == FW_ERR_MEMORY || config->short_of_memory)
		return FW_ERR_MEMORY;
	return config->errors == 0 ? FW_OK : FW_ERR_INVALID;
}

int config_load(const struct config_options *options, struct fw_policy **ret_policy)
{
	struct config config = { .options = options, .text = options->text };
	int result;

	*ret_policy = NULL;
	config.policy = config_new_policy();
	if (config.policy == NULL)
		return FW_ERR_MEMORY;
	arena_init(&config.scratch, LIMIT_POLICY_BYTES);
	result = load(&config);
	arena_fini(&config.scratch);
	if (result != FW_OK) {
		fw_policy_unref(config.policy);
		return result;
	}
	*ret_policy = config.policy;
	return FW_OK;
}

int fw_policy_load(const char *name, struct fw_slice text, fw_report_function *report, void *user,
		   struct fw_policy **ret_policy)
{
	struct config_options options = { .name = name, .text = text, .report = report, .user = user };

	return config_load(&options, ret_policy);
}
