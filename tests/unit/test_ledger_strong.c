/* Checkpoints that are signed with ML-DSA-65, too, over several epochs: they hold, and one that was taken away shows,
 * also to who has the other keys. Skipped where OpenSSL has no ML-DSA (before 3.5), which the first case says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/mldsa.h"
#include "ledger_fixture.h"
#include "record/checkpoint.h"
#include "record/ledger_key.h"
#include "record/retention.h"
#include "record/segment.h"
#include "record/storage.h"

enum { EPOCHS = 3, KEYS = EPOCHS + 1 };

static struct fixture fixture;
static struct ledger *ledger;
static struct note_key key, epochs[KEYS]; /* as who has stolen them all would have them */

static void add(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct fw_record record = { .wall_us = fixture.now.wall_us, .type = EVENT_auth_success };

		memcpy(record.event_id, "0011223344556677", FW_EVENT_ID_SIZE);
		assert_int_equal(ledger_add(ledger, &record, NULL), 0);
	}
	assert_int_equal(ledger_commit(ledger, fixture.now), 0);
}

static void read_keys(unsigned epoch)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/ledger.key", fixture.keys);
	if (key.pair == NULL)
		assert_int_equal(ledger_key_read(path, &key), 1);
	snprintf(path, sizeof(path), "%s/ledger.epoch", fixture.keys);
	assert_int_equal(ledger_key_read(path, &epochs[epoch]), 1);
}

/* Four minutes an epoch, a checkpoint every four seconds. */
static int set_up(void **state)
{
	(void)state;
	memset(&key, 0, sizeof(key));
	memset(epochs, 0, sizeof(epochs));
	fixture_start(&fixture);
	fixture.options.epoch_ns = 240 * (uint64_t)1000000000;
	fixture.options.segment_bytes = 15000;
	ledger = fixture_open(&fixture);
	for (unsigned epoch = 0; epoch < EPOCHS; epoch++) {
		read_keys(epoch);
		for (unsigned i = 0; i < 60; i++) {
			fixture_pass(&fixture, 4000);
			add(1);
		}
		add(1);
	}
	read_keys(EPOCHS);
	ledger_close(ledger, fixture.now);
	ledger = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	note_key_fini(&key);
	for (unsigned i = 0; i < KEYS; i++)
		note_key_fini(&epochs[i]);
	fixture_end(&fixture);
	return 0;
}

static struct ledger_report verify(void)
{
	const struct ledger_verify_options options = { .directory = fixture.directory };
	struct ledger_report report;

	assert_int_equal(ledger_verify(&options, &report), 0);
	return report;
}

static void they_hold_where_there_are_any(void **state)
{
	struct ledger_report report = verify();

	(void)state;
	assert_true(report.holds);
	assert_true(report.epochs >= EPOCHS);
	assert_int_equal(report.strong != 0, mldsa_available());
	assert_int_equal(report.unchecked, 0);
	if (!mldsa_available())
		return;
	assert_int_equal(report.strong_to, report.last); /* the last one has it */
	/* one a minute, and the ends of epochs, of 600 and more */
	assert_true(report.strong >= EPOCHS * 4 && report.strong <= EPOCHS * 8 && report.checkpoints > EPOCHS * 50);
	/* started again it goes on with the key that it has */
	ledger = fixture_open(&fixture);
	fixture_pass(&fixture, 5000);
	add(3);
	ledger_close(ledger, fixture.now);
	report = verify();
	assert_true(report.holds);
	assert_int_equal(report.strong_to, report.last);
}

struct text {
	uint8_t *octets;
	size_t size;
	char path[160];
};

static struct text read_history(const struct segment_list *list, size_t number)
{
	struct text text = { 0 };
	char name[SEGMENT_NAME];

	segment_name(list->firsts[number], ".checkpoints", name);
	assert_int_equal(storage_read_all(fixture_path(&fixture, name, text.path), &text.octets, &text.size), 0);
	return text;
}

static void write_all(const char *path, const void *octets, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

typedef size_t change_function(struct fw_slice note, const struct checkpoint *checkpoint, char *ret_note);

/* The signature alone is gone: the text says that there was one. */
static size_t without_line(struct fw_slice note, const struct checkpoint *checkpoint, char *ret_note)
{
	size_t end = note.size - 1;

	(void)checkpoint;
	while (note.data[end - 1] != '\n')
		end--;
	memcpy(ret_note, note.data, end);
	return end;
}

static size_t with_another(struct fw_slice note, const struct checkpoint *checkpoint, char *ret_note)
{
	(void)checkpoint;
	memcpy(ret_note, note.data, note.size);
	ret_note[note.size - 100] = ret_note[note.size - 100] == 'A' ? 'B' : 'A';
	return note.size;
}

/* Signed anew by who has the keys of Ed25519, as if there never was one of ML-DSA-65. */
static size_t signed_anew(struct fw_slice note, const struct checkpoint *checkpoint, char *ret_note)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (note_verify(&epochs[i], note) == NOTE_HOLDS) {
			const struct note_key *keys[] = { &key, &epochs[i] };

			return checkpoint_make(keys, 2, false, checkpoint->size, &checkpoint->root, ret_note);
		}
	fail_msg("no key signed it");
	return 0;
}

/* Changes the strong checkpoint with that number, in the histories and as the latest. */
static void change(unsigned number, change_function *function)
{
	struct segment_list list;
	unsigned count = 0;

	assert_int_equal(segment_list(fixture.directory, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		struct text text = read_history(&list, i);
		uint8_t *fresh = malloc(text.size + CHECKPOINT_SIZE);
		struct fw_slice notes = slice(text.octets, text.size), note;
		struct checkpoint checkpoint;
		size_t size = 0;

		assert_non_null(fresh);
		while (checkpoint_next(&notes, &note)) {
			assert_true(checkpoint_read(note, &checkpoint));
			if (checkpoint.strong && count++ == number) {
				size += function(note, &checkpoint, (char *)fresh + size);
			} else {
				memcpy(fresh + size, note.data, note.size);
				size += note.size;
			}
			fresh[size++] = '\n';
		}
		write_all(text.path, fresh, size);
		free(fresh);
		mem_free(text.octets);
	}
	segment_list_fini(&list);
}

/* Whether the strong checkpoint with that number begins or ends an epoch, as who reads the histories finds. */
static bool is_border(unsigned number)
{
	struct segment_list list;
	unsigned count = 0, before = KEYS, of = KEYS;
	bool first = false, last = false, found = false;

	assert_int_equal(segment_list(fixture.directory, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		struct text text = read_history(&list, i);
		struct fw_slice notes = slice(text.octets, text.size), note;
		struct checkpoint checkpoint;

		while (checkpoint_next(&notes, &note)) {
			unsigned epoch = 0;

			while (epoch < KEYS && note_verify(&epochs[epoch], note) != NOTE_HOLDS)
				epoch++;
			assert_true(checkpoint_read(note, &checkpoint));
			if (found && !last && of != KEYS) { /* the one behind it */
				last = epoch != of;
				of = KEYS;
			}
			if (checkpoint.strong && count++ == number) {
				found = true;
				first = epoch != before;
				of = epoch;
			}
			before = epoch;
		}
		mem_free(text.octets);
	}
	segment_list_fini(&list);
	assert_true(found);
	return first || last;
}

static void one_that_was_taken_away_shows(void **state)
{
	struct ledger_report report = verify();
	unsigned count = (unsigned)report.strong, borders = 0;
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "cp -a %s %s/whole", fixture.directory, fixture.folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "cp -a %s/whole/*.checkpoints %s", fixture.folder, fixture.directory);
	for (unsigned i = 0; i < count; i++) {
		bool border = is_border(i);

		change(i, without_line);
		report = verify();
		assert_false(report.holds);
		assert_string_equal(report.reason, "a checkpoint is not signed with ML-DSA-65, as it says");
		assert_int_equal(system(command), 0);
		change(i, with_another);
		assert_false(verify().holds);
		assert_int_equal(system(command), 0);
		/* between the borders of an epoch one less is one less; the last word of the ledger is where it ends */
		change(i, signed_anew);
		report = verify();
		assert_int_equal(report.holds, !border);
		borders += border;
		assert_int_equal(system(command), 0);
	}
	assert_true(borders >= 2 * (EPOCHS - 1) && borders < count);
}

/* What is sent to receivers: it holds by the other keys, of the same records. */
static void plain_ones_hold(void **state)
{
	struct checkpoint checkpoint;
	struct segment_list list;
	unsigned strong = 0;

	(void)state;
	assert_int_equal(segment_list(fixture.directory, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		struct text text = read_history(&list, i);
		struct fw_slice notes = slice(text.octets, text.size), note, plain;

		while (checkpoint_next(&notes, &note)) {
			assert_true(checkpoint_read(note, &checkpoint));
			plain = checkpoint_plain(note);
			assert_int_equal(note_verify(&key, plain), NOTE_HOLDS);
			assert_true(plain.size < 1000);
			assert_int_equal(plain.size != note.size, checkpoint.strong);
			strong += checkpoint.strong;
		}
		mem_free(text.octets);
	}
	segment_list_fini(&list);
	assert_int_equal(strong != 0, mldsa_available());
}

static void they_outlive_removal(void **state)
{
	struct retention retention = {
		.directory = fixture.directory, .key_directory = fixture.keys, .texts = 2, .archives = 1
	};
	struct ledger_report report;
	char why[RETENTION_WHY];
	uint64_t first, last;
	enum retention_step step;

	(void)state;
	do
		step = retention_advance(&retention, &first, &last, why);
	while (step == RETENTION_ARCHIVED || step == RETENTION_REMOVED);
	assert_int_equal(step, RETENTION_NOTHING);
	report = verify();
	assert_true(report.holds && report.removed != 0);
	assert_int_equal(report.strong != 0, mldsa_available());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_hold_where_there_are_any, set_up, tear_down),
		cmocka_unit_test_setup_teardown(plain_ones_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(they_outlive_removal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_was_taken_away_shows, set_up, tear_down),
	};
	/* The last one is counted as skipped by conf_mldsa. */
	size_t count = sizeof(tests) / sizeof(*tests) - (mldsa_available() ? 0 : 1);

	return _cmocka_run_group_tests("checkpoints with ML-DSA-65", tests, count, NULL, NULL);
}
