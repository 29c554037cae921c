/* How an issuer is asked, in its entry of authentication.issuers: the rows of providers.def. */
#include "policy/config_build.h"

#include <string.h>

#include "base/slice.h"

const char *const config_provider_names[CONFIG_PROVIDER_ROWS] = {
#define PROVIDER_BOOLEAN(name, value, help) #name,
#define PROVIDER_TEXT(name, help) #name,
#define PROVIDER_INTEGER(name, value, min, max, unit, help) #name,
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
};

void config_provider_defaults(struct provider *provider)
{
	*provider = (struct provider){
#define PROVIDER_BOOLEAN(member, value, help) .member = (value),
#define PROVIDER_TEXT(member, help) .member = NULL,
#define PROVIDER_INTEGER(member, value, min, max, unit, help) .member = (value),
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
	};
}

void config_provider_set(struct config *config, struct provider *provider, unsigned row, struct config_place place,
			 struct fw_slice text)
{
	switch (row) {
#define PROVIDER_BOOLEAN(name, value, help)                                                                            \
	case CONFIG_PROVIDER_##name:                                                                                   \
		config_value_boolean(config, place, #name, text, &provider->name);                                     \
		break;
#define PROVIDER_TEXT(name, help)                                                                                      \
	case CONFIG_PROVIDER_##name:                                                                                   \
		provider->name = config_value_text(config, text);                                                      \
		break;
#define PROVIDER_INTEGER(name, value, min, max, unit, help)                                                            \
	case CONFIG_PROVIDER_##name:                                                                                   \
		config_value_integer(config, place, #name, text, min, max, unit, &provider->name);                     \
		break;
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
	default:
		break;
	}
}

static void check_url(struct config *config, struct config_place place, const char *name, const char *url,
		      bool allow_http)
{
	const char *fault = provider_url_fault(slice_text(url), allow_http);

	if (fault != NULL)
		config_report_error(config, place, "\"%s\" of an issuer that is asked is %s", name, fault);
}

void config_provider_check(struct config *config, struct config_place place, const char *issuer,
			   struct provider *provider)
{
	if (provider->discovery && issuer != NULL) {
		check_url(config, place, "issuer", issuer, provider->allow_http);
		if (strchr(issuer, '?') != NULL)
			config_report_error(config, place, "\"issuer\" with \"discovery\" is a URL without a query");
	}
	if (provider->jwks_url != NULL)
		check_url(config, place, "jwks_url", provider->jwks_url, provider->allow_http);
	if (provider->logout_audience != NULL && !provider->backchannel_logout)
		config_report_error(config, place, "\"logout_audience\" needs \"backchannel_logout\"");
	if (provider->min_age > provider->max_age)
		config_report_error(config, place, "\"min_age\" is more than \"max_age\"");
	if (provider->ca_file != NULL)
		provider->ca_file = config_value_beside(config, slice_text(provider->ca_file));
}

/* {url: "https://…", client_id: …, client_secret: …, cache: 30} */
enum { URL, CLIENT_ID, CLIENT_SECRET, CACHE, INTROSPECTION_MEMBERS };
static const char *const introspection_names[INTROSPECTION_MEMBERS] = { "url", "client_id", "client_secret", "cache" };
enum { CACHE_DEFAULT = 30, CACHE_MOST = 3600 };

static void set_introspection(struct config *config, void *user, unsigned index, struct config_place place,
			      struct fy_node *value)
{
	struct policy_introspection *introspection = user;
	const char **texts[] = { [URL] = &introspection->url,
				 [CLIENT_ID] = &introspection->client_id,
				 [CLIENT_SECRET] = &introspection->client_secret };
	struct fw_slice text;

	if (!config_yaml_is_text(config, place, introspection_names[index], value, &text))
		return;
	if (index == CACHE)
		config_value_integer(config, place, "cache", text, 1, CACHE_MOST, "s", &introspection->cache);
	else
		*texts[index] = config_value_text(config, text);
}

void config_provider_introspection(struct config *config, struct policy_issuer *issuer, struct config_place place,
				   struct fy_node *map)
{
	struct policy_introspection *introspection = &issuer->introspection;

	if (!config_yaml_is_map(config, place, "\"introspection\"", map))
		return;
	introspection->cache = CACHE_DEFAULT;
	config_walk_map(config, map, "introspection", introspection_names, INTROSPECTION_MEMBERS, set_introspection,
			introspection);
	if (introspection->url == NULL || introspection->client_id == NULL || introspection->client_secret == NULL)
		config_report_error(config, place,
				    "\"introspection\" needs \"url\", \"client_id\" and \"client_secret\"");
}

void config_provider_check_introspection(struct config *config, struct config_place place, struct policy_issuer *issuer)
{
	struct fw_policy *policy = config->policy;

	check_url(config, place, "introspection.url", issuer->introspection.url, issuer->provider.allow_http);
	/* A token that says nothing of its issuer would have to be shown to one who did not make it. */
	if (policy->introspector != POLICY_NONE)
		config_report_error(config, place, "only one issuer can have \"introspection\"");
	policy->introspector = (size_t)(issuer - policy->issuers);
}
