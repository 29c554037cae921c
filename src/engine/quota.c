/* quota.c: the words that a connection holds, and counting on them. */
#include "engine/quota.h"

#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"

struct quota {
	_Atomic uint64_t *words[LIMIT_HELD]; /* NULL: of no limit, or not asked for yet */
	_Atomic uint64_t own[];		     /* where nobody gives any */
};

void engine_quota(struct fw_engine *engine, const struct engine_quota *quota)
{
	engine->quota = *quota;
}

static const struct gcra *rate_of(const struct fw_conn *conn, unsigned held)
{
	if (limit_held_scope(held) != LIMIT_OF_ROUTE)
		return &conn->policy->held_rates[held];
	return &conn->route->rates[limit_held_counts_bytes(held)];
}

_Static_assert(LIMIT_HELD <= 8, "they are bits of an octet");

/* Of which kinds, from first on and before end, is there a limit, and a subject for it? */
static unsigned counted(const struct fw_conn *conn, unsigned first, unsigned end)
{
	unsigned kinds = conn->policy->held | (conn->route != NULL ? conn->route->held : 0u);

	kinds &= (1u << end) - (1u << first);
	/* All who need not log in have one name: they are no one user. */
	if (conn->principal == NULL || conn->principal->anonymous)
		kinds &= ~(1u << (LIMIT_KIND_user_messages - LIMIT_HELD_FIRST) |
			   1u << (LIMIT_KIND_user_bytes - LIMIT_HELD_FIRST));
	return kinds;
}

/* A path, and all that begin with it, are two. */
static struct fw_slice route_name(struct fw_engine *engine, const struct policy_route *route)
{
	struct fw_slice path = slice(route->path, route->path_size);
	char *text;

	if (!route->prefix)
		return path;
	text = arena_alloc(&engine->arena, path.size + 1);
	if (text == NULL)
		return path; /* stricter: both count as one */
	memcpy(text, path.data, path.size);
	text[path.size] = '*';
	return slice(text, path.size + 1);
}

static bool hold(struct fw_conn *conn, unsigned held)
{
	struct fw_engine *engine = conn->engine;
	struct engine_subject subject = { .kind = LIMIT_HELD_FIRST + held,
					  .rate = *rate_of(conn, held),
					  .now_ns = engine->now.monotonic_ns };
	bool none_given = engine->quota.hold == NULL, crowded = false;

	if (conn->quota == NULL)
		conn->quota =
			mem_zero(1, sizeof(*conn->quota) + (none_given ? LIMIT_HELD : 0) * sizeof(conn->quota->own[0]));
	if (conn->quota == NULL)
		return false;
	if (none_given) {
		conn->quota->words[held] = &conn->quota->own[held];
		return true;
	}
	if (limit_held_scope(held) == LIMIT_OF_USER)
		subject.name = slice(conn->principal->user_id, conn->principal->user_id_size);
	else if (limit_held_scope(held) == LIMIT_OF_ADDRESS)
		subject.address = conn->peer;
	else if (limit_held_scope(held) == LIMIT_OF_ROUTE)
		subject.name = route_name(engine, conn->route);
	conn->quota->words[held] = engine->quota.hold(engine->quota.user, &subject, &crowded);
	engine->counters[COUNT_limits_crowded] += crowded;
	return true;
}

static uint64_t count_of(const struct quota_asked *asked, unsigned held)
{
	return limit_held_counts_bytes(held) ? asked->bytes : asked->messages;
}

enum quota_answer quota_ask(struct fw_conn *conn, struct quota_asked *asked)
{
	asked->wait_ns = 0;
	for (unsigned left = counted(conn, asked->first, asked->end); left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		uint64_t wait;

		if ((conn->quota == NULL || conn->quota->words[i] == NULL) && !hold(conn, i))
			return QUOTA_MEMORY;
		wait = gcra_wait(atomic_load_explicit(conn->quota->words[i], memory_order_relaxed), rate_of(conn, i),
				 count_of(asked, i), conn->engine->now.monotonic_ns);
		if (wait > asked->wait_ns) {
			asked->wait_ns = wait;
			asked->kind = LIMIT_HELD_FIRST + i;
		}
	}
	return asked->wait_ns == 0 ? QUOTA_YES : QUOTA_NO;
}

/* Unless somebody counted on it meanwhile: then it stays counted, which is stricter by one. */
static void give_back(_Atomic uint64_t *word, uint64_t before, uint64_t after)
{
	atomic_compare_exchange_strong_explicit(word, &after, before, memory_order_relaxed, memory_order_relaxed);
}

static uint64_t take(_Atomic uint64_t *word, const struct gcra *rate, uint64_t count, uint64_t now,
		     uint64_t *ret_before, uint64_t *ret_after)
{
	uint64_t wait;

	*ret_before = atomic_load_explicit(word, memory_order_relaxed);
	do {
		wait = gcra_wait(*ret_before, rate, count, now);
		if (wait != 0)
			return wait;
		*ret_after = (*ret_before > now ? *ret_before : now) + count * rate->interval_ns;
	} while (!atomic_compare_exchange_weak_explicit(word, ret_before, *ret_after, memory_order_relaxed,
							memory_order_relaxed));
	return 0;
}

enum quota_answer quota_take(struct fw_conn *conn, struct quota_asked *asked)
{
	uint64_t before[LIMIT_HELD], after[LIMIT_HELD];
	uint8_t taken[LIMIT_HELD];
	unsigned taken_count = 0;

	for (unsigned left = counted(conn, asked->first, asked->end); left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		uint64_t count = count_of(asked, i);

		if (count == 0)
			continue;
		asked->wait_ns = take(conn->quota->words[i], rate_of(conn, i), count, conn->engine->now.monotonic_ns,
				      &before[i], &after[i]);
		if (asked->wait_ns == 0) {
			taken[taken_count++] = (uint8_t)i;
			continue;
		}
		/* Another thread was faster since it was asked. */
		asked->kind = LIMIT_HELD_FIRST + i;
		while (taken_count-- != 0)
			give_back(conn->quota->words[taken[taken_count]], before[taken[taken_count]],
				  after[taken[taken_count]]);
		return QUOTA_NO;
	}
	return QUOTA_YES;
}

static void release(struct fw_conn *conn)
{
	struct fw_engine *engine = conn->engine;

	for (unsigned i = 0; i < LIMIT_HELD; i++) {
		_Atomic uint64_t *word = conn->quota->words[i];

		conn->quota->words[i] = NULL;
		if (word != NULL && engine->quota.release != NULL)
			engine->quota.release(engine->quota.user, LIMIT_HELD_FIRST + i, word);
	}
}

void quota_move(struct fw_conn *conn, const struct fw_policy *next, const struct policy_route *route)
{
	uint64_t now = conn->engine->now.monotonic_ns;

	if (conn->quota == NULL)
		return;
	for (unsigned i = 0; conn->engine->quota.hold == NULL && i < LIMIT_HELD; i++) {
		const struct gcra *from =
			limit_held_scope(i) == LIMIT_OF_ROUTE && conn->route == NULL ? NULL : rate_of(conn, i);
		const struct gcra *to = limit_held_scope(i) != LIMIT_OF_ROUTE ? &next->held_rates[i]
					: route != NULL ? &route->rates[limit_held_counts_bytes(i)]
							: NULL;

		if (from != NULL && to != NULL && to->interval_ns != 0)
			conn->quota->own[i] = gcra_convert(conn->quota->own[i], from, to, now);
	}
	release(conn);
}

void quota_free(struct fw_conn *conn)
{
	if (conn->quota == NULL)
		return;
	release(conn);
	mem_free(conn->quota);
	conn->quota = NULL;
}
