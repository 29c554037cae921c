#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/gate.h"
#include "shell/keeper_parts.h"

enum { AGAIN_MS = 1000 }; /* after which one may ask again who found no room */

static void tell(struct keeper_asks *asks, const struct ipc_ask *ask, const struct fw_answer *answer)
{
	struct ipc_answer message;
	struct fw_slice tail;
	uint8_t *octets = ipc_make_answer(answer, &message, &tail);

	/* The need must not stay open for an answer that is too large. */
	if (octets == NULL)
		octets = ipc_make_answer(&(struct fw_answer){ .code = FW_ANSWER_FAILED }, &message, &tail);
	if (octets == NULL)
		return;
	message.connection = ask->connection;
	message.need_id = ask->need_id;
	message.generation = ask->generation;
	message.kind = ask->kind;
	/* A worker that cannot take it has a full inbox of other things: the login's deadline ends that wait. */
	if (asks->gate != NULL)
		gate_tell(asks->gate, ask->worker, IPC_ANSWER, &message, sizeof(message), tail);
	ipc_answer_free(octets, tail);
}

static struct keeper_question *question_new(struct keeper_asks *asks, const struct ipc_ask *message,
					    const struct fw_need *need)
{
	size_t size = need->user_id.size + need->key.size;
	struct keeper_question *question = mem_alloc(sizeof(*question) + size);

	if (question == NULL)
		return NULL;
	*question = (struct keeper_question){ .asks = asks,
					      .need = *need,
					      .connection = message->connection,
					      .generation = message->generation,
					      .worker = message->worker,
					      .size = size };
	if (need->user_id.size != 0)
		memcpy(question->texts, need->user_id.data, need->user_id.size);
	if (need->key.size != 0)
		memcpy(question->texts + need->user_id.size, need->key.data, need->key.size);
	question->need.user_id = slice(question->texts, need->user_id.size);
	question->need.key = slice(question->texts + need->user_id.size, need->key.size);
	question->next = asks->open;
	question->link = &asks->open;
	if (asks->open != NULL)
		asks->open->link = &question->next;
	asks->open = question;
	asks->count++;
	return question;
}

static void question_free(struct keeper_question *question)
{
	struct keeper_asks *asks = question->asks;

	*question->link = question->next;
	if (question->next != NULL)
		question->next->link = question->link;
	asks->count--;
	mem_wipe(question, sizeof(*question) + question->size);
	mem_free(question);
	if (asks->stopping && asks->count == 0)
		keeper_handle_close(asks->keeper, (uv_handle_t *)&asks->wake);
}

void keeper_question_answer(struct keeper_question *question, const struct fw_answer *answer)
{
	const struct ipc_ask ask = { .connection = question->connection,
				     .need_id = question->need.id,
				     .generation = question->generation,
				     .worker = question->worker,
				     .kind = (uint16_t)question->need.kind };

	tell(question->asks, &ask, answer);
	question_free(question);
}

static void take(struct keeper_asks *asks, const struct ipc_ask *message, struct fw_slice tail)
{
	struct fw_answer answer = { .code = FW_ANSWER_FAILED };
	struct keeper_question *question;
	struct fw_need need;

	if (ipc_read_ask(message, tail, &need) && message->kind < KEEPER_KINDS &&
	    asks->handlers[message->kind].function != NULL) {
		question = asks->count < LIMIT_QUESTIONS ? question_new(asks, message, &need) : NULL;
		if (question != NULL) {
			asks->handlers[message->kind].function(asks->handlers[message->kind].user, question);
			return;
		}
		answer = (struct fw_answer){ .code = FW_ANSWER_LIMITED, .retry_after_ms = AGAIN_MS };
	}
	tell(asks, message, &answer);
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
	struct keeper_asks *asks = poll->data;
	struct fw_slice tail;
	struct ipc_ask ask;
	enum ipc_type type;

	(void)status;
	(void)events;
	ipc_fd_clear(asks->channel);
	/* Also when nothing is left: that wipes the last one. */
	while (ipc_receive(asks->channel, &type, &ask, sizeof(ask), &tail))
		if (type == IPC_ASK && !asks->stopping)
			take(asks, &ask, tail);
}

int keeper_asks_start(struct keeper_asks *asks, struct keeper *keeper, uv_loop_t *loop)
{
	asks->keeper = keeper;
	asks->owns_channel = keeper->options.asks == NULL;
	asks->channel = asks->owns_channel ? ipc_channel_share(LIMIT_ASKS, true) : keeper->options.asks;
	if (asks->channel == NULL || uv_poll_init(loop, &asks->wake, ipc_fd(asks->channel)) != 0) {
		keeper_asks_free(asks);
		return -1;
	}
	keeper->handles++;
	asks->wake.data = asks;
	uv_poll_start(&asks->wake, UV_READABLE, on_wake);
	uv_unref((uv_handle_t *)&asks->wake); /* it alone must not keep the loop running */
	return 0;
}

void keeper_asks_handle(struct keeper_asks *asks, enum fw_need_kind kind, keeper_ask_function *function, void *user)
{
	asks->handlers[kind].function = function;
	asks->handlers[kind].user = user;
}

void keeper_asks_stop(struct keeper_asks *asks)
{
	if (asks->channel == NULL)
		return;
	asks->stopping = true;
	uv_ref((uv_handle_t *)&asks->wake);
	if (asks->count == 0)
		keeper_handle_close(asks->keeper, (uv_handle_t *)&asks->wake);
}

void keeper_asks_free(struct keeper_asks *asks)
{
	if (asks->owns_channel)
		ipc_channel_free(asks->channel);
	asks->channel = NULL;
}
