/* stage_sanitize.c: HTML fields are written anew from the allow-list; what had to change is forwarded changed. */
#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/sanitize.h"

#include <string.h>

static enum verdict fault(struct message *message)
{
	message->error = ERROR_VALIDATION_ERROR;
	message->event = EVENT_system_error;
	message->cause = "memory";
	message->close = CLOSE_FAULT;
	return VERDICT_CLOSE;
}

static bool rewrite(struct message *message, uint32_t node, struct fw_slice name)
{
	struct fw_slice html = json_text(&message->json, node, &message->engine->arena), clean;
	size_t size;

	if (html.data == NULL || sanitize_html(message->policy, &message->engine->arena, html, &clean) != FW_OK)
		return false;
	if (clean.data == html.data && clean.size == html.size)
		return true;
	if (message->rewritten == NULL && size_mul(message->json.count, sizeof(*message->rewritten), &size)) {
		message->rewritten = arena_alloc(&message->engine->arena, size);
		if (message->rewritten != NULL)
			memset(message->rewritten, 0, size);
	}
	if (message->rewritten == NULL)
		return false;
	message->rewritten[node] = clean;
	message->detail = name;
	message->cause = "markup outside the allow-list";
	return true;
}

/* What a JSON Schema says is HTML, wherever it stands. */
static bool rewrite_classed(struct message *message)
{
	const uint8_t *classes = message->problems->classes;
	struct fw_slice name = { NULL, 0 };

	for (uint32_t node = 0; classes != NULL && node < message->json.count; node++) {
		if (message->json.nodes[node].is_key)
			name = json_text(&message->json, node, &message->engine->arena);
		else if (classes[node] == CLASS_HTML && !rewrite(message, node, name))
			return false;
	}
	return true;
}

enum verdict stage_sanitize(struct message *message)
{
	const struct json *json = &message->json;

	if (message->rule == NULL || !message->rule->has_html)
		return VERDICT_PASS;
	if (message->rule->schema != NULL && !rewrite_classed(message))
		return fault(message);
	for (unsigned i = 0; i < message->rule->field_count; i++) {
		const struct policy_field *field = &message->rule->fields[i];
		uint32_t node = field->class == CLASS_HTML ? json_member(json, 0, field->name, field->name_size) : 0;

		if (node != 0 && json->nodes[node].kind == JSON_STRING &&
		    !rewrite(message, node, slice(field->name, field->name_size)))
			return fault(message);
	}
	return message->rewritten != NULL ? VERDICT_REWRITE : VERDICT_PASS;
}
