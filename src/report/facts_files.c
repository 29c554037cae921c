#include "report/facts_files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "record/segment.h"
#include "record/storage.h"

static bool add_file(const char *record, uint64_t segment, const char *suffix, uint8_t digest[32])
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	uint64_t says[8] = { segment };
	struct stat is;

	segment_name(segment, suffix, name);
	if (!storage_path(record, name, path))
		return false;
	if (lstat(path, &is) == 0) {
		says[1] = 1;
		says[2] = (uint64_t)is.st_dev;
		says[3] = (uint64_t)is.st_ino;
		says[4] = (uint64_t)is.st_size;
		says[5] = (uint64_t)is.st_ctim.tv_sec;
		says[6] = (uint64_t)is.st_ctim.tv_nsec;
		says[7] = (uint64_t)is.st_mode;
	} else if (errno != ENOENT) {
		return false;
	}
	digest_sha256_pair(slice(digest, 32), slice(says, sizeof(says)), digest);
	return true;
}

static bool add_segment(const char *record, uint64_t segment, uint8_t digest[32])
{
	return add_file(record, segment, ".log", digest) && add_file(record, segment, SEGMENT_ARCHIVE, digest) &&
	       add_file(record, segment, ".checkpoints", digest);
}

bool facts_files_digest(const char *record, uint64_t segment, uint8_t ret_digest[32])
{
	memset(ret_digest, 0, 32);
	return add_segment(record, segment, ret_digest);
}

bool facts_files_closed(const char *record, uint8_t ret_digest[32])
{
	struct segment_list list;
	bool whole = true;

	memset(ret_digest, 0, 32);
	if (segment_list(record, &list) != 0)
		return false;
	for (size_t i = 0; i + 1 < list.count && whole; i++)
		whole = add_segment(record, list.firsts[i], ret_digest);
	segment_list_fini(&list);
	return whole;
}

bool facts_files_history(const char *record, uint64_t segment, uint8_t ret_digest[32])
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	uint8_t *history;
	size_t size;

	memset(ret_digest, 0, 32);
	segment_name(segment, ".checkpoints", name);
	if (!storage_path(record, name, path))
		return false;
	if (storage_read_all(path, &history, &size) != 0)
		return errno == ENOENT;
	digest_sha256(slice(history, size), ret_digest);
	mem_free(history);
	return true;
}
