/* fingerprint.h: which keys of a configuration differ between two policies, and one digest of all of them, by which
 * people tell configurations apart. Values enter keyed (HMAC-SHA-256), so that neither tells of a secret that can be
 * guessed. No state; any thread. */
#ifndef POLICY_FINGERPRINT_H
#define POLICY_FINGERPRINT_H
#include "policy/policy.h"

enum {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) FINGERPRINT_##member,
#define CONFIG_BOOLEAN(path, member, value, help) FINGERPRINT_##member,
#define CONFIG_TEXT(path, member, value, help) FINGERPRINT_##member,
#define CONFIG_CHOICE(path, member, value, words, help) FINGERPRINT_##member,
#define CONFIG_TEXTS(path, member, value, help) FINGERPRINT_##member,
#include "tables/config.def"
#undef CONFIG_INTEGER
#undef CONFIG_BOOLEAN
#undef CONFIG_TEXT
#undef CONFIG_CHOICE
#undef CONFIG_TEXTS
	/* What has a shape of its own. */
	FINGERPRINT_rbac,
	FINGERPRINT_routes,
	FINGERPRINT_jwt_keys,
	FINGERPRINT_issuers,
	FINGERPRINT_api_keys,
	FINGERPRINT_certificate_rules,
	FINGERPRINT_rules,
	FINGERPRINT_certificates,
	FINGERPRINT_message_limits,
	FINGERPRINT_conditions,
	FINGERPRINT_guards,
	FINGERPRINT_html_attributes,
	FINGERPRINT_event_levels,
	FINGERPRINT_receivers,
	FINGERPRINT_threats,
	FINGERPRINT_scenarios,
	FINGERPRINT_alert_rules,
	FINGERPRINT_alert_inhibitions,
	FINGERPRINT_responses,
	FINGERPRINT_ROWS
};

struct fingerprint {
	uint8_t rows[FINGERPRINT_ROWS][32];
	uint8_t whole[32];
};

/* False: memory is short. */
bool fingerprint_make(const struct fw_policy *policy, struct fw_slice key, struct fingerprint *ret_fingerprint);
/* "rate_limiting.messages_per_minute", "routes" */
const char *fingerprint_path(unsigned row);
/* Why another value counts only after a restart (a row of tables/restart.def); NULL: it counts at once. */
const char *fingerprint_restart(unsigned row);
static inline bool fingerprint_differs(const struct fingerprint *a, const struct fingerprint *b, unsigned row)
{
	return __builtin_memcmp(a->rows[row], b->rows[row], sizeof(a->rows[row])) != 0;
}
#endif
