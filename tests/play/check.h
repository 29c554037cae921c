/* check.h: does what came hold what a play expects? */
#ifndef PLAY_CHECK_H
#define PLAY_CHECK_H
#include "text.h"

/* "*" stands for any octets. */
bool check_glob(const char *pattern, const char *text);
/* Subset match: every member of a pattern's object is there and matches; arrays have the same length; the string "*" is
 * any value, "!" is a member that must not be there, and another string with "*" in it is a glob. exact: no further
 * members. Otherwise ret_why says where it does not hold. */
bool check_json(const char *pattern, const char *text, size_t size, bool exact, struct text *ret_why);
/* The value at a path ("data.csrf_token", "errors.0.field") in a JSON text; strings without quotes. */
bool check_lookup(const char *text, size_t size, const char *path, struct text *ret_value);
/* Octets for a person: what cannot be printed as \xNN, cut after 400. */
void check_show(const char *bytes, size_t size, struct text *ret_shown);
#endif
