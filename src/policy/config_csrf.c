/* config_csrf.c: a browser sends a cookie along with whatever page asks, so something else must tell whose page it is:
 * the Origin, or the CSRF token of the operation. Which origins count is always a list, in which "*" cannot be; but
 * "null" is what any page can make itself, in a frame with a sandbox. */
#include "policy/config_build.h"

#include "base/slice.h"

static bool has_null(const struct texts *origins)
{
	for (size_t i = 0; i < origins->count; i++)
		if (slice_is(slice_text(origins->items[i]), "null"))
			return true;
	return false;
}

/* Where the origins of a route are listed: there, or for all. */
static struct config_place place_of(const struct config *config, const struct policy_route *route)
{
	const struct config_section *routes = config_topmost(config->routes);

	if (route->origins.count != 0 && routes->key != NULL)
		return (struct config_place){ .node = routes->key };
	return config->origins[config_scalar_find("origin.allowed")].place;
}

void config_csrf(struct config *config)
{
	const struct settings *settings = &config->policy->settings;

	for (unsigned i = 0; settings->cookie[0] != '\0' && i < config->policy->route_count; i++) {
		const struct policy_route *route = &config->policy->routes[i];

		if (!has_null(route->origins.count != 0 ? &route->origins : &settings->origins))
			continue;
		if (settings->csrf_operations.count != 0 && !route->opaque)
			continue;
		config_report_error(
			config, place_of(config, route),
			"the origin \"null\" is any page's, a cookie logs in, and %s: whoever is logged in would do "
			"what a page wants; take \"null\" out%s, or let no cookie log in (\"authentication.cookie\" "
			"empty)",
			route->opaque ? "no message of an opaque route has a CSRF token"
				      : "\"csrf.protected_operations\" is empty",
			route->opaque ? "" : ", protect the operations that change something");
		return;
	}
}
