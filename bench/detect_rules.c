/* detect_rules.c: what rules of one's own cost: the four patterns of the specification, on the worst texts of 1 MiB
 * that are known for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"
#include "detect.h"
#include "policy/patterns.h"

enum { SIZE = 1 << 20, ROUNDS = 5 };

static const char *const four[] = { "<script[^>]*>.*?</script>",
				    "javascript:", "on\\w+\\s*=", "(union|select|insert|update|delete)\\s+" };
/* Beginnings without an end: what an engine that goes back tries again from each place. */
static const char *const texts[] = { "<script", "<script>", "javascript", "onn", "on                ",
				     "select",	"unio",	    "a" };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void rules_print(void)
{
	const unsigned flags[] = { 3, 3, 3, 3 };
	char what[PATTERNS_WHAT], *text = malloc(SIZE);
	struct patterns *patterns;
	struct patterns_scratch *scratch = NULL;
	double worst = 0;
	const char *which = "";

	if (patterns_version() == NULL || text == NULL) {
		printf("\nrules of one's own: built without vectorscan\n");
		free(text);
		return;
	}
	patterns = patterns_make(four, flags, 4, what);
	if (patterns == NULL || !patterns_prepare(patterns, &scratch))
		exit(1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		double least = 1e9;

		for (size_t k = 0; k < SIZE; k++)
			text[k] = texts[i][k % strlen(texts[i])];
		for (unsigned round = 0; round < ROUNDS; round++) {
			struct patterns_found found = { 0 };
			double from = now_ms(), took;

			if (!patterns_look(patterns, scratch, slice(text, SIZE), &found))
				exit(1);
			took = now_ms() - from;
			least = took < least ? took : least;
		}
		if (least > worst) {
			worst = least;
			which = texts[i];
		}
	}
	printf("\nrules of one's own: the four patterns of the specification, 1 MiB: worst of %zu hostile texts \"%s\" "
	       "again and "
	       "again: %.2f ms (goal 10)\n",
	       sizeof(texts) / sizeof(texts[0]), which, worst);
	patterns_scratch_free(scratch);
	patterns_free(patterns);
	free(text);
}
