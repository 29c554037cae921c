/* sanitize_url.h: may a link of an HTML field stay? Judged as a browser would read it. No memory; any thread. */
#ifndef ENGINE_SANITIZE_URL_H
#define ENGINE_SANITIZE_URL_H
#include "policy/policy.h"

/* raw: an attribute value as it stands in the HTML, character references not decoded. True: http, https, mailto or
 * relative. */
bool sanitize_url_allowed(const struct fw_policy *policy, struct fw_slice raw);
#endif
