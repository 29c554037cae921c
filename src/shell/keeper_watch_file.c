/* What was learned of behaviour, kept over a restart: the file `habits` of the data directory. Of this machine for this
 * machine; names in it are hashes by a key that stands in front of them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/storage.h"
#include "shell/file.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define SAVED_EVERY_NS (UINT64_C(3600) * 1000000000)

enum { MOST = 32 << 20 };

struct head {
	char magic[8];
	struct hash_key key;
	uint64_t types[KEEPER_WATCH_TYPES];
};

static const char magic[8] = "fwhabit1";

static bool path_of(const struct keeper_recorder *recorder, char ret_path[STORAGE_PATH])
{
	return recorder->options != NULL && recorder->options->data_directory != NULL &&
	       storage_path(recorder->options->data_directory, "habits", ret_path);
}

static bool take(struct keeper_watch *watching, struct fw_slice content)
{
	struct head head;

	if (content.size < sizeof(head))
		return false;
	memcpy(&head, content.data, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 ||
	    !watch_import(watching->watch, content.data + sizeof(head), content.size - sizeof(head)))
		return false;
	watching->key = head.key;
	memcpy(watching->types, head.types, sizeof(head.types));
	return true;
}

void keeper_watch_load(struct keeper_recorder *recorder)
{
	struct keeper_watch *watching = &recorder->watching;
	char path[STORAGE_PATH];
	uint8_t *bytes = NULL;
	size_t size;

	watching->saved_ns = uv_hrtime();
	if (!path_of(recorder, path))
		return;
	if (file_read(path, MOST, &bytes, &size) != 0) {
		if (errno != ENOENT)
			log_warn(recorder->options->log, record,
				 "cannot read %s: %s; what users do is learned from the beginning", path,
				 strerror(errno));
		return;
	}
	if (!take(watching, slice(bytes, size)))
		log_warn(recorder->options->log, record,
			 "%s is damaged or of another version: what users do is learned from the beginning", path);
	mem_free(bytes);
}

static int save(struct keeper_watch *watching, const char *path)
{
	struct head head = { .key = watching->key };
	size_t size = watch_export_size(watching->watch);
	uint8_t *bytes = mem_alloc(sizeof(head) + size);
	int result = -1;

	if (bytes == NULL) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(head.magic, magic, sizeof(magic));
	memcpy(head.types, watching->types, sizeof(head.types));
	memcpy(bytes, &head, sizeof(head));
	size = watch_export(watching->watch, bytes + sizeof(head), size);
	if (size != 0)
		result = file_replace(path, slice(bytes, sizeof(head) + size));
	mem_free(bytes);
	return result;
}

void keeper_watch_save(struct keeper_recorder *recorder, bool due_only)
{
	struct keeper_watch *watching = &recorder->watching;
	char path[STORAGE_PATH];

	if (watching->watch == NULL || (due_only && uv_hrtime() - watching->saved_ns < SAVED_EVERY_NS) ||
	    !path_of(recorder, path))
		return;
	watching->saved_ns = uv_hrtime();
	if (save(watching, path) != 0)
		log_warn(recorder->options->log, record,
			 "cannot write %s: %s; a restart would forget what users do; make room there", path,
			 strerror(errno));
}

void keeper_watch_forget(struct keeper_recorder *recorder)
{
	char path[STORAGE_PATH];

	if (path_of(recorder, path) && unlink(path) != 0 && errno != ENOENT)
		log_warn(recorder->options->log, record, "cannot remove %s: %s; remove it", path, strerror(errno));
}
