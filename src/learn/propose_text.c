/* propose_text.c: what texts may be: a format, a pattern of parts between marks, or only a length. */
#include <math.h>
#include <string.h>

#include "learn/propose.h"
#include "learn/unseen.h"

/* Characters beyond which no pattern counts them, as with its margin that is more than PCRE2 takes. */
enum { REPEATS = 40000 };

static void put_class(FILE *out, uint8_t classes, uint64_t octets, const char *others)
{
	/* Of few letters not all that there may be were seen. */
	if (octets < 60) {
		classes |= classes & (LEARN_LOWER_HEX | LEARN_LOWER) ? LEARN_LOWER_HEX | LEARN_LOWER : 0;
		classes |= classes & (LEARN_UPPER_HEX | LEARN_UPPER) ? LEARN_UPPER_HEX | LEARN_UPPER : 0;
	}
	fputc('[', out);
	if (classes & LEARN_DIGIT)
		fputs("0-9", out);
	if (classes & (LEARN_LOWER_HEX | LEARN_LOWER))
		fputs(classes & LEARN_LOWER ? "a-z" : "a-f", out);
	if (classes & (LEARN_UPPER_HEX | LEARN_UPPER))
		fputs(classes & LEARN_UPPER ? "A-Z" : "A-F", out);
	for (; *others != '\0'; others++)
		fprintf(out, strchr("\\]^-\"", *others) != NULL ? (*others == '"' ? "\\\"" : "\\\\%c") : "%c", *others);
	fputc(']', out);
}

static void put_literal(FILE *out, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(out,
			strchr(".*+?()[]{}|^$/", text[i]) != NULL ? "\\\\%c"
			: text[i] == '"'			  ? "\\\""
			: text[i] == '\\'			  ? "\\\\\\\\"
								  : "%c",
			text[i]);
}

static void put_repeat(FILE *out, double low, double high, uint64_t count)
{
	double spread = high - low;

	if (spread == 0 && count >= LEARN_FEW) {
		fprintf(out, "{%.0f}", high);
		return;
	}
	low -= spread / 2 + 1;
	high += spread / 2 + (count < LEARN_FEW ? 4 : 1);
	fprintf(out, "{%.0f,%.0f}", low < 0 ? 0 : low, high);
}

static void put_parts(FILE *out, const struct learn_text *text, unsigned indent)
{
	uint64_t count = text->lengths.count;

	propose_key(out, indent, "pattern");
	fputs("\"^", out);
	for (unsigned i = 0; i < text->part_count; i++) {
		const struct learn_part *part = &text->parts[i];

		if (!part->varies && count >= 10) {
			put_literal(out, part->text, part->size);
		} else if (part->most != 0) {
			put_class(out, part->classes, part->octets, "");
			put_repeat(out, part->least, part->most, count);
		}
		if (i + 1 < text->part_count)
			put_literal(out, &text->marks[i], 1);
	}
	fputs("$\"", out);
}

void propose_lengths(const struct propose *propose, const struct learn_text *text, unsigned indent)
{
	double low = text->lengths.low[0], high = text->lengths.high[0];
	double end = unseen_end(&text->lengths, true, propose->share);
	FILE *out = propose->out;

	if (low >= 1 && text->lengths.count >= LEARN_FEW) {
		propose_key(out, indent, "minLength");
		fputs("1", out);
	}
	propose_key(out, indent, "maxLength");
	fprintf(out, "%llu", (unsigned long long)propose_rounded(fmax(high * 4 + 100, fmin(end, 100 * high))));
}

void propose_text(const struct propose *propose, const struct learn_text *text, unsigned indent)
{
	uint64_t count = text->lengths.count;
	FILE *out = propose->out;
	bool letters = (text->classes & LEARN_DIGIT) == 0 && text->others[0] == '\0' &&
		       text->lengths.low[0] != text->lengths.high[0];

	for (unsigned i = 0; i < LEARN_FORMATS; i++) {
		if (text->formats & 1u << i) {
			propose_key(out, indent, "format");
			fputs(learn_format_names[i], out);
			if (i >= 3)
				propose_lengths(propose, text, indent);
			return;
		}
	}
	if (text->lengths.high[0] == 0 || text->wide != 0 || (text->uneven && text->blanks != 0) || letters ||
	    count < 5 || text->lengths.high[0] > REPEATS) {
		propose_lengths(propose, text, indent);
		return;
	}
	if (!text->uneven && text->part_count != 0) {
		put_parts(out, text, indent);
		return;
	}
	if (unseen_marks(text) > propose->share) {
		propose_lengths(propose, text, indent);
		return;
	}
	propose_key(out, indent, "pattern");
	fputs("\"^", out);
	put_class(out, text->classes, text->octets, text->others);
	put_repeat(out, text->lengths.low[0], text->lengths.high[0], count);
	fputs("$\"", out);
}
