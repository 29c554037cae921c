/* custom.h: judging by a stage of the embedding program. Inside of the engine, for pipeline.c. */
#ifndef ENGINE_CUSTOM_H
#define ENGINE_CUSTOM_H
#include "engine/message.h"

enum verdict custom_judge(const struct stage *stage, struct message *message);
#endif
