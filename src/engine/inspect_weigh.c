/* inspect_weigh.c: what was found in the texts of a message counts as the policy says, and is told by rule, class,
 * points and place; never the text. */
#include "base/encode.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/inspect_parts.h"

#include <string.h>

/* The names on the way to a node, with dots between them; arrays add nothing. Cut at the room. False: it is no name of
 * one place alone, since it was cut, or a name on the way has a dot or U+0000. */
static bool path_of(const struct message *message, const struct json *json, uint32_t node, char ret_path[INSPECT_PATH])
{
	const struct json_node *nodes = json->nodes;
	uint32_t at = 0;
	size_t size = 0;
	bool exact = true;

	while (at != node && (nodes[at].kind == JSON_OBJECT || nodes[at].kind == JSON_ARRAY)) {
		uint32_t child = at + 1;
		struct fw_slice name = { NULL, 0 };

		while (child < nodes[at].next) {
			uint32_t value = nodes[child].is_key ? child + 1 : child;

			if (node < nodes[value].next) {
				if (value != child)
					name = json_text(json, child, &message->engine->arena);
				child = node == child ? child : value;
				break;
			}
			child = nodes[value].next;
		}
		if (name.size != 0 && size + name.size + 2 <= INSPECT_PATH) {
			exact = exact && memchr(name.data, '.', name.size) == NULL &&
				memchr(name.data, '\0', name.size) == NULL;
			if (size != 0)
				ret_path[size++] = '.';
			memcpy(ret_path + size, name.data, name.size);
			size += name.size;
		} else if (name.size != 0) {
			exact = false;
		}
		at = child;
	}
	ret_path[size] = '\0';
	return exact;
}

/* The rules that say nothing here. exact: the path names one place alone. */
static struct detect_rules excepted(const struct inspect *inspect, const char *path, bool exact)
{
	const struct policy_inspect *says = &inspect->message->policy->inspect;
	struct detect_rules rules = { 0 };

	for (unsigned i = 0; i < says->exception_count; i++) {
		const struct policy_exception *exception = &says->exceptions[i];

		if (strcmp(exception->type, "*") != 0 && strcmp(exception->type, inspect->type) != 0)
			continue;
		if (exception->field != NULL && (!exact || strcmp(exception->field, path) != 0))
			continue;
		for (size_t k = 0; k < INSPECT_WORDS; k++)
			rules.bits[k] |= exception->rules.bits[k];
	}
	return rules;
}

/* At how many points a class refuses and flags there. */
static struct policy_points points_at(const struct inspect *inspect, unsigned class, const char *path, bool exact,
				      bool *ret_own)
{
	const struct policy_inspect *says = &inspect->message->policy->inspect;
	const struct policy_route *route = inspect->message->route;
	struct policy_points points = { .refuse = says->refuse[class], .flag = says->flag[class] };

	if (route != NULL && route->inspect.own[class]) {
		points.refuse = route->inspect.refuse[class];
		points.flag = route->inspect.flag[class];
	}
	for (unsigned i = says->points_count; i-- != 0;) {
		const struct policy_points *of = &says->points[i];

		if (of->class == class && (strcmp(of->type, "*") == 0 || strcmp(of->type, inspect->type) == 0) &&
		    (strcmp(of->field, "*") == 0 || (exact && strcmp(of->field, path) == 0))) {
			*ret_own = strcmp(of->field, "*") != 0;
			return *of;
		}
	}
	*ret_own = false;
	return points;
}

static void append(struct inspect *inspect, const char *text)
{
	size_t size = strlen(text);

	if (size >= INSPECT_SHOWN - inspect->shown)
		size = INSPECT_SHOWN - inspect->shown - 1;
	memcpy(inspect->show + inspect->shown, text, size);
	inspect->shown += size;
	inspect->show[inspect->shown] = '\0';
}

static void append_number(struct inspect *inspect, unsigned number)
{
	char digits[ENCODE_U64 + 1];

	digits[encode_u64(number, digits)] = '\0';
	append(inspect, digits);
}

static void list_one(struct inspect *inspect, const char *path, const char *reason, const char *id, unsigned points)
{
	size_t size = strlen(path) + 1;
	char *field;

	if (inspect->found == NULL || inspect->found_count == INSPECT_FOUND)
		return;
	field = arena_alloc(&inspect->message->engine->arena, size);
	if (field == NULL)
		return;
	memcpy(field, path, size);
	inspect->found[inspect->found_count++] = (struct fw_trace_finding){ field, id, reason, points };
}

static void show_one(struct inspect *inspect, const char *path, const char *reason, const char *id, unsigned points,
		     const char *end)
{
	list_one(inspect, path, reason, id, points);
	append(inspect, inspect->shown != 0 ? "; " : "");
	append(inspect, path);
	append(inspect, ": ");
	append(inspect, reason);
	append(inspect, " (");
	append(inspect, id);
	append(inspect, ", ");
	append_number(inspect, points);
	append(inspect, end);
}

static const char *reason_of(const struct policy_rule *rule)
{
	return rule->reason != NULL ? rule->reason : "a rule of the configuration";
}

static bool is_listed(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return true;
	return texts->count == 0;
}

/* Was the rule found, and does it count there? exact: the path names one place alone. */
static bool own_counts(const struct inspect *inspect, const struct inspect_result *result, unsigned number,
		       unsigned class, const char *path, bool exact)
{
	const struct policy_rule *rule = &inspect->message->policy->inspect.rules[number];

	return (result->own.bits[number / 64] >> (number % 64) & 1) != 0 && rule->class == class &&
	       is_listed(&rule->types, inspect->type) &&
	       (rule->fields.count == 0 || (exact && is_listed(&rule->fields, path)));
}

/* For explain: every rule that was found, with its points and what it means. */
static void show(struct inspect *inspect, const struct inspect_result *result, const struct inspect_finding *found,
		 const struct detect_rules *without, bool exact)
{
	const struct policy_inspect *says = &inspect->message->policy->inspect;

	if (inspect->show == NULL)
		return;
	for (enum detect_rule rule = 0; rule < DETECT_RULES; rule++) {
		bool outside = detect_rules_has(&result->known.found, rule);

		if (detect_info[rule].class == found->class && !detect_rules_has(without, rule) &&
		    (outside || detect_rules_has(&result->known.fenced, rule)))
			show_one(inspect, found->path, detect_info[rule].reason, detect_info[rule].id,
				 detect_info[rule].points, outside ? " points)" : " points, in code)");
	}
	for (unsigned i = 0; i < says->rule_count; i++)
		if (own_counts(inspect, result, i, found->class, found->path, exact))
			show_one(inspect, found->path, reason_of(&says->rules[i]), says->rules[i].id,
				 (unsigned)says->rules[i].score,
				 says->rules[i].action == RULE_REFUSES ? " points, refuses)"
				 : says->rules[i].action == RULE_FLAGS ? " points, flags)"
								       : " points)");
}

/* What the rules of the configuration add. *ret_worst: the word of those that say more than points. */
static void add_own(const struct inspect *inspect, const struct inspect_result *result, struct inspect_finding *found,
		    bool exact, enum rule_action *ret_worst)
{
	const struct policy_inspect *says = &inspect->message->policy->inspect;

	*ret_worst = RULE_SCORES;
	found->own = NULL;
	for (unsigned i = 0; i < says->rule_count; i++) {
		const struct policy_rule *rule = &says->rules[i];

		if (!own_counts(inspect, result, i, found->class, found->path, exact))
			continue;
		if (rule->action == RULE_SCORES)
			found->points += (unsigned)rule->score;
		if (rule->action > *ret_worst)
			*ret_worst = rule->action;
		if (found->own == NULL || rule->action > found->own->action ||
		    (rule->action == found->own->action && rule->score > found->own->score))
			found->own = rule;
	}
}

/* True: something was found that counts otherwise in that place than elsewhere, if at all. */
static bool weigh_class(struct inspect *inspect, const struct inspect_result *result, const struct inspect_place *place,
			struct inspect_finding *found, const struct detect_rules *without, bool exact)
{
	/* In code nothing but XSS counts, and that not all was read, as XSS may stand in what was not. */
	bool code = place->class == CLASS_CODE && found->class != DETECT_XSS &&
		    !(found->class == DETECT_OTHER && detect_rules_has(&result->known.found, RULE_OTHER_FLOOD));
	bool own_points;
	struct policy_points counts = points_at(inspect, found->class, found->path, exact, &own_points);
	unsigned any = detect_points(&result->known, found->class, NULL);
	bool pardoned;
	enum rule_action own;

	/* what is markup in an HTML field the allow-list decides */
	found->rule = DETECT_RULES;
	found->points = 0;
	if (found->class != DETECT_XSS || (place->class != CLASS_HTML && !place->allow_list)) {
		found->points = detect_points(&result->known, found->class, without);
		if (found->points != 0)
			found->rule = detect_lead(&result->known, found->class, without);
	}
	pardoned = any != 0 && (own_points || detect_points(&result->known, found->class, without) < any || code);
	add_own(inspect, result, found, exact, &own);
	found->refuses = (counts.refuse != 0 && found->points >= counts.refuse && !code) || own == RULE_REFUSES;
	if (!found->refuses && own != RULE_FLAGS && (counts.flag == 0 || found->points < counts.flag))
		return pardoned;
	/* named is who decided it, or has the most points */
	if (found->own != NULL && found->own->action == RULE_SCORES && found->rule != DETECT_RULES &&
	    detect_info[found->rule].points > found->own->score)
		found->own = NULL;
	if (found->own != NULL && found->points < found->own->score)
		found->points = (unsigned)found->own->score;
	if (found->points == 0)
		return pardoned;
	show(inspect, result, found, without, exact);
	if (found->refuses > inspect->worst.refuses ||
	    (found->refuses == inspect->worst.refuses &&
	     (found->points > inspect->worst.points ||
	      (found->points == inspect->worst.points && found->own != NULL && inspect->worst.own == NULL))))
		inspect->worst = *found;
	return pardoned;
}

bool inspect_weigh(struct inspect *inspect, const struct inspect_result *result, const struct inspect_place *place)
{
	struct inspect_finding found = { 0 };
	struct detect_rules without;
	bool pardoned = false;
	bool joined = place->json == NULL && strcmp(place->name, "*") == 0, exact = !joined;

	if (place->json != NULL)
		exact = path_of(inspect->message, place->json, place->node, found.path);
	else
		memcpy(found.path, place->name, strlen(place->name) + 1); /* it has room */
	without = excepted(inspect, found.path, exact);
	for (found.class = 0; found.class < DETECT_CLASSES; found.class ++)
		pardoned = weigh_class(inspect, result, place, &found, &without, exact) || pardoned;
	return pardoned;
}

void inspect_note(struct event_node *node, const struct message *message)
{
	if (message->content_class == NULL)
		return;
	event_text(node, "class", message->content_class);
	event_number(node, "points", message->points);
}

void inspect_note_all(struct event_node *node, const struct message *message)
{
	event_text(node, "stage", "inspect");
	event_text(node, "rule", message->public_rule);
	if (message->rule != NULL)
		event_text(node, "message_type", message->rule->name);
	event_detail(node, "field", message->detail);
	inspect_note(node, message);
}

static enum decision decision_of(const struct fw_conn *conn, bool refuses)
{
	return !refuses ? DECISION_flag : conn_monitors(conn) ? DECISION_would_refuse : DECISION_refuse;
}

enum verdict inspect_tell(struct message *message, const struct inspect *inspect)
{
	const struct inspect_finding *worst = &inspect->worst;
	bool refuses = worst->refuses && policy_inspect_mode(message->policy, message->route) == INSPECT_REFUSE;
	size_t size = strlen(worst->path);
	uint8_t *path = arena_alloc(&message->engine->arena, size + 1);
	struct event_node *node;

	message->error = ERROR_INVALID_MESSAGE;
	message->event = refuses ? EVENT_dangerous_content : EVENT_message_flagged;
	message->cause = worst->own != NULL ? reason_of(worst->own) : detect_info[worst->rule].reason;
	message->findings = inspect->show;
	message->found = inspect->found;
	message->found_count = inspect->found_count;
	message->public_rule = worst->own != NULL ? worst->own->id : detect_info[worst->rule].id;
	message->content_class = detect_class_words[worst->class];
	message->points = worst->points;
	if (path != NULL)
		message->detail = slice(memcpy(path, worst->path, size), size);
	if (message->conn != NULL)
		message->engine->tallies.fixed.findings[worst->class][decision_of(message->conn, refuses)]++;
	if (refuses)
		return VERDICT_REFUSE;
	if (message->conn == NULL)
		return VERDICT_FLAG;
	node = event_record(message->conn, EVENT_message_flagged);
	event_text(node, "cause", message->cause);
	inspect_note_all(node, message);
	if (worst->refuses)
		event_text(node, "would", "refuse");
	event_violation(message->conn, EVENT_message_flagged);
	return VERDICT_FLAG;
}
