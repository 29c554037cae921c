/* detect_peers.c: the same texts for all who look at texts. Some are written to a file, a JSON array of [row, text],
 * for who is another program (peers/inspect.mjs, peers/inspect.py); what is said of them here is printed as one JSON
 * object, {who: {row: {"count", "hits", "us"}}}. detect_peers.py makes one table of both. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "detect.h"
#include "engine/sanitize.h"

#include "memory.h"

/* Texts of a row; pieces of a size whose cost is told; rounds, of which the least counts. */
enum { MOST = 200, PIECES = 40, ROUNDS = 3, SIZES = 2, SIZED = 2 * SIZES };
enum { ROW_SIZED = DETECT_CLASSES + FLAVOURS, PEER_ROWS = ROW_SIZED + SIZED };

static const size_t sizes[SIZES] = { 128, 1024 };
static const char *const sized_names[SIZED] = { "prose 128", "prose 1024", "dev 128", "dev 1024" };

struct sample {
	struct fw_slice text;
	unsigned row;
};

static int (*is_sqli)(const char *, size_t, char *);
static int (*is_xss)(const char *, size_t);

bool libinjection_open(void)
{
	void *library = dlopen("libmodsecurity.so.3", RTLD_NOW | RTLD_LOCAL), *symbol;

	if (library != NULL && (symbol = dlsym(library, "libinjection_sqli")) != NULL)
		memcpy(&is_sqli, &symbol, sizeof(symbol));
	if (library != NULL && (symbol = dlsym(library, "libinjection_xss")) != NULL)
		memcpy(&is_xss, &symbol, sizeof(symbol));
	return is_sqli != NULL && is_xss != NULL;
}

bool libinjection_finds(struct fw_slice text)
{
	char print[16];

	return is_sqli((const char *)text.data, text.size, print) != 0 ||
	       is_xss((const char *)text.data, text.size) != 0;
}

static const struct detect_words *words;
static struct fw_policy *policy;
static struct arena arena;

static bool here(void)
{
	return true;
}

static bool refuses(struct fw_slice text)
{
	return is_refused(words, text);
}

static bool rewrites(struct fw_slice text)
{
	struct fw_slice html;

	arena_reset(&arena);
	return sanitize_html(policy, &arena, text, &html) != FW_OK || !slice_equal(html, text);
}

static bool both(struct fw_slice text)
{
	return refuses(text) + rewrites(text) != 0;
}

static const struct judge {
	const char *name;
	bool (*open)(void);
	bool (*says)(struct fw_slice text);
} judges[] = {
	{ "Framewall, inspection", here, refuses },
	{ "Framewall, HTML written anew", here, rewrites },
	{ "Framewall, both", here, both },
	{ "libinjection", libinjection_open, libinjection_finds },
	{ "ModSecurity with CRS, level 1", crs_open, crs_refuses },
};

static const char *name_of(unsigned row)
{
	return row < DETECT_CLASSES ? detect_class_words[row]
	       : row < ROW_SIZED    ? flavours[row - DETECT_CLASSES]
				    : sized_names[row - ROW_SIZED];
}

/* A piece may begin and end within a character. */
static void mend(struct fw_slice text)
{
	uint8_t *bytes = (uint8_t *)text.data;

	for (size_t i = 0; i < text.size && utf8_valid(bytes, text.size) == 0; i++) {
		if (bytes[i] >= 0x80 && bytes[i] < 0xc0)
			bytes[i] = ' ';
		else if (bytes[text.size - 1 - i] >= 0x80)
			bytes[text.size - 1 - i] = ' ';
	}
}

/* Of each class and flavour some, evenly from the first to the last, and some pieces of each size. */
static size_t choose(const struct corpus *corpus, struct sample *samples)
{
	static char room[SIZED][COST_TEXTS * 1024];
	static struct fw_slice pieces[COST_TEXTS];
	unsigned long all[ROW_SIZED] = { 0 }, seen[ROW_SIZED] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < corpus->count; i++)
		all[text_row(&corpus->texts[i])]++;
	for (size_t i = 0; i < corpus->count; i++) {
		unsigned row = text_row(&corpus->texts[i]);

		seen[row]++;
		if (all[row] <= MOST || (seen[row] - 1) * MOST / all[row] != seen[row] * MOST / all[row])
			samples[count++] = (struct sample){ corpus->texts[i].raw, row };
	}
	for (unsigned k = 0; k < SIZED; k++) {
		size_t some = cost_cut(corpus, k / SIZES, sizes[k % SIZES], room[k], pieces);

		for (size_t i = 0; i < PIECES && i < some; i++) {
			struct fw_slice piece = pieces[some < PIECES ? i : i * some / PIECES];

			mend(piece);
			samples[count++] = (struct sample){ piece, ROW_SIZED + k };
		}
	}
	return count;
}

static bool write_samples(const struct sample *samples, size_t count, const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		perror(path);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		fprintf(file, "%s[\"%s\", \"", i == 0 ? "[" : ",\n", name_of(samples[i].row));
		for (size_t k = 0; k < samples[i].text.size; k++) {
			uint8_t c = samples[i].text.data[k];

			fprintf(file, c < 0x20 || c == '"' || c == '\\' || c == 0x7f ? "\\u%04x" : "%c", c);
		}
		fputs("\"]", file);
	}
	fputs("]\n", file);
	return fclose(file) == 0;
}

static void print_judge(const struct judge *judge, const struct sample *samples, size_t count)
{
	bool first = true;

	for (unsigned row = 0; row < PEER_ROWS; row++) {
		unsigned long texts = 0, hits = 0;
		double least = 1e12;

		for (unsigned round = 0; round < ROUNDS; round++) {
			double from = cost_now();

			texts = hits = 0;
			for (size_t i = 0; i < count; i++)
				if (samples[i].row == row) {
					texts++;
					hits += judge->says(samples[i].text);
				}
			if (cost_now() - from < least)
				least = cost_now() - from;
		}
		if (texts == 0)
			continue;
		printf("%s\"%s\": {\"count\": %lu, \"hits\": %lu, \"us\": %.3f}", first ? "" : ", ", name_of(row),
		       texts, hits, least / (double)texts);
		first = false;
	}
}

int peers_print(const struct detect_words *of, const struct corpus *corpus, const char *path)
{
	static struct sample samples[PEER_ROWS * MOST];
	size_t count = choose(corpus, samples);
	bool first = true;

	words = of;
	arena_init(&arena, 4u << 20);
	if (fw_policy_load("sanitize", slice_text(""), memory_report, NULL, &policy) != FW_OK ||
	    !write_samples(samples, count, path))
		return 1;
	for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) {
		if (!judges[i].open())
			continue;
		printf("%s\"%s\": {", first ? "{" : ", ", judges[i].name);
		print_judge(&judges[i], samples, count);
		printf("}");
		first = false;
	}
	printf("}\n");
	fw_policy_unref(policy);
	arena_fini(&arena);
	return 0;
}
