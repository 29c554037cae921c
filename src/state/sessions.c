#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

enum { KEYS = LIMIT_SESSIONS, USERS = LIMIT_SESSIONS, SEARCH = 256 };
_Static_assert((KEYS & (KEYS - 1)) == 0 && (USERS & (USERS - 1)) == 0, "the tables are indexed by masking");

int sessions_init(struct sessions *sessions, const struct hash_key *key)
{
	*sessions = (struct sessions){ .key = *key };
	sessions->slots = mem_table(LIMIT_SESSIONS + 1, sizeof(*sessions->slots), MEM_SMALL);
	sessions->by_key = mem_table(KEYS, sizeof(*sessions->by_key), MEM_SMALL);
	sessions->by_user = mem_table(USERS, sizeof(*sessions->by_user), MEM_SMALL);
	return sessions->slots != NULL && sessions->by_key != NULL && sessions->by_user != NULL ? 0 : -1;
}

static void forget_texts(struct session_slot *slot)
{
	if (slot->texts != NULL)
		mem_wipe(slot->texts, (size_t)slot->user_id_size + slot->role_size + slot->session_id_size +
					      slot->binding_size + slot->key_id_size + slot->origin_size);
	mem_free(slot->texts);
	slot->texts = NULL;
}

void sessions_fini(struct sessions *sessions)
{
	if (sessions->slots != NULL) {
		for (uint32_t i = 1; i <= sessions->touched; i++)
			forget_texts(&sessions->slots[i]);
		mem_wipe(sessions->slots, (sessions->touched + 1) * sizeof(*sessions->slots));
	}
	mem_table_free(sessions->slots, LIMIT_SESSIONS + 1, sizeof(*sessions->slots), MEM_SMALL);
	mem_table_free(sessions->by_key, KEYS, sizeof(*sessions->by_key), MEM_SMALL);
	mem_table_free(sessions->by_user, USERS, sizeof(*sessions->by_user), MEM_SMALL);
}

static uint32_t *key_chain(const struct sessions *sessions, const uint8_t key[32])
{
	return &sessions->by_key[hash_bytes(&sessions->key, key, 32) & (KEYS - 1)];
}

static uint32_t *user_chain(const struct sessions *sessions, const char *user_id, size_t size)
{
	return &sessions->by_user[hash_bytes(&sessions->key, user_id, size) & (USERS - 1)];
}

static bool is_of_user(const struct session_slot *slot, const struct store_session *session)
{
	return slot->user_id_size == session->user_id_size &&
	       memcmp(slot->texts, session->user_id, slot->user_id_size) == 0;
}

/* The key is the SHA-256 of a secret: how far two hashes agree tells nothing about a token, so memcmp may be used. */
uint32_t sessions_find(struct sessions *sessions, const uint8_t key[32])
{
	uint32_t at = *key_chain(sessions, key);

	while (at != SESSION_NONE && memcmp(sessions->slots[at].key, key, 32) != 0)
		at = sessions->slots[at].next_key;
	return at;
}

void sessions_remove(struct sessions *sessions, uint32_t index)
{
	struct session_slot *slot = &sessions->slots[index];
	uint32_t *link = key_chain(sessions, slot->key);

	while (*link != index)
		link = &sessions->slots[*link].next_key;
	*link = slot->next_key;
	link = user_chain(sessions, slot->texts, slot->user_id_size);
	while (*link != index)
		link = &sessions->slots[*link].next_user;
	*link = slot->next_user;

	forget_texts(slot);
	mem_wipe(slot, sizeof(*slot));
	slot->next_key = sessions->free;
	sessions->free = index;
	sessions->count--;
}

/* Every slot is taken: of some that no connection holds, the one nearest to its end is given up. */
static bool make_room(struct sessions *sessions)
{
	uint32_t best = SESSION_NONE;

	for (uint32_t looked = 0; looked < LIMIT_SESSIONS && (looked < SEARCH || best == SESSION_NONE); looked++) {
		const struct session_slot *slot;

		sessions->cursor = sessions->cursor % LIMIT_SESSIONS + 1;
		slot = &sessions->slots[sessions->cursor];
		if (slot->texts != NULL && slot->idle_ns != UINT64_MAX &&
		    (best == SESSION_NONE || slot->idle_ns < sessions->slots[best].idle_ns))
			best = sessions->cursor;
	}
	if (best == SESSION_NONE)
		return false;
	sessions_remove(sessions, best);
	return true;
}

char *sessions_texts(const struct store_session *session)
{
	char *texts, *at;

	if (session->user_id_size > sizeof(session->user_id) || session->role_size > sizeof(session->role) ||
	    session->session_id_size > sizeof(session->session_id) ||
	    session->binding_size > sizeof(session->binding) || session->key_id_size > sizeof(session->key_id) ||
	    session->origin_size > sizeof(session->origin))
		return NULL;
	texts = at = mem_alloc(session->user_id_size + session->role_size + session->session_id_size +
			       session->binding_size + session->key_id_size + session->origin_size);
	if (texts == NULL)
		return NULL;
	at = mempcpy(at, session->user_id, session->user_id_size);
	at = mempcpy(at, session->role, session->role_size);
	at = mempcpy(at, session->session_id, session->session_id_size);
	at = mempcpy(at, session->binding, session->binding_size);
	at = mempcpy(at, session->key_id, session->key_id_size);
	memcpy(at, session->origin, session->origin_size);
	return texts;
}

void sessions_read(const struct session_slot *slot, struct store_session *ret_session)
{
	const char *role = slot->texts + slot->user_id_size, *session_id = role + slot->role_size;

	*ret_session = (struct store_session){ .user_id_size = slot->user_id_size,
					       .role_size = slot->role_size,
					       .session_id_size = slot->session_id_size,
					       .binding_size = slot->binding_size,
					       .key_id_size = slot->key_id_size,
					       .origin_size = slot->origin_size,
					       .expires_wall_us = slot->expires_wall_us,
					       .credential = slot->credential,
					       .issued_wall_us = slot->issued_wall_us };
	memcpy(ret_session->user_id, slot->texts, slot->user_id_size);
	memcpy(ret_session->role, role, slot->role_size);
	memcpy(ret_session->session_id, session_id, slot->session_id_size);
	memcpy(ret_session->binding, session_id + slot->session_id_size, slot->binding_size);
	memcpy(ret_session->key_id, session_id + slot->session_id_size + slot->binding_size, slot->key_id_size);
	memcpy(ret_session->origin, session_id + slot->session_id_size + slot->binding_size + slot->key_id_size,
	       slot->origin_size);
}

uint32_t sessions_add(struct sessions *sessions, const uint8_t key[32], const struct store_session *session,
		      char *texts)
{
	struct session_slot *slot;
	uint32_t index, *chain;

	if (sessions->count == LIMIT_SESSIONS && !make_room(sessions))
		return SESSION_NONE;
	if (sessions->free != SESSION_NONE) {
		index = sessions->free;
		sessions->free = sessions->slots[index].next_key;
	} else {
		index = ++sessions->touched;
	}
	slot = &sessions->slots[index];
	*slot = (struct session_slot){ .idle_ns = UINT64_MAX,
				       .opened = ++sessions->opened,
				       .expires_wall_us = session->expires_wall_us,
				       .credential = session->credential,
				       .issued_wall_us = session->issued_wall_us,
				       .texts = texts,
				       .user_id_size = (uint8_t)session->user_id_size,
				       .role_size = (uint8_t)session->role_size,
				       .session_id_size = (uint8_t)session->session_id_size,
				       .binding_size = (uint8_t)session->binding_size,
				       .key_id_size = (uint8_t)session->key_id_size,
				       .origin_size = (uint8_t)session->origin_size };
	memcpy(slot->key, key, 32);
	chain = key_chain(sessions, key);
	slot->next_key = *chain;
	*chain = index;
	chain = user_chain(sessions, session->user_id, session->user_id_size);
	slot->next_user = *chain;
	*chain = index;
	sessions->count++;
	return index;
}

uint32_t sessions_of_user(const struct sessions *sessions, const struct store_session *session, uint32_t *ret_oldest)
{
	uint32_t count = 0, oldest = SESSION_NONE;

	for (uint32_t at = *user_chain(sessions, session->user_id, session->user_id_size); at != SESSION_NONE;
	     at = sessions->slots[at].next_user) {
		if (!is_of_user(&sessions->slots[at], session))
			continue;
		count++;
		if (oldest == SESSION_NONE || sessions->slots[at].opened < sessions->slots[oldest].opened)
			oldest = at;
	}
	*ret_oldest = oldest;
	return count;
}

uint32_t sessions_left_of_user(const struct sessions *sessions, const struct store_session *session)
{
	uint32_t oldest = SESSION_NONE;

	for (uint32_t at = *user_chain(sessions, session->user_id, session->user_id_size); at != SESSION_NONE;
	     at = sessions->slots[at].next_user) {
		const struct session_slot *slot = &sessions->slots[at];

		if (slot->idle_ns != UINT64_MAX && is_of_user(slot, session) &&
		    (oldest == SESSION_NONE || slot->opened < sessions->slots[oldest].opened))
			oldest = at;
	}
	return oldest;
}

uint32_t sessions_remove_user(struct sessions *sessions, struct fw_slice user)
{
	uint32_t removed = 0;

	if (user.size > STORE_NAME)
		return 0;
	for (uint32_t at = *user_chain(sessions, (const char *)user.data, user.size), next; at != SESSION_NONE;
	     at = next) {
		const struct session_slot *slot = &sessions->slots[at];

		next = slot->next_user;
		if (!slice_equal(slice(slot->texts, slot->user_id_size), user))
			continue;
		sessions_remove(sessions, at);
		removed++;
	}
	return removed;
}

bool sessions_remove_id(struct sessions *sessions, struct fw_slice session_id, struct store_session *ret_session)
{
	for (uint32_t at = 1; at <= sessions->touched; at++) {
		const struct session_slot *slot = &sessions->slots[at];

		if (slot->texts == NULL ||
		    !slice_equal(slice(slot->texts + slot->user_id_size + slot->role_size, slot->session_id_size),
				 session_id))
			continue;
		sessions_read(slot, ret_session);
		sessions_remove(sessions, at);
		return true;
	}
	return false;
}

uint32_t sessions_remove_key(struct sessions *sessions, struct fw_slice key_id)
{
	uint32_t removed = 0;

	for (uint32_t at = 1; at <= sessions->touched; at++) {
		const struct session_slot *slot = &sessions->slots[at];

		if (slot->texts == NULL || slot->key_id_size == 0 ||
		    !slice_equal(slice(slot->texts + slot->user_id_size + slot->role_size + slot->session_id_size +
					       slot->binding_size,
				       slot->key_id_size),
				 key_id))
			continue;
		sessions_remove(sessions, at);
		removed++;
	}
	return removed;
}

bool sessions_ended(const struct session_slot *slot, struct fw_time now)
{
	return now.monotonic_ns >= slot->idle_ns || now.wall_us >= slot->expires_wall_us;
}

void sessions_sweep(struct sessions *sessions, struct fw_time now, uint32_t steps)
{
	if (steps > sessions->touched)
		steps = sessions->touched;
	while (steps-- != 0) {
		sessions->cursor = sessions->cursor >= sessions->touched ? 1 : sessions->cursor + 1;
		if (sessions->slots[sessions->cursor].texts != NULL &&
		    sessions_ended(&sessions->slots[sessions->cursor], now))
			sessions_remove(sessions, sessions->cursor);
	}
}
