/* pipeline.c: the stages of a message in the order of tables/stages.def, and what goes on when all have passed it. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"

enum { IN = 1, OUT = 2, BOTH = 3 };

const struct stage pipeline_stages[] = {
#define STAGE(name, directions, help) { #name, stage_##name, directions, help },
#include "tables/stages.def"
#undef STAGE
};
const unsigned pipeline_count = sizeof(pipeline_stages) / sizeof(pipeline_stages[0]);

enum verdict pipeline_judge(struct message *message, unsigned *ret_stage)
{
	enum verdict worst = VERDICT_PASS;
	unsigned direction = message->outbound ? OUT : IN;

	for (unsigned i = 0; i < pipeline_count; i++) {
		enum verdict verdict;

		if (!(pipeline_stages[i].directions & direction))
			continue;
		verdict = pipeline_stages[i].judge(message);
		if (verdict >= VERDICT_REFUSE) {
			*ret_stage = i;
			return verdict;
		}
		if (verdict > worst)
			worst = verdict;
	}
	*ret_stage = pipeline_count;
	return worst;
}

struct replacing {
	const struct message *message;
	bool remove_csrf;
	bool strip;
};

static bool replace(void *user, uint32_t node, struct fw_slice *ret_text, bool *ret_skip)
{
	const struct replacing *r = user;
	const struct message *message = r->message;
	const struct json_node *n = &message->json.nodes[node];

	if (n->is_key) {
		/* Only members of the root: a key whose value node ends within the root and is asked before it. */
		if (r->remove_csrf && node + 1 == message->csrf_node)
			*ret_skip = true;
		else if (r->strip && message->rule != NULL && node < message->json.count) {
			struct fw_slice name = json_text(&message->json, node, &message->engine->arena);
			uint32_t member = json_member(&message->json, 0, (const char *)name.data, name.size);

			if (member == node + 1 && !slice_is(name, "type") && schema_field(message->rule, name) == NULL)
				*ret_skip = true;
		}
		return false;
	}
	for (unsigned i = 0; i < message->rewrite_count; i++) {
		if (message->rewrites[i].node == node) {
			*ret_text = message->rewrites[i].text;
			return true;
		}
	}
	return false;
}

int pipeline_forward(struct message *message, bool remove_csrf, struct fw_slice *ret_text, bool *ret_changed)
{
	struct replacing replacing = { message, remove_csrf && message->csrf_node != 0, false };
	struct json_writer writer;

	replacing.strip = message->problems != NULL && message->problems->unknown != 0 &&
			  message->policy->settings.unknown_fields == UNKNOWN_STRIP;
	*ret_changed = message->rewrite_count != 0 || replacing.remove_csrf || replacing.strip;
	if (message->rule == NULL || (!*ret_changed && (message->route == NULL || !message->route->canonical))) {
		*ret_text = message->text; /* the client's own octets */
		return FW_OK;
	}
	writer = engine_writer(message->engine);
	json_write_value(&writer, &message->json, 0, &message->engine->arena, replace, &replacing);
	*ret_text = engine_written(message->engine);
	return writer.failed ? FW_ERR_MEMORY : FW_OK;
}
