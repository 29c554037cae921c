/* The learned voice on any octets: no fault, no sum beyond what its octets can have, and talk in front of what begins
 * with a mark takes nothing from it. */
#include <stdlib.h>
#include <string.h>

#include "engine/detect/voice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct voice_best best, within;
	uint8_t *text;

	if (size == 0)
		return 0;
	voice_score(voice_weights, data, size, &best);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if ((best.end[class] == 0) != (best.sum[class] == INT32_MIN) || best.end[class] > size ||
		    best.sum[class] > VOICE_WINDOW * VOICE_GRAMS * 127 ||
		    (best.end[class] != 0 && best.sum[class] < -VOICE_WINDOW * VOICE_GRAMS * 127))
			abort();
	text = malloc(size + 128);
	if (text == NULL || strchr("<\"(;|/", data[0]) == NULL || data[0] == 0) {
		free(text);
		return 0;
	}
	memset(text, 'a', 128);
	text[127] = ' ';
	memcpy(text + 128, data, size);
	voice_score(voice_weights, text, size + 128, &within);
	free(text);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if (within.sum[class] < best.sum[class])
			abort();
	return 0;
}
