#include "shell/hub.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/hub_state.h"

struct hub *hub_new(void)
{
	struct hub *hub = mem_zero(1, sizeof(*hub));

	if (hub == NULL)
		return NULL;
	if (pthread_mutex_init(&hub->lock, NULL) != 0) {
		mem_free(hub);
		return NULL;
	}
	hub->tasks.limit = LIMIT_HUB_TASKS;
	hub->employees.limit = LIMIT_HUB_EMPLOYEES;
	return hub;
}

struct hub *hub_free(struct hub *hub)
{
	if (hub == NULL)
		return NULL;
	hub_users_fini(&hub->users);
	hub_rows_fini(&hub->tasks);
	hub_rows_fini(&hub->employees);
	pthread_mutex_destroy(&hub->lock);
	mem_free(hub);
	return NULL;
}

static void call_init(struct hub_call *call, size_t arena_limit)
{
	arena_init(&call->arena, arena_limit);
	pool_init(&call->pool);
}

static void call_fini(struct hub_call *call)
{
	buf_clear(&call->out, &call->pool);
	pool_fini(&call->pool);
	arena_fini(&call->arena);
}

void hub_open(struct hub_call *call, const char *type)
{
	buf_clear(&call->out, &call->pool);
	call->writer = (struct json_writer){ .out = &call->out, .pool = &call->pool };
	json_write_open(&call->writer, '{');
	json_write_key(&call->writer, "type");
	json_write_string(&call->writer, type);
	json_write_key(&call->writer, "data");
	json_write_open(&call->writer, '{');
}

bool hub_close(struct hub_call *call)
{
	json_write_close(&call->writer, '}');
	json_write_close(&call->writer, '}');
	if (call->writer.failed)
		call->failed = true;
	return !call->failed;
}

void hub_deliver(struct hub_call *call, const char *type, uint64_t only, uint64_t except)
{
	uint16_t outbound = policy_outbound_find(call->policy, slice_text(type));

	/* A policy that does not list the type lets nobody see it. */
	if (!call->failed && outbound != POLICY_NONE)
		call->to->deliver(call->to->user, outbound, slice(buf_data(&call->out), buf_size(&call->out)), only,
				  except);
}

void hub_write_time(struct hub_call *call)
{
	char text[ENCODE_RFC3339];

	encode_rfc3339(call->wall_us, text);
	json_write_key(&call->writer, "timestamp");
	json_write_text(&call->writer, slice(text, sizeof(text)));
}

struct fw_slice hub_member_text(struct hub_call *call, const char *name)
{
	uint32_t node = json_member(&call->json, 0, name, strlen(name));
	struct fw_slice text = slice(NULL, 0);

	if (node == 0 || call->json.nodes[node].kind != JSON_STRING)
		return text;
	text = json_text(&call->json, node, &call->arena);
	if (text.data == NULL)
		call->failed = true;
	return text;
}

static void user_status(struct hub_call *call, const char *status)
{
	hub_open(call, "user_status");
	json_write_key(&call->writer, "user_id");
	json_write_text(&call->writer, call->who.user_id);
	json_write_key(&call->writer, "status");
	json_write_string(&call->writer, status);
	json_write_key(&call->writer, "role");
	json_write_text(&call->writer, call->who.role);
	hub_write_time(call);
	if (hub_close(call))
		hub_deliver(call, "user_status", 0, call->who.connection_id);
}

void hub_join(struct hub *hub, const struct fw_policy *policy, struct fw_principal who, uint64_t wall_us,
	      const struct hub_delivery *to)
{
	struct hub_call call = { .hub = hub, .policy = policy, .who = who, .wall_us = wall_us, .to = to };
	bool known;

	call_init(&call, LIMIT_ARENA_SLACK);
	pthread_mutex_lock(&hub->lock);
	known = hub_users_add(&hub->users, who);
	pthread_mutex_unlock(&hub->lock);
	if (known)
		user_status(&call, "connected");
	call_fini(&call);
}

void hub_leave(struct hub *hub, const struct fw_policy *policy, struct fw_principal who, uint64_t wall_us,
	       const struct hub_delivery *to)
{
	struct hub_call call = { .hub = hub, .policy = policy, .who = who, .wall_us = wall_us, .to = to };
	bool known;

	call_init(&call, LIMIT_ARENA_SLACK);
	pthread_mutex_lock(&hub->lock);
	known = hub_users_remove(&hub->users, who.connection_id);
	pthread_mutex_unlock(&hub->lock);
	if (known)
		user_status(&call, "disconnected");
	call_fini(&call);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next word of a text; false at its end. */
static bool next_word(struct fw_slice *text, struct fw_slice *ret_word)
{
	size_t size = 0;

	while (text->size != 0 && is_blank(text->data[0]))
		*text = slice_from(*text, 1);
	while (size < text->size && !is_blank(text->data[size]))
		size++;
	*ret_word = slice(text->data, size);
	*text = slice_from(*text, size);
	return size != 0;
}

/* A piece of an HTML fragment with its mark-up shown as text. A word cut out of an allowed attribute could otherwise
 * begin a tag of its own where a client shows the words of a command one by one. */
static void write_inert(struct hub_call *call, struct fw_slice piece)
{
	struct buf text = { 0 };
	int result = 0;

	for (size_t i = 0; i < piece.size && result == 0; i++) {
		const char *instead = piece.data[i] == '<'    ? "&lt;"
				      : piece.data[i] == '>'  ? "&gt;"
				      : piece.data[i] == '"'  ? "&quot;"
				      : piece.data[i] == '\'' ? "&#39;"
							      : NULL;

		if (instead != NULL)
			result = buf_append(&text, &call->pool, instead, strlen(instead));
		else
			result = buf_append(&text, &call->pool, &piece.data[i], 1);
	}
	if (result != 0)
		call->failed = true;
	else
		json_write_text(&call->writer, slice(text.base != NULL ? buf_data(&text) : NULL, buf_size(&text)));
	buf_clear(&text, &call->pool);
}

/* "/name word word": is_command, command, command_args. */
static void write_command(struct hub_call *call, struct fw_slice html)
{
	bool is_command = html.size != 0 && html.data[0] == '/';
	struct fw_slice rest = slice_from(html, 1), word;

	json_write_key(&call->writer, "is_command");
	json_write_boolean(&call->writer, is_command);
	json_write_key(&call->writer, "command");
	if (!is_command) {
		json_write_null(&call->writer);
	} else if (rest.size == 0 || is_blank(rest.data[0])) {
		json_write_string(&call->writer, "");
	} else {
		next_word(&rest, &word);
		write_inert(call, word);
	}
	json_write_key(&call->writer, "command_args");
	json_write_open(&call->writer, '[');
	while (is_command && next_word(&rest, &word))
		write_inert(call, word);
	json_write_close(&call->writer, ']');
}

/* A member of the message as it was sent, or instead. */
static void write_member(struct hub_call *call, const char *name, const char *instead)
{
	uint32_t node = call->json.count != 0 ? json_member(&call->json, 0, name, strlen(name)) : 0;

	if (node == 0 && instead == NULL)
		return;
	json_write_key(&call->writer, name);
	if (node != 0)
		json_write_value(&call->writer, &call->json, node, &call->arena, NULL, NULL);
	else
		json_write_raw(&call->writer, slice_text(instead));
}

void hub_chat(struct hub_call *call, struct fw_slice html, uint64_t except)
{
	hub_open(call, "chat_message");
	json_write_key(&call->writer, "id");
	json_write_integer(&call->writer,
			   (int64_t)(atomic_fetch_add_explicit(&call->hub->next_chat_id, 1, memory_order_relaxed) + 1));
	json_write_key(&call->writer, "text");
	json_write_text(&call->writer, html);
	json_write_key(&call->writer, "sender");
	json_write_text(&call->writer, call->who.user_id);
	json_write_key(&call->writer, "sender_role");
	json_write_text(&call->writer, call->who.role);
	hub_write_time(call);
	write_member(call, "mentions", "[]");
	write_command(call, html);
	write_member(call, "reply_to", "null");
	write_member(call, "attachments", NULL);
	json_write_key(&call->writer, "security_verified");
	json_write_boolean(&call->writer, true);
	if (hub_close(call))
		hub_deliver(call, "chat_message", 0, except);
}

static void chat_message(struct hub_call *call)
{
	hub_chat(call, hub_member_text(call, "text"), call->who.connection_id);
}

static void typing(struct hub_call *call)
{
	hub_open(call, "typing");
	json_write_key(&call->writer, "user_id");
	json_write_text(&call->writer, call->who.user_id);
	write_member(call, "is_typing", "true");
	if (hub_close(call))
		hub_deliver(call, "typing", 0, call->who.connection_id);
}

static const struct {
	const char *name;
	void (*handle)(struct hub_call *call);
} handlers[] = {
	{ "chat_message", chat_message },	   { "typing", typing },
	{ "create_task", hub_tasks_message },	   { "update_task", hub_tasks_message },
	{ "delete_task", hub_tasks_message },	   { "create_employee", hub_tasks_message },
	{ "update_employee", hub_tasks_message },  { "delete_employee", hub_tasks_message },
	{ "admin_command", hub_commands_message }, { "system_command", hub_commands_message },
};

int hub_message(struct hub *hub, const struct fw_policy *policy, struct fw_principal who,
		const struct fw_incoming *message, uint64_t wall_us, const struct hub_delivery *to)
{
	struct hub_call call = { .hub = hub, .policy = policy, .who = who, .wall_us = wall_us, .to = to };
	size_t limit;

	if (message->type >= policy->message_count) /* opaque: the hub has nothing to say to it */
		return 0;
	call.name = policy->messages[message->type].name;
	if (!size_mul(message->payload.size, 64, &limit) || !size_add(limit, LIMIT_ARENA_SLACK, &limit))
		return -1;
	call_init(&call, limit);
	if (json_parse(&call.arena, message->payload, JSON_UTF8_KNOWN, &call.json, NULL) != JSON_OK) {
		call.failed = true;
	} else {
		for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
			if (strcmp(call.name, handlers[i].name) == 0) {
				handlers[i].handle(&call);
				break;
			}
		}
	}
	call_fini(&call);
	return call.failed ? -1 : 0;
}
