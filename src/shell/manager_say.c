/* What a manager tells people, by the log function of its options. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/slice.h"
#include "crypto/jwt.h"
#include "shell/manager_parts.h"

enum { LINE = 8192, URL_HOST = 260 };

void manager_say(const struct fw_manager *manager, enum fw_log_level level, const char *module, const char *format, ...)
{
	va_list arguments;
	char text[LINE];

	if (manager->log == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments); /* NOLINT: va_start is above; clang-tidy 14 forgets it */
	va_end(arguments);
	manager->log(manager->log_user, level, module, text);
}

int manager_say_error(struct fw_error *reterr_error, int code, const char *format, ...)
{
	va_list arguments;

	if (reterr_error == NULL)
		return code;
	reterr_error->code = code;
	va_start(arguments, format);
	vsnprintf(reterr_error->text, sizeof(reterr_error->text), format, arguments); /* NOLINT: see above */
	va_end(arguments);
	return code;
}

/* A host as it stands in a URL; every address: the one that surely reaches this machine. */
static const char *url_host(const char *host, char ret_text[URL_HOST])
{
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		return "localhost";
	if (strchr(host, ':') == NULL)
		return host;
	snprintf(ret_text, URL_HOST, "[%s]", host);
	return ret_text;
}

/* A token for clients other than the demo page, of the same life as those of "framewall token issue". */
static void say_token(struct fw_manager *manager, const char *user, const char *role)
{
	const struct fw_policy *policy = manager->policy;
	uint64_t now_s, end_s;
	uv_timeval64_t wall = { 0 };
	struct arena arena;
	struct fw_slice token;
	char claims[512];
	int size;

	uv_gettimeofday(&wall);
	now_s = (uint64_t)wall.tv_sec;
	end_s = now_s + (uint64_t)policy->settings.jwt_expiry_hours * 3600;
	size = snprintf(claims, sizeof(claims),
			"{\"sub\":\"%s\",\"role\":\"%s\",\"iat\":%" PRIu64 ",\"exp\":%" PRIu64 "}", user, role, now_s,
			end_s);
	arena_init(&arena, LIMIT_ARENA_SLACK);
	if (policy->jwt_key_count != 0 && size > 0 && (size_t)size < sizeof(claims) &&
	    jwt_issue(&arena, &policy->jwt_keys[0], slice(claims, (size_t)size), &token) == FW_OK)
		manager_say(manager, FW_LOG_NOTICE, "manager", "token for %s: %.*s", user, (int)token.size,
			    (const char *)token.data);
	arena_fini(&arena);
}

static const char *admin_scheme(const struct fw_manager *manager)
{
	return tls_serves_admin(manager->tls) ? "https" : "http";
}

static void say_demo(struct fw_manager *manager)
{
	const struct keeper_demo *demo = &manager->demo_users;
	char code[41] = "", host[URL_HOST];

	for (unsigned i = 0; i < demo->user_count; i++)
		if (keeper_demo_code(manager->keeper, i, code) != 0)
			manager_say(manager, FW_LOG_NOTICE, "manager", "log in as %s: %s://%s:%u/demo#%.40s",
				    demo->users[i].user, admin_scheme(manager), url_host(manager->admin_host, host),
				    keeper_port(manager->keeper), code);
	say_token(manager, demo->users[0].user, demo->users[0].role);
}

static void say_line(void *user, const char *text)
{
	manager_say(user, FW_LOG_NOTICE, "tls", "%s", text);
}

/* Nobody shall believe in a protection that is not there. */
static void say_idle(struct fw_manager *manager)
{
	const struct texts *idle = &manager->policy->idle;
	char text[LINE] = "";
	size_t n = 0;

	for (size_t i = 0; i < idle->count && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i != 0 ? ", " : "", idle->items[i]);
	if (idle->count != 0)
		manager_say(manager, FW_LOG_NOTICE, "manager", "without effect in this version: %s", text);
}

static bool uses_hub(const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->route_count; i++)
		if (!policy->routes[i].has_upstream)
			return true;
	return policy->route_count == 0;
}

void manager_say_where(struct fw_manager *manager)
{
	const struct fw_policy *policy = manager->policy;
	char host[URL_HOST];

	if (manager->log == NULL)
		return;
	if (*policy->settings.environment != '\0')
		manager_say(manager, FW_LOG_NOTICE, "manager", "environment %s", policy->settings.environment);
	manager_say(manager, FW_LOG_NOTICE, "manager", "listening on %s://%s:%u",
		    tls_serves(manager->tls) ? "wss" : "ws", url_host(manager->client_host, host),
		    manager->client_port);
	tls_describe(manager->tls, say_line, manager);
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].has_upstream)
			manager_say(manager, FW_LOG_NOTICE, "manager", "protecting %s://%s for %s",
				    policy->routes[i].upstream_tls ? "wss" : "ws", policy->routes[i].upstream_authority,
				    policy->routes[i].path);
	if (!manager->without_hub && uses_hub(policy))
		manager_say(manager, FW_LOG_NOTICE, "manager", "serving the built-in hub");
	say_idle(manager);
	if (policy->settings.mode == MODE_MONITOR)
		manager_say(manager, FW_LOG_NOTICE, "manager",
			    "monitor mode: nothing is refused, the record says what would be");
	if (manager->admin_on)
		manager_say(manager, FW_LOG_NOTICE, "manager", "admin on %s://%s:%u (token in %s/admin.token)",
			    admin_scheme(manager), url_host(manager->admin_host, host), keeper_port(manager->keeper),
			    manager->data_directory);
	if (manager->demo && manager->admin_on)
		say_demo(manager);
}
