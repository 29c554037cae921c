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

struct exporter {
	enum export_format format;
	const char *host;    /* of the server, as receivers know it: printable ASCII without blanks, 255 at most */
	struct arena *arena; /* reset by each call */
	struct pool *pool;
};
enum export_result { EXPORT_DONE, EXPORT_NO_RECORD, EXPORT_MEMORY };
/* Appends the record of a line (without LF) with an LF. NO_RECORD: the line is none; nothing is appended then. */
enum export_result export_line(const struct exporter *exporter, struct fw_slice line, struct buf *out);
#endif
