/* user_password.h: the words of the verb user that are about passwords. One is read from the terminal, unseen and
 * twice, or from standard input, where it is the first line; never from the command line, which others can see. */
#ifndef CMD_USER_PASSWORD_H
#define CMD_USER_PASSWORD_H
#include <stdbool.h>

#include "cmd/control.h"

/* request: whom to ask. The exit status. */
int user_add(struct control_request request, const char *user, const char *role, bool json);
int user_password(struct control_request request, const char *user, bool json);
int user_remove(struct control_request request, const char *user, bool json);
#endif
