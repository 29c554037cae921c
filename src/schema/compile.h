/* compile.h: shared by the files that make steps of keywords. For this folder only. */
#ifndef SCHEMA_COMPILE_H
#define SCHEMA_COMPILE_H
#include "schema/load.h"

enum { STEPS_MOST = 64 };

struct pending {
	struct loader_place place;
	struct pending *next;
	uint32_t block;
};

/* The steps of the schema that is being compiled, and where it stands. */
struct maker {
	struct jsonschema *schema;
	struct loader *loader;
	const struct json *json;
	const struct loader_resource *resource;
	uint32_t document, node, resource_number;
	uint32_t at[KEYWORDS];
	struct schema_step steps[STEPS_MOST];
	uint32_t count;
	struct schema_block *blocks; /* of all schemas so far */
	uint32_t block_room;
	struct pending *first, **last; /* blocks whose schemas are still to be compiled */
	struct schema_dynamic_name *dynamic;
};

struct schema_step *maker_add(struct maker *maker, enum step_kind kind, unsigned keyword);
void *maker_alloc(struct maker *maker, size_t count, size_t size); /* cleared; NULL: noted */
bool maker_fail(struct maker *maker, uint32_t node, const char *what);
uint32_t maker_block(struct maker *maker, struct loader_place place); /* 0: noted */
/* The block of a schema in the document at hand. */
uint32_t maker_block_here(struct maker *maker, uint32_t node);
const struct schema_regex *maker_pattern(struct maker *maker, uint32_t node);
bool maker_name(struct maker *maker, uint32_t node, struct schema_name *ret_name); /* of a key or text */

/* compile_assert.c: type to format, and counts. */
bool maker_assertions(struct maker *maker);
/* compile_object.c, compile_apply.c */
bool maker_object(struct maker *maker);
bool maker_dependent(struct maker *maker);
bool maker_array(struct maker *maker);
bool maker_in_place(struct maker *maker);
bool maker_unevaluated(struct maker *maker);
/* compile_close.c: all blocks were compiled. */
bool maker_close(struct maker *maker);
/* The dynamic anchors of the names that are asked for, of all documents read so far. *ret_more: there are new ones. */
bool maker_dynamic(struct maker *maker, bool *ret_more);
#endif
