/* text.c: forms of strings: formats that have a name, and parts between marks. */
#include "base/slice.h"
#include "learn/node.h"

const char *const learn_format_names[LEARN_FORMATS] = { "uuid", "date-time", "date", "email", "ipv4", "ipv6", "uri" };

static uint8_t class_of(uint8_t c)
{
	if (ascii_is_digit(c))
		return LEARN_DIGIT;
	if (c >= 'a' && c <= 'z')
		return c <= 'f' ? LEARN_LOWER_HEX : LEARN_LOWER;
	if (c >= 'A' && c <= 'Z')
		return c <= 'F' ? LEARN_UPPER_HEX : LEARN_UPPER;
	return 0;
}

/* Marks and classes of one text. */
struct marks {
	uint32_t others;
	uint8_t classes;
};

static void note_mark(struct learn_text *text, struct marks *marks, uint8_t c)
{
	const char *known = strchr(text->others, c);
	size_t at = known != NULL ? (size_t)(known - text->others) : strlen(text->others);

	if (at + 1 >= sizeof(text->others))
		return;
	text->others[at] = (char)c;
	marks->others |= UINT32_C(1) << at;
}

static void count_marks(struct learn_text *text, const struct marks *marks)
{
	for (unsigned i = 0; i < sizeof(text->others); i++)
		text->with_others[i] += marks->others >> i & 1;
	for (unsigned i = 0; i < sizeof(text->with_classes) / sizeof(*text->with_classes); i++)
		text->with_classes[i] += marks->classes >> i & 1;
	text->classes |= marks->classes;
}

/* first: of all texts. */
static void add_part(struct learn_text *text, unsigned i, const uint8_t *octets, size_t size, bool first)
{
	struct learn_part *part = &text->parts[i];

	for (size_t k = 0; k < size; k++)
		part->classes |= class_of(octets[k]);
	part->octets += size;
	if (first) {
		part->least = part->most = (uint32_t)size;
		part->varies = size > sizeof(part->text);
		part->size = part->varies ? 0 : (uint8_t)size;
		memcpy(part->text, octets, part->size);
		return;
	}
	part->least = size < part->least ? (uint32_t)size : part->least;
	part->most = size > part->most ? (uint32_t)size : part->most;
	part->varies = part->varies || size != part->size || memcmp(part->text, octets, size) != 0;
}

static void add_parts(struct learn_text *text, const uint8_t *octets, size_t size)
{
	bool first = text->lengths.count == 1;
	struct marks marks = { 0 };
	size_t begin = 0;
	unsigned part = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && class_of(octets[i]) != 0) {
			marks.classes |= class_of(octets[i]);
			continue;
		}
		if (i < size)
			note_mark(text, &marks, octets[i]);
		if (text->uneven)
			continue;
		if (part == LEARN_PARTS || (!first && part >= text->part_count)) {
			text->uneven = true;
			continue;
		}
		if (i < size && !first && text->marks[part] != (char)octets[i])
			text->uneven = true;
		if (first)
			text->marks[part] = i < size ? (char)octets[i] : '\0';
		add_part(text, part, octets + begin, i - begin, first);
		part++;
		begin = i + 1;
	}
	count_marks(text, &marks);
	if (first)
		text->part_count = part;
	else if (part != text->part_count)
		text->uneven = true;
}

static size_t characters(const uint8_t *octets, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += (octets[i] & 0xc0) != 0x80;
	return count;
}

/* Of an escaped one the raw octets: a little longer than it is, which only makes room. */
void learn_text_add(struct learn_text *text, const struct fw_policy *policy, struct fw_slice raw, bool escaped)
{
	const uint8_t *octets = raw.data;
	size_t size = raw.size;
	bool wide = escaped, blank = false, numbered = false;

	learn_ends_add(&text->lengths, (double)characters(octets, size));
	text->octets += size;
	for (size_t i = 0; i < size; i++) {
		wide = wide || octets[i] > 0x7e || octets[i] < 0x20;
		blank = blank || octets[i] == ' ';
		numbered = numbered || ascii_is_digit(octets[i]);
	}
	text->wide += wide;
	text->blanks += blank;
	text->numbered += numbered;
	for (unsigned i = 0; i < LEARN_FORMATS; i++)
		if ((text->formats & 1u << i) != 0 &&
		    (wide || size == 0 || !schema_json_format_holds(policy, learn_format_names[i], raw)))
			text->formats &= ~(1u << i);
	if (!wide)
		add_parts(text, octets, size);
	else
		text->uneven = true;
}
