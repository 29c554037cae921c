/* store_settings.h: what a policy says of the store: a server's, and that of a rehearsal. */
#ifndef SHELL_STORE_SETTINGS_H
#define SHELL_STORE_SETTINGS_H
#include "policy/policy.h"
#include "state/store.h"

struct store_options store_settings(const struct fw_policy *policy);
#endif
