#include <stdalign.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "state/store_parts.h"

#define MINUTE_US ((uint64_t)60000000)

enum { CHAINS = LIMIT_API_KEYS };
_Static_assert((CHAINS & (CHAINS - 1)) == 0, "the table is indexed by masking");
_Static_assert(STORE_KEY_NAME <= UINT8_MAX && STORE_ROLE <= UINT8_MAX && LIMIT_API_KEY_NETWORKS <= UINT8_MAX &&
		       LIMIT_API_KEY_SCOPES <= UINT16_MAX,
	       "sizes are octets");

int api_keys_init(struct api_keys *keys, const struct hash_key *key)
{
	*keys = (struct api_keys){ .key = *key };
	keys->chains = mem_table(CHAINS, sizeof(void *), MEM_SMALL);
	return keys->chains != NULL ? 0 : -1;
}

void api_keys_fini(struct api_keys *keys)
{
	for (uint32_t i = 0; keys->count != 0 && i < CHAINS; i++)
		while (keys->chains[i] != NULL) {
			struct api_key *gone = keys->chains[i];

			keys->chains[i] = gone->next;
			keys->count--;
			mem_free(gone);
		}
	mem_table_free(keys->chains, CHAINS, sizeof(void *), MEM_SMALL);
}

static struct api_key **find(const struct api_keys *keys, struct fw_slice id)
{
	struct api_key **link = &keys->chains[hash_bytes(&keys->key, id.data, id.size) & (CHAINS - 1)];

	while (*link != NULL && !slice_equal(slice((*link)->id, STORE_KEY_ID), id))
		link = &(*link)->next;
	return link;
}

struct api_key *api_keys_find(const struct api_keys *keys, struct fw_slice id)
{
	return *find(keys, id);
}

bool api_keys_ended(const struct api_key *key, uint64_t now_wall_us)
{
	return key->revoked_wall_us != 0 || (key->expires_wall_us != 0 && now_wall_us >= key->expires_wall_us);
}

static uint64_t end_of(const struct api_key *key)
{
	return key->revoked_wall_us != 0 ? key->revoked_wall_us : key->expires_wall_us;
}

static void unlist(struct api_keys *keys, struct api_key *gone)
{
	struct api_key **link = &keys->used;

	while (gone->used && *link != gone)
		link = &(*link)->next_used;
	if (gone->used)
		*link = gone->next_used;
}

/* Rare: only when the table is full. False: no key has ended. */
static bool forget_one(struct api_keys *keys, uint64_t now_wall_us, char ret_forgotten[STORE_KEY_ID])
{
	struct api_key *oldest = NULL, **link;

	for (uint32_t i = 0; i < CHAINS; i++)
		for (struct api_key *at = keys->chains[i]; at != NULL; at = at->next)
			if (api_keys_ended(at, now_wall_us) && (oldest == NULL || end_of(at) < end_of(oldest)))
				oldest = at;
	if (oldest == NULL)
		return false;
	link = find(keys, slice(oldest->id, STORE_KEY_ID));
	*link = oldest->next;
	unlist(keys, oldest);
	memcpy(ret_forgotten, oldest->id, STORE_KEY_ID);
	keys->count--;
	mem_free(oldest);
	return true;
}

static struct api_key *make(const struct store_api_key *wish)
{
	size_t texts = wish->name_size + wish->role_size + wish->scopes_size;
	size_t head = (sizeof(struct api_key) + texts + alignof(struct addr_net) - 1) / alignof(struct addr_net) *
		      alignof(struct addr_net);
	struct api_key *made = mem_alloc(head + wish->network_count * sizeof(struct addr_net));
	char *at;

	if (made == NULL)
		return NULL;
	*made = (struct api_key){ .created_wall_us = wish->created_wall_us,
				  .expires_wall_us = wish->expires_wall_us,
				  .revoked_wall_us = wish->revoked_wall_us,
				  .used_wall_us = wish->used_wall_us,
				  .name_size = (uint8_t)wish->name_size,
				  .role_size = (uint8_t)wish->role_size,
				  .scopes_size = (uint16_t)wish->scopes_size,
				  .network_count = (uint8_t)wish->network_count,
				  .networks = (struct addr_net *)(void *)((char *)made + head) };
	memcpy(made->hash, wish->hash, sizeof(made->hash));
	memcpy(made->id, wish->id, sizeof(made->id));
	at = mempcpy(made->texts, wish->name, wish->name_size);
	at = mempcpy(at, wish->role, wish->role_size);
	memcpy(at, wish->scopes, wish->scopes_size);
	memcpy(made->networks, wish->networks, wish->network_count * sizeof(struct addr_net));
	return made;
}

enum store_key_kept api_keys_put(struct api_keys *keys, const struct store_api_key *wish, uint64_t now_wall_us,
				 char ret_forgotten[STORE_KEY_ID])
{
	struct fw_slice id = slice(wish->id, STORE_KEY_ID);
	struct api_key *made = make(wish), *old = api_keys_find(keys, id), **link;

	if (made == NULL)
		return STORE_KEY_MEMORY;
	if (old == NULL && keys->count == LIMIT_API_KEYS && !forget_one(keys, now_wall_us, ret_forgotten)) {
		mem_free(made);
		return STORE_KEY_FULL;
	}
	link = find(keys, id);
	if (old != NULL) {
		/* A use that was not written yet is not forgotten. */
		if (old->used_wall_us > made->used_wall_us)
			made->used_wall_us = old->used_wall_us;
		made->next = old->next;
		unlist(keys, old);
		made->used = old->used;
		if (made->used) {
			made->next_used = keys->used;
			keys->used = made;
		}
		mem_free(old);
	} else {
		keys->count++;
	}
	*link = made;
	return STORE_KEY_KEPT;
}

void api_keys_read(const struct api_key *key, struct store_api_key *ret_key)
{
	const char *role = key->texts + key->name_size, *scopes = role + key->role_size;

	*ret_key = (struct store_api_key){ .name_size = key->name_size,
					   .role_size = key->role_size,
					   .scopes_size = key->scopes_size,
					   .network_count = key->network_count,
					   .created_wall_us = key->created_wall_us,
					   .expires_wall_us = key->expires_wall_us,
					   .revoked_wall_us = key->revoked_wall_us,
					   .used_wall_us = key->used_wall_us };
	memcpy(ret_key->id, key->id, sizeof(key->id));
	memcpy(ret_key->hash, key->hash, sizeof(key->hash));
	memcpy(ret_key->name, key->texts, key->name_size);
	memcpy(ret_key->role, role, key->role_size);
	memcpy(ret_key->scopes, scopes, key->scopes_size);
	memcpy(ret_key->networks, key->networks, key->network_count * sizeof(struct addr_net));
}

static bool is_within(const struct api_key *key, const struct fw_addr *address)
{
	for (unsigned i = 0; i < key->network_count; i++)
		if (addr_net_has(&key->networks[i], address))
			return true;
	return key->network_count == 0;
}

/* Who does not have the secret is told nothing else about the key, not even in the record. */
const char *api_keys_fault(const struct api_key *key, const uint8_t *hash, const struct fw_addr *address,
			   uint64_t now_wall_us)
{
	if (hash != NULL && !secret_equal(slice(hash, sizeof(key->hash)), slice(key->hash, sizeof(key->hash))))
		return "secret";
	if (key->revoked_wall_us != 0)
		return "revoked key";
	if (api_keys_ended(key, now_wall_us))
		return "expired key";
	return is_within(key, address) ? NULL : "the key is not for this address";
}

void api_keys_note_use(struct api_keys *keys, struct api_key *key, uint64_t now_wall_us)
{
	uint64_t minute = now_wall_us - now_wall_us % MINUTE_US;

	if (minute <= key->used_wall_us)
		return;
	key->used_wall_us = minute;
	if (key->used)
		return;
	key->used = true;
	key->next_used = keys->used;
	keys->used = key;
}

size_t api_keys_take_used(struct api_keys *keys, struct store_api_key *ret_keys, size_t most)
{
	size_t count = 0;

	for (; keys->used != NULL && count < most; count++) {
		struct api_key *key = keys->used;

		api_keys_read(key, &ret_keys[count]);
		keys->used = key->next_used;
		key->next_used = NULL;
		key->used = false;
	}
	return count;
}

void api_keys_each(const struct api_keys *keys, store_key_function *each, void *user)
{
	struct store_api_key key;

	for (uint32_t i = 0; i < CHAINS; i++)
		for (const struct api_key *at = keys->chains[i]; at != NULL; at = at->next) {
			api_keys_read(at, &key);
			each(user, &key);
		}
}
