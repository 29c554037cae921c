/* secrets.c: what the search for secrets in messages costs, and what it finds in texts that have none.
 * `secrets FILE...`: files of lines. For each file what was found, by rule, every find with what stands around it; then
 * processor microseconds a KiB of them, in messages of 1 KiB, for each kind and for all that `mask` means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"
#include "engine/secrets.h"

enum { KIB = 1024, PASSES = 20, LEAST_KIB = 256 };

struct seen {
	struct fw_slice line;
	const char *file;
	unsigned long number;
	unsigned long found[SECRET_RULES];
};

static bool see(void *user, const struct secret_hit *hit)
{
	struct seen *seen = user;
	size_t first = hit->offset > 60 ? hit->offset - 60 : 0, last = hit->offset + hit->size + 20;

	seen->found[hit->rule]++;
	if (last > seen->line.size)
		last = seen->line.size;
	printf("%s:%lu: %s: %.*s\n", seen->file, seen->number, secret_rule_id(hit->rule), (int)(last - first),
	       (const char *)seen->line.data + first);
	return true;
}

static bool count_it(void *user, const struct secret_hit *hit)
{
	(void)hit;
	++*(unsigned long *)user;
	return true;
}

static void search(const char *path, FILE *file, uint32_t kinds, char **text, size_t *size)
{
	struct seen seen = { .file = path };
	char *line = NULL;
	size_t room = 0, all = 0;
	ssize_t got;

	while ((got = getline(&line, &room, file)) > 0) {
		size_t used = (size_t)got - (line[got - 1] == '\n');

		seen.number++;
		all += used;
		seen.line = slice(line, used);
		secrets_find(seen.line, kinds, see, &seen);
		*text = realloc(*text, *size + used + 1);
		if (*text == NULL)
			exit(1);
		memcpy(*text + *size, line, used);
		*size += used;
		(*text)[(*size)++] = ' ';
	}
	free(line);
	printf("%s: %lu lines, %zu octets:", path, seen.number, all);
	for (unsigned i = 0; i < SECRET_RULES; i++)
		if (seen.found[i] != 0)
			printf(" %s %lu", secret_rule_id(i), seen.found[i]);
	putchar('\n');
}

static double cost(const char *text, size_t size, uint32_t kinds)
{
	double best = 1e9;
	unsigned long found = 0;

	for (unsigned pass = 0; pass < PASSES; pass++) {
		struct timespec from, to;
		double took;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		for (size_t at = 0; at + KIB <= size; at += KIB)
			secrets_find(slice(text + at, KIB), kinds, count_it, &found);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		took = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
		best = took < best ? took : best;
	}
	return best / (double)(size / KIB);
}

int main(int argc, char **argv)
{
	static const char *const names[SECRET_KINDS] = {
#define SECRET_KIND(name, help) #name,
#include "tables/secret_kinds.def"
#undef SECRET_KIND
	};
	uint32_t usual = (1u << SECRET_KIND_email) - 1;
	char *text = NULL;
	size_t size = 0;

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");

		if (file == NULL) {
			perror(argv[i]);
			return 1;
		}
		search(argv[i], file, usual, &text, &size);
		fclose(file);
	}
	if (size < (size_t)LEAST_KIB * KIB) {
		fprintf(stderr, "give files of %d KiB or more\n", LEAST_KIB);
		return 1;
	}
	for (unsigned i = 0; i < SECRET_KINDS; i++)
		printf("%-7s %.3f us/KiB\n", names[i], cost(text, size, 1u << i));
	printf("all but email, phone: %.3f us/KiB\n", cost(text, size, usual));
	free(text);
	return 0;
}
