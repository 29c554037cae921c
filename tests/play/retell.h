/* retell.h: the configuration of a play said in another way, under which all must hold as before; or with one key
 * changed, under which a play that sees that key's effect must not hold. tests/e2e/test_effects.py asks for both. */
#ifndef PLAY_RETELL_H
#define PLAY_RETELL_H
#include "policy/config.h"
#include "text.h"

enum retell_kind {
	RETELL_NOT,
	RETELL_OVERLAY,	   /* all of it in the overlay of an environment */
	RETELL_VARIABLES,  /* each row of config.def in its FRAMEWALL_ variable */
	RETELL_REFERENCES, /* each single value as ${file:…} */
	RETELL_WITHOUT,	   /* one key left out */
	RETELL_WITH	   /* one key given another value */
};

struct retelling {
	enum retell_kind kind;
	char path[128];	   /* "rate_limiting.messages_per_minute"; * is each entry: "routes.*.opaque" */
	const char *value; /* YAML */
	unsigned changed;  /* configurations that had something to change */
};

enum { RETOLD_ROOM = 256 };

/* What the program is given instead. */
struct retold {
	struct text yaml;
	struct config_variable variables[RETOLD_ROOM];
	size_t variable_count;
	char *files[RETOLD_ROOM]; /* /0, /1, … */
	size_t file_count;
	struct config_source source;
};

/* False: "--as=…" and the like that it does not know. */
bool retell_option(struct retelling *retelling, const char *word);
/* options: the text stands in it; it borrows from ret_retold until retold_clear. */
void retell(struct retelling *retelling, struct config_options *options, struct retold *ret_retold);
void retold_clear(struct retold *retold);
#endif
