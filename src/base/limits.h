/* limits.h: the named bounds of tables/limits.def as constants LIMIT_… */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H
enum {
#define LIMIT(name, value, help) LIMIT_##name = (value),
#include "tables/limits.def"
#undef LIMIT
};
#endif
