/* scratch.h: memory of any size that a report needs for a while: a file without a name, mapped, so that the system can
 * put it away. Cleared. One thread. */
#ifndef REPORT_SCRATCH_H
#define REPORT_SCRATCH_H
#include <stdbool.h>
#include <stddef.h>

struct scratch {
	void *map; /* NULL: there is none yet */
	size_t size;
	int fd;
};
/* At least size octets; what is new is zero. The map may move. False with errno: it stays as it was. */
bool scratch_grow(struct scratch *scratch, size_t size);
void scratch_fini(struct scratch *scratch);
/* A file without a name, for this process alone; -1 with errno. */
int scratch_file(void);
#endif
