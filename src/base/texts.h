/* texts.h: a list of strings. */
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H
#include <stddef.h>

/* Each is NUL-terminated. */
struct texts {
	const char **items;
	size_t count;
};
#endif
