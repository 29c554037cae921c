/* custom.c: stages of an embedding program: what they are shown, and what becomes of their word. */
#include "engine/custom.h"

#include <framewall/stage.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "engine/conn_state.h"
#include "engine/message.h"

/* What a stage sees of a message. A message that no stage has read is read when somebody asks for a field of it. */
struct looking {
	struct message *message;
	struct json json;
	struct arena arena; /* of a message that was not read before */
	bool read, holds;
};

static bool read_message(struct looking *looking)
{
	const struct message *message = looking->message;
	size_t limit;

	if (looking->read)
		return looking->holds;
	looking->read = true;
	if (message->json.nodes != NULL) {
		looking->json = message->json;
		looking->holds = true;
		return true;
	}
	if (message->binary || !size_mul(message->text.size, 64, &limit) || !size_add(limit, LIMIT_ARENA_SLACK, &limit))
		return false;
	looking->arena.limit = limit;
	looking->holds = json_parse(&looking->arena, message->text, 0, &looking->json, NULL) == JSON_OK;
	return looking->holds;
}

static bool is_index(struct fw_slice name, uint32_t *ret_index)
{
	*ret_index = 0;
	if (name.size == 0 || name.size > 9)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] < '0' || name.data[i] > '9')
			return false;
		*ret_index = *ret_index * 10 + (name.data[i] - '0');
	}
	return true;
}

/* One step down; 0: there is no such value. */
static uint32_t step(const struct json *json, uint32_t node, struct fw_slice name)
{
	const struct json_node *at = &json->nodes[node];
	uint32_t index, child = node + 1;

	if (at->kind == JSON_OBJECT)
		return json_member(json, node, (const char *)name.data, name.size);
	if (at->kind != JSON_ARRAY || !is_index(name, &index) || index >= at->count)
		return 0;
	while (index-- != 0)
		child = json->nodes[child].next;
	return child;
}

static uint32_t find(struct looking *looking, const char *path)
{
	uint32_t node = 0;

	if (!read_message(looking))
		return 0;
	do {
		size_t size = strcspn(path, "/");

		node = step(&looking->json, node, slice(path, size));
		path += size + (path[size] == '/');
	} while (node != 0 && *path != '\0');
	return node;
}

struct fw_slice fw_stage_field(const struct fw_stage_message *message, const char *path)
{
	struct looking *looking = message->inside;
	uint32_t node = find(looking, path);

	return node != 0 ? json_raw(&looking->json, node) : slice(NULL, 0);
}

struct fw_slice fw_stage_text(const struct fw_stage_message *message, const char *path)
{
	struct looking *looking = message->inside;
	uint32_t node = find(looking, path);

	if (node == 0 || looking->json.nodes[node].kind != JSON_STRING)
		return slice(NULL, 0);
	if (looking->arena.limit == 0) /* decoded texts need room of their own: the message is const */
		looking->arena.limit = looking->message->text.size + LIMIT_ARENA_SLACK;
	return json_text(&looking->json, node, &looking->arena);
}

static struct fw_stage_message view(struct message *message, struct looking *looking)
{
	const struct policy_role *role = message->role;
	struct fw_stage_message view = {
		.outbound = message->outbound, .binary = message->binary, .text = message->text, .inside = looking
	};

	if (message->conn != NULL) {
		view.who = fw_conn_principal(message->conn);
		view.source = message->conn->peer;
	}
	if (role != NULL)
		view.who.role = slice(role->name, role->name_size);
	if (message->rule != NULL)
		view.type = message->rule->name;
	else if (message->outbound && message->type != FW_TYPE_OPAQUE)
		view.type = message->policy->outbound[message->type].name;
	return view;
}

static enum verdict fault(struct message *message, const char *cause)
{
	message->error = ERROR_VALIDATION_ERROR;
	message->event = EVENT_system_error;
	message->cause = cause;
	message->close = CLOSE_FAULT;
	return VERDICT_CLOSE;
}

/* The word outlives the call: its cause is kept until the next one is asked for. */
static const char *keep_cause(struct message *message, const char *cause, const char *instead)
{
	char *kept = message->engine->stage_cause;
	size_t size = strnlen(cause, FW_STAGE_CAUSE - 1);

	if (size == 0 || !utf8_valid((const uint8_t *)cause, size))
		return instead;
	memcpy(kept, cause, size);
	kept[size] = '\0';
	return kept;
}

static enum error_code code_of(const char *name)
{
	if (name == NULL)
		return ERROR_INVALID_MESSAGE;
	for (unsigned code = ERROR_NONE + 1; code < ERROR_CODES; code++)
		if (slice_is(slice_text(name), error_code_name((enum error_code)code)))
			return (enum error_code)code;
	return ERROR_NONE;
}

static uint16_t event_of(enum error_code code, const char *rule)
{
	switch (code) {
	case ERROR_PERMISSION_DENIED:
		return EVENT_permission_denied;
	case ERROR_RATE_LIMITED:
		return EVENT_rate_limit_violation;
	case ERROR_CSRF_INVALID:
		return EVENT_csrf_violation;
	case ERROR_MESSAGE_TOO_LARGE:
		return EVENT_message_too_large;
	default:
		return rule != NULL ? EVENT_dangerous_content : EVENT_invalid_message;
	}
}

static enum verdict refuse(struct message *message, const struct fw_stage_word *word, const struct stage *stage,
			   enum verdict verdict)
{
	enum error_code code = code_of(word->code);

	if (code == ERROR_NONE || code == ERROR_VALIDATION_ERROR)
		return fault(message, keep_cause(message, word->cause, "a stage gave a code that there is not"));
	message->error = code;
	message->event = message->outbound ? EVENT_outbound_withheld : event_of(code, word->rule);
	message->cause = keep_cause(message, word->cause, stage->name);
	message->public_rule = word->rule;
	message->close = verdict == VERDICT_CLOSE ? CLOSE_POLICY : CLOSE_NORMAL;
	return verdict;
}

static enum verdict flag(struct message *message, const struct fw_stage_word *word, const struct stage *stage)
{
	struct event_node *node;

	message->cause = keep_cause(message, word->cause, stage->name);
	if (message->conn == NULL)
		return VERDICT_FLAG; /* explain */
	node = event_record(message->conn, EVENT_message_flagged);
	event_text(node, "stage", stage->name);
	event_text(node, "cause", message->cause);
	event_text(node, "rule", word->rule);
	if (message->rule != NULL)
		event_text(node, "message_type", message->rule->name);
	event_violation(message->conn, EVENT_message_flagged);
	return VERDICT_FLAG;
}

/* In place of the route stage: the type that it found. */
static enum verdict set_type(struct message *message, const char *name)
{
	uint16_t type = policy_message_find(message->policy, slice_text(name));

	if (type == POLICY_NONE || message->json.nodes == NULL)
		return fault(message, "a stage gave a message type that there is not");
	message->type = type;
	message->type_node = message->dialect == NULL ? stage_route_type(message, 0) : 0;
	message->rule = &message->policy->messages[type];
	return VERDICT_PASS;
}

enum verdict custom_judge(const struct stage *stage, struct message *message)
{
	struct looking looking = { .message = message };
	struct fw_stage_message shown = view(message, &looking);
	struct fw_stage_word word = { 0 };
	enum fw_stage_verdict said;

	arena_init(&looking.arena, 0);
	said = stage->function(stage->user, &shown, &word);
	arena_fini(&looking.arena);
	switch (said) {
	case FW_STAGE_FLAG:
		flag(message, &word, stage);
		/* fall through */
	case FW_STAGE_PASS:
		if (stage->routes && word.type != NULL && !message->outbound &&
		    set_type(message, word.type) != VERDICT_PASS)
			return VERDICT_CLOSE;
		return said == FW_STAGE_FLAG ? VERDICT_FLAG : VERDICT_PASS;
	case FW_STAGE_REFUSE:
		return refuse(message, &word, stage, VERDICT_REFUSE);
	case FW_STAGE_CLOSE:
		return refuse(message, &word, stage, VERDICT_CLOSE);
	}
	return fault(message, "a stage gave a verdict that there is not");
}
