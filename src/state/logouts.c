/* logouts.c: sessions and subjects of issuers that are over: logins by credentials of before are refused as long as
 * such credentials may last. The place of one that matters for the shortest time is given up when a set is full. */
#include <string.h>

#include "base/mem.h"
#include "state/store_parts.h"

enum { LOGOUT_WAYS = 8, LOGOUT_SETS = LIMIT_LOGOUTS / LOGOUT_WAYS };

void logouts_fini(struct logouts *logouts)
{
	mem_free(logouts->slots);
}

/* Marks are parts of a SHA-256: as good as a hash. */
static struct logout_slot *set_of(const struct logouts *logouts, const uint8_t mark[16])
{
	uint32_t number;

	memcpy(&number, mark, sizeof(number));
	return &logouts->slots[number % LOGOUT_SETS * LOGOUT_WAYS];
}

bool logouts_put(struct logouts *logouts, const uint8_t mark[16], uint64_t before_wall_us, uint64_t until_wall_us)
{
	struct logout_slot *set, *place;

	if (logouts->slots == NULL) /* most servers have no use for it */
		logouts->slots = mem_zero(LIMIT_LOGOUTS, sizeof(*logouts->slots));
	if (logouts->slots == NULL)
		return false;
	set = place = set_of(logouts, mark);
	for (unsigned i = 0; i < LOGOUT_WAYS; i++) {
		if (memcmp(set[i].mark, mark, 16) == 0) {
			place = &set[i];
			break;
		}
		if (set[i].until_wall_us < place->until_wall_us)
			place = &set[i];
	}
	*place = (struct logout_slot){ .before_wall_us = before_wall_us, .until_wall_us = until_wall_us };
	memcpy(place->mark, mark, 16);
	return true;
}

bool logouts_has(const struct logouts *logouts, const uint8_t mark[16], uint64_t issued_wall_us)
{
	const struct logout_slot *set;

	if (logouts->slots == NULL)
		return false;
	set = set_of(logouts, mark);
	for (unsigned i = 0; i < LOGOUT_WAYS; i++)
		if (set[i].until_wall_us != 0 && memcmp(set[i].mark, mark, 16) == 0)
			return issued_wall_us <= set[i].before_wall_us;
	return false;
}

void logouts_each(const struct logouts *logouts, store_logout_function *each, void *user)
{
	for (unsigned i = 0; logouts->slots != NULL && i < LIMIT_LOGOUTS; i++)
		if (logouts->slots[i].until_wall_us != 0)
			each(user, logouts->slots[i].mark, logouts->slots[i].before_wall_us,
			     logouts->slots[i].until_wall_us);
}
