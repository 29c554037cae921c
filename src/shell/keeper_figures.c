#include <string.h>

#include "base/close_reason.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/admin.h"
#include "shell/clock.h"
#include "shell/gate.h"
#include "shell/keeper_parts.h"

enum { SECOND_MS = 1000, PATIENCE_MS = 500, QUEUE = 1 << 20 };

_Static_assert(COUNTERS <= sizeof(((struct ipc_figures *)0)->counters) / sizeof(uint64_t),
	       "ipc_figures has too few words");

static uint64_t rounds_answered(const struct keeper_figures *figures)
{
	uint64_t least = figures->asked;

	for (unsigned i = 0; i < figures->workers; i++)
		if (figures->answered[i] < least)
			least = figures->answered[i];
	return least;
}

/* Asks stand in the order they were made, so of their targets and of their ends. */
static void serve(struct keeper_figures *figures, uint64_t now_ms)
{
	uint64_t answered = rounds_answered(figures);

	while (figures->asks != NULL && (figures->asks->target <= answered || figures->asks->until_ms <= now_ms)) {
		struct keeper_ask *ask = figures->asks;

		keeper_figures_forget(figures, ask);
		ask->ready(ask);
	}
}

static void on_patience(uv_timer_t *timer)
{
	struct keeper_figures *figures = timer->data;
	uint64_t now_ms = uv_now(timer->loop);

	serve(figures, now_ms);
	if (figures->asks != NULL)
		uv_timer_start(timer, on_patience, figures->asks->until_ms - now_ms, 0);
}

static void ask_round(struct keeper_figures *figures)
{
	struct ipc_empty empty = { 0 };

	figures->asked++;
	gate_tell(figures->gate, -1, IPC_ASK_FIGURES, &empty, sizeof(empty), slice(NULL, 0));
}

static void on_second(uv_timer_t *timer)
{
	struct keeper_figures *figures = timer->data;

	admin_tick(figures->keeper->admin);
	keeper_clock_check(figures->keeper);
	keeper_index_tick(figures->keeper);
	keeper_keys_tick(figures->keeper);
	keeper_blocks_tick(figures->keeper);
	keeper_responses_tick(&figures->keeper->responses);
	keeper_alerts_figures(&figures->keeper->alerts);
	if (figures->gate == NULL)
		return;
	/* An ask that found a worker's inbox full is never answered. With nobody waiting, counting begins anew. */
	if (figures->asks == NULL) {
		figures->asked = 0;
		memset(figures->answered, 0, sizeof(figures->answered));
	}
	ask_round(figures);
}

static void take_figures(struct keeper_figures *figures, const struct ipc_figures *message)
{
	if (message->worker >= figures->workers)
		return;
	memcpy(figures->latest[message->worker], message->counters, sizeof(figures->latest[0]));
	if (figures->answered[message->worker] < figures->asked)
		figures->answered[message->worker]++;
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
	struct keeper_figures *figures = poll->data;
	union {
		struct ipc_figures figures;
		struct ipc_empty empty;
		struct ipc_tallies tallies;
		struct ipc_gate_begins begins;
		struct ipc_blocked blocked;
		struct ipc_key_used used;
		struct ipc_connection connection;
		struct ipc_connections connections;
	} message;
	struct fw_slice tail;
	enum ipc_type type;

	(void)status;
	(void)events;
	ipc_fd_clear(figures->channel);

	while (ipc_receive(figures->channel, &type, &message, sizeof(message), &tail)) {
		if (type == IPC_FIGURES)
			take_figures(figures, &message.figures);
		else if (type == IPC_TALLIES)
			keeper_tallies_words(&figures->tallies, tail);
		else if (type == IPC_SERIES)
			keeper_tallies_series(&figures->tallies, tail);
		else if (type == IPC_CONNECTION)
			keeper_connections_take(&figures->keeper->connections, &message.connection, tail);
		else if (type == IPC_CONNECTIONS)
			keeper_connections_end(&figures->keeper->connections, &message.connections);
		else if (type == IPC_DRAINED && figures->drained != NULL)
			figures->drained(figures->drained_user, message.empty.unused);
		else if (figures->keeper->options.remote != NULL)
			keeper_store_hear(figures->keeper, type, &message);
	}
	serve(figures, uv_now(poll->loop));
}

int keeper_figures_start(struct keeper_figures *figures, struct keeper *keeper, uv_loop_t *loop)
{
	figures->keeper = keeper;
	figures->begun_us = figures->own_begun_us = clock_wall_us();
	figures->asks_end = &figures->asks;
	figures->owns_channel = keeper->options.figures == NULL;
	figures->channel = figures->owns_channel ? ipc_channel_share(QUEUE, true) : keeper->options.figures;
	if (figures->channel == NULL || uv_poll_init(loop, &figures->wake, ipc_fd(figures->channel)) != 0) {
		keeper_figures_free(figures);
		return -1;
	}
	uv_timer_init(loop, &figures->second);
	uv_timer_init(loop, &figures->patience);
	keeper->handles += 3;
	figures->wake.data = figures->second.data = figures->patience.data = figures;
	uv_poll_start(&figures->wake, UV_READABLE, on_wake);
	/* They alone must not keep the loop running. */
	uv_unref((uv_handle_t *)&figures->wake);
	uv_unref((uv_handle_t *)&figures->second);
	uv_timer_start(&figures->second, on_second, SECOND_MS, SECOND_MS);
	return 0;
}

void keeper_figures_stop(struct keeper_figures *figures)
{
	if (figures->channel == NULL)
		return;
	keeper_handle_close(figures->keeper, (uv_handle_t *)&figures->wake);
	keeper_handle_close(figures->keeper, (uv_handle_t *)&figures->second);
	keeper_handle_close(figures->keeper, (uv_handle_t *)&figures->patience);
}

void keeper_figures_free(struct keeper_figures *figures)
{
	if (figures->owns_channel)
		ipc_channel_free(figures->channel);
	figures->channel = NULL;
}

bool keeper_figures_tell(struct keeper_figures *figures, enum ipc_type type, const void *payload, size_t size)
{
	return figures->gate == NULL || gate_tell(figures->gate, -1, type, payload, size, slice(NULL, 0));
}

bool keeper_figures_end_user(struct keeper_figures *figures, struct fw_slice user)
{
	struct ipc_end_user ended = { .size = (uint32_t)user.size, .reason = CLOSE_REVOKED };

	memcpy(ended.user_id, user.data, user.size);
	return keeper_figures_tell(figures, IPC_END_USER, &ended, sizeof(ended));
}

void keeper_figures_set_gate(struct keeper_figures *figures, struct gate *gate)
{
	figures->gate = gate;
	figures->workers = gate != NULL ? gate_workers(gate) : 0;
	if (figures->workers > LIMIT_WORKERS)
		figures->workers = LIMIT_WORKERS;
	figures->asked = 0;
	memset(figures->answered, 0, sizeof(figures->answered));
}

void keeper_figures_ask(struct keeper_figures *figures, struct keeper_ask *ask)
{
	uv_loop_t *loop = figures->patience.loop;

	if (figures->gate == NULL) {
		ask->ready(ask);
		return;
	}
	ask_round(figures);
	uv_update_time(loop);
	ask->target = figures->asked;
	ask->until_ms = uv_now(loop) + PATIENCE_MS;
	ask->next = NULL;
	*figures->asks_end = ask;
	figures->asks_end = &ask->next;
	if (figures->asks == ask)
		uv_timer_start(&figures->patience, on_patience, PATIENCE_MS, 0);
}

void keeper_figures_forget(struct keeper_figures *figures, struct keeper_ask *ask)
{
	struct keeper_ask **link = &figures->asks;

	while (*link != NULL && *link != ask)
		link = &(*link)->next;
	if (*link == NULL)
		return;
	*link = ask->next;
	if (*link == NULL)
		figures->asks_end = link;
}

void keeper_figures_sum(const struct keeper_figures *figures, uint64_t ret_sum[COUNTERS])
{
	memset(ret_sum, 0, COUNTERS * sizeof(*ret_sum));
	for (unsigned worker = 0; worker < LIMIT_WORKERS; worker++)
		for (unsigned counter = 0; counter < COUNTERS; counter++)
			ret_sum[counter] += figures->latest[worker][counter];
}
