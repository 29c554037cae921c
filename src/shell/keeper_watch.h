/* keeper_watch.h: who behaves oddly, by the record. */
#ifndef FRAMEWALL_SHELL_KEEPER_WATCH_H
#define FRAMEWALL_SHELL_KEEPER_WATCH_H

#include <framewall/event.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "watch/watch.h"

struct fw_policy;
struct keeper_recorder;

enum { KEEPER_WATCH_TYPES = WATCH_TYPES - 1 };

struct keeper_watch {
	_Atomic uint64_t wanted; /* as the configuration has it */
	_Atomic uint64_t lost;	 /* alerts for which there was no room */
	/* of the recorder's thread */
	uint64_t used, saved_ns;
	struct watch *watch; /* NULL: nobody is watched */
	struct hash_key key;
	uint64_t types[KEEPER_WATCH_TYPES]; /* names of the first ones that came; all others are one more */
};

void keeper_watch_set(struct keeper_watch *watching, const struct fw_policy *policy); /* any thread */
void keeper_watch_see(struct keeper_recorder *recorder, const struct fw_record *record);
void keeper_watch_stop(struct keeper_recorder *recorder); /* when the thread is gone; saves */

/* keeper_watch_file.c: the file `habits` of the data directory. Of the recorder's thread. */
void keeper_watch_load(struct keeper_recorder *recorder);
void keeper_watch_save(struct keeper_recorder *recorder, bool due_only); /* due: an hour after the last time */
void keeper_watch_forget(struct keeper_recorder *recorder);

#endif
