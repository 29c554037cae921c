#include <string.h>

#include "base/mem.h"
#include "shell/hub_state.h"

static struct hub_user **bucket_of(struct hub_users *users, uint64_t connection_id)
{
	/* Ids are ours, not an attacker's: a multiplication spreads them well enough. */
	return &users->buckets[(connection_id * 0x9e3779b97f4a7c15u) >> 52];
}
_Static_assert(HUB_BUCKETS == 1 << 12, "bucket_of takes twelve bits");

bool hub_users_add(struct hub_users *users, struct fw_principal who)
{
	struct hub_user **bucket = bucket_of(users, who.connection_id), *user;
	size_t size;

	if (!size_add(who.user_id.size, who.role.size, &size) || !size_add(size, sizeof(*user), &size))
		return false;
	user = mem_alloc(size);
	if (user == NULL)
		return false;
	user->connection_id = who.connection_id;
	user->user_size = who.user_id.size;
	user->role_size = who.role.size;
	if (user->user_size != 0)
		memcpy(user->texts, who.user_id.data, user->user_size);
	if (user->role_size != 0)
		memcpy(user->texts + user->user_size, who.role.data, user->role_size);
	user->next = *bucket;
	*bucket = user;
	users->count++;
	return true;
}

bool hub_users_remove(struct hub_users *users, uint64_t connection_id)
{
	for (struct hub_user **link = bucket_of(users, connection_id); *link != NULL; link = &(*link)->next) {
		struct hub_user *user = *link;

		if (user->connection_id != connection_id)
			continue;
		*link = user->next;
		mem_free(user);
		users->count--;
		return true;
	}
	return false;
}

void hub_users_fini(struct hub_users *users)
{
	for (unsigned i = 0; i < HUB_BUCKETS; i++) {
		while (users->buckets[i] != NULL) {
			struct hub_user *user = users->buckets[i];

			users->buckets[i] = user->next;
			mem_free(user);
		}
	}
	users->count = 0;
}
