/* The sanitizer on any octets: no fault, and by the tokenizer of the tests nothing but allowed tags and attributes
 * comes out, which sanitized again stays as it is. */
#include <stdlib.h>

#include "../tests/conformance/html_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct fw_slice html;

	arena_init(&arena, 256u << 20);
	if (html_check(&arena, (const char *)data, size, &html) != NULL)
		abort();
	arena_fini(&arena);
	return 0;
}
