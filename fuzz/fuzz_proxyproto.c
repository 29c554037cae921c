/* PROXY headers of any octets: a header that was read lies within its limits, the octets behind it change nothing, and
 * cutting the input gives "more" or the same word. The first octet chooses the versions. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/proxyproto.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

/* From memory of just that size: the sanitizer sees an octet too many. */
static enum proxyproto_result read_copy(const uint8_t *data, size_t size, unsigned versions, struct proxyproto *header)
{
	uint8_t *copy = malloc(size + 1);
	enum proxyproto_result result;
	const char *rule = "";

	if (copy == NULL)
		exit(1);
	memcpy(copy + 1, data, size);
	result = proxyproto_read(slice(copy + 1, size), versions, header, &rule);
	HOLDS((result < 0) == (rule != NULL));
	free(copy);
	return result;
}

static void check_read(const struct proxyproto *header, size_t size, unsigned versions)
{
	HOLDS(header->size <= size && header->size <= LIMIT_PROXY_HEADER);
	HOLDS(header->version == 1 || header->version == 2);
	HOLDS((versions >> (header->version - 1) & 1) != 0);
	HOLDS(header->version == 2 || (header->size <= 107 && header->size >= 15));
	HOLDS(header->known == (header->source.family != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned versions;
	struct proxyproto header, other;
	enum proxyproto_result result, cut_result;
	size_t step;

	if (size == 0)
		return 0;
	versions = 1 + data[0] % 3;
	data++;
	size--;
	result = read_copy(data, size, versions, &header);
	HOLDS(result != PROXYPROTO_MORE || size < LIMIT_PROXY_HEADER);
	if (result == PROXYPROTO_OK)
		check_read(&header, size, versions);
	step = size / 64 + 1;
	for (size_t cut = 0; cut < size; cut += step) {
		cut_result = read_copy(data, cut, versions, &other);
		if (result == PROXYPROTO_OK)
			HOLDS(cut < header.size ? cut_result == PROXYPROTO_MORE
						: cut_result == PROXYPROTO_OK && other.size == header.size);
		else
			HOLDS(cut_result == PROXYPROTO_MORE || cut_result == result);
	}
	return 0;
}
