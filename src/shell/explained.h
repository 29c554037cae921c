/* explained.h: what a policy says of one message, stage by stage: `explain`, and POST /api/v1/explain. Each message has
 * a connection of its own, so that none is judged by what came before it. One thread. */
#ifndef SHELL_EXPLAINED_H
#define SHELL_EXPLAINED_H
#include "codec/json.h"
#include "shell/rehearsal.h"

enum { EXPLAINED_EXCEPTIONS = 16, EXPLAINED_EXCEPTION = 128, EXPLAINED_MESSAGE = 64 << 20 /* the largest */ };

struct explained {
	struct rehearsal *rehearsal;
	struct rehearsal_opening opening; /* alone */
	bool outbound, binary;
	fw_trace_function *told; /* each word of a stage; NULL: nobody asks */
	void *user;		 /* of told */
	/* Of the message that was judged last. */
	char decision[16]; /* of the last stage that did not just pass */
	char code[32];
	bool refused; /* by a stage */
	unsigned exception_count;
	char exceptions[EXPLAINED_EXCEPTIONS][EXPLAINED_EXCEPTION]; /* "text FW-SQL-001", each once */
};

/* FW_OK and what came of it, or FW_ERR_MEMORY. */
int explained_judge(struct explained *explained, struct fw_slice message, struct rehearsal_result *ret_result);
/* The same, and all of it as members of an object that is open. Listens to what stages say by itself. */
int explained_write(struct explained *explained, struct json_writer *w, struct fw_slice message,
		    struct rehearsal_result *ret_result);
#endif
