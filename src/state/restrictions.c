/* restrictions.c: users and addresses that may do less for a while. There are few, so that all are looked through; and
 * none mostly, which is seen without the lock. */
#include <string.h>

#include "base/addr.h"
#include "base/slice.h"
#include "state/store_parts.h"

static bool is_same(const struct store_restriction *a, const struct store_restriction *b)
{
	if (a->kind != b->kind || a->address.family != b->address.family)
		return false;
	return a->address.family != 0 ? addr_equal(&a->address, &b->address)
				      : slice_equal(slice(a->user, a->user_size), slice(b->user, b->user_size));
}

static bool is_about(const struct store_restriction *one, const struct fw_addr *prefix, struct fw_slice user)
{
	if (one->address.family != 0)
		return addr_equal(&one->address, prefix);
	return slice_equal(slice(one->user, one->user_size), user);
}

static void drop(struct restrictions *restrictions, unsigned at)
{
	unsigned count = atomic_load(&restrictions->count) - 1;

	restrictions->rows[at] = restrictions->rows[count];
	atomic_store(&restrictions->count, count);
}

bool store_restrict(struct store *store, const struct store_restriction *wish, uint64_t now_ns)
{
	struct restrictions *restrictions = &store->restrictions;
	struct store_restriction made = *wish;
	unsigned at = 0, count;
	bool kept = false;

	if (made.kind >= STORE_RESTRICTIONS || made.user_size > STORE_NAME ||
	    (made.address.family == 0 && made.user_size == 0))
		return false;
	if (made.address.family != 0)
		made.address = addr_prefix(&made.address);
	pthread_mutex_lock(&store->lock);
	while (at < atomic_load(&restrictions->count)) {
		if (restrictions->rows[at].until_ns <= now_ns || is_same(&restrictions->rows[at], &made))
			drop(restrictions, at);
		else
			at++;
	}
	count = atomic_load(&restrictions->count);
	if (made.until_ns <= now_ns) {
		kept = true; /* it is over */
	} else if (count < LIMIT_RESPONSES) {
		restrictions->rows[count] = made;
		atomic_store(&restrictions->count, count + 1);
		kept = true;
	}
	pthread_mutex_unlock(&store->lock);
	return kept;
}

void store_restricted(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t issued_wall_us,
		      uint64_t now_ns, uint64_t ret_until_ns[STORE_RESTRICTIONS])
{
	struct restrictions *restrictions = &store->restrictions;
	struct fw_addr prefix;

	memset(ret_until_ns, 0, STORE_RESTRICTIONS * sizeof(*ret_until_ns));
	if (atomic_load_explicit(&restrictions->count, memory_order_relaxed) == 0)
		return;
	prefix = addr_prefix(address);
	pthread_mutex_lock(&store->lock);
	for (unsigned i = 0; i < atomic_load(&restrictions->count); i++) {
		const struct store_restriction *one = &restrictions->rows[i];

		if (one->until_ns <= now_ns || !is_about(one, &prefix, user))
			continue;
		if (one->kind == STORE_RESTRICT_step_up && issued_wall_us > one->since_wall_us)
			continue; /* he has logged in since, and not with what he had before */
		if (one->until_ns > ret_until_ns[one->kind])
			ret_until_ns[one->kind] = one->until_ns;
	}
	pthread_mutex_unlock(&store->lock);
}

void store_restriction_list(struct store *store, void (*each)(void *user, const struct store_restriction *one),
			    void *user)
{
	pthread_mutex_lock(&store->lock);
	for (unsigned i = 0; i < atomic_load(&store->restrictions.count); i++)
		each(user, &store->restrictions.rows[i]);
	pthread_mutex_unlock(&store->lock);
}
