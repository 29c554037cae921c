/* verified.c: tokens that were verified a moment ago and come again: an RS256 signature costs twenty times what the
 * hash of the whole token costs, an Ed25519 one a hundred times. What is kept is who the token says that it is, by the
 * SHA-256 of a secret of this engine and the token, so that nobody can choose which tokens share a place.
 *
 * Only what the token itself says is kept, and only under the policy that judged it. What is outside of it is asked
 * each time: whether its user was revoked (SESSION_OPEN), what it is bound to (binding.c), whether it has expired. */
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "engine/conn_state.h"

#include <string.h>

enum { WAYS = 4, SETS = LIMIT_VERIFIED / WAYS };
_Static_assert((SETS & (SETS - 1)) == 0, "the table is indexed by masking");

/* What is kept of an identity, and the user's id behind it: of one that is bound to nothing, and that nobody can end
 * from afar, the beginning alone, which is a quarter of it. */
struct verified_slot {
	uint8_t key[16];
	uint64_t made_wall_us;
	uint8_t *kept; /* NULL: the slot is free */
	uint16_t size; /* of what is in front of the user's id */
};
struct verified {
	uint8_t secret[32];
	struct verified_slot slots[LIMIT_VERIFIED];
};
enum { BEGINNING = offsetof(struct identity, binding) };

/* Whoever adds a text to struct identity copies it here, too, or sees to it that such an identity is not kept. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct identity) == 200,
	       "what is kept of an identity is what is known here");

static uint16_t kept_size(const struct identity *identity)
{
	return (uint16_t)(identity->binding.kinds != 0 || identity->has_origin ? sizeof(*identity) : BEGINNING);
}

static struct verified_slot *set_of(struct verified *verified, struct fw_slice token, uint8_t ret_key[32])
{
	uint32_t number;

	digest_sha256_pair(slice(verified->secret, sizeof(verified->secret)), token, ret_key);
	memcpy(&number, ret_key, sizeof(number));
	return &verified->slots[(number & (SETS - 1)) * WAYS];
}

/* A clock that was set back would let nbf and iat count that did not then: what is from the future is nothing. */
static bool counts(const struct verified_slot *slot, uint64_t wall_us)
{
	struct identity found;

	if (slot->kept == NULL || slot->made_wall_us > wall_us)
		return false;
	memcpy(&found, slot->kept, BEGINNING);
	return found.expires_wall_us > wall_us;
}

static void forget(struct verified_slot *slot)
{
	struct identity found = { 0 };

	if (slot->kept == NULL)
		return;
	memcpy(&found, slot->kept, BEGINNING);
	mem_wipe(slot->kept, slot->size + found.user_id.size);
	mem_free(slot->kept);
	*slot = (struct verified_slot){ 0 };
}

bool verified_find(struct fw_conn *conn, struct fw_slice token, struct identity *ret_identity)
{
	struct fw_engine *engine = conn->engine;
	struct verified_slot *slot;
	uint8_t key[32];

	if (engine->verified == NULL || conn->policy != engine->policy)
		return false;
	slot = set_of(engine->verified, token, key);
	for (unsigned i = 0; i < WAYS; i++, slot++) {
		if (!counts(slot, engine->now.wall_us) || memcmp(slot->key, key, sizeof(slot->key)) != 0)
			continue;
		*ret_identity = (struct identity){ 0 };
		memcpy(ret_identity, slot->kept, slot->size);
		ret_identity->user_id.data = slot->kept + slot->size;
		engine->counters[COUNT_token_cache_hits]++;
		return true;
	}
	return false;
}

static uint64_t end_of(const struct verified_slot *slot)
{
	struct identity found;

	memcpy(&found, slot->kept, BEGINNING);
	return found.expires_wall_us;
}

/* The place of what says nothing any more, else of what says it for the shortest time still. */
static struct verified_slot *make_room(struct verified_slot *slot, uint64_t wall_us)
{
	struct verified_slot *best = slot;

	for (unsigned i = 0; i < WAYS; i++, slot++) {
		if (!counts(slot, wall_us))
			return slot;
		if (end_of(slot) < end_of(best))
			best = slot;
	}
	return best;
}

void verified_keep(struct fw_conn *conn, struct fw_slice token, const struct identity *identity)
{
	struct fw_engine *engine = conn->engine;
	uint16_t size = kept_size(identity);
	struct verified_slot *slot;
	uint8_t key[32], *kept;

	if (conn->policy != engine->policy || identity->user_id.size > LIMIT_USER_ID || identity->key_id.size != 0 ||
	    identity->scopes.size != 0 || identity->kid.size != 0)
		return;
	if (engine->verified == NULL) {
		engine->verified = mem_zero(1, sizeof(*engine->verified));
		if (engine->verified == NULL)
			return; /* the next one is verified anew: dearer, and as right */
		engine_random(engine, engine->verified->secret, sizeof(engine->verified->secret));
	}
	kept = mem_alloc(size + identity->user_id.size);
	if (kept == NULL)
		return;
	memcpy(kept, identity, size);
	memcpy(kept + size, identity->user_id.data, identity->user_id.size);
	slot = make_room(set_of(engine->verified, token, key), engine->now.wall_us);
	forget(slot);
	*slot = (struct verified_slot){ .made_wall_us = engine->now.wall_us, .size = size, .kept = kept };
	memcpy(slot->key, key, sizeof(slot->key));
}

void verified_forget(struct fw_engine *engine)
{
	for (unsigned i = 0; engine->verified != NULL && i < LIMIT_VERIFIED; i++)
		forget(&engine->verified->slots[i]);
	if (engine->verified != NULL)
		mem_wipe(engine->verified, sizeof(*engine->verified));
	mem_free(engine->verified);
	engine->verified = NULL;
}
