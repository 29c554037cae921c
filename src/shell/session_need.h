/* session_need.h: a session as the engine asks for it and as the store has it. No state; any thread. */
#ifndef SHELL_SESSION_NEED_H
#define SHELL_SESSION_NEED_H
#include <framewall/conn.h>

#include "state/store.h"

/* FW_NEED_SESSION_OPEN, of a session or a ticket. False: a text of it is longer than the store has room for. */
bool session_need_read(const struct fw_need *need, struct store_session *ret_session);
/* The answer to FW_NEED_SESSION_TAKE but for its code. Its texts are those of the session. */
void session_need_answer(const struct store_session *session, struct fw_answer *ret_answer);
#endif
