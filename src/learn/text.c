/* text.c: forms of strings: formats that have a name, and parts between marks. */
#include <arpa/inet.h>

#include "base/slice.h"
#include "learn/node.h"

enum { FORMAT_ROOM = 128 };

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

/* 9: a digit, x: a hexadecimal one; all else itself. */
static bool is_like(const char *text, size_t size, const char *form)
{
	size_t i = 0;

	for (; i < size && form[i] != '\0'; i++) {
		uint8_t c = (uint8_t)text[i];
		bool holds = form[i] == '9'   ? ascii_is_digit(c)
			     : form[i] == 'x' ? (class_of(c) & (LEARN_DIGIT | LEARN_LOWER_HEX | LEARN_UPPER_HEX)) != 0
					      : text[i] == form[i];

		if (!holds)
			return false;
	}
	return i == size && form[i] == '\0';
}

static bool is_time(const char *text, size_t size)
{
	size_t at = 19;

	if (size < 20 || !is_like(text, 19, "9999-99-99T99:99:99"))
		return false;
	if (text[at] == '.')
		for (at++; at < size && ascii_is_digit((uint8_t)text[at]); at++)
			;
	return (at + 1 == size && text[at] == 'Z') || is_like(text + at, size - at, "+99:99") ||
	       is_like(text + at, size - at, "-99:99");
}

static bool is_email(const char *text, size_t size)
{
	const char *at = memchr(text, '@', size);
	const char *dot = at != NULL ? memchr(at, '.', size - (size_t)(at - text)) : NULL;

	if (at == NULL || at == text || dot == NULL || dot == at + 1 || dot + 1 == text + size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || (text[i] == '@' && text + i != at) || strchr("<>()[],;:\\\"", text[i]) != NULL)
			return false;
	return true;
}

static bool is_uri(const char *text, size_t size)
{
	const char *colon = memmem(text, size, "://", 3);

	if (colon == NULL || colon == text || colon + 3 == text + size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || strchr("<>\"{}|\\^`", text[i]) != NULL)
			return false;
	return true;
}

static uint32_t formats_of(const uint8_t *octets, size_t size)
{
	char text[FORMAT_ROOM * 4];
	struct in6_addr address;
	uint32_t formats = 0;

	if (size == 0 || size >= sizeof(text))
		return 0;
	memcpy(text, octets, size);
	text[size] = '\0';
	if (memchr(text, '\0', size) != NULL)
		return 0;
	if (is_like(text, size, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
		formats |= LEARN_UUID;
	if (is_time(text, size))
		formats |= LEARN_DATE_TIME;
	if (is_like(text, size, "9999-99-99"))
		formats |= LEARN_DATE;
	if (is_email(text, size))
		formats |= LEARN_EMAIL;
	if (inet_pton(AF_INET, text, &address) == 1)
		formats |= LEARN_IPV4;
	if (inet_pton(AF_INET6, text, &address) == 1)
		formats |= LEARN_IPV6;
	if (is_uri(text, size))
		formats |= LEARN_URI;
	return formats;
}

static void note_mark(struct learn_text *text, uint8_t c)
{
	size_t used = strlen(text->others);

	if (strchr(text->others, c) == NULL && used + 1 < sizeof(text->others))
		text->others[used] = (char)c;
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
	size_t begin = 0;
	unsigned part = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && class_of(octets[i]) != 0) {
			text->classes |= class_of(octets[i]);
			continue;
		}
		if (i < size)
			note_mark(text, octets[i]);
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
void learn_text_add(struct learn_text *text, const uint8_t *octets, size_t size, bool escaped)
{
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
	if (text->formats != 0)
		text->formats &= wide ? 0 : formats_of(octets, size);
	if (!wide)
		add_parts(text, octets, size);
	else
		text->uneven = true;
}
