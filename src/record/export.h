/* export.h: a record's line as other systems read it: rows of tables/export_formats.def. A text keeps the escapes that
 * it has in the record, so it can neither begin a line nor end a field, and what it was can be had back: undo the
 * format's escapes, then those of JSON. Any thread; no state. */
#ifndef RECORD_EXPORT_H
#define RECORD_EXPORT_H
#include <framewall/types.h>

#include "base/arena.h"
#include "base/pool.h"

enum export_format {
#define EXPORT_FORMAT(name, help) EXPORT_##name,
#include "tables/export_formats.def"
#undef EXPORT_FORMAT
	EXPORT_FORMATS
};

const char *export_format_name(unsigned format); /* NULL: there is none */
unsigned export_format_find(const char *name);	 /* EXPORT_FORMATS: there is none */

/* A head of RFC 5424 before each line, whatever its format: what syslog carries. */
struct export_head {
	uint8_t facility; /* 0 to 23 */
	const char *app;  /* 1 to 48 visible ASCII characters */
};
struct exporter {
	enum export_format format;
	const struct export_head
		*head;		 /* NULL: as "audit export" has it: the format syslog alone has one, of its own */
	uint8_t least_level;	 /* enum fw_level: records below it are unwanted */
	const uint8_t *unwanted; /* by type, not 0: unwanted; NULL: none is. Types that are unknown never are */
	const char *host;	 /* of the server, as receivers know it: printable ASCII without blanks, 255 at most */
	struct arena *arena;	 /* reset by each call */
	struct pool *pool;
};
enum export_result { EXPORT_DONE, EXPORT_UNWANTED, EXPORT_NO_RECORD, EXPORT_MEMORY };
/* Appends the record of a line (without LF) with an LF, the only one. NO_RECORD: the line is none. Of what is not done
 * nothing is appended. */
enum export_result export_line(const struct exporter *exporter, struct fw_slice line, struct buf *out);
/* A signed checkpoint as a line like those of the record, though it is in none: event_type ledger_checkpoint, sequence
 * the number of records that it covers, details.note. Appended without LF. False: it is no checkpoint, or memory is
 * short. */
uint64_t export_checkpoint_size(struct fw_slice note); /* 0: it is none */
bool export_checkpoint(struct fw_slice note, uint64_t wall_us, struct buf *out, struct pool *pool);

/* This machine's name, as it may stand in every format: other octets than a name has become a hyphen. */
enum { EXPORT_HOST = 256 };
void export_host(char ret_host[EXPORT_HOST]);
#endif
