/* check --print: roles, routes and keys, which have a shape of their own. */
#include "codec/dialect.h"
#include "policy/config_show_entry.h"

#include <stdio.h>
#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"

/* Where the file speaks of a role; the last place counts. */
static enum config_from role_origin(const struct config *config, struct fw_slice name, struct config_place *ret_place)
{
	enum { PLACES = 3 };
	const struct config_section *const sections[PLACES] = { config->roles, config->permissions, config->hierarchy };
	enum config_from found = CONFIG_FROM_DEFAULT;

	*ret_place = (struct config_place){ 0 };
	for (unsigned i = 0; i < PLACES; i++) {
		struct config_place place;
		enum config_from from = config_show_origin(sections[i], name, &place);

		if (from > found) {
			found = from;
			*ret_place = place;
		}
	}
	return found;
}

static void show_role(struct config *config, unsigned number)
{
	const struct fw_policy *policy = config->policy;
	const struct policy_role *role = &policy->roles[number];
	struct config_place place;
	enum config_from from = role_origin(config, slice(role->name, role->name_size), &place);
	struct config_shown shown = { .type = CONFIG_TYPE_TEXTS, .texts = role->patterns };
	const char *parents[LIMIT_ROLES];
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "rbac.roles.%s.permissions", role->name);
	shown.path = path;
	config_show_value(config, from, place, &shown);
	shown.texts = (struct texts){ parents, 0 };
	for (unsigned i = 0; i < policy->role_count; i++)
		if (((role->is >> i) & 1) != 0 && i != number)
			parents[shown.texts.count++] = policy->roles[i].name;
	snprintf(path, sizeof(path), "rbac.roles.%s.inherits", role->name);
	config_show_value(config, from, place, &shown);
}

/* What a route does not say is the common value, and comes from where that does. */
static struct entry common(const struct entry *entry, const char *path)
{
	const struct config_origin *origin = &entry->config->origins[config_scalar_find(path)];
	struct entry other = *entry;

	other.from = origin->from;
	other.place = origin->place;
	return other;
}

static void give_required(struct entry *entry, const struct policy_route *route)
{
	static const char *const words[] = { "certificate", "jwt", "dpop" }; /* by bit of enum route_require */
	const char *required[sizeof(words) / sizeof(*words)];
	struct texts texts = { required, 0 };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if ((route->require >> i & 1) != 0)
			required[texts.count++] = words[i];
	if (texts.count != 0)
		give_texts(entry, "require", &texts);
}

static void give_types(struct entry *entry, const struct fw_policy *policy, const struct policy_route *route)
{
	char text[2 * PATH_ROOM];

	if (route->lists_types && route->type_count == 0)
		give_text(entry, "types", "none");
	for (unsigned i = 0; i < route->type_count; i++) {
		uint16_t permission = policy->messages[route->types[i].message].permission;

		snprintf(text, sizeof(text), "%s: %s", route->types[i].name,
			 permission != POLICY_NONE ? policy->permissions[permission] : "any");
		give_text(entry, "types", text);
	}
}

static void give_secrets(struct entry *entry, const char *direction, const struct policy_secrets *secrets)
{
	char name[64];

	for (unsigned i = 0; i < SECRET_KINDS; i++) {
		if ((secrets->kinds >> i & 1) == 0)
			continue;
		snprintf(name, sizeof(name), "%s.secrets.%s", direction, config_secrets_kind(i));
		give_text(entry, name, config_secrets_action(secrets->action[i]));
	}
}

static void show_route(struct config *config, unsigned number)
{
	const struct settings *settings = &config->policy->settings;
	const struct policy_route *route = &config->policy->routes[number];
	struct entry entry = entry_of(config, "routes", config->routes, number);
	struct entry upstream = entry.from == CONFIG_FROM_DEFAULT ? common(&entry, "upstream.url") : entry;
	struct entry origins = route->origins.count != 0 ? entry : common(&entry, "origin.allowed");
	struct entry hosts = route->hosts.count != 0 ? entry : common(&entry, "hosts");
	char text[PATH_ROOM * 2];

	snprintf(text, sizeof(text), "%s%s", route->path, route->prefix ? "*" : "");
	give_text(&entry, "path", text);
	snprintf(text, sizeof(text), "%s%s", route->has_upstream ? (route->upstream_tls ? "wss://" : "ws://") : "hub",
		 route->has_upstream ? route->upstream_authority : "");
	give_text(&upstream, "upstream", text);
	if (route->upstream_path != NULL)
		give_text(&upstream, "upstream_path", route->upstream_path);
	give_boolean(&entry, "opaque", route->opaque);
	give_boolean(&entry, "binary", route->binary);
	give_text(&entry, "forward", route->canonical ? "canonical" : "client");
	if (route->anonymous_role != POLICY_NONE)
		give_text(&entry, "anonymous", config->policy->roles[route->anonymous_role].name);
	give_texts(&origins, "origins", route->origins.count != 0 ? &route->origins : &settings->origins);
	give_texts(&hosts, "hosts", route->hosts.count != 0 ? &route->hosts : &settings->hosts);
	give_texts(&entry, "subprotocols", &route->subprotocols);
	if (route->login_message != NULL)
		give_secret(&entry, "login_message");
	give_required(&entry, route);
	give_text(&entry, "dialect", route->dialect_by_subprotocol ? "subprotocol" : dialects[route->dialect].name);
	give_text(&entry, "discriminator",
		  route->untyped		 ? "none"
		  : route->discriminator != NULL ? route->discriminator
						 : "/type");
	give_types(&entry, config->policy, route);
	give_secrets(&entry, "outbound", &route->secrets_out);
	if (route->type_out != NULL)
		give_text(&entry, "outbound.type", route->type_out);
	give_text(&entry, "outbound.unknown_types", config_outbound_action(route->unknown_out));
	give_text(&entry, "outbound.invalid", config_outbound_action(route->invalid_out));
	give_secrets(&entry, "inbound", &route->secrets_in);
	if (route->inspect.has_mode)
		give_text(&entry, "inspect.mode", config_inspect_mode(route->inspect.mode));
	if (route->inspect.points.count != 0)
		give_texts(&entry, "inspect.points", &route->inspect.points);
	if (route->per_minute[0] != 0)
		give_integer(&entry, "messages_per_minute", route->per_minute[0]);
	if (route->per_minute[1] != 0)
		give_integer(&entry, "bytes_per_minute", route->per_minute[1]);
}

static void show_keys(struct config *config)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->jwt_key_count; i++) {
		struct entry entry = entry_of(config, "authentication.jwt.keys", config->jwt_keys, i);

		if (policy->jwt_keys[i].kid != NULL)
			give_text(&entry, "kid", policy->jwt_keys[i].kid);
		give_text(&entry, "algorithm", jose_name(policy->jwt_keys[i].algorithm));
		if (policy->jwt_keys[i].secret != NULL)
			give_secret(&entry, "secret");
	}
	for (unsigned i = 0; i < policy->api_key_count; i++) {
		struct entry entry = entry_of(config, "authentication.api_keys", config->api_keys, i);

		give_text(&entry, "id", policy->api_keys[i].id);
		give_text(&entry, "name", policy->api_keys[i].name);
		if (policy->api_keys[i].role != POLICY_NONE)
			give_text(&entry, "role", policy->roles[policy->api_keys[i].role].name);
		give_secret(&entry, "hash");
	}
}

/* Our roles, with what each is called there. */
static void give_roles(struct entry *entry, const struct fw_policy *policy, const struct policy_issuer *issuer)
{
	const char *names[LIMIT_ISSUER_ROLES];

	for (uint16_t role = 0; role < policy->role_count; role++) {
		struct texts texts = { names, 0 };
		char member[96];

		for (size_t i = 0; i < issuer->role_count; i++)
			if (issuer->roles[i].role == role)
				names[texts.count++] = issuer->roles[i].name;
		snprintf(member, sizeof(member), "roles.%s", policy->roles[role].name);
		if (texts.count != 0)
			give_texts(entry, member, &texts);
	}
}

static void give_introspection(struct entry *entry, const struct policy_introspection *introspection)
{
	if (introspection->url == NULL)
		return;
	give_text(entry, "introspection.url", introspection->url);
	give_text(entry, "introspection.client_id", introspection->client_id);
	give_secret(entry, "introspection.client_secret");
	give_integer(entry, "introspection.cache", introspection->cache);
}

static void give_provider(struct entry *entry, const struct provider *provider, bool introspected)
{
	if (!provider_is_asked(provider) && !introspected)
		return;
#define PROVIDER_BOOLEAN(name, value, help) give_boolean(entry, #name, provider->name);
#define PROVIDER_TEXT(name, help)                                                                                      \
	if (provider->name != NULL)                                                                                    \
		give_text(entry, #name, provider->name);
#define PROVIDER_INTEGER(name, value, min, max, unit, help) give_integer(entry, #name, provider->name);
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
}

static void show_issuers(struct config *config)
{
	static const char *const required[] = { "none", "certificate", "dpop", "either" };
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->issuer_count; i++) {
		const struct policy_issuer *issuer = &policy->issuers[i];
		struct entry entry = entry_of(config, "authentication.issuers", config->issuers, i);

		give_text(&entry, "issuer", issuer->rules.issuer);
		give_text(&entry, "audience", issuer->rules.audience);
		if (issuer->rules.type != NULL)
			give_text(&entry, "type", issuer->rules.type);
		give_text(&entry, "user", issuer->user_claim);
		give_text(&entry, "user_prefix", issuer->user_prefix);
		if (issuer->roles_claim != NULL)
			give_text(&entry, "roles_from", issuer->roles_claim);
		give_roles(&entry, policy, issuer);
		give_text(&entry, "default_role",
			  issuer->default_role != POLICY_NONE ? policy->roles[issuer->default_role].name : "none");
		give_text(&entry, "require_bound", required[issuer->require_bound]);
		for (size_t k = 0; k < issuer->rules.key_count; k++) {
			char name[32];

			snprintf(name, sizeof(name), "key[%zu]", k);
			give_text(&entry, name, jose_name(issuer->keys[k].algorithm));
		}
		give_introspection(&entry, &issuer->introspection);
		give_provider(&entry, &issuer->provider, issuer->introspection.url != NULL);
	}
}

static void show_own_rules(struct config *config)
{
	const struct policy_inspect *inspect = &config->policy->inspect;

	for (unsigned i = 0; i < inspect->rule_count; i++) {
		const struct policy_rule *rule = &inspect->rules[i];
		struct entry entry = entry_of(config, "validation.rules", config->rules, i);
		char flags[4], score[24];

		snprintf(flags, sizeof(flags), "%s%s%s", (rule->flags & PATTERN_NO_CASE) != 0 ? "i" : "",
			 (rule->flags & PATTERN_DOT_ALL) != 0 ? "s" : "",
			 (rule->flags & PATTERN_LINES) != 0 ? "m" : "");
		snprintf(score, sizeof(score), "%d", (int)rule->score);
		give_text(&entry, "id", rule->id);
		give_text(&entry, "pattern", rule->pattern);
		give_text(&entry, "class", detect_class_words[rule->class]);
		if (rule->types.count != 0)
			give_texts(&entry, "type", &rule->types);
		if (rule->fields.count != 0)
			give_texts(&entry, "field", &rule->fields);
		give_text(&entry, "score", score);
		give_text(&entry, "action", config_rule_action(rule->action));
		give_text(&entry, "flags", flags);
		if (rule->reason != NULL)
			give_text(&entry, "reason", rule->reason);
	}
}

static void show_rules(struct config *config)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->certificate_rule_count; i++) {
		const struct policy_certificate_rule *rule = &policy->certificate_rules[i];
		struct entry entry = entry_of(config, "authentication.certificates", config->certificate_rules, i);

		for (unsigned kind = 0; kind < FW_NAMES; kind++) {
			char member[32];

			snprintf(member, sizeof(member), "match.%s", policy_certificate_kind(kind));
			if (rule->patterns[kind] != NULL)
				give_text(&entry, member, rule->patterns[kind]);
		}
		give_text(&entry, "user", rule->user);
		give_text(&entry, "role", policy->roles[rule->role].name);
	}
}

static void show_certificates(struct config *config)
{
	const struct fw_policy *policy = config->policy;
	unsigned first = *policy->settings.tls_certificate != '\0' ? 1 : 0; /* has rows of its own */

	for (unsigned i = first; i < policy->certificate_count; i++) {
		struct entry entry = entry_of(config, "tls.certificates", config->certificates, i - first);

		give_text(&entry, "certificate", policy->certificates[i].certificate);
		give_text(&entry, "key", policy->certificates[i].key);
	}
}

/* The attributes of one tag stand together. */
static void show_html_attributes(struct config *config)
{
	const struct fw_policy *policy = config->policy;
	const char *names[LIMIT_HTML_ATTRIBUTES];

	for (unsigned i = 0; i < policy->html_attribute_count;) {
		const char *tag = policy->html_attributes[i].tag;
		struct config_shown shown = { .type = CONFIG_TYPE_TEXTS, .texts = { names, 0 } };
		struct config_place place;
		enum config_from from = config_show_origin(config->html_attributes, slice_text(tag), &place);
		char path[PATH_ROOM];

		while (i < policy->html_attribute_count && strcmp(policy->html_attributes[i].tag, tag) == 0)
			names[shown.texts.count++] = policy->html_attributes[i++].name;
		snprintf(path, sizeof(path), "validation.allowed_html_attributes.%s", tag);
		shown.path = path;
		config_show_value(config, from, place, &shown);
	}
}

/* Those that the file gives: the others are in the table of events. */
static void show_levels(struct config *config)
{
	for (unsigned layer = 0; layer < CONFIG_LAYERS; layer++) {
		struct fy_node *map = config->log_levels[layer].value;
		struct fy_node_pair *pair;
		void *at = NULL;

		while (map != NULL && (pair = fy_node_mapping_iterate(map, &at)) != NULL) {
			struct fw_slice name = config_yaml_text(fy_node_pair_key(pair), NULL);
			struct config_shown shown = { .type = CONFIG_TYPE_TEXT };
			struct config_place place;
			enum config_from from = config_show_origin(config->log_levels, name, &place);
			char path[PATH_ROOM];

			if (place.node != fy_node_pair_key(pair))
				continue; /* the overlay has another */
			snprintf(path, sizeof(path), "audit_logging.log_levels.%.*s", (int)name.size,
				 (const char *)name.data);
			shown.path = path;
			shown.text = fw_level_name(config->policy->event_levels[config_levels_event(name)]);
			config_show_value(config, from, place, &shown);
		}
	}
}

static void show_guard(struct config *config, const struct policy_guard *guard, const struct policy_field_rule *rule)
{
	struct config_shown shown = { .type = CONFIG_TYPE_TEXTS };
	struct config_place place;
	enum config_from from = config_show_origin(config->messages, slice(guard->name, guard->name_size), &place);
	char path[PATH_ROOM];

	shown.path = path;
	if (rule->sets) {
		snprintf(path, sizeof(path), "messages.%s.fields.%s.set", guard->name, rule->name);
		shown.texts = rule->set_by;
		config_show_value(config, from, place, &shown);
	}
	if (rule->sees) {
		snprintf(path, sizeof(path), "messages.%s.fields.%s.see", guard->name, rule->name);
		shown.texts = rule->seen_by;
		config_show_value(config, from, place, &shown);
	}
	if (rule->mask != NULL) {
		snprintf(path, sizeof(path), "messages.%s.fields.%s.mask", guard->name, rule->name);
		shown.type = CONFIG_TYPE_TEXT;
		shown.text = rule->mask;
		config_show_value(config, from, place, &shown);
	}
}

static void show_guards(struct config *config)
{
	for (unsigned i = 0; i < config->policy->guard_count; i++)
		for (unsigned k = 0; k < config->policy->guards[i].count; k++)
			show_guard(config, &config->policy->guards[i], &config->policy->guards[i].rules[k]);
}

static const char *const kind_words[] = {
	[KIND_STRING] = "text",	   [KIND_BOOLEAN] = "boolean", [KIND_INTEGER] = "integer", [KIND_NUMBER] = "number",
	[KIND_ANY] = "any scalar", [KIND_ARRAY] = "array",     [KIND_OBJECT] = "object",   [KIND_OPEN] = "any",
};

/* One member of messages.NAME, or of messages.NAME.receive. */
struct definition {
	struct config *config;
	const struct policy_message *message;
	const char *within; /* "", or "receive." */
	enum config_from from;
	struct config_place place;
};

static void give_said(const struct definition *definition, const char *member, struct config_shown shown)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "messages.%s.%s%s", definition->message->name, definition->within, member);
	shown.path = path;
	config_show_value(definition->config, definition->from, definition->place, &shown);
}

static void give_word(const struct definition *definition, const char *member, const char *word)
{
	give_said(definition, member, (struct config_shown){ .type = CONFIG_TYPE_TEXT, .text = word });
}

/* Of each field what it is; what it may be stands in the file. */
static void give_definition(const struct definition *definition)
{
	const struct policy_message *message = definition->message;
	const struct fw_policy *policy = definition->config->policy;
	char member[PATH_ROOM];

	give_word(definition, "permission",
		  message->permission != POLICY_NONE ? policy->permissions[message->permission] : "any");
	if (message->role != POLICY_NONE)
		give_word(definition, "role", policy->roles[message->role].name);
	for (unsigned i = 0; i < message->field_count; i++) {
		snprintf(member, sizeof(member), "fields.%s.type", message->fields[i].name);
		give_word(definition, member, kind_words[message->fields[i].kind]);
	}
	if (message->schema != NULL)
		give_word(definition, message->schema->path != NULL ? "schema_file" : "schema",
			  message->schema->path != NULL ? message->schema->path
							: (const char *)message->schema->text.data);
	give_said(definition, "max_bytes",
		  (struct config_shown){ .type = CONFIG_TYPE_INTEGER, .number = message->max_bytes });
}

static void show_definition(struct config *config, const struct policy_message *message)
{
	static const char *const directions[] = { "client", "server", "both" };
	struct definition definition = { .config = config, .message = message, .within = "" };

	definition.from =
		config_show_origin(config->messages, slice(message->name, message->name_size), &definition.place);
	give_word(&definition, "direction", directions[message->direction]);
	give_definition(&definition);
	if (message->direction != DIRECTION_SERVER)
		give_said(&definition, "csrf",
			  (struct config_shown){ .type = CONFIG_TYPE_BOOLEAN, .number = message->csrf });
	if (message->direction != DIRECTION_BOTH)
		return;
	definition.within = "receive.";
	definition.message =
		config->policy->outbound[policy_served_find(config->policy, slice_text(message->name))].message;
	give_definition(&definition);
}

/* Of a type that a route lists there is a copy without a name of its own in the index. */
static void show_definitions(struct config *config)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->message_count; i++)
		if (policy->messages[i].own && policy_message_find(policy, slice_text(policy->messages[i].name)) == i)
			show_definition(config, &policy->messages[i]);
	for (unsigned i = policy->served_first; i < policy->outbound_count; i++)
		if (policy->outbound[i].message->direction == DIRECTION_SERVER)
			show_definition(config, policy->outbound[i].message);
}

static void show_conditions(struct config *config)
{
	for (unsigned i = 0; i < config->policy->message_count; i++) {
		const struct policy_message *message = &config->policy->messages[i];
		struct config_shown shown = { .type = CONFIG_TYPE_TEXTS };
		struct config_place place;
		enum config_from from =
			config_show_origin(config->messages, slice(message->name, message->name_size), &place);
		char path[PATH_ROOM];

		shown.path = path;
		if (message->rate != NULL && policy_message_find(config->policy, slice_text(message->name)) == i) {
			snprintf(path, sizeof(path), "messages.%s.messages_per_minute", message->name);
			shown.type = CONFIG_TYPE_INTEGER;
			shown.number = message->messages_per_minute;
			config_show_value(config, from, place, &shown);
			shown.type = CONFIG_TYPE_TEXTS;
		}
		if (message->when == NULL)
			continue;
		if (message->when->networks.count != 0) {
			snprintf(path, sizeof(path), "messages.%s.when.network", message->name);
			shown.texts = message->when->networks;
			config_show_value(config, from, place, &shown);
		}
		snprintf(path, sizeof(path), "messages.%s.when.certificate", message->name);
		shown.type = CONFIG_TYPE_TEXT;
		shown.text = message->when->certificate ? "required" : "any";
		config_show_value(config, from, place, &shown);
	}
}

static void show_documents(struct config *config)
{
	for (unsigned i = 0; i < config->policy->schema_document_count; i++) {
		const struct policy_schema_document *document = &config->policy->schema_documents[i];
		struct config_shown shown = { .type = CONFIG_TYPE_TEXT, .text = document->path };
		struct config_place place;
		enum config_from from = config_show_origin(config->schema_documents, slice_text(document->uri), &place);
		char path[PATH_ROOM];

		snprintf(path, sizeof(path), "validation.schema_documents.%s", document->uri);
		shown.path = path;
		config_show_value(config, from, place, &shown);
	}
}

static void show_receivers(struct config *config)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->receiver_count; i++) {
		const struct receiver *receiver = &policy->receivers[i];
		struct entry entry = entry_of(config, "audit_logging.receivers", config->receivers, i);

#define RECEIVER_TEXT(member, help)                                                                                    \
	if (receiver->member != NULL && (strcmp(#member, "secret") == 0 || strcmp(#member, "authorization") == 0 ||    \
					 strcmp(#member, "password") == 0))                                            \
		give_secret(&entry, #member);                                                                          \
	else if (receiver->member != NULL)                                                                             \
		give_text(&entry, #member, receiver->member);
#define RECEIVER_TEXTS(member, help)                                                                                   \
	if (receiver->member.count != 0)                                                                               \
		give_texts(&entry, #member, &receiver->member);
#define RECEIVER_BOOLEAN(member, value, help) give_boolean(&entry, #member, receiver->member);
#define RECEIVER_INTEGER(member, value, min, max, unit, help) give_integer(&entry, #member, receiver->member);
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
	}
}

static void show_threats(struct config *config)
{
	const struct fw_policy *policy = config->policy;

	for (unsigned i = 0; i < policy->threat_list_count; i++) {
		const struct threat_list *list = &policy->threat_lists[i];
		struct entry entry = entry_of(config, "threat_intelligence.lists", config->threats, i);

#define THREAT_TEXT(member, help)                                                                                      \
	if (list->member != NULL && (strcmp(#member, "header") == 0 || strcmp(#member, "authorization") == 0))         \
		give_secret(&entry, #member);                                                                          \
	else if (list->member != NULL)                                                                                 \
		give_text(&entry, #member, list->member);
#define THREAT_BOOLEAN(member, value, help) give_boolean(&entry, #member, list->member);
#define THREAT_INTEGER(member, value, min, max, unit, help) give_integer(&entry, #member, list->member);
#include "tables/threat_lists.def"
#undef THREAT_TEXT
#undef THREAT_BOOLEAN
#undef THREAT_INTEGER
	}
}

void config_show_sections(struct config *config)
{
	for (unsigned i = 0; i < config->policy->role_count; i++)
		show_role(config, i);
	for (unsigned i = 0; i < config->policy->route_count; i++)
		show_route(config, i);
	show_keys(config);
	show_issuers(config);
	show_rules(config);
	show_own_rules(config);
	show_certificates(config);
	show_html_attributes(config);
	show_levels(config);
	show_receivers(config);
	show_threats(config);
	config_show_scenarios(config);
	config_show_alerts(config);
	config_show_responses(config);
	show_documents(config);
	show_definitions(config);
	show_conditions(config);
	show_guards(config);
}
