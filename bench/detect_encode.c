/* detect_encode.c: what hides an attack from who does not decode, and is undone by what stands behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "detect.h"

static const char *const names[] = { "percent", "percent, twice", "%u", "entities", "\\u", "full-width" };

const char *encoder_name(unsigned encoder)
{
	return encoder < sizeof(names) / sizeof(names[0]) ? names[encoder] : NULL;
}

static size_t write_one(unsigned encoder, uint8_t c, char *out)
{
	bool plain = (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10;

	if (plain || c >= 0x80) {
		*out = (char)c;
		return 1;
	}
	switch (encoder) {
	case 0:
		return (size_t)sprintf(out, "%%%02x", c);
	case 1:
		return (size_t)sprintf(out, "%%25%02x", c);
	case 2:
		return (size_t)sprintf(out, "%%u%04x", c);
	case 3:
		return (size_t)sprintf(out, "&#%u;", c);
	case 4:
		return (size_t)sprintf(out, "\\u%04x", c);
	default:
		if (c <= 0x20 || c == 0x7f) {
			*out = (char)c;
			return 1;
		}
		/* U+FF01 is '!' */
		out[0] = (char)0xef;
		out[1] = (char)(0xbc + (c - 0x20) / 0x40);
		out[2] = (char)(0x80 + (c - 0x20) % 0x40);
		return 3;
	}
}

struct fw_slice encode(unsigned encoder, struct fw_slice text)
{
	static char *out;
	static size_t room;
	size_t size = 0;

	if (room < text.size * 8 + 16) {
		room = text.size * 8 + 16;
		out = realloc(out, room);
		if (out == NULL)
			exit(1);
	}
	for (size_t i = 0; i < text.size; i++)
		size += write_one(encoder, text.data[i], out + size);
	return slice(out, size);
}
