/* html_vectors.h: for tests only: html5lib's tokenizer tests, read one by one. */
#ifndef TESTS_HTML_VECTORS_H
#define TESTS_HTML_VECTORS_H
#include "base/utf8.h"
#include "codec/json.h"
#include "vectors.h"

static char html_vectors_folder[4096];

struct source {
	struct arena arena;
	struct json json;
	bool escaped; /* this test: "doubleEscaped" */
};

static inline size_t html_vectors_unescape(const struct fw_slice text, char *to)
{
	size_t size = 0, i = 0;

	while (i < text.size) {
		if (i + 6 <= text.size && text.data[i] == '\\' && text.data[i + 1] == 'u') {
			char digits[5] = { 0 };

			memcpy(digits, text.data + i + 2, 4);
			size += utf8_encode((uint32_t)strtoul(digits, NULL, 16), (uint8_t *)to + size);
			i += 6;
		} else {
			to[size++] = (char)text.data[i++];
		}
	}
	return size;
}

/* A text of the test file, in the arena. */
static inline struct fw_slice text_of(struct source *s, uint32_t node)
{
	struct fw_slice text = json_text(&s->json, node, &s->arena);
	char *to;

	assert_non_null(text.data);
	if (!s->escaped)
		return text;
	to = arena_alloc(&s->arena, text.size + 1);
	assert_non_null(to);
	return slice(to, html_vectors_unescape(text, to));
}

typedef void visit_function(struct source *s, uint32_t test, struct fw_slice input, void *user);

static inline void visit_all(visit_function *visit, void *user)
{
	struct dirent **entries;
	int count = vectors_list(html_vectors_folder, &entries), i;

	for (i = 0; i < count; i++) {
		struct source s = { 0 };
		char path[4400], *bytes;
		size_t size;
		uint32_t tests, test;

		snprintf(path, sizeof(path), "%s/%s", html_vectors_folder, entries[i]->d_name);
		bytes = strstr(path, ".test") != NULL ? vectors_read(path, &size) : NULL;
		free(entries[i]);
		if (bytes == NULL)
			continue;
		arena_init(&s.arena, (size_t)1 << 30);
		assert_int_equal(json_parse(&s.arena, slice(bytes, size), 0, &s.json, NULL), JSON_OK);
		tests = json_member(&s.json, 0, "tests", 5);
		for (test = tests + 1; tests != 0 && test < s.json.nodes[tests].next; test = s.json.nodes[test].next) {
			s.escaped = json_member(&s.json, test, "doubleEscaped", 13) != 0;
			visit(&s, test, text_of(&s, json_member(&s.json, test, "input", 5)), user);
		}
		arena_fini(&s.arena);
		free(bytes);
	}
	free(entries);
}

/* For main: are they there? */
static inline bool html_vectors_found(void)
{
	struct dirent **entries;
	int count;

	vectors_path(html_vectors_folder, "vectors/html5lib/tokenizer");
	count = vectors_list(html_vectors_folder, &entries);
	if (count == 0)
		return false;
	while (count-- > 0)
		free(entries[count]);
	free(entries);
	return true;
}
#endif
