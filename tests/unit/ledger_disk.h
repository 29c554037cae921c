/* ledger_disk.h: for tests only: a disk under a ledger that fails at calls of one's choice, as real ones do: a sync
 * that fails loses what it was about, and the next one says nothing of it; a power failure loses all that no sync has
 * covered. Include cmocka and ledger_fixture.h first. */
#ifndef TESTS_LEDGER_DISK_H
#define TESTS_LEDGER_DISK_H
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/storage.h"

enum disk_fault {
	DISK_EIO,
	DISK_ENOSPC,
	DISK_SHORT, /* half of a write */
	DISK_TORN,  /* the same, and what follows fails */
	DISK_AWAY,  /* 40 calls fail */
	DISK_OFTEN, /* every so many calls one fails */
	DISK_GONE,  /* all fail from then on, and what was not synced is lost: the power is cut */
	DISK_FAULTS,
};

enum { DISK_FILES = 1024 };

struct disk {
	enum disk_fault fault;
	uint64_t at, calls; /* the call that fails, from 1 on; those made */
	bool healthy;
	bool fired;
	struct {
		ino_t inode;
		off_t synced;
	} files[DISK_FILES];
	size_t count;
};
static struct disk disk;

static inline void disk_start(enum disk_fault fault, uint64_t at)
{
	memset(&disk, 0, sizeof(disk));
	disk.fault = fault;
	disk.at = at;
}

static inline bool disk_fails(void)
{
	static const uint64_t spans[DISK_FAULTS] = { 1, 1, 0, 1, 40, 0, UINT64_MAX };
	uint64_t from = disk.at + (disk.fault == DISK_TORN);

	disk.calls++;
	disk.fired = disk.fired || disk.calls >= disk.at;
	errno = disk.fault == DISK_EIO || disk.fault == DISK_GONE ? EIO : ENOSPC;
	if (disk.fault == DISK_OFTEN)
		return !disk.healthy && disk.calls % disk.at == 0;
	return !disk.healthy && disk.calls >= from && disk.calls - from < spans[disk.fault];
}

static inline off_t *disk_synced(ino_t inode)
{
	for (size_t i = 0; i < disk.count; i++)
		if (disk.files[i].inode == inode)
			return &disk.files[i].synced;
	assert_true(disk.count < DISK_FILES);
	disk.files[disk.count].inode = inode;
	disk.files[disk.count].synced = 0;
	return &disk.files[disk.count++].synced;
}

static inline int disk_open(const char *path, int flags, mode_t mode)
{
	struct stat stat;
	bool old = lstat(path, &stat) == 0 && (flags & O_TRUNC) == 0;
	int fd;

	if (disk_fails())
		return -1;
	fd = open(path, flags, mode);
	if (fd >= 0 && !old && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode))
		*disk_synced(stat.st_ino) = 0;
	return fd;
}

static inline ssize_t disk_write(int fd, const void *bytes, size_t size)
{
	bool half = disk.calls + 1 == disk.at && !disk.healthy && (disk.fault == DISK_SHORT || disk.fault == DISK_TORN);

	if (disk_fails())
		return -1;
	return write(fd, bytes, half ? (size + 1) / 2 : size);
}

/* The kernel marks as clean what it could not write: it reads as anything now. */
static inline void disk_spoil(int fd, off_t from, off_t to)
{
	static const char zeros[4096];
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_WRONLY);
	assert_true(other >= 0);
	while (from < to) {
		off_t size = to - from < (off_t)sizeof(zeros) ? to - from : (off_t)sizeof(zeros);

		assert_int_equal(pwrite(other, zeros, (size_t)size, from), size);
		from += size;
	}
	close(other);
}

static inline int disk_sync(int fd)
{
	struct stat stat;
	off_t *synced;

	assert_int_equal(fstat(fd, &stat), 0);
	if (!S_ISREG(stat.st_mode))
		return disk_fails() ? -1 : 0;
	synced = disk_synced(stat.st_ino);
	if (disk_fails()) {
		int reason = errno;

		if (disk.fault != DISK_GONE)
			disk_spoil(fd, *synced, stat.st_size);
		errno = reason;
		return -1;
	}
	*synced = stat.st_size;
	return 0;
}

static inline int disk_truncate(int fd, off_t size)
{
	struct stat stat;
	off_t *synced;

	if (disk_fails() || ftruncate(fd, size) != 0)
		return -1;
	assert_int_equal(fstat(fd, &stat), 0);
	synced = disk_synced(stat.st_ino);
	*synced = *synced < size ? *synced : size;
	return 0;
}

static inline int disk_rename(const char *from, const char *to)
{
	return disk_fails() ? -1 : rename(from, to);
}

static inline int disk_remove(const char *path)
{
	return disk_fails() ? -1 : remove(path);
}

static inline int disk_make_folder(const char *path, mode_t mode)
{
	return disk_fails() ? -1 : mkdir(path, mode);
}

static const struct storage disk_storage = {
	.open = disk_open,
	.write = disk_write,
	.sync = disk_sync,
	.truncate = disk_truncate,
	.rename = disk_rename,
	.remove = disk_remove,
	.make_folder = disk_make_folder,
};

static inline int disk_forget(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)walk;
	for (size_t i = 0; type == FTW_F && i < disk.count; i++)
		if (disk.files[i].inode == stat->st_ino && disk.files[i].synced < stat->st_size)
			assert_int_equal(truncate(path, disk.files[i].synced), 0);
	return 0;
}

/* What no sync has covered is gone. */
static inline void disk_cut_power(const char *folder)
{
	assert_int_equal(nftw(folder, disk_forget, 16, FTW_PHYS), 0);
}
#endif
