#include <stdatomic.h>

#include "shell/admin_parts.h"

static void answer(struct admin_conn *conn, unsigned status, const char *word)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "status");
	json_write_string(&w, word);
	json_write_close(&w, '}');
	admin_answer_written(conn, status, &w);
}

void admin_health_live(struct admin_conn *conn)
{
	answer(conn, 200, "ok");
}

void admin_health_ready(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;

	if (keeper->draining)
		answer(conn, 503, "draining");
	else if (keeper->figures.gate == NULL)
		answer(conn, 503, "starting");
	else if (atomic_load(&keeper->recorder.failing))
		answer(conn, 503, "the record cannot be written");
	else
		answer(conn, 200, "ready");
}
