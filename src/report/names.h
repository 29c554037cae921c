/* names.h: texts of records and the numbers they have in rows: 1, 2, 3 … in the order in which they came. The texts are
 * in a file; what finds them is in scratch memory. One thread. */
#ifndef REPORT_NAMES_H
#define REPORT_NAMES_H
#include "base/hash.h"
#include "report/scratch.h"
#include "report/spool.h"

enum name_kind { NAME_USER, NAME_SOURCE, NAME_CAUSE, NAME_ROLE };
enum { NAME_ROOM = 4096 }; /* octets of the longest: a text of a record is cut at 512, each of which may be six */

struct names {
	struct spool texts;	/* uint16_t kind, uint16_t size, the text */
	struct scratch offsets; /* uint64_t of each, by number */
	struct scratch slots;
	size_t slot_count; /* a power of two */
	uint32_t count;
	struct hash_key keys[2];
	int failed; /* errno of the first failure */
};
/* fd becomes theirs; what stands in it goes. False with errno. */
bool names_open(struct names *names, int fd);
void names_fini(struct names *names);
/* Its number; 0 for an empty text, or after a failure. A text that is too long is cut. */
uint32_t names_number(struct names *names, enum name_kind kind, struct fw_slice text);
/* The text of a number; false with errno. Call after names_flush. */
bool names_text(const struct names *names, uint32_t number, char ret_text[NAME_ROOM], struct fw_slice *ret_name,
		enum name_kind *ret_kind);
bool names_flush(struct names *names);

/* Names as they lie in a file, one after the other. */
struct names_cursor {
	uint64_t offset, end;
	size_t at, held; /* of room */
	char room[2 * NAME_ROOM];
};
/* The next one, until the next call: 1; 0: there is none; -1 with errno: it cannot be read, or is none. */
int names_next(const struct spool *file, struct names_cursor *cursor, struct fw_slice *ret_text,
	       enum name_kind *ret_kind);
#endif
