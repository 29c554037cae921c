/* stage_secrets.c: keys, tokens, card numbers and the like in a message, as its route has them masked, stopped or only
 * recorded. What is looked at is the whole message, with the escapes of JSON read once, whatever dialect it is in. A
 * mask has as many octets as what it covers, so everything else stays where it was: tapes, lengths that a frame names.
 */
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json_pointer.h"
#include "engine/conn_state.h"
#include "engine/message.h"
#include "engine/secrets.h"

#include <string.h>

enum { IN_STRING = 1, IN_NAME = 2 }; /* where an octet stands in JSON */
enum { PATH_ROOM = 128, NOTE_ROOM = 512, KEPT = 4 };

struct finding {
	struct message *message;
	const struct policy_secrets *secrets;
	struct arena *arena;
	uint8_t *text;		/* of the message */
	struct fw_slice plain;	/* the same with its escapes read */
	const uint32_t *places; /* of each octet of plain in text, and of its end */
	const uint8_t *marks;	/* of each octet of plain */
	bool changes;		/* monitor changes nothing */
	bool short_of_memory, in_name;
	uint32_t found; /* bit set of enum secret_rule */
	uint64_t count;
	unsigned worst, rule; /* the action, and by which rule first */
	size_t first;	      /* in text */
};
_Static_assert(SECRET_RULES <= 32, "they are bits");

static unsigned hex(uint8_t c)
{
	uint8_t small = c | 0x20;

	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	return small >= 'a' && small <= 'f' ? small - 'a' + 10u : 16;
}

/* One octet, or one escape. Its size in the text; characters beyond ASCII are given as 0x80. */
static size_t read_one(const uint8_t *at, const uint8_t *end, uint8_t *ret_octet)
{
	static const char letters[] = "\"\\/bfnrt", octets[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	unsigned value = 0;

	*ret_octet = *at;
	if (*at != '\\' || end - at < 2)
		return 1;
	letter = memchr(letters, at[1], sizeof(letters) - 1);
	if (letter != NULL) {
		*ret_octet = (uint8_t)octets[letter - letters];
		return 2;
	}
	if (at[1] != 'u' || end - at < 6)
		return 1;
	for (unsigned i = 2; i < 6; i++) {
		if (hex(at[i]) == 16)
			return 1;
		value = value << 4 | hex(at[i]);
	}
	*ret_octet = value < 0x80 ? (uint8_t)value : 0x80;
	return 6;
}

/* The message with its escapes read. False: memory is short. */
static bool read_escapes(struct finding *finding, struct fw_slice text)
{
	const uint8_t *at = text.data, *end = at + text.size;
	const uint8_t *escape = memchr(at, '\\', text.size);
	uint8_t *plain;
	size_t size = 0;

	finding->plain = text;
	if (escape == NULL)
		return true;
	plain = arena_alloc(finding->arena, text.size);
	if (plain == NULL)
		return false;
	while (at != end) {
		size_t run = (size_t)((escape != NULL ? escape : end) - at);

		memcpy(plain + size, at, run);
		size += run;
		at += run;
		if (at == end)
			break;
		at += read_one(at, end, &plain[size++]);
		escape = at != end ? memchr(at, '\\', (size_t)(end - at)) : NULL;
	}
	finding->plain = slice(plain, size);
	return true;
}

/* Where the JSON of a frame begins: what stands before it may have a quote that is none. */
static size_t json_from(const struct message *message)
{
	const struct dialect_message *said = message->said;

	if (said == NULL || said->place.data < message->text.data ||
	    said->place.data >= message->text.data + message->text.size)
		return 0;
	return (size_t)(said->place.data - message->text.data);
}

static bool is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\n' || octet == '\r';
}

/* Of each octet where it came from, and whether it stands in a string or a name: made when something was found. */
static bool locate(struct finding *finding)
{
	const struct message *message = finding->message;
	const uint8_t *end = finding->text + message->text.size, *json = finding->text + json_from(message);
	size_t size = finding->plain.size, bytes, begun = 0, count = 0;
	bool quoted = false;
	uint32_t *places;
	uint8_t *marks, octet;

	if (finding->places != NULL)
		return true;
	if (!size_mul(size + 1, sizeof(*places), &bytes) || (places = arena_alloc(finding->arena, bytes)) == NULL ||
	    (marks = arena_alloc(finding->arena, size + 1)) == NULL)
		return false;
	for (const uint8_t *at = finding->text; at != end; count++) {
		bool quote = *at == '"' && at >= json;

		places[count] = (uint32_t)(at - finding->text);
		at += read_one(at, end, &octet);
		quoted = quoted != quote;
		marks[count] = quoted ? IN_STRING : 0;
		if (quote && quoted)
			begun = count;
		if (!quote || quoted)
			continue;
		const uint8_t *behind = at;

		while (behind != end && is_blank(*behind))
			behind++;
		if (behind != end && *behind == ':')
			memset(marks + begun, IN_NAME, count - begun);
	}
	places[count] = (uint32_t)message->text.size;
	finding->places = places;
	finding->marks = marks;
	return true;
}

/* A number of JSON: it becomes a text, in the same octets. */
static bool is_number(const struct finding *finding, size_t first, size_t last)
{
	const uint8_t *text = finding->text;
	size_t size = finding->message->text.size;

	if ((finding->marks[first] & IN_STRING) != 0)
		return false;
	for (size_t i = first; i < last; i++)
		if (finding->plain.data[i] < '0' || finding->plain.data[i] > '9')
			return false;
	first = finding->places[first];
	last = finding->places[last];
	while (first != 0 && is_blank(text[first - 1]))
		first--;
	while (last != size && is_blank(text[last]))
		last++;
	return (first == 0 || memchr(":,[", text[first - 1], 3) != NULL) &&
	       (last == size || memchr(",]}", text[last], 3) != NULL);
}

/* of the groups of a number */
static bool is_between(uint8_t octet)
{
	return octet == ' ' || octet == '-';
}

static void mask(struct finding *finding, const struct secret_hit *hit)
{
	enum secret_kind kind = secret_rule_kind(hit->rule);
	bool number = kind == SECRET_KIND_cards || kind == SECRET_KIND_iban;
	size_t first = hit->offset, last = first + hit->size, shown = last;
	uint8_t *text = finding->text;

	if (number && is_number(finding, first, last)) {
		uint8_t *quote = text + finding->places[first], *end = text + finding->places[last];

		memmove(end - 1 - KEPT, end - KEPT, KEPT);
		memset(quote, '*', (size_t)(end - quote) - 1 - KEPT);
		*quote = end[-1] = '"';
		return;
	}
	/* The last four, whatever is between them. */
	for (unsigned kept = 0; number && kept < KEPT && shown > first;)
		kept += !is_between(finding->plain.data[--shown]);
	for (size_t i = first; i < shown; i++) {
		uint8_t octet = finding->plain.data[i];

		if ((number && is_between(octet)) || (kind == SECRET_KIND_email && octet == '@'))
			continue;
		memset(text + finding->places[i], '*', finding->places[i + 1] - finding->places[i]);
	}
}

static bool found(void *user, const struct secret_hit *hit)
{
	struct finding *finding = user;
	unsigned action = finding->secrets->action[secret_rule_kind(hit->rule)];

	finding->short_of_memory = !locate(finding);
	if (finding->short_of_memory)
		return false;
	/* A name with stars could be one that is there already. */
	if (action == SECRET_MASK && (finding->marks[hit->offset] & IN_NAME) != 0)
		action = SECRET_STOP;
	finding->in_name = finding->in_name || (finding->marks[hit->offset] & IN_NAME) != 0;
	if (finding->count++ == 0)
		finding->first = finding->places[hit->offset];
	if (action > finding->worst) {
		finding->worst = action;
		finding->rule = hit->rule;
	}
	finding->found |= 1u << hit->rule;
	if (action == SECRET_MASK && finding->changes)
		mask(finding, hit);
	return true;
}

static bool covers(const struct json *json, uint32_t node, const uint8_t *at)
{
	const uint8_t *first = json->text + json->nodes[node].offset;
	bool quoted = json->nodes[node].kind == JSON_STRING; /* a number that was masked begins with its quote */

	return at >= first - quoted && at < first + json->nodes[node].size;
}

/* The JSON Pointer (RFC 6901) to the value that has the octet. A name that does not fit is left out. */
static void write_path(const struct json *json, const uint8_t *octet, struct arena *arena, char path[PATH_ROOM])
{
	uint32_t node = 0, index = 0, at = 1;

	path[0] = '\0';
	while (at < json->nodes[node].next) {
		bool named = json->nodes[node].kind == JSON_OBJECT;
		char digits[ENCODE_U64];

		at += named;
		if (!covers(json, at, octet)) {
			at = json->nodes[at].next;
			index++;
			continue;
		}
		(void)json_pointer_add(path, PATH_ROOM,
				       named ? json_text(json, at - 1, arena)
					     : slice(digits, encode_u64(index, digits)));
		node = at++;
		index = 0;
	}
}

/* Empty: it is no JSON, or the names on the way may be what nobody is to see. */
static struct fw_slice path_of(const struct finding *finding)
{
	const struct message *message = finding->message;
	struct json json = message->json;
	char *path;

	if (message->said != NULL && message->said->json.nodes != NULL)
		json = message->said->json;
	if (finding->in_name || (path = arena_alloc(finding->arena, PATH_ROOM)) == NULL ||
	    (json.nodes == NULL &&
	     (message->said != NULL || json_parse(finding->arena, message->text, 0, &json, NULL) != JSON_OK)))
		return slice(NULL, 0);
	write_path(&json, finding->text + finding->first, finding->arena, path);
	return slice_text(path);
}

/* "card github_token" */
static struct fw_slice rules_of(const struct finding *finding, char text[NOTE_ROOM])
{
	size_t size = 0;

	for (unsigned i = 0; i < SECRET_RULES; i++) {
		size_t more = strlen(secret_rule_id(i));

		if ((finding->found >> i & 1) == 0 || size + more + 1 > NOTE_ROOM)
			continue;
		if (size != 0)
			text[size++] = ' ';
		memcpy(text + size, secret_rule_id(i), more);
		size += more;
	}
	return slice(text, size);
}

static void record(const struct finding *finding, struct fw_slice path)
{
	const struct message *message = finding->message;
	struct event_node *node = event_record(message->conn, EVENT_secret_found);
	char text[NOTE_ROOM];

	event_text(node, "direction", message->outbound ? "out" : "in");
	event_detail(node, "rule", rules_of(finding, text));
	event_detail(node, "field", path);
	event_number(node, "count", (int64_t)finding->count);
	if (finding->worst == SECRET_MASK && !finding->changes) {
		event_text(node, "mode", "monitor");
		event_text(node, "would", "mask");
	} else {
		event_text(node, "action", finding->worst == SECRET_MASK ? "mask" : "flag");
	}
	if (message->rule != NULL && !message->outbound)
		event_text(node, "message_type", message->rule->name);
	event_violation(message->conn, EVENT_secret_found);
}

/* Without a connection: the first route that says something. */
static const struct policy_secrets *secrets_of(const struct message *message)
{
	const struct fw_policy *policy = message->policy;

	if (message->route != NULL)
		return message->outbound ? &message->route->secrets_out : &message->route->secrets_in;
	for (unsigned i = 0; i < policy->route_count && message->conn == NULL; i++) {
		const struct policy_route *route = &policy->routes[i];
		const struct policy_secrets *secrets = message->outbound ? &route->secrets_out : &route->secrets_in;

		if (secrets->kinds != 0)
			return secrets;
	}
	return NULL;
}

static enum verdict refuse(struct message *message, const char *cause, enum error_code error, unsigned event)
{
	message->cause = cause;
	message->error = error;
	message->event = message->outbound ? EVENT_outbound_withheld : (uint16_t)event;
	return VERDICT_REFUSE;
}

enum verdict stage_secrets(struct message *message)
{
	const struct policy_secrets *secrets = secrets_of(message);
	struct finding finding = { .message = message, .secrets = secrets };
	struct fw_slice path;

	if (secrets == NULL || secrets->kinds == 0 || message->binary || message->text.size == 0 ||
	    (message->rule != NULL && message->rule->answered_here))
		return VERDICT_PASS;
	finding.arena = message->outbound ? &message->engine->outbound : &message->engine->arena;
	finding.text = (uint8_t *)message->text.data; /* of the engine's own: see message.h */
	finding.changes = message->conn == NULL || !conn_monitors(message->conn);
	if (message->said != NULL && message->said->unit != 0)
		return VERDICT_PASS; /* it was looked at whole */
	if (!read_escapes(&finding, message->text))
		return refuse(message, "memory", ERROR_VALIDATION_ERROR, EVENT_system_error);
	secrets_find(finding.plain, secrets->kinds, found, &finding);
	if (finding.short_of_memory)
		return refuse(message, "memory", ERROR_VALIDATION_ERROR, EVENT_system_error);
	if (finding.count == 0)
		return VERDICT_PASS;
	path = path_of(&finding);
	message->secrets = (struct secrets_seen){ secret_rule_id(finding.rule), path, finding.count,
						  finding.worst == SECRET_MASK && finding.changes };
	if (finding.worst == SECRET_STOP) {
		message->public_rule = secret_rule_id(finding.rule);
		message->detail = path;
		return refuse(message, "a secret that may not pass", ERROR_INVALID_MESSAGE, EVENT_dangerous_content);
	}
	if (message->conn != NULL)
		record(&finding, path);
	return finding.worst == SECRET_FLAG ? VERDICT_FLAG : VERDICT_PASS;
}
