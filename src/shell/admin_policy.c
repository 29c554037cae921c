/* GET /api/v1/policy: what is in use, so that it can be read: stages, message types, rules, and every value of the
 * configuration with where it comes from. Secrets are named, never shown. */
#include <string.h>

#include "engine/message.h"
#include "shell/admin_parts.h"
#include "shell/shown.h"

static void write_text(struct json_writer *w, const char *name, const char *text)
{
	json_write_key(w, name);
	if (text != NULL)
		json_write_string(w, text);
	else
		json_write_null(w);
}

static void write_number(struct json_writer *w, const char *name, int64_t number)
{
	json_write_key(w, name);
	json_write_integer(w, number);
}

static void write_list(struct json_writer *w, const char *name, const struct texts *texts)
{
	json_write_key(w, name);
	json_write_open(w, '[');
	for (size_t i = 0; i < texts->count; i++)
		json_write_string(w, texts->items[i]);
	json_write_close(w, ']');
}

static bool has_rates(const struct fw_policy *policy)
{
	return policy->rate_cells != 0;
}

static bool inflates(const struct fw_policy *policy)
{
	return policy->settings.compression != COMPRESSION_OFF;
}

static bool has_guards(const struct fw_policy *policy)
{
	return policy->guard_count != 0;
}

static bool has_secrets(const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].secrets_in.kinds != 0 || policy->routes[i].secrets_out.kinds != 0)
			return true;
	return false;
}

static bool has_csrf(const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->message_count; i++)
		if (policy->messages[i].csrf)
			return true;
	return false;
}

/* Of the routes the one that does most. */
static unsigned inspects_as(const struct fw_policy *policy)
{
	unsigned most = INSPECT_OFF;

	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy_inspect_mode(policy, &policy->routes[i]) > most)
			most = policy_inspect_mode(policy, &policy->routes[i]);
	return most;
}

/* What may have nothing to do, as it is configured. */
static const char *mode_of(const struct fw_policy *policy, const struct stage *stage)
{
	static const struct {
		stage_function *judge;
		bool (*works)(const struct fw_policy *policy);
	} some[] = { { stage_rate, has_rates },
		     { stage_inflate, inflates },
		     { stage_fields, has_guards },
		     { stage_secrets, has_secrets },
		     { stage_csrf, has_csrf } };

	for (unsigned i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (stage->judge == some[i].judge && stage->function == NULL && !some[i].works(policy))
			return "off";
	if (stage->judge == stage_inspect && inspects_as(policy) == INSPECT_OFF)
		return "off";
	if (policy->settings.mode == MODE_MONITOR ||
	    (stage->judge == stage_inspect && inspects_as(policy) == INSPECT_MONITOR))
		return "monitor";
	return "enforce";
}

static void write_stages(struct json_writer *w, const struct fw_policy *policy)
{
	static const char *const directions[] = { "", "in", "out", "both" };

	json_write_key(w, "stages");
	json_write_open(w, '[');
	for (unsigned i = 0; i < pipeline_count; i++) {
		const struct stage *stage = &pipeline_stages[i];

		json_write_open(w, '{');
		write_text(w, "stage", stage->name);
		write_text(w, "direction", directions[stage->directions & 3]);
		write_text(w, "mode", mode_of(policy, stage));
		write_text(w, "keys", stage->keys);
		write_text(w, "what", stage->help);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

/* Who may: a permission, or a role; neither: whoever is logged in. */
static void write_need(struct json_writer *w, const struct fw_policy *policy, uint16_t permission, uint16_t role)
{
	write_text(w, "permission", permission != POLICY_NONE ? policy->permissions[permission] : NULL);
	write_text(w, "role", role != POLICY_NONE ? policy->roles[role].name : NULL);
}

static void write_message(struct json_writer *w, const struct fw_policy *policy, const struct policy_message *message)
{
	json_write_open(w, '{');
	write_text(w, "type", message->name);
	write_text(w, "direction", "in");
	write_need(w, policy, message->permission, message->role);
	json_write_key(w, "csrf");
	json_write_boolean(w, message->csrf);
	write_number(w, "max_bytes", message->max_bytes);
	if (message->rate != NULL)
		write_number(w, "messages_per_minute", message->messages_per_minute);
	json_write_key(w, "configured");
	json_write_boolean(w, message->own);
	json_write_close(w, '}');
}

/* Of a type that a route lists there is a copy without a name of its own in the index. */
static void write_messages(struct json_writer *w, const struct fw_policy *policy)
{
	json_write_key(w, "messages");
	json_write_open(w, '[');
	for (unsigned i = 0; i < policy->message_count; i++)
		if (policy_message_find(policy, slice_text(policy->messages[i].name)) == i)
			write_message(w, policy, &policy->messages[i]);
	for (unsigned i = 0; i < policy->outbound_count; i++) {
		const struct policy_outbound *outbound = &policy->outbound[i];

		json_write_open(w, '{');
		write_text(w, "type", outbound->name);
		write_text(w, "direction", "out");
		write_need(w, policy, outbound->permission, outbound->role);
		json_write_key(w, "configured");
		json_write_boolean(w, outbound->message != NULL);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

/* What a rule does that is found alone, in a field without points of its own. */
static const char *action_of(const struct policy_inspect *inspect, unsigned class, int64_t points)
{
	if (inspect->refuse[class] != 0 && points >= inspect->refuse[class])
		return "refuse";
	return inspect->flag[class] != 0 && points >= inspect->flag[class] ? "flag" : "score";
}

static void write_rule(struct json_writer *w, const char *id, unsigned class, int64_t points, const char *action,
		       const char *reason)
{
	write_text(w, "id", id);
	write_text(w, "class", detect_class_words[class]);
	write_number(w, "points", points);
	write_text(w, "action", action);
	write_text(w, "reason", reason);
}

static void write_rules(struct json_writer *w, const struct fw_policy *policy)
{
	static const struct {
		const char *id, *reason;
		unsigned class;
		int64_t points;
	} known[DETECT_RULES] = {
#define DETECT_RULE(name, class, id, points, reason) { id, reason, DETECT_##class, points },
#include "tables/detect_rules.def"
#undef DETECT_RULE
	};
	static const char *const actions[] = {
		[RULE_SCORES] = "score", [RULE_FLAGS] = "flag", [RULE_REFUSES] = "refuse"
	};
	const struct policy_inspect *inspect = &policy->inspect;

	json_write_key(w, "rules");
	json_write_open(w, '[');
	for (unsigned i = 0; i < inspect->rule_count; i++) {
		const struct policy_rule *rule = &inspect->rules[i];

		json_write_open(w, '{');
		write_rule(w, rule->id, rule->class, rule->score,
			   rule->action == RULE_SCORES ? action_of(inspect, rule->class, rule->score)
						       : actions[rule->action],
			   rule->reason);
		write_text(w, "pattern", rule->pattern);
		write_list(w, "types", &rule->types);
		write_list(w, "fields", &rule->fields);
		json_write_close(w, '}');
	}
	for (unsigned i = 0; i < DETECT_RULES; i++) {
		json_write_open(w, '{');
		write_rule(w, known[i].id, known[i].class, known[i].points,
			   action_of(inspect, known[i].class, known[i].points), known[i].reason);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

static void write_values(struct json_writer *w, const struct fw_policy *policy)
{
	json_write_key(w, "values");
	json_write_open(w, '[');
	for (const struct policy_shown *shown = policy->shown; shown != NULL; shown = shown->next)
		shown_write(w, policy->source, &shown->value);
	json_write_close(w, ']');
}

void admin_policy(struct admin_conn *conn)
{
	const struct keeper_options *options = &conn->admin->keeper->options;
	const struct fw_policy *policy = options->policy;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	write_text(&w, "file", policy->source);
	write_number(&w, "generation", (int64_t)options->configuration.generation);
	write_text(&w, "digest", options->configuration.digest);
	admin_time_write(&w, "loaded_at", options->configuration.wall_us);
	write_text(&w, "mode", policy->settings.mode == MODE_MONITOR ? "monitor" : "enforce");
	write_text(&w, "environment", policy->settings.environment);
	write_stages(&w, policy);
	write_messages(&w, policy);
	write_rules(&w, policy);
	write_list(&w, "exceptions", &policy->settings.inspect_exceptions);
	write_values(&w, policy);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}
