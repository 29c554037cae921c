/* macro.h: ${…} in a play: variables, tokens, keys, repetitions. */
#ifndef PLAY_MACRO_H
#define PLAY_MACRO_H
#include "text.h"

struct world;

struct variable {
	struct variable *next;
	char *name;
	struct text value;
};

struct macros {
	struct variable *variables;
	struct world *world; /* NULL while the configuration is being written */
	uint64_t wall_us;    /* when there is no world yet */
	uint16_t client_port, upstream_port;
};

void macro_set(struct macros *macros, const char *name, const struct text *value);
void macro_clear(struct macros *macros);
/* Replaces every ${…}. False: reterr says which one is unknown. text may hold NULs. */
bool macro_expand(struct macros *macros, const char *text, size_t size, struct text *ret_text, struct text *reterr);
#endif
