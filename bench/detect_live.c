/* detect_live.c: which of the XSS texts live.mjs found to be live, and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"
#include "detect.h"

/* As live.mjs names them. */
const char *const live_contexts[LIVE_CONTEXTS] = { "text",     "inner",	  "double",  "single",	"unquoted",
						   "textarea", "comment", "string2", "string1", "link" };

static unsigned contexts_of(const char *words, size_t size)
{
	unsigned live = 0;

	for (size_t at = 0; at < size;) {
		size_t end = at;

		while (end < size && words[end] != ',')
			end++;
		for (unsigned k = 0; k < LIVE_CONTEXTS; k++)
			if (strlen(live_contexts[k]) == end - at && memcmp(live_contexts[k], words + at, end - at) == 0)
				live |= 1u << k;
		at = end + 1;
	}
	return live;
}

/* The XSS texts stand in the file in their order. */
bool live_read(struct corpus *corpus, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0, i = 0;
	ssize_t size;
	bool any = false;

	if (file == NULL)
		return false;
	while ((size = getline(&line, &room, file)) > 0) {
		const char *tab = memchr(line, '\t', (size_t)size);
		struct arena arena;
		struct json json;

		arena_init(&arena, 64 << 20);
		size -= line[size - 1] == '\n';
		if (tab != NULL &&
		    json_parse(&arena, slice(tab + 1, (size_t)(line + size - tab) - 1), 0, &json, NULL) == JSON_OK &&
		    json.nodes[0].kind == JSON_STRING) {
			struct fw_slice text = json_text(&json, 0, &arena);
			size_t k = i;

			while (k < corpus->count &&
			       (corpus->texts[k].class != DETECT_XSS || !slice_equal(corpus->texts[k].raw, text)))
				k++;
			if (k < corpus->count) {
				corpus->texts[k].live = contexts_of(line, (size_t)(tab - line));
				any = any || corpus->texts[k].live != 0;
				i = k + 1;
			}
		}
		arena_fini(&arena);
	}
	free(line);
	fclose(file);
	return any;
}
