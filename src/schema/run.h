/* run.h: one run of a program over a value. For this folder only. It lives on the stack of jsonschema_check. */
#ifndef SCHEMA_RUN_H
#define SCHEMA_RUN_H
#include "schema/program.h"

/* The resources that the way to the schema at hand leads through; the newest first. */
struct scope {
	const struct scope *above;
	uint32_t resource;
};

/* Which members or elements of a value some schema looked at: a bit each. */
enum { MARKS_FEW = 4 };
struct marks {
	uint64_t few[MARKS_FEW];
	uint64_t *bits;
	uint32_t words;
};

struct run {
	const struct jsonschema *schema;
	const struct json *json;
	struct arena *arena;
	uint64_t steps;
	uint32_t base;
	struct jsonschema_problems *problems; /* NULL: the first one decides */
	enum jsonschema_result fatal;	      /* VALID: none */
	unsigned depth;
	const struct scope *scope;
	uint32_t known[2]; /* of the caller */
	struct jsonschema_classed *classed;
	struct jsonschema_problems *scratch;
	uint32_t choosing;	 /* value of which is asked whether it is an alternative at all, or RUN_NOTHING */
	bool other;		 /* it is none: its type or a constant says so */
	pcre2_match_data *match; /* NULL until there is a pattern */
	pcre2_match_context *context;
};

#define RUN_NOTHING UINT32_MAX

/* Ends the run without a verdict. */
void run_stop(struct run *run, enum jsonschema_result why);
bool run_spend(struct run *run, uint64_t steps); /* false: there are not as many, and the run is ended */

/* What schemas that do not hold, or are asked as a question alone, say of classes does not count. */
static inline uint32_t run_classed(const struct run *run)
{
	return run->classed != NULL ? run->classed->count : 0;
}
static inline void run_classed_back(const struct run *run, uint32_t count)
{
	if (run->classed != NULL)
		run->classed->count = count;
}

/* Does the value hold? marks: NULL, or what the schema looked at is marked there. */
bool run_block(struct run *run, uint32_t block, uint32_t node, struct marks *marks);

/* report.c: notes a problem. Returns false; report_unknown true when the caller knows the member. */
bool report_fail(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node);
bool report_limit(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		  uint64_t limit);
bool report_missing(struct run *run, const struct schema_block *block, const char *keyword, uint32_t object,
		    const struct schema_name *name);
bool report_unknown(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t key);

/* run_value.c: steps over scalars, and those that look at a value as a whole. */
bool run_value(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node);
struct fw_slice run_text(struct run *run, uint32_t node); /* data NULL: memory is short, and the run is ended */

/* run_members.c */
bool run_object(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		struct marks *marks);
bool run_names(struct run *run, const struct schema_step *step, uint32_t node);
bool run_dependent(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		   struct marks *marks);
bool run_array(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
	       struct marks *marks);
bool run_contains(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		  struct marks *marks);
bool run_unevaluated(struct run *run, const struct schema_block *block, const struct schema_step *step, uint32_t node,
		     struct marks *marks);

/* marks.c */
bool marks_start(struct run *run, uint32_t node, struct marks *ret_marks); /* false: the run is ended */
void marks_add(struct marks *marks, uint32_t number);			   /* NULL-safe, as the others */
void marks_all(struct marks *marks);
void marks_join(struct marks *marks, const struct marks *more); /* of the same value */
static inline bool marks_has(const struct marks *marks, uint32_t number)
{
	return (marks->bits[number / 64] >> (number % 64)) & 1;
}

/* pattern.c */
bool run_matches(struct run *run, const struct schema_regex *regex, struct fw_slice text);
void run_matches_end(struct run *run); /* gives back what run_matches took */
#endif
