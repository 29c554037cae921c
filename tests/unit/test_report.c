/* What a report is made of: rows of a ledger of several segments, kept and believed only while they may be; texts that
 * are hostile; times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/encode.h"
#include "codec/json.h"
#include "ledger_fixture.h"
#include "report/facts_line.h"
#include "report/report.h"
#include "report/report_period.h"
#include "report/table_read.h"

enum { RECORDS = 3000, USERS = 40 };

static const uint8_t key[32] = "a key of the test: 32 octets";

struct world {
	struct fixture fixture;
	struct ledger *ledger;
	char kept[80];
	struct facts_options facts;
};

static void add(struct world *world, uint16_t type, const char *user, size_t size)
{
	struct fixture *fixture = &world->fixture;
	struct fw_record record = { .wall_us = fixture->now.wall_us,
				    .type = type,
				    .level = event_type_level(type),
				    .source = { 4, { 192, 0, 2, (uint8_t)(fixture->now.wall_us / 1000 % 7) } },
				    .user_id = slice(user, size),
				    .detail_count = 1,
				    .details = { { .key = "cause", .text = slice_text("a cause") } } };

	memcpy(record.event_id, "0011223344556677", FW_EVENT_ID_SIZE);
	assert_int_equal(ledger_add(world->ledger, &record, NULL), 0);
}

static void grow(struct world *world, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char user[16];

		snprintf(user, sizeof(user), "user-%u", i % USERS);
		add(world,
		    i % 10 == 0	 ? EVENT_admin_action
		    : i % 3 == 0 ? EVENT_auth_failure
				 : EVENT_data_access,
		    user, strlen(user));
		if (i % 50 == 49) {
			fixture_pass(&world->fixture, 5);
			assert_int_equal(ledger_commit(world->ledger, world->fixture.now), 0);
		}
	}
	assert_int_equal(ledger_commit(world->ledger, world->fixture.now), 0);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fixture_start(&world->fixture);
	world->fixture.options.segment_bytes = 100000;
	world->ledger = fixture_open(&world->fixture);
	snprintf(world->kept, sizeof(world->kept), "%s/report", world->fixture.folder);
	world->facts = (struct facts_options){ .record = world->fixture.directory,
					       .kept = world->kept,
					       .key = slice(key, sizeof(key)) };
	grow(world, RECORDS);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	if (world->ledger != NULL)
		ledger_close(world->ledger, world->fixture.now);
	fixture_end(&world->fixture);
	free(world);
	return 0;
}

/* The report as JSON, in memory. */
struct text {
	char *octets;
	size_t size;
};

static bool append(void *user, struct fw_slice octets)
{
	struct text *text = user;

	text->octets = realloc(text->octets, text->size + octets.size + 1);
	assert_non_null(text->octets);
	memcpy(text->octets + text->size, octets.data, octets.size);
	text->size += octets.size;
	text->octets[text->size] = '\0';
	return true;
}

struct made {
	uint64_t known, read, total, users, last;
	struct ledger_report verified;
	bool holds;
	struct text whole; /* the JSON */
	struct text json;  /* without what the way it was read changes */
};

static struct made make(struct world *world, bool anew)
{
	struct report_options options = { .facts = world->facts,
					  .end_us = UINT64_MAX / 2,
					  .framework = REPORT_FRAMEWORKS,
					  .rows = 100,
					  .now_us = 1,
					  .query = "q",
					  .by = "o",
					  .host = "h",
					  .clock = "c" };
	struct report report;
	struct made made = { 0 };
	const struct report_out out = { append, &made.whole };
	char *from;

	options.end_us = UINT64_C(253402300799999999);
	options.facts.anew = anew;
	assert_int_equal(report_make(&options, &report), 0);
	made.known = report.facts.known;
	made.read = report.facts.read;
	made.total = report.total;
	made.users = report.users;
	made.last = report.facts.last;
	made.verified = report.facts.verified;
	made.holds = report_holds(&report);
	assert_true(report_json(&report, &out));
	if (!made.holds && getenv("SHOW") != NULL)
		print_message("%.2000s\n", made.whole.octets);
	report_fini(&report);
	from = strstr(made.whole.octets, "\"user_activity\"");
	assert_non_null(from);
	append(&made.json, slice_text(from));
	from = strstr(made.json.octets, "\"Verified\"");
	assert_non_null(from);
	memmove(from, strchr(from, ']'), strlen(strchr(from, ']')) + 1);
	return made;
}

static void forget(struct made *made)
{
	free(made->json.octets);
	free(made->whole.octets);
	made->json.octets = made->whole.octets = NULL;
}

static void assert_same(struct made *one, struct made *other)
{
	assert_int_equal(one->total, other->total);
	assert_int_equal(one->verified.signed_size, other->verified.signed_size);
	assert_int_equal(one->verified.segments, other->verified.segments);
	assert_int_equal(one->verified.checkpoints, other->verified.checkpoints);
	assert_int_equal(one->verified.epochs, other->verified.epochs);
	for (size_t i = 0; strcmp(one->json.octets, other->json.octets) != 0; i++)
		if (one->json.octets[i] != other->json.octets[i])
			fail_msg("%.200s\n%.200s", one->json.octets + i, other->json.octets + i);
	forget(one);
	forget(other);
}

static void kept_rows_say_the_same(void **state)
{
	struct world *world = *state;
	struct made first = make(world, false), second = make(world, false);

	assert_int_equal(first.known, 0);
	assert_true(first.holds);
	assert_int_equal(first.users, USERS);
	assert_true(second.known > RECORDS / 2);
	assert_true(second.known < second.total);
	assert_same(&first, &second);
	/* The ledger grows; what is new is read, and the segment that was the last. */
	for (unsigned i = 0; i < 12; i++) {
		uint64_t before;

		grow(world, i < 9 ? 97 : i * 150);
		first = make(world, false);
		before = first.known;
		second = make(world, true);
		assert_true(before != 0);
		assert_int_equal(second.known, 0);
		assert_int_equal(first.total, ledger_sequence(world->ledger));
		assert_same(&first, &second);
	}
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char octet;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

static void kept_files_that_are_others_are_not_believed(void **state)
{
	static const char *const names[] = { "rows", "lines", "names", "state" };
	struct world *world = *state;
	struct made whole = make(world, false), again;
	char path[160];

	for (unsigned i = 0; i < 4; i++) {
		again = make(world, false);
		assert_true(again.known != 0);
		forget(&again);
		snprintf(path, sizeof(path), "%s/%s", world->kept, names[i]);
		flip(path, i == 3 ? 99 : 100); /* of the state: up to where was read */
		again = make(world, false);
		assert_int_equal(again.known, 0);
		assert_true(again.holds);
		assert_string_equal(again.json.octets, whole.json.octets);
		forget(&again);
		assert_int_equal(truncate(path, 200), 0);
		again = make(world, false);
		assert_int_equal(again.known, 0);
		assert_string_equal(again.json.octets, whole.json.octets);
		forget(&again);
	}
	world->facts.key = slice(key, 20);
	again = make(world, false);
	assert_int_equal(again.known, 0);
	assert_same(&whole, &again);
}

static void a_change_behind_a_report_shows_in_the_next(void **state)
{
	struct world *world = *state;
	struct made made = make(world, false);
	char path[160];

	forget(&made);
	made = make(world, false);
	assert_true(made.known != 0 && made.holds);
	forget(&made);
	/* in the first segment, of which an earlier report has its rows */
	flip(fixture_path(&world->fixture, "security_audit-00000000000000000001.log", path), 2000);
	made = make(world, false);
	assert_int_equal(made.known, 0);
	assert_false(made.holds);
	assert_true(made.total >= RECORDS - 1); /* the others are counted all the same */
	forget(&made);
	flip(path, 2000);
	made = make(world, false);
	assert_true(made.holds);
	forget(&made);
}

static void an_older_copy_shows(void **state)
{
	struct world *world = *state;
	char command[400];
	struct made made;

	snprintf(command, sizeof(command), "cp -a %s %s/older", world->fixture.directory, world->fixture.folder);
	assert_int_equal(system(command), 0);
	grow(world, 2000);
	made = make(world, false);
	assert_true(made.holds);
	forget(&made);
	ledger_close(world->ledger, world->fixture.now);
	world->ledger = NULL;
	snprintf(command, sizeof(command), "rm -r %s && mv %s/older %s", world->fixture.directory,
		 world->fixture.folder, world->fixture.directory);
	assert_int_equal(system(command), 0);
	for (unsigned i = 0; i < 2; i++) { /* it is not forgotten by saying it once */
		made = make(world, false);
		assert_false(made.holds);
		assert_true(made.read > made.last);
		forget(&made);
	}
	made = make(world, true);
	assert_false(made.holds);
	forget(&made);
}

static void hostile_names_stay_in_their_cells(void **state)
{
	static const char *const users[] = { "a\r\nb",	     "\x1b[31mred",	  "a\"b", "a\\",	  "\xff\xfe",
					     "\xed\xa0\x80", "\xe2\x80\xae-evil", "=1+1", "\xef\xbb\xbf", "<b>&amp;",
					     "\x7f",	     "{\"a\":[" };
	struct world *world = *state;
	char *large = malloc(100000);
	struct made made;
	struct arena arena;
	struct json json;

	assert_non_null(large);
	memset(large, '\x01', 100000);
	for (unsigned i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		add(world, EVENT_auth_success, users[i], strlen(users[i]));
	add(world, EVENT_auth_success, large, 100000);
	add(world, EVENT_auth_success, "a\0b", 3);
	free(large);
	assert_int_equal(ledger_commit(world->ledger, world->fixture.now), 0);
	made = make(world, false);
	assert_true(made.holds);
	/* those that are no UTF-8 have become replacement characters: two and three of them */
	assert_int_equal(made.users, USERS + sizeof(users) / sizeof(users[0]) + 2);
	for (size_t i = 0; i < made.whole.size; i++)
		assert_true((uint8_t)made.whole.octets[i] >= 0x20 && made.whole.octets[i] != 0x7f);
	arena_init(&arena, 1 << 26);
	assert_int_equal(json_parse(&arena, slice(made.whole.octets, made.whole.size), 0, &json, NULL), JSON_OK);
	arena_fini(&arena);
	forget(&made);
}

/* Every octet of a line cut off or changed: never read beyond it (the sanitizer sees to that), never taken for what it
 * is not. */
static void lines_that_are_none(void **state)
{
	static const char line[] =
		"{\"timestamp\":\"2026-11-24T16:40:01.730843Z\",\"sequence\":5,\"event_type\":\"auth_failure\","
		"\"level\":"
		"\"warning\",\"severity\":1,\"source_ip\":\"192.0.2.1\",\"user_id\":\"al\\\"ice\",\"session_id\":null,"
		"\"connection_id\":7,\"event_id\":\"0011223344556677\",\"details\":{\"count\":3,\"is\":true,\"cause\":"
		"\"a \\\\ cause\","
		"\"role\":\"user\"},\"chain\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}";
	struct facts_line got;
	size_t size = sizeof(line) - 1;

	(void)state;
	assert_true(facts_line_read(slice(line, size), &got));
	assert_int_equal(got.sequence, 5);
	assert_int_equal(got.type, EVENT_auth_failure);
	assert_int_equal(got.level, FW_LEVEL_WARNING);
	assert_true(slice_is(got.user, "al\\\"ice") && slice_is(got.source, "192.0.2.1"));
	assert_true(slice_is(got.cause, "a \\\\ cause") && slice_is(got.role, "user"));
	assert_true(slice_is(facts_line_detail(got.details, "role"), "user"));
	assert_int_equal(facts_line_detail(got.details, "count").size, 0);
	for (size_t i = 0; i < size; i++) {
		char *copy = malloc(size);

		assert_non_null(copy);
		memcpy(copy, line, i);
		assert_false(facts_line_read(slice(copy, i), &got));
		memcpy(copy, line, size);
		for (unsigned octet = 0; octet < 256; octet++) {
			copy[i] = (char)octet;
			if (facts_line_read(slice(copy, size), &got)) {
				assert_true(octet >= 0x20 && octet != 0x7f && octet < 0x80); /* alone no UTF-8 */
				(void)facts_line_detail(got.details, "none");
			}
		}
		free(copy);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text, *first, *last;
	} rows[] = {
		{ "2026", "2026-01-01T00:00:00.000000Z", "2026-12-31T23:59:59.999999Z" },
		{ "2026-11", "2026-11-01T00:00:00.000000Z", "2026-11-30T23:59:59.999999Z" },
		{ "2024-02", "2024-02-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z" },
		{ "2026-02Z", "2026-02-01T00:00:00.000000Z", "2026-02-28T23:59:59.999999Z" },
		{ "2026-11-24", "2026-11-24T00:00:00.000000Z", "2026-11-24T23:59:59.999999Z" },
		{ "2026-11-24T10", "2026-11-24T10:00:00.000000Z", "2026-11-24T10:59:59.999999Z" },
		{ "2026-11-24T10:15", "2026-11-24T10:15:00.000000Z", "2026-11-24T10:15:59.999999Z" },
		{ "2026-11-24T10:15:30Z", "2026-11-24T10:15:30.000000Z", "2026-11-24T10:15:30.999999Z" },
		{ "2026-11-24T10:15:30.5", "2026-11-24T10:15:30.500000Z", "2026-11-24T10:15:30.599999Z" },
		{ "2026-11-24T10:15:30.123456Z", "2026-11-24T10:15:30.123456Z", "2026-11-24T10:15:30.123456Z" },
	};
	static const char *const none[] = { "",
					    "Z",
					    "202",
					    "2026-",
					    "2026-1",
					    "2026-13",
					    "2026-00",
					    "2026-02-29",
					    "2026-11-31",
					    "2026-11-24T",
					    "2026-11-24T24",
					    "2026-11-24T10:60",
					    "2026-11-24 10:15",
					    "1969",
					    "2026-11-24T10:15:30.",
					    "2026-11-24T10:15:30.1234567",
					    "2026-11-24T10:15:61",
					    "2026-11-24T10:15:30+01:00" };
	uint64_t first, last;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(report_period_read(rows[i].text, &first, &last));
		encode_rfc3339(first, text);
		assert_memory_equal(text, rows[i].first, ENCODE_RFC3339);
		encode_rfc3339(last, text);
		assert_memory_equal(text, rows[i].last, ENCODE_RFC3339);
	}
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (report_period_read(none[i], &first, &last))
			fail_msg("\"%s\" was taken", none[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_rows_say_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept_files_that_are_others_are_not_believed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_behind_a_report_shows_in_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_older_copy_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hostile_names_stay_in_their_cells, set_up, tear_down),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
