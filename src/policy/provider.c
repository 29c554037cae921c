#include "policy/provider.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"

static bool characters_hold(struct fw_slice url)
{
	for (size_t i = 0; i < url.size; i++)
		if (url.data[i] <= 0x20 || url.data[i] > 0x7e || memchr("\"<>\\^`{|}", url.data[i], 9) != NULL)
			return false;
	return true;
}

const char *provider_url_fault(struct fw_slice url, bool allow_http)
{
	bool plain = slice_starts(url, "http://");
	size_t scheme = plain ? strlen("http://") : strlen("https://"), size = 0;
	struct fw_slice rest;

	if (plain && !allow_http)
		return "an https:// URL, or allow_http is needed";
	if (!plain && !slice_starts(url, "https://"))
		return "an https:// URL";
	if (url.size >= PROVIDER_URL_MOST || !characters_hold(url))
		return "a URL of at most 1023 visible ASCII characters";
	rest = slice_from(url, scheme);
	while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?' && rest.data[size] != '#')
		size++;
	if (size == 0 || rest.data[0] == ':')
		return "a URL with a host";
	if (memchr(rest.data, '@', size) != NULL)
		return "a URL without user or password";
	return memchr(rest.data, '#', rest.size) != NULL ? "a URL without fragment" : NULL;
}

bool provider_discovery_url(const char *issuer, char ret_url[PROVIDER_URL_MOST])
{
	size_t size = strlen(issuer);
	int made;

	if (size != 0 && issuer[size - 1] == '/')
		size--;
	made = size < PROVIDER_URL_MOST ? snprintf(ret_url, PROVIDER_URL_MOST, "%.*s/.well-known/openid-configuration",
						   (int)size, issuer)
					: -1;
	return made > 0 && made < PROVIDER_URL_MOST;
}

const char *provider_read_discovery(struct arena *arena, struct fw_slice text, const char *issuer, bool allow_http,
				    struct fw_slice *ret_jwks_url)
{
	enum json_result result;
	uint32_t named, url;
	struct json json;

	*ret_jwks_url = slice(NULL, 0);
	result = json_parse(arena, text, 0, &json, NULL);
	if (result == JSON_MEMORY)
		return "memory is short";
	if (result != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return "the discovery document is no JSON object";
	named = json_member(&json, 0, "issuer", 6);
	url = json_member(&json, 0, "jwks_uri", 8);
	/* 4.3: it MUST be the one that was asked for, or anybody who has one document on that server speaks for all. */
	if (named == 0 || json.nodes[named].kind != JSON_STRING || !slice_is(json_text(&json, named, arena), issuer))
		return "the discovery document is one of another issuer";
	if (url == 0 || json.nodes[url].kind != JSON_STRING)
		return "the discovery document has no jwks_uri";
	*ret_jwks_url = json_text(&json, url, arena);
	if (provider_url_fault(*ret_jwks_url, allow_http) == NULL)
		return NULL;
	*ret_jwks_url = slice(NULL, 0);
	return "jwks_uri of the discovery document is no URL that is asked";
}

int provider_read_set(struct arena *arena, struct arena *scratch, enum jose_algorithm rsa, struct fw_slice text,
		      struct jwk_set *set, char ret_why[PROVIDER_WHY])
{
	struct jwk_rules rules = { .rsa = rsa };
	struct json_error error;
	struct json json;
	enum json_result result = json_parse(scratch, text, 0, &json, &error);
	const char *fault;

	set->room = JWK_SET_MOST;
	set->count = set->skipped = 0;
	ret_why[0] = '\0';
	if (result == JSON_MEMORY)
		return FW_ERR_MEMORY;
	if (result != JSON_OK) {
		snprintf(ret_why, PROVIDER_WHY, "is no JSON: %s, at octet %zu", error.what, error.offset);
		return FW_ERR_INVALID;
	}
	fault = jwk_read_set(arena, &rules, &json, 0, set);
	if (fault != NULL && jwk_memory(fault))
		return FW_ERR_MEMORY;
	if (fault != NULL)
		snprintf(ret_why, PROVIDER_WHY, "cannot be used: %s", fault);
	else if (set->count == 0)
		snprintf(ret_why, PROVIDER_WHY, "has no key that can be used%s%s",
			 set->first_fault != NULL ? "; the first: " : "",
			 set->first_fault != NULL ? set->first_fault : "");
	return ret_why[0] == '\0' ? FW_OK : FW_ERR_INVALID;
}
