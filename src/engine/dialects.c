/* dialects.c: between the stages and the dialects: what was read becomes the message's fields and its type, what was
 * written anew becomes octets of the dialect again, and a refusal is said in it. */
#include "engine/dialects.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "engine/outbound.h"

void dialects_choose(struct fw_conn *conn, struct fw_slice subprotocol)
{
	conn->dialect = (uint8_t)dialect_of_subprotocol(subprotocol);
}

/* What the route says now: after a reload that may be another one. Who logs in by a message does it before the dialect
 * begins. */
const struct dialect *dialects_of(const struct fw_conn *conn)
{
	unsigned dialect = DIALECT_json;

	if (conn->route != NULL)
		dialect = conn->route->dialect_by_subprotocol ? conn->dialect : conn->route->dialect;
	return dialect == DIALECT_json || conn->phase == PHASE_LOGIN ? NULL : &dialects[dialect];
}

enum attachment dialects_attachment(struct fw_conn *conn, enum fw_side from)
{
	struct dialect_link *link = &conn->links[from];

	if (link->attachments == 0)
		return ATTACHMENT_NONE;
	link->attachments--;
	return link->dropping ? ATTACHMENT_DROPPED : ATTACHMENT_PASSES;
}

static enum verdict fault(struct message *message)
{
	message->error = ERROR_VALIDATION_ERROR;
	message->event = EVENT_system_error;
	message->cause = "memory";
	message->close = CLOSE_FAULT;
	return VERDICT_CLOSE;
}

static enum verdict refuse(struct message *message, enum error_code error, const char *cause)
{
	message->error = error;
	message->event = EVENT_invalid_message;
	message->cause = cause;
	return VERDICT_REFUSE;
}

/* An engine that explains has no connection, and so nothing that came before. */
static struct dialect_link *link_of(const struct message *message)
{
	const struct engine_trial *trial = message->engine->trial;

	if (message->conn != NULL) {
		struct dialect_link *link = &message->conn->links[message->outbound ? FW_UPSTREAM : FW_CLIENT];

		link->begun = link->begun || (trial != NULL && trial->begun);
		return link;
	}
	message->engine->explained_link = (struct dialect_link){ .begun = true };
	return &message->engine->explained_link;
}

static enum json_result read(struct message *message, struct arena *arena)
{
	struct dialect_message *said = arena_alloc(arena, sizeof(*said));
	enum json_result result;

	if (said == NULL)
		return JSON_MEMORY;
	memset(said, 0, sizeof(*said));
	said->arena = arena;
	said->text = message->text;
	said->utf8_known = message->conn != NULL;
	said->outbound = message->outbound;
	said->link = link_of(message);
	message->said = said;
	result = dialect_read(message->dialect, said);
	message->text = said->text;
	message->json = said->fields;
	return result;
}

enum verdict dialects_read(struct message *message)
{
	if (message->said != NULL)
		return VERDICT_PASS; /* one more unit of it */
	if (message->binary) {
		if (message->attachment != ATTACHMENT_NONE || (message->route != NULL && message->route->binary))
			return VERDICT_PASS;
		return refuse(message, ERROR_INVALID_MESSAGE,
			      "binary message that none before it announced; MessagePack is not read");
	}
	switch (read(message, &message->engine->arena)) {
	case JSON_OK:
		return VERDICT_PASS;
	case JSON_MEMORY:
		return fault(message);
	default:
		message->number = message->said->offset;
		message->has_number = true;
		message->unread = true;
		return refuse(message, ERROR_INVALID_JSON, message->said->what);
	}
}

/* A hub finds its methods whatever the case of their letters, and other letters than those of ASCII have more of it. So
 * a name that is listed in another case, or has such letters, is that method, and no pattern's. */
static bool is_in_other_case(const struct policy_route *route, struct fw_slice type)
{
	for (size_t i = 0; i < type.size; i++)
		if (type.data[i] >= 0x80)
			return true;
	for (unsigned i = 0; i < route->type_count; i++)
		if (!route->types[i].pattern && slice_is_nocase(type, route->types[i].name))
			return true;
	return false;
}

/* What is written without "*" comes before what matches, and that in the order of the file. */
static const struct policy_route_type *find_type(const struct message *message)
{
	const struct policy_route *route = message->route;
	struct fw_slice type = message->said->type;

	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 1 && message->dialect == &dialects[DIALECT_signalr] && is_in_other_case(route, type))
			break;
		for (unsigned i = 0; i < route->type_count; i++) {
			const struct policy_route_type *row = &route->types[i];
			struct fw_slice name = slice(row->name, row->name_size);

			if (pass == row->pattern &&
			    (row->pattern ? policy_type_matches(name, type) : slice_equal(name, type)))
				return row;
		}
	}
	return NULL;
}

/* A route without a list takes every type that the policy has, but those that are answered in plain JSON. */
static uint16_t number_of(const struct message *message, struct fw_slice type)
{
	const struct policy_route_type *row;
	uint16_t number;

	if (message->route != NULL && message->route->lists_types) {
		row = find_type(message);
		return row != NULL ? row->message : POLICY_NONE;
	}
	number = policy_message_find(message->policy, type);
	if (number != POLICY_NONE && message->policy->messages[number].answered_here)
		return POLICY_NONE;
	return number;
}

struct fw_slice dialects_type(const struct message *message)
{
	const struct policy_route_type *row = NULL;

	if (message->route != NULL)
		row = find_type(message);
	return row != NULL ? slice(row->name, row->name_size) : message->said->type;
}

enum verdict dialects_route(struct message *message)
{
	struct problem *problem;
	uint16_t type;

	problems_clear(message->problems);
	message->rule = NULL;
	message->type = FW_TYPE_OPAQUE;
	if (message->said == NULL || message->said->own)
		return VERDICT_PASS;
	type = number_of(message, message->said->type);
	if (type == POLICY_NONE) {
		problem = &message->problems->list[message->problems->count++];
		message->problems->total = 1;
		*problem = (struct problem){ .field = "type", .rule = "enum" };
		message->detail = message->said->type;
		message->unlisted = true;
		return refuse(message, ERROR_INVALID_MESSAGE, "unknown message type");
	}
	message->type = type;
	message->rule = &message->policy->messages[type];
	return VERDICT_PASS;
}

bool dialects_next(struct message *message, enum verdict *ret_verdict)
{
	struct dialect_message *said = message->said;
	bool changed = pipeline_rewrites(message) || (message->csrf_node != 0 && message->conn != NULL);

	if (said == NULL)
		return false;
	if (changed && (said->units > 1 || said->place.data == NULL)) {
		*ret_verdict =
			refuse(message, ERROR_INVALID_MESSAGE,
			       "it would have to be written anew, which cannot be done with what is several in one");
		return false;
	}
	if (++said->unit >= said->units)
		return false;
	if (!message->dialect->next(said)) {
		*ret_verdict = fault(message);
		return false;
	}
	message->json = said->fields;
	return true;
}

void dialects_done(const struct message *message, bool passed)
{
	const struct dialect_message *said = message->said;

	if (said == NULL || message->unread)
		return;
	/* A keep-alive may come between an event and its attachments. */
	if (said->own && said->link->attachments != 0)
		return;
	said->link->attachments = said->attachments;
	said->link->dropping = !passed;
	said->link->begun = said->link->begun || passed;
}

struct fw_slice dialects_write(const struct message *message, struct fw_slice fields)
{
	return dialect_write(message->said, fields);
}

bool dialects_refuse(struct fw_conn *conn, const struct answer *answer, struct fw_slice data)
{
	const struct dialect *dialect = dialects_of(conn);
	const struct message *message = answer->message;
	struct json_writer w;
	struct dialect_refusal refusal = { .code = error_code_name(answer->code),
					   .text = answer->text != NULL ? answer->text : error_code_text(answer->code),
					   .data = data };

	if (dialect == NULL)
		return false;
	if (message != NULL) {
		refusal.message = message->said;
		refusal.unread = message->unread;
		refusal.unlisted = message->unlisted;
	}
	w = engine_writer(conn->engine);
	if (!dialect->refuse(&refusal, &w))
		return true;
	if (w.failed)
		conn->broken = true;
	else
		output_frame(conn, FW_CLIENT, WS_TEXT, engine_written(conn->engine));
	return true;
}

struct fw_slice dialects_outbound(struct message *message)
{
	enum json_result result;

	if (message->dialect == NULL || message->binary)
		return slice(NULL, 0);
	result = read(message, &message->engine->outbound);
	message->unread = result != JSON_OK;
	if ((message->policy->hides || outbound_judges(message->policy, message->route)) && !message->unread &&
	    !conn_monitors(message->conn))
		return message->said->rest;
	if (message->said != NULL) /* all of the frame */
		message->text.size += message->said->rest.size;
	return slice(NULL, 0);
}
