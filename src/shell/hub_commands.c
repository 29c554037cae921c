/* Commands of admin_command and system_command: the rows of hub_commands.def and nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "shell/hub_state.h"

enum { ADMIN = 1, SYSTEM = 2, EITHER = ADMIN | SYSTEM, LISTED = 100, REPLY = 128 };

/* Writes "result" when it has one (call->writer is open), and a text for people. The hub's lock is held. */
typedef void run_function(struct hub_call *call, char reply[REPLY]);

#define HUB_COMMAND(name, senders, help) static run_function run_##name;
#include "tables/hub_commands.def"
#undef HUB_COMMAND

static const struct command {
	const char *name;
	unsigned senders;
	const char *help;
	run_function *run;
} commands[] = {
#define HUB_COMMAND(name, senders, help) { #name, senders, help, run_##name },
#include "tables/hub_commands.def"
#undef HUB_COMMAND
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static unsigned sender_of(const struct hub_call *call)
{
	return strcmp(call->name, "admin_command") == 0 ? ADMIN : SYSTEM;
}

static void run_help(struct hub_call *call, char reply[REPLY])
{
	json_write_key(&call->writer, "result");
	json_write_open(&call->writer, '[');
	for (unsigned i = 0; i < COMMANDS; i++) {
		if ((commands[i].senders & sender_of(call)) == 0)
			continue;
		json_write_open(&call->writer, '{');
		json_write_key(&call->writer, "command");
		json_write_string(&call->writer, commands[i].name);
		json_write_key(&call->writer, "help");
		json_write_string(&call->writer, commands[i].help);
		json_write_close(&call->writer, '}');
	}
	json_write_close(&call->writer, ']');
	snprintf(reply, REPLY, "The commands there are");
}

static void run_status(struct hub_call *call, char reply[REPLY])
{
	struct hub *hub = call->hub;

	json_write_key(&call->writer, "result");
	json_write_open(&call->writer, '{');
	json_write_key(&call->writer, "users");
	json_write_integer(&call->writer, (int64_t)hub->users.count);
	json_write_key(&call->writer, "tasks");
	json_write_integer(&call->writer, (int64_t)hub->tasks.count);
	json_write_key(&call->writer, "employees");
	json_write_integer(&call->writer, (int64_t)hub->employees.count);
	json_write_close(&call->writer, '}');
	snprintf(reply, REPLY, "%zu connected, %zu tasks, %zu employees", hub->users.count, hub->tasks.count,
		 hub->employees.count);
}

static void run_list_users(struct hub_call *call, char reply[REPLY])
{
	const struct hub_users *users = &call->hub->users;
	unsigned listed = 0;

	json_write_key(&call->writer, "result");
	json_write_open(&call->writer, '[');
	for (unsigned i = 0; i < HUB_BUCKETS && listed < LISTED; i++) {
		for (const struct hub_user *user = users->buckets[i]; user != NULL && listed < LISTED;
		     user = user->next) {
			json_write_open(&call->writer, '{');
			json_write_key(&call->writer, "user_id");
			json_write_text(&call->writer, slice(user->texts, user->user_size));
			json_write_key(&call->writer, "role");
			json_write_text(&call->writer, slice(user->texts + user->user_size, user->role_size));
			json_write_close(&call->writer, '}');
			listed++;
		}
	}
	json_write_close(&call->writer, ']');
	snprintf(reply, REPLY, "%u of %zu connected", listed, users->count);
}

static void write_text(struct hub_call *call, const char *key, const struct hub_text *text)
{
	if (text->data == NULL)
		return;
	json_write_key(&call->writer, key);
	json_write_text(&call->writer, slice(text->data, text->size));
}

static void run_list_tasks(struct hub_call *call, char reply[REPLY])
{
	const struct hub_rows *tasks = &call->hub->tasks;
	size_t listed = tasks->count < LISTED ? tasks->count : LISTED;

	json_write_key(&call->writer, "result");
	json_write_open(&call->writer, '[');
	for (size_t i = tasks->count - listed; i < tasks->count; i++) {
		const struct hub_row *row = &tasks->rows[i];

		json_write_open(&call->writer, '{');
		json_write_key(&call->writer, "task_id");
		json_write_integer(&call->writer, row->id);
		write_text(call, "title", &row->texts[0]);
		write_text(call, "status", &row->texts[2]);
		write_text(call, "assignee", &row->texts[3]);
		write_text(call, "priority", &row->texts[4]);
		write_text(call, "due_date", &row->texts[5]);
		json_write_close(&call->writer, '}');
	}
	json_write_close(&call->writer, ']');
	snprintf(reply, REPLY, "%zu of %zu tasks", listed, tasks->count);
}

static void run_list_employees(struct hub_call *call, char reply[REPLY])
{
	const struct hub_rows *employees = &call->hub->employees;
	size_t listed = employees->count < LISTED ? employees->count : LISTED;

	json_write_key(&call->writer, "result");
	json_write_open(&call->writer, '[');
	for (size_t i = employees->count - listed; i < employees->count; i++) {
		const struct hub_row *row = &employees->rows[i];

		json_write_open(&call->writer, '{');
		write_text(call, "employee_id", &row->key);
		write_text(call, "name", &row->texts[0]);
		write_text(call, "role", &row->texts[1]);
		write_text(call, "email", &row->texts[2]);
		json_write_close(&call->writer, '}');
	}
	json_write_close(&call->writer, ']');
	snprintf(reply, REPLY, "%zu of %zu employees", listed, employees->count);
}

static void run_clear_tasks(struct hub_call *call, char reply[REPLY])
{
	snprintf(reply, REPLY, "%zu tasks forgotten", call->hub->tasks.count);
	hub_rows_fini(&call->hub->tasks);
}

static void run_announce(struct hub_call *call, char reply[REPLY])
{
	(void)call;
	snprintf(reply, REPLY, "Announced");
}

/* The words of args as an HTML fragment of plain text: they were never judged as HTML. */
static struct fw_slice announcement(struct hub_call *call, struct buf *text)
{
	uint32_t args = json_member(&call->json, 0, "args", 4);
	int result = 0;

	if (args == 0 || call->json.nodes[args].kind != JSON_ARRAY)
		return slice(NULL, 0);
	for (uint32_t node = args + 1; node < call->json.nodes[args].next; node = call->json.nodes[node].next) {
		struct fw_slice word = json_text(&call->json, node, &call->arena);

		if (word.data == NULL) {
			call->failed = true;
			break;
		}
		if (node != args + 1)
			result |= buf_append(text, &call->pool, " ", 1);
		for (size_t i = 0; i < word.size; i++) {
			const char *instead = word.data[i] == '<'   ? "&lt;"
					      : word.data[i] == '>' ? "&gt;"
					      : word.data[i] == '&' ? "&amp;"
					      : word.data[i] == '"' ? "&quot;"
								    : NULL;

			result |= instead != NULL ? buf_append(text, &call->pool, instead, strlen(instead))
						  : buf_append(text, &call->pool, &word.data[i], 1);
		}
	}
	if (result != 0)
		call->failed = true;
	return text->base != NULL ? slice(buf_data(text), buf_size(text)) : slice(NULL, 0);
}

static void write_command_result(struct hub_call *call, const struct command *command, struct fw_slice name)
{
	char reply[REPLY] = "Unknown command; \"help\" lists them";

	hub_open(call, "admin_command_result");
	json_write_key(&call->writer, "command");
	json_write_text(&call->writer, name);
	json_write_key(&call->writer, "success");
	json_write_boolean(&call->writer, command != NULL);
	if (command != NULL) {
		pthread_mutex_lock(&call->hub->lock);
		command->run(call, reply);
		pthread_mutex_unlock(&call->hub->lock);
	}
	json_write_key(&call->writer, "message");
	json_write_string(&call->writer, reply);
	if (hub_close(call))
		hub_deliver(call, "admin_command_result", call->who.connection_id, 0);
}

void hub_commands_message(struct hub_call *call)
{
	struct fw_slice name = hub_member_text(call, "command"), text = slice(NULL, 0);
	const struct command *command = NULL;
	struct buf plain = { 0 };

	for (unsigned i = 0; i < COMMANDS; i++)
		if ((commands[i].senders & sender_of(call)) != 0 && slice_is(name, commands[i].name))
			command = &commands[i];
	if (command != NULL && command->run == run_announce)
		text = announcement(call, &plain);
	if (!call->failed)
		write_command_result(call, command, name);
	call->json = (struct json){ 0 }; /* the payload may be gone: something was delivered */
	if (!call->failed && text.size != 0)
		hub_chat(call, text, call->who.connection_id);
	buf_clear(&plain, &call->pool);
}
