/* detect_strict.c: fields whose class is an allow-list: how many of the attacks they refuse, and of the values that
 * they are for. */
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "detect.h"
#include "policy/config.h"
#include "policy/schema_format.h"

enum { VALUES = 20000, VALUE_ROOM = 256 };

static const enum field_class strict[] = { CLASS_ID, CLASS_COMMAND, CLASS_NUMBER, CLASS_PATH, CLASS_URL, CLASS_EMAIL };

static uint64_t random_of(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static unsigned below(uint64_t *state, unsigned count)
{
	return (unsigned)(random_of(state) % count);
}

static const char *pick(uint64_t *state)
{
	static const char *const words[] = { "user",   "room", "order", "report", "2026",  "alice", "final",
					     "select", "drop", "table", "script", "image", "admin", "etc",
					     "union",  "file", "data",	"system", "cat",   "notes" };

	return words[below(state, sizeof(words) / sizeof(words[0]))];
}

/* As people and programs write them. */
static size_t make(enum field_class class, uint64_t *state, char value[VALUE_ROOM])
{
	const char *a = pick(state), *b = pick(state), *c = pick(state);
	unsigned n = below(state, 100000), form = below(state, 4);
	int size;

	switch (class) {
	case CLASS_ID:
		size = form == 0   ? snprintf(value, VALUE_ROOM, "%08x-%04x-4%03x-a%03x-%012x", n * 7919, n & 0xffff,
					      n & 0xfff, n % 4096, n)
		       : form == 1 ? snprintf(value, VALUE_ROOM, "%s_%u", a, n)
		       : form == 2 ? snprintf(value, VALUE_ROOM, "%s.%s-%s", a, b, c)
				   : snprintf(value, VALUE_ROOM, "%u", n);
		break;
	case CLASS_COMMAND:
		size = form < 2 ? snprintf(value, VALUE_ROOM, "%s-%s", a, b)
				: snprintf(value, VALUE_ROOM, "%s_%s_%u", a, b, n);
		break;
	case CLASS_NUMBER:
		size = form == 0   ? snprintf(value, VALUE_ROOM, "-%u", n)
		       : form == 1 ? snprintf(value, VALUE_ROOM, "%u.%02u", n, n % 100)
		       : form == 2 ? snprintf(value, VALUE_ROOM, "%u.%ue-%u", n % 10, n, n % 30)
				   : snprintf(value, VALUE_ROOM, "%u", n);
		break;
	case CLASS_PATH:
		size = form == 0   ? snprintf(value, VALUE_ROOM, "%s/%s/%s-%u.txt", a, b, c, n)
		       : form == 1 ? snprintf(value, VALUE_ROOM, "%s.%s.tar.gz", a, b)
		       : form == 2 ? snprintf(value, VALUE_ROOM, "%s/%s_%s,%u.pdf", a, b, c, n)
				   : snprintf(value, VALUE_ROOM, "%s/%s@2x+%s_%u=.png", a, b, c, n);
		break;
	case CLASS_URL:
		size = form == 0 ? snprintf(value, VALUE_ROOM, "https://%s.example.org/%s/%s?%s=%u&page=%u#%s", a, b, c,
					    a, n, n % 9, b)
		       : form == 1 ? snprintf(value, VALUE_ROOM, "http://www.example.com:8080/%s/%s-%u.html", a, b, n)
		       : form == 2 ? snprintf(value, VALUE_ROOM, "https://example.org/search?q=%s+%s%%20%s", a, b, c)
				   : snprintf(value, VALUE_ROOM, "https://93.184.216.34/~%s/%u", a, n);
		break;
	default:
		size = form < 2 ? snprintf(value, VALUE_ROOM, "%s.%s+%u@example.org", a, b, n)
				: snprintf(value, VALUE_ROOM, "%s_%s@mail.%s.example.com", a, b, c);
		break;
	}
	return (size_t)size;
}

static bool refused(const struct fw_policy *policy, const struct detect_words *words, enum field_class class,
		    struct fw_slice text)
{
	if (!schema_format_holds(policy, class, text))
		return true;
	if (schema_class_is_strict(class))
		return false;
	return is_refused(words, text);
}

/* "whoami", "5e-10", "objectClass" of the lists of attacks: no field can tell them from what it is for. */
static bool is_word(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_alpha(text.data[i]) && !ascii_is_digit(text.data[i]) &&
		    memchr("_-.", text.data[i], 3) == NULL)
			return false;
	return memmem(text.data, text.size, "..", 2) == NULL;
}

void strict_print(const struct detect_words *words, const struct corpus *corpus, bool missed)
{
	struct fw_policy *policy = NULL;
	unsigned long attacks = 0, stopped = 0, values = 0, wrong = 0, probes = 0;

	if (fw_policy_load("bench", slice_text("validation: {}\n"), NULL, NULL, &policy) != FW_OK) {
		printf("strict fields: no policy\n");
		return;
	}
	printf("\nStrict fields: attacks of the corpora refused, valid values refused\n");
	for (size_t i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
		unsigned long of = 0, found = 0, bad = 0;
		uint64_t state = i + 1;
		char value[VALUE_ROOM];

		for (size_t k = 0; k < corpus->count; k++) {
			const struct text *text = &corpus->texts[k];
			bool stops;

			if (text->class == BENIGN || text->raw.size == 0)
				continue;
			if (is_word(text->raw)) {
				probes += i == 0;
				continue;
			}
			stops = refused(policy, words, strict[i], text->raw);
			of++;
			found += stops;
			if (missed && !stops)
				printf("%s: %.*s\n", schema_class_word(strict[i]), (int)text->raw.size,
				       (const char *)text->raw.data);
		}
		for (unsigned k = 0; k < VALUES; k++)
			bad += refused(policy, words, strict[i], slice(value, make(strict[i], &state, value)));
		printf("%-8s %6lu of %6lu %8.3f %%   %3lu of %u\n", schema_class_word(strict[i]), found, of,
		       100.0 * (double)found / (double)(of + (of == 0)), bad, VALUES);
		attacks += of;
		stopped += found;
		values += VALUES;
		wrong += bad;
	}
	printf("strict fields: attacks refused / valid values refused: %.3f %% (of %lu) / %lu (of %lu); goal 99.8 / "
	       "0\n",
	       100.0 * (double)stopped / (double)(attacks + (attacks == 0)), attacks, wrong, values);
	fw_policy_unref(policy);
}
