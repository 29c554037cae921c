#include "learn/propose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/unseen.h"

/* DEEPEST: indent of the last schema that tells what is below: as JSON a schema has at most LIMIT_JSON_DEPTH levels,
 * each of them two blanks here, and that of a map is up to eight below it. */
enum { NUMBER_ROOM = 64, DEEPEST = 52, WIDTHS = 30 };

static void put_indent(FILE *out, unsigned indent)
{
	fprintf(out, "\n%*s", (int)indent, "");
}

void propose_key(FILE *out, unsigned indent, const char *name)
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

/* Is the list all there is? */
static bool is_list(const struct learn_values *values, uint64_t total, double share)
{
	return values != NULL && !values->more && values->count != 0 && total >= 3 * (uint64_t)values->count &&
	       unseen_values(values) <= share;
}

/* Names of things that come and go, which a list must not have. */
static bool names_things(const struct learn_text *text)
{
	double shortest = text->lengths.low[0];

	return shortest >= 6 && text->numbered * 2 > text->lengths.count;
}

static bool is_enum(const struct learn_node *node, double share)
{
	uint64_t strings = node->kinds[JSON_STRING];
	const struct learn_values *values = node->values;

	if (strings == 0 || node->text == NULL || node->kinds[JSON_NUMBER] != 0 || !is_list(values, strings, share))
		return false;
	if (values->count == 1)
		return !names_things(node->text) || strings >= 200;
	return !names_things(node->text) && node->text->blanks * 2 <= strings;
}

/* strings: in quotation marks. */
static void put_enum(FILE *out, const struct learn_node *node, unsigned indent, bool strings)
{
	const struct learn_values *values = node->values;
	uint64_t rarest = UINT64_MAX;

	propose_key(out, indent, "enum");
	fputs("[", out);
	for (unsigned i = 0; i < values->count; i++) {
		const struct learn_value *value = &values->list[i];

		fputs(i != 0 ? ", " : "", out);
		if (strings)
			put_raw_string(out, value->text, value->size);
		else
			fprintf(out, "%.*s", (int)value->size, value->text);
		rarest = value->count < rarest ? value->count : rarest;
	}
	fprintf(out, "%s # each %llu times or more", node->kinds[JSON_NULL] != 0 ? ", null]" : "]",
		(unsigned long long)rarest);
}

/* An end of a range; seen: the number that is nearest to it. In few digits, unless that moves it by more than the way
 * to that number. */
static void put_end(FILE *out, unsigned indent, bool high, double value, double seen, bool whole)
{
	char text[NUMBER_ROOM];
	double said;

	if (!isfinite(value))
		return;
	propose_key(out, indent, high ? "maximum" : "minimum");
	snprintf(text, sizeof(text), whole ? "%.0f" : "%.10g", value);
	said = strtod(text, NULL);
	if (fabs(said - value) > fabs(value - seen))
		snprintf(text, sizeof(text), "%.17g", value);
	fputs(text, out);
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

/* How far beyond the ends others may be: half of what was seen, as far as the tail goes, all of it where few were seen.
 */
static double margin(const struct learn_ends *ends, bool high, double share)
{
	double width = ends->high[0] - ends->low[0], end = unseen_end(ends, high, share);

	return most(ends->count < LEARN_FEW ? width * (1 + (double)LEARN_FEW / (double)ends->count) : width / 2,
		    least(high ? end - ends->high[0] : ends->low[0] - end, WIDTHS * width));
}

/* None was a fraction, and so many were not that none will be. */
static bool are_whole(const struct learn_node *node, double share)
{
	return node->fractions == 0 && unseen_otherwise(node->numbers->count, 1) <= share;
}

static void put_range(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	FILE *out = propose->out;
	const struct learn_ends *ends = node->numbers;
	bool whole = are_whole(node, propose->share), rises = unseen_rises(ends);
	double low = ends->low[0], high = ends->high[0];
	bool list = node->fractions == 0 && is_list(node->values, ends->count, propose->share) &&
		    node->values->count <= 12 && ends->count >= 30 * (uint64_t)node->values->count;

	if (list && (double)node->values->count < high - low + 1 && node->values->count > 1) {
		put_enum(out, node, indent, false);
		return;
	}
	if (!list && !node->times) {
		double below = margin(ends, false, propose->share), above = margin(ends, true, propose->share);

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

static void put_evidence(FILE *out, const struct learn_node *node, uint64_t of)
{
	fprintf(out, " # %llu of %llu%s", (unsigned long long)node->total, (unsigned long long)of,
		node->total < LEARN_FEW ? ": few examples" : "");
}

static void put_types(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	FILE *out = propose->out;
	static const char *const names[7] = { "\"null\"", "boolean", "boolean", "number", "string", "array", "object" };
	bool first = true, logical = false, whole = node->numbers != NULL && are_whole(node, propose->share);

	propose_key(out, indent, "type");
	fputs("[", out);
	for (unsigned i = 0; i < 7; i++) {
		const char *name = i == JSON_NUMBER && whole ? "integer" : names[i];

		if (node->kinds[i] == 0 || (i == JSON_TRUE && logical))
			continue;
		logical = i == JSON_FALSE;
		fprintf(out, "%s%s", first ? "" : ", ", name);
		first = false;
	}
	fputs("]", out);
	if (node->numbers != NULL)
		fprintf(out, " # %llu numbers, %.10g to %.10g", (unsigned long long)node->numbers->count,
			node->numbers->low[0], node->numbers->high[0]);
	else if (node->text != NULL)
		fprintf(out, " # %llu texts of %.0f to %.0f characters", (unsigned long long)node->text->lengths.count,
			node->text->lengths.low[0], node->text->lengths.high[0]);
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

/* Members that nobody has seen: none, where the names that came are all there are. */
static void put_others(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	double unseen = unseen_names(node);
	FILE *out = propose->out;

	put_indent(out, indent);
	fputs("additionalProperties:", out);
	if (unseen <= propose->share) {
		fputs(" false", out);
	} else if (node->any != NULL && kinds_of(node->any) == 1 && node->any->kinds[JSON_OBJECT] == 0) {
		fprintf(out, " # %u names, of which some are rare", node->member_count);
		propose_schema(propose, node->any, indent + 2);
	} else {
		fprintf(out, " true # %u names, of which some are rare", node->member_count);
	}
}

static void put_object(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	uint64_t objects = node->kinds[JSON_OBJECT];
	bool any = false, alike = are_alike(node);
	bool enough = unseen_otherwise(objects, propose->odds) <= propose->share;
	FILE *out = propose->out;

	put_others(propose, node, indent);
	if (node->members == NULL)
		return;
	put_indent(out, indent);
	fputs("required: [", out);
	for (const struct learn_member *member = node->members; enough && member != NULL; member = member->next) {
		if (member->node->total != objects)
			continue;
		fputs(any ? ", " : "", out);
		put_raw_string(out, member->name, member->size);
		any = true;
	}
	fprintf(out, "]%s", enough ? "" : " # too few examples to need any");
	put_indent(out, indent);
	fputs("properties:", out);
	for (const struct learn_member *member = node->members; member != NULL; member = member->next) {
		put_indent(out, indent + 2);
		put_raw_string(out, member->name, member->size);
		fputs(":", out);
		put_evidence(out, member->node, objects);
		propose_schema(propose, alike ? node->any : member->node, indent + 4);
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

static void put_map(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	FILE *out = propose->out;

	put_indent(out, indent);
	fprintf(out, "maxProperties: %llu", (unsigned long long)propose_rounded(node->most_members * 2.0 + 4));
	if (node->names != NULL && node->names->text != NULL) {
		propose_key(out, indent, "propertyNames");
		propose_lengths(propose, node->names->text, indent + 2);
	}
	put_indent(out, indent);
	fputs("additionalProperties:", out);
	if (kinds_of(node->any) > 1 || node->any->kinds[JSON_OBJECT] != 0)
		put_levels(out, node->height < 5 ? node->height + 1 : 6, indent + 2);
	else
		propose_schema(propose, node->any, indent + 2);
}

static void put_array(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	const struct learn_ends *lengths = node->lengths;
	double low = lengths->low[0], high = lengths->high[0], spread = high - low;
	bool exact = spread == 0 && lengths->count >= LEARN_FEW;
	/* Many that are as short as any: the end is sharp. */
	bool sharp = lengths->count >= LEARN_FEW && lengths->low[LEARN_ENDS - 1] == low;
	FILE *out = propose->out;

	propose_key(out, indent, "minItems");
	fprintf(out, "%.0f", exact ? low : sharp ? least(low, 1) : 0);
	propose_key(out, indent, "maxItems");
	fprintf(out, "%.0f # %llu of %.0f to %.0f items",
		exact ? high : ceil(high + margin(lengths, true, propose->share)) + 1,
		(unsigned long long)lengths->count, low, high);
	if (node->items == NULL)
		return;
	propose_key(out, indent, "items");
	fprintf(out, "# %llu", (unsigned long long)node->items->total);
	propose_schema(propose, node->items, indent + 2);
}

void propose_schema(const struct propose *propose, const struct learn_node *node, unsigned indent)
{
	put_types(propose, node, indent);
	if (indent > DEEPEST && node->kinds[JSON_ARRAY] + node->kinds[JSON_OBJECT] != 0) {
		put_indent(propose->out, indent);
		fputs("additionalProperties: true # too deep to be told apart", propose->out);
		return;
	}
	if (is_enum(node, propose->share) && kinds_of(node) == 1)
		put_enum(propose->out, node, indent, true);
	else if (node->kinds[JSON_STRING] != 0 && node->text != NULL)
		propose_text(propose, node->text, indent);
	if (node->kinds[JSON_NUMBER] != 0 && node->numbers != NULL)
		put_range(propose, node, indent);
	if (node->kinds[JSON_ARRAY] != 0 && node->lengths != NULL)
		put_array(propose, node, indent);
	if (node->kinds[JSON_OBJECT] != 0 && (is_map(node) || is_anything(node)))
		put_map(propose, node, indent);
	else if (node->kinds[JSON_OBJECT] != 0)
		put_object(propose, node, indent);
}
