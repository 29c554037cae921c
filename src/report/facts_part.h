/* facts_part.h: the rows of one segment of a record with the texts and lines that belong to them: while they are made,
 * and where they lie in a file, one behind the other. A part has its texts by numbers of its own, so that it stands for
 * itself. One thread. */
#ifndef REPORT_FACTS_PART_H
#define REPORT_FACTS_PART_H
#include "base/event_type.h"
#include "report/names.h"

enum facts_body { FACTS_ROWS, FACTS_NAMES, FACTS_LINES, FACTS_BODIES };

struct facts_row {
	uint32_t us_low, us_high;     /* microseconds since 1970 */
	uint32_t user, source, cause; /* numbers of names; 0: none */
	uint32_t role_or_count;	      /* of a login its role, a name; else how many events it stands for, 0: one */
	uint32_t sequence_low;
	uint16_t sequence_high;
	uint8_t type; /* enum event_type; EVENT_TYPES: unknown */
	uint8_t level;
};
static inline uint64_t facts_us(const struct facts_row *row)
{
	return (uint64_t)row->us_high << 32 | row->us_low;
}
static inline uint64_t facts_sequence(const struct facts_row *row)
{
	return (uint64_t)row->sequence_high << 32 | row->sequence_low;
}
static inline uint32_t facts_role(const struct facts_row *row)
{
	return row->type == EVENT_auth_success ? row->role_or_count : 0;
}
/* A record that sums up others counts as they do. */
static inline uint32_t facts_count(const struct facts_row *row)
{
	return row->type == EVENT_auth_success || row->role_or_count == 0 ? 1 : row->role_or_count;
}

struct facts_part {
	uint64_t first;		      /* record; the name of its file */
	uint64_t count;		      /* rows */
	uint64_t sizes[FACTS_BODIES]; /* octets */
	uint64_t offset;	      /* of the first body in its file */
	bool is_kept;		      /* it has a file of its own */
	size_t names;		      /* where the numbers of its texts among all begin, see facts.h */
};

struct facts_building {
	struct spool rows, lines; /* lines: those that are listed, each with its LF */
	struct names names;
	uint64_t count;
	bool open;
};
/* In files without a name; false with errno. facts_building_end in any case. */
bool facts_building_begin(struct facts_building *building);
void facts_building_end(struct facts_building *building);
/* Writes the bodies one behind the other at the end of a file, and says what they are: all but first, offset and
 * is_kept. digests: of each body; NULL: nobody wants them. False with errno. */
bool facts_part_write(struct facts_building *building, int fd, struct facts_part *part,
		      uint8_t (*ret_digests)[FACTS_BODIES][32]);
/* The digest of size octets at an offset; false with errno. */
bool facts_part_digest(int fd, uint64_t offset, uint64_t size, uint8_t ret_digest[32]);
#endif
