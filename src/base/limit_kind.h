/* limit_kind.h: the rows of tables/limit_kinds.def as numbers. */
#ifndef BASE_LIMIT_KIND_H
#define BASE_LIMIT_KIND_H

enum limit_kind {
#define LIMIT_KIND(name, scope, cause) LIMIT_KIND_##name,
#include "tables/limit_kinds.def"
#undef LIMIT_KIND
	LIMIT_KINDS
};

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
