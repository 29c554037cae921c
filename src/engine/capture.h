/* capture.h: for whoever records traffic: each message of each connection of an engine, as it was judged. Logins are
 * not among them. What it is given is raw: redacting is the recorder's business. */
#ifndef ENGINE_CAPTURE_H
#define ENGINE_CAPTURE_H
#include <framewall/conn.h>

struct policy_message;

/* Texts live for the call; NULL or empty: none. */
struct engine_captured {
	uint64_t connection_id, wall_us;
	struct fw_slice user, role, path;
	bool outbound, binary;
	bool refused, closed; /* what became of it: neither: it went on */
	bool would;	      /* it went on, but only because nothing is enforced */
	bool rewritten;
	const char *stage, *code;
	const struct policy_message *rule; /* its type; NULL: not known */
	struct fw_slice text;
};
typedef void engine_capture_function(void *user, const struct engine_captured *captured);
/* function NULL: nobody records. */
void engine_capture(struct fw_engine *engine, engine_capture_function *function, void *user);
#endif
