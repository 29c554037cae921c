/* trial.h: for whoever drives connections without a network to see what a policy does (src/shell/rehearsal.h): each
 * stage's word, and a client that is somebody without a credential. No server has one. */
#ifndef ENGINE_TRIAL_H
#define ENGINE_TRIAL_H
#include <framewall/conn.h>

struct engine_trial {
	fw_trace_function *trace; /* NULL: nobody listens */
	void *user;
	bool is_somebody; /* whoever connects without a credential is this user */
	bool any_csrf;	  /* whatever token a message has counts as that of its session */
	bool begun;	  /* the dialect's own opening was said before, by either side */
	bool nowhere;	  /* where the client is was not said: no network has it */
	uint16_t role;	  /* index in the policy */
	struct fw_slice user_id;
	struct fw_slice scopes; /* permissions that the role is narrowed to, with a blank between; empty: all it has */
};
/* Borrowed until another is set; NULL: none. */
void engine_trial(struct fw_engine *engine, const struct engine_trial *trial);
/* What the client of a connection was told, or would be; empty: nobody is logged in. */
struct fw_slice engine_trial_csrf(const struct fw_conn *conn);
#endif
