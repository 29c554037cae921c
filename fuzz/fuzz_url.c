/* URLs and host names of any octets: no fault; a host in ASCII is ASCII, short enough and read again as itself; a link
 * is judged the same with its octets as character references, which is how a browser reads it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/idna.h"
#include "engine/sanitize_url.h"

static struct fw_policy *policy;

static void host(struct fw_slice text)
{
	uint8_t ascii[IDNA_ROOM], again[IDNA_ROOM];
	size_t size, n;

	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] >= 'A' && text.data[i] <= 'Z')
			return;
	if (!utf8_valid(text.data, text.size))
		return;
	size = idna_to_ascii(text, ascii);
	for (size_t i = 0; i < size; i++)
		if (ascii[i] >= 0x80)
			abort();
	if (size == 0)
		return;
	n = idna_to_ascii(slice(ascii, size), again);
	if (n != size || memcmp(ascii, again, n) != 0)
		abort();
}

static void as_references(struct fw_slice text, bool allowed)
{
	char *references = malloc(text.size * 7 + 1);
	size_t size = 0;

	for (size_t i = 0; i < text.size && references != NULL; i++) {
		if (text.data[i] >= 0x80 || text.data[i] == '&' || text.data[i] == '\0') { /* other references */
			free(references);
			return;
		}
		size += (size_t)sprintf(references + size, "&#%u;", text.data[i]);
	}
	if (references != NULL && sanitize_url_allowed(policy, slice(references, size)) != allowed)
		abort();
	free(references);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_slice text = slice(data, size);
	bool safe, allowed;

	if (policy == NULL && fw_policy_load("fuzz", slice_text(""), NULL, NULL, &policy) != FW_OK)
		abort();
	safe = schema_url_safe(policy, text);
	allowed = sanitize_url_allowed(policy, text);
	if (safe && memchr(data, '&', size) == NULL && !allowed)
		abort();
	as_references(text, allowed);
	host(text);
	return 0;
}
