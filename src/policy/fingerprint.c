#include "policy/fingerprint.h"

#include <string.h>

#include "base/slice.h"
#include "crypto/digest.h"

/* Takes one value after the other: state = HMAC(key, state, HMAC(key, value)). */
struct taking {
	struct fw_slice key;
	uint8_t state[2][32]; /* the state, and the value to be taken */
	bool failed;
};

static void take(struct taking *taking, struct fw_slice value)
{
	uint8_t made[32];

	if (!digest_hmac_sha256(taking->key, value, taking->state[1]) ||
	    !digest_hmac_sha256(taking->key, slice((const uint8_t *)taking->state, sizeof(taking->state)), made))
		taking->failed = true;
	else
		memcpy(taking->state[0], made, sizeof(made));
}

static void take_number(struct taking *taking, int64_t number)
{
	take(taking, slice((const uint8_t *)&number, sizeof(number)));
}

static void take_text(struct taking *taking, const char *text)
{
	take_number(taking, text != NULL);
	take(taking, slice_text(text));
}

static void take_texts(struct taking *taking, const struct texts *texts)
{
	take_number(taking, (int64_t)texts->count);
	for (size_t i = 0; i < texts->count; i++)
		take_text(taking, texts->items[i]);
}

static void take_setting(struct taking *taking, const struct settings *settings, unsigned row)
{
	switch (row) {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help)                                                      \
	case FINGERPRINT_##member:                                                                                     \
		take_number(taking, settings->member);                                                                 \
		break;
#define CONFIG_BOOLEAN(path, member, value, help)                                                                      \
	case FINGERPRINT_##member:                                                                                     \
		take_number(taking, settings->member);                                                                 \
		break;
#define CONFIG_TEXT(path, member, value, help)                                                                         \
	case FINGERPRINT_##member:                                                                                     \
		take_text(taking, settings->member);                                                                   \
		break;
#define CONFIG_CHOICE(path, member, value, words, help)                                                                \
	case FINGERPRINT_##member:                                                                                     \
		take_number(taking, settings->member);                                                                 \
		break;
#define CONFIG_TEXTS(path, member, value, help)                                                                        \
	case FINGERPRINT_##member:                                                                                     \
		take_texts(taking, &settings->member);                                                                 \
		break;
#include "tables/config.def"
#undef CONFIG_INTEGER
#undef CONFIG_BOOLEAN
#undef CONFIG_TEXT
#undef CONFIG_CHOICE
#undef CONFIG_TEXTS
	default:
		break;
	}
}

static void take_rbac(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->permission_count; i++)
		take_text(taking, policy->permissions[i]);
	for (unsigned i = 0; i < policy->role_count; i++) {
		const struct policy_role *role = &policy->roles[i];

		take_text(taking, role->name);
		take_texts(taking, &role->patterns);
		take_number(taking, role->is);
	}
}

static void take_types(struct taking *taking, const struct fw_policy *policy, const struct policy_route *route)
{
	take_number(taking, route->lists_types);
	for (unsigned i = 0; i < route->type_count; i++) {
		uint16_t permission = policy->messages[route->types[i].message].permission;

		take_text(taking, route->types[i].name);
		take_text(taking, permission != POLICY_NONE ? policy->permissions[permission] : NULL);
	}
}

static void take_routes(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->route_count; i++) {
		const struct policy_route *route = &policy->routes[i];
		uint16_t anonymous = route->anonymous_role;
		int64_t flags = route->prefix | route->opaque << 1 | route->binary << 2 | route->canonical << 3 |
				route->has_upstream << 4 | route->upstream_tls << 5 | (int64_t)route->require << 8;

		take_text(taking, route->path);
		take_number(taking, flags);
		take_text(taking, anonymous != POLICY_NONE ? policy->roles[anonymous].name : NULL);
		take_text(taking, route->upstream_authority);
		take_text(taking, route->upstream_path);
		take_text(taking, route->login_message);
		take_texts(taking, &route->origins);
		take_texts(taking, &route->hosts);
		take_texts(taking, &route->subprotocols);
		take_number(taking, route->dialect | route->dialect_by_subprotocol << 8);
		take_text(taking, route->untyped ? "none" : route->discriminator);
		take_types(taking, policy, route);
		for (unsigned k = 0; k < SECRET_KINDS; k++)
			take_number(taking, route->secrets_in.action[k] | route->secrets_out.action[k] << 4);
		take_text(taking, route->type_out);
		take_number(taking, route->unknown_out | route->invalid_out << 8 | route->inspect.has_mode << 16 |
					    route->inspect.mode << 17);
		take_texts(taking, &route->inspect.points);
		take_number(taking, route->per_minute[0]);
		take_number(taking, route->per_minute[1]);
	}
}

static void take_jwt_keys(struct taking *taking, const struct fw_policy *policy)
{
	uint8_t digest[32] = { 0 };

	for (size_t i = 0; i < policy->jwt_key_count; i++) {
		taking->failed = taking->failed || !jose_digest(&policy->jwt_keys[i], digest);
		take_text(taking, policy->jwt_keys[i].kid);
		take(taking, slice(digest, sizeof(digest)));
	}
}

static void take_provider(struct taking *taking, const struct provider *provider)
{
#define PROVIDER_BOOLEAN(name, value, help) take_number(taking, provider->name);
#define PROVIDER_TEXT(name, help) take_text(taking, provider->name);
#define PROVIDER_INTEGER(name, value, min, max, unit, help) take_number(taking, provider->name);
#include "tables/providers.def"
#undef PROVIDER_BOOLEAN
#undef PROVIDER_TEXT
#undef PROVIDER_INTEGER
}

static void take_issuers(struct taking *taking, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->issuer_count; i++) {
		const struct policy_issuer *issuer = &policy->issuers[i];

		take(taking, slice(issuer->digest, sizeof(issuer->digest)));
		take_number(taking, issuer->require_bound);
		take_provider(taking, &issuer->provider);
		take_text(taking, issuer->introspection.url);
		take_text(taking, issuer->introspection.client_id);
		take_text(taking, issuer->introspection.client_secret);
		take_number(taking, issuer->introspection.cache);
		if (provider_is_asked(&issuer->provider)) /* what it answers is no part of the configuration */
			continue;
		for (size_t k = 0; k < issuer->rules.key_count; k++) {
			take_text(taking, issuer->keys[k].kid);
			take(taking, slice((const uint8_t *)&issuer->marks[k], sizeof(issuer->marks[k])));
		}
	}
}

static void take_api_keys(struct taking *taking, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->api_key_count; i++) {
		const struct policy_api_key *key = &policy->api_keys[i];

		take_text(taking, key->id);
		take_text(taking, key->name);
		take(taking, slice(key->hash, sizeof(key->hash)));
		take_text(taking, key->role != POLICY_NONE ? policy->roles[key->role].name : NULL);
	}
}

static void take_rules(struct taking *taking, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->certificate_rule_count; i++) /* the mark is made of all that a rule says */
		take_number(taking, (int64_t)policy->certificate_rules[i].mark);
}

static void take_own_rules(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->inspect.rule_count; i++) {
		const struct policy_rule *rule = &policy->inspect.rules[i];

		take_text(taking, rule->id);
		take_text(taking, rule->pattern);
		take_text(taking, rule->reason);
		take_texts(taking, &rule->types);
		take_texts(taking, &rule->fields);
		take_number(taking, rule->class | rule->action << 8 | rule->flags << 16 | rule->score << 24);
	}
}

static void take_certificates(struct taking *taking, const struct fw_policy *policy)
{
	unsigned first = *policy->settings.tls_certificate != '\0' ? 1 : 0; /* has rows of its own */

	for (unsigned i = first; i < policy->certificate_count; i++) {
		take_text(taking, policy->certificates[i].certificate);
		take_text(taking, policy->certificates[i].key);
	}
}

static void take_limits(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->message_count; i++) {
		take_number(taking, policy->messages[i].max_bytes);
		for (unsigned k = 0; k < policy->messages[i].field_count; k++)
			take_number(taking, policy->messages[i].fields[k].max);
	}
}

static void take_fields(struct taking *taking, const struct policy_field *fields, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct policy_field *field = &fields[i];

		take_text(taking, field->name);
		take_number(taking, field->kind | field->class << 8 | field->required << 16 | field->bounded << 17);
		take_number(taking, field->min);
		take_number(taking, field->max);
		take_texts(taking, &field->choices);
		take_number(taking, (int64_t)field->member_count << 1 | (field->item != NULL));
		if (field->item != NULL)
			take_fields(taking, field->item, 1);
		take_fields(taking, field->members, field->member_count);
	}
}

static void take_own(struct taking *taking, const struct fw_policy *policy, const struct policy_message *message)
{
	if (!message->own)
		return;
	take_text(taking, message->name);
	take_text(taking, message->permission != POLICY_NONE ? policy->permissions[message->permission] : NULL);
	take_text(taking, message->role != POLICY_NONE ? policy->roles[message->role].name : NULL);
	take_number(taking, message->csrf | message->direction << 8);
	take_number(taking, message->max_bytes);
	take_fields(taking, message->fields, message->field_count);
	take(taking, message->schema != NULL ? message->schema->text : slice(NULL, 0));
}

/* What the contract says of a type is the program's, not the configuration's. */
static void take_messages(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->schema_document_count; i++) {
		take_text(taking, policy->schema_documents[i].uri);
		take(taking, policy->schema_documents[i].text);
	}
	for (unsigned i = 0; i < policy->message_count; i++) {
		const struct policy_condition *when = policy->messages[i].when;

		take_own(taking, policy, &policy->messages[i]);
		take_number(taking,
			    policy->messages[i].rate != NULL ? (int64_t)policy->messages[i].rate->interval_ns : 0);
		take_number(taking, when != NULL);
		if (when == NULL)
			continue;
		take_texts(taking, &when->networks);
		take_number(taking, when->certificate);
	}
	for (unsigned i = policy->served_first; i < policy->outbound_count; i++)
		take_own(taking, policy, policy->outbound[i].message);
}

static void take_guards(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->guard_count; i++) {
		const struct policy_guard *guard = &policy->guards[i];

		take_text(taking, guard->name);
		for (unsigned k = 0; k < guard->count; k++) {
			take_text(taking, guard->rules[k].name);
			take_number(taking, guard->rules[k].sets);
			take_texts(taking, &guard->rules[k].set_by);
			take_number(taking, guard->rules[k].sees);
			take_texts(taking, &guard->rules[k].seen_by);
			take_text(taking, guard->rules[k].mask != NULL ? guard->rules[k].mask : "");
		}
	}
}

static void take_attributes(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->html_attribute_count; i++) {
		take_text(taking, policy->html_attributes[i].tag);
		take_text(taking, policy->html_attributes[i].name);
	}
}

static void take_levels(struct taking *taking, const struct fw_policy *policy)
{
	take(taking, slice(policy->event_levels, sizeof(policy->event_levels)));
}

static void take_receivers(struct taking *taking, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->receiver_count; i++)
		take(taking, slice(policy->receivers[i].digest, sizeof(policy->receivers[i].digest)));
}

static void take_threats(struct taking *taking, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->threat_list_count; i++)
		take(taking, slice(policy->threat_lists[i].digest, sizeof(policy->threat_lists[i].digest)));
}

static void take_scenarios(struct taking *taking, const struct fw_policy *policy)
{
	for (size_t i = 0; i < policy->scenario_count; i++)
		take(taking, slice(policy->scenarios[i].digest, sizeof(policy->scenarios[i].digest)));
}

static void take_alert_rules(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->alert_rules_own; i++)
		take(taking, slice(policy->alert_rules[i].digest, sizeof(policy->alert_rules[i].digest)));
}

static void take_matchers(struct taking *taking, const struct alert_matchers *matchers)
{
	take_number(taking, matchers->count);
	for (unsigned i = 0; i < matchers->count; i++) {
		take_text(taking, matchers->list[i].label);
		take_text(taking, matchers->list[i].pattern);
	}
}

static void take_alert_inhibitions(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->alert_inhibition_count; i++) {
		take_matchers(taking, &policy->alert_inhibitions[i].source);
		take_matchers(taking, &policy->alert_inhibitions[i].target);
		take_texts(taking, &policy->alert_inhibitions[i].equal);
	}
}

static void take_responses(struct taking *taking, const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->response_count; i++)
		take(taking, slice(policy->responses[i].digest, sizeof(policy->responses[i].digest)));
}

static const struct {
	const char *path;
	void (*take)(struct taking *taking, const struct fw_policy *policy); /* NULL: a row of config.def */
} rows[FINGERPRINT_ROWS] = {
#define CONFIG_INTEGER(path, member, value, min, max, unit, help) [FINGERPRINT_##member] = { path, NULL },
#define CONFIG_BOOLEAN(path, member, value, help) [FINGERPRINT_##member] = { path, NULL },
#define CONFIG_TEXT(path, member, value, help) [FINGERPRINT_##member] = { path, NULL },
#define CONFIG_CHOICE(path, member, value, words, help) [FINGERPRINT_##member] = { path, NULL },
#define CONFIG_TEXTS(path, member, value, help) [FINGERPRINT_##member] = { path, NULL },
#include "tables/config.def"
#undef CONFIG_INTEGER
#undef CONFIG_BOOLEAN
#undef CONFIG_TEXT
#undef CONFIG_CHOICE
#undef CONFIG_TEXTS
	[FINGERPRINT_rbac] = { "rbac", take_rbac },
	[FINGERPRINT_routes] = { "routes", take_routes },
	[FINGERPRINT_jwt_keys] = { "authentication.jwt.keys", take_jwt_keys },
	[FINGERPRINT_issuers] = { "authentication.issuers", take_issuers },
	[FINGERPRINT_api_keys] = { "authentication.api_keys", take_api_keys },
	[FINGERPRINT_certificate_rules] = { "authentication.certificates", take_rules },
	[FINGERPRINT_rules] = { "validation.rules", take_own_rules },
	[FINGERPRINT_certificates] = { "tls.certificates", take_certificates },
	[FINGERPRINT_html_attributes] = { "validation.allowed_html_attributes", take_attributes },
	[FINGERPRINT_event_levels] = { "audit_logging.log_levels", take_levels },
	[FINGERPRINT_receivers] = { "audit_logging.receivers", take_receivers },
	[FINGERPRINT_threats] = { "threat_intelligence.lists", take_threats },
	[FINGERPRINT_scenarios] = { "scenarios", take_scenarios },
	[FINGERPRINT_alert_rules] = { "monitoring.alerts.rules", take_alert_rules },
	[FINGERPRINT_alert_inhibitions] = { "monitoring.alerts.inhibit", take_alert_inhibitions },
	[FINGERPRINT_responses] = { "monitoring.response.rules", take_responses },
	[FINGERPRINT_conditions] = { "messages", take_messages },
	[FINGERPRINT_guards] = { "messages.*.fields", take_guards },
	[FINGERPRINT_message_limits] = { "validation.message_sizes and max_lengths", take_limits },
};

static const char *const restarts[FINGERPRINT_ROWS] = {
#define RESTART(member, why) [FINGERPRINT_##member] = why,
#include "tables/restart.def"
#undef RESTART
};

bool fingerprint_make(const struct fw_policy *policy, struct fw_slice key, struct fingerprint *ret_fingerprint)
{
	struct taking whole = { .key = key };

	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++) {
		struct taking taking = { .key = key };

		if (rows[row].take != NULL)
			rows[row].take(&taking, policy);
		else
			take_setting(&taking, &policy->settings, row);
		memcpy(ret_fingerprint->rows[row], taking.state[0], sizeof(taking.state[0]));
		take_text(&whole, rows[row].path);
		take(&whole, slice(taking.state[0], sizeof(taking.state[0])));
		whole.failed = whole.failed || taking.failed;
	}
	memcpy(ret_fingerprint->whole, whole.state[0], sizeof(whole.state[0]));
	return !whole.failed;
}

const char *fingerprint_path(unsigned row)
{
	return rows[row].path;
}

const char *fingerprint_restart(unsigned row)
{
	return restarts[row];
}
