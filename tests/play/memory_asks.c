/* Needs that take time, answered as the play says. What nobody said anything about cannot be asked. */
#include "base/slice.h"
#include "check.h"
#include "memory.h"

static bool fits(const struct text *pattern, struct fw_slice octets)
{
	struct text text = { 0 };
	bool holds;

	text_add(&text, octets.data, octets.size);
	holds = check_glob(text_get(pattern), text_get(&text));
	text_clear(&text);
	return holds;
}

/* The texts of an answer lie in a row behind each other. */
static struct fw_slice next(const struct text *all, size_t *at, size_t size)
{
	*at += size;
	return slice(text_get(all) + *at - size, size);
}

void memory_obey_ask(struct link *link, const struct fw_need *need)
{
	struct memory *memory = link->memory;
	uint64_t wall_us = memory->now.wall_us;
	const struct said *said = memory->said;
	size_t at = 0;

	while (said != NULL &&
	       (said->kind != need->kind || !fits(&said->who, need->user_id) || !fits(&said->key, need->key)))
		said = said->next;
	if (said == NULL)
		return;
	link->never = said->never;
	text_clear(&link->texts);
	text_add(&link->texts, said->user.data, said->user.size);
	if (said->user.size == 0)
		text_add(&link->texts, need->user_id.data, need->user_id.size);
	link->answer =
		(struct fw_answer){ .code = said->code,
				    .retry_after_ms = (uint32_t)said->retry_ms,
				    .expires_wall_us = said->expires_ns != 0 ? wall_us + said->expires_ns / 1000 : 0,
				    .issued_wall_us = said->issued_ns != 0 ? wall_us - said->issued_ns / 1000 : 0 };
	link->answer.user_id.size = link->texts.size;
	text_add(&link->texts, said->role.data, said->role.size);
	text_add(&link->texts, said->claims.data, said->claims.size);
	text_add(&link->texts, said->cause.data, said->cause.size);
	link->answer.user_id = next(&link->texts, &at, link->answer.user_id.size);
	link->answer.role = next(&link->texts, &at, said->role.size);
	link->answer.claims = next(&link->texts, &at, said->claims.size);
	link->answer.cause = next(&link->texts, &at, said->cause.size);
}
