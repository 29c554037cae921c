#include "report/facts_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "record/segment.h"
#include "record/storage.h"
#include "report/facts_files.h"

enum { FREE_PART = 20 };
#define SUFFIX ".rows"

static const char state_magic[8] = "fwfacts2", part_magic[8] = "fwrows02";

struct state {
	char magic[sizeof(state_magic)];
	uint64_t read;
	uint8_t mac[32];
};

/* At the beginning of a part's file. Before its MAC stands what of it may change. */
struct head {
	char magic[sizeof(part_magic)];
	uint8_t events[32]; /* of their names, which rows have by number, and which are listed */
	uint64_t first, count;
	uint64_t sizes[FACTS_BODIES];
	uint8_t digests[FACTS_BODIES][32];
	struct facts_point before;
	struct ledger_resume after;
	uint8_t history[32]; /* of the segment's checkpoints */
	uint8_t files[32];   /* of the segment, as the system describes them */
	uint8_t mac[32];     /* over all before it */
};

/* What another version may have otherwise. */
static void digest_events(uint8_t ret_digest[32])
{
	memset(ret_digest, 0, 32);
	for (unsigned i = 0; i < EVENT_TYPES; i++) {
		digest_sha256_pair(slice(ret_digest, 32), slice_text(fw_event_name((uint16_t)i)), ret_digest);
		digest_sha256_pair(slice(ret_digest, 32), slice_text(facts_is_listed(i) ? "listed" : ""), ret_digest);
		digest_sha256_pair(slice(ret_digest, 32), slice_text(event_type_is_summed(i) ? "summed" : ""),
				   ret_digest);
	}
}

static bool make_mac(const struct facts_options *options, const void *bytes, size_t size, uint8_t ret_mac[32])
{
	return digest_hmac_sha256(options->key, slice(bytes, size), ret_mac);
}

static void point_of(const struct ledger_resume *state, struct facts_point *ret_point)
{
	memset(ret_point, 0, sizeof(*ret_point));
	ret_point->size = state->tree.size;
	memcpy(ret_point->chain, state->chain, sizeof(ret_point->chain));
	merkle_root(&state->tree, &ret_point->root);
	ret_point->segments = state->segments;
	ret_point->checkpoints = state->checkpoints;
	ret_point->epochs = state->epochs;
}

/* How many segments and checkpoints were before depends on what was removed: they are counted, not compared. */
static bool same_point(const struct facts_point *one, const struct facts_point *other)
{
	return one->size == other->size && memcmp(one->chain, other->chain, sizeof(one->chain)) == 0 &&
	       memcmp(&one->root, &other->root, sizeof(one->root)) == 0;
}

static int open_part(int folder, uint64_t first, int flags)
{
	char name[SEGMENT_NAME];

	segment_name(first, SUFFIX, name);
	return openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

int facts_kept_file(int folder, const struct facts_part *part)
{
	return open_part(folder, part->first, O_RDONLY);
}

static bool read_head(const struct facts_options *options, int fd, uint64_t first, struct head *ret_head)
{
	const struct spool spool = { .fd = fd };
	uint8_t mac[32];

	return spool_read(&spool, 0, ret_head, sizeof(*ret_head)) &&
	       memcmp(ret_head->magic, part_magic, sizeof(part_magic)) == 0 && ret_head->first == first &&
	       make_mac(options, ret_head, offsetof(struct head, mac), mac) &&
	       memcmp(mac, ret_head->mac, sizeof(mac)) == 0;
}

static bool holds_bodies(int fd, const struct head *head)
{
	uint64_t at = sizeof(*head);
	uint8_t digest[32];

	for (unsigned i = 0; i < FACTS_BODIES; i++) {
		if (!facts_part_digest(fd, at, head->sizes[i], digest) || memcmp(digest, head->digests[i], 32) != 0)
			return false;
		at += head->sizes[i];
	}
	return head->sizes[FACTS_ROWS] == head->count * sizeof(struct facts_row);
}

/* The segment's files are others, as when it was compressed or copied: whether they say what they said. Then it is so
 * noted, so that it need not be read again. */
static bool holds_still(const struct facts_kept *kept, const struct facts_options *options, struct head *head)
{
	struct segment_span span = { .first = head->first, .count = head->count, .cancelled = options->cancelled };
	uint8_t files[32], again[32], history[32];
	int fd;

	memcpy(span.before, head->before.chain, sizeof(span.before));
	memcpy(span.after, head->after.chain, sizeof(span.after));
	if (!facts_files_digest(options->record, head->first, files))
		return false;
	if (memcmp(files, head->files, sizeof(files)) == 0)
		return true;
	if (!segment_holds(options->record, &span) || !facts_files_history(options->record, head->first, history) ||
	    memcmp(history, head->history, sizeof(history)) != 0 ||
	    !facts_files_digest(options->record, head->first, again) || memcmp(files, again, sizeof(files)) != 0)
		return false;
	memcpy(head->files, files, sizeof(files));
	fd = kept->writes && make_mac(options, head, offsetof(struct head, mac), head->mac)
		     ? open_part(kept->folder, head->first, O_WRONLY)
		     : -1;
	if (fd < 0)
		return true;
	/* half of it would not be believed, and made anew */
	(void)!pwrite(fd, (const uint8_t *)head + offsetof(struct head, files),
		      sizeof(*head) - offsetof(struct head, files), offsetof(struct head, files));
	close(fd);
	return true;
}

struct loading {
	struct facts_kept *kept;
	const struct facts_options *options;
	struct facts_parts *parts;
	struct segment_list segments;
	struct ledger_resume start; /* where the record begins: what was removed is before it */
	struct facts_point at;
	struct head *head;
	uint8_t events[32];
	bool bodies;
};

static bool takes_part(struct loading *loading, size_t number)
{
	const uint64_t *firsts = loading->segments.firsts;
	struct head *head = loading->head;
	struct facts_part part = { .first = firsts[number], .offset = sizeof(*head), .is_kept = true };
	int fd = open_part(loading->kept->folder, part.first, O_RDONLY);
	bool takes;

	if (fd < 0)
		return false;
	takes = read_head(loading->options, fd, part.first, head) &&
		memcmp(head->events, loading->events, sizeof(loading->events)) == 0 &&
		same_point(&head->before, &loading->at) && head->after.segment == firsts[number + 1] &&
		head->after.tree.size == head->before.size + head->count &&
		head->after.tree.size == firsts[number + 1] - 1 && (!loading->bodies || holds_bodies(fd, head)) &&
		holds_still(loading->kept, loading->options, head);
	close(fd);
	part.count = head->count;
	memcpy(part.sizes, head->sizes, sizeof(part.sizes));
	return takes && facts_parts_add(loading->parts, &part);
}

/* The state behind the last part, with what is counted from where the record begins now. */
static void go_on_behind(struct loading *loading, const struct facts_point *first)
{
	struct ledger_resume *resume = &loading->kept->resume;

	*resume = loading->head->after;
	resume->segments += loading->start.segments - first->segments;
	resume->checkpoints += loading->start.checkpoints - first->checkpoints;
	resume->epochs += loading->start.epochs - first->epochs;
}

static void take_parts(struct loading *loading)
{
	struct facts_point first = { 0 };

	for (size_t i = 0; i + 1 < loading->segments.count; i++) {
		if (loading->segments.firsts[i] < loading->start.segment)
			continue;
		if (!takes_part(loading, i))
			return;
		if (loading->parts->count == 1)
			first = loading->head->before;
		point_of(&loading->head->after, &loading->at);
		go_on_behind(loading, &first);
	}
}

/* Where the record begins, by its signed note of what was removed. */
static bool find_start(struct loading *loading)
{
	struct ledger_report report;
	struct ledger_verify_options verify = { .directory = loading->options->record, .resume = &loading->start };

	if (segment_list(loading->options->record, &loading->segments) != 0 || loading->segments.count == 0)
		return false;
	verify.until = loading->segments.firsts[0];
	if (ledger_verify(&verify, &report) != 0 || !report.holds || loading->start.segment == 0)
		return false;
	point_of(&loading->start, &loading->at);
	return true;
}

/* Files that are none of the parts. What reaches beyond the record shows that the record was cut. */
static void look_at_others(struct loading *loading)
{
	struct facts_kept *kept = loading->kept;
	struct segment_list files;
	char name[SEGMENT_NAME];
	size_t at = 0;

	if (segment_files(loading->options->kept, SUFFIX, &files) != 0)
		return;
	for (size_t i = 0; i < files.count; i++) {
		int fd;

		while (at < loading->parts->count && loading->parts->list[at].first < files.firsts[i])
			at++;
		if (at < loading->parts->count && loading->parts->list[at].first == files.firsts[i])
			continue;
		fd = open_part(kept->folder, files.firsts[i], O_RDONLY);
		if (fd >= 0 && read_head(loading->options, fd, files.firsts[i], loading->head) &&
		    loading->head->after.tree.size > kept->read)
			kept->read = loading->head->after.tree.size;
		if (fd >= 0)
			close(fd);
		segment_name(files.firsts[i], SUFFIX, name);
		if (kept->writes)
			(void)unlinkat(kept->folder, name, 0);
	}
	segment_list_fini(&files);
}

static void load_state(struct facts_kept *kept, const struct facts_options *options)
{
	struct spool spool = { .fd = openat(kept->folder, "state", O_RDONLY | O_CLOEXEC | O_NOFOLLOW) };
	struct state state;
	uint8_t mac[32];

	if (spool.fd < 0)
		return;
	if (spool_read(&spool, 0, &state, sizeof(state)) &&
	    memcmp(state.magic, state_magic, sizeof(state_magic)) == 0 &&
	    make_mac(options, &state, offsetof(struct state, mac), mac) && memcmp(mac, state.mac, sizeof(mac)) == 0)
		kept->read = kept->noted = state.read;
	close(spool.fd);
}

static void load(struct facts_kept *kept, const struct facts_options *options, bool bodies, struct facts_parts *parts)
{
	struct loading *loading = mem_zero(1, sizeof(*loading));

	load_state(kept, options);
	if (loading == NULL)
		return;
	*loading = (struct loading){ .kept = kept, .options = options, .parts = parts, .bodies = bodies };
	loading->head = mem_zero(1, sizeof(*loading->head));
	digest_events(loading->events);
	if (loading->head != NULL) {
		/* A checkpoint that is kept elsewhere is of no use to who does not read what it signs for. */
		if (find_start(loading) && !options->anew && options->anchor == NULL && options->checkpoint_count == 0)
			take_parts(loading);
		look_at_others(loading);
		if (kept->read != kept->noted)
			facts_kept_note(kept, options, kept->read);
	}
	segment_list_fini(&loading->segments);
	mem_free(loading->head);
	mem_free(loading);
}

/* The record itself may need what is left. */
static bool has_room(int folder)
{
	struct statvfs is;

	if (fstatvfs(folder, &is) != 0)
		return false;
	errno = ENOSPC;
	return is.f_bavail > is.f_blocks / FREE_PART;
}

void facts_kept_open(struct facts_kept *kept, const struct facts_options *options, bool bodies,
		     struct facts_parts *parts)
{
	*kept = (struct facts_kept){ .folder = -1 };
	errno = ENOENT;
	if (options->kept != NULL && options->key.size != 0 &&
	    storage_make_folders(&storage_system, options->kept) == 0)
		kept->folder = open(options->kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	kept->writes = kept->folder >= 0 && has_room(kept->folder) && flock(kept->folder, LOCK_EX | LOCK_NB) == 0;
	kept->why = errno;
	if (kept->folder < 0)
		return;
	load(kept, options, bodies, parts);
}

void facts_kept_segment(struct facts_kept *kept, const struct facts_options *options)
{
	kept->segment = 0;
	if (!kept->writes || kept->resume.segment == 0)
		return;
	point_of(&kept->resume, &kept->before);
	if (facts_files_digest(options->record, kept->resume.segment, kept->files))
		kept->segment = kept->resume.segment;
}

/* What the file is to say; false: its files have changed meanwhile, or it cannot be known. */
static bool make_head(const struct facts_kept *kept, const struct facts_options *options, const struct facts_part *part,
		      struct head *head)
{
	memcpy(head->magic, part_magic, sizeof(part_magic));
	digest_events(head->events);
	head->first = part->first;
	head->count = part->count;
	memcpy(head->sizes, part->sizes, sizeof(head->sizes));
	head->before = kept->before;
	head->after = kept->resume;
	if (!facts_files_history(options->record, part->first, head->history) ||
	    !facts_files_digest(options->record, part->first, head->files))
		return false;
	errno = EAGAIN;
	return memcmp(head->files, kept->files, sizeof(head->files)) == 0 &&
	       kept->resume.tree.size == kept->before.size + part->count &&
	       make_mac(options, head, offsetof(struct head, mac), head->mac);
}

static bool write_part(const struct facts_kept *kept, const struct facts_options *options,
		       struct facts_building *building, int fd, struct facts_part *part)
{
	struct head *head = mem_zero(1, sizeof(*head));
	bool written = head != NULL && lseek(fd, sizeof(*head), SEEK_SET) == sizeof(*head) &&
		       facts_part_write(building, fd, part, &head->digests) && make_head(kept, options, part, head) &&
		       pwrite(fd, head, sizeof(*head), 0) == (ssize_t)sizeof(*head);

	mem_free(head);
	return written;
}

bool facts_kept_add(struct facts_kept *kept, const struct facts_options *options, struct facts_building *building,
		    struct facts_part *part)
{
	static const char fresh[] = "part.new";
	char name[SEGMENT_NAME];
	bool written;
	int fd;

	errno = EAGAIN;
	if (!kept->writes || kept->segment == 0 || kept->resume.segment == 0 || !has_room(kept->folder))
		return false;
	part->first = kept->segment;
	part->offset = sizeof(struct head);
	segment_name(part->first, SUFFIX, name);
	fd = openat(kept->folder, fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	written =
		write_part(kept, options, building, fd, part) && renameat(kept->folder, fresh, kept->folder, name) == 0;
	close(fd);
	if (!written)
		(void)unlinkat(kept->folder, fresh, 0);
	part->is_kept = written;
	return written;
}

void facts_kept_note(struct facts_kept *kept, const struct facts_options *options, uint64_t read)
{
	struct state state = { .read = read };
	char path[STORAGE_PATH];

	memcpy(state.magic, state_magic, sizeof(state_magic));
	if (kept->writes && make_mac(options, &state, offsetof(struct state, mac), state.mac) &&
	    storage_path(options->kept, "state", path) &&
	    storage_replace(&storage_system, path, &state, sizeof(state), false) == 0)
		kept->noted = read;
}

void facts_kept_forget(struct facts_kept *kept)
{
	memset(&kept->resume, 0, sizeof(kept->resume));
	kept->segment = 0;
}

void facts_kept_close(struct facts_kept *kept)
{
	if (kept->folder >= 0) {
		(void)flock(kept->folder, LOCK_UN);
		close(kept->folder);
	}
	*kept = (struct facts_kept){ .folder = -1 };
}
