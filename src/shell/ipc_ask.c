/* Needs that take time, and what became of them, as messages. They hold passwords and tokens: what held them on the way
 * is wiped. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/ipc.h"

static uint8_t *join(const struct fw_slice *texts, unsigned count, struct fw_slice *ret_whole)
{
	size_t size = 0, used = 0;
	uint8_t *octets;

	for (unsigned i = 0; i < count; i++) {
		if (texts[i].size > LIMIT_CLAIMS)
			return NULL;
		size += texts[i].size;
	}
	octets = mem_alloc(size + 1);
	if (octets == NULL)
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		if (texts[i].size != 0)
			memcpy(octets + used, texts[i].data, texts[i].size);
		used += texts[i].size;
	}
	*ret_whole = slice(octets, size);
	return octets;
}

/* False: the sizes are not those of the tail. */
static bool part(struct fw_slice tail, const uint32_t *sizes, unsigned count, struct fw_slice **ret_texts)
{
	for (unsigned i = 0; i < count; i++) {
		if (sizes[i] > tail.size)
			return false;
		*ret_texts[i] = slice(tail.data, sizes[i]);
		tail = slice(tail.data + sizes[i], tail.size - sizes[i]);
	}
	return tail.size == 0;
}

bool ipc_send_ask(struct ipc_channel *channel, uint64_t connection, const struct fw_need *need, uint16_t worker)
{
	const struct fw_slice texts[] = { need->user_id, need->key };
	struct fw_slice tail;
	uint8_t *octets = join(texts, 2, &tail);
	struct ipc_ask message = { .connection = connection,
				   .need_id = need->id,
				   .generation = ipc_generation(channel),
				   .worker = worker,
				   .kind = (uint16_t)need->kind,
				   .user_size = (uint32_t)need->user_id.size,
				   .key_size = (uint32_t)need->key.size,
				   .number = need->number,
				   .address = need->address };
	bool sent = octets != NULL && ipc_send(channel, IPC_ASK, &message, sizeof(message), tail, false);

	ipc_answer_free(octets, tail);
	return sent;
}

bool ipc_read_ask(const struct ipc_ask *message, struct fw_slice tail, struct fw_need *ret_need)
{
	const uint32_t sizes[] = { message->user_size, message->key_size };

	*ret_need = (struct fw_need){
		.id = message->need_id, .kind = message->kind, .number = message->number, .address = message->address
	};
	return part(tail, sizes, 2, (struct fw_slice *[]){ &ret_need->user_id, &ret_need->key });
}

uint8_t *ipc_make_answer(const struct fw_answer *answer, struct ipc_answer *ret_message, struct fw_slice *ret_tail)
{
	const struct fw_slice texts[] = { answer->user_id, answer->role, answer->claims, answer->cause };

	*ret_message = (struct ipc_answer){ .code = (uint16_t)answer->code,
					    .retry_after_ms = answer->retry_after_ms,
					    .user_size = (uint32_t)answer->user_id.size,
					    .role_size = (uint32_t)answer->role.size,
					    .claims_size = (uint32_t)answer->claims.size,
					    .cause_size = (uint32_t)answer->cause.size,
					    .expires_wall_us = answer->expires_wall_us,
					    .issued_wall_us = answer->issued_wall_us,
					    .credential = answer->credential };
	return join(texts, 4, ret_tail);
}

void ipc_answer_free(uint8_t *octets, struct fw_slice tail)
{
	if (octets != NULL)
		mem_wipe(octets, tail.size);
	mem_free(octets);
}

bool ipc_read_answer(const struct ipc_answer *message, struct fw_slice tail, struct fw_answer *ret_answer)
{
	const uint32_t sizes[] = { message->user_size, message->role_size, message->claims_size, message->cause_size };

	*ret_answer = (struct fw_answer){ .code = message->code,
					  .retry_after_ms = message->retry_after_ms,
					  .expires_wall_us = message->expires_wall_us,
					  .issued_wall_us = message->issued_wall_us,
					  .credential = message->credential };
	return message->code <= FW_ANSWER_UNRECORDED &&
	       part(tail, sizes, 4,
		    (struct fw_slice *[]){ &ret_answer->user_id, &ret_answer->role, &ret_answer->claims,
					   &ret_answer->cause });
}
