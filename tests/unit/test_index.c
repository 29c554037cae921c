/* The index of the record beside reading every line: whatever became of the file, a search gives no record that is not
 * there; where nobody has changed it, it gives the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "record/index.h"
#include "record/ledger_search.h"
#include "record/segment.h"

enum { RECORDS = 1500, PARTITION = 350, MOST = 512, CHANGES = 60 };

static struct fixture fixture;

static unsigned random_below(unsigned below)
{
	return (unsigned)(fixture_random(&fixture) >> 24) % below;
}

static const char *const users[] = { "alice", "bob", "Пётр", "a\"b\\c\n", "user 7", "" };
static const char *const causes[] = { "no such key",
				      "the Signature does not hold",
				      "x' OR 1=1 --",
				      "подпись не та",
				      "abcdefghijklmnopqrstuvwxyz0123456789abcdef",
				      "" };

static struct fw_addr random_source(void)
{
	struct fw_addr source = { 4, { 192, 0, 2, 1 } };

	switch (random_below(4)) {
	case 0:
		return (struct fw_addr){ 0 };
	case 1:
		source = (struct fw_addr){ 6, { 0x20, 1, 0x0d, 0xb8 } };
		source.bytes[5] = (uint8_t)random_below(3);
		source.bytes[15] = (uint8_t)random_below(3);
		return source;
	default:
		source.bytes[2] = (uint8_t)random_below(32);
		source.bytes[3] = (uint8_t)random_below(4);
		return source;
	}
}

static void add_random(struct ledger *ledger)
{
	static const uint16_t types[] = { EVENT_auth_failure, EVENT_auth_success, EVENT_invalid_message,
					  EVENT_ip_blocked };
	struct fw_record record = { .wall_us = fixture.now.wall_us + random_below(2000000), /* not in order */
				    .type = types[random_below(4)],
				    .level = (uint8_t)random_below(4),
				    .connection_id =
					    random_below(2) != 0 ? random_below(40) : UINT64_MAX - random_below(3),
				    .source = random_source(),
				    .user_id = slice_text(users[random_below(6)]),
				    .session_id = slice_text(random_below(2) != 0 ? "s1" : "S2-x"),
				    .detail_count = 2 };

	for (unsigned i = 0; i < FW_EVENT_ID_SIZE; i++)
		record.event_id[i] = "0123456789abcdef"[random_below(16)];
	record.details[0] = (struct fw_detail){ "cause", FW_DETAIL_TEXT, slice_text(causes[random_below(6)]), 0 };
	record.details[1] = (struct fw_detail){ "bytes", FW_DETAIL_INTEGER, { 0 }, random_below(100) };
	assert_int_equal(ledger_add(ledger, &record, NULL), 0);
}

static void grow(struct ledger *ledger, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		add_random(ledger);
		if (i % 10 == 9 || i + 1 == count) {
			fixture_pass(&fixture, 50);
			assert_int_equal(ledger_commit(ledger, fixture.now), 0);
		}
	}
}

/* A record of some segments, and its index as far as it has come when it takes at most so many. */
static int set_up(void **state)
{
	struct ledger *ledger;

	(void)state;
	fixture_start(&fixture);
	fixture.options.segment_bytes = 128 << 10;
	ledger = fixture_open(&fixture);
	grow(ledger, RECORDS);
	assert_int_equal(ledger_close(ledger, fixture.now), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end(&fixture);
	return 0;
}

static struct index *open_index(void)
{
	struct index *index = index_open(fixture.directory, PARTITION);

	assert_non_null(index);
	return index;
}

/* To a record, or to the end; how often it was made anew. */
static unsigned bring_up(struct index *index, uint64_t to, size_t at_once)
{
	enum index_step step = INDEX_STEP_MORE;
	char why[INDEX_ERROR];
	unsigned anew = 0;

	for (unsigned i = 0; i < 10 * RECORDS && step != INDEX_STEP_CURRENT; i++) {
		step = index_advance(index, to, at_once, why);
		anew += step == INDEX_STEP_ANEW;
		if (step > INDEX_STEP_ANEW)
			fail_msg("%s", why);
		assert_true(anew < 4);
	}
	return anew;
}

static unsigned index_all(void)
{
	struct index *index = open_index();
	unsigned anew = bring_up(index, UINT64_MAX, 997);

	index_close(index);
	return anew;
}

struct found {
	uint64_t sequences[RECORDS + MOST];
	uint8_t chains[RECORDS + MOST][8];
	size_t count;
	size_t most;
};

static bool note(void *user, struct fw_slice line)
{
	struct found *found = user;
	struct segment_line parts;

	assert_true(segment_line(line, &parts));
	assert_true(found->count < RECORDS + MOST);
	memcpy(found->chains[found->count], parts.chain, 8);
	found->sequences[found->count++] = parts.sequence;
	return found->count != found->most;
}

static struct ledger_searched search(const struct ledger_query *query, struct found *found)
{
	struct ledger_searched searched;
	size_t most = found->most;

	memset(found, 0, sizeof(*found));
	found->most = most;
	assert_int_equal(ledger_search(query, note, found, &searched), 0);
	return searched;
}

static const char *random_time(char text[28])
{
	encode_rfc3339(1700000000000000u + random_below(20000000), text);
	text[4 + random_below(23)] = '\0';
	return text;
}

struct asked {
	struct ledger_filter filter;
	struct ledger_query query;
	char from[28], to[28];
};

static void random_query(struct asked *asked)
{
	static const char *const types[] = { "auth_failure", "auth_success", "invalid_message", "started" };
	static const char *const words[] = { "key",
					     "KEY no",
					     "подпись",
					     "signature hold such",
					     "1",
					     "or x",
					     "abcdefghijklmnopqrstuvwxyz0123456789abcdef",
					     "abcdefghijklmnopqrstuvwxyz0123456789abcdeg",
					     "nothing",
					     "s2" };
	struct ledger_filter *filter = &asked->filter;

	*asked = (struct asked){ 0 };
	if (random_below(3) == 0)
		filter->event_type = types[random_below(4)];
	if (random_below(4) == 0)
		filter->level = fw_level_name((uint8_t)random_below(4));
	if (random_below(3) == 0)
		filter->user_id = users[random_below(5)];
	if (random_below(6) == 0)
		filter->session_id = random_below(2) != 0 ? "s1" : "S2-x";
	if (random_below(6) == 0)
		filter->connection = random_below(2) != 0 ? 1 + random_below(45) : UINT64_MAX - random_below(3);
	if (random_below(4) == 0)
		filter->text = words[random_below(10)];
	if (random_below(4) == 0)
		filter->from = random_time(asked->from);
	if (random_below(4) == 0)
		filter->to = random_time(asked->to);
	if (random_below(3) == 0) {
		char text[ADDR_TEXT];

		while (filter->source.base.family == 0)
			filter->source.base = random_source();
		filter->source.bits =
			(uint8_t)(random_below(3) == 0 ? (filter->source.base.family == 4 ? 32 : 128)
						       : 1 + random_below(filter->source.base.family == 4 ? 32 : 128));
		addr_format(&filter->source.base, text);
		for (unsigned bit = filter->source.bits; bit < 128; bit++)
			filter->source.base.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	}
	asked->query = (struct ledger_query){
		.directory = fixture.directory,
		.filter = filter,
		.before = random_below(3) == 0 ? 1 + random_below(RECORDS + 10) : 0,
		.limit = random_below(3) == 0	? 1 + random_below(20)
			 : random_below(2) != 0 ? 100
						: RECORDS + 100,
	};
}

/* The same searches by the index and without. Returns how many found something. */
static unsigned compare(unsigned queries, bool exact)
{
	static struct found by_index, by_lines;
	unsigned some = 0;
	struct asked asked;

	for (unsigned i = 0; i < queries; i++) {
		struct ledger_searched searched;
		size_t at = 0;

		random_query(&asked);
		by_index.most = by_lines.most = 0;
		searched = search(&asked.query, &by_index);
		if (exact && (!searched.by_index || searched.why[0] != '\0'))
			fail_msg("query %u: %s", i, searched.why);
		asked.query.no_index = true;
		if (!exact)
			asked.query.limit = RECORDS + MOST;
		search(&asked.query, &by_lines);
		some += by_lines.count != 0;
		if (exact && by_index.count != by_lines.count)
			fail_msg("query %u: %zu instead of %zu; type %s level %s user %s session %s text %s from %s to "
				 "%s source %u/%u "
				 "connection %llu before %llu limit %zu",
				 i, by_index.count, by_lines.count, asked.filter.event_type, asked.filter.level,
				 asked.filter.user_id, asked.filter.session_id, asked.filter.text, asked.filter.from,
				 asked.filter.to, asked.filter.source.base.family, asked.filter.source.bits,
				 (unsigned long long)asked.filter.connection, (unsigned long long)asked.query.before,
				 asked.query.limit);
		/* nothing but what the lines have, in their order, each once */
		for (size_t j = 0; j < by_index.count; j++, at++) {
			while (!exact && at < by_lines.count && by_lines.sequences[at] != by_index.sequences[j])
				at++;
			if (at >= by_lines.count)
				fail_msg("record %llu is invented", (unsigned long long)by_index.sequences[j]);
			assert_int_equal(by_index.sequences[j], by_lines.sequences[at]);
			assert_memory_equal(by_index.chains[j], by_lines.chains[at], 8);
		}
	}
	return some;
}

static void test_equals_reading_every_line(void **state)
{
	(void)state;
	index_all();
	assert_true(compare(600, true) > 100);
}

/* It has come to any record, in steps of any size, over restarts; the lines behind it are read. */
static void test_lags(void **state)
{
	static const size_t steps[] = { 1, 2, 127, 128, 129, 500 };
	struct ledger_filter any = { 0 };
	struct ledger_query query = { fixture.directory, &any, 0, RECORDS + 100, false, NULL };
	struct ledger_searched searched;
	static struct found found;
	uint64_t to = 0;

	(void)state;
	for (unsigned i = 0; to < RECORDS; i++) {
		struct index *index = open_index();

		to += 1 + random_below(400);
		assert_int_equal(bring_up(index, to, steps[i % 6]), 0);
		assert_int_equal(index_last(index), to < RECORDS + 1 ? to : RECORDS + 1);
		index_close(index);
		found.most = 0;
		searched = search(&query, &found);
		assert_true(searched.by_index);
		assert_int_equal(searched.indexed, to < RECORDS + 1 ? to : RECORDS + 1);
		assert_int_equal(searched.read, RECORDS + 1 - searched.indexed);
		assert_int_equal(found.count, RECORDS + 1);
		compare(10, true);
	}
}

/* What is written goes on while the index follows, over the ends of segments. */
static void test_follows_what_is_written(void **state)
{
	struct index *index = open_index();
	struct ledger *ledger = fixture_open(&fixture);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		grow(ledger, 1 + random_below(20));
		bring_up(index, ledger_durable(ledger), 50);
		assert_int_equal(index_last(index), ledger_durable(ledger));
		compare(3, true);
	}
	index_close(index);
	ledger_close(ledger, fixture.now);
}

static void test_one_writes(void **state)
{
	struct index *index = open_index();

	(void)state;
	assert_null(index_open(fixture.directory, 0));
	index_close(index);
	index_close(open_index());
}

/* Records that are removed go from the index, too, and searches know of none of them. */
static void test_forgets_what_was_removed(void **state)
{
	struct segment_list list;
	struct index_state has;
	struct index_block block;
	struct index_db db;
	char why[INDEX_ERROR];
	struct ledger *ledger;

	(void)state;
	index_all();
	assert_int_equal(segment_list(fixture.directory, &list), 0);
	assert_true(list.count > 4 && list.firsts[3] > PARTITION);
	for (unsigned i = 0; i < 3; i++) {
		char name[SEGMENT_NAME], path[160], away[200];

		segment_name(list.firsts[i], ".log", name);
		snprintf(away, sizeof(away), "%s.away", fixture_path(&fixture, name, path));
		assert_int_equal(rename(path, away), 0);
	}
	compare(100, false);
	ledger = fixture_open(&fixture);
	grow(ledger, 5);
	ledger_close(ledger, fixture.now);
	assert_int_equal(index_all(), 0);
	assert_true(compare(100, true) > 10);
	assert_int_equal(index_db_open(&db, fixture.directory, &has, why), INDEX_OK);
	assert_int_equal(index_db_block(&db, 1, &block), INDEX_OK);
	assert_int_equal(block.first, 0);
	assert_false(index_db_execute(&db, "SELECT * FROM p0"));
	assert_true(index_db_execute(&db, "SELECT * FROM p3 LIMIT 0"));
	index_db_close(&db);
	/* they are found again when they come back */
	for (unsigned i = 0; i < 3; i++) {
		char name[SEGMENT_NAME], path[160], away[200];

		segment_name(list.firsts[i], ".log", name);
		snprintf(away, sizeof(away), "%s.away", fixture_path(&fixture, name, path));
		assert_int_equal(rename(away, path), 0);
	}
	compare(50, true);
	ledger = fixture_open(&fixture);
	grow(ledger, 5);
	ledger_close(ledger, fixture.now);
	assert_int_equal(index_all(), 1);
	compare(50, true);
	segment_list_fini(&list);
}

/* A file that was copied, is of another ledger, or of a record that went another way is not used; whoever keeps it
 * makes it anew. */
static void test_other_histories(void **state)
{
	struct ledger_filter any = { 0 };
	struct ledger_query query = { fixture.directory, &any, 0, 10, false, NULL };
	char path[160], copy[160], command[1024];
	static struct found found;
	struct segment_list list;
	char name[SEGMENT_NAME];
	struct stat stat_of;

	(void)state;
	index_all();
	fixture_path(&fixture, "index.db", path);
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	snprintf(command, sizeof(command), "cp %s %s.copy && mv %s.copy %s", path, path, path, path);
	assert_int_equal(system(command), 0);
	found.most = 0;
	assert_string_equal(search(&query, &found).why, "it was copied here");
	assert_int_equal(index_all(), 1);
	assert_true(search(&query, &found).by_index);

	snprintf(command, sizeof(command), "echo >> %s", fixture_path(&fixture, "anchor", copy));
	assert_int_equal(system(command), 0);
	assert_string_equal(search(&query, &found).why, "it is of another ledger");
	assert_int_equal(index_all(), 1);

	/* a power failure took the end of the record, and another one was written */
	assert_int_equal(segment_list(fixture.directory, &list), 0);
	segment_name(list.firsts[list.count - 1], ".log", name);
	segment_list_fini(&list);
	snprintf(command, sizeof(command), "sed -i '$d' %s", fixture_path(&fixture, name, copy));
	assert_int_equal(system(command), 0);
	assert_string_equal(search(&query, &found).why, "the record is not the one that it was made of");
	assert_int_equal(found.sequences[0], RECORDS);
	assert_int_equal(index_all(), 1);
	assert_true(search(&query, &found).by_index);
}

static void execute(const char *sql)
{
	sqlite3 *handle;
	char path[160], *error = NULL;

	assert_int_equal(sqlite3_open(fixture_path(&fixture, "index.db", path), &handle), SQLITE_OK);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
	if (sqlite3_exec(handle, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(handle);
}

/* Who can write the file can make a search find less. He cannot make it find what is not there. */
static void test_tampered_with(void **state)
{
	static const char *const changes[] = {
		"UPDATE blocks SET offset = offset + 1 WHERE first % 3 = 0",
		"UPDATE blocks SET offset = (SELECT offset FROM blocks b WHERE b.segment = blocks.segment ORDER BY "
		"first DESC LIMIT 1)",
		"UPDATE blocks SET segment = 1, offset = 0",
		"UPDATE blocks SET segment = 99999999",
		"UPDATE blocks SET last = last + 5",
		"UPDATE blocks SET last = first + 100000000",
		"UPDATE blocks SET first = first + 1 WHERE first > 300 AND first < 400",
		"UPDATE blocks SET offset = -5",
		"UPDATE blocks SET chain = x'0000000000000000' WHERE first > 500",
		"UPDATE blocks SET chain = x'00'",
		"UPDATE blocks SET oldest = 'x', newest = ''",
		"DELETE FROM blocks WHERE first % 5 = 0",
		"DELETE FROM blocks",
		"INSERT INTO p0 (rowid, words) SELECT value, (SELECT group_concat(term, ' ') FROM v) FROM "
		"generate_series_",
		"UPDATE state SET last = last + 1000",
		"UPDATE state SET last = 10",
		"UPDATE state SET last = -1",
		"UPDATE state SET segment = 1, at = 0, \"end\" = 5",
		"UPDATE state SET partition = 1",
		"UPDATE state SET partition = 9000000000000000000",
		"DELETE FROM state",
		"DROP TABLE p1",
		"DROP TABLE blocks; CREATE VIEW blocks AS SELECT 1 AS first, 5 AS last, 1 AS segment, 0 AS offset, '' "
		"AS oldest,"
		" 'z' AS newest, x'0000000000000000' AS chain",
		"CREATE TRIGGER t AFTER UPDATE ON state BEGIN DELETE FROM blocks; END",
		"PRAGMA user_version = 7",
		"UPDATE p0_data SET block = zeroblob(length(block)) WHERE id > 100",
		"UPDATE p1_data SET block = randomblob(length(block))",
		"DELETE FROM p0_idx",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct index *index;

		if (strstr(changes[i], "generate_series_") != NULL) {
			/* each record of the first table is said to have every word that there is in it */
			index_all();
			execute("CREATE VIRTUAL TABLE v USING fts5vocab(p0, row); CREATE TEMP TABLE w AS SELECT "
				"group_concat(term, ' ') AS t"
				" FROM v; DROP TABLE v; WITH RECURSIVE n(i) AS (SELECT 700 UNION ALL SELECT i - 1 FROM "
				"n WHERE i > 1)"
				" INSERT INTO p0 (rowid, words) SELECT i, t FROM n, w ORDER BY i");
		} else {
			index = open_index();
			index_remove(index);
			bring_up(index, UINT64_MAX, RECORDS);
			index_close(index);
			execute(changes[i]);
		}
		compare(40, false);
		index = open_index(); /* the writer does not break on it either */
		for (unsigned step = 0; step < 20; step++) {
			char why[INDEX_ERROR];

			index_advance(index, UINT64_MAX, 500, why);
		}
		index_close(index);
	}
}

static void change_file(unsigned number)
{
	char path[160];
	FILE *file = fopen(fixture_path(&fixture, "index.db", path), "r+");
	long size;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	if (number % 3 == 0) {
		assert_int_equal(ftruncate(fileno(file), random_below((unsigned)size)), 0);
	} else if (number % 3 == 1) {
		fseek(file, random_below((unsigned)size), SEEK_SET);
		fputc((int)random_below(256), file);
	} else {
		fseek(file, random_below((unsigned)size), SEEK_SET);
		for (unsigned i = 0; i < 4096; i++)
			fputc((int)random_below(256), file);
	}
	fclose(file);
}

static void test_damaged(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CHANGES; i++) {
		struct index *index = open_index();

		if (i % 6 == 0)
			index_remove(index);
		bring_up(index, UINT64_MAX, RECORDS);
		index_close(index);
		change_file(i);
		compare(5, false);
	}
	/* removed, it is made anew */
	index_db_remove(fixture.directory);
	compare(5, false);
	index_all();
	compare(50, true);
}

/* What is no record any more stops the index; the lines behind it are read. */
static void test_record_that_is_none(void **state)
{
	struct segment_list list;
	char name[SEGMENT_NAME], path[160], command[512], why[INDEX_ERROR];
	enum index_step step = INDEX_STEP_MORE;
	struct index *index = open_index();

	(void)state;
	assert_int_equal(segment_list(fixture.directory, &list), 0);
	segment_name(list.firsts[1], ".log", name);
	snprintf(command, sizeof(command), "sed -i '50s/sequence/sequel/' %s", fixture_path(&fixture, name, path));
	assert_int_equal(system(command), 0);
	for (unsigned i = 0; i < 100 && step == INDEX_STEP_MORE; i++)
		step = index_advance(index, UINT64_MAX, 500, why);
	assert_int_equal(step, INDEX_STEP_STUCK);
	assert_int_equal(index_last(index), list.firsts[1] + 48);
	index_close(index);
	segment_list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_equals_reading_every_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_follows_what_is_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forgets_what_was_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_histories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tampered_with, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_record_that_is_none, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
