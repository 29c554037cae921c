/* Sec-WebSocket-Extensions of any octets, as an offer and as an answer. In one field or cut at a comma into two it
 * means the same; what is answered to an offer, a client of this program takes; numbers are within their range. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/extensions.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

static struct http1_head head;

static void head_of(struct fw_slice first, struct fw_slice second)
{
	head.count = 3;
	head.fields[0] = (struct http1_field){ slice_text("Host"), slice_text("localhost") };
	head.fields[1] = (struct http1_field){ slice_text("Sec-WebSocket-Extensions"), slice_trim(first) };
	head.fields[2] = (struct http1_field){ slice_text("sec-websocket-extensions"), slice_trim(second) };
}

static bool in_range(unsigned bits)
{
	return bits == 0 || (bits >= EXTENSIONS_BITS_LEAST && bits <= EXTENSIONS_BITS_MOST);
}

static bool same(const struct extensions_deflate *a, const struct extensions_deflate *b)
{
	return a->server_no_takeover == b->server_no_takeover && a->client_no_takeover == b->client_no_takeover &&
	       a->client_bits_offered == b->client_bits_offered && a->server_bits == b->server_bits &&
	       a->client_bits == b->client_bits;
}

static void check_offer(struct fw_slice value)
{
	struct extensions_deflate offer, cut, answered;
	enum extensions_result result, answer;
	char text[EXTENSIONS_TEXT];
	const uint8_t *comma = value.size != 0 ? memchr(value.data, ',', value.size) : NULL;

	head_of(value, slice(NULL, 0));
	result = extensions_offered(&head, &offer);
	HOLDS(in_range(offer.server_bits) && in_range(offer.client_bits));
	/* No good value holds a comma, so each one is between two extensions. */
	if (comma != NULL) {
		size_t at = (size_t)(comma - value.data);

		head_of(slice(value.data, at), slice_from(value, at + 1));
		HOLDS(extensions_offered(&head, &cut) == result);
		HOLDS(result != EXTENSIONS_DEFLATE || same(&offer, &cut));
	}
	if (result != EXTENSIONS_DEFLATE)
		return;
	head_of(slice(text, extensions_write_answer(&offer, text)), slice(NULL, 0));
	HOLDS(extensions_answered(&head, &answer, &answered) == NULL && answer == EXTENSIONS_DEFLATE);
	HOLDS(answered.server_bits == offer.server_bits && answered.server_no_takeover && answered.client_no_takeover);
}

static void check_answer(struct fw_slice value)
{
	struct extensions_deflate answer, offer;
	enum extensions_result result;
	const char *cause;

	head_of(value, slice(NULL, 0));
	cause = extensions_answered(&head, &result, &answer);
	if (cause != NULL)
		return;
	HOLDS(in_range(answer.server_bits) && in_range(answer.client_bits));
	if (result == EXTENSIONS_NONE)
		return;
	HOLDS(answer.server_no_takeover && answer.client_bits_offered == (answer.client_bits != 0));
	/* Every good answer is a good offer too. */
	HOLDS(extensions_offered(&head, &offer) == EXTENSIONS_DEFLATE && same(&answer, &offer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1); /* its own block: reading past it is seen */

	if (copy == NULL)
		return 0;
	if (size != 0)
		memcpy(copy, data, size);
	check_offer(slice(copy, size));
	check_answer(slice(copy, size));
	free(copy);
	return 0;
}
