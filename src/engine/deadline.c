/* deadline.c: what happens when nothing happens: timeouts of phases, sessions, pings, stalled peers, due summaries. */
#include "base/slice.h"
#include "engine/conn_state.h"

static uint64_t seconds(int64_t count)
{
	return (uint64_t)count * SECOND_NS;
}

static void sooner(uint64_t *deadline, uint64_t at)
{
	if (at < *deadline)
		*deadline = at;
}

/* UINT64_MAX where it does not apply. */
static uint64_t session_end(const struct fw_conn *conn)
{
	uint64_t end = UINT64_MAX;

	if (conn->principal == NULL || conn->phase != PHASE_OPEN || conn_monitors(conn))
		return end;
	if (!conn->principal->anonymous)
		sooner(&end, conn->last_message_ns + seconds(conn->policy->settings.session_timeout * 60));
	if (!conn->principal->anonymous)
		sooner(&end, conn->principal->expires_ns);
	return end;
}

/* When the issuer of its token is asked about it again. */
static uint64_t ask_time(const struct fw_conn *conn)
{
	if (conn->principal == NULL || conn->principal->token == NULL || conn->phase != PHASE_OPEN)
		return UINT64_MAX;
	return conn->principal->ask_ns;
}

static uint64_t ping_time(const struct fw_conn *conn)
{
	const struct settings *settings = &conn->policy->settings;

	if (settings->ping_interval == 0 || conn->phase != PHASE_OPEN || conn_monitors(conn))
		return UINT64_MAX;
	return conn->last_input_ns + seconds(settings->ping_interval) +
	       (conn->ping_due ? seconds(settings->ping_timeout) : 0);
}

static uint64_t stall_end(const struct fw_conn *conn, enum fw_side side)
{
	return conn->stall_ns[side] != 0 ? conn->stall_ns[side] + seconds(conn->policy->settings.stall_timeout)
					 : UINT64_MAX;
}

uint64_t fw_conn_deadline(const struct fw_conn *conn)
{
	uint64_t deadline = conn->phase_until_ns;

	if (conn->phase == PHASE_DONE)
		return UINT64_MAX;
	sooner(&deadline, session_end(conn));
	sooner(&deadline, ping_time(conn));
	sooner(&deadline, ask_time(conn));
	sooner(&deadline, stall_end(conn, FW_CLIENT));
	sooner(&deadline, stall_end(conn, FW_UPSTREAM));
	if (conn->access != NULL)
		sooner(&deadline, conn->access->until_ns);
	return deadline;
}

static void phase_over(struct fw_conn *conn)
{
	switch (conn->phase) {
	case PHASE_HEAD:
	case PHASE_BODY:
	case PHASE_ADMIT:
		http_answer_refuse(conn, &(struct http_refusal){ .status = 408,
								 .cause = "the request head did not come in time",
								 .detail = "the request head did not come in time",
								 .event = EVENT_handshake_refused });
		break;
	case PHASE_LOGIN:
		ending_close(conn, CLOSE_AUTH_TIMEOUT, NULL, "no login in time");
		break;
	case PHASE_SLOT:
	case PHASE_SESSION:
		login_free(conn);
		ending_close(conn, CLOSE_AUTH_FAULT, NULL, "the store did not answer");
		break;
	case PHASE_DIAL:
	case PHASE_UPSTREAM_HEAD:
		upstream_failed(conn, "no answer in time");
		break;
	case PHASE_OWED:
		ending_close(conn, conn->end_reason, NULL, NULL);
		break;
	default:
		break; /* closing: ending_check sees that the time is over */
	}
}

static void ping(struct fw_conn *conn)
{
	if (conn->ping_due) {
		ending_close(conn, CLOSE_PING_TIMEOUT, NULL, "no answer to ping");
		return;
	}
	conn->ping_due = true;
	output_frame(conn, FW_CLIENT, WS_PING, slice(NULL, 0));
}

static void stalled(struct fw_conn *conn)
{
	bool client = stall_end(conn, FW_CLIENT) <= conn->engine->now.monotonic_ns;
	struct event_node *node;

	if (!client) {
		/* The server behind takes nothing more: nothing can be said to it, but the client can be told. */
		conn->upstream->lost = true;
		buf_clear(&conn->upstream->out, &conn->engine->pool);
		conn->stall_ns[FW_UPSTREAM] = 0;
		conn->held[FW_UPSTREAM] = false;
		ending_close(conn, CLOSE_STALLED, NULL, "the upstream reads nothing");
		return;
	}
	node = event_record(conn, EVENT_slow_consumer);

	event_text(node, "cause", "reads nothing");
	event_text(node, "side", "client");
	conn->end_reason = CLOSE_STALLED;
	conn->stall_ns[FW_CLIENT] = conn->stall_ns[FW_UPSTREAM] = 0;
	ending_drop(conn, NULL);
}

/* Both may be due at once. */
static void care(struct fw_conn *conn)
{
	uint64_t now = conn->engine->now.monotonic_ns;

	if (now >= ask_time(conn))
		login_introspect_again(conn);
	if (now >= ping_time(conn))
		ping(conn);
}

void fw_conn_tick(struct fw_conn *conn)
{
	uint64_t now = conn->engine->now.monotonic_ns;

	if (conn->access != NULL && now >= conn->access->until_ns)
		access_flush(conn);
	if (now >= stall_end(conn, FW_CLIENT) || now >= stall_end(conn, FW_UPSTREAM))
		stalled(conn);
	else if (now >= conn->phase_until_ns)
		phase_over(conn);
	else if (now >= session_end(conn))
		ending_close(conn, CLOSE_SESSION_EXPIRED, NULL,
			     now >= conn->principal->expires_ns ? "credential or absolute end" : "idle");
	else if (now >= ask_time(conn) || now >= ping_time(conn))
		care(conn);
}
