/* learn.h: messages of recorded traffic in, a policy out that lets them pass and little else. Memory does not grow with
 * their number. One thread. */
#ifndef LEARN_LEARN_H
#define LEARN_LEARN_H
#include <stdio.h>

#include "codec/capture.h"

struct learn;
struct learn *learn_new(void); /* NULL: memory is short */
struct learn *learn_free(struct learn *learn);
int learn_add(struct learn *learn, const struct capture_line *line); /* FW_OK or FW_ERR_MEMORY */
/* upstream: address of the server that is protected. False: nothing was JSON. */
bool learn_write(struct learn *learn, FILE *out, const char *upstream);
#endif
