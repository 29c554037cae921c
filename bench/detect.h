/* detect.h: what the parts of the bench of inspection share. */
#ifndef BENCH_DETECT_H
#define BENCH_DETECT_H
#include <stdlib.h>
#include <time.h>

#include "engine/detect/detect.h"
#include "engine/detect/voice.h"

enum { FLAVOURS = 4, SOURCES = 32, BENIGN = DETECT_CLASSES, TIERS = 2, LIVE_CONTEXTS = 10 };
/* Rows of a table: the classes, the flavours, what of XSS is live, and that by where it is. */
enum { ROW_LIVE = DETECT_CLASSES + FLAVOURS, ROWS = ROW_LIVE + 1 + LIVE_CONTEXTS };

struct text {
	struct fw_slice raw;
	unsigned class;	  /* enum detect_class, or BENIGN */
	unsigned flavour; /* of BENIGN */
	unsigned source;
	unsigned live; /* a bit a context in which it would run */
	uint8_t points[DETECT_CLASSES];
	uint8_t ruled[DETECT_CLASSES]; /* without the learned voice */
	/* The sums of a voice that does not know the source, of what may refuse and of what may be flagged. */
	int16_t voice[2][DETECT_CLASSES];
};
struct corpus {
	struct text *texts;
	size_t count;
	char sources[SOURCES][32]; /* who made it: "fuzzdb"; the two commit logs are two */
	unsigned source_count;
};
extern const char *const flavours[FLAVOURS];
/* False alarms, % of messages, that a flavour may have at each tier. */
extern const double goals[TIERS][FLAVOURS];

/* attack/CLASS.SOURCE.txt and benign/FLAVOUR.SOURCE.txt, a JSON string a line. False: there is none. */
bool corpus_read(struct corpus *corpus, const char *folder);

/* detect_live.c: what live.mjs wrote. False: nothing. */
extern const char *const live_contexts[LIVE_CONTEXTS];
bool live_read(struct corpus *corpus, const char *path);

/* detect_cost.c */
enum { COST_TEXTS = 2000 };
void cost_print(const struct detect_words *words, const struct corpus *corpus);
/* CPU microseconds of the thread. */
static inline double cost_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
/* Texts of a flavour, one after another, cut to pieces of that size; room and ret_texts: for COST_TEXTS. */
size_t cost_cut(const struct corpus *corpus, unsigned flavour, size_t size, char *room, struct fw_slice *ret_texts);

/* detect_encode.c: the text as an encoder writes it, in a buffer that the next call uses again. NULL: no such encoder.
 */
const char *encoder_name(unsigned encoder);
struct fw_slice encode(unsigned encoder, struct fw_slice text);
void rules_print(void); /* detect_rules.c */
/* detect_strict.c; missed: names the attacks that are taken. */
void strict_print(const struct detect_words *words, const struct corpus *corpus, bool missed);

static inline unsigned text_row(const struct text *text)
{
	return text->class != BENIGN ? text->class : DETECT_CLASSES + text->flavour;
}

/* detect_peers.c: libinjection as libmodsecurity has it. False: it is not installed. */
bool libinjection_open(void);
bool libinjection_finds(struct fw_slice text);
/* Writes texts of the corpus to a file for other programs, and prints what is said of them here. */
int peers_print(const struct detect_words *words, const struct corpus *corpus, const char *path);

/* detect_crs.c */
bool crs_open(void); /* false: it is not installed */
bool crs_refuses(struct fw_slice text);
void crs_print(const struct corpus *corpus, void (*print)(const char *name, unsigned long count, unsigned long hits));

/* voice_train.c; without: a source, or SOURCES for none. */
void voice_train(const struct corpus *corpus, unsigned without, int8_t ret_weights[VOICE_ROWS][VOICE_LANES]);

/* detect_voice.c: each text's sums by a voice made without its source. */
void voice_leave_out(struct corpus *corpus);
/* The sums from which on it speaks (tier 0: 10 points, tier 1: 5), by the texts of all sources but one. */
void voice_choose(const struct corpus *corpus, unsigned without, int32_t ret_sums[TIERS][DETECT_CLASSES]);
int voice_write(const struct corpus *corpus, const char *path);

/* detect_text, with the memory that it asks for. */
static inline void look_at(const struct detect_words *words, struct fw_slice text, struct detect_result *result)
{
	uint8_t *room = malloc(detect_room(text) + 1);

	if (room == NULL)
		abort();
	detect_text(words, text, room, result);
	free(room);
}

static inline bool is_refused(const struct detect_words *words, struct fw_slice text)
{
	struct detect_result result = { 0 };

	look_at(words, text, &result);
	for (unsigned of = 0; of < DETECT_CLASSES; of++)
		if (detect_points(&result, of, NULL) >= DETECT_REFUSE)
			return true;
	return false;
}
#endif
