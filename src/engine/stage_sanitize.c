/* stage_sanitize.c: HTML fields are written anew from the allow-list; what had to change is forwarded changed. */
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/sanitize.h"

static enum verdict fault(struct message *message)
{
	message->error = ERROR_VALIDATION_ERROR;
	message->event = EVENT_system_error;
	message->cause = "memory";
	message->close = CLOSE_FAULT;
	return VERDICT_CLOSE;
}

enum verdict stage_sanitize(struct message *message)
{
	const struct json *json = &message->json;

	if (message->rule == NULL || !message->rule->has_html)
		return VERDICT_PASS;
	for (unsigned i = 0; i < message->rule->field_count; i++) {
		const struct policy_field *field = &message->rule->fields[i];
		struct fw_slice html, clean;
		uint32_t node;

		if (field->class != CLASS_HTML)
			continue;
		node = json_member(json, 0, field->name, field->name_size);
		if (node == 0 || json->nodes[node].kind != JSON_STRING)
			continue;
		html = json_text(json, node, &message->engine->arena);
		if (html.data == NULL || sanitize_html(message->policy, &message->engine->arena, html, &clean) != FW_OK)
			return fault(message);
		if (clean.data == html.data && clean.size == html.size)
			continue;
		if (message->rewrites == NULL)
			message->rewrites =
				arena_alloc(&message->engine->arena, MESSAGE_REWRITES * sizeof(*message->rewrites));
		if (message->rewrites == NULL || message->rewrite_count == MESSAGE_REWRITES)
			return fault(message);
		message->rewrites[message->rewrite_count++] = (struct rewrite){ node, clean };
		message->detail = slice(field->name, field->name_size);
		message->cause = "markup outside the allow-list";
	}
	return message->rewrite_count != 0 ? VERDICT_REWRITE : VERDICT_PASS;
}
