/* program.h: what a schema is compiled to. For this folder only.
 * A block is one schema; its steps run in order over one value. Blocks are numbered; 0 is none. */
#ifndef SCHEMA_PROGRAM_H
#define SCHEMA_PROGRAM_H
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "schema/jsonschema.h"
#include "schema/number.h"

enum step_kind {
	STEP_NEVER,
	STEP_TYPE,
	STEP_CONST,
	STEP_ENUM,
	STEP_BOUND,
	STEP_MULTIPLE,
	STEP_LENGTH,
	STEP_PATTERN,
	STEP_FORMAT,
	STEP_CLASS,
	STEP_COUNT,
	STEP_ARRAY,
	STEP_CONTAINS,
	STEP_UNIQUE,
	STEP_OBJECT,
	STEP_NAMES,
	STEP_DEPENDENT,
	STEP_ALL,
	STEP_ANY,
	STEP_ONE,
	STEP_NOT,
	STEP_IF,
	STEP_DYNAMIC,
	STEP_UNEVALUATED
};

enum { TYPE_INTEGER_BIT = 1 << 7 }; /* the others are 1 << enum json_kind */

struct schema_value {
	const struct json *json;
	uint32_t node;
};

struct schema_name {
	const uint8_t *data;
	uint32_t size, hash; /* as json_keys_hash */
};

struct schema_bound {
	struct decimal limit;
	int64_t small;			 /* the limit, if is_small */
	bool is_small, below, exclusive; /* below: it is a maximum */
};

struct schema_count {
	uint64_t limit;
	bool below; /* it is a maximum */
};

struct schema_member {
	struct schema_name name;
	uint32_t block;	   /* 0: not in properties */
	uint32_t required; /* number from 1; 0: it is not */
};

/* An expression, and where in a text it may begin to match. */
/* An expression that is characters in a row, each repeated: see pattern_simple.c. */
enum { SCHEMA_ITEMS = 16 };
struct schema_item {
	uint64_t set[2]; /* of ASCII */
	uint32_t least, most;
};
struct schema_simple {
	struct schema_item items[SCHEMA_ITEMS];
	uint32_t count, reach; /* reach: octets that one try looks at */
	bool begins, ends;     /* at the start of the text, at its end */
};

struct schema_regex {
	pcre2_code *code;
	const uint8_t *starts;		    /* bit set of first octets, of PCRE2; NULL: any, or first says which */
	int first;			    /* the only first octet; -1: there are several */
	const struct schema_simple *simple; /* NULL: only PCRE2 knows what it matches */
	struct schema_regex *next;
	bool anchored; /* it matches at the start of the text, or not at all */
};

struct schema_pattern {
	const struct schema_regex *regex;
	uint32_t block;
};

struct schema_object {
	const struct schema_member *members;
	const uint16_t *slots; /* number of the member + 1, by hash */
	uint32_t slot_mask, member_count, required_count;
	const struct schema_pattern *patterns;
	uint32_t pattern_count;
	uint32_t rest;	 /* additionalProperties */
	bool rest_never; /* it is false */
};

struct schema_array {
	const uint32_t *prefix;
	uint32_t prefix_count, rest;
	bool rest_never;
	const char *rest_keyword;
};

struct schema_contains {
	uint32_t block;
	uint64_t least, most;
	const char *least_keyword; /* "minContains", or "contains" */
};

struct schema_blocks {
	const uint32_t *list;
	uint32_t count;
};

struct schema_dependent {
	struct schema_name name, *names;
	uint32_t count, block;
};

/* block 0: the names must be there, too. */
struct schema_dependents {
	const struct schema_dependent *list;
	uint32_t count;
};

struct schema_condition {
	uint32_t when, then, otherwise;
};

/* A resource with a dynamic anchor of one name, and the block of that. */
struct schema_dynamic_pair {
	uint32_t resource, block;
};

struct schema_dynamic_name {
	struct fw_slice name;
	const struct schema_dynamic_pair *pairs;
	uint32_t count;
	struct schema_dynamic_name *next;
};

struct schema_dynamic {
	uint32_t usual;
	const struct schema_dynamic_name *name;
};

struct schema_unevaluated {
	uint32_t block;
	uint8_t kind; /* JSON_ARRAY or JSON_OBJECT */
	bool never;
	bool implied; /* by options.closed: it is not said of what did not hold anyway */
};

struct schema_step {
	uint8_t kind;
	uint8_t types;	 /* STEP_TYPE */
	uint16_t format; /* STEP_FORMAT; STEP_CLASS: the class */
	const char *keyword;
	const char *expected;
	union {
		struct schema_value value;
		const struct schema_bound *bound;
		struct decimal_divisor divisor;
		struct schema_count count;
		const struct schema_regex *regex;
		const struct schema_object *object;
		const struct schema_array *array;
		const struct schema_contains *contains;
		struct schema_blocks blocks;
		struct schema_dependents dependents;
		struct schema_condition condition;
		struct schema_dynamic dynamic;
		struct schema_unevaluated unevaluated;
		uint32_t block;
	};
};

struct schema_block {
	const struct schema_step *steps;
	uint32_t step_count;
	uint32_t resource;
	const char *where;
	bool marks; /* it asks which members or elements its steps looked at */
};

struct jsonschema {
	struct arena arena;
	const struct schema_block *blocks;
	uint32_t block_count;
	uint32_t root;
	uint64_t classes;	      /* a bit each */
	struct schema_regex *regexes; /* the last made; each owns its code */
};

/* value.c. The steps are spent as texts and members are looked at; false with *steps 0: they ran out. */
bool jsonschema_value_equal(struct schema_value a, struct schema_value b, uint64_t *steps);
/* Is an element of the array there twice? -1: memory is short; 0: no, or steps ran out; else the number of the second,
 * from 1. */
int64_t jsonschema_value_repeated(struct schema_value array, struct arena *arena, uint64_t *steps);

/* pattern.c: a regular expression of ECMA-262 with the flag "u". False: *reterr_what says why. */
bool jsonschema_pattern_compile(struct fw_slice pattern, struct arena *arena, struct schema_regex *ret_regex,
				const char **reterr_what);
/* pattern_simple.c: false: it is none. The expression is one that PCRE2 has compiled. */
bool jsonschema_simple_compile(struct fw_slice pattern, struct schema_simple *ret_simple);
/* ret_looked: octets that it looked at, at most. */
bool jsonschema_simple_matches(const struct schema_simple *simple, struct fw_slice text, uint64_t *ret_looked);
/* pattern_text.c: the same expression as PCRE2 has it, in the arena; data NULL: *reterr_what says why. */
struct fw_slice jsonschema_pattern_text(struct fw_slice pattern, struct arena *arena, const char **reterr_what);

/* meta.c: the meta-schemas of both drafts, the i-th; false: there is none. */
bool jsonschema_meta(unsigned i, struct jsonschema_document *ret_document);
#endif
