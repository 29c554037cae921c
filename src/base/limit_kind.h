/* limit_kind.h: the rows of tables/limit_kinds.def as numbers. */
#ifndef BASE_LIMIT_KIND_H
#define BASE_LIMIT_KIND_H
#include <stdbool.h>

enum limit_kind {
#define LIMIT_KIND(name, scope, cause) LIMIT_KIND_##name,
#include "tables/limit_kinds.def"
#undef LIMIT_KIND
	LIMIT_KINDS
};
/* Those that connections count together, by the word of each that they hold. */
enum { LIMIT_HELD_FIRST = LIMIT_KIND_user_messages, LIMIT_HELD = LIMIT_KINDS - LIMIT_HELD_FIRST };
enum limit_scope { LIMIT_OF_USER, LIMIT_OF_ADDRESS, LIMIT_OF_ROUTE, LIMIT_OF_ALL };
/* Of the n-th of those. */
static inline enum limit_scope limit_held_scope(unsigned held)
{
	return (enum limit_scope)(held / 2);
}
static inline bool limit_held_counts_bytes(unsigned held)
{
	return held % 2 != 0;
}

static inline const char *limit_kind_cause(enum limit_kind kind)
{
	static const char *const causes[LIMIT_KINDS] = {
#define LIMIT_KIND(name, scope, cause) cause,
#include "tables/limit_kinds.def"
#undef LIMIT_KIND
	};

	return causes[kind];
}
#endif
