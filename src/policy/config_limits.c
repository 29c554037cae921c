/* Limits by the minute: of a route, and what of them could never hold. */
#include "policy/config_build.h"

#include "base/slice.h"

static const char *const names[2] = { "messages_per_minute", "bytes_per_minute" };

/* A burst is as large as the limit: a message of more octets would be refused with a retry_after that is a lie. */
static void check_bytes(struct config *config, struct config_place place, const char *path, int64_t bytes)
{
	int64_t most = config->policy->settings.max_message_size;

	if (bytes != 0 && bytes < most)
		config_report_error(
			config, place,
			"\"%s\": %lld is less than one message may have (\"rate_limiting.max_message_size\": "
			"%lld), so a larger one would never pass: raise it, or lower max_message_size",
			path, (long long)bytes, (long long)most);
}

void config_limits_route(struct config *config, struct config_place key, struct fy_node *value, bool bytes,
			 struct policy_route *route)
{
	struct config_place place = config_yaml_place(value, key);
	int64_t *per_minute = &route->per_minute[bytes];
	struct fw_slice text;

	if (!config_yaml_is_text(config, key, names[bytes], value, &text) ||
	    !config_value_integer(config, place, names[bytes], text, 0, 1000000000, bytes ? "bytes" : "messages",
				  per_minute))
		return;
	route->rates[bytes] = config_rate(*per_minute);
	if (*per_minute != 0)
		route->held |= (uint8_t)(1u << ((bytes ? LIMIT_KIND_route_bytes : LIMIT_KIND_route_messages) -
						LIMIT_HELD_FIRST));
	if (bytes)
		check_bytes(config, place, names[bytes], *per_minute);
}

void config_limits_check(struct config *config)
{
	const struct settings *settings = &config->policy->settings;
	const struct {
		const char *path;
		int64_t bytes;
	} limits[] = {
		{ "rate_limiting.bytes_per_minute", settings->bytes_per_minute },
		{ "rate_limiting.bytes_per_user_per_minute", settings->user_bytes_per_minute },
		{ "rate_limiting.bytes_per_ip_per_minute", settings->address_bytes_per_minute },
		{ "rate_limiting.total_bytes_per_minute", settings->total_bytes_per_minute },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		check_bytes(config, config->origins[config_scalar_find(limits[i].path)].place, limits[i].path,
			    limits[i].bytes);
}
