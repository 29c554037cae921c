#include "shell/openmetrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

struct turning {
	struct buf *out;
	struct pool *pool;
	uint64_t created_us;
	bool failed;
	bool counter, histogram, info; /* the family whose samples come */
	char family[128];	       /* without _total and _info */
};

static void put(struct turning *t, struct fw_slice text)
{
	if (text.size != 0)
		t->failed |= buf_append(t->out, t->pool, text.data, text.size) != 0;
}

static void put_text(struct turning *t, const char *text)
{
	put(t, slice_text(text));
}

static bool ends_with(struct fw_slice name, const char *end)
{
	size_t size = strlen(end);

	return name.size > size && memcmp(name.data + name.size - size, end, size) == 0;
}

static struct fw_slice next_line(struct fw_slice *rest)
{
	const uint8_t *end = rest->size != 0 ? memchr(rest->data, '\n', rest->size) : NULL;
	size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
	struct fw_slice line = slice(rest->data, size);

	*rest = slice_from(*rest, end != NULL ? size + 1 : size);
	return line;
}

static struct fw_slice next_word(struct fw_slice *rest)
{
	const uint8_t *end = rest->size != 0 ? memchr(rest->data, ' ', rest->size) : NULL;
	size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
	struct fw_slice word = slice(rest->data, size);

	*rest = slice_from(*rest, end != NULL ? size + 1 : size);
	return word;
}

static void meta(struct turning *t, const char *what, struct fw_slice text)
{
	put_text(t, "# ");
	put_text(t, what);
	put_text(t, " ");
	put_text(t, t->family);
	put_text(t, " ");
	put(t, text);
	put_text(t, "\n");
}

/* HELP and TYPE of a family, which stand one after the other: its name is another one here, and so may its type be. */
static void begin_family(struct turning *t, struct fw_slice help, struct fw_slice *rest)
{
	struct fw_slice type = next_line(rest), name = next_word(&help), kind;
	static const char *const units[] = { "seconds", "bytes" };

	next_word(&type), next_word(&type), next_word(&type); /* # TYPE name */
	kind = type;
	t->counter = slice_is(kind, "counter") && ends_with(name, "_total");
	t->histogram = slice_is(kind, "histogram");
	t->info = slice_is(kind, "gauge") && ends_with(name, "_info");
	if (t->counter)
		name.size -= sizeof("_total") - 1;
	if (t->info)
		name.size -= sizeof("_info") - 1;
	snprintf(t->family, sizeof(t->family), "%.*s", (int)name.size, (const char *)name.data);
	meta(t, "TYPE", t->info ? slice_text("info") : kind);
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (ends_with(name, units[i]) && name.data[name.size - strlen(units[i]) - 1] == '_')
			meta(t, "UNIT", slice_text(units[i]));
	put_text(t, "# HELP ");
	put_text(t, t->family);
	put_text(t, " ");
	for (size_t i = 0; i < help.size; i++) { /* quotes are escaped here, and are not there */
		if (help.data[i] == '"')
			put_text(t, "\\");
		put(t, slice(help.data + i, 1));
	}
	put_text(t, "\n");
}

/* Since when a counter counts, with the labels of its sample; of a histogram once for its buckets. */
static void created(struct turning *t, struct fw_slice sample, const char *suffix)
{
	const uint8_t *brace = memchr(sample.data, '{', sample.size), *blank;
	char when[64];

	if (!ends_with(brace != NULL ? slice(sample.data, (size_t)(brace - sample.data))
				     : (struct fw_slice){ sample.data, strcspn((const char *)sample.data, " ") },
		       suffix))
		return;
	put_text(t, t->family);
	put_text(t, "_created");
	/* A value has no blank in it; a label may. */
	blank = sample.data + sample.size;
	while (blank > sample.data && *blank != ' ')
		blank--;
	if (brace != NULL)
		put(t, slice(brace, (size_t)(blank - brace)));
	snprintf(when, sizeof(when), " %" PRIu64 ".%06" PRIu64 "\n", t->created_us / 1000000, t->created_us % 1000000);
	put_text(t, when);
}

bool openmetrics_turn(struct fw_slice text, uint64_t created_us, struct buf *out, struct pool *pool)
{
	struct turning turning = { .out = out, .pool = pool, .created_us = created_us };

	while (text.size != 0 && !turning.failed) {
		struct fw_slice line = next_line(&text);

		if (slice_starts(line, "# HELP ")) {
			begin_family(&turning, slice_from(line, sizeof("# HELP ") - 1), &text);
			continue;
		}
		put(&turning, line);
		put_text(&turning, "\n");
		if (turning.counter)
			created(&turning, line, "_total");
		if (turning.histogram)
			created(&turning, line, "_sum");
	}
	return !turning.failed;
}

/* How much a client likes a kind of text, in thousandths; -1: it does not name it. */
static int liking(struct fw_slice accept, const char *kind, const char *version)
{
	int best = -1;

	while (accept.size != 0) {
		const uint8_t *comma = memchr(accept.data, ',', accept.size);
		struct fw_slice one = slice(accept.data, comma != NULL ? (size_t)(comma - accept.data) : accept.size);
		char text[160];
		int quality = 1000;
		bool fits;
		char *save = NULL, *part;

		accept = slice_from(accept, one.size + (comma != NULL));
		snprintf(text, sizeof(text), "%.*s", (int)one.size, (const char *)one.data);
		part = strtok_r(text, "; \t", &save);
		fits = part != NULL && strcasecmp(part, kind) == 0;
		while (fits && (part = strtok_r(NULL, "; \t", &save)) != NULL) {
			if (strncasecmp(part, "version=", 8) == 0)
				fits = strcmp(part + 8, version) == 0;
			else if (strncasecmp(part, "q=1", 3) == 0)
				quality = 1000;
			else if (strncasecmp(part, "q=0.", 4) == 0)
				for (int digit = 0, place = 100; digit < 3; digit++, place /= 10) {
					if (digit == 0)
						quality = 0;
					if (part[4 + digit] < '0' || part[4 + digit] > '9')
						break;
					quality += (part[4 + digit] - '0') * place;
				}
			else if (strcasecmp(part, "q=0") == 0)
				quality = 0;
		}
		if (fits && quality > best)
			best = quality;
	}
	return best;
}

bool openmetrics_wanted(struct fw_slice accept)
{
	int open = liking(accept, "application/openmetrics-text", "1.0.0");
	int plain = liking(accept, "text/plain", "0.0.4");

	return open > 0 && open >= plain;
}
