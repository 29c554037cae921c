/* How much an address may ask of the admin port. A right credential is never refused for wrong ones beside it: those
 * from the same address, beyond a number, are answered 429. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/gcra.h"
#include "base/mem.h"
#include "shell/admin_parts.h"

enum { REQUESTS_A_SECOND = 100 };

struct admin_guard {
	struct {
		struct fw_addr address; /* of IPv6 the /64 */
		uint64_t requests, failures;
	} peers[LIMIT_ADMIN_PEERS];
};

static const struct gcra requests = { UINT64_C(1000000000) / REQUESTS_A_SECOND,
				      (LIMIT_ADMIN_REQUESTS - 1) * (UINT64_C(1000000000) / REQUESTS_A_SECOND) };
static const struct gcra failures = { UINT64_C(2000000000), (LIMIT_ADMIN_FAILURES - 1) * UINT64_C(2000000000) };

int admin_guard_init(struct admin *admin)
{
	admin->guard = mem_zero(1, sizeof(*admin->guard));
	return admin->guard != NULL ? 0 : -1;
}

void admin_guard_free(struct admin *admin)
{
	mem_free(admin->guard);
	admin->guard = NULL;
}

static uint64_t latest(const struct admin_guard *guard, unsigned i)
{
	return guard->peers[i].requests > guard->peers[i].failures ? guard->peers[i].requests
								   : guard->peers[i].failures;
}

/* Who is not known takes the place of whoever has least to wait for. */
static unsigned find(struct admin_guard *guard, const struct fw_addr *peer)
{
	struct fw_addr address = addr_prefix(peer);
	unsigned place = 0;

	for (unsigned i = 0; i < LIMIT_ADMIN_PEERS; i++) {
		if (memcmp(&guard->peers[i].address, &address, sizeof(address)) == 0)
			return i;
		if (latest(guard, i) < latest(guard, place))
			place = i;
	}
	memset(&guard->peers[place], 0, sizeof(guard->peers[place]));
	guard->peers[place].address = address;
	return place;
}

static bool take(struct admin_conn *conn, uint64_t *cell, const struct gcra *rate, const char *detail)
{
	uint64_t wait = gcra_take(cell, rate, uv_hrtime());
	char again[64];

	if (wait == 0)
		return true;
	snprintf(again, sizeof(again), "Retry-After: %u\r\n", (unsigned)(wait / 1000000000 + 1));
	admin_answer_problem(conn, 429, detail, again);
	return false;
}

bool admin_guard_takes(struct admin_conn *conn)
{
	struct admin_guard *guard = conn->admin->guard;

	return conn->control || take(conn, &guard->peers[find(guard, &conn->peer)].requests, &requests,
				     "too many requests from this address");
}

bool admin_guard_notes(struct admin_conn *conn)
{
	struct admin_guard *guard = conn->admin->guard;

	return gcra_take(&guard->peers[find(guard, &conn->peer)].failures, &failures, uv_hrtime()) == 0;
}

bool admin_guard_failed(struct admin_conn *conn)
{
	struct admin_guard *guard = conn->admin->guard;

	return take(conn, &guard->peers[find(guard, &conn->peer)].failures, &failures,
		    "too many wrong credentials from this address");
}
