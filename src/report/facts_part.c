#include "report/facts_part.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "record/storage.h"

enum { CHUNK = 1 << 20 };

_Static_assert(sizeof(struct facts_row) == 32, "facts_row");

bool facts_building_begin(struct facts_building *building)
{
	bool opened;

	*building = (struct facts_building){ .open = true };
	/* each takes its own, so that none is left open when one fails */
	opened = spool_open(&building->rows, scratch_file());
	opened = spool_open(&building->lines, scratch_file()) && opened;
	return names_open(&building->names, scratch_file()) && opened;
}

void facts_building_end(struct facts_building *building)
{
	if (!building->open)
		return;
	spool_fini(&building->rows);
	spool_fini(&building->lines);
	names_fini(&building->names);
	building->open = false;
}

/* Of digests of pieces, each with what stands before it. */
static bool each_chunk(const struct spool *from, uint64_t offset, uint64_t size, int to, uint8_t ret_digest[32])
{
	uint8_t *chunk = mem_alloc(CHUNK);
	bool done = chunk != NULL;

	memset(ret_digest, 0, 32);
	if (!done)
		errno = ENOMEM;
	for (uint64_t at = 0; at < size && done;) {
		size_t part = size - at < CHUNK ? (size_t)(size - at) : CHUNK;

		done = spool_read(from, offset + at, chunk, part);
		if (done)
			digest_sha256_pair(slice(ret_digest, 32), slice(chunk, part), ret_digest);
		if (done && to >= 0)
			done = storage_write_all(&storage_system, to, chunk, part) == part;
		at += part;
	}
	mem_free(chunk);
	return done;
}

bool facts_part_digest(int fd, uint64_t offset, uint64_t size, uint8_t ret_digest[32])
{
	return each_chunk(&(struct spool){ .fd = fd }, offset, size, -1, ret_digest);
}

bool facts_part_write(struct facts_building *building, int fd, struct facts_part *part,
		      uint8_t (*ret_digests)[FACTS_BODIES][32])
{
	const struct spool *bodies[FACTS_BODIES] = {
		[FACTS_ROWS] = &building->rows, [FACTS_NAMES] = &building->names.texts, [FACTS_LINES] = &building->lines
	};
	uint8_t digest[32];
	bool written = spool_flush(&building->rows) && spool_flush(&building->lines) && names_flush(&building->names);

	part->count = building->count;
	for (unsigned i = 0; i < FACTS_BODIES && written; i++) {
		part->sizes[i] = bodies[i]->size;
		written =
			each_chunk(bodies[i], 0, bodies[i]->size, fd, ret_digests != NULL ? (*ret_digests)[i] : digest);
	}
	return written;
}
