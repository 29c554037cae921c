/* Tasks and employees: create, update, delete; the sender gets the result, the others hear of what succeeded. */
#include <string.h>

#include "base/slice.h"
#include "shell/hub_state.h"

enum action { CREATE, UPDATE, DELETE };

/* What a kind of row is: its messages and its fields, in the order of hub_row.texts. */
struct kind {
	const char *word; /* for people */
	const char *key;  /* member that names a row */
	bool numbered;	  /* the hub numbers the rows; otherwise the client names them */
	const char *fields[HUB_TEXTS];
};
static const struct kind task = {
	"Task", "task_id", true, { "title", "description", "status", "assignee", "priority", "due_date" }
};
static const struct kind employee = { "Employee", "employee_id", false, { "name", "role", "email" } };

static const struct {
	const char *name;
	const struct kind *kind;
	enum action action;
} operations[] = {
	{ "create_task", &task, CREATE },	  { "update_task", &task, UPDATE },
	{ "delete_task", &task, DELETE },	  { "create_employee", &employee, CREATE },
	{ "update_employee", &employee, UPDATE }, { "delete_employee", &employee, DELETE },
};

struct outcome {
	bool success;
	const char *word; /* of the kind, or "" */
	const char *text;
	int64_t id; /* numbered kinds: 0 when there is none */
};

static struct outcome refused(const struct kind *kind, const char *text)
{
	return (struct outcome){ .word = kind->word, .text = text };
}

static struct hub_row *find(struct hub_call *call, const struct kind *kind, struct hub_rows *rows, struct fw_slice key)
{
	uint32_t node = json_member(&call->json, 0, kind->key, strlen(kind->key));
	int64_t id;

	if (!kind->numbered)
		return hub_rows_by_key(rows, key);
	if (node == 0 || !json_integer(&call->json, node, &id))
		return NULL;
	return hub_rows_by_id(rows, id);
}

/* Takes over the fields that the message has. */
static bool assign(struct hub_call *call, const struct kind *kind, struct hub_row *row)
{
	for (unsigned i = 0; i < HUB_TEXTS && kind->fields[i] != NULL; i++) {
		struct fw_slice value = hub_member_text(call, kind->fields[i]);

		if (value.data != NULL && !hub_rows_set(&row->texts[i], value))
			call->failed = true;
	}
	return !call->failed;
}

static struct outcome create(struct hub_call *call, const struct kind *kind, struct hub_rows *rows, struct fw_slice key)
{
	struct hub_row *row;
	bool full;

	if (!kind->numbered && find(call, kind, rows, key) != NULL)
		return refused(kind, " exists already");
	row = hub_rows_add(rows, &full);
	if (full)
		return refused(kind, " list is full");
	if (row == NULL || (!kind->numbered && !hub_rows_set(&row->key, key)) || !assign(call, kind, row)) {
		call->failed = true;
		if (row != NULL)
			hub_rows_remove(rows, row);
		return refused(kind, " could not be kept");
	}
	return (struct outcome){ true, kind->word, " created", kind->numbered ? row->id : 0 };
}

static struct outcome operate(struct hub_call *call, const struct kind *kind, enum action action, struct hub_rows *rows)
{
	struct fw_slice key = kind->numbered ? slice(NULL, 0) : hub_member_text(call, kind->key);
	struct hub_row *row;
	int64_t id;

	if (action == CREATE)
		return create(call, kind, rows, key);
	row = find(call, kind, rows, key);
	if (row == NULL)
		return refused(kind, " not found");
	id = row->id;
	if (action == UPDATE) {
		assign(call, kind, row);
		return (struct outcome){ true, kind->word, " updated", id };
	}
	hub_rows_remove(rows, row);
	return (struct outcome){ true, kind->word, " deleted", id };
}

static void write_result(struct hub_call *call, const struct kind *kind, const struct outcome *outcome)
{
	struct fw_slice key = kind->numbered ? slice(NULL, 0) : hub_member_text(call, kind->key);
	char text[64];
	size_t word = strlen(outcome->word), rest = strlen(outcome->text);

	memcpy(text, outcome->word, word);
	memcpy(text + word, outcome->text, rest);
	hub_open(call, "task_operation_result");
	json_write_key(&call->writer, "operation");
	json_write_string(&call->writer, call->name);
	json_write_key(&call->writer, "success");
	json_write_boolean(&call->writer, outcome->success);
	json_write_key(&call->writer, "message");
	json_write_text(&call->writer, slice(text, word + rest));
	if (key.data != NULL || outcome->id != 0) {
		json_write_key(&call->writer, kind->key);
		if (kind->numbered)
			json_write_integer(&call->writer, outcome->id);
		else
			json_write_text(&call->writer, key);
	}
}

void hub_tasks_message(struct hub_call *call)
{
	struct outcome outcome;
	size_t i = 0;

	while (i < sizeof(operations) / sizeof(operations[0]) && strcmp(call->name, operations[i].name) != 0)
		i++;
	if (i == sizeof(operations) / sizeof(operations[0]))
		return;
	pthread_mutex_lock(&call->hub->lock);
	outcome = operate(call, operations[i].kind, operations[i].action,
			  operations[i].kind == &task ? &call->hub->tasks : &call->hub->employees);
	pthread_mutex_unlock(&call->hub->lock);
	if (call->failed)
		return;
	write_result(call, operations[i].kind, &outcome);
	if (!hub_close(call))
		return;
	hub_deliver(call, "task_operation_result", call->who.connection_id, 0);
	if (outcome.success)
		hub_deliver(call, "task_operation_result", 0, call->who.connection_id);
}
