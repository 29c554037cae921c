/* detect_search.c: looks for the text that costs inspection most: `detect_search SECONDS [OCTETS [SEED]]`. Units, one
 * after another again and again, or many of the first and then many of the next; what of a change costs more is kept,
 * till nothing does for a while, then from somewhere else. Prints what is beyond nine tenths of the worst so far, in
 * microseconds of processor time a KiB: the units, with "|" behind each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "detect.h"

enum { MOST = 24, OCTETS = 1 << 16, PATIENCE = 500, ROUNDS = 3, ROUNDS_OF_BETTER = 12, ROUNDS_OF_WORST = 50 };

static const char *const units[] = {
	/* clang-format off */
	"<", "<a ", "<a x='", "<script>", "</script>", "<style>", "<svg ", "<meta ", "<img src=x onerror=", "<x style=\"a",
	"a='<a ", "style=\\", "on", "onx=", "onfocus=a ", "onab=alert(", "src=", "href=", "<a href=", "id=", "javascript:",
	"data:text/html", "alert(", "a=alert,", "top['", "'+'", "eval('", "{{", "{{'' ", "${", "${jndi", "<%", "<?php ",
	"$where:1,", "$ne", "\"$gt\"", "(|(", "*)(", "' or ", "' or 1=1", "union select ", "select ", "from ", "or ", "and ",
	");", "sleep(1),", "/*", "/*!", "--", "# ", "0x2e", "; ", "; ls ", ";id;", ";ls -", "ls -la ", "`", "``` `", "$(",
	"$(id", "|cat ", "curl http://a|sh ", "cat /etc/passwd", "bash -i >& /dev/tcp/", "rm -rf /", "wget ", "echo ", "&&",
	"||", "../", "..\\", "/etc/", "....//", "../../etc/passwd", "%2e%2e%2f", "%c0%af", "%", "%25", "%00", "%3c", "&lt;",
	"&lt", "&amp;", "&#60;", "&l%252541", "\\u003c", "\\x3c", "\xc0\xae", "\xef\xbc\x9c", "\n\"", "\n ", "\\na/", " ", "a",
	"i", "0", "1", "\t", "\n", "'", "\"", "x\"", "=", "(", ")", ";", ":", "\\", "/", "[", "]", "{", "}", "&", ",", ".",
	"|", "$", "#", "*", "!", "@", "~", "^", "_", "-", "+", ">", "?",
	/* clang-format on */
};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

struct recipe {
	unsigned count, units[MOST];
	bool each_alone; /* many of the first, many of the next */
};

static struct detect_words words;
static uint8_t text[OCTETS];
static size_t size = 1024;

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static void cook(const struct recipe *recipe)
{
	size_t at = 0, part = recipe->each_alone ? size / recipe->count + 1 : 1;

	while (at < size)
		for (unsigned i = 0; i < recipe->count && at < size; i++) {
			const char *unit = units[recipe->units[i]];
			size_t unit_size = strlen(unit), whole = recipe->each_alone ? part : unit_size;

			for (size_t k = 0; k < whole && at < size; k++)
				text[at++] = (uint8_t)unit[k % unit_size];
		}
}

static double cost(const struct recipe *recipe, unsigned rounds)
{
	double least = 1e9;

	cook(recipe);
	for (unsigned round = 0; round < rounds; round++) {
		struct detect_result result = { 0 };
		double from = cost_now(), took;

		look_at(&words, slice(text, size), &result);
		took = cost_now() - from;
		least = took < least ? took : least;
	}
	return least * 1024 / (double)size;
}

static void change(struct recipe *recipe)
{
	unsigned at = below(recipe->count), other = below(recipe->count), held = recipe->units[at];

	switch (below(4)) {
	case 0:
		if (recipe->count == MOST)
			return;
		memmove(recipe->units + at + 1, recipe->units + at, (recipe->count++ - at) * sizeof(recipe->units[0]));
		recipe->units[at] = below(UNITS);
		return;
	case 1:
		if (recipe->count > 1)
			memmove(recipe->units + at, recipe->units + at + 1,
				(--recipe->count - at) * sizeof(recipe->units[0]));
		return;
	case 2:
		recipe->units[at] = recipe->units[other];
		recipe->units[other] = held;
		return;
	default:
		recipe->units[at] = below(UNITS);
	}
}

static void show(double worst, const struct recipe *recipe)
{
	printf("%8.1f us/KiB%s ", worst, recipe->each_alone ? ", many of each:" : ":");
	for (unsigned i = 0; i < recipe->count; i++) {
		for (const char *at = units[recipe->units[i]]; *at != '\0'; at++)
			if (*at >= ' ' && *at < 0x7f)
				putchar(*at);
			else
				printf("\\x%02x", (unsigned char)*at);
		putchar('|');
	}
	putchar('\n');
	fflush(stdout);
}

/* From somewhere upwards, till nothing is better for a while. */
static double climb(struct recipe *best, double end)
{
	double most;

	*best = (struct recipe){ .count = 1 + below(8), .each_alone = below(6) == 0 };
	for (unsigned i = 0; i < best->count; i++)
		best->units[i] = below(UNITS);
	most = cost(best, ROUNDS);
	for (unsigned failed = 0; failed < PATIENCE && cost_now() < end; failed++) {
		struct recipe other = *best;
		double took;

		change(&other);
		if (below(2) != 0)
			change(&other);
		took = cost(&other, ROUNDS);
		if (took > most * 1.01) /* once more: it may have been interrupted */
			took = cost(&other, ROUNDS_OF_BETTER);
		if (took <= most * 1.01)
			continue;
		*best = other;
		most = took;
		failed = 0;
	}
	return cost(best, ROUNDS_OF_WORST);
}

int main(int count, char **arguments)
{
	double end = cost_now() + (count > 1 ? strtod(arguments[1], NULL) : 60) * 1e6, worst = 0;

	if (count > 2)
		size = strtoul(arguments[2], NULL, 10);
	if (size == 0 || size > OCTETS) {
		fprintf(stderr, "detect_search: 1 to %d octets\n", OCTETS);
		return 2;
	}
	srand(count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : 1);
	detect_words_init(&words);
	while (cost_now() < end) {
		struct recipe best;
		double took = climb(&best, end);

		if (took > worst * 0.9)
			show(took, &best);
		worst = took > worst ? took : worst;
	}
	printf("worst: %.1f us/KiB at %zu octets\n", worst, size);
	return 0;
}
