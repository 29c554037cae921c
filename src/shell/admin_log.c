/* How much the log says, by module: asked and changed while the server runs. */
#include <string.h>

#include "shell/admin_parts.h"
#include "shell/log.h"

enum { CHANGES_MOST = 1024 };

static void answer(struct admin_conn *conn)
{
	const struct log *log = conn->admin->keeper->options.log;
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "levels");
	json_write_open(&w, '{');
	for (unsigned i = 0; i < LOG_MODULES; i++) {
		json_write_key(&w, log_level_module(i));
		json_write_string(&w, log_level_name(atomic_load(&log->levels[i])));
	}
	json_write_close(&w, '}');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

void admin_log_show(struct admin_conn *conn)
{
	if (conn->admin->keeper->options.log == NULL)
		admin_answer_problem(conn, 404, "this server has no log", "");
	else
		answer(conn);
}

/* {"levels": "connection=trace,upstream=debug"}; NULL, or what does not hold. */
static const char *read_changes(struct admin_conn *conn, struct fw_slice *ret_changes)
{
	struct arena *arena = &conn->admin->arena;
	struct json json;
	uint32_t levels;

	if (json_parse(arena, conn->content, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {levels}";
	levels = json_member(&json, 0, "levels", 6);
	if (levels == 0 || json.nodes[levels].kind != JSON_STRING || json.nodes[0].count != 1)
		return "the body must be {levels}, a text such as \"connection=trace,upstream=debug\"";
	*ret_changes = json_text(&json, levels, arena);
	return ret_changes->data != NULL && ret_changes->size <= CHANGES_MOST ? NULL : "levels is too long a text";
}

/* Those that changed. */
static void write_state(struct admin_conn *conn, const struct log *log, const uint8_t before[LOG_MODULES],
			enum admin_when state)
{
	struct json_writer w = admin_record_state(conn->admin, state);

	json_write_open(&w, '{');
	for (unsigned i = 0; i < LOG_MODULES; i++) {
		uint8_t after = atomic_load(&log->levels[i]);

		if (after != before[i])
			admin_text_write(&w, log_level_module(i),
					 log_level_name(state == ADMIN_BEFORE ? before[i] : after));
	}
	json_write_close(&w, '}');
}

void admin_log_set(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct log *log = keeper->options.log;
	struct fw_slice changes, wrong_part;
	uint8_t before[LOG_MODULES];
	struct fw_record record;
	const char *wrong;

	if (log == NULL) {
		admin_answer_problem(conn, 404, "this server has no log", "");
		return;
	}
	wrong = read_changes(conn, &changes);
	for (unsigned i = 0; i < LOG_MODULES; i++)
		before[i] = atomic_load(&log->levels[i]);
	if (wrong == NULL && !log_set(log, changes, &wrong_part))
		wrong = "levels must be LEVEL or MODULE=LEVEL, with commas between them; GET this path for the "
			"modules, "
			"levels are error, warn, info, debug, trace";
	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	keeper_store_log(keeper, changes);
	admin_record_init(&record, conn, EVENT_admin_action, "log levels");
	admin_record_text(&record, "levels", changes);
	write_state(conn, log, before, ADMIN_BEFORE);
	write_state(conn, log, before, ADMIN_AFTER);
	admin_record_change(conn->admin, &record);
	log_info(log, server, "log levels changed by an operator: %.*s", (int)changes.size, (const char *)changes.data);
	answer(conn);
}
