/* delivery.h: how far a receiver of the record is. A cursor on the disk: the last record that it has for certain; and,
 * for transports that acknowledge nothing, a window: which records lie in the octets that were sent last. No clock, no
 * sockets; one thread each. */
#ifndef RECORD_DELIVERY_H
#define RECORD_DELIVERY_H
#include <framewall/types.h>

#include "base/pool.h"
#include "record/storage.h"

/* Of the record: another one with that number, of a ledger that was begun anew, has another chain. */
struct delivery_cursor {
	uint64_t sequence; /* 0: none yet */
	uint8_t chain[32];
};
enum delivery_read { DELIVERY_READ, DELIVERY_NONE, DELIVERY_DAMAGED, DELIVERY_FAILED /* errno */ };
enum delivery_read delivery_read(const char *path, struct delivery_cursor *ret_cursor);
/* So that a crash at any moment leaves the one or the other. 0, or -1 with errno. */
int delivery_write(const struct storage *storage, const char *path, const struct delivery_cursor *cursor);

/* One mark for some KiB of the stream. */
struct delivery_mark {
	struct delivery_cursor cursor; /* records up to this one … */
	uint64_t end;		       /* … lie before this octet */
};
struct delivery_window {
	struct delivery_mark *marks;
	size_t first, count, room;
};
/* The record lies before the octet end. False: memory is short. */
bool delivery_window_add(struct delivery_window *window, const struct delivery_cursor *cursor, uint64_t end);
/* Octets up to this one are settled: forgets their records; the last of them is in *ret_cursor. False: there is none.
 */
bool delivery_window_settle(struct delivery_window *window, uint64_t octets, struct delivery_cursor *ret_cursor);
void delivery_window_clear(struct delivery_window *window);

/* RFC 6587 3.4.1, RFC 5425 4.3: "123 message". The message is a line with its LF, which is not sent. 0, or -1: memory
 * is short. */
int delivery_frame(struct fw_slice line, struct buf *out, struct pool *pool);
/* Takes the next line, with its LF, off the front; false: there is none. */
bool delivery_line(struct fw_slice *lines, struct fw_slice *ret_line);
/* A message for a datagram: without LF, and cut between two characters where it is too long. */
struct fw_slice delivery_datagram(struct fw_slice line, size_t most);
#endif
