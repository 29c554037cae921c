#include "report/facts_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "record/segment.h"
#include "record/storage.h"

enum { CHUNK = 1 << 20, FREE_PART = 20 };

static const char magic[8] = "fwfacts1";
static const char *const names[3] = { "rows", "lines", "names" };

struct state {
	char magic[sizeof(magic)];
	uint8_t events[32]; /* of their names, which rows have by number, and which are listed */
	uint8_t files[32];  /* of the record's files that were verified, as the system describes them */
	struct facts_sizes sizes;
	uint64_t read;
	struct ledger_resume resume;
	uint8_t mac_state[32]; /* over all before it */
	uint8_t mac[32];       /* over the same, and what the files hold */
};

/* What another version may have otherwise. */
static void digest_events(uint8_t ret_digest[32])
{
	memset(ret_digest, 0, 32);
	for (unsigned i = 0; i < EVENT_TYPES; i++) {
		digest_sha256_pair(slice(ret_digest, 32), slice_text(fw_event_name((uint16_t)i)), ret_digest);
		digest_sha256_pair(slice(ret_digest, 32), slice_text(facts_is_listed(i) ? "listed" : ""), ret_digest);
	}
}

/* A file that was written to, or put in place of another one, has another time of change, which nobody sets at will. */
static bool digest_file(const char *folder, uint64_t first, const char *suffix, uint8_t digest[32])
{
	char name[SEGMENT_NAME], path[STORAGE_PATH];
	uint64_t says[8] = { first };
	struct stat is;

	segment_name(first, suffix, name);
	if (!storage_path(folder, name, path))
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

/* Of all segments before that one, which must be there. */
static bool digest_files(const char *folder, uint64_t segment, uint8_t ret_digest[32])
{
	struct segment_list list;
	bool holds = true, there = false;

	memset(ret_digest, 0, 32);
	if (segment_list(folder, &list) != 0)
		return false;
	for (size_t i = 0; i < list.count && holds; i++) {
		there = there || list.firsts[i] == segment;
		if (list.firsts[i] < segment)
			holds = digest_file(folder, list.firsts[i], ".log", ret_digest) &&
				digest_file(folder, list.firsts[i], SEGMENT_ARCHIVE, ret_digest) &&
				digest_file(folder, list.firsts[i], ".checkpoints", ret_digest);
	}
	segment_list_fini(&list);
	return holds && there;
}

static bool digest_octets(int fd, uint64_t size, uint8_t digest[32], uint8_t *chunk)
{
	const struct spool spool = { .fd = fd };

	for (uint64_t at = 0; at < size;) {
		size_t part = size - at < CHUNK ? (size_t)(size - at) : CHUNK;

		if (!spool_read(&spool, at, chunk, part))
			return false;
		digest_sha256_pair(slice(digest, 32), slice(chunk, part), digest);
		at += part;
	}
	return true;
}

static bool make_mac(const struct facts_kept *kept, const struct facts_options *options, const struct state *state,
		     uint8_t ret_mac[32])
{
	const uint64_t sizes[3] = { state->sizes.rows, state->sizes.lines, state->sizes.names };
	uint8_t *chunk = mem_alloc(CHUNK), digest[32];
	bool made = chunk != NULL;

	digest_sha256(slice(state, offsetof(struct state, mac_state)), digest);
	for (unsigned i = 0; i < 3 && made; i++)
		made = digest_octets(kept->fds[i], sizes[i], digest, chunk);
	mem_free(chunk);
	return made && digest_hmac_sha256(options->key, slice(digest, sizeof(digest)), ret_mac);
}

static bool make_state_mac(const struct facts_options *options, const struct state *state, uint8_t ret_mac[32])
{
	return digest_hmac_sha256(options->key, slice(state, offsetof(struct state, mac_state)), ret_mac);
}

static bool open_files(struct facts_kept *kept)
{
	for (unsigned i = 0; i < 3; i++) {
		kept->fds[i] = openat(kept->folder, names[i], O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (kept->fds[i] < 0)
			return false;
	}
	return true;
}

static void load(struct facts_kept *kept, const struct facts_options *options, struct state *state)
{
	uint8_t events[32], files[32], mac[32];
	struct spool spool = { .fd = openat(kept->folder, "state", O_RDONLY | O_CLOEXEC | O_NOFOLLOW) };
	bool holds;

	if (spool.fd < 0)
		return;
	digest_events(events);
	holds = spool_read(&spool, 0, state, sizeof(*state)) && memcmp(state->magic, magic, sizeof(magic)) == 0 &&
		make_state_mac(options, state, mac) && memcmp(mac, state->mac_state, sizeof(mac)) == 0;
	close(spool.fd);
	if (!holds)
		return;
	kept->read = state->read;
	if (options->anew || memcmp(state->events, events, sizeof(events)) != 0 ||
	    !make_mac(kept, options, state, mac) || memcmp(mac, state->mac, sizeof(mac)) != 0 ||
	    !digest_files(options->record, state->resume.segment, files) ||
	    memcmp(files, state->files, sizeof(files)) != 0)
		return;
	kept->sizes = state->sizes;
	kept->resume = state->resume;
}

/* The record itself may need what is left. */
static bool has_room(int folder)
{
	struct statvfs is;

	return fstatvfs(folder, &is) == 0 && is.f_bavail > is.f_blocks / FREE_PART;
}

static void note_files(struct facts_kept *kept, const struct facts_options *options)
{
	struct segment_list list;

	if (segment_list(options->record, &list) != 0)
		return;
	if (list.count != 0 && digest_files(options->record, list.firsts[list.count - 1], kept->files))
		kept->segment = list.firsts[list.count - 1];
	segment_list_fini(&list);
}

bool facts_kept_open(struct facts_kept *kept, const struct facts_options *options)
{
	struct state *state;

	*kept = (struct facts_kept){ .fds = { -1, -1, -1 }, .folder = -1 };
	if (options->kept == NULL || options->key.size == 0 ||
	    storage_make_folders(&storage_system, options->kept) != 0)
		return false;
	kept->folder = open(options->kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	state = mem_zero(1, sizeof(*state));
	if (kept->folder < 0 || state == NULL || !has_room(kept->folder) ||
	    flock(kept->folder, LOCK_EX | LOCK_NB) != 0 || !open_files(kept)) {
		mem_free(state);
		facts_kept_close(kept);
		return false;
	}
	note_files(kept, options);
	load(kept, options, state);
	mem_free(state);
	return true;
}

void facts_kept_save(const struct facts_kept *kept, const struct facts_options *options)
{
	struct state *state = mem_zero(1, sizeof(*state));
	char path[STORAGE_PATH];

	if (state == NULL || kept->folder < 0)
		goto out;
	memcpy(state->magic, magic, sizeof(magic));
	digest_events(state->events);
	state->sizes = kept->sizes;
	state->read = kept->read;
	state->resume = kept->resume;
	if (kept->resume.segment != 0 && kept->resume.segment == kept->segment &&
	    digest_files(options->record, kept->segment, state->files) &&
	    memcmp(state->files, kept->files, sizeof(kept->files)) == 0 &&
	    make_state_mac(options, state, state->mac_state) && make_mac(kept, options, state, state->mac) &&
	    storage_path(options->kept, "state", path))
		(void)storage_replace(&storage_system, path, state, sizeof(*state), false);
out:
	mem_free(state);
}

void facts_kept_forget(struct facts_kept *kept)
{
	kept->sizes = (struct facts_sizes){ 0 };
	memset(&kept->resume, 0, sizeof(kept->resume));
	if (kept->folder >= 0)
		(void)unlinkat(kept->folder, "state", 0);
}

void facts_kept_close(struct facts_kept *kept)
{
	for (unsigned i = 0; i < 3; i++)
		if (kept->fds[i] >= 0)
			close(kept->fds[i]);
	if (kept->folder >= 0)
		close(kept->folder);
	*kept = (struct facts_kept){ .fds = { -1, -1, -1 }, .folder = -1 };
}
