/* detect_corpus.c: labelled texts from a folder beside the repository. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "base/slice.h"
#include "detect.h"

const char *const flavours[FLAVOURS] = { "prose", "dev", "code", "sec" };
static const char *const classes[DETECT_CLASSES] = { "xss", "sqli", "cmdi", "path", "other" };

static void *need(void *memory)
{
	if (memory == NULL) {
		fputs("detect: no memory\n", stderr);
		exit(1);
	}
	return memory;
}

static unsigned source_of(struct corpus *corpus, const char *name, size_t size)
{
	for (unsigned i = 0; i < corpus->source_count; i++)
		if (strlen(corpus->sources[i]) == size && memcmp(corpus->sources[i], name, size) == 0)
			return i;
	if (corpus->source_count == SOURCES || size >= sizeof(corpus->sources[0])) {
		fputs("detect: too many sources\n", stderr);
		exit(1);
	}
	memcpy(corpus->sources[corpus->source_count], name, size);
	return corpus->source_count++;
}

static void add(struct corpus *corpus, struct fw_slice raw, unsigned class, unsigned flavour, unsigned source)
{
	struct text text = { .raw = raw, .class = class, .flavour = flavour, .source = source };

	if (corpus->count % 4096 == 0)
		corpus->texts = need(realloc(corpus->texts, (corpus->count + 4096) * sizeof(corpus->texts[0])));
	corpus->texts[corpus->count++] = text;
}

static void read_file(struct corpus *corpus, const char *path, unsigned class, unsigned flavour, unsigned source)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	if (file == NULL)
		return;
	while ((size = getline(&line, &room, file)) > 0) {
		struct arena arena;
		struct json json;

		arena_init(&arena, 64 << 20);
		while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
			size--;
		if (json_parse(&arena, slice(line, (size_t)size), 0, &json, NULL) == JSON_OK &&
		    json.nodes[0].kind == JSON_STRING) {
			struct fw_slice text = json_text(&json, 0, &arena);

			if (text.size != 0)
				add(corpus, slice(memcpy(need(malloc(text.size)), text.data, text.size), text.size),
				    class, flavour, source);
		}
		arena_fini(&arena);
	}
	free(line);
	fclose(file);
}

bool corpus_read(struct corpus *corpus, const char *folder)
{
	memset(corpus, 0, sizeof(*corpus));
	for (unsigned kind = 0; kind < 2; kind++) {
		const char *const *names = kind == 0 ? classes : flavours;
		unsigned count = kind == 0 ? DETECT_CLASSES : FLAVOURS;
		char path[4096];
		struct dirent **list = NULL;
		int n;

		snprintf(path, sizeof(path), "%s/%s", folder, kind == 0 ? "attack" : "benign");
		n = scandir(path, &list, NULL, alphasort);
		for (int i = 0; i < n; i++) {
			const char *name = list[i]->d_name, *dot = strchr(name, '.'), *end = strrchr(name, '.');

			for (unsigned k = 0; k < count && dot != NULL && end > dot; k++) {
				if (strlen(names[k]) != (size_t)(dot - name) ||
				    memcmp(names[k], name, (size_t)(dot - name)) != 0)
					continue;
				snprintf(path, sizeof(path), "%s/%s/%s", folder, kind == 0 ? "attack" : "benign", name);
				read_file(corpus, path, kind == 0 ? k : BENIGN, kind == 0 ? 0 : k,
					  source_of(corpus, dot + 1, (size_t)(end - dot) - 1));
			}
			free(list[i]);
		}
		free(list);
	}
	return corpus->count != 0;
}
