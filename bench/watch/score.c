/* score.c: `watch nab|adbench [VECTORS]`: what src/watch finds in data that others published. */
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
	fputs("watch nab|adbench [VECTORS]: VECTORS is ../shared/vectors unless said\n", stderr);
	return 2;
}
