/* event_queue.c: what the embedder is told, in order, one connection at a time. Nodes are reused, so that a message
 * path that records nothing allocates nothing. */
#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "engine/conn_state.h"

#include <string.h>

static struct event_node *take(struct fw_engine *engine)
{
	struct event_node *node = engine->free_events;

	if (node != NULL) {
		engine->free_events = node->next;
		return node;
	}
	return mem_alloc(sizeof(*node));
}

static void begin(struct event_node *node, enum fw_event_kind kind)
{
	node->next = NULL;
	node->secret = NULL;
	node->text_used = 0;
	memset(&node->event, 0, sizeof(node->event));
	node->event.kind = kind;
}

static struct event_node *push(struct fw_conn *conn, enum fw_event_kind kind)
{
	struct fw_engine *engine = conn->engine;
	struct event_node *node = take(engine);

	if (node == NULL) {
		/* The event is lost: the connection must not go on as if it had been heard. */
		conn->broken = true;
		engine->records_lost += kind == FW_EV_RECORD;
		begin(&engine->spare, kind);
		return &engine->spare;
	}
	begin(node, kind);
	*conn->events_tail = node;
	conn->events_tail = &node->next;
	return node;
}

struct fw_event *event_push(struct fw_conn *conn, enum fw_event_kind kind)
{
	return &push(conn, kind)->event;
}

static struct fw_slice keep(struct event_node *node, struct fw_slice text)
{
	size_t room = EVENT_TEXT - node->text_used;
	size_t size = text.size < room ? text.size : room;
	uint8_t *copy = node->text + node->text_used;

	if (size > LIMIT_RECORD_TEXT)
		size = LIMIT_RECORD_TEXT;
	if (size != 0)
		memcpy(copy, text.data, size);
	node->text_used += size;
	return slice(copy, size);
}

/* Accounts that logins were for are told apart, so that who guesses at many shows; not named: what was typed as a name
 * may be a password. Twelve bits of a digest tell nothing of one. */
static void note_account(struct event_node *node, struct fw_slice user)
{
	uint8_t digest[32];
	char text[4];

	digest_sha256(user, digest);
	encode_hex(digest, 2, text);
	event_detail(node, "account", slice(text, 3));
}

static struct event_node *record(struct fw_conn *conn, uint16_t type)
{
	struct fw_engine *engine = conn->engine;
	struct event_node *node = push(conn, FW_EV_RECORD);
	struct fw_record *made = &node->event.as.record;
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	engine->counters[COUNT_records]++;
	made->wall_us = engine->now.wall_us;
	made->type = type;
	made->level = conn->policy->event_levels[type];
	made->connection_id = conn->id;
	made->source = conn->peer;
	engine_random(engine, id, sizeof(id));
	encode_hex(id, sizeof(id), made->event_id);
	if (conn->principal != NULL) {
		made->user_id = keep(node, slice(conn->principal->user_id, conn->principal->user_id_size));
		made->session_id = keep(node, slice(conn->principal->session_id, conn->principal->session_id_size));
	}
	if (conn->login != NULL && conn->login->user.size != 0 &&
	    (type == EVENT_auth_failure || type == EVENT_rate_limit_violation))
		note_account(node, conn->login->user);
	if (conn->login != NULL && type == EVENT_auth_failure)
		event_text(node, "method", login_method(conn->login));
	return node;
}

struct event_node *event_record(struct fw_conn *conn, uint16_t type)
{
	struct fw_engine *engine = conn->engine;

	/* A loss is itself a record, the first for which there is memory again. */
	if (engine->records_lost != 0) {
		struct event_node *node = record(conn, EVENT_records_lost);

		if (node != &engine->spare) {
			event_number(node, "count", (int64_t)engine->records_lost);
			event_text(node, "cause", "memory");
			engine->records_lost = 0;
		} else {
			engine->records_lost--; /* that one told of no event */
		}
	}
	return record(conn, type);
}

static struct fw_detail *detail(struct event_node *node, const char *key, enum fw_detail_kind kind)
{
	static _Thread_local struct fw_detail
		overflow; /* more details than a record has: a mistake of ours, not a crash */
	struct fw_record *record = &node->event.as.record;
	struct fw_detail *added = &overflow;

	if (record->detail_count < FW_RECORD_DETAILS)
		added = &record->details[record->detail_count++];
	*added = (struct fw_detail){ .key = key, .kind = kind };
	return added;
}

void event_detail(struct event_node *node, const char *key, struct fw_slice text)
{
	detail(node, key, FW_DETAIL_TEXT)->text = keep(node, text);
}

void event_text(struct event_node *node, const char *key, const char *text)
{
	if (text != NULL)
		event_detail(node, key, slice_text(text));
}

void event_number(struct event_node *node, const char *key, int64_t number)
{
	detail(node, key, FW_DETAIL_INTEGER)->number = number;
}

void event_boolean(struct event_node *node, const char *key, bool value)
{
	detail(node, key, FW_DETAIL_BOOLEAN)->number = value;
}

/* Passwords and tokens: larger than a text of a record may be, and not to be left behind. */
static struct fw_slice keep_secret(struct fw_conn *conn, struct event_node *node, struct fw_slice key)
{
	if (key.size == 0 || node == &conn->engine->spare)
		return slice(NULL, 0);
	node->secret = mem_alloc(key.size);
	if (node->secret == NULL) {
		conn->broken = true;
		return slice(NULL, 0);
	}
	node->secret_size = key.size;
	memcpy(node->secret, key.data, key.size);
	return slice(node->secret, key.size);
}

static void forget_secret(struct event_node *node)
{
	if (node->secret == NULL)
		return;
	mem_wipe(node->secret, node->secret_size);
	mem_free(node->secret);
	node->secret = NULL;
}

uint32_t event_need(struct fw_conn *conn, enum fw_need_kind kind, const struct fw_need *texts)
{
	struct event_node *node = push(conn, FW_EV_NEED);
	struct fw_need *need = &node->event.as.need;

	need->kind = kind;
	need->address = conn->peer;
	if (texts != NULL) {
		need->key = kind >= FW_NEED_PASSWORD ? keep_secret(conn, node, texts->key) : keep(node, texts->key);
		need->user_id = keep(node, texts->user_id);
		need->role = keep(node, texts->role);
		need->session_id = keep(node, texts->session_id);
		need->key_id = keep(node, texts->key_id);
		need->number = texts->number;
		need->issued_wall_us = texts->issued_wall_us;
		need->credential = texts->credential;
		need->ticket_ms = texts->ticket_ms;
		need->binding = keep(node, texts->binding);
		need->origin = keep(node, texts->origin);
		need->proof = keep(node, texts->proof);
		need->proof_until_wall_us = texts->proof_until_wall_us;
		need->proof_issued_wall_us = texts->proof_issued_wall_us;
		need->wants_nonce = texts->wants_nonce;
		need->nonce = keep(node, texts->nonce);
	}
	if (kind != FW_NEED_VIOLATION) {
		need->id = ++conn->need_id;
		conn->need_kind = (uint8_t)kind;
	}
	return need->id;
}

void event_violation(struct fw_conn *conn, uint16_t type)
{
	const struct principal *who = conn->principal;
	struct fw_slice user = { NULL, 0 };

	if (conn_monitors(conn) || (conn->policy->blocking_events >> type & 1) == 0)
		return;
	/* All who need not log in have one name: what one of them does is not the others'. */
	if (who != NULL && !who->anonymous)
		user = slice(who->user_id, who->user_id_size);
	event_need(conn, FW_NEED_VIOLATION, &(struct fw_need){ .number = type, .user_id = user });
}

void event_give_back(struct fw_engine *engine, struct event_node *node)
{
	if (node == NULL || node == &engine->spare)
		return;
	forget_secret(node);
	node->next = engine->free_events;
	engine->free_events = node;
}

struct event_node *event_next(struct fw_conn *conn)
{
	struct fw_engine *engine = conn->engine;
	struct event_node *node = conn->events;

	event_give_back(engine, engine->returned);
	engine->returned = NULL;
	if (node == NULL)
		return NULL;
	conn->events = node->next;
	if (conn->events == NULL)
		conn->events_tail = &conn->events;
	engine->returned = node;
	return node;
}

void event_free_all(struct fw_conn *conn)
{
	while (conn->events != NULL) {
		struct event_node *next = conn->events->next;

		event_give_back(conn->engine, conn->events);
		conn->events = next;
	}
	conn->events_tail = &conn->events;
}
