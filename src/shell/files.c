#include "shell/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { FILES_MOST = 1024, COPY_MOST = 64 << 20, PIECE = 65536 };

struct files {
	struct {
		char *path;
		int fd;
	} list[FILES_MOST];
	unsigned count;
};

static _Thread_local struct files *kept, *used;

struct files *files_new(void)
{
	return mem_zero(1, sizeof(struct files));
}

struct files *files_free(struct files *files)
{
	if (files == NULL)
		return NULL;
	for (unsigned i = 0; i < files->count; i++) {
		mem_free(files->list[i].path);
		close(files->list[i].fd);
	}
	mem_free(files);
	return NULL;
}

void files_keep(struct files *files)
{
	kept = files;
}

void files_use(struct files *files)
{
	used = files;
}

bool files_used(void)
{
	return used != NULL;
}

static int find(const struct files *files, const char *path)
{
	for (unsigned i = 0; i < files->count; i++)
		if (strcmp(files->list[i].path, path) == 0)
			return files->list[i].fd;
	return -1;
}

bool files_add(struct files *files, const char *path, int fd)
{
	char *copy = files->count < FILES_MOST && find(files, path) < 0 ? mem_text(path, strlen(path)) : NULL;

	if (copy == NULL) {
		close(fd);
		return false;
	}
	files->list[files->count].path = copy;
	files->list[files->count++].fd = fd;
	return true;
}

/* The same octets from the front. Of one thread: a copy of the descriptor has its place in the file, too. */
static int again(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0)
		lseek(copy, 0, SEEK_SET);
	return copy;
}

static bool copy_all(int from, int to)
{
	char piece[PIECE];
	size_t all = 0;
	ssize_t got;

	while ((got = read(from, piece, sizeof(piece))) > 0) {
		all += (size_t)got;
		if (all > COPY_MOST || write(to, piece, (size_t)got) != got)
			got = -1;
		if (got < 0)
			break;
	}
	mem_wipe(piece, sizeof(piece));
	return got == 0;
}

/* The copy, written, or -1. */
static int seal(int copy, bool is_whole, mode_t mode)
{
	if (is_whole && fchmod(copy, mode & 0777) == 0 &&
	    fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return copy;
	if (copy >= 0)
		close(copy);
	return -1;
}

/* Sealed, with a place of its own in the file. -1: it could not be made. */
static int copy_of(int fd, mode_t mode)
{
	int copy = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return seal(copy, copy >= 0 && copy_all(fd, copy), mode);
}

bool files_were(const char *path, mode_t mode, const uint8_t *octets, size_t size)
{
	int copy;

	if (kept == NULL || find(kept, path) >= 0)
		return true;
	copy = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	copy = seal(copy, copy >= 0 && write(copy, octets, size) == (ssize_t)size, mode);
	return copy >= 0 && files_add(kept, path, copy);
}

/* Who reads now and who reads the copy later see the same, whatever becomes of the file meanwhile. */
static int keep(const char *path, int fd)
{
	struct stat facts;
	int copy;

	if (find(kept, path) >= 0) {
		close(fd);
		return again(find(kept, path));
	}
	if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
		return fd;
	copy = copy_of(fd, facts.st_mode);
	if (copy < 0 || !files_add(kept, path, copy)) {
		lseek(fd, 0, SEEK_SET);
		return fd;
	}
	close(fd);
	return again(copy);
}

/* Two processes that have the same open file would move each other's place in it: each is given a copy. */
bool files_each(const struct files *files, bool (*each)(void *user, const char *path, int fd), void *user)
{
	bool goes_on = true;

	for (unsigned i = 0; goes_on && i < files->count; i++) {
		struct stat facts;
		int from = again(files->list[i].fd);
		int copy = from >= 0 && fstat(from, &facts) == 0 ? copy_of(from, facts.st_mode) : -1;

		goes_on = copy >= 0 && each(user, files->list[i].path, copy);
		if (from >= 0)
			close(from);
		if (copy >= 0)
			close(copy);
	}
	return goes_on;
}

int files_open(const char *path, int flags)
{
	int fd;

	if (used != NULL) {
		fd = find(used, path);
		if (fd < 0)
			errno = ENOENT;
		return fd < 0 ? -1 : again(fd);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	return fd < 0 || kept == NULL ? fd : keep(path, fd);
}

FILE *files_fopen(const char *path)
{
	int fd = files_open(path, 0);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

bool files_exist(const char *path)
{
	return used != NULL ? find(used, path) >= 0 : access(path, F_OK) == 0;
}
