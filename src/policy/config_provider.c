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
	if (provider->min_age > provider->max_age)
		config_report_error(config, place, "\"min_age\" is more than \"max_age\"");
	if (provider->ca_file != NULL)
		provider->ca_file = config_value_beside(config, slice_text(provider->ca_file));
}
