/* cors.h: cross-origin resource sharing (WHATWG Fetch, 3.2): which pages of other origins may read HTTP answers. It
 * says nothing about WebSocket handshakes, which browsers do not ask about: those are judged by origin.allowed. */
#ifndef POLICY_CORS_H
#define POLICY_CORS_H
#include <framewall/types.h>

struct fw_policy;
/* May a page of this origin read answers? Then they carry Access-Control-Allow-Origin with it. */
bool cors_allows(const struct fw_policy *policy, struct fw_slice origin);
/* Further header lines of the answer to a preflight request, made once. Lives as long as the policy. */
struct fw_slice cors_preflight(const struct fw_policy *policy);
/* Makes them. FW_OK or FW_ERR_MEMORY. */
int cors_build(struct fw_policy *policy);
#endif
