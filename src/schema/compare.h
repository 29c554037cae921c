/* compare.h: what one JSON Schema lets pass and another does not, in words: keyword by keyword, as people compare
 * them. It is no proof: what cannot be told is said to be changed, never passed over. No state; any thread. */
#ifndef SCHEMA_COMPARE_H
#define SCHEMA_COMPARE_H
#include <framewall/types.h>

enum difference { DIFFERENCE_OPENS, DIFFERENCE_CLOSES, DIFFERENCE_CHANGES };
typedef void difference_function(void *user, enum difference effect, const char *text);

struct jsonschema_compared {
	struct fw_slice text; /* JSON that holds */
	bool closed;	      /* as it was compiled: see struct jsonschema_options */
};

/* False: memory is short. */
bool jsonschema_compare(const struct jsonschema_compared *before, const struct jsonschema_compared *after,
			difference_function *say, void *user);
#endif
