#include "shell/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_ROOM = 65536 };

static int read_all(FILE *in, size_t limit, uint8_t **ret_bytes, size_t *ret_size)
{
	size_t room = FIRST_ROOM, size = 0, got;
	uint8_t *bytes = mem_alloc(room), *larger;

	if (bytes == NULL)
		return errno = ENOMEM;
	while ((got = fread(bytes + size, 1, room - size - 1, in)) != 0) {
		size += got;
		if (size > limit) {
			mem_free(bytes);
			return errno = EFBIG;
		}
		if (size < room - 1)
			continue;
		larger = mem_resize(bytes, room * 2);
		if (larger == NULL) {
			mem_free(bytes);
			return errno = ENOMEM;
		}
		bytes = larger;
		room *= 2;
	}
	if (ferror(in)) {
		int error = errno;

		mem_free(bytes);
		return errno = error;
	}
	bytes[size] = '\0';
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

int file_read(const char *path, size_t limit, uint8_t **ret_bytes, size_t *ret_size)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	int error;

	if (in == NULL)
		return -1;
	error = read_all(in, limit, ret_bytes, ret_size);
	if (in != stdin)
		fclose(in);
	errno = error;
	return error == 0 ? 0 : -1;
}
