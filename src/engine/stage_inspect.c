/* stage_inspect.c: the texts of a message, keys too, looked through for attacks: each by itself, and all of them
 * joined, in case one was split. What was found is recorded by rule, class, points and place; never the text. */
#include "base/encode.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/detect/detect.h"
#include "engine/message.h"

#include <string.h>

enum { PATH_SIZE = 96, SHOWN_SIZE = 1024, JOINED_SIZE = 65536, WORDS = sizeof(struct detect_rules) / sizeof(uint64_t) };

/* The worst of a message. */
struct finding {
	unsigned class, points;
	enum detect_rule rule;
	bool refuses;
	char path[PATH_SIZE];
};
struct looking {
	struct message *message;
	struct finding worst; /* points 0: nothing */
	size_t shown;	      /* of the text that explain shows */
	char *show;	      /* NULL: nobody asks */
	/* Of the texts that could be pieces of one: */
	uint8_t *joined;
	size_t joined_size;
	unsigned pieces;
	bool plain;		    /* one of them is no HTML field */
	struct detect_rules single; /* what was found in a text by itself */
};

/* The names on the way to a node, with dots between them; arrays add nothing. Cut at the room. */
static void path_of(const struct message *message, uint32_t node, char ret_path[PATH_SIZE])
{
	const struct json_node *nodes = message->json.nodes;
	uint32_t at = 0;
	size_t size = 0;

	while (at != node && (nodes[at].kind == JSON_OBJECT || nodes[at].kind == JSON_ARRAY)) {
		uint32_t child = at + 1;
		struct fw_slice name = { NULL, 0 };

		while (child < nodes[at].next) {
			uint32_t value = nodes[child].is_key ? child + 1 : child;

			if (node < nodes[value].next) {
				if (value != child)
					name = json_text(&message->json, child, &message->engine->arena);
				child = node == child ? child : value;
				break;
			}
			child = nodes[value].next;
		}
		if (name.size != 0 && size + name.size + 2 <= PATH_SIZE) {
			if (size != 0)
				ret_path[size++] = '.';
			memcpy(ret_path + size, name.data, name.size);
			size += name.size;
		}
		at = child;
	}
	ret_path[size] = '\0';
}

/* The rules that say nothing here. */
static struct detect_rules excepted(const struct message *message, const char *path)
{
	const struct policy_inspect *inspect = &message->policy->inspect;
	struct detect_rules rules = { 0 };

	for (unsigned i = 0; i < inspect->exception_count; i++) {
		const struct policy_exception *exception = &inspect->exceptions[i];

		if (strcmp(exception->type, "*") != 0 && strcmp(exception->type, message->rule->name) != 0)
			continue;
		if (exception->field != NULL && strcmp(exception->field, path) != 0)
			continue;
		for (size_t k = 0; k < WORDS; k++)
			rules.bits[k] |= exception->rules.bits[k];
	}
	return rules;
}

static void append(struct looking *looking, const char *text)
{
	size_t size = strlen(text);

	if (size >= SHOWN_SIZE - looking->shown)
		size = SHOWN_SIZE - looking->shown - 1;
	memcpy(looking->show + looking->shown, text, size);
	looking->shown += size;
	looking->show[looking->shown] = '\0';
}

static void append_number(struct looking *looking, unsigned number)
{
	char digits[ENCODE_U64 + 1];

	digits[encode_u64(number, digits)] = '\0';
	append(looking, digits);
}

/* For explain: every rule that was found, with its points and what it means. */
static void show(struct looking *looking, const struct detect_result *result, const struct finding *found,
		 const struct detect_rules *without)
{
	for (enum detect_rule rule = 0; rule < DETECT_RULES && looking->show != NULL; rule++) {
		bool outside = detect_rules_has(&result->found, rule);

		if (detect_info[rule].class != found->class || detect_rules_has(without, rule) ||
		    (!outside && !detect_rules_has(&result->fenced, rule)))
			continue;
		append(looking, looking->shown != 0 ? "; " : "");
		append(looking, found->path);
		append(looking, ": ");
		append(looking, detect_info[rule].reason);
		append(looking, " (");
		append(looking, detect_info[rule].id);
		append(looking, ", ");
		append_number(looking, detect_info[rule].points);
		append(looking, outside ? " points)" : " points, in code)");
	}
}

/* field: NULL where the type lists none. node 0: the texts joined. */
static void weigh(struct looking *looking, const struct detect_result *result, uint32_t node,
		  const struct policy_field *field)
{
	const struct message *message = looking->message;
	const struct policy_inspect *inspect = &message->policy->inspect;
	struct finding found = { .path = "*" };
	struct detect_rules without;

	if (node != 0)
		path_of(message, node, found.path);
	without = excepted(message, node != 0 ? found.path : "");
	for (found.class = 0; found.class < DETECT_CLASSES; found.class ++) {
		/* what is markup in an HTML field the allow-list decides */
		if (found.class == DETECT_XSS &&
		    (field != NULL ? field->class == CLASS_HTML : !looking->plain && node == 0))
			continue;
		found.points = detect_points(result, found.class, &without);
		if (found.points == 0)
			continue;
		found.refuses = inspect->refuse[found.class] != 0 && found.points >= inspect->refuse[found.class] &&
				(field == NULL || field->class != CLASS_CODE || found.class == DETECT_XSS);
		if (!found.refuses && (inspect->flag[found.class] == 0 || found.points < inspect->flag[found.class]))
			continue;
		found.rule = detect_lead(result, found.class, &without);
		show(looking, result, &found, &without);
		if (found.refuses > looking->worst.refuses ||
		    (found.refuses == looking->worst.refuses && found.points > looking->worst.points))
			looking->worst = found;
	}
}

static bool found_any(const struct detect_result *result)
{
	uint64_t any = 0;

	for (size_t i = 0; i < WORDS; i++)
		any |= result->found.bits[i] | result->fenced.bits[i];
	return any != 0;
}

static bool add_piece(struct looking *looking, struct fw_slice text, const struct policy_field *field)
{
	size_t room = looking->message->json.size < JOINED_SIZE ? looking->message->json.size : JOINED_SIZE;

	if (looking->joined == NULL)
		looking->joined = arena_alloc(&looking->message->engine->arena, room);
	if (looking->joined == NULL)
		return false;
	if (text.size > room - looking->joined_size)
		text.size = room - looking->joined_size;
	memcpy(looking->joined + looking->joined_size, text.data, text.size);
	looking->joined_size += text.size;
	looking->pieces++;
	looking->plain = looking->plain || field == NULL || field->class != CLASS_HTML;
	return true;
}

/* False: memory is short. */
static bool look(struct looking *looking, uint32_t node, const struct policy_field *field)
{
	struct message *message = looking->message;
	struct fw_slice text = json_text(&message->json, node, &message->engine->arena);
	struct detect_result result = { 0 };

	if (text.data == NULL)
		return false;
	detect_text(&message->engine->words, text, &result);
	if (found_any(&result)) {
		weigh(looking, &result, node, field);
		for (size_t i = 0; i < WORDS; i++)
			looking->single.bits[i] |= result.found.bits[i] | result.fenced.bits[i];
	}
	return message->json.nodes[node].is_key || !detect_is_piece(text) || add_piece(looking, text, field);
}

/* The pieces as one text: what none of them is, all of them can be. */
static void look_joined(struct looking *looking)
{
	struct detect_result result = { 0 };

	if (looking->pieces < 2 || looking->worst.refuses)
		return;
	detect_text(&looking->message->engine->words, slice(looking->joined, looking->joined_size), &result);
	for (size_t i = 0; i < WORDS; i++) {
		result.found.bits[i] &= ~looking->single.bits[i];
		result.fenced.bits[i] &= ~looking->single.bits[i];
	}
	if (found_any(&result))
		weigh(looking, &result, 0, NULL);
}

static bool look_within(struct looking *looking, uint32_t from, uint32_t to, const struct policy_field *field)
{
	for (uint32_t node = from; node < to; node++)
		if (looking->message->json.nodes[node].kind == JSON_STRING && !look(looking, node, field))
			return false;
	return true;
}

static bool look_all(struct looking *looking)
{
	const struct message *message = looking->message;
	const struct json *json = &message->json;

	if (json->nodes[0].kind != JSON_OBJECT)
		return look_within(looking, 0, json->count, NULL);
	for (uint32_t key = 1; key < json->nodes[0].next; key = json->nodes[key + 1].next) {
		struct fw_slice name = json_text(json, key, &message->engine->arena);
		const struct policy_field *field;

		if (name.data == NULL)
			return false;
		field = message->rule->open ? NULL : schema_field(message->rule, name);
		if (!look(looking, key, NULL))
			return false;
		/* secrets, and what is one of a list */
		if (key + 1 == message->csrf_node || key + 1 == message->type_node ||
		    (field != NULL && (field->class == CLASS_TOKEN || field->class == CLASS_ENUMERATED)))
			continue;
		/* within lists and objects nothing is rewritten: only a text that is the field itself is left to the
		 * allow-list */
		if (json->nodes[key + 1].kind != JSON_STRING)
			field = NULL;
		if (!look_within(looking, key + 1, json->nodes[key + 1].next, field))
			return false;
	}
	return true;
}

void inspect_note(struct event_node *node, const struct message *message)
{
	if (message->content_class == NULL)
		return;
	event_text(node, "class", message->content_class);
	event_number(node, "points", message->points);
}

static enum verdict tell(struct message *message, const struct looking *looking)
{
	const struct finding *worst = &looking->worst;
	bool refuses = worst->refuses && message->policy->settings.inspect_mode == INSPECT_REFUSE;
	size_t size = strlen(worst->path);
	uint8_t *path = arena_alloc(&message->engine->arena, size + 1);
	struct event_node *node;

	message->error = ERROR_INVALID_MESSAGE;
	message->event = refuses ? EVENT_dangerous_content : EVENT_message_flagged;
	message->cause = detect_info[worst->rule].reason;
	message->findings = looking->show;
	message->public_rule = detect_info[worst->rule].id;
	message->content_class = detect_class_words[worst->class];
	message->points = worst->points;
	if (path != NULL)
		message->detail = slice(memcpy(path, worst->path, size), size);
	if (refuses)
		return VERDICT_REFUSE;
	if (message->conn == NULL)
		return VERDICT_FLAG;
	node = event_record(message->conn, EVENT_message_flagged);
	event_text(node, "stage", "inspect");
	event_text(node, "cause", message->cause);
	event_text(node, "rule", message->public_rule);
	event_text(node, "message_type", message->rule->name);
	event_detail(node, "field", message->detail);
	inspect_note(node, message);
	if (worst->refuses)
		event_text(node, "would", "refuse");
	event_violation(message->conn, EVENT_message_flagged);
	return VERDICT_FLAG;
}

enum verdict stage_inspect(struct message *message)
{
	struct looking looking = { .message = message };
	char shown[SHOWN_SIZE];

	/* what is answered here no server reads; a login holds secrets */
	if (message->policy->settings.inspect_mode == INSPECT_OFF || message->rule == NULL ||
	    message->json.count == 0 || message->rule->answered_here)
		return VERDICT_PASS;
	if (message->conn == NULL || message->engine->trial != NULL)
		looking.show = shown;
	if (!look_all(&looking)) {
		message->error = ERROR_VALIDATION_ERROR;
		message->event = EVENT_system_error;
		message->cause = "memory";
		message->close = CLOSE_FAULT;
		return VERDICT_CLOSE;
	}
	look_joined(&looking);
	if (looking.worst.points == 0)
		return VERDICT_PASS;
	if (looking.show != NULL) {
		looking.show = arena_alloc(&message->engine->arena, looking.shown + 1);
		if (looking.show != NULL)
			memcpy(looking.show, shown, looking.shown + 1);
	}
	return tell(message, &looking);
}
