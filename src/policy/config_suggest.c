#include "policy/config_suggest.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { NAME_ROOM = 48 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* Optimal string alignment: letters put in, left out, changed, or two neighbours swapped. */
static unsigned distance(struct fw_slice a, struct fw_slice b)
{
	unsigned rows[3][NAME_ROOM + 1];

	if (a.size > NAME_ROOM || b.size > NAME_ROOM)
		return NAME_ROOM;
	for (unsigned k = 0; k <= b.size; k++)
		rows[0][k] = k;
	for (unsigned i = 1; i <= a.size; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned k = 1; k <= b.size; k++) {
			unsigned change = ascii_lower(a.data[i - 1]) != ascii_lower(b.data[k - 1]);

			row[k] = least(above[k] + 1, row[k - 1] + 1, above[k - 1] + change);
			if (i > 1 && k > 1 && a.data[i - 1] == b.data[k - 2] && a.data[i - 2] == b.data[k - 1] &&
			    above2[k - 2] + 1 < row[k])
				row[k] = above2[k - 2] + 1;
		}
	}
	return rows[a.size % 3][b.size];
}

void config_suggest_start(struct config_suggest *suggest, struct fw_slice wanted)
{
	/* A short name differs from others by little: few changes still mean the same name. */
	*suggest = (struct config_suggest){ .wanted = wanted,
					    .distance = wanted.size < 4	  ? 2
							: wanted.size < 9 ? 3
									  : 4 };
}

void config_suggest_offer(struct config_suggest *suggest, const char *name, size_t size)
{
	unsigned d = distance(suggest->wanted, slice(name, size));

	/* "prod" is short for production, whatever the distance says. */
	if (d > 1 && suggest->wanted.size >= 3 && size > suggest->wanted.size &&
	    memcmp(name, suggest->wanted.data, suggest->wanted.size) == 0)
		d = 1;
	if (d < suggest->distance && d < size) {
		suggest->best = name;
		suggest->best_size = size;
		suggest->distance = d;
	}
}

const char *config_suggest_text(const struct config_suggest *suggest, char ret_text[128])
{
	ret_text[0] = '\0';
	if (suggest->best != NULL)
		snprintf(ret_text, 128, "; did you mean \"%.*s\"?", (int)suggest->best_size, suggest->best);
	return ret_text;
}
