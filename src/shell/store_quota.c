#include "shell/store_quota.h"

static _Atomic uint64_t *hold(void *user, const struct engine_subject *subject, bool *ret_crowded)
{
	return store_limit_hold(user, subject->kind, &subject->address, subject->name, &subject->rate, subject->now_ns,
				ret_crowded);
}

static void release(void *user, enum limit_kind kind, _Atomic uint64_t *word)
{
	store_limit_release(user, kind, word);
}

void store_quota(struct fw_engine *engine, struct store *store)
{
	engine_quota(engine, &(struct engine_quota){ .hold = hold, .release = release, .user = store });
}
