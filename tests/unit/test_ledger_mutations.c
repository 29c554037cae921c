/* A ledger is changed at random, in every way that files can be changed; each change must show, and at the right
 * record. LEDGER_MUTATIONS says how many (1500; 10000 in a long run). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "crypto/note.h"
#include "ledger_fixture.h"
#include "record/checkpoint.h"
#include "record/segment.h"
#include "record/storage.h"

enum { FILES = 24, RECORDS = 150, LINES = 400 };

struct file {
	char name[SEGMENT_NAME];
	uint8_t *bytes;
	size_t size;
};

/* The files of a ledger in memory; lines of its segments by sequence. */
struct copy {
	struct file files[FILES];
	size_t count, segments; /* segments stand first */
	uint64_t records;
	struct {
		size_t file, start, size; /* with its LF */
	} lines[LINES];
};

static struct fixture fixture;
static struct copy whole, older;
static char exported[160];

static void load(const char *name, struct file *ret_file)
{
	char path[160];

	snprintf(ret_file->name, sizeof(ret_file->name), "%s", name);
	assert_int_equal(storage_read_all(fixture_path(&fixture, name, path), &ret_file->bytes, &ret_file->size), 0);
}

static void find_lines(struct copy *copy, size_t file)
{
	const struct file *from = &copy->files[file];

	for (size_t at = 0; at < from->size;) {
		size_t size =
			(size_t)((uint8_t *)memchr(from->bytes + at, '\n', from->size - at) - from->bytes) + 1 - at;

		copy->records++;
		assert_true(copy->records < LINES);
		copy->lines[copy->records].file = file;
		copy->lines[copy->records].start = at;
		copy->lines[copy->records].size = size;
		at += size;
	}
}

static void take_copy(struct copy *copy)
{
	struct segment_list list;
	char name[SEGMENT_NAME];

	assert_int_equal(segment_list(fixture.directory, &list), 0);
	assert_true(2 * list.count + 2 <= FILES);
	for (size_t i = 0; i < list.count; i++) {
		segment_name(list.firsts[i], ".log", name);
		load(name, &copy->files[copy->count]);
		find_lines(copy, copy->count++);
	}
	copy->segments = copy->count;
	for (size_t i = 0; i < list.count; i++) {
		segment_name(list.firsts[i], ".checkpoints", name);
		load(name, &copy->files[copy->count++]);
	}
	load("checkpoint", &copy->files[copy->count++]);
	load("anchor", &copy->files[copy->count++]);
	segment_list_fini(&list);
}

static void drop_copy(struct copy *copy)
{
	for (size_t i = 0; i < copy->count; i++)
		mem_free(copy->files[i].bytes);
	memset(copy, 0, sizeof(*copy));
}

static void put(const char *name, const void *bytes, size_t size)
{
	char path[160];
	FILE *file = fopen(fixture_path(&fixture, name, path), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void put_back(const struct copy *copy)
{
	for (size_t i = 0; i < copy->count; i++)
		put(copy->files[i].name, copy->files[i].bytes, copy->files[i].size);
}

static size_t below(size_t bound)
{
	return (size_t)(fixture_random(&fixture) % bound);
}

static struct ledger_report verify(bool with_exported)
{
	const char *file = exported;
	struct ledger_verify_options options = {
		.directory = fixture.directory,
		.checkpoints = &file,
		.checkpoint_count = with_exported,
	};
	struct ledger_report report;

	assert_int_equal(ledger_verify(&options, &report), 0);
	return report;
}

static int set_up(void **state)
{
	struct ledger *ledger;
	uint8_t *note;
	size_t size;

	(void)state;
	fixture_start(&fixture);
	fixture.options.sync = LEDGER_SYNC_NONE;
	fixture.options.segment_bytes = 15000;
	fixture.options.epoch_ns = 30 * (uint64_t)1000000000;
	ledger = fixture_open(&fixture);
	for (unsigned i = 0; i < 5; i++) {
		fixture_grow(&fixture, ledger, RECORDS / 5, 10);
		fixture_pass(&fixture, i % 2 ? 31000 : 1500);
		assert_int_equal(ledger_commit(ledger, fixture.now), 0);
		if (i == 2) {
			assert_int_equal(ledger_close(ledger, fixture.now), 0);
			take_copy(&older);
			ledger = fixture_open(&fixture);
		}
	}
	assert_int_equal(ledger_close(ledger, fixture.now), 0);
	take_copy(&whole);
	assert_true(whole.segments >= 3 && whole.records > RECORDS);
	snprintf(exported, sizeof(exported), "%s/exported", fixture.folder);
	assert_int_equal(storage_read_all(fixture_path(&fixture, "checkpoint", (char[160]){ 0 }), &note, &size), 0);
	assert_int_equal(storage_replace(&storage_system, exported, note, size, false), 0);
	mem_free(note);
	assert_true(verify(true).holds);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	drop_copy(&whole);
	drop_copy(&older);
	fixture_end(&fixture);
	return 0;
}

/* A file of pieces of another one. */
struct draft {
	uint8_t bytes[65536];
	size_t size;
};

static void add(struct draft *draft, const uint8_t *bytes, size_t size)
{
	assert_true(draft->size + size <= sizeof(draft->bytes));
	memcpy(draft->bytes + draft->size, bytes, size);
	draft->size += size;
}

static struct draft draft;

static void start_draft(size_t file)
{
	draft.size = 0;
	add(&draft, whole.files[file].bytes, whole.files[file].size);
}

static void put_draft(size_t file)
{
	put(whole.files[file].name, draft.bytes, draft.size);
}

static uint64_t record_at(size_t file, size_t offset)
{
	uint64_t sequence = 1;

	while (whole.lines[sequence].file != file || whole.lines[sequence].start + whole.lines[sequence].size <= offset)
		sequence++;
	return sequence;
}

/* Each changes the files and says which record is the first one that is not as it was written; 0: that is not said. */
static uint64_t flip(void)
{
	size_t file = below(whole.segments), at = below(whole.files[file].size);

	start_draft(file);
	draft.bytes[at] ^= (uint8_t)(1 << below(8));
	put_draft(file);
	return record_at(file, at);
}

static uint64_t flip_checkpoint(void)
{
	size_t file = whole.segments + below(whole.count - whole.segments), at = below(whole.files[file].size);

	start_draft(file);
	draft.bytes[at] ^= (uint8_t)(1 << below(8));
	put_draft(file);
	return 0;
}

static uint64_t delete_line(void)
{
	uint64_t sequence = 1 + below(whole.records);
	size_t file = whole.lines[sequence].file, start = whole.lines[sequence].start,
	       size = whole.lines[sequence].size;

	start_draft(file);
	memmove(draft.bytes + start, draft.bytes + start + size, draft.size - start - size);
	draft.size -= size;
	put_draft(file);
	return sequence;
}

static uint64_t insert_line(void)
{
	uint64_t sequence = 1 + below(whole.records), other = 1 + below(whole.records);
	size_t file = whole.lines[sequence].file, start = whole.lines[sequence].start;
	const struct file *from = &whole.files[file];

	if (other == sequence)
		sequence++; /* the same line once more: the second one is wrong */
	draft.size = 0;
	add(&draft, from->bytes, start);
	add(&draft, whole.files[whole.lines[other].file].bytes + whole.lines[other].start, whole.lines[other].size);
	add(&draft, from->bytes + start, from->size - start);
	put_draft(file);
	return sequence;
}

static uint64_t swap_lines(void)
{
	size_t file = below(whole.segments), first = 1, count = 0, one, other;

	while (whole.lines[first].file != file)
		first++;
	while (first + count <= whole.records && whole.lines[first + count].file == file)
		count++;
	one = first + below(count - 1);
	other = one + 1 + below(first + count - one - 1);
	draft.size = 0;
	for (size_t i = first; i < first + count; i++) {
		size_t from = i == one ? other : i == other ? one : i;

		add(&draft, whole.files[file].bytes + whole.lines[from].start, whole.lines[from].size);
	}
	put_draft(file);
	return one;
}

static uint64_t swap_files(void)
{
	size_t one = below(whole.segments - 1), other = one + 1 + below(whole.segments - one - 1);

	put(whole.files[one].name, whole.files[other].bytes, whole.files[other].size);
	put(whole.files[other].name, whole.files[one].bytes, whole.files[one].size);
	return segment_first(whole.files[one].name, ".log");
}

static uint64_t remove_file(void)
{
	size_t file = below(whole.segments);
	char path[160];

	assert_int_equal(remove(fixture_path(&fixture, whole.files[file].name, path)), 0);
	return segment_first(whole.files[file].name, ".log");
}

static uint64_t cut_file(void)
{
	size_t file = below(whole.segments), at = below(whole.files[file].size);

	start_draft(file);
	draft.size = at;
	put_draft(file);
	return record_at(file, at);
}

/* All files as they were once: only the checkpoint that is kept elsewhere tells. */
static uint64_t roll_back(void)
{
	char path[160];

	for (size_t i = 0; i < whole.count; i++)
		remove(fixture_path(&fixture, whole.files[i].name, path));
	put_back(&older);
	return older.records + 1;
}

/* The tail is cut at a checkpoint, and all that speaks of the rest is gone too. */
static uint64_t old_segment(void)
{
	size_t file = below(older.segments);

	if (older.files[file].size == whole.files[file].size)
		return flip();
	put(older.files[file].name, older.files[file].bytes, older.files[file].size);
	return older.records + 1;
}

static uint64_t clock_back(void)
{
	uint64_t sequence = 1 + below(whole.records);
	size_t file = whole.lines[sequence].file;
	uint8_t *digit;

	start_draft(file);
	digit = draft.bytes + whole.lines[sequence].start + strlen("{\"timestamp\":\"202");
	*digit = (uint8_t)(*digit == '0' ? '1' : *digit - 1);
	put_draft(file);
	return sequence;
}

/* With a new chain from there on: what remains is the tree. Says the record all the same, by a tile or by a range. */
static uint64_t new_chain(void)
{
	uint64_t sequence = 1 + below(whole.records);
	uint8_t chain[32] = { 0 };

	for (size_t file = 0; file < whole.segments; file++) {
		draft.size = 0;
		for (uint64_t i = 1; i <= whole.records; i++) {
			char line[4096], end[SEGMENT_CHAIN];
			size_t size = whole.lines[i].size - 1 - SEGMENT_CHAIN;

			if (whole.lines[i].file != file)
				continue;
			memcpy(line, whole.files[file].bytes + whole.lines[i].start, size);
			if (i == sequence) /* another year: still a good line */
				line[strlen("{\"timestamp\":\"202")] ^= 1;
			segment_chain(chain, slice(line, size), chain);
			segment_write_chain(chain, end);
			add(&draft, (uint8_t *)line, size);
			add(&draft, (uint8_t *)end, sizeof(end));
			add(&draft, (const uint8_t *)"\n", 1);
		}
		put_draft(file);
	}
	return sequence;
}

static uint64_t (*const mutations[])(void) = { flip,	    flip,	flip_checkpoint, delete_line, insert_line,
					       swap_lines,  swap_files, remove_file,	 cut_file,    roll_back,
					       old_segment, clock_back, new_chain };
enum { MUTATIONS = sizeof(mutations) / sizeof(mutations[0]) };

static void test_every_change_shows(void **state)
{
	const char *text = getenv("LEDGER_MUTATIONS");
	unsigned long count = text != NULL ? strtoul(text, NULL, 10) : 1500;
	unsigned by_kind[MUTATIONS] = { 0 };

	(void)state;
	for (unsigned long i = 0; i < count; i++) {
		size_t kind = i % MUTATIONS;
		uint64_t seed = fixture.random, want = mutations[kind]();
		struct ledger_report report = verify(true);

		if (report.holds)
			fail_msg("change %zu with seed %llu does not show", kind, (unsigned long long)seed);
		if (want != 0 && (report.bad_first > want || report.bad_last < want ||
				  (report.bad_first != want && mutations[kind] != new_chain)))
			fail_msg("change %zu with seed %llu is of record %llu, not of %llu to %llu: %s", kind,
				 (unsigned long long)seed, (unsigned long long)want,
				 (unsigned long long)report.bad_first, (unsigned long long)report.bad_last,
				 report.reason);
		by_kind[kind]++;
		put_back(&whole);
	}
	assert_true(verify(true).holds);
	printf("# %lu changes, %u of each kind at least, all found\n", count, by_kind[MUTATIONS - 1]);
}

/* Only an exported checkpoint shows that all was rolled back. */
static void test_what_a_checkpoint_elsewhere_is_for(void **state)
{
	(void)state;
	roll_back();
	assert_true(verify(false).holds);
	assert_false(verify(true).holds);
	put_back(&whole);
}

/* A crash may leave a part of the last checkpoint of all; a changed octet of it is no such part, wherever it is. */
static void test_the_last_checkpoint_of_the_history(void **state)
{
	size_t number = 2 * whole.segments - 1, start = 0;
	struct file *file = &whole.files[number];
	struct fw_slice notes = slice(file->bytes, file->size), note;

	(void)state;
	while (checkpoint_next(&notes, &note))
		start = (size_t)(note.data - file->bytes);
	for (size_t at = start; at < file->size; at++) {
		put(file->name, file->bytes, at);
		if (!verify(true).holds)
			fail_msg("cut short at octet %zu of %zu it does not hold", at - start, file->size - start);
		start_draft(number);
		draft.bytes[at] ^= (uint8_t)(1 << below(8));
		put_draft(number);
		if (verify(true).holds)
			fail_msg("octet %zu of %zu made another does not show", at - start, file->size - start);
	}
	put_back(&whole);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_change_shows),
		cmocka_unit_test(test_what_a_checkpoint_elsewhere_is_for),
		cmocka_unit_test(test_the_last_checkpoint_of_the_history),
	};

	return cmocka_run_group_tests_name("ledger mutations", tests, set_up, tear_down);
}
