/* texts.h: a list of strings of a policy. */
#ifndef POLICY_TEXTS_H
#define POLICY_TEXTS_H
#include <stddef.h>

/* Each is NUL-terminated. */
struct texts {
	const char **items;
	size_t count;
};
#endif
