/* quota.h: limits of messages that many connections share: of a user, an address, a route, of all. The engine counts;
 * the words that it counts on are its embedder's, who gives the same one to all connections of a subject, whatever
 * thread they are on. A connection holds the words of its subjects from its first message on, so that a limit is asked
 * without a lock and without looking anything up. Without an embedder who gives any, each connection counts by itself.
 */
#ifndef ENGINE_QUOTA_H
#define ENGINE_QUOTA_H
#include <framewall/conn.h>
#include <stdatomic.h>

#include "base/gcra.h"
#include "base/limit_kind.h"

struct engine_subject {
	enum limit_kind kind;
	struct fw_addr address; /* of an address; family 0 of others */
	struct fw_slice name;	/* of a user or a route; of all it is empty */
	struct gcra rate;	/* that it is counted by: what was counted by another goes on under this one */
	uint64_t now_ns;
};
struct engine_quota {
	/* Never NULL. *ret_crowded: it is a word of all that found no place. Nobody else gets it before release. */
	_Atomic uint64_t *(*hold)(void *user, const struct engine_subject *subject, bool *ret_crowded);
	void (*release)(void *user, enum limit_kind kind, _Atomic uint64_t *word);
	void *user;
};
/* Before there is a connection. */
void engine_quota(struct fw_engine *engine, const struct engine_quota *quota);
#endif
