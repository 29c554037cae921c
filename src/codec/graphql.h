/* graphql.h: as much of a GraphQL document (October 2021) as says what it asks for: the fields of its root, with their
 * arguments. What is below them is read as far as that it has an end. Memory is the caller's arena. One thread. */
#ifndef CODEC_GRAPHQL_H
#define CODEC_GRAPHQL_H
#include "codec/json.h"

enum { GRAPHQL_FIELDS = 64, GRAPHQL_DEFINITIONS = 64, GRAPHQL_DEPTH = 30 };

struct graphql_field {
	struct fw_slice name;	   /* not its alias */
	struct fw_slice arguments; /* "(…" of the document; empty: none */
};

struct graphql {
	struct fw_slice document;
	struct fw_slice kind;			     /* "query", "mutation", "subscription" */
	struct fw_slice variables;		     /* "(…" that declares them; empty: there are none */
	struct graphql_field fields[GRAPHQL_FIELDS]; /* those of fragments, too; each as often as it is asked for */
	unsigned count;
};

/* The operation of that name, or the only one where the name is empty. NULL, or what is wrong (static) and at which
 * octet. */
const char *graphql_read(struct fw_slice document, struct fw_slice name, struct graphql *ret_graphql,
			 size_t *reterr_offset);
/* The arguments of a field as the text of a JSON object. values: a tape with the variables' values as an object at
 * node, 0: there are none. A variable without a value has its default; without one, what it is given for is left out.
 * NULL, or what is wrong; graphql_memory: memory is short. */
extern const char graphql_memory[];
const char *graphql_arguments(struct arena *arena, const struct graphql *graphql, const struct graphql_field *field,
			      const struct json *values, uint32_t node, struct fw_slice *ret_text,
			      size_t *reterr_offset);
#endif
