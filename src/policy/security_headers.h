/* security_headers.h: the header lines of security_policies, for every HTTP answer of every port (fine point 12). */
#ifndef POLICY_SECURITY_HEADERS_H
#define POLICY_SECURITY_HEADERS_H
#include <framewall/types.h>

struct fw_policy;
/* "Name: value\r\n…", made once when the policy was built. Lives as long as the policy. */
struct fw_slice security_headers(const struct fw_policy *policy);
/* Makes it. FW_OK or FW_ERR_MEMORY. */
int security_headers_build(struct fw_policy *policy);
#endif
