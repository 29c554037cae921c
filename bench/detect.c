/* detect.c: how much of the attacks inspection finds, how often it cries wolf, and what it costs.
 *     build-bench/bench/detect FOLDER            tables
 *     build-bench/bench/detect FOLDER quick    the first two of them
 *     build-bench/bench/detect FOLDER cost    what it costs
 *
 *     build-bench/bench/detect FOLDER peers FILE    some of the texts to FILE, and what is said of them
 * (detect_peers.py)
 *
 *     build-bench/bench/detect FOLDER train FILE    the table of the learned voice
 *
 *     build-bench/bench/detect FOLDER missed sql [POINTS]    the attacks of a class with less, the texts of a flavour
 * with more
 *
 *     build-bench/bench/detect FOLDER unheard sql    the attacks of a class that are not refused where nothing of their
 * source had a say, the texts of a flavour that are flagged there
 *
 *     build-bench/bench/detect FOLDER lost sql    the attacks of a class that are refused plain, and not within chat
 *
 *     build-bench/bench/detect FOLDER missed strict    the attacks that a strict field takes
 *
 * LIVE names what `node --expose-internals bench/live.mjs FOLDER FILE` wrote: the XSS texts that a browser would run,
 * which are a row of their own and can be named as "live" above. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "detect.h"

const double goals[TIERS][FLAVOURS] = { { 0.01, 0.1, 1.5, 0.4 }, { 0.05, 0.5, 6, 1.5 } };
static const unsigned made_for[TIERS] = { DETECT_REFUSE, DETECT_FLAG };
static struct detect_words words;

struct rate {
	unsigned long count, hits[TIERS];
};

/* The rules of the learned voice. */
static struct detect_rules voices(void)
{
	struct detect_rules rules = { 0 };

	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		detect_rules_add(&rules, voice_classes[class].says);
		detect_rules_add(&rules, voice_classes[class].hints);
	}
	return rules;
}

/* ret_ruled: NULL, or the points without the learned voice. */
static void points_of(struct fw_slice raw, uint8_t ret_points[DETECT_CLASSES], uint8_t *ret_ruled)
{
	struct detect_result result = { 0 };
	struct detect_rules voice = voices();

	look_at(&words, raw, &result);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		unsigned points = detect_points(&result, class, NULL);

		ret_points[class] = (uint8_t)(points > 255 ? 255 : points);
		if (ret_ruled != NULL) {
			points = detect_points(&result, class, &voice);
			ret_ruled[class] = (uint8_t)(points > 255 ? 255 : points);
		}
	}
}

static bool reaches(const uint8_t points[DETECT_CLASSES], const unsigned thresholds[DETECT_CLASSES])
{
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if (points[class] >= thresholds[class])
			return true;
	return false;
}

/* Wilson's interval of 95 %, in percent. */
static void wilson(unsigned long hits, unsigned long count, double *ret_low, double *ret_high)
{
	const double z = 1.96, n = (double)count, p = (double)hits / n;
	double middle = p + z * z / (2 * n), spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
	       all = 1 + z * z / n;

	*ret_low = 100 * (middle - spread) / all;
	*ret_high = 100 * (middle + spread) / all;
}

static void print_rate(const char *name, const char *source, const struct rate *rate)
{
	if (rate->count == 0)
		return;
	printf("%-8s %-14s %6lu", name, source, rate->count);
	for (unsigned tier = 0; tier < TIERS; tier++) {
		double low, high;

		wilson(rate->hits[tier], rate->count, &low, &high);
		printf("   %6lu %7.3f %% [%7.3f, %7.3f]", rate->hits[tier],
		       100.0 * (double)rate->hits[tier] / (double)rate->count, low < 0 ? 0 : low, high);
	}
	printf("\n");
}

static void print_peer(const char *name, unsigned long count, unsigned long hits)
{
	print_rate(name, "all", &(struct rate){ count, { hits, hits } });
}

static const char *row_name(unsigned row)
{
	return row < DETECT_CLASSES ? detect_class_words[row]
	       : row < ROW_LIVE	    ? flavours[row - DETECT_CLASSES]
	       : row == ROW_LIVE    ? "live"
				    : live_contexts[row - ROW_LIVE - 1];
}

static void count(const struct text *text, const unsigned thresholds[TIERS][DETECT_CLASSES], struct rate *rate)
{
	rate->count++;
	for (unsigned tier = 0; tier < TIERS; tier++)
		rate->hits[tier] += reaches(text->points, thresholds[tier]);
}

static void count_rows(const struct text *text, const unsigned thresholds[TIERS][DETECT_CLASSES],
		       struct rate rates[ROWS][SOURCES + 1])
{
	for (unsigned row = 0; row < ROWS; row++) {
		if (row != text_row(text) && (row < ROW_LIVE || text->live == 0 ||
					      (row > ROW_LIVE && (text->live >> (row - ROW_LIVE - 1) & 1) == 0)))
			continue;
		count(text, thresholds, &rates[row][text->source]);
		count(text, thresholds, &rates[row][SOURCES]);
	}
}

static void head(const char *what)
{
	printf("\n%s\n%30s   %-36s   %s\n", what, "texts", "refused", "flagged or refused");
}

static void print_rates(const struct corpus *corpus, struct rate rates[][SOURCES + 1])
{
	for (unsigned row = 0; row < ROWS; row++) {
		for (unsigned source = 0; source < corpus->source_count && row <= ROW_LIVE; source++)
			print_rate(row_name(row), corpus->sources[source], &rates[row][source]);
		print_rate(row_name(row), "all", &rates[row][SOURCES]);
	}
}

static void print_fixed(const struct corpus *corpus)
{
	static struct rate rates[ROWS][SOURCES + 1];
	unsigned thresholds[TIERS][DETECT_CLASSES];

	for (unsigned tier = 0; tier < TIERS; tier++)
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			thresholds[tier][class] = made_for[tier];
	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];

		count_rows(text, thresholds, rates);
	}
	head("Points as the configuration has them (10 refuse, 4 flag), by source; 95 % interval of Wilson");
	print_rates(corpus, rates);
}

/* The least points, from those of the configuration on, by which no flavour of the other sources has more false alarms
 * than the goal: the class that cries most often is made to need one more, until it is so. */
static void choose(const struct corpus *corpus, unsigned without, unsigned tier, unsigned thresholds[DETECT_CLASSES])
{
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		thresholds[class] = made_for[tier];
	for (;;) {
		unsigned long texts[FLAVOURS] = { 0 }, alarms[FLAVOURS] = { 0 },
			      by[FLAVOURS][DETECT_CLASSES] = { { 0 } };
		unsigned worst = DETECT_CLASSES;

		for (size_t i = 0; i < corpus->count; i++) {
			const struct text *text = &corpus->texts[i];

			if (text->class != BENIGN || text->source == without)
				continue;
			texts[text->flavour]++;
			alarms[text->flavour] += reaches(text->points, thresholds);
			for (unsigned class = 0; class < DETECT_CLASSES; class ++)
				by[text->flavour][class] += text->points[class] >= thresholds[class];
		}
		for (unsigned f = 0; f < FLAVOURS && worst == DETECT_CLASSES; f++) {
			if (texts[f] == 0 || 100.0 * (double)alarms[f] / (double)texts[f] <= goals[tier][f])
				continue;
			worst = 0;
			for (unsigned class = 1; class < DETECT_CLASSES; class ++)
				if (by[f][class] > by[f][worst])
					worst = class;
		}
		if (worst == DETECT_CLASSES)
			return;
		thresholds[worst]++;
	}
}

static void print_text(const struct corpus *corpus, const struct text *text, unsigned points)
{
	struct detect_result result = { 0 };

	look_at(&words, text->raw, &result);
	printf("%s %u", corpus->sources[text->source], points);
	for (unsigned k = 0; k < LIVE_CONTEXTS; k++)
		if (text->live >> k & 1)
			printf(" %s", live_contexts[k]);
	for (unsigned rule = 0; rule < DETECT_RULES; rule++)
		if (detect_rules_has(&result.found, rule) || detect_rules_has(&result.fenced, rule))
			printf(" %s", detect_info[rule].id);
	printf(": %.*s\n", (int)(text->raw.size > 300 ? 300 : text->raw.size), (const char *)text->raw.data);
}

/* By its class, its flavour, or "live". */
static bool is_named_by(const struct text *text, const char *which)
{
	return strcmp(which, text->live != 0 ? row_name(ROW_LIVE) : "") == 0 ||
	       strcmp(which, row_name(text_row(text))) == 0;
}

/* Of a class or flavour the text that is judged wrongly, with the points that it has. */
static void print_wrong(const struct corpus *corpus, const struct text *text, const char *which,
			const unsigned thresholds[TIERS][DETECT_CLASSES])
{
	unsigned most = 0;

	if (!is_named_by(text, which) ||
	    (text->class == BENIGN) != reaches(text->points, thresholds[text->class == BENIGN]))
		return;
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		most = text->points[class] > most ? text->points[class] : most;
	print_text(corpus, text, most);
}

/* Nothing of a source has a say in how it is judged: not in the weights of the voice, not in where it speaks, not in
 * the points. But for the rules, which were written by people who had read all. which: NULL, or the class or flavour
 * whose texts are named that are judged wrongly. */
static void print_left_out(struct corpus *corpus, const char *which)
{
	static const unsigned worth[TIERS] = { 10, 5 };
	static struct rate rates[ROWS][SOURCES + 1];

	voice_leave_out(corpus);
	head("The same with voice and points that know nothing of the source: made and chosen by all the others");
	for (unsigned source = 0; source < corpus->source_count; source++) {
		unsigned thresholds[TIERS][DETECT_CLASSES];
		int32_t sums[TIERS][DETECT_CLASSES];

		voice_choose(corpus, source, sums);
		for (size_t i = 0; i < corpus->count; i++) {
			struct text *text = &corpus->texts[i];

			for (unsigned class = 0; class < DETECT_CLASSES; class ++)
				text->points[class] = (uint8_t)(text->ruled[class] +
								(text->voice[0][class] >= sums[0][class]   ? worth[0]
								 : text->voice[1][class] >= sums[1][class] ? worth[1]
													   : 0));
		}
		for (unsigned tier = 0; tier < TIERS; tier++)
			choose(corpus, source, tier, thresholds[tier]);
		for (size_t i = 0; i < corpus->count; i++) {
			const struct text *text = &corpus->texts[i];

			if (text->source != source)
				continue;
			count_rows(text, thresholds, rates);
			if (which != NULL)
				print_wrong(corpus, text, which, thresholds);
		}
		printf("points %-16s", corpus->sources[source]);
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			printf("  %s %u, %u (voice %d, %d)", detect_class_words[class], thresholds[0][class],
			       thresholds[1][class], sums[0][class], sums[1][class]);
		printf("\n");
	}
	print_rates(corpus, rates);
}

static bool found_at(const uint8_t points[DETECT_CLASSES], unsigned tier)
{
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if (points[class] >= made_for[tier])
			return true;
	return false;
}

/* Attacks that are found plain, found again within 400 characters of chat, and as each encoder writes them. lost: NULL,
 * or the class whose texts are named that are refused plain and not within chat. */
static void print_hidden(const struct corpus *corpus, const char *lost)
{
	unsigned long plain[DETECT_CLASSES][TIERS] = { { 0 } };
	struct fw_slice before = { 0 }, behind = { 0 };
	unsigned forms = 1;

	while (encoder_name(forms - 1) != NULL)
		forms++;
	for (size_t i = 0; i < corpus->count && behind.size == 0; i++) {
		const struct text *text = &corpus->texts[i];

		if (text->class != BENIGN || text->flavour != 0 || text->raw.size < 60)
			continue;
		if (before.size == 0)
			before = text->raw;
		else
			behind = text->raw;
	}
	for (size_t i = 0; i < corpus->count; i++)
		for (unsigned tier = 0; tier < TIERS && corpus->texts[i].class != BENIGN; tier++)
			plain[corpus->texts[i].class][tier] += found_at(corpus->texts[i].points, tier);
	printf("\nOf the attacks that are found plain, so many %% are found\n%-24s", "refused, flagged:");
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		printf("%14s", detect_class_words[class]);
	printf("\n");
	for (unsigned form = 0; form < (lost != NULL ? 1 : forms); form++) {
		unsigned long found[DETECT_CLASSES][TIERS] = { { 0 } };

		for (size_t i = 0; i < corpus->count; i++) {
			const struct text *text = &corpus->texts[i];
			char chat[8192];
			uint8_t points[DETECT_CLASSES];
			struct fw_slice raw;

			if (text->class == BENIGN || text->raw.size > 4096 || !found_at(text->points, 1))
				continue;
			if (form == 0)
				raw = slice(chat, (size_t)snprintf(chat, sizeof(chat), "%.*s %.*s %.*s",
								   (int)(before.size > 200 ? 200 : before.size),
								   (const char *)before.data, (int)text->raw.size,
								   (const char *)text->raw.data,
								   (int)(behind.size > 200 ? 200 : behind.size),
								   (const char *)behind.data));
			else
				raw = encode(form - 1, text->raw);
			points_of(raw, points, NULL);
			for (unsigned tier = 0; tier < TIERS; tier++)
				found[text->class][tier] += found_at(text->points, tier) && found_at(points, tier);
			if (lost != NULL && is_named_by(text, lost) && found_at(text->points, 0) &&
			    !found_at(points, 0))
				print_text(corpus, text, points[text->class]);
		}
		printf("%-24s", form == 0 ? "in 400 of chat" : encoder_name(form - 1));
		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			printf("  %5.1f, %5.1f",
			       100.0 * (double)found[class][0] / (double)(plain[class][0] + !plain[class][0]),
			       100.0 * (double)found[class][1] / (double)(plain[class][1] + !plain[class][1]));
		printf("\n");
	}
}

static void print_libinjection(const struct corpus *corpus)
{
	struct rate rates[DETECT_CLASSES + FLAVOURS] = { { 0 } };

	if (!libinjection_open()) {
		printf("\nlibinjection: not here (Debian package libmodsecurity3)\n");
		return;
	}
	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		bool found = libinjection_finds(text->raw);

		rates[text_row(text)].count++;
		rates[text_row(text)].hits[0] += found;
		rates[text_row(text)].hits[1] += found;
	}
	head("libinjection (of libmodsecurity3), SQL and XSS, on the text as it came");
	for (unsigned row = 0; row < DETECT_CLASSES + FLAVOURS; row++)
		print_rate(row_name(row), "all", &rates[row]);
}

/* What others score on the same texts stands in the README of the corpora: its last table. */
static void print_anchors(const char *folder)
{
	char path[4096], *line = NULL;
	size_t room = 0;
	bool any = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/README.md", folder);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	while (getline(&line, &room, file) > 0) {
		if (strncmp(line, "| |", 3) == 0 && !any) {
			printf("\nFrom %s\n", path);
			any = true;
		}
		if (any && line[0] == '|')
			fputs(line, stdout);
	}
	free(line);
	fclose(file);
}

static int print_missed(const struct corpus *corpus, const char *which, unsigned points)
{
	for (size_t i = 0; i < corpus->count; i++) {
		const struct text *text = &corpus->texts[i];
		unsigned most = 0;

		for (unsigned class = 0; class < DETECT_CLASSES; class ++)
			most = text->points[class] > most ? text->points[class] : most;
		if (is_named_by(text, which) && (text->class == BENIGN) == (most >= points))
			print_text(corpus, text, most);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct corpus corpus;

	if (argc < 2 || !corpus_read(&corpus, argv[1])) {
		printf("bench-detect: skipped: no texts in %s (attack/CLASS.SOURCE.txt, benign/FLAVOUR.SOURCE.txt)\n",
		       argc < 2 ? "no folder" : argv[1]);
		return 0;
	}
	detect_words_init(&words);
	if (argc > 3 && strcmp(argv[2], "peers") == 0)
		return peers_print(&words, &corpus, argv[3]);
	if (getenv("LIVE") == NULL || !live_read(&corpus, getenv("LIVE")))
		printf("XSS that is live where it lands: skipped: LIVE names no file that bench/live.mjs wrote\n");
	if (argc > 2 && strcmp(argv[2], "cost") == 0) {
		cost_print(&words, &corpus);
		return 0;
	}
	if (argc > 3 && strcmp(argv[2], "train") == 0) {
		voice_leave_out(&corpus);
		return voice_write(&corpus, argv[3]);
	}
	for (size_t i = 0; i < corpus.count; i++)
		points_of(corpus.texts[i].raw, corpus.texts[i].points, corpus.texts[i].ruled);
	if (argc > 3 && strcmp(argv[2], "missed") == 0 && strcmp(argv[3], "strict") == 0) {
		strict_print(&words, &corpus, true);
		return 0;
	}
	if (argc > 3 && strcmp(argv[2], "missed") == 0)
		return print_missed(&corpus, argv[3], argc > 4 ? (unsigned)atoi(argv[4]) : DETECT_REFUSE);
	if (argc > 3 && strcmp(argv[2], "lost") == 0) {
		print_hidden(&corpus, argv[3]);
		return 0;
	}
	if (argc > 3 && strcmp(argv[2], "unheard") == 0) {
		print_left_out(&corpus, argv[3]);
		return 0;
	}
	printf("%zu texts. The rules were written by people who had read them: what is said of these texts is "
	       "in-sample, but for the\n"
	       "points in the second table. Other texts: make bench-detect CORPORA=DIR.\n",
	       corpus.count);
	print_fixed(&corpus);
	print_hidden(&corpus, NULL);
	if (argc > 2 && strcmp(argv[2], "quick") == 0)
		return 0;
	strict_print(&words, &corpus, false);
	print_libinjection(&corpus);
	crs_print(&corpus, print_peer);
	print_anchors(argv[1]);
	cost_print(&words, &corpus);
	print_left_out(&corpus, NULL);
	rules_print();
	return 0;
}
