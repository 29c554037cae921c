/* capture.c: what was judged, told to whoever records it. */
#include "engine/capture.h"

#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/message.h"

void engine_capture(struct fw_engine *engine, engine_capture_function *function, void *user)
{
	engine->capture = function;
	engine->capture_user = user;
}

static struct engine_captured begin(const struct fw_conn *conn, bool binary, struct fw_slice text)
{
	const struct fw_principal who = fw_conn_principal(conn);

	return (struct engine_captured){
		.connection_id = conn->id,
		.wall_us = conn->engine->now.wall_us,
		.user = who.user_id,
		.role = who.role,
		.path = conn->arrival != NULL ? slice(conn->arrival->texts, conn->arrival->path_size) : slice(NULL, 0),
		.binary = binary,
		.text = text,
	};
}

static bool is_login(const struct message *message)
{
	return message->rule != NULL && message->rule->answered_here && strcmp(message->rule->name, "auth") == 0;
}

void capture_inbound(const struct fw_conn *conn, const struct message *message, unsigned verdict, unsigned stage)
{
	struct engine_captured captured = begin(conn, message->binary, message->text);
	bool stopped = verdict >= VERDICT_REFUSE;

	/* What is still compressed was never read. */
	if (is_login(message) || message->compressed)
		return;
	captured.rule = message->rule;
	captured.would = stopped && conn_monitors(conn);
	captured.refused = verdict == VERDICT_REFUSE && !captured.would;
	captured.closed = verdict == VERDICT_CLOSE && !captured.would;
	if (stopped) {
		captured.stage = stage < pipeline_count ? pipeline_stages[stage].name : NULL;
		captured.code = message->error != ERROR_NONE ? error_code_name(message->error) : NULL;
	} else if (!conn_monitors(conn)) {
		captured.rewritten = pipeline_rewrites(message) || (conn->upstream != NULL && message->csrf_node != 0);
	}
	conn->engine->capture(conn->engine->capture_user, &captured);
}

void capture_outbound(const struct fw_conn *conn, bool binary, struct fw_slice text, bool passes)
{
	struct engine_captured captured = begin(conn, binary, text);

	captured.outbound = true;
	captured.refused = !passes;
	conn->engine->capture(conn->engine->capture_user, &captured);
}
