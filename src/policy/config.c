#include "policy/config_build.h"

#include "base/mem.h"
#include "base/slice.h"
#include "policy/contract.h"
#include "policy/route.h"

static bool loopback_listener(const char *listen)
{
	struct fw_slice host;
	long port;

	return route_place(slice_text(listen), &host, &port) &&
	       (slice_is_nocase(host, "localhost") || slice_is(host, "[::1]") || slice_starts(host, "127."));
}

/* What holds and is likely not what was meant. */
static void warn(struct config *config)
{
	const struct settings *settings = &config->policy->settings;
	struct config_place place = { .origin = config->options->name };
	bool hosts = settings->hosts.count != 0;

	for (unsigned i = 0; i < config->policy->route_count; i++)
		hosts = hosts || config->policy->routes[i].hosts.count != 0;
	if (!loopback_listener(settings->listen) && !hosts)
		config_report_warning(config, place,
				      "\"listen\" is %s, but \"hosts\" is empty: only requests to localhost are "
				      "accepted; list the names that clients use",
				      settings->listen);
}

static void compile(struct config *config, struct fy_document *document)
{
	struct fw_policy *policy = config->policy;

	config_scalar_defaults(config);
	if (config->short_of_memory)
		return;
	if (document != NULL)
		config_walk(config, fy_document_root(document));
	for (size_t i = 0; i < config->options->override_count; i++)
		config_scalar_override(config, &config->options->overrides[i]);
	config_rbac(config);
	if (config->short_of_memory)
		return;
	config_routes(config);
	config_keys(config);
	config_tls(config);
	config_derive_csp(config);
	if (config->short_of_memory)
		return;
	if (contract_build(policy) != FW_OK) {
		/* Roles and permissions of the contract are always there: only memory can be short. */
		config->short_of_memory = true;
		return;
	}
	config_derive_lengths(config);
	if (config->errors == 0) {
		config_derive(config);
		warn(config);
	}
}

static int load(struct config *config)
{
	struct fy_document *document = NULL;
	int result = config_yaml_open(config, &document);

	if (result == FW_OK)
		compile(config, document);
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
	config.policy = mem_zero(1, sizeof(*config.policy));
	if (config.policy == NULL)
		return FW_ERR_MEMORY;
	atomic_init(&config.policy->references, 1);
	arena_init(&config.policy->arena, LIMIT_POLICY_BYTES);
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
