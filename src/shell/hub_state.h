/* hub_state.h: the inside of the hub, shared by its files only: what it keeps, and one call of it.
 * Locks: hub->lock guards users and both kinds of rows; it is never held while a message is delivered. */
#ifndef SHELL_HUB_STATE_H
#define SHELL_HUB_STATE_H
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "codec/json.h"
#include "shell/hub.h"

/* hub_rows.c: tasks and employees: a bounded list of rows of texts, in the order they were made. */
enum { HUB_TEXTS = 6 };
struct hub_text {
	char *data; /* NULL: not set */
	size_t size;
};
struct hub_row {
	int64_t id;	     /* tasks */
	struct hub_text key; /* employees */
	struct hub_text texts[HUB_TEXTS];
};
struct hub_rows {
	struct hub_row *rows;
	size_t count;
	size_t room;
	size_t limit;
	int64_t last_id;
};
void hub_rows_fini(struct hub_rows *rows);
struct hub_row *hub_rows_by_id(struct hub_rows *rows, int64_t id);
struct hub_row *hub_rows_by_key(struct hub_rows *rows, struct fw_slice key);
/* A new row at the end with the next id; NULL at the limit (*ret_full) or when memory is short. */
struct hub_row *hub_rows_add(struct hub_rows *rows, bool *ret_full);
void hub_rows_remove(struct hub_rows *rows, struct hub_row *row);
bool hub_rows_set(struct hub_text *text, struct fw_slice value); /* false: memory is short, the old text stays */

/* hub_users.c: who is connected, by connection. */
enum { HUB_BUCKETS = 4096 };
struct hub_user {
	struct hub_user *next;
	uint64_t connection_id;
	size_t user_size;
	size_t role_size;
	char texts[]; /* user id, then role */
};
struct hub_users {
	struct hub_user *buckets[HUB_BUCKETS];
	size_t count;
};
void hub_users_fini(struct hub_users *users);
bool hub_users_add(struct hub_users *users, struct fw_principal who);
bool hub_users_remove(struct hub_users *users, uint64_t connection_id);

struct hub {
	pthread_mutex_t lock;
	struct hub_users users;
	struct hub_rows tasks;
	struct hub_rows employees;
	_Atomic uint64_t next_chat_id;
};

/* One message on its way through the hub. What it says is read before the first delivery: the payload may be gone then.
 */
struct hub_call {
	struct hub *hub;
	const struct fw_policy *policy;
	struct fw_principal who;
	uint64_t wall_us;
	const struct hub_delivery *to;
	const char *name; /* of the message type */
	struct json json;
	struct arena arena;
	struct pool pool;
	struct buf out;
	struct json_writer writer;
	bool failed; /* memory was short */
};

/* hub.c. hub_open begins {"type":type,"data":{ in call->writer; hub_close ends it; hub_deliver sends what was built. */
void hub_open(struct hub_call *call, const char *type);
bool hub_close(struct hub_call *call);
void hub_deliver(struct hub_call *call, const char *type, uint64_t only, uint64_t except);
void hub_write_time(struct hub_call *call);
/* A text member of the message decoded; data NULL when it is absent (or memory is short: call->failed). */
struct fw_slice hub_member_text(struct hub_call *call, const char *name);
/* A chat line of who, from an HTML fragment, to all but except. */
void hub_chat(struct hub_call *call, struct fw_slice html, uint64_t except);

void hub_tasks_message(struct hub_call *call);	  /* hub_tasks.c: *_task, *_employee */
void hub_commands_message(struct hub_call *call); /* hub_commands.c: admin_command, system_command */
#endif
