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

struct verified_slot {
	uint8_t key[32];
	uint64_t made_wall_us;	  /* 0: the slot is free */
	struct identity identity; /* its user_id is user */
	uint8_t user[LIMIT_USER_ID];
};
struct verified {
	uint8_t secret[32];
	struct verified_slot slots[LIMIT_VERIFIED];
};

/* Whoever adds a text to struct identity copies it here, too, or sees to it that such an identity is not kept. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct identity) == 216,
	       "what is kept of an identity is what is known here");

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
	return slot->made_wall_us != 0 && slot->made_wall_us <= wall_us && slot->identity.expires_wall_us > wall_us;
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
		if (!counts(slot, engine->now.wall_us) || memcmp(slot->key, key, sizeof(key)) != 0)
			continue;
		*ret_identity = slot->identity;
		engine->counters[COUNT_token_cache_hits]++;
		return true;
	}
	return false;
}

/* The place of what says nothing any more, else of what says it for the shortest time still. */
static struct verified_slot *make_room(struct verified_slot *slot, uint64_t wall_us)
{
	struct verified_slot *best = slot;

	for (unsigned i = 0; i < WAYS; i++, slot++) {
		if (!counts(slot, wall_us))
			return slot;
		if (slot->identity.expires_wall_us < best->identity.expires_wall_us)
			best = slot;
	}
	return best;
}

void verified_keep(struct fw_conn *conn, struct fw_slice token, const struct identity *identity)
{
	struct fw_engine *engine = conn->engine;
	struct verified_slot *slot;
	uint8_t key[32];

	if (conn->policy != engine->policy || identity->user_id.size > LIMIT_USER_ID || identity->key_id.size != 0 ||
	    identity->scopes.size != 0 || identity->kid.size != 0)
		return;
	if (engine->verified == NULL) {
		engine->verified = mem_zero(1, sizeof(*engine->verified));
		if (engine->verified == NULL)
			return; /* the next one is verified anew: dearer, and as right */
		engine_random(engine, engine->verified->secret, sizeof(engine->verified->secret));
	}
	slot = make_room(set_of(engine->verified, token, key), engine->now.wall_us);
	*slot = (struct verified_slot){ .made_wall_us = engine->now.wall_us, .identity = *identity };
	memcpy(slot->key, key, sizeof(key));
	memcpy(slot->user, identity->user_id.data, identity->user_id.size);
	slot->identity.user_id.data = slot->user;
}

void verified_forget(struct fw_engine *engine)
{
	if (engine->verified != NULL)
		mem_wipe(engine->verified, sizeof(*engine->verified));
	mem_free(engine->verified);
	engine->verified = NULL;
}
