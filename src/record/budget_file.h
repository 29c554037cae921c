/* budget_file.h: the sums of a budget in a file, so that they outlive a program that is killed. It has two halves,
 * written in turn, and the newer one that is whole counts: what stops a write leaves the other one. Nothing is in the
 * file that was not written, so it does not grow beyond what there is to say. One thread. */
#ifndef RECORD_BUDGET_FILE_H
#define RECORD_BUDGET_FILE_H
#include <framewall/types.h>

#include "record/storage.h"

enum { BUDGET_FILE_MOST = 2 << 20 };

struct budget_file {
	char path[STORAGE_PATH];
	int fd; /* -1: it is made when there is something to keep */
	uint64_t turn;
};

/* What a file holds; size 0: there is none. False with errno: there is one, and it cannot be read, or neither half is
 * whole (EBADMSG). *ret_octets is freed by mem_free. */
bool budget_file_open(struct budget_file *file, const char *directory, uint8_t **ret_octets,
		      struct fw_slice *ret_holds);
/* In place of what it held; sync: on the disk. 0, or -1 with errno: what it held stays. */
int budget_file_save(struct budget_file *file, struct fw_slice first, struct fw_slice second, bool sync);
void budget_file_close(struct budget_file *file, bool remove);
#endif
