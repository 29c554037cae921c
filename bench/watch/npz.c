/* npz.c: the central directory of a zip file, one member inflated, its header read. */
#include "npz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t number(const unsigned char *at, unsigned octets)
{
	uint32_t value = 0;
	while (octets--)
		value = value << 8 | at[octets];
	return value;
}

static unsigned char *whole(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	unsigned char *bytes = NULL;
	long size = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
	rewind(file);
	if (size > 22 && (bytes = malloc((size_t)size)))
		*ret_size = fread(bytes, 1, (size_t)size, file);
	fclose(file);
	return bytes;
}

/* The octets of a member, inflated. */
static unsigned char *member(const unsigned char *zip, size_t size, const char *name, size_t *ret_size)
{
	const unsigned char *end = zip + size - 22;
	while (end > zip && number(end, 4) != 0x06054b50)
		end--;
	size_t at = number(end + 16, 4), count = number(end + 10, 2);
	for (; count-- && at + 46 <= size && number(zip + at, 4) == 0x02014b50;
	     at += 46 + number(zip + at + 28, 2) + number(zip + at + 30, 2) + number(zip + at + 32, 2)) {
		size_t length = number(zip + at + 28, 2), packed = number(zip + at + 20, 4),
		       full = number(zip + at + 24, 4), local = number(zip + at + 42, 4);
		if (at + 46 + length > size || length != strlen(name) || memcmp(zip + at + 46, name, length) != 0 ||
		    local + 30 > size)
			continue;
		size_t from = local + 30 + number(zip + local + 26, 2) + number(zip + local + 28, 2);
		unsigned char *out = from <= size && packed <= size - from ? malloc(full + 1) : NULL;
		if (!out)
			return NULL;
		z_stream stream = { .next_in = (unsigned char *)(uintptr_t)(zip + from),
				    .avail_in = (uInt)packed,
				    .next_out = out,
				    .avail_out = (uInt)full };
		bool good = number(zip + at + 10, 2) == 8 && inflateInit2(&stream, -15) == Z_OK;
		if (good) {
			good = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out == full;
			inflateEnd(&stream);
		} else if (number(zip + at + 10, 2) == 0 && packed == full) {
			memcpy(out, zip + from, full);
			good = true;
		}
		if (!good) {
			free(out);
			return NULL;
		}
		*ret_size = full;
		return out;
	}
	return NULL;
}

double *npz_read(const char *path, const char *name, size_t *ret_rows, size_t *ret_columns)
{
	size_t zip_size = 0, size = 0, columns = 1;
	unsigned char *zip = whole(path, &zip_size), *npy = zip ? member(zip, zip_size, name, &size) : NULL;
	free(zip);
	double *values = NULL;
	if (npy && size > 80 && !memcmp(npy, "\x93NUMPY", 6)) {
		size_t start = 10 + number(npy + 8, 2);
		char header[256];
		snprintf(header, sizeof(header), "%.*s", (int)(start - 10 < 255 ? start - 10 : 255),
			 (const char *)npy + 10);
		const char *shape = strstr(header, "'shape': (");
		size_t rows = shape ? strtoul(shape + 10, NULL, 10) : 0;
		const char *comma = shape ? strchr(shape, ',') : NULL;
		if (comma && comma[1] == ' ')
			columns = strtoul(comma + 1, NULL, 10);
		bool real = strstr(header, "<f8"), whole_number = strstr(header, "<i8"),
		     by_columns = strstr(header, "'fortran_order': True");
		if ((real || whole_number) && rows && columns && start + rows * columns * 8 <= size)
			values = malloc(rows * columns * sizeof(*values));
		for (size_t i = 0; values && i < rows * columns; i++) {
			size_t to = by_columns ? i % rows * columns + i / rows : i;
			int64_t integer;
			if (real)
				memcpy(&values[to], npy + start + i * 8, 8);
			else {
				memcpy(&integer, npy + start + i * 8, 8);
				values[to] = (double)integer;
			}
		}
		*ret_rows = rows;
		*ret_columns = columns;
	}
	free(npy);
	return values;
}
