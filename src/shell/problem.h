/* problem.h: a problem of a configuration, as it is reported, in its parts. No state; any thread. */
#ifndef SHELL_PROBLEM_H
#define SHELL_PROBLEM_H
#include "codec/json.h"

/* "file:line:column: error: …", or "--option: warning: …": an error, and not a warning? */
bool problem_is_error(const char *text);
/* {"level","line","column","origin","message","text"}; name: of the file, as messages have it. */
void problem_write(struct json_writer *writer, const char *name, const char *text);
#endif
