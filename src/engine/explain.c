/* explain.c: what each stage says of a message: of one without a connection, and of those of a trial. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"

static const char *const verdict_names[] = { "pass", "rewrite", "flag", "refuse", "close" };

void engine_trial(struct fw_engine *engine, const struct engine_trial *trial)
{
	engine->trial = trial;
}

struct fw_slice engine_trial_csrf(const struct fw_conn *conn)
{
	const struct principal *who = conn->principal;

	return who != NULL ? slice(who->csrf, who->csrf_size) : slice(NULL, 0);
}

static unsigned list_problems(const struct message *message, struct fw_trace_problem ret_list[LIMIT_PROBLEMS])
{
	const struct problems *problems = message->problems;
	unsigned count = problems != NULL ? problems->count : 0;

	for (unsigned i = 0; i < count; i++) {
		const struct problem *problem = &problems->list[i];

		ret_list[i] = (struct fw_trace_problem){ .field = problem->field,
							 .rule = problem->rule,
							 .has_limit = problem->has_limit,
							 .limit = problem->limit,
							 .expected = problem->expected,
							 .schema = problem->schema,
							 .keyword = problem->keyword };
	}
	return count;
}

static void say(const struct message *message, enum verdict verdict, struct fw_trace *said)
{
	said->verdict = verdict_names[verdict];
	said->detail = message->cause != NULL ? slice_text(message->cause) : slice(NULL, 0);
	if (message->findings != NULL && strcmp(said->stage, "inspect") == 0) {
		said->detail = slice_text(message->findings);
		said->findings = message->found;
		said->finding_count = message->found_count;
	}
	said->field = message->detail;
	if (verdict != VERDICT_PASS && message->error != ERROR_NONE)
		said->code = error_code_name(message->error);
	said->rule = message->public_rule;
	said->has_number = message->has_number;
	said->number = message->number;
}

/* Never what was found. */
static void say_secrets(const struct secrets_seen *seen, enum verdict verdict, struct fw_trace *said)
{
	if (seen->masked && verdict == VERDICT_PASS) {
		said->verdict = verdict_names[VERDICT_REWRITE];
		said->detail = slice_text("secrets are masked");
	}
	said->rule = seen->rule;
	said->field = seen->path;
}

static const char *type_of(const struct message *message)
{
	if (message->rule != NULL)
		return message->rule->name;
	return message->outbound && message->type < message->policy->outbound_count
		       ? message->policy->outbound[message->type].name
		       : NULL;
}

void explain_stage(const struct message *message, unsigned stage, enum verdict verdict, bool skipped)
{
	const struct engine_trial *trial = message->engine->trial;
	struct fw_trace_problem problems[LIMIT_PROBLEMS];
	struct fw_trace said = { .stage = pipeline_stages[stage].name, .verdict = skipped ? "skip" : "pass" };

	if (trial->trace == NULL)
		return;
	said.type = type_of(message);
	if (!skipped && verdict != VERDICT_PASS) {
		say(message, verdict, &said);
		said.problem_count =
			verdict >= VERDICT_REFUSE || message->outbound ? list_problems(message, problems) : 0;
		said.problem_total = said.problem_count != 0 ? message->problems->total : 0;
		said.problems = problems;
	} else if (!skipped && message->hid && strcmp(said.stage, "fields") == 0) {
		said.verdict = "rewrite";
		said.detail = slice_text("fields that the role may not see are left out");
	}
	if (!skipped && message->secrets.rule != NULL && pipeline_stages[stage].judge == stage_secrets)
		say_secrets(&message->secrets, verdict, &said);
	trial->trace(trial->user, &said);
}

static uint16_t outbound_type(const struct message *message)
{
	struct arena *arena = &message->engine->arena;
	struct json json;
	uint32_t node;

	if (json_parse(arena, message->text, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return POLICY_NONE;
	node = json_member(&json, 0, "type", 4);
	if (node == 0 || json.nodes[node].kind != JSON_STRING)
		return POLICY_NONE;
	return policy_outbound_find(message->policy, json_text(&json, node, arena));
}

void fw_engine_explain_from(struct fw_engine *engine, const struct fw_addr *address, bool certificate)
{
	engine->explained_from = *address;
	engine->explained_certificate = certificate;
}

bool fw_engine_explain(struct fw_engine *engine, const char *role, bool outbound, struct fw_slice text,
		       fw_trace_function *trace, void *user, struct fw_slice *ret_forward)
{
	uint16_t index = policy_role_find(engine->policy, slice_text(role));
	const struct engine_trial trial = { .trace = trace, .user = user };
	struct message message = { .engine = engine,
				   .policy = engine->policy,
				   .text = text,
				   .outbound = outbound,
				   .problems = &engine->problems,
				   .type = FW_TYPE_OPAQUE,
				   .role = index != POLICY_NONE ? &engine->policy->roles[index] : NULL };
	enum verdict verdict;
	unsigned stage;
	bool changed;
	uint8_t *own;

	arena_reset(&engine->arena);
	arena_reset(&engine->outbound);
	problems_clear(&engine->problems);
	*ret_forward = slice(NULL, 0);
	own = arena_alloc(&engine->arena, text.size + 1);
	if (own == NULL)
		return false;
	if (text.size != 0)
		memcpy(own, text.data, text.size);
	message.text = slice(own, text.size);
	if (outbound)
		message.type = outbound_type(&message);
	if (message.type == POLICY_NONE)
		message.type = FW_TYPE_OPAQUE;
	engine->trial = &trial;
	verdict = pipeline_judge(&message, &stage);
	engine->trial = NULL;
	if (verdict >= VERDICT_REFUSE)
		return false;
	if (message.hidden != NULL)
		return fields_shown(&message, ret_forward);
	return pipeline_forward(&message, false, ret_forward, &changed) == FW_OK;
}
