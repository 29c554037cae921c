/* Views and detectors on any octets: no fault; a round makes nothing longer; what is found in a text does not depend on
 * what was looked at before, and points are the sum of the rules. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/views.h"
#include "engine/detect/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct detect_words words;
	struct detect_result result = { 0 }, again = { 0 };
	uint8_t *copy = malloc(size + 1), *room = malloc(detect_room(slice(data, size)) + 1);
	unsigned kinds = 0;
	size_t left;

	if (copy == NULL || room == NULL) {
		free(copy);
		free(room);
		return 0;
	}
	detect_words_init(&words);
	detect_text(&words, slice(data, size), room, &result);
	detect_text(&words, slice(data, size), room, &again);
	if (memcmp(&result, &again, sizeof(result)) != 0)
		abort();
	for (unsigned class = 0; class < DETECT_CLASSES; class ++)
		if ((detect_points(&result, class, NULL) == 0) != (detect_lead(&result, class, NULL) == DETECT_RULES) &&
		    detect_lead(&result, class, NULL) == DETECT_RULES)
			abort();
	views_lower(copy, data, size);
	left = views_round(copy, size, &kinds);
	if (left > size || (kinds == 0 && left != size))
		abort();
	left = views_decode(copy, left, &kinds);
	if (left > size || views_squeeze(copy, left, &kinds) > left)
		abort();
	free(copy);
	free(room);
	return 0;
}
