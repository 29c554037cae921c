/* manage.h: what the verbs session, user and block have in common: a word, what it is about, and a question to the
 * running server. */
#ifndef CMD_MANAGE_H
#define CMD_MANAGE_H
#include <stdbool.h>
#include <stddef.h>

#include "cmd/control.h"

enum { MANAGE_PATH = 512, MANAGE_BODY = 2048 };

/* One member of a body; value NULL: left out. raw: JSON already. */
struct manage_member {
	const char *name, *value;
	bool raw;
};
/* PREFIX/ID with what a path cannot have percent-encoded. False: it is too long. */
bool manage_path(const char *prefix, const char *id, char ret_path[MANAGE_PATH]);
/* {"name":"value",…}. False: not UTF-8, or too long. */
bool manage_body(const struct manage_member *members, size_t count, char ret_body[MANAGE_BODY]);
/* "90d", "12h", "30m" or "3600s" as seconds in digits. False: it is none. */
bool manage_seconds(const char *text, char ret_seconds[24]);
/* Asks, and says `done` (with the id behind it) where people read. The exit status. */
int manage_change(const struct control_request *request, bool json, const char *done, const char *id);
#endif
