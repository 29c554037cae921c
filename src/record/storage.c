#include "record/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int system_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

const struct storage storage_system = {
	.open = system_open,
	.write = write,
	.sync = fdatasync,
	.truncate = ftruncate,
	.rename = rename,
	.remove = remove,
	.make_folder = mkdir,
};

size_t storage_write_all(const struct storage *storage, int fd, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	size_t done = 0;

	while (done < size) {
		ssize_t written = storage->write(fd, from + done, size - done);

		if (written > 0) {
			done += (size_t)written;
		} else if (written == 0) {
			errno = ENOSPC;
			break;
		} else if (errno != EINTR) {
			break;
		}
	}
	return done;
}

int storage_make_folders(const struct storage *storage, const char *directory)
{
	char path[STORAGE_PATH];
	int length = snprintf(path, sizeof(path), "%s", directory);

	if (length <= 0 || (size_t)length >= sizeof(path)) {
		errno = length <= 0 ? ENOENT : ENAMETOOLONG;
		return -1;
	}
	for (char *at = path + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (storage->make_folder(path, 0700) != 0 && errno != EEXIST)
			return -1;
		*at = '/';
	}
	return storage->make_folder(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

bool storage_path(const char *directory, const char *name, char ret_path[STORAGE_PATH])
{
	if ((size_t)snprintf(ret_path, STORAGE_PATH, "%s/%s", directory, name) < STORAGE_PATH)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

int storage_sync_folder(const struct storage *storage, const char *path)
{
	int fd = storage->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), result, reason;

	if (fd < 0)
		return -1;
	result = storage->sync(fd);
	reason = errno;
	close(fd);
	errno = reason;
	return result;
}

int storage_replace(const struct storage *storage, const char *path, const void *bytes, size_t size, bool sync)
{
	char fresh[STORAGE_PATH + 8];
	int fd, reason;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = storage->open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (storage_write_all(storage, fd, bytes, size) == size && (!sync || storage->sync(fd) == 0)) {
		close(fd);
		return storage->rename(fresh, path);
	}
	reason = errno;
	close(fd);
	storage->remove(fresh);
	errno = reason;
	return -1;
}

ssize_t storage_read(const char *path, void *ret_bytes, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), reason;
	size_t size = 0;
	ssize_t got = 1;
	char more;

	if (fd < 0)
		return -1;
	while (size < room && got != 0) {
		got = read(fd, (uint8_t *)ret_bytes + size, room - size);
		if (got < 0 && errno != EINTR)
			goto failed;
		size += got > 0 ? (size_t)got : 0;
	}
	if (size == room && read(fd, &more, 1) == 1) {
		errno = EFBIG;
		goto failed;
	}
	close(fd);
	return (ssize_t)size;
failed:
	reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

int storage_read_all(const char *path, uint8_t **ret_bytes, size_t *ret_size)
{
	struct stat stat;
	uint8_t *bytes;
	ssize_t size;
	int reason;

	if (lstat(path, &stat) != 0)
		return -1;
	bytes = mem_alloc((size_t)stat.st_size + 1);
	if (bytes == NULL) {
		errno = ENOMEM;
		return -1;
	}
	size = storage_read(path, bytes, (size_t)stat.st_size);
	if (size < 0 && errno == EFBIG) /* it grows: what was there is enough */
		size = (ssize_t)stat.st_size;
	if (size < 0) {
		reason = errno;
		mem_free(bytes);
		errno = reason;
		return -1;
	}
	*ret_bytes = bytes;
	*ret_size = (size_t)size;
	return 0;
}
