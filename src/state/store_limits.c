/* store_limits.c: what is counted of addresses, users and accounts by the minute. */
#include "state/store_parts.h"

struct prefix store_prefix(const struct store *store, const struct fw_addr *address)
{
	return prefix_within(address, store->ipv4_prefix, store->ipv6_prefix);
}

void store_set_rate(struct store *store, enum limit_kind kind, const struct gcra *rate)
{
	atomic_store(&store->rates[kind].interval_ns, rate->interval_ns);
	atomic_store(&store->rates[kind].burst_ns, rate->burst_ns);
}

static struct gcra rate_of(struct store *store, enum limit_kind kind)
{
	return (struct gcra){ atomic_load_explicit(&store->rates[kind].interval_ns, memory_order_relaxed),
			      atomic_load_explicit(&store->rates[kind].burst_ns, memory_order_relaxed) };
}

static struct fw_slice prefix_slice(const struct prefix *prefix)
{
	return slice(prefix, sizeof(*prefix));
}

static enum fw_answer_code answer(uint64_t wait_ns, uint32_t *ret_retry_ms)
{
	uint64_t wait_ms = wait_ns / 1000000 + (wait_ns % 1000000 != 0);

	*ret_retry_ms = wait_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)wait_ms;
	return wait_ns == 0 ? FW_ANSWER_YES : FW_ANSWER_LIMITED;
}

#define WEEK_NS (7 * 24 * HOUR_NS)

static enum fw_answer_code slot(struct store *store, struct limits *limits, enum limit_kind kind,
				struct fw_slice subject, uint64_t now_ns, uint32_t *ret_retry_ms)
{
	struct gcra rate = rate_of(store, kind);

	*ret_retry_ms = 0;
	if (rate.interval_ns == 0)
		return FW_ANSWER_YES;
	return answer(limits_take(limits, kind, limits_tag(limits, kind, subject), &rate, now_ns), ret_retry_ms);
}

enum fw_answer_code store_auth_slot(struct store *store, const struct fw_addr *address, uint64_t now_ns,
				    uint32_t *ret_retry_ms)
{
	struct prefix prefix = store_prefix(store, address), offender = prefix_of(address);

	if (penalties_refuses(store, &offender, now_ns, ret_retry_ms))
		return FW_ANSWER_LIMITED;
	return slot(store, &store->attempts, LIMIT_KIND_logins, prefix_slice(&prefix), now_ns, ret_retry_ms);
}

enum fw_answer_code store_handshake_slot(struct store *store, const struct fw_addr *address, uint64_t now_ns,
					 uint32_t *ret_retry_ms)
{
	struct prefix prefix = store_prefix(store, address);

	return slot(store, &store->attempts, LIMIT_KIND_handshakes, prefix_slice(&prefix), now_ns, ret_retry_ms);
}

static uint64_t known_tag(const struct store *store, struct fw_slice user, const struct fw_addr *address)
{
	struct prefix prefix = store_prefix(store, address);

	return marks_tag(&store->known, user, prefix_slice(&prefix));
}

enum fw_answer_code store_account_slot(struct store *store, struct fw_slice user, const struct fw_addr *address,
				       uint64_t now_ns, uint32_t *ret_retry_ms)
{
	if (marks_has(&store->known, known_tag(store, user, address), now_ns)) {
		*ret_retry_ms = 0;
		return FW_ANSWER_YES;
	}
	return slot(store, &store->attempts, LIMIT_KIND_account_logins, user, now_ns, ret_retry_ms);
}

void store_login_known(struct store *store, struct fw_slice user, const struct fw_addr *address, uint64_t now_ns)
{
	marks_put(&store->known, known_tag(store, user, address), now_ns + WEEK_NS, now_ns);
}

enum fw_answer_code store_session_slot(struct store *store, struct fw_slice user, uint64_t now_ns,
				       uint32_t *ret_retry_ms)
{
	return slot(store, &store->limits, LIMIT_KIND_sessions, user, now_ns, ret_retry_ms);
}

/* Strangers can fill the words of addresses; those of users, routes and all are not among them. */
static struct limits *limits_of(struct store *store, enum limit_kind kind)
{
	return kind == LIMIT_KIND_address_messages || kind == LIMIT_KIND_address_bytes ? &store->attempts
										       : &store->limits;
}

_Atomic uint64_t *store_limit_hold(struct store *store, enum limit_kind kind, const struct fw_addr *address,
				   struct fw_slice name, const struct gcra *rate, uint64_t now_ns, bool *ret_crowded)
{
	struct limits *limits = limits_of(store, kind);
	struct prefix prefix = store_prefix(store, address);
	struct fw_slice subject = limits == &store->attempts ? prefix_slice(&prefix) : name;
	_Atomic uint64_t *word = limits_hold(limits, kind, limits_tag(limits, kind, subject), rate, now_ns);

	*ret_crowded = word == &limits->shared[kind];
	return word;
}

void store_limit_release(struct store *store, enum limit_kind kind, _Atomic uint64_t *word)
{
	limits_release(limits_of(store, kind), word);
}

enum fw_answer_code store_arrive(struct store *store, const struct fw_addr *address, uint64_t now_ns,
				 uint32_t *ret_retry_ms)
{
	enum fw_answer_code code = store_handshake_slot(store, address, now_ns, ret_retry_ms);

	return code == FW_ANSWER_YES ? store_admit(store, address, now_ns) : code;
}

void store_logged_in(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns)
{
	store_login_known(store, user, address, now_ns);
	store_well_done(store, address, user, now_ns);
}
