/* Lists of addresses of any octets, in each format: no fault; what was taken is in the set, as often as was counted or
 * less; a list that was refused says why, in one line that a terminal can show; merging a bundle with itself changes
 * nothing. The first octet: the format, and whether private networks count. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/threat.h"

static void check_why(const char *why)
{
	if (why[0] == '\0')
		abort();
	for (; *why != '\0'; why++)
		if ((unsigned char)*why < 0x20 || *why == 0x7f)
			abort();
}

static size_t networks(struct prefix_build *build)
{
	size_t size = prefix_build_size(build), count;
	void *memory = mem_alloc(size);
	const struct prefix_set *set;

	prefix_build_write(build, memory);
	set = prefix_set_of(memory, size);
	if (set == NULL)
		abort();
	count = prefix_set_count(set);
	mem_free(memory);
	return count;
}

static bool read_as(enum threat_format format, struct fw_slice text, bool private, struct threat_reading *reading,
		    size_t *ret_networks)
{
	bool holds;

	*reading = (struct threat_reading){ .build = prefix_build_new(),
					    .wall_us = (uint64_t)1790000000 * 1000000,
					    .most = 10000,
					    .private = private };
	holds = threat_read(format, text, reading);
	*ret_networks = networks(reading->build);
	prefix_build_free(reading->build);
	return holds;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct threat_reading reading, again;
	enum threat_format format;
	size_t count, other;
	struct fw_slice text;

	if (size == 0)
		return 0;
	format = data[0] % THREAT_FORMATS;
	text = slice_from(slice(data, size), 1);
	if (!read_as(format, text, (data[0] & 0x80) != 0, &reading, &count)) {
		check_why(reading.why);
		return 0;
	}
	if (count > reading.taken)
		abort();
	if (format == THREAT_stix) {
		const struct fw_slice texts[] = { text, text };
		char why[THREAT_WHY];
		struct buf out = { 0 };
		struct pool pool;

		pool_init(&pool);
		if (!slice_starts(text, "\xef\xbb\xbf")) {
			if (!threat_stix_merge(texts, 2, &out, &pool, why))
				abort();
			if (!read_as(format, slice(buf_data(&out), buf_size(&out)), (data[0] & 0x80) != 0, &again,
				     &other) ||
			    other != count || again.invalid != reading.invalid)
				abort();
		}
		buf_clear(&out, &pool);
		pool_fini(&pool);
	}
	return 0;
}
