/* score.c: `watch_score nab|adbench|traffic|other`: what src/watch finds in data that others published, and in the
 * made-up days. */
#include <stdio.h>
#include <string.h>

#include "score.h"

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *vectors = argc > 2 ? argv[2] : "../shared/vectors";
	if (!strcmp(what, "nab"))
		return score_nab(vectors);
	if (!strcmp(what, "adbench"))
		return score_adbench(vectors);
	if (!strcmp(what, "traffic") || !strcmp(what, "other"))
		return score_traffic(what, argc - 2, argv + 2);
	fputs("watch_score nab|adbench [VECTORS]: VECTORS is ../shared/vectors unless said\nwatch_score traffic|other "
	      "[FIRST "
	      "SEED [LAST [curve|loud]]]\n",
	      stderr);
	return 2;
}
