#include "policy/patterns.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#ifdef FRAMEWALL_PATTERNS
#include <hs/hs.h>

struct patterns {
	hs_database_t *database;
	uint64_t number; /* of the set, of all that were ever made */
};
struct patterns_scratch {
	hs_scratch_t *scratch;
	uint64_t number; /* of the set that it was last made large enough for */
};

const char *patterns_version(void)
{
	return hs_version();
}

static unsigned flags_of(unsigned flags)
{
	return HS_FLAG_SINGLEMATCH | ((flags & PATTERN_NO_CASE) != 0 ? HS_FLAG_CASELESS : 0) |
	       ((flags & PATTERN_DOT_ALL) != 0 ? HS_FLAG_DOTALL : 0) |
	       ((flags & PATTERN_LINES) != 0 ? HS_FLAG_MULTILINE : 0);
}

static bool why(hs_compile_error_t *error, char ret_what[PATTERNS_WHAT])
{
	snprintf(ret_what, PATTERNS_WHAT, "%s", error != NULL ? error->message : "memory is short");
	if (error != NULL)
		hs_free_compile_error(error);
	return false;
}

bool patterns_hold(const char *expression, unsigned flags, char ret_what[PATTERNS_WHAT])
{
	hs_compile_error_t *error = NULL;
	hs_database_t *database = NULL;

	if (hs_compile(expression, flags_of(flags), HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS)
		return why(error, ret_what);
	hs_free_database(database);
	return true;
}

struct patterns *patterns_make(const char *const *expressions, const unsigned *flags, unsigned count,
			       char ret_what[PATTERNS_WHAT])
{
	static atomic_uint_fast64_t made;
	struct patterns *patterns = mem_zero(1, sizeof(*patterns));
	unsigned numbers[LIMIT_RULES], meant[LIMIT_RULES];
	hs_compile_error_t *error = NULL;

	for (unsigned i = 0; i < count; i++) {
		numbers[i] = i;
		meant[i] = flags_of(flags[i]);
	}
	if (patterns == NULL || hs_compile_multi(expressions, meant, numbers, count, HS_MODE_BLOCK, NULL,
						 &patterns->database, &error) != HS_SUCCESS) {
		why(error, ret_what);
		mem_free(patterns);
		return NULL;
	}
	patterns->number = atomic_fetch_add(&made, 1) + 1;
	return patterns;
}

void patterns_free(struct patterns *patterns)
{
	if (patterns == NULL)
		return;
	hs_free_database(patterns->database);
	mem_free(patterns);
}

bool patterns_prepare(const struct patterns *patterns, struct patterns_scratch **scratch)
{
	if (*scratch == NULL)
		*scratch = mem_zero(1, sizeof(**scratch));
	if (*scratch == NULL)
		return false;
	if ((*scratch)->number == patterns->number)
		return true;
	if (hs_alloc_scratch(patterns->database, &(*scratch)->scratch) != HS_SUCCESS)
		return false;
	(*scratch)->number = patterns->number;
	return true;
}

void patterns_scratch_free(struct patterns_scratch *scratch)
{
	if (scratch == NULL)
		return;
	hs_free_scratch(scratch->scratch);
	mem_free(scratch);
}

static int found_one(unsigned number, unsigned long long from, unsigned long long to, unsigned flags, void *user)
{
	struct patterns_found *found = user;

	(void)from;
	(void)to;
	(void)flags;
	found->bits[number / 64] |= UINT64_C(1) << (number % 64);
	return 0;
}

bool patterns_look(const struct patterns *patterns, struct patterns_scratch *scratch, struct fw_slice text,
		   struct patterns_found *found)
{
	static const char none[1];

	return hs_scan(patterns->database, text.size != 0 ? (const char *)text.data : none, (unsigned)text.size, 0,
		       scratch->scratch, found_one, found) == HS_SUCCESS;
}

#else

static const char absent[] = "this program was built without vectorscan, which looks for rules of one's own";

const char *patterns_version(void)
{
	return NULL;
}

bool patterns_hold(const char *expression, unsigned flags, char ret_what[PATTERNS_WHAT])
{
	(void)expression;
	(void)flags;
	memcpy(ret_what, absent, sizeof(absent));
	return false;
}

struct patterns *patterns_make(const char *const *expressions, const unsigned *flags, unsigned count,
			       char ret_what[PATTERNS_WHAT])
{
	(void)expressions;
	(void)flags;
	(void)count;
	memcpy(ret_what, absent, sizeof(absent));
	return NULL;
}

void patterns_free(struct patterns *patterns)
{
	(void)patterns;
}

bool patterns_prepare(const struct patterns *patterns, struct patterns_scratch **scratch)
{
	(void)patterns;
	(void)scratch;
	return false;
}

void patterns_scratch_free(struct patterns_scratch *scratch)
{
	(void)scratch;
}

bool patterns_look(const struct patterns *patterns, struct patterns_scratch *scratch, struct fw_slice text,
		   struct patterns_found *found)
{
	(void)patterns;
	(void)scratch;
	(void)text;
	(void)found;
	return false;
}
#endif
