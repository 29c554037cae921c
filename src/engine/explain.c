/* explain.c: what each stage says of one message, without a connection. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"

static const char *const verdict_names[] = { "pass", "rewrite", "flag", "refuse", "close" };

static uint16_t outbound_type(struct message *message)
{
	uint32_t node;

	if (stage_json(message) != VERDICT_PASS)
		return POLICY_NONE;
	node = json_member(&message->json, 0, "type", 4);
	if (node == 0 || message->json.nodes[node].kind != JSON_STRING)
		return POLICY_NONE;
	return policy_outbound_find(message->policy, json_text(&message->json, node, &message->engine->arena));
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
	struct message message = { .engine = engine,
				   .policy = engine->policy,
				   .text = text,
				   .outbound = outbound,
				   .problems = &engine->problems,
				   .type = FW_TYPE_OPAQUE,
				   .role = index != POLICY_NONE ? &engine->policy->roles[index] : NULL };
	unsigned direction = outbound ? 2 : 1;
	enum verdict worst = VERDICT_PASS;
	bool changed;

	arena_reset(&engine->arena);
	engine->problems.total = engine->problems.count = engine->problems.unknown = 0;
	*ret_forward = slice(NULL, 0);
	if (outbound)
		message.type = outbound_type(&message);
	if (message.type == POLICY_NONE)
		message.type = FW_TYPE_OPAQUE;
	for (unsigned i = 0; i < pipeline_count; i++) {
		struct fw_trace said = { .stage = pipeline_stages[i].name, .verdict = "skip" };

		if (!(pipeline_stages[i].directions & direction))
			continue;
		if (worst < VERDICT_REFUSE) {
			enum verdict verdict = pipeline_ask(i, &message);

			said.verdict = verdict_names[verdict];
			if (verdict != VERDICT_PASS) {
				said.code = error_code_name(message.error);
				said.detail = message.cause != NULL ? slice_text(message.cause) : slice(NULL, 0);
			} else if (message.hidden != NULL && strcmp(said.stage, "fields") == 0) {
				said.verdict = "rewrite";
				said.detail = slice_text("fields that the role may not see are left out");
			}
			if (verdict >= VERDICT_REFUSE && message.detail.size != 0 && strcmp(said.stage, "fields") == 0)
				said.detail = message.detail;
			if (verdict > worst)
				worst = verdict;
		}
		trace(user, &said);
	}
	if (worst >= VERDICT_REFUSE)
		return false;
	if (message.hidden != NULL)
		return fields_shown(&message, ret_forward);
	return pipeline_forward(&message, false, ret_forward, &changed) == FW_OK;
}
