#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/event_type.h"
#include "base/log_level.h"
#include "base/slice.h"
#include "policy/config_event.h"
#include "policy/contract.h"
#include "policy/html_element.h"
#include "policy/route.h"

static bool refuse(struct config *config, struct config_place place, const char *path, struct fw_slice text,
		   const char *why)
{
	char shown[64];

	config_report_error(config, place, "\"%s\": \"%s\" %s", path, config_report_quote(config, text, shown), why);
	return false;
}

bool config_check_id(struct fw_slice text, size_t max)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = ascii_lower(text.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
			return false;
	}
	return text.size >= 1 && text.size <= max;
}

/* One line: what stands in an HTTP head must not end it. */
static bool check_line(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20)
			return refuse(config, place, path, text, "must be one line without tabs");
	return true;
}

/* A value of an HTTP header that old proxies pass, too: visible ASCII and blanks (RFC 9110 5.5). */
static bool check_header(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	if (!check_line(config, place, path, text))
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] > 0x7e)
			return refuse(config, place, path, text,
				      "has characters outside ASCII, which a header cannot have");
	return true;
}

static bool check_listen(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct fw_slice host;
	char all[sizeof("*:65535")] = "a";
	bool holds;
	long port;

	/* ":8765" is every address of this machine. */
	if (text.size != 0 && text.data[0] == ':' && text.size < sizeof(all)) {
		memcpy(all + 1, text.data, text.size);
		holds = route_place(slice(all, text.size + 1), &host, &port);
	} else {
		holds = route_place(text, &host, &port);
	}
	if (!holds || port < 0)
		return refuse(config, place, path, text, "is not host:port, as in localhost:8765");
	return true;
}

static bool check_admin_listen(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	return slice_is(text, "off") || check_listen(config, place, path, text);
}

static bool check_upstream(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct policy_route route;

	(void)path;
	return text.size == 0 || config_routes_upstream(config, place, text, &route);
}

bool config_check_origin(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	if (route_origin_holds(text))
		return true;
	if (slice_is(text, "*"))
		return refuse(config, place, path, text,
			      "would let in every web page: list the origins, as in https://chat.example.com");
	return refuse(config, place, path, text,
		      "is not an origin: write scheme://host or scheme://host:port, without a path");
}

/* RFC 9449 4.3: what htu is compared with, without a path, which the request has. */
static bool check_public_url(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	static const char *const schemes[] = { "wss://", "https://", "ws://", "http://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (slice_starts(text, schemes[i]) && route_origin_holds(text))
			return true;
	return text.size == 0 ||
	       refuse(config, place, path, text, "is not scheme://host, as in wss://chat.example.com, without a path");
}

bool config_check_host(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	return route_host_holds(text) ||
	       refuse(config, place, path, text, "is not a host name or address, with or without :port");
}

/* RFC 9110 5.6.2 */
bool config_check_token(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = ascii_lower(text.data[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr(others, c) != NULL)))
			return refuse(config, place, path, text,
				      "is not a name of letters, digits and !#$%&'*+-.^_`|~");
	}
	return true;
}

static bool check_word(struct config *config, struct config_place place, const char *path, struct fw_slice text,
		       const char *const *words, size_t count, const char *what)
{
	struct config_suggest suggest;
	char shown[64], hint[128];

	config_suggest_start(&suggest, text);
	for (size_t i = 0; i < count; i++) {
		if (slice_is(text, words[i]))
			return true;
		config_suggest_offer(&suggest, words[i], strlen(words[i]));
	}
	config_report_error(config, place, "\"%s\": \"%s\" is not %s%s", path, config_report_quote(config, text, shown),
			    what, config_suggest_text(&suggest, hint));
	return false;
}

bool config_check_template(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	static const char *const words[] = { "user_id", "role", "connection_id", "client_ip", "permissions" };

	for (size_t i = 0; i + 1 < text.size; i++) {
		const uint8_t *end;
		struct fw_slice name;

		if (text.data[i] != '$' || text.data[i + 1] != '{')
			continue;
		name = slice_from(text, i + 2);
		end = name.size != 0 ? memchr(name.data, '}', name.size) : NULL;
		if (end == NULL)
			return refuse(config, place, path, text, "has a ${ without }");
		name.size = (size_t)(end - name.data);
		if (!check_word(config, place, path, name, words, sizeof(words) / sizeof(*words),
				"a placeholder; there are user_id, role, connection_id, client_ip and permissions"))
			return false;
	}
	return true;
}

static bool check_method(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	static const char *const words[] = { "jwt", "api_key", "session", "oauth", "password", "certificate" };

	return check_word(config, place, path, text, words, sizeof(words) / sizeof(*words),
			  "a method; there are jwt, api_key, session, oauth, password and certificate");
}

/* Elements whose content is not read as HTML, or that do something by being there: no attribute list makes them safe.
 */
bool config_check_tag(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	const struct html_element *element = html_element_find(text);
	char why[160];

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (!((c >= 'a' && c <= 'z') || (i != 0 && c >= '0' && c <= '9')))
			return refuse(config, place, path, text,
				      "is not a tag name: write it in small letters, without < and >");
	}
	if (element->refused != NULL) {
		snprintf(why, sizeof(why), "is a tag that cannot be made safe: %s", element->refused);
		return refuse(config, place, path, text, why);
	}
	return text.size != 0 || refuse(config, place, path, text, "is not a tag name");
}

static bool check_scheme(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!config_check_id(slice(text.data + i, 1), 1) && text.data[i] != '+')
			return refuse(config, place, path, text, "is not a URL scheme: write it without the colon");
	return text.size != 0 || refuse(config, place, path, text, "is not a URL scheme");
}

static bool check_domain(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct fw_addr addr;

	if (addr_parse(text, &addr) || config_check_id(text, 253))
		return true;
	return refuse(config, place, path, text, "is not a domain or address: write it without scheme, port and path");
}

bool config_check_network(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct addr_net net;

	return addr_net_parse(text, &net) ||
	       refuse(config, place, path, text, "is not a network, as in 10.0.0.0/8 (host bits zero)");
}

/* Who is in such a network may say that it is anybody. */
static bool check_proxies(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct addr_net net;

	if (!config_check_network(config, place, path, text))
		return false;
	addr_net_parse(text, &net);
	return net.bits != 0 || refuse(config, place, path, text,
				       "would let every client choose its address: list the addresses of the proxies");
}

static bool check_log_level(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	uint8_t levels[LOG_MODULES] = { 0 };
	struct config_suggest suggest;
	struct fw_slice wrong;
	char shown[64], hint[128];

	if (log_level_parse(text, levels, &wrong))
		return true;
	config_suggest_start(&suggest, wrong);
	for (unsigned i = 0; i < LOG_LEVELS; i++)
		config_suggest_offer(&suggest, log_level_name(i), strlen(log_level_name(i)));
	config_report_error(config, place,
			    "\"%s\": \"%s\" is neither error, warn, info, debug or trace, nor MODULE=LEVEL%s", path,
			    config_report_quote(config, wrong, shown), config_suggest_text(&suggest, hint));
	return false;
}

static bool check_operation(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct config_suggest suggest;
	char shown[64], hint[128];

	if (contract_protectable(text))
		return true;
	config_suggest_start(&suggest, text);
	for (unsigned i = 0; contract_name(i) != NULL; i++)
		if (contract_protectable(slice_text(contract_name(i))))
			config_suggest_offer(&suggest, contract_name(i), strlen(contract_name(i)));
	config_report_error(config, place, "\"%s\": \"%s\" is not a message type that can need a token%s", path,
			    config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
	return false;
}

static bool check_exempt(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	static const char user[] = "user:";
	struct addr_net net;
	char shown[64];

	if (addr_net_parse(text, &net) ||
	    (text.size > 5 && text.size <= 5 + LIMIT_USER_ID && memcmp(text.data, user, 5) == 0))
		return true;
	config_report_error(config, place, "\"%s\": \"%s\" is neither a network, as 10.0.0.0/8, nor user:NAME", path,
			    config_report_quote(config, text, shown));
	return false;
}

static bool check_event(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	struct config_suggest suggest;
	char shown[64], hint[128];
	uint32_t points;

	if (config_event_points(text, &points) < EVENT_TYPES)
		return true;
	config_suggest_start(&suggest, text);
	for (unsigned i = 0; i < EVENT_TYPES; i++)
		config_suggest_offer(&suggest, fw_event_name((uint16_t)i), strlen(fw_event_name((uint16_t)i)));
	config_report_error(config, place, "\"%s\": there is no event \"%s\"%s", path,
			    config_report_quote(config, text, shown), config_suggest_text(&suggest, hint));
	return false;
}

/* "KIND:NAME ROLE" */
static bool check_operator(struct config *config, struct config_place place, const char *path, struct fw_slice text)
{
	static const char *const roles[] = {
#define ADMIN_ROLE(name, text, help) text,
#include "tables/admin_roles.def"
#undef ADMIN_ROLE
	};
	char entry[POLICY_OPERATOR_NAME + 64] = "", pattern[POLICY_OPERATOR_NAME];
	const char *role = NULL;
	unsigned kind;

	if (text.size < sizeof(entry)) {
		memcpy(entry, text.data, text.size);
		role = policy_operator_read(entry, &kind, pattern);
	}
	for (size_t i = 0; role != NULL && i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(role, roles[i]) == 0)
			return true;
	return refuse(config, place, path, text,
		      "is not KIND:NAME ROLE, as in \"cn:alice auditor\": a kind is cn, subject, san_dns, san_uri or "
		      "san_email, a role read-only, auditor, operator or admin");
}

config_check *config_check_of(const char *path)
{
	static const struct {
		const char *path;
		config_check *check;
	} rows[] = {
		{ "listen", check_listen },
		{ "admin.listen", check_admin_listen },
		{ "admin.tls.roles", check_operator },
		{ "upstream.url", check_upstream },
		{ "upstream.login_message", config_check_template },
		{ "trusted_proxies", check_proxies },
		{ "log.level", check_log_level },
		{ "hosts", config_check_host },
		{ "origin.allowed", config_check_origin },
		{ "authentication.methods", check_method },
		{ "authentication.cookie", config_check_token },
		{ "authentication.dpop.url", check_public_url },
		{ "validation.allowed_html_tags", config_check_tag },
		{ "validation.blocked_url_schemes", check_scheme },
		{ "validation.blocked_domains", check_domain },
		{ "validation.blocked_ip_ranges", config_check_network },
		{ "validation.inspect.exceptions", config_check_exception },
		{ "validation.inspect.points", config_check_field_points },
		{ "csrf.protected_operations", check_operation },
		{ "monitoring.alerts.group_by", config_check_alert_label },
		{ "monitoring.alerts.immediate_alert_events", config_check_immediate },
		{ "monitoring.auto_block.blocking_events", check_event },
		{ "monitoring.auto_block.exempt", check_exempt },
		{ "security_policies.csp", check_header },
		{ "security_policies.cors.allowed_origins", config_check_origin },
		{ "security_policies.cors.allowed_methods", config_check_token },
		{ "security_policies.cors.allowed_headers", config_check_token },
		{ "security_policies.headers.x_frame_options", check_header },
		{ "security_policies.headers.x_content_type_options", check_header },
		{ "security_policies.headers.x_xss_protection", check_header },
		{ "security_policies.headers.strict_transport_security", check_header },
		{ "security_policies.headers.referrer_policy", check_header },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].path, path) == 0)
			return rows[i].check;
	return check_line;
}
