/* The learned voice on any octets: no fault, and each window's sum is the greatest of those that its octets have. */
#include <stdlib.h>

#include "engine/detect/voice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct voice_best best, shorter;

	if (size == 0)
		return 0;
	voice_score(voice_weights, data, size, &best);
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if (best.end[class] == 0 || best.end[class] > size ||
		    best.sum[class] > VOICE_WINDOW * VOICE_GRAMS * 127 ||
		    best.sum[class] < -VOICE_WINDOW * VOICE_GRAMS * 127)
			abort();
	/* what ends where a window ends is as loud as the whole up to there */
	for (unsigned class = 0; class < DETECT_CLASSES; class ++) {
		voice_score(voice_weights, data, best.end[class], &shorter);
		if (shorter.sum[class] != best.sum[class])
			abort();
	}
	return 0;
}
