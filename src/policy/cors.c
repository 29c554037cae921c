#include "policy/cors.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "policy/policy.h"

bool cors_allows(const struct fw_policy *policy, struct fw_slice origin)
{
	const struct texts *origins = &policy->settings.cors_origins;

	/* A browser writes origins in one way: small letters, no default port. */
	for (size_t i = 0; i < origins->count; i++)
		if (slice_is_nocase(origin, origins->items[i]))
			return true;
	return false;
}

static size_t list_size(const struct texts *texts)
{
	size_t size = 0;

	for (size_t i = 0; i < texts->count; i++)
		size += strlen(texts->items[i]) + 2;
	return size;
}

static char *add_list(char *at, const char *name, const struct texts *texts)
{
	if (texts->count == 0)
		return at;
	at = stpcpy(at, name);
	for (size_t i = 0; i < texts->count; i++)
		at = stpcpy(stpcpy(at, i != 0 ? ", " : ""), texts->items[i]);
	return stpcpy(at, "\r\n");
}

int cors_build(struct fw_policy *policy)
{
	static const char methods[] = "Access-Control-Allow-Methods: ", headers[] = "Access-Control-Allow-Headers: ",
			  age[] = "Access-Control-Max-Age: ";
	enum { NUMBER = 24, LINE_ENDS = 8 };
	const struct settings *settings = &policy->settings;
	char *text, *at;

	if (settings->cors_origins.count == 0)
		return FW_OK;
	text = arena_alloc(&policy->arena, list_size(&settings->cors_methods) + list_size(&settings->cors_headers) +
						   sizeof(methods) + sizeof(headers) + sizeof(age) + NUMBER +
						   LINE_ENDS);
	if (text == NULL)
		return FW_ERR_MEMORY;
	at = add_list(text, methods, &settings->cors_methods);
	at = add_list(at, headers, &settings->cors_headers);
	at += snprintf(at, sizeof(age) + NUMBER, "%s%lld\r\n", age, (long long)settings->cors_max_age);
	policy->cors_preflight = slice(text, (size_t)(at - text));
	return FW_OK;
}

struct fw_slice cors_preflight(const struct fw_policy *policy)
{
	return policy->cors_preflight;
}
