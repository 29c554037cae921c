#include "shell/store_settings.h"

#include "shell/penalty.h"

#define SECOND_NS ((uint64_t)1000000000)

struct store_options store_settings(const struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;

	struct store_options options = {
		.max_connections_per_ip = (uint32_t)settings->max_connections_per_ip,
		.max_connections = (uint32_t)settings->max_connections,
		.auth_rate = policy->auth_rate,
		.handshake_rate = policy->handshake_rate,
		.account_rate = policy->account_rate,
		.session_rate = policy->session_rate,
		.ipv4_prefix = (unsigned)settings->ipv4_prefix,
		.ipv6_prefix = (unsigned)settings->ipv6_prefix,
		.max_sessions_per_user = (uint32_t)settings->max_sessions_per_user,
		.sessions_refused = settings->sessions_over_limit == OVER_LIMIT_REFUSE,
		.session_idle_ns = (uint64_t)settings->session_timeout * 60 * SECOND_NS,
		.session_absolute_us = (uint64_t)settings->session_absolute_hours * 3600 * 1000000,
	};

	penalty_options(policy, &options);
	return options;
}
