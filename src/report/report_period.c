#include "report/report_period.h"

#include <string.h>

#include "base/encode.h"

static bool is_time(const char text[ENCODE_RFC3339], uint64_t *ret_us)
{
	char again[ENCODE_RFC3339];

	/* what reads it takes the 31st of each month, too */
	if (!decode_rfc3339(text, ret_us))
		return false;
	encode_rfc3339(*ret_us, again);
	return memcmp(text, again, sizeof(again)) == 0;
}

bool report_period_read(const char *text, uint64_t *ret_first_us, uint64_t *ret_last_us)
{
	static const char first[] = "0000-01-01T00:00:00.000000Z", last[] = "0000-12-31T23:59:59.999999Z";
	static const uint8_t sizes[] = { 4, 7, 10, 13, 16, 19, 21, 22, 23, 24, 25, 26 };
	static const char *const days[] = { "31", "30", "29", "28" };
	size_t size = strlen(text);
	char time[ENCODE_RFC3339];

	if (size != 0 && text[size - 1] == 'Z')
		size--;
	if (size >= ENCODE_RFC3339 || memchr(sizes, (int)size, sizeof(sizes)) == NULL)
		return false;
	memcpy(time, first, sizeof(time));
	memcpy(time, text, size);
	if (!is_time(time, ret_first_us))
		return false;
	memcpy(time, last, sizeof(time));
	memcpy(time, text, size);
	if (size != 7)
		return is_time(time, ret_last_us);
	for (unsigned i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		memcpy(time + 8, days[i], 2);
		if (is_time(time, ret_last_us))
			return true;
	}
	return false;
}
