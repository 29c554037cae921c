#include "learn/propose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* DEEPEST: indent of the last schema that tells what is below: as JSON a schema has at most LIMIT_JSON_DEPTH levels,
 * each of them two blanks here, and that of a map is up to eight below it.
 * REPEATS: characters beyond which no pattern counts them, as with its margin that is more than PCRE2 takes. */
enum { NUMBER_ROOM = 64, DEEPEST = 52, REPEATS = 40000 };

static void put_indent(FILE *out, unsigned indent)
{
	fprintf(out, "\n%*s", (int)indent, "");
}

static void put_key(FILE *out, unsigned indent, const char *name)
{
	put_indent(out, indent);
	fprintf(out, "%s: ", name);
}

void propose_quoted(FILE *out, const char *text, size_t size)
{
	fputc('"', out);
	for (size_t i = 0; i < size; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* Escapes of JSON are escapes of YAML, but for "\/". */
static void put_raw_string(FILE *out, const char *raw, size_t size)
{
	fputc('"', out);
	for (size_t i = 0; i < size; i++) {
		if (raw[i] == '\\' && i + 1 < size && raw[i + 1] == '/')
			continue;
		if (raw[i] == '\\' && i + 1 < size)
			fputc(raw[i++], out);
		if (raw[i] == 0x7f)
			fputs("\\u007f", out);
		else
			fputc(raw[i], out);
	}
	fputc('"', out);
}

uint64_t propose_rounded(double value)
{
	uint64_t step = 1;

	while ((double)step * 10 < value)
		step *= 10;
	for (uint64_t factor = 1; factor <= 20; factor++)
		if ((double)(step * factor) / 2 >= value)
			return step == 1 ? (uint64_t)(value + 0.999999) : step * factor / 2;
	return step * 10;
}

/* Is the list all there is? It stopped growing in the first part of what was seen, and nothing in it is rare. */
static bool is_list(const struct learn_values *values, uint64_t total, uint64_t most_new)
{
	uint64_t once = 0;

	if (values == NULL || values->more || values->count == 0)
		return false;
	for (unsigned i = 0; i < values->count; i++)
		once += values->list[i].count == 1;
	if (values->count == 1)
		return total >= 3;
	return total >= 3 * (uint64_t)values->count && once * 8 <= values->count + 7u && values->last_new <= most_new;
}

/* Names of things that come and go, which a list must not have. */
static bool names_things(const struct learn_text *text)
{
	double shortest = text->lengths.low[0];

	return shortest >= 6 && text->numbered * 2 > text->lengths.count;
}

static bool is_enum(const struct learn_node *node)
{
	uint64_t strings = node->kinds[JSON_STRING];
	const struct learn_values *values = node->values;

	if (strings == 0 || node->text == NULL || node->kinds[JSON_NUMBER] != 0 ||
	    !is_list(values, strings, node->total))
		return false;
	if (values->count == 1)
		return !names_things(node->text) || strings >= 200;
	if (names_things(node->text) || node->text->blanks * 2 > strings)
		return false;
	return strings < 200 || values->last_new <= node->total - node->total / 10 ||
	       strings >= 20 * (uint64_t)values->count;
}

static void put_enum(FILE *out, const struct learn_node *node, unsigned indent)
{
	put_key(out, indent, "enum");
	fputs("[", out);
	for (unsigned i = 0; i < node->values->count; i++) {
		fputs(i != 0 ? ", " : "", out);
		put_raw_string(out, node->values->list[i].text, node->values->list[i].size);
	}
	fputs(node->kinds[JSON_NULL] != 0 ? ", null]" : "]", out);
}

/* An end of a range; seen: the number that is nearest to it. In few digits, unless that moves it by more than the way
 * to that number. */
static void put_end(FILE *out, unsigned indent, bool high, double value, double seen, bool whole)
{
	char text[NUMBER_ROOM];
	double said;

	if (!isfinite(value))
		return;
	put_key(out, indent, high ? "maximum" : "minimum");
	snprintf(text, sizeof(text), whole ? "%.0f" : "%.10g", value);
	said = strtod(text, NULL);
	if (fabs(said - value) > fabs(value - seen))
		snprintf(text, sizeof(text), "%.17g", value);
	fputs(text, out);
}

static bool keeps_rising(const struct learn_ends *ends)
{
	unsigned expected = 8;

	for (uint64_t n = ends->count; n > 1; n /= 2)
		expected += 2;
	return ends->new_high > expected;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

/* How far beyond the ends others may be: half of what was seen, or twice the way to the eighth from the end. */
static double margin(const struct learn_ends *ends, bool high)
{
	unsigned last = ends->count < LEARN_ENDS ? (unsigned)ends->count - 1 : LEARN_ENDS - 1;
	double width = ends->high[0] - ends->low[0];
	double gap = high ? ends->high[0] - ends->high[last] : ends->low[last] - ends->low[0];

	/* Few are far out: there is hardly an end. */
	if (ends->count >= 3 * LEARN_FEW && gap * 6 > width)
		return 20 * width;
	return least(most(width / 2, ends->count < LEARN_FEW ? width : 2 * gap), width);
}

static void put_range(FILE *out, const struct learn_node *node, unsigned indent)
{
	const struct learn_ends *ends = node->numbers;
	bool whole = node->fractions == 0, rises = keeps_rising(ends);
	double low = ends->low[0], high = ends->high[0];
	bool list = whole && is_list(node->values, ends->count, node->total / 2) && node->values->count <= 12 &&
		    ends->count >= 30 * (uint64_t)node->values->count;

	if (list && (double)node->values->count < high - low + 1 && node->values->count > 1) {
		put_key(out, indent, "enum");
		fputs("[", out);
		for (unsigned i = 0; i < node->values->count; i++)
			fprintf(out, "%s%.*s", i != 0 ? ", " : "", (int)node->values->list[i].size,
				node->values->list[i].text);
		fputs(node->kinds[JSON_NULL] != 0 ? ", null]" : "]", out);
		return;
	}
	if (!list && !node->times) {
		double below = margin(ends, false), above = margin(ends, true);

		if (low == high)
			below = above = most(1, most(high, -high));
		low = low >= 0 ? most(0, low - below) : low - below;
		high = high <= 0 ? least(0, high + above) : high + above;
	}
	if (whole) {
		low = low >= 0 ? (double)(uint64_t)low : -(double)(uint64_t)(-low + 0.999999);
		high = high >= 0 ? (double)(uint64_t)(high + 0.999999) : -(double)(uint64_t)(-high);
	}
	if (node->times || rises)
		low = low >= 0 ? 0 : low;
	put_end(out, indent, false, low, ends->low[0], whole);
	if (!node->times && !rises)
		put_end(out, indent, true, high, ends->high[0], whole);
}

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

	put_key(out, indent, "pattern");
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

static void put_lengths(FILE *out, const struct learn_text *text, unsigned indent)
{
	double low = text->lengths.low[0], high = text->lengths.high[0];

	if (low >= 1 && text->lengths.count >= LEARN_FEW) {
		put_key(out, indent, "minLength");
		fputs("1", out);
	}
	put_key(out, indent, "maxLength");
	fprintf(out, "%llu", (unsigned long long)propose_rounded(high * 4 + 100));
}

static void put_text(FILE *out, const struct learn_text *text, unsigned indent)
{
	uint64_t count = text->lengths.count;
	bool letters = (text->classes & LEARN_DIGIT) == 0 && text->others[0] == '\0' &&
		       text->lengths.low[0] != text->lengths.high[0];

	for (unsigned i = 0; i < LEARN_FORMATS; i++) {
		if (text->formats & 1u << i) {
			put_key(out, indent, "format");
			fputs(learn_format_names[i], out);
			if (i >= 3)
				put_lengths(out, text, indent);
			return;
		}
	}
	if (text->lengths.high[0] == 0 || text->wide != 0 || (text->uneven && text->blanks != 0) || letters ||
	    count < 5 || text->lengths.high[0] > REPEATS) {
		put_lengths(out, text, indent);
		return;
	}
	if (!text->uneven && text->part_count != 0) {
		put_parts(out, text, indent);
		return;
	}
	put_key(out, indent, "pattern");
	fputs("\"^", out);
	put_class(out, text->classes, text->octets, text->others);
	put_repeat(out, text->lengths.low[0], text->lengths.high[0], count);
	fputs("$\"", out);
}

static void put_evidence(FILE *out, const struct learn_node *node, uint64_t of)
{
	fprintf(out, " # %llu of %llu%s", (unsigned long long)node->total, (unsigned long long)of,
		node->total < LEARN_FEW ? ": few examples" : "");
}

static void put_types(FILE *out, const struct learn_node *node, unsigned indent)
{
	static const char *const names[7] = { "\"null\"", "boolean", "boolean", "number", "string", "array", "object" };
	bool first = true, logical = false;

	put_key(out, indent, "type");
	fputs("[", out);
	for (unsigned i = 0; i < 7; i++) {
		const char *name = i == JSON_NUMBER && node->fractions == 0 ? "integer" : names[i];

		if (node->kinds[i] == 0 || (i == JSON_TRUE && logical))
			continue;
		logical = i == JSON_FALSE;
		fprintf(out, "%s%s", first ? "" : ", ", name);
		first = false;
	}
	fputs("]", out);
}

static unsigned kinds_of(const struct learn_node *node)
{
	unsigned count = 0;

	for (unsigned i = 0; i < 7; i++)
		count += node->kinds[i] != 0 && !(i == JSON_TRUE && node->kinds[JSON_FALSE] != 0);
	return count - (count > 1 && node->kinds[JSON_NULL] != 0);
}

/* Names of members are keys that come and go. */
static bool is_map(const struct learn_node *node)
{
	uint64_t objects = node->kinds[JSON_OBJECT], often = 0;

	if (node->any == NULL)
		return false;
	if (node->more_members)
		return true;
	for (const struct learn_member *member = node->members; member != NULL; member = member->next)
		often += member->node->total * 10 >= objects * 9;
	return often == 0 && node->member_count >= 8 && node->any->total != 0 &&
	       node->member_count > 2 * node->most_members;
}

/* Objects of anything: no member is always there, and most of them are now this and now that. */
static bool is_anything(const struct learn_node *node)
{
	unsigned mixed = 0;

	if (node->any == NULL)
		return false;
	for (const struct learn_member *member = node->members; member != NULL; member = member->next) {
		if (member->node->total == node->kinds[JSON_OBJECT] && member->node->total >= LEARN_FEW)
			return false;
		mixed += kinds_of(member->node) >= 3;
	}
	return kinds_of(node->any) >= 3 && mixed * 2 >= node->member_count;
}

/* Numbers by names of a small list (balances by currency): each is as large as the others may be. */
static bool are_alike(const struct learn_node *node)
{
	if (node->any == NULL || node->member_count < 4 || kinds_of(node->any) != 1 ||
	    node->any->kinds[JSON_NUMBER] == 0)
		return false;
	for (const struct learn_member *member = node->members; member != NULL; member = member->next)
		if (member->node->total * 10 >= node->kinds[JSON_OBJECT] * 9)
			return false;
	return true;
}

static void put_object(FILE *out, const struct learn_node *node, unsigned indent)
{
	uint64_t objects = node->kinds[JSON_OBJECT];
	bool any = false, alike = are_alike(node);

	put_indent(out, indent);
	fputs("additionalProperties: false", out);
	if (node->members == NULL)
		return;
	put_indent(out, indent);
	fputs("required: [", out);
	for (const struct learn_member *member = node->members; member != NULL; member = member->next) {
		if (member->node->total != objects)
			continue;
		fputs(any ? ", " : "", out);
		put_raw_string(out, member->name, member->size);
		any = true;
	}
	fputs("]", out);
	put_indent(out, indent);
	fputs("properties:", out);
	for (const struct learn_member *member = node->members; member != NULL; member = member->next) {
		put_indent(out, indent + 2);
		put_raw_string(out, member->name, member->size);
		fputs(":", out);
		put_evidence(out, member->node, objects);
		propose_schema(out, alike ? node->any : member->node, indent + 4);
	}
}

static void put_levels(FILE *out, uint32_t levels, unsigned indent)
{
	put_indent(out, indent);
	if (levels <= 1) {
		fputs("type: [\"null\", boolean, number, string]", out);
		return;
	}
	fputs("type: [\"null\", boolean, number, string, array, object]", out);
	put_indent(out, indent);
	fputs("items:", out);
	put_levels(out, levels - 1, indent + 2);
	put_indent(out, indent);
	fputs("additionalProperties:", out);
	put_levels(out, levels - 1, indent + 2);
}

static void put_map(FILE *out, const struct learn_node *node, unsigned indent)
{
	put_indent(out, indent);
	fprintf(out, "maxProperties: %llu", (unsigned long long)propose_rounded(node->most_members * 2.0 + 4));
	if (node->names != NULL && node->names->text != NULL) {
		put_key(out, indent, "propertyNames");
		put_lengths(out, node->names->text, indent + 2);
	}
	put_indent(out, indent);
	fputs("additionalProperties:", out);
	if (kinds_of(node->any) > 1 || node->any->kinds[JSON_OBJECT] != 0)
		put_levels(out, node->height < 5 ? node->height + 1 : 6, indent + 2);
	else
		propose_schema(out, node->any, indent + 2);
}

static void put_array(FILE *out, const struct learn_node *node, unsigned indent)
{
	double low = node->lengths->low[0], high = node->lengths->high[0], spread = high - low;
	bool exact = spread == 0 && node->lengths->count >= LEARN_FEW;

	put_key(out, indent, "minItems");
	fprintf(out, "%.0f", exact ? low : most(low >= 1 ? 1 : 0, low - spread / 2 - 1));
	put_key(out, indent, "maxItems");
	fprintf(out, "%.0f", exact ? high : high + spread / 2 + 1);
	if (node->items == NULL)
		return;
	put_key(out, indent, "items");
	fprintf(out, "# %llu", (unsigned long long)node->items->total);
	propose_schema(out, node->items, indent + 2);
}

void propose_schema(FILE *out, const struct learn_node *node, unsigned indent)
{
	put_types(out, node, indent);
	if (indent > DEEPEST && node->kinds[JSON_ARRAY] + node->kinds[JSON_OBJECT] != 0) {
		put_indent(out, indent);
		fputs("additionalProperties: true # too deep to be told apart", out);
		return;
	}
	if (is_enum(node) && kinds_of(node) == 1)
		put_enum(out, node, indent);
	else if (node->kinds[JSON_STRING] != 0 && node->text != NULL)
		put_text(out, node->text, indent);
	if (node->kinds[JSON_NUMBER] != 0 && node->numbers != NULL)
		put_range(out, node, indent);
	if (node->kinds[JSON_ARRAY] != 0 && node->lengths != NULL)
		put_array(out, node, indent);
	if (node->kinds[JSON_OBJECT] != 0 && (is_map(node) || is_anything(node)))
		put_map(out, node, indent);
	else if (node->kinds[JSON_OBJECT] != 0)
		put_object(out, node, indent);
}
