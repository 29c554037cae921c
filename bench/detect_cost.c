/* detect_cost.c: what looking costs: texts of 128 octets and 1 KiB, and the worst that anybody thought of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "detect.h"

enum { ROUNDS = 5, ROUNDS_OF_WORST = 50, TEXTS = COST_TEXTS };

/* CPU microseconds a text, the least of so many rounds. */
static double least_of(unsigned rounds, const struct detect_words *words, const struct fw_slice *texts, size_t count)
{
	double least = 1e9;

	for (unsigned round = 0; round < rounds; round++) {
		double from = cost_now(), took;

		for (size_t i = 0; i < count; i++) {
			struct detect_result result = { 0 };

			look_at(words, texts[i], &result);
		}
		took = (cost_now() - from) / (double)count;
		least = took < least ? took : least;
	}
	return least;
}

static double measure(const struct detect_words *words, const struct fw_slice *texts, size_t count)
{
	return least_of(ROUNDS, words, texts, count);
}

/* Texts of a flavour, one after another, cut to pieces of that size. */
size_t cost_cut(const struct corpus *corpus, unsigned flavour, size_t size, char *room, struct fw_slice *ret_texts)
{
	size_t filled = 0, count = 0;

	for (size_t i = 0; i < corpus->count && count < TEXTS; i++) {
		const struct text *text = &corpus->texts[i];
		size_t at = 0;

		if (text->class != BENIGN || text->flavour != flavour)
			continue;
		while (at < text->raw.size && count < TEXTS) {
			size_t some = size - filled < text->raw.size - at ? size - filled : text->raw.size - at;

			memcpy(room + count * size + filled, text->raw.data + at, some);
			at += some;
			filled += some;
			if (filled < size)
				continue;
			ret_texts[count] = slice(room + count * size, size);
			count++;
			filled = 0;
		}
	}
	return count;
}

static const char *const hostile[] = {
	"<",
	"<a ",
	"<a x='",
	"<script",
	"<script>",
	"<style>",
	"<svg ",
	"on",
	"onx=",
	"onab=alert(",
	"javascript:",
	"alert(",
	"{{",
	"{{ ",
	"${",
	"${jndi",
	"<%",
	"<#",
	"' or ",
	"'",
	"\"",
	"' or 1=1",
	"union select ",
	"or ",
	") or ",
	");",
	"sleep(1),",
	"1 or ",
	"; ",
	"; ls ",
	"`",
	"``` `",
	"$(",
	"$(id",
	"|cat ",
	"../",
	"..\\",
	"/etc/",
	"....//",
	"%",
	"%25",
	"&lt;",
	"\\u003c",
	"&#60;",
	"\xc0\xae",
	"\xef\xbc\x9c",
	"<?php ",
	"eval('",
	"(|(",
	"*)(",
	"$ne",
	"\"$gt\"",
	"/*",
	"/*!",
	"--",
	"# ",
	"a='<a ",
	"0x2e",
	"<meta ",
	"style=\\",
	"<x style=\"a",
	"data:text/html",
	"a=alert,",
	"top['",
	"eval(a ",
	"'+'",
	"x\" oncut=a ",
	"$where:1,",
	"{{'' ",
	";id;",
	/* what a search for the costliest found, when each of them was read again and again */
	"\n\"",
	"\n ",
	"+'\n'",
	"\\na/",
	"%00",
	"&l%252541",
	"javascript:data:text/html",
	";ls -",
	"<style=\\\xc0\xae/",
	"ona=alert,ononx=%3c",
	"on<onsrc=&lt;",
	"<?php |`..\\<a x='%3c",
};
/* The same of more than one unit: many of the first, then many of the second. */
static const char *const pairs[][2] = {
	{ ".", "a" },	       { "/?", "a" },
	{ "#", "\n " },	       { "<a", "=\"" },
	{ "<a", " " },	       { "<a", "=data:,xalert" },
	{ "(", "\"$ne\"" },    { "\n \r", "ls " },
	{ "&", "%252541" },    { "\\na/", "cat /etc/passwd" },
	{ "\\na/", "\t" },     { "<script>", "/" },
	{ "<a {{", "eval('" },
};

static void print_hostile(const struct detect_words *words)
{
	static char text[65536];
	double worst = 0, worst_pair = 0;
	size_t pair = 0;
	const char *which = "";
	struct fw_slice one;
	bool all = getenv("HOSTILE") != NULL; /* show each */

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		size_t unit = strlen(hostile[i]);
		double took;

		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = hostile[i][k % unit];
		one = slice(text, 4096);
		took = measure(words, &one, 1) / 4;
		if (all)
			printf("%8.1f us/KiB \"%s\"\n", took, hostile[i]);
		if (took > worst) {
			worst = took;
			which = hostile[i];
		}
	}
	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = which[k % strlen(which)];
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		double took;

		for (size_t k = 0; k < 4096; k++)
			text[k] = pairs[i][k >= 2048][k % 2048 % strlen(pairs[i][k >= 2048])];
		one = slice(text, 4096);
		took = measure(words, &one, 1) / 4;
		if (all)
			printf("%8.1f us/KiB \"%s\", then \"%s\"\n", took, pairs[i][0], pairs[i][1]);
		if (took > worst_pair) {
			worst_pair = took;
			pair = i;
		}
	}
	printf("worst of %zu hostile texts: \"%s\" again and again: %.1f us/KiB at 4 KiB",
	       sizeof(hostile) / sizeof(hostile[0]), which, worst);
	one = slice(text, sizeof(text));
	printf(", %.1f at 64 KiB; of %zu of two units: \"%s\", then \"%s\": %.1f at 4 KiB\n",
	       measure(words, &one, 1) / 64, sizeof(pairs) / sizeof(pairs[0]), pairs[pair][0], pairs[pair][1],
	       worst_pair);
}

static void print_worst_of_corpus(const struct detect_words *words, const struct corpus *corpus)
{
	const struct text *worst = NULL;
	double most = 0;

	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		double kib = (double)text->raw.size / 1024, took;

		if (text->raw.size < 256 || measure(words, &text->raw, 1) / kib <= most)
			continue;
		/* of ten thousand texts one is always interrupted in each of a few rounds */
		took = least_of(ROUNDS_OF_WORST, words, &text->raw, 1) / kib;
		if (took > most) {
			most = took;
			worst = text;
		}
	}
	if (worst != NULL)
		printf("worst text of the corpora (256 octets or more): %.1f us/KiB, from %s: %.*s\n", most,
		       corpus->sources[worst->source], (int)(worst->raw.size > 80 ? 80 : worst->raw.size),
		       (const char *)worst->raw.data);
}

void cost_print(const struct detect_words *words, const struct corpus *corpus)
{
	static const size_t sizes[] = { 128, 1024 };
	struct fw_slice *texts = calloc(TEXTS, sizeof(*texts));
	char *room = malloc((size_t)TEXTS * 1024);

	if (texts == NULL || room == NULL)
		exit(1);
	printf("\nCost, CPU us a text      128 B    1 KiB\n");
	for (unsigned flavour = 0; flavour < FLAVOURS; flavour++) {
		printf("%-22s", flavours[flavour]);
		for (unsigned i = 0; i < 2; i++) {
			size_t count = cost_cut(corpus, flavour, sizes[i], room, texts);

			if (count == 0)
				printf("        -");
			else
				printf(" %8.2f", measure(words, texts, count));
		}
		printf("\n");
	}
	print_hostile(words);
	print_worst_of_corpus(words, corpus);
	free(texts);
	free(room);
}
