/* sanitize.c: what the sanitizer costs on the texts of sanitize.json: `sanitize [--quick] FILE` prints one JSON object,
 * processor microseconds a text by its name; peers/sanitize.mjs prints the same of others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"
#include "codec/json.h"
#include "engine/sanitize.h"

#include "memory.h"

enum { ROUNDS = 9 };

static double clock_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* The median of the rounds. */
static double measure(const struct fw_policy *policy, struct fw_slice text, unsigned count)
{
	double rounds[ROUNDS];
	struct arena arena;

	arena_init(&arena, 1u << 20);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double begin = clock_us();

		for (unsigned i = 0; i < count; i++) {
			struct fw_slice html;

			arena_reset(&arena);
			if (sanitize_html(policy, &arena, text, &html) != FW_OK)
				exit(1);
		}
		rounds[round] = (clock_us() - begin) / count;
	}
	arena_fini(&arena);
	qsort(rounds, ROUNDS, sizeof(*rounds), memory_compare);
	return rounds[ROUNDS / 2];
}

static bool read_file(const char *path, struct arena *arena, struct json *json)
{
	static char bytes[65536];
	FILE *file = fopen(path, "rb");
	size_t size = file != NULL ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file != NULL)
		fclose(file);
	return json_parse(arena, slice(bytes, size), 0, json, NULL) == JSON_OK;
}

int main(int argc, char **argv)
{
	bool quick = argc == 3 && strcmp(argv[1], "--quick") == 0;
	struct fw_policy *policy;
	struct arena arena;
	struct json json;

	arena_init(&arena, 1u << 20);
	if (argc != 2 + quick || !read_file(argv[1 + quick], &arena, &json) ||
	    fw_policy_load("sanitize", slice_text(""), memory_report, NULL, &policy) != FW_OK) {
		fprintf(stderr, "sanitize [--quick] FILE\n");
		return 2;
	}
	for (uint32_t row = 1; row < json.nodes[0].next; row = json.nodes[row].next) {
		struct fw_slice name = json_text(&json, row + 1, &arena), text = json_text(&json, row + 2, &arena);

		printf("%s\"%.*s\": %.3f", row == 1 ? "{" : ", ", (int)name.size, (const char *)name.data,
		       measure(policy, text, quick ? 2000 : 20000));
	}
	printf("}\n");
	fw_policy_unref(policy);
	arena_fini(&arena);
	return 0;
}
