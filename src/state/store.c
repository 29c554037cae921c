#include "state/store.h"

#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

/* How many slots each operation looks at in passing: more than it can add, so that what ended goes as fast as what
 * begins. */
enum { SWEEP_STEPS = 4, SWEEP_SLICE = 8192, EVICT_STEPS = 8 };

struct store *store_new(const struct store_options *options, const struct fw_random *random)
{
	struct store *store = mem_zero(1, sizeof(*store));
	struct hash_key keys[13];

	if (store == NULL)
		return NULL;
	random->fill(random->user, (uint8_t *)keys, sizeof(keys));
	random->fill(random->user, store->nonce_key, sizeof(store->nonce_key));
	pthread_mutex_init(&store->lock, NULL);
	/* | and not ||: each part must be in a state that store_free can take */
	if (presence_init(&store->presence, &keys[0]) | limits_init(&store->attempts, &keys[1], LIMIT_ADDRESSES) |
	    offences_init(&store->offences, &keys[2]) | blocks_init(&store->blocks, &keys[3]) |
	    sessions_init(&store->sessions, &keys[4]) | revocations_init(&store->revocations, &keys[5]) |
	    sessions_init(&store->tickets, &keys[4]) | proofs_init(&store->proofs, &keys[6]) |
	    api_keys_init(&store->api_keys, &keys[7]) | limits_init(&store->limits, &keys[8], LIMIT_SHARED_WORDS) |
	    marks_init(&store->known, &keys[9], LIMIT_KNOWN_LOGINS) | credit_init(&store->credit, &keys[10]))
		return store_free(store);
	store->user_key = keys[11];
	store->chance_key = keys[12];
	store->threats = threats_new();
	if (store->threats == NULL)
		return store_free(store);
	store->begun_wall_us = options->begun_wall_us;
	store->ipv4_prefix = options->ipv4_prefix != 0 ? options->ipv4_prefix : 32;
	store->ipv6_prefix = options->ipv6_prefix != 0 ? options->ipv6_prefix : 64;
	store_configure(store, options);
	return store;
}

struct store *store_free(struct store *store)
{
	if (store == NULL)
		return NULL;
	presence_fini(&store->presence);
	limits_fini(&store->attempts);
	limits_fini(&store->limits);
	marks_fini(&store->known);
	offences_fini(&store->offences);
	credit_fini(&store->credit);
	blocks_fini(&store->blocks);
	sessions_fini(&store->sessions);
	sessions_fini(&store->tickets);
	revocations_fini(&store->revocations);
	proofs_fini(&store->proofs);
	logouts_fini(&store->logouts);
	api_keys_fini(&store->api_keys);
	threats_free(store->threats);
	pthread_mutex_destroy(&store->lock);
	mem_free(store);
	return NULL;
}

struct threats *store_threats(const struct store *store)
{
	return store->threats;
}

void store_configure(struct store *store, const struct store_options *options)
{
	pthread_mutex_lock(&store->lock);
	store->options = *options;
	store->blocks.forgive_ns = options->forgive_ns;
	offences_configure(&store->offences, options->window_ns);
	pthread_mutex_unlock(&store->lock);
	atomic_store(&store->refuses, options->step_percent[STORE_STEP_refuse] != 0);
	store_set_rate(store, LIMIT_KIND_logins, &options->auth_rate);
	store_set_rate(store, LIMIT_KIND_handshakes, &options->handshake_rate);
	store_set_rate(store, LIMIT_KIND_account_logins, &options->account_rate);
	store_set_rate(store, LIMIT_KIND_sessions, &options->session_rate);
}

void store_sweep(struct store *store, struct fw_time now)
{
	pthread_mutex_lock(&store->lock);
	sessions_sweep(&store->sessions, now, SWEEP_SLICE);
	sessions_sweep(&store->tickets, now, SWEEP_SLICE);
	blocks_sweep(&store->blocks, now.monotonic_ns, SWEEP_SLICE);
	proofs_sweep(&store->proofs, now, SWEEP_SLICE);
	pthread_mutex_unlock(&store->lock);
}

enum fw_answer_code store_admit(struct store *store, const struct fw_addr *address, uint64_t now_ns)
{
	struct prefix prefix = prefix_of(address), counted = store_prefix(store, address);
	enum fw_answer_code code = FW_ANSWER_YES;

	pthread_mutex_lock(&store->lock);
	/* Overload first: refusing it is the cheapest, and a blocked address is refused as well. */
	if (store->presence.total >= store->options.max_connections)
		code = FW_ANSWER_OVERLOAD;
	else if (blocks_has(&store->blocks, &prefix, now_ns))
		code = FW_ANSWER_BLOCKED;
	else if (!presence_enter(&store->presence, &counted, store->options.max_connections_per_ip))
		code = FW_ANSWER_FULL;
	blocks_sweep(&store->blocks, now_ns, SWEEP_STEPS);
	pthread_mutex_unlock(&store->lock);
	return code;
}

void store_release(struct store *store, const struct fw_addr *address)
{
	struct prefix prefix = store_prefix(store, address);

	pthread_mutex_lock(&store->lock);
	presence_leave(&store->presence, &prefix);
	pthread_mutex_unlock(&store->lock);
}

/* Makes room for one more session of a user among those that no connection holds, the oldest first. False: connections
 * hold as many as there may be. */
static bool make_room(struct store *store, const struct store_session *session)
{
	uint32_t oldest;

	while (sessions_of_user(&store->sessions, session, &oldest) >= store->options.max_sessions_per_user) {
		oldest = sessions_left_of_user(&store->sessions, session);
		if (oldest == SESSION_NONE)
			return false;
		sessions_remove(&store->sessions, oldest);
	}
	return true;
}

/* The same where the oldest ones give way. A session that no connection holds is simply forgotten; of those that a
 * connection holds one at most, since its id is all that the caller is told. */
static void evict(struct store *store, const struct store_session *session, struct fw_time now,
		  char ret_evicted[STORE_SESSION_ID], size_t *ret_evicted_size)
{
	bool held_told = false;
	uint32_t oldest;

	for (int i = 0; i < EVICT_STEPS; i++) {
		const struct session_slot *slot;
		bool held;

		if (sessions_of_user(&store->sessions, session, &oldest) < store->options.max_sessions_per_user ||
		    oldest == SESSION_NONE)
			return;
		slot = &store->sessions.slots[oldest];
		held = slot->idle_ns == UINT64_MAX;
		if (held && held_told)
			return;
		if (held || (!held_told && !sessions_ended(slot, now))) {
			*ret_evicted_size = slot->session_id_size;
			memcpy(ret_evicted, slot->texts + slot->user_id_size + slot->role_size, slot->session_id_size);
		}
		held_told = held_told || held;
		sessions_remove(&store->sessions, oldest);
	}
}

bool store_is_revoked(const struct store *store, const struct store_session *session)
{
	const struct revocation *found =
		revocations_find(&store->revocations, slice(session->user_id, session->user_id_size));

	for (size_t at = 0; at + 16 <= session->origin_size; at += 16)
		if (logouts_has(&store->logouts, session->origin + at, session->issued_wall_us))
			return true;
	return found != NULL && (found->disabled || session->issued_wall_us <= found->before_wall_us);
}

/* It may have been revoked since it was asked for: whoever revokes looks for connections once. */
bool store_key_ended(const struct store *store, const struct store_session *session, uint64_t now_wall_us)
{
	const struct api_key *key;

	if (session->key_id_size == 0)
		return false;
	key = api_keys_find(&store->api_keys, slice(session->key_id, session->key_id_size));
	return key == NULL || api_keys_ended(key, now_wall_us);
}

enum fw_answer_code store_session_open(struct store *store, const uint8_t key[32], const struct store_session *session,
				       struct fw_time now, char ret_evicted[STORE_SESSION_ID], size_t *ret_evicted_size)
{
	struct store_session copy = *session;
	enum fw_answer_code code = FW_ANSWER_YES;
	uint32_t same, index;
	uint64_t absolute;
	char *texts;

	*ret_evicted_size = 0;
	texts = sessions_texts(session);
	if (texts == NULL)
		return FW_ANSWER_FAILED;
	pthread_mutex_lock(&store->lock);
	sessions_sweep(&store->sessions, now, SWEEP_STEPS);
	absolute = now.wall_us + store->options.session_absolute_us;
	if (copy.expires_wall_us == 0 || copy.expires_wall_us > absolute)
		copy.expires_wall_us = absolute;
	if (store_is_revoked(store, &copy) || store_key_ended(store, &copy, now.wall_us))
		code = FW_ANSWER_NO;
	else if (penalties_user_blocked(store, slice(copy.user_id, copy.user_id_size), now.monotonic_ns))
		code = FW_ANSWER_BLOCKED;
	if (code != FW_ANSWER_YES) {
		pthread_mutex_unlock(&store->lock);
		mem_free(texts);
		return code;
	}
	same = sessions_find(&store->sessions, key);
	if (same != SESSION_NONE)
		sessions_remove(&store->sessions, same);
	if (store->options.sessions_refused && !make_room(store, &copy)) {
		pthread_mutex_unlock(&store->lock);
		mem_free(texts);
		return FW_ANSWER_CROWDED;
	}
	evict(store, &copy, now, ret_evicted, ret_evicted_size);
	index = sessions_add(&store->sessions, key, &copy, texts);
	pthread_mutex_unlock(&store->lock);
	if (index != SESSION_NONE)
		return FW_ANSWER_YES;
	mem_free(texts);
	return FW_ANSWER_LIMITED;
}

bool store_logout(struct store *store, const uint8_t mark[16], uint64_t before_wall_us, uint64_t until_wall_us)
{
	bool done;

	pthread_mutex_lock(&store->lock);
	done = logouts_put(&store->logouts, mark, before_wall_us, until_wall_us);
	pthread_mutex_unlock(&store->lock);
	return done;
}

void store_logout_list(struct store *store, store_logout_function *each, void *user)
{
	pthread_mutex_lock(&store->lock);
	logouts_each(&store->logouts, each, user);
	pthread_mutex_unlock(&store->lock);
}

void store_session_leave(struct store *store, const uint8_t key[32], uint64_t now_ns)
{
	uint32_t index;

	pthread_mutex_lock(&store->lock);
	index = sessions_find(&store->sessions, key);
	if (index != SESSION_NONE)
		store->sessions.slots[index].idle_ns = now_ns + store->options.session_idle_ns;
	pthread_mutex_unlock(&store->lock);
}

enum fw_answer_code store_session_take(struct store *store, const uint8_t key[32], struct fw_time now,
				       struct store_session *ret_session)
{
	enum fw_answer_code code = FW_ANSWER_NO;
	uint32_t index;

	pthread_mutex_lock(&store->lock);
	sessions_sweep(&store->sessions, now, SWEEP_STEPS);
	index = sessions_find(&store->sessions, key);
	if (index != SESSION_NONE) {
		if (!sessions_ended(&store->sessions.slots[index], now)) {
			sessions_read(&store->sessions.slots[index], ret_session);
			code = FW_ANSWER_YES;
		}
		sessions_remove(&store->sessions, index);
	}
	pthread_mutex_unlock(&store->lock);
	return code;
}

bool store_session_revoke(struct store *store, struct fw_slice session_id, struct store_session *ret_session)
{
	bool removed;

	pthread_mutex_lock(&store->lock);
	removed = sessions_remove_id(&store->sessions, session_id, ret_session);
	pthread_mutex_unlock(&store->lock);
	return removed;
}

uint32_t store_session_end_user(struct store *store, struct fw_slice user)
{
	uint32_t removed;

	pthread_mutex_lock(&store->lock);
	removed = sessions_remove_user(&store->sessions, user);
	sessions_remove_user(&store->tickets, user);
	pthread_mutex_unlock(&store->lock);
	return removed;
}

void store_session_list(struct store *store, struct fw_slice of, struct fw_time now, size_t limit,
			store_session_function *each, void *user)
{
	struct store_session session;

	pthread_mutex_lock(&store->lock);
	for (uint32_t at = 1; at <= store->sessions.touched && limit != 0; at++) {
		const struct session_slot *slot = &store->sessions.slots[at];

		if (slot->texts == NULL || sessions_ended(slot, now) ||
		    (of.size != 0 && !slice_equal(slice(slot->texts, slot->user_id_size), of)))
			continue;
		sessions_read(slot, &session);
		each(user, &session, slot->idle_ns == UINT64_MAX);
		limit--;
	}
	pthread_mutex_unlock(&store->lock);
}

size_t store_session_count(struct store *store)
{
	size_t count;

	pthread_mutex_lock(&store->lock);
	count = store->sessions.count;
	pthread_mutex_unlock(&store->lock);
	return count;
}

enum fw_answer_code store_proof_take(struct store *store, const uint8_t proof[32], uint64_t until_wall_us,
				     struct fw_time now)
{
	enum fw_answer_code code;

	pthread_mutex_lock(&store->lock);
	proofs_sweep(&store->proofs, now, SWEEP_STEPS);
	code = proofs_take(&store->proofs, proof, until_wall_us, now);
	pthread_mutex_unlock(&store->lock);
	return code;
}

enum store_revoked store_revoke(struct store *store, struct store_revocation *revocation, uint32_t *ret_sessions)
{
	const struct revocation *before;
	enum store_revoked result;

	*ret_sessions = 0;
	if (revocation->user.size == 0 || revocation->user.size > STORE_NAME || revocation->reason.size > STORE_REASON)
		return STORE_REVOKED_MEMORY;
	pthread_mutex_lock(&store->lock);
	before = revocations_find(&store->revocations, revocation->user);
	if (before != NULL && before->before_wall_us > revocation->before_wall_us)
		revocation->before_wall_us = before->before_wall_us;
	if (before != NULL)
		revocation->disabled |= before->disabled;
	result = revocations_put(&store->revocations, revocation);
	if (result == STORE_REVOKED)
		*ret_sessions = sessions_remove_user(&store->sessions, revocation->user);
	if (result == STORE_REVOKED)
		sessions_remove_user(&store->tickets, revocation->user);
	pthread_mutex_unlock(&store->lock);
	return result;
}

bool store_restore(struct store *store, struct fw_slice user)
{
	bool removed;

	pthread_mutex_lock(&store->lock);
	removed = revocations_remove(&store->revocations, user);
	pthread_mutex_unlock(&store->lock);
	return removed;
}

bool store_revoked(struct store *store, struct fw_slice user, bool *ret_disabled)
{
	const struct revocation *found;

	pthread_mutex_lock(&store->lock);
	found = revocations_find(&store->revocations, user);
	*ret_disabled = found != NULL && found->disabled;
	pthread_mutex_unlock(&store->lock);
	return found != NULL;
}

void store_revocation_list(struct store *store, store_revocation_function *each, void *user)
{
	pthread_mutex_lock(&store->lock);
	revocations_each(&store->revocations, each, user);
	pthread_mutex_unlock(&store->lock);
}
