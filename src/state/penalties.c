/* penalties.c: what becomes of who breaks rules. docs/internals/penalties.md says why. Under the lock of the store. */
#include <stdio.h>
#include <string.h>

#include "base/event_type.h"
#include "state/store_parts.h"

/* BLOCKS_MOST: more are not told apart; by then the longest block is reached. EXEMPT: of a family, what is counted for
 * the record alone: it is no point of the address that he who is exempt shares, and no reason to refuse his logins. */
enum { BLOCKS_MOST = 64, REFUSED_MS = 60000, EXEMPT = 256 };

struct prefix penalties_user(const struct store *store, struct fw_slice user)
{
	return (struct prefix){ hash_bytes(&store->user_key, user.data, user.size), PREFIX_USER };
}

bool penalties_user_blocked(const struct store *store, struct fw_slice user, uint64_t now_ns)
{
	struct prefix prefix = penalties_user(store, user);

	return user.size != 0 && blocks_has(&store->blocks, &prefix, now_ns);
}

static bool is_shared(const struct store *store, unsigned users)
{
	return store->options.shared_users != 0 && users >= store->options.shared_users;
}

/* Of an address with many users who log in as they should, a few bad ones are no surprise. */
static uint32_t threshold_of(struct store *store, const struct prefix *prefix, unsigned users)
{
	uint64_t threshold = store->options.violation_threshold, times;

	if (prefix->family != PREFIX_USER && is_shared(store, users)) {
		times = 1 + users / store->options.shared_users;
		if (times > store->options.shared_most)
			times = store->options.shared_most;
		threshold *= times != 0 ? times : 1;
	}
	return threshold > UINT32_MAX ? UINT32_MAX : (uint32_t)threshold;
}

/* The points at which a step begins; those of a step at or behind the threshold are never reached. */
static uint64_t mark_of(const struct store *store, enum store_step step, uint32_t threshold)
{
	uint64_t percent = store->options.step_percent[step];

	if (step == STORE_STEP_block)
		return threshold;
	return percent == 0 ? UINT64_MAX : (threshold * percent + 99) / 100;
}

static enum store_step step_of(const struct store *store, uint32_t score, uint32_t threshold)
{
	for (enum store_step step = STORE_STEP_block; step != STORE_STEP_none; step--)
		if (score >= mark_of(store, step, threshold))
			return step;
	return STORE_STEP_none;
}

bool penalties_refuses(struct store *store, const struct prefix *prefix, uint64_t now_ns, uint32_t *ret_retry_ms)
{
	uint32_t score, threshold;
	bool refuses;

	if (!atomic_load_explicit(&store->refuses, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&store->lock);
	score = offences_score(&store->offences, prefix, now_ns);
	threshold = threshold_of(store, prefix, credit_users(&store->credit, prefix, now_ns));
	refuses = score != 0 && score >= mark_of(store, STORE_STEP_refuse, threshold);
	pthread_mutex_unlock(&store->lock);
	*ret_retry_ms = REFUSED_MS;
	return refuses;
}

/* Doubling, or whatever the factor is, up to the longest; by chance somewhat longer, so that nobody knows the end. */
static uint64_t life_of(struct store *store, const struct prefix *prefix, uint32_t earlier, uint64_t first_ns)
{
	const struct store_options *options = &store->options;
	uint64_t life = options->block_first_ns != 0 ? options->block_first_ns : options->block_ns, most;
	struct {
		struct prefix prefix;
		uint64_t number;
	} chance = { *prefix, ++store->chances };

	if (first_ns != 0)
		life = first_ns;
	while (earlier-- != 0 && life < options->block_ns)
		if (__builtin_mul_overflow(life, options->block_factor != 0 ? options->block_factor : 1, &life))
			life = UINT64_MAX;
	most = life / 100 * options->block_jitter;
	if (most != 0)
		life = store_end(life, hash_bytes(&store->chance_key, &chance, sizeof(chance)) % most);
	return life < options->block_ns ? life : options->block_ns;
}

static void write_reason(struct offences *offences, const struct prefix *prefix, uint32_t score,
			 char ret_reason[STORE_BLOCK_REASON])
{
	static const char *const names[] = {
#define EVENT(name, level, alias, class, alone, help) [EVENT_##name] = #name,
#include "tables/events.def"
#undef EVENT
	};
	int size = snprintf(ret_reason, STORE_BLOCK_REASON, "too many blocking events: %u points", score);
	struct store_kind kinds[STORE_KINDS];
	unsigned count = offences_kinds(offences, prefix, kinds);

	for (unsigned i = 0; i < count; i++) {
		const char *name = kinds[i].event < EVENT_TYPES ? names[kinds[i].event] : "others";
		char one[64];

		snprintf(one, sizeof(one), ", %s %u", name, kinds[i].points);
		if (size + (int)strlen(one) >= STORE_BLOCK_REASON)
			return;
		size += snprintf(ret_reason + size, (size_t)(STORE_BLOCK_REASON - size), "%s", one);
	}
}

static bool block(struct store *store, const struct prefix *prefix, const struct store_offence *offence, uint32_t score,
		  uint64_t now_ns, struct store_block *ret_block)
{
	struct block_slot *slot = blocks_find(&store->blocks, prefix);
	uint32_t earlier = slot != NULL ? blocks_earlier(&store->blocks, slot, now_ns) : 0;
	struct block_slot wish = { .prefix = *prefix, .score = score, .automatic = true };

	wish.blocks = earlier < BLOCKS_MOST ? earlier + 1 : earlier;
	wish.until_ns = store_end(now_ns, life_of(store, prefix, earlier, offence->first_ns));
	wish.forgive_ns = store_end(wish.until_ns, store->options.forgive_ns);
	if (prefix->family == PREFIX_USER) {
		wish.user_size = (uint8_t)offence->user.size;
		memcpy(wish.user, offence->user.data, offence->user.size);
	}
	if (offence->said.size != 0 && offence->said.size < STORE_BLOCK_REASON)
		memcpy(wish.reason, offence->said.data, offence->said.size);
	else
		write_reason(&store->offences, prefix, score, wish.reason);
	if (!blocks_put(&store->blocks, &wish, now_ns))
		return false;
	slot = blocks_find(&store->blocks, prefix);
	blocks_mark(&store->blocks, slot, true);
	penalties_read(slot, now_ns, ret_block);
	return true;
}

static struct prefix counted(const struct prefix *prefix, const struct store_offence *offence)
{
	return (struct prefix){ prefix->head, prefix->family | (offence->exempt ? EXEMPT : 0) };
}

/* Counts on one of the two, and says what that makes. */
static void count(struct store *store, const struct prefix *prefix, unsigned users, const struct store_offence *offence,
		  uint64_t now_ns, struct store_penalty *ret_penalty)
{
	struct prefix subject = counted(prefix, offence);
	uint32_t score = offences_count(&store->offences, &subject, offence->event, offence->points, now_ns);
	uint32_t threshold = threshold_of(store, prefix, users);
	enum store_step step = step_of(store, score, threshold);

	*ret_penalty = (struct store_penalty){ .step = step,
					       .score = score,
					       .threshold = threshold,
					       .exempt = offence->exempt,
					       .crossed = step_of(store, score - offence->points, threshold) < step };
	if (prefix->family == PREFIX_USER) {
		ret_penalty->block.user_size = offence->user.size;
		memcpy(ret_penalty->block.user, offence->user.data, offence->user.size);
	} else {
		ret_penalty->block.address = prefix_address(prefix);
	}
	if (step != STORE_STEP_block)
		return;
	if (!offence->exempt && !block(store, prefix, offence, score, now_ns, &ret_penalty->block)) {
		ret_penalty->step = STORE_STEP_none; /* the list is full of what operators put there */
		return;
	}
	offences_forget(&store->offences, &subject);
}

/* A user comes before the address that he shares with others: what he does is his alone, until several of them are
 * blocked. Of an address that is not shared both count, and the address is what is blocked; a user who goes from
 * address to address is blocked himself. */
static void offend(struct store *store, const struct store_offence *offence, uint64_t now_ns, struct store_penalty *ret)
{
	struct prefix prefix = prefix_of(&offence->address), user = penalties_user(store, offence->user);
	struct prefix of_him = counted(&user, offence);
	unsigned users = credit_users(&store->credit, &prefix, now_ns);
	struct store_penalty of_user = { 0 };

	if (offence->of_user) {
		if (!blocks_has(&store->blocks, &user, now_ns))
			count(store, &user, 0, offence, now_ns, ret);
		return;
	}
	if (blocks_has(&store->blocks, &prefix, now_ns))
		return;
	if (offence->user.size == 0) {
		count(store, &prefix, users, offence, now_ns, ret);
		return;
	}
	if (blocks_has(&store->blocks, &user, now_ns))
		return;
	if (!is_shared(store, users)) {
		count(store, &prefix, users, offence, now_ns, ret);
		if (ret->step == STORE_STEP_block) {
			offences_forget(&store->offences, &of_him);
			return;
		}
	}
	count(store, &user, 0, offence, now_ns, &of_user);
	of_user.shared = is_shared(store, users);
	if (of_user.step > ret->step)
		*ret = of_user;
}

enum store_step store_offend(struct store *store, const struct store_offence *offence, uint64_t now_ns,
			     struct store_penalty *ret_penalty)
{
	*ret_penalty = (struct store_penalty){ 0 };
	if (offence->points == 0 || offence->user.size > STORE_NAME || (offence->of_user && offence->user.size == 0))
		return STORE_STEP_none;
	pthread_mutex_lock(&store->lock);
	offend(store, offence, now_ns, ret_penalty);
	pthread_mutex_unlock(&store->lock);
	return ret_penalty->step;
}

void store_well_done(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns)
{
	struct prefix prefix = prefix_of(address);

	if (user.size == 0)
		return;
	pthread_mutex_lock(&store->lock);
	credit_note(&store->credit, &prefix, user, now_ns);
	pthread_mutex_unlock(&store->lock);
}

bool store_standing(struct store *store, const struct fw_addr *address, struct fw_slice user, uint64_t now_ns,
		    struct store_standing *ret_standing)
{
	struct prefix prefix = address->family != 0 ? prefix_of(address) : penalties_user(store, user);
	struct block_slot *slot;

	*ret_standing =
		(struct store_standing){ .block.address = address->family != 0 ? prefix_address(&prefix) : *address };
	pthread_mutex_lock(&store->lock);
	if (address->family != 0)
		ret_standing->users = credit_users(&store->credit, &prefix, now_ns);
	ret_standing->threshold = threshold_of(store, &prefix, ret_standing->users);
	ret_standing->score = offences_score(&store->offences, &prefix, now_ns);
	ret_standing->kind_count = offences_kinds(&store->offences, &prefix, ret_standing->kinds);
	slot = blocks_find(&store->blocks, &prefix);
	if (slot != NULL) {
		blocks_earlier(&store->blocks, slot, now_ns);
		penalties_read(slot, now_ns, &ret_standing->block);
	}
	pthread_mutex_unlock(&store->lock);
	return ret_standing->users != 0 || ret_standing->score != 0 || ret_standing->block.blocks != 0 ||
	       ret_standing->block.left_ns != 0;
}
