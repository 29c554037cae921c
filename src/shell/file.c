#include "shell/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/files.h"

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
	FILE *in = strcmp(path, "-") == 0 ? stdin : files_fopen(path);
	int error;

	if (in == NULL)
		return -1;
	error = read_all(in, limit, ret_bytes, ret_size);
	if (in != stdin)
		fclose(in);
	errno = error;
	return error == 0 ? 0 : -1;
}

static bool write_all(int file, struct fw_slice content)
{
	while (content.size != 0) {
		ssize_t written = write(file, content.data, content.size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		content = slice_from(content, (size_t)written);
	}
	return fsync(file) == 0;
}

int file_replace(const char *path, struct fw_slice content)
{
	char fresh[4096];
	int size = snprintf(fresh, sizeof(fresh), "%s.new", path), file, error = 0;

	if (size < 0 || (size_t)size >= sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(fresh);
	file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return -1;
	if (!write_all(file, content))
		error = errno != 0 ? errno : EIO;
	if (close(file) != 0 && error == 0)
		error = errno;
	if (error == 0 && rename(fresh, path) == 0)
		return 0;
	error = error != 0 ? error : errno;
	unlink(fresh);
	errno = error;
	return -1;
}
