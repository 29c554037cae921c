/* point_range.h: ranges of code points, in order, and what a table says of each. */
#ifndef CODEC_POINT_RANGE_H
#define CODEC_POINT_RANGE_H
#include <stddef.h>
#include <stdint.h>

struct point_range {
	uint32_t first, last;
	uint8_t value, step; /* value: of the first; each one behind it has step more */
};

/* The range that has the code point; NULL: none has. */
static inline const struct point_range *point_range_find(const struct point_range *ranges, size_t count, uint32_t c)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && c >= ranges[low].first ? &ranges[low] : NULL;
}
#endif
