/* weight.h: what a live connection costs and when it was last of use, for who has to choose which one goes while memory
 * is short (shell/worker_overload.c). In the thread of its engine. */
#ifndef ENGINE_WEIGHT_H
#define ENGINE_WEIGHT_H
#include <framewall/conn.h>

struct weight {
	size_t bytes; /* of its buffers: what it sent and we wait to judge, what waits for it and for its upstream */
	uint64_t quiet_ns; /* monotonic: of its last message, or of its last octet before there was one */
	bool logged_in;	   /* or anonymous where that is allowed */
	bool ending;	   /* it was told so already, and has not gone yet */
};

struct weight weight_of(const struct fw_conn *conn);
#endif
