/* storage.h: the calls by which the record reaches its files, as a table, so that a test can let the n-th one fail.
 * Each does and returns what the system call of its name does. Any thread. */
#ifndef RECORD_STORAGE_H
#define RECORD_STORAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct storage {
	int (*open)(const char *path, int flags, mode_t mode);
	ssize_t (*write)(int fd, const void *bytes, size_t size);
	int (*sync)(int fd); /* fdatasync */
	int (*truncate)(int fd, off_t size);
	int (*rename)(const char *from, const char *to);
	int (*remove)(const char *path);
	int (*make_folder)(const char *path, mode_t mode);
};
extern const struct storage storage_system;

enum { STORAGE_PATH = 4096 };

/* Writes on after a short write and EINTR. Octets written; less than size: errno says why. */
size_t storage_write_all(const struct storage *storage, int fd, const void *bytes, size_t size);
/* The folder and those above it, mode 0700. 0, or -1 with errno. */
int storage_make_folders(const struct storage *storage, const char *path);
/* directory/name; false with errno when it is too long. */
bool storage_path(const char *directory, const char *name, char ret_path[STORAGE_PATH]);
/* So that a name that was made, changed or removed there stays so. 0, or -1 with errno. */
int storage_sync_folder(const struct storage *storage, const char *path);
/* A whole file of mode 0600 in place of what was there, so that a reader sees one or the other. 0, or -1 with errno. */
int storage_replace(const struct storage *storage, const char *path, const void *bytes, size_t size, bool sync);
/* Up to room octets of a file that is no link. Octets read, or -1 with errno (EFBIG: there is more). */
ssize_t storage_read(const char *path, void *ret_bytes, size_t room);
/* A whole file, to be freed by mem_free. 0, or -1 with errno. */
int storage_read_all(const char *path, uint8_t **ret_bytes, size_t *ret_size);
#endif
