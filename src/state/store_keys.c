/* store_keys.c: the API keys of the store, under its lock. */
#include <string.h>

#include "state/store_parts.h"

enum store_key_kept store_key_put(struct store *store, const struct store_api_key *key, uint64_t now_wall_us,
				  char ret_forgotten[STORE_KEY_ID])
{
	enum store_key_kept kept;

	memset(ret_forgotten, 0, STORE_KEY_ID);
	if (key->name_size > STORE_KEY_NAME || key->role_size > STORE_ROLE || key->scopes_size > LIMIT_API_KEY_SCOPES ||
	    key->network_count > LIMIT_API_KEY_NETWORKS)
		return STORE_KEY_MEMORY;
	pthread_mutex_lock(&store->lock);
	kept = api_keys_put(&store->api_keys, key, now_wall_us, ret_forgotten);
	pthread_mutex_unlock(&store->lock);
	return kept;
}

bool store_key_get(struct store *store, struct fw_slice id, struct store_api_key *ret_key)
{
	const struct api_key *key;

	pthread_mutex_lock(&store->lock);
	key = api_keys_find(&store->api_keys, id);
	if (key != NULL)
		api_keys_read(key, ret_key);
	pthread_mutex_unlock(&store->lock);
	return key != NULL;
}

uint32_t store_key_end_sessions(struct store *store, struct fw_slice id)
{
	uint32_t ended;

	pthread_mutex_lock(&store->lock);
	ended = sessions_remove_key(&store->sessions, id);
	pthread_mutex_unlock(&store->lock);
	return ended;
}

enum fw_answer_code store_key_check(struct store *store, struct fw_slice id, const uint8_t *hash,
				    const struct fw_addr *address, struct fw_time now, struct store_api_key *ret_key,
				    const char **ret_cause)
{
	struct api_key *key;

	pthread_mutex_lock(&store->lock);
	key = api_keys_find(&store->api_keys, id);
	*ret_cause = key != NULL ? api_keys_fault(key, hash, address, now.wall_us) : "unknown key";
	if (*ret_cause == NULL) {
		api_keys_note_use(&store->api_keys, key, now.wall_us);
		api_keys_read(key, ret_key);
	}
	pthread_mutex_unlock(&store->lock);
	return *ret_cause == NULL ? FW_ANSWER_YES : FW_ANSWER_NO;
}

void store_key_touch(struct store *store, struct fw_slice id, uint64_t used_wall_us)
{
	struct api_key *key;

	pthread_mutex_lock(&store->lock);
	key = api_keys_find(&store->api_keys, id);
	if (key != NULL)
		api_keys_note_use(&store->api_keys, key, used_wall_us);
	pthread_mutex_unlock(&store->lock);
}

void store_key_list(struct store *store, store_key_function *each, void *user)
{
	pthread_mutex_lock(&store->lock);
	api_keys_each(&store->api_keys, each, user);
	pthread_mutex_unlock(&store->lock);
}

size_t store_key_used(struct store *store, struct store_api_key *ret_keys, size_t most)
{
	size_t count;

	pthread_mutex_lock(&store->lock);
	count = api_keys_take_used(&store->api_keys, ret_keys, most);
	pthread_mutex_unlock(&store->lock);
	return count;
}
