/* side.h: one of two schemas that are compared: its keywords, where it refers to, and whether an object takes members
 * that nobody lists. For compare.c. */
#ifndef SCHEMA_SIDE_H
#define SCHEMA_SIDE_H
#include "base/arena.h"
#include "codec/json.h"

enum { SIDES_STEPS = 20000 };
/* What both take together. */
struct sides {
	struct arena arena;
	unsigned steps; /* beyond SIDES_STEPS nothing more is looked at */
};

struct side {
	const struct json *json;
	uint32_t node;	/* of the schema */
	bool closed;	/* what is around it in the same place takes no members that nobody lists */
	bool implied;	/* such a schema need not say so: see compile_close.c */
	bool in_place;	/* it is a part of the schema around it, and judges the same value */
	bool is_absent; /* there is none: any value holds */
};

/* The value of a keyword; 0: it has none. */
uint32_t side_keyword(const struct side *side, const char *name);
struct side side_at(const struct side *side, uint32_t node);   /* a schema of another value in it */
struct side side_part(const struct side *side, uint32_t node); /* of the same value */
/* The text of its "$ref"; size 0: it has none. */
struct fw_slice side_reference(struct sides *sides, const struct side *side);
/* Where "#", "#/$defs/name" or "#name" leads. False: elsewhere. */
bool side_lead(struct sides *sides, const struct side *side, struct fw_slice text, uint32_t *ret_node);
/* Does an object take no members that nobody lists? */
bool side_is_closed(struct sides *sides, const struct side *side);
#endif
