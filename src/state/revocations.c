/* revocations.c: users whose credentials of before a moment count no more. By hash of the user; nothing is ever
 * evicted: what an operator took away stays away until an operator gives it back. */
#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

enum { CHAINS = LIMIT_REVOCATIONS };
_Static_assert((CHAINS & (CHAINS - 1)) == 0, "the table is indexed by masking");

int revocations_init(struct revocations *revocations, const struct hash_key *key)
{
	*revocations = (struct revocations){ .key = *key };
	revocations->chains = mem_table(CHAINS, sizeof(void *), MEM_SMALL);
	return revocations->chains != NULL ? 0 : -1;
}

void revocations_fini(struct revocations *revocations)
{
	for (uint32_t i = 0; revocations->count != 0 && i < CHAINS; i++)
		while (revocations->chains[i] != NULL)
			revocations_remove(revocations,
					   slice(revocations->chains[i]->texts, revocations->chains[i]->user_size));
	mem_table_free(revocations->chains, CHAINS, sizeof(void *), MEM_SMALL);
}

static struct revocation **find(const struct revocations *revocations, struct fw_slice user)
{
	struct revocation **link =
		&revocations->chains[hash_bytes(&revocations->key, user.data, user.size) & (CHAINS - 1)];

	while (*link != NULL && !slice_equal(slice((*link)->texts, (*link)->user_size), user))
		link = &(*link)->next;
	return link;
}

const struct revocation *revocations_find(const struct revocations *revocations, struct fw_slice user)
{
	return *find(revocations, user);
}

enum store_revoked revocations_put(struct revocations *revocations, const struct store_revocation *wish)
{
	struct revocation **link = find(revocations, wish->user), *made, *old = *link;

	if (old == NULL && revocations->count == LIMIT_REVOCATIONS)
		return STORE_REVOKED_FULL;
	made = mem_alloc(sizeof(*made) + wish->user.size + wish->reason.size);
	if (made == NULL)
		return STORE_REVOKED_MEMORY;
	*made = (struct revocation){ .next = old != NULL ? old->next : NULL,
				     .before_wall_us = wish->before_wall_us,
				     .disabled = wish->disabled,
				     .user_size = (uint16_t)wish->user.size,
				     .reason_size = (uint16_t)wish->reason.size };
	memcpy(made->texts, wish->user.data, wish->user.size);
	if (wish->reason.size != 0)
		memcpy(made->texts + wish->user.size, wish->reason.data, wish->reason.size);
	*link = made;
	revocations->count += old == NULL;
	mem_free(old);
	return STORE_REVOKED;
}

bool revocations_remove(struct revocations *revocations, struct fw_slice user)
{
	struct revocation **link = find(revocations, user), *gone = *link;

	if (gone == NULL)
		return false;
	*link = gone->next;
	revocations->count--;
	mem_free(gone);
	return true;
}

void revocations_each(const struct revocations *revocations, store_revocation_function *each, void *user)
{
	for (uint32_t i = 0; i < CHAINS; i++)
		for (const struct revocation *at = revocations->chains[i]; at != NULL; at = at->next)
			each(user,
			     &(struct store_revocation){ .user = slice(at->texts, at->user_size),
							 .reason = slice(at->texts + at->user_size, at->reason_size),
							 .before_wall_us = at->before_wall_us,
							 .disabled = at->disabled });
}
