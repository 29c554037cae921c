/* store_tickets.c: login tickets lie in a table like that of the sessions, left by their connection from the beginning.
 */
#include "base/mem.h"
#include "state/store_parts.h"

enum fw_answer_code store_ticket_open(struct store *store, const uint8_t key[32], const struct store_session *session,
				      uint64_t life_ns, struct fw_time now)
{
	enum fw_answer_code code = FW_ANSWER_LIMITED;
	struct store_session copy = *session;
	uint32_t oldest, index;
	char *texts;

	texts = sessions_texts(session);
	if (texts == NULL)
		return FW_ANSWER_FAILED;
	if (copy.expires_wall_us == 0)
		copy.expires_wall_us = UINT64_MAX;
	pthread_mutex_lock(&store->lock);
	if (store_is_revoked(store, &copy) || store_key_ended(store, &copy, now.wall_us)) {
		code = FW_ANSWER_NO;
	} else {
		while (sessions_of_user(&store->tickets, &copy, &oldest) >= store->options.max_sessions_per_user &&
		       oldest != SESSION_NONE)
			sessions_remove(&store->tickets, oldest);
		index = sessions_add(&store->tickets, key, &copy, texts);
		if (index != SESSION_NONE) {
			store->tickets.slots[index].idle_ns = now.monotonic_ns + life_ns;
			code = FW_ANSWER_YES;
		}
	}
	pthread_mutex_unlock(&store->lock);
	if (code != FW_ANSWER_YES)
		mem_free(texts);
	return code;
}

enum fw_answer_code store_ticket_take(struct store *store, const uint8_t key[32], struct fw_time now,
				      struct store_session *ret_session)
{
	enum fw_answer_code code = FW_ANSWER_NO;
	uint32_t index;

	pthread_mutex_lock(&store->lock);
	index = sessions_find(&store->tickets, key);
	if (index != SESSION_NONE) {
		if (!sessions_ended(&store->tickets.slots[index], now)) {
			sessions_read(&store->tickets.slots[index], ret_session);
			code = FW_ANSWER_YES;
		}
		sessions_remove(&store->tickets, index);
	}
	pthread_mutex_unlock(&store->lock);
	return code;
}
