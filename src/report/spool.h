/* spool.h: a file that grows at its end, through a buffer, and is read anywhere. One thread. The first failure sticks.
 */
#ifndef REPORT_SPOOL_H
#define REPORT_SPOOL_H
#include <framewall/types.h>

struct spool {
	int fd; /* -1: none */
	uint8_t *buffer;
	size_t held;
	uint64_t size; /* with what is held */
	int failed;    /* errno */
};
/* fd becomes the spool's; what stands in it goes. False with errno. */
bool spool_open(struct spool *spool, int fd);
void spool_fini(struct spool *spool); /* also of one that was not opened but is zero */
void spool_add(struct spool *spool, const void *bytes, size_t size);
bool spool_flush(struct spool *spool);
/* Exactly size octets at offset, which were flushed. */
bool spool_read(const struct spool *spool, uint64_t offset, void *ret_bytes, size_t size);
#endif
