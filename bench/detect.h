/* detect.h: what the parts of the bench of inspection share. */
#ifndef BENCH_DETECT_H
#define BENCH_DETECT_H
#include <stdlib.h>

#include "engine/detect/detect.h"

enum { FLAVOURS = 4, SOURCES = 32, BENIGN = DETECT_CLASSES, TIERS = 2 };

struct text {
	struct fw_slice raw;
	unsigned class;	  /* enum detect_class, or BENIGN */
	unsigned flavour; /* of BENIGN */
	unsigned source;
	uint8_t points[DETECT_CLASSES];
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

/* detect_cost.c */
void cost_print(const struct detect_words *words, const struct corpus *corpus);

/* detect_encode.c: the text as an encoder writes it, in a buffer that the next call uses again. NULL: no such encoder.
 */
const char *encoder_name(unsigned encoder);
struct fw_slice encode(unsigned encoder, struct fw_slice text);
/* detect_strict.c; missed: names the attacks that are taken. */
void strict_print(const struct detect_words *words, const struct corpus *corpus, bool missed);

/* detect_text, with the memory that it asks for. */
static inline void look_at(const struct detect_words *words, struct fw_slice text, struct detect_result *result)
{
	uint8_t *room = malloc(detect_room(text) + 1);

	if (room == NULL)
		abort();
	detect_text(words, text, room, result);
	free(room);
}
#endif
