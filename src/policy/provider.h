/* provider.h: how a provider of identities is asked, and what of its answers is taken: URLs, the discovery document,
 * its set of keys. No network, no clock; any thread. */
#ifndef POLICY_PROVIDER_H
#define POLICY_PROVIDER_H
#include <framewall/types.h>

#include "crypto/jwk.h"

/* One member a row of providers.def. */
struct provider {
#define PROVIDER_BOOLEAN(name, value, help) bool name;
#define PROVIDER_TEXT(name, help) const char *name;
#define PROVIDER_INTEGER(name, value, min, max, unit, help) int64_t name;
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
};
/* Are its keys fetched? */
static inline bool provider_is_asked(const struct provider *provider)
{
	return provider->discovery || provider->jwks_url != NULL;
}

enum { PROVIDER_URL_MOST = 1024, PROVIDER_WHY = 256 };

/* NULL, or why a URL is not asked: what it must be, behind "is". No user, no fragment, no character that some read
 * otherwise. */
const char *provider_url_fault(struct fw_slice url, bool allow_http);
/* Where the discovery document of an issuer is (OpenID Connect Discovery 4). False: there is no room. */
bool provider_discovery_url(const char *issuer, char ret_url[PROVIDER_URL_MOST]);
/* From the discovery document to jwks_uri, which is in the arena. NULL, or what is wrong with the document. */
const char *provider_read_discovery(struct arena *arena, struct fw_slice text, const char *issuer, bool allow_http,
				    struct fw_slice *ret_jwks_url);
/* From a set of keys as text to keys; set->keys has room for JWK_SET_MOST. rsa: of an RSA key that names no algorithm.
 * kids are in the arena. FW_OK, FW_ERR_MEMORY, or FW_ERR_INVALID with what is wrong, behind "the set ". */
int provider_read_set(struct arena *arena, struct arena *scratch, enum jose_algorithm rsa, struct fw_slice text,
		      struct jwk_set *set, char ret_why[PROVIDER_WHY]);
#endif
