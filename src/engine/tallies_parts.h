/* tallies_parts.h: counting and timing for the files of this folder. Nothing here allocates or fails. */
#ifndef ENGINE_TALLIES_PARTS_H
#define ENGINE_TALLIES_PARTS_H
#include "engine/conn_state.h"
#include "engine/message.h"

/* stage: the one that stopped it, or pipeline_count. */
void tallies_message(struct fw_engine *engine, const struct message *message, enum decision decision, unsigned stage);
void tallies_stop(struct fw_engine *engine, const struct message *message, enum decision decision, unsigned stage);
/* The same of what is not judged. key: what the type is known by, as long as its policy. */
void tallies_count(struct fw_engine *engine, const struct policy_route *route, const void *key, struct fw_slice type,
		   bool outbound, enum decision decision);
void tallies_forget(struct fw_engine *engine); /* there is another policy */

void tallies_time_begin(struct fw_engine *engine);
void tallies_time_stage(struct fw_engine *engine, unsigned stage, bool outbound);
void tallies_time_end(struct fw_engine *engine, bool outbound);

/* Is this message one of those that are timed? */
static inline bool tallies_times(struct fw_engine *engine)
{
	return engine->timing.clock != NULL && --engine->timing.left == 0;
}
#endif
