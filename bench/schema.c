/* schema.c: what it costs to read and judge a message by a JSON Schema: `schema CASES` compiles each schema of a file
 * of bench/schemas.py, prints which messages are valid, then measures all of them once for each line that it is sent.
 * peers/ajv.mjs does the same. A message is read from its octets each time, its UTF-8 checked, all problems collected.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "schema/jsonschema.h"

struct entry {
	struct jsonschema *schema;
	struct fw_slice name;
	uint32_t messages, count; /* node of the list */
};

static struct arena cases_arena;
static struct json cases;

static double clock_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static uint32_t member(uint32_t object, const char *name)
{
	return json_member(&cases, object, name, strlen(name));
}

/* 'v' valid, 'i' invalid, '-' neither. */
static char judge(const struct jsonschema *schema, struct fw_slice text, struct arena *arena)
{
	static struct jsonschema_problems problems;
	struct json json;

	arena_reset(arena);
	problems.count = problems.total = problems.unknown = 0;
	if (json_parse(arena, text, 0, &json, NULL) != JSON_OK)
		return '-';
	switch (jsonschema_check(schema, &json, 0, arena, jsonschema_steps(text.size), &problems)) {
	case JSONSCHEMA_VALID:
		return 'v';
	case JSONSCHEMA_INVALID:
		return 'i';
	default:
		return '-';
	}
}

static void say_verdicts(const struct entry *entry, struct arena *arena, bool first)
{
	uint32_t at = entry->messages + 1;

	printf("%s\"%.*s\": ", first ? "{" : ", ", (int)entry->name.size, (const char *)entry->name.data);
	if (entry->schema == NULL) {
		printf("null");
		return;
	}
	putchar('"');
	for (; at < cases.nodes[entry->messages].next; at = cases.nodes[at].next)
		putchar(judge(entry->schema, json_text(&cases, at, &cases_arena), arena));
	putchar('"');
}

/* Microseconds of each of its messages, one after the other. */
static void measure(const struct entry *entry, unsigned times, struct arena *arena, bool first)
{
	uint32_t at = entry->messages + 1;

	printf("%s\"%.*s\": [", first ? "{" : ", ", (int)entry->name.size, (const char *)entry->name.data);
	for (; entry->schema != NULL && at < cases.nodes[entry->messages].next; at = cases.nodes[at].next) {
		struct fw_slice text = json_text(&cases, at, &cases_arena);
		double begin = clock_us();

		for (unsigned i = 0; i < times; i++)
			judge(entry->schema, text, arena);
		printf("%s%.4f", at == entry->messages + 1 ? "" : ", ", (clock_us() - begin) / times);
	}
	printf("]");
}

static bool read_cases(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = mem_alloc(16u << 20);
	size_t size = file != NULL && bytes != NULL ? fread(bytes, 1, 16u << 20, file) : 0;

	if (file != NULL)
		fclose(file);
	return json_parse(&cases_arena, slice(bytes, size), 0, &cases, NULL) == JSON_OK;
}

int main(int argc, char **argv)
{
	unsigned times = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000, count = 0;
	struct entry *entries;
	struct arena arena;
	char line[64];

	arena_init(&cases_arena, (size_t)1 << 30);
	arena_init(&arena, (size_t)64 << 20);
	if (argc < 2 || times == 0 || !read_cases(argv[1])) {
		fprintf(stderr, "schema CASES [TIMES]\n");
		return 2;
	}
	entries = calloc(cases.nodes[0].count, sizeof(*entries));
	for (uint32_t row = 1; entries != NULL && row < cases.nodes[0].next; row = cases.nodes[row].next) {
		struct entry *entry = &entries[count++];
		struct jsonschema_options options = { .formats = true };
		struct jsonschema_error error;

		if (json_string_is(&cases, member(row, "draft"), "7", 1))
			options.draft = JSONSCHEMA_7;
		entry->name = json_text(&cases, member(row, "name"), &cases_arena);
		entry->messages = member(row, "messages");
		entry->schema =
			jsonschema_compile(json_text(&cases, member(row, "schema"), &cases_arena), &options, &error);
		say_verdicts(entry, &arena, row == 1);
	}
	puts("}");
	fflush(stdout);
	while (entries != NULL && fgets(line, sizeof(line), stdin) != NULL) {
		for (unsigned i = 0; i < count; i++)
			measure(&entries[i], times, &arena, i == 0);
		puts("}");
		fflush(stdout);
	}
	for (unsigned i = 0; entries != NULL && i < count; i++)
		jsonschema_free(entries[i].schema);
	free(entries);
	arena_fini(&arena);
	arena_fini(&cases_arena);
	return 0;
}
