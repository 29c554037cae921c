/* store_quota.h: an engine counts what connections share on the words of a store, which outlives its connections. */
#ifndef SHELL_STORE_QUOTA_H
#define SHELL_STORE_QUOTA_H
#include "engine/quota.h"
#include "state/store.h"

void store_quota(struct fw_engine *engine, struct store *store);
#endif
