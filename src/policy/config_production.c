/* Environment production: insecure settings are refused. A rule is a row of production.def and a function here that
 * says whether the configuration breaks it. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"
#include "policy/route.h"

bool config_production_local(const char *listen)
{
	struct fw_slice host;
	struct fw_addr addr;
	long port;

	if (!route_place(slice_text(listen), &host, &port))
		return false;
	if (host.size > 2 && host.data[0] == '[')
		host = slice(host.data + 1, host.size - 2);
	if (addr_parse(host, &addr))
		return addr.family == 4 ? addr.bytes[0] == 127 : slice_is(host, "::1");
	return slice_is_nocase(host, "localhost");
}

static bool is_local_upstream(const char *host)
{
	struct fw_addr addr;

	if (addr_parse(slice_text(host), &addr))
		return addr.family == 4 ? addr.bytes[0] == 127 : strcmp(host, "::1") == 0;
	return slice_is_nocase(slice_text(host), "localhost");
}

/* The n-th route, for messages. */
static struct config_place route_place_of(const struct config *config, unsigned number)
{
	const struct config_section *section = config_topmost(config->routes);

	if (section->value == NULL)
		return (struct config_place){ .origin = config->options->name };
	return config_yaml_place(fy_node_sequence_get_by_index(section->value, (int)number),
				 (struct config_place){ .node = section->key });
}

static bool production_demo(const struct config *config, struct config_place *ret_place)
{
	ret_place->node = NULL;
	ret_place->origin = "--demo";
	return config->options->demo;
}

/* Clients come from other machines: what is missing then is said where the listener is. */
static bool is_open(const struct config *config, struct config_place *ret_place)
{
	if (ret_place->node == NULL && ret_place->origin == NULL)
		*ret_place = config->origins[config_scalar_find("listen")].place;
	return !config_production_local(config->policy->settings.listen);
}

static bool production_clients_in_clear(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	return is_open(config, ret_place) && policy->certificate_count == 0 &&
	       policy->settings.trusted_proxies.count == 0;
}

static bool production_admin_in_clear(const struct config *config, struct config_place *ret_place)
{
	const struct settings *settings = &config->policy->settings;

	(void)ret_place;
	return strcmp(settings->admin_listen, "off") != 0 && !config_production_local(settings->admin_listen) &&
	       *settings->admin_tls_certificate == '\0';
}

static bool production_no_origins(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	if (!is_open(config, ret_place) || policy->settings.origins.count != 0)
		return false;
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].origins.count == 0)
			return true;
	return false;
}

static bool production_no_hosts(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	if (!is_open(config, ret_place) || policy->settings.hosts.count != 0)
		return false;
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].hosts.count == 0)
			return true;
	return false;
}

static bool production_upstream_unverified(const struct config *config, struct config_place *ret_place)
{
	(void)ret_place;
	return config->policy->settings.upstream_tls_verify == VERIFY_OFF;
}

static bool production_token_in_query(const struct config *config, struct config_place *ret_place)
{
	(void)ret_place;
	return config->policy->settings.query_parameter;
}

/* Words of documentation and quick starts, and secrets of few different octets: long is not hard to guess. */
static bool guessable(const uint8_t *secret, size_t size)
{
	static const char *const words[] = { "secret",	"changeme", "change-me",  "change_me",	 "password",
					     "default", "example",  "0123456789", "your-256-bit" };
	enum { LEAST_DIFFERENT = 10 };
	bool seen[256] = { false };
	unsigned different = 0;

	for (size_t i = 0; i < size; i++) {
		different += !seen[secret[i]];
		seen[secret[i]] = true;
	}
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
		for (size_t i = 0, n = strlen(words[k]); i + n <= size; i++)
			if (slice_is_nocase(slice(secret + i, n), words[k]))
				return true;
	return different < LEAST_DIFFERENT;
}

static bool production_guessable_secret(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	ret_place->node = config_topmost(config->jwt_keys)->key;
	for (size_t i = 0; i < policy->jwt_key_count && ret_place->node != NULL; i++)
		if (policy->jwt_keys[i].secret != NULL &&
		    guessable(policy->jwt_keys[i].secret, policy->jwt_keys[i].secret_size))
			return true;
	return false;
}

static bool production_unknown_fields(const struct config *config, struct config_place *ret_place)
{
	(void)ret_place;
	return config->policy->settings.unknown_fields == UNKNOWN_WARN;
}

static bool production_local_urls(const struct config *config, struct config_place *ret_place)
{
	const struct settings *settings = &config->policy->settings;

	if (settings->blocked_domains.count == 0)
		return true;
	*ret_place = config->origins[config_scalar_find("validation.blocked_ip_ranges")].place;
	return settings->blocked_ranges.count == 0;
}

static bool has_all(const struct policy_role *role)
{
	for (size_t i = 0; i < role->patterns.count; i++)
		if (strcmp(role->patterns.items[i], "*") == 0)
			return true;
	return false;
}

static bool production_anonymous_administrator(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->route_count; i++) {
		*ret_place = route_place_of(config, i);
		if (policy->routes[i].anonymous_role != POLICY_NONE &&
		    has_all(&policy->roles[policy->routes[i].anonymous_role]))
			return true;
	}
	return false;
}

static bool may_send(const struct fw_policy *policy, const struct policy_role *role)
{
	for (unsigned i = 0; i < policy->message_count; i++)
		if (policy->messages[i].permission != POLICY_NONE &&
		    bits_has(&role->permissions, policy->messages[i].permission))
			return true;
	return false;
}

static bool production_anonymous_sender(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->route_count; i++) {
		const struct policy_route *route = &policy->routes[i];

		*ret_place = route_place_of(config, i);
		if (route->anonymous_role != POLICY_NONE &&
		    (route->opaque || may_send(policy, &policy->roles[route->anonymous_role])))
			return true;
	}
	return false;
}

static bool production_monitor(const struct config *config, struct config_place *ret_place)
{
	(void)ret_place;
	return config->policy->settings.mode == MODE_MONITOR;
}

static bool production_no_frame_limits(const struct config *config, struct config_place *ret_place)
{
	const struct settings *settings = &config->policy->settings;

	if (settings->max_fragments == 0)
		return true;
	*ret_place = config->origins[config_scalar_find("websocket.control_frames_per_minute")].place;
	return settings->control_rate == 0;
}

static bool production_inline_scripts(const struct config *config, struct config_place *ret_place)
{
	const char *csp = config->policy->settings.csp, *scripts = strstr(csp, "script-src "), *end;
	const char *inlined, *evaluated;

	(void)ret_place;
	if (scripts == NULL)
		scripts = strstr(csp, "default-src ");
	if (scripts == NULL)
		return false;
	end = strchr(scripts, ';');
	inlined = strstr(scripts, "'unsafe-inline'");
	evaluated = strstr(scripts, "'unsafe-eval'");
	return (inlined != NULL && (end == NULL || inlined < end)) ||
	       (evaluated != NULL && (end == NULL || evaluated < end));
}

static bool production_upstream_in_clear(const struct config *config, struct config_place *ret_place)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->route_count; i++) {
		const struct policy_route *route = &policy->routes[i];

		if (!route->has_upstream || route->upstream_tls || is_local_upstream(route->upstream_host))
			continue;
		if (config_topmost(config->routes)->value != NULL)
			*ret_place = route_place_of(config, i);
		return true;
	}
	return false;
}

static const struct {
	bool (*breaks)(const struct config *config, struct config_place *ret_place);
	bool is_error;
	const char *path, *problem;
} rules[] = {
#define ERROR true
#define WARNING false
#define PRODUCTION(name, level, path, problem, why) { production_##name, level, path, problem },
#include "tables/production.def"
#undef PRODUCTION
#undef ERROR
#undef WARNING
};

void config_production(struct config *config)
{
	if (strcmp(config->policy->settings.environment, "production") != 0 || config->trial)
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		unsigned row = config_scalar_find(rules[i].path);
		struct config_place place = { 0 };

		if (row < config_scalar_count())
			place = config->origins[row].place;
		if (!rules[i].breaks(config, &place))
			continue;
		if (place.node == NULL && place.origin == NULL)
			place.origin = config->options->name;
		if (rules[i].is_error)
			config_report_error(config, place, "in production: %s", rules[i].problem);
		else
			config_report_warning(config, place, "in production: %s", rules[i].problem);
	}
}
