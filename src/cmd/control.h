/* control.h: questions of a command to the running server, over its control socket. Says what went wrong on standard
 * error itself. */
#ifndef CMD_CONTROL_H
#define CMD_CONTROL_H
#include <framewall/types.h>

struct control_request {
	const char *verb; /* of the program, for messages */
	const char *data; /* data directory of the server */
	const char *method, *path;
	struct fw_slice body; /* JSON; empty: none */
	bool offline;	      /* works without a server, too: see offline.h; with: */
	bool makes;	      /* the data directory need not be there */
	const char *config;   /* of the server; NULL: framewall.yaml where it is, else the defaults */
};
struct control_answer {
	unsigned status;
	struct fw_slice body;
	uint8_t *memory; /* freed by control_free */
};
/* COMMAND_DONE with any whole answer of the server, otherwise COMMAND_COULD_NOT. */
int control_ask(const struct control_request *request, struct control_answer *ret_answer);
void control_free(struct control_answer *answer);
/* Asks where only 2xx is a good answer: for any other the server's reason is said. A good one goes to standard output,
 * as print says it, or as it came when print is NULL. The command's exit status. */
int control_show(const struct control_request *request, int (*print)(struct fw_slice body));
#endif
