/* The budget of a source: whatever comes, what is written by itself and what is counted in sums is what there was; what
 * is in an image comes out of it; a file keeps one half that is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/mem.h"
#include "ledger_fixture.h"
#include "record/budget.h"
#include "record/budget_file.h"

#define SECOND UINT64_C(1000000000)
#define MINUTE (60 * SECOND)

enum { MOST = 4096 };

/* A sum, as it was written. */
struct written {
	struct fw_record record;
	int64_t count;
	bool others, several;
	char cause[64], user[64], session[64], first[32], last[32], last_id[17];
};

struct world {
	struct budget *budget;
	struct written *sums;
	unsigned count;
	uint64_t counted, alone, number;
};

static void copy(char *to, size_t room, struct fw_slice text)
{
	snprintf(to, room, "%.*s", (int)text.size, (const char *)text.data);
}

static void write_sum(void *user, const struct fw_record *record)
{
	struct world *world = user;
	struct written *sum = &world->sums[world->count++];

	assert_true(world->count <= MOST);
	*sum = (struct written){ .record = *record, .count = -1 };
	copy(sum->user, sizeof(sum->user), record->user_id);
	copy(sum->session, sizeof(sum->session), record->session_id);
	for (unsigned i = 0; i < record->detail_count; i++) {
		const struct fw_detail *detail = &record->details[i];

		if (strcmp(detail->key, "count") == 0)
			sum->count = detail->number;
		else if (strcmp(detail->key, "others") == 0)
			sum->others = detail->number != 0;
		else if (strcmp(detail->key, "several_addresses") == 0)
			sum->several = detail->number != 0;
		else if (strcmp(detail->key, "cause") == 0)
			copy(sum->cause, sizeof(sum->cause), detail->text);
		else if (strcmp(detail->key, "first_at") == 0)
			copy(sum->first, sizeof(sum->first), detail->text);
		else if (strcmp(detail->key, "last_at") == 0)
			copy(sum->last, sizeof(sum->last), detail->text);
		else if (strcmp(detail->key, "last_event_id") == 0)
			copy(sum->last_id, sizeof(sum->last_id), detail->text);
	}
	assert_true(sum->count > 0);
	world->counted += (uint64_t)sum->count;
}

static void set(struct world *world, uint64_t records)
{
	const struct budget_rule rule = { records, MINUTE, MINUTE };

	budget_set(world->budget, &rule);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const struct hash_key key = { 1, 2 };

	assert_non_null(world);
	world->sums = calloc(MOST, sizeof(*world->sums));
	world->budget = budget_new(&key, write_sum, world);
	assert_non_null(world->budget);
	set(world, 10);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	budget_free(world->budget);
	free(world->sums);
	free(world);
	return 0;
}

static struct fw_record made(struct world *world, uint16_t type, uint32_t address, const char *user, const char *cause)
{
	struct fw_record record = { .wall_us = 1700000000000000u + world->number * 1000,
				    .type = type,
				    .level = event_type_level(type),
				    .connection_id = 7,
				    .source = { 4,
						{ (uint8_t)(address >> 24), (uint8_t)(address >> 16),
						  (uint8_t)(address >> 8), (uint8_t)address } },
				    .user_id = slice_text(user),
				    .detail_count = 2,
				    .details = { { .key = "size", .kind = FW_DETAIL_INTEGER, .number = 33 },
						 { .key = "cause", .text = slice_text(cause) } } };
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, ++world->number);
	memcpy(record.event_id, id, sizeof(record.event_id));
	return record;
}

static bool give(struct world *world, const struct fw_record *record, uint64_t now)
{
	bool alone = budget_take(world->budget, record, now);

	world->alone += alone;
	return alone;
}

static void send(struct world *world, uint16_t type, uint32_t address, const char *user, const char *cause,
		 unsigned times, uint64_t now)
{
	for (unsigned i = 0; i < times; i++) {
		struct fw_record record = made(world, type, address, user, cause);

		give(world, &record, now);
	}
}

static void test_one_sum_for_each_event_and_cause(void **state)
{
	struct world *world = *state;
	const struct written *sum = world->sums;

	send(world, EVENT_invalid_message, 0x0a000001, "", "not JSON", 1000, SECOND);
	send(world, EVENT_auth_failure, 0x0a000001, "", "expired", 5, SECOND);
	send(world, EVENT_auth_failure, 0x0a000001, "", "unknown key", 7, SECOND);
	send(world, EVENT_invalid_message, 0x0a000002, "", "not JSON", 3, SECOND);
	send(world, EVENT_admin_action, 0x0a000001, "", "x", 50, SECOND); /* never summed up */
	assert_int_equal(world->alone, 10 + 3 + 50);
	assert_int_equal(budget_sums(world->budget), 3);
	budget_flush(world->budget, SECOND + MINUTE - 1, false);
	assert_int_equal(world->count, 0);
	budget_flush(world->budget, SECOND + MINUTE, false);
	assert_int_equal(world->count, 3);
	assert_int_equal(world->counted, 990 + 5 + 7);
	for (; sum < world->sums + 3 && sum->record.type != EVENT_invalid_message; sum++)
		;
	assert_int_equal(sum->count, 990);
	assert_string_equal(sum->cause, "not JSON");
	assert_string_equal(sum->first, "2023-11-14T22:13:20.010000Z");
	assert_string_equal(sum->last, "2023-11-14T22:13:20.999000Z");
	assert_int_equal(sum->record.wall_us, 1700000000999000u);
	assert_memory_equal(sum->record.event_id, "000000000000000b", 16);
	assert_string_equal(sum->last_id, "00000000000003e8");
	assert_int_equal(sum->record.connection_id, 7);
	assert_int_equal(sum->record.source.bytes[3], 1);
	assert_false(sum->several || sum->others);
	assert_int_equal(budget_sums(world->budget), 0);
}

static void test_a_new_time_has_a_new_budget(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 5; i++)
		send(world, EVENT_invalid_message, 1, "", "c", 25, SECOND + i * MINUTE);
	assert_int_equal(world->alone, 50);
	assert_int_equal(world->count, 4); /* each before that of the next time begins */
	budget_flush(world->budget, 0, true);
	assert_int_equal(world->counted, 75);
}

/* Above so many a second: summed up for a minute, and a budget again. */
static void test_who_is_over_is_summed_up_for_longer(void **state)
{
	struct world *world = *state;
	const struct budget_rule rule = { 10, SECOND, MINUTE };

	budget_set(world->budget, &rule);
	for (unsigned second = 0; second < 20; second++)
		send(world, EVENT_invalid_message, 1, "", "c", 10, SECOND * second);
	assert_int_equal(world->alone, 200);
	for (unsigned second = 20; second < 80; second++)
		send(world, EVENT_invalid_message, 1, "", "c", second == 20 ? 11 : 1, SECOND * second);
	assert_int_equal(world->alone, 210);
	assert_int_equal(world->count, 0);
	send(world, EVENT_invalid_message, 1, "", "c", 1, SECOND * 80);
	assert_int_equal(world->alone, 211);
	budget_flush(world->budget, SECOND * 80, false);
	assert_int_equal(world->counted, 60);
}

static void test_a_user_is_a_source_wherever_he_is(void **state)
{
	struct world *world = *state;

	for (uint32_t i = 0; i < 20; i++)
		send(world, EVENT_permission_denied, 0x0a000000 + i, "mallory", "c", 1, SECOND);
	assert_int_equal(world->alone, 10);
	send(world, EVENT_permission_denied, 0x0a000000, "alice", "c", 10, SECOND);
	send(world, EVENT_permission_denied, 0x0a000000, "anonymous", "c", 10, SECOND);
	assert_int_equal(world->alone, 30);
	send(world, EVENT_auth_failure, 0x0a000000, "", "c", 1, SECOND); /* nobody, like anonymous */
	assert_int_equal(world->alone, 30);
	budget_flush(world->budget, 0, true);
	for (unsigned i = 0; i < world->count; i++)
		assert_string_equal(world->sums[i].user,
				    world->sums[i].record.type == EVENT_auth_failure ? "" : "mallory");
	assert_int_equal(world->counted, 11);
}

static void test_a_network_of_64_bits_is_a_source(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 20; i++) {
		struct fw_record record = made(world, EVENT_handshake_refused, 0, "", "c");

		record.source = (struct fw_addr){ 6, { 0x20, 1, 0xd, 0xb8 } };
		record.source.bytes[15] = (uint8_t)i;
		give(world, &record, SECOND);
	}
	assert_int_equal(world->alone, 10);
	budget_flush(world->budget, 0, true);
	assert_int_equal(world->count, 1);
	assert_true(world->sums[0].several);
	assert_int_equal(world->sums[0].record.source.bytes[15], 0);
	assert_int_equal(world->sums[0].record.source.bytes[3], 0xb8);
}

/* Who varies the cause, or the address of his user, gets no more sums than so many. */
static void test_one_source_does_not_fill_the_table(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 5000; i++) {
		char cause[32];

		snprintf(cause, sizeof(cause), "cause %u", i);
		send(world, EVENT_invalid_message, i << 8, "mallory", cause, 1, SECOND);
	}
	assert_true(budget_sums(world->budget) <= BUDGET_CAUSES + 1);
	budget_flush(world->budget, 0, true);
	assert_int_equal(world->counted + world->alone, 5000);
	assert_int_equal(world->alone, 10);
}

/* More sources than there is room for: nobody is forgotten, only told apart no more. */
static void test_a_full_table_drops_nothing(void **state)
{
	struct world *world = *state;
	unsigned others = 0;

	for (unsigned round = 0; round < 12; round++)
		for (uint32_t address = 1; address <= 20000; address++)
			send(world, address % 2 ? EVENT_auth_failure : EVENT_origin_refused, address, "", "c", 1,
			     SECOND + round);
	assert_true(world->alone <= (uint64_t)BUDGET_SOURCES * 10);
	assert_true(budget_sums(world->budget) <= BUDGET_SUMS + 2);
	budget_flush(world->budget, 0, true);
	for (unsigned i = 0; i < world->count; i++)
		if (world->sums[i].others) {
			others++;
			assert_int_equal(world->sums[i].record.source.family, 0);
			assert_string_equal(world->sums[i].cause, "");
		}
	assert_int_equal(others, 2);
	assert_int_equal(world->counted + world->alone, 12 * 20000);
	/* when their time is over there is room again */
	world->alone = 0;
	send(world, EVENT_auth_failure, 30000, "", "c", 1, 2 * MINUTE);
	assert_int_equal(world->alone, 1);
}

/* What is over makes room, and is written first. */
static void test_what_is_over_makes_room(void **state)
{
	struct world *world = *state;

	set(world, 1);
	for (uint32_t address = 1; address <= 3000; address++)
		send(world, EVENT_auth_failure, address, "", "c", 2, SECOND);
	assert_int_equal(world->count, 0);
	for (uint32_t address = 10001; address <= 13000; address++)
		send(world, EVENT_auth_failure, address, "", "c", 2, 2 * MINUTE);
	assert_true(world->count > BUDGET_SUMS / 2);
	budget_flush(world->budget, 0, true);
	assert_int_equal(world->counted + world->alone, 12000);
}

static void test_another_budget_writes_what_there_is(void **state)
{
	struct world *world = *state;

	send(world, EVENT_auth_failure, 1, "", "c", 12, SECOND);
	set(world, 10); /* the same */
	assert_int_equal(world->count, 0);
	set(world, 0);
	assert_int_equal(world->counted, 2);
	send(world, EVENT_auth_failure, 1, "", "c", 100, SECOND);
	assert_int_equal(world->alone, 110);
}

static void test_texts_that_are_too_large(void **state)
{
	struct world *world = *state;
	char large[513] = { 0 };

	memset(large, 'a', 512);
	for (unsigned i = 0; i < 20; i++) {
		struct fw_record record = made(world, EVENT_invalid_message, 1, "", "c");

		record.detail_count = FW_RECORD_DETAILS;
		for (unsigned detail = 2; detail < FW_RECORD_DETAILS; detail++)
			record.details[detail] =
				(struct fw_detail){ .key = detail == 5 ? "count" : "text", .text = slice_text(large) };
		record.session_id = slice_text(i < 10 ? "a session" : i < 15 ? "another" : "a third");
		give(world, &record, SECOND);
	}
	budget_flush(world->budget, 0, true);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->counted, 10);
	assert_string_equal(world->sums[0].cause, "c");
	assert_string_equal(world->sums[0].session, "");
	assert_true(world->sums[0].record.detail_count <= FW_RECORD_DETAILS);
}

static void test_an_image(void **state)
{
	struct world *world = *state;
	uint8_t *image = malloc(BUDGET_IMAGE), *part;
	struct written *sums;
	unsigned count;
	size_t size;

	for (uint32_t address = 1; address <= 100; address++)
		send(world, EVENT_auth_failure, address, address % 3 ? "" : "user", "c", 20, SECOND);
	size = budget_image(world->budget, image);
	budget_flush(world->budget, 0, true);
	count = world->count;
	sums = calloc(count, sizeof(*sums));
	memcpy(sums, world->sums, count * sizeof(*sums));
	world->count = 0;
	assert_true(budget_write_image(slice(image, size), write_sum, world));
	assert_int_equal(world->count, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(world->sums[i].count, sums[i].count);
		assert_string_equal(world->sums[i].user, sums[i].user);
		assert_string_equal(world->sums[i].cause, sums[i].cause);
		assert_string_equal(world->sums[i].last_id, sums[i].last_id);
		assert_memory_equal(world->sums[i].record.event_id, sums[i].record.event_id, 16);
	}
	/* any cut and any octet that is another one: no more than is there, nothing that a sum cannot be */
	for (size_t at = 0; at < 400; at++) {
		part = malloc(at + 1);
		memcpy(part, image, at);
		world->count = 0;
		budget_write_image(slice(part, at), write_sum, world);
		free(part);
		part = malloc(size);
		memcpy(part, image, size);
		part[at] ^= (uint8_t)(1 << at % 8 | 0x80);
		world->count = 0;
		budget_write_image(slice(part, size), write_sum, world);
		for (unsigned i = 0; i < world->count; i++)
			assert_true(event_type_is_summed(world->sums[i].record.type));
		free(part);
	}
	free(sums);
	free(image);
}

static void test_a_file_keeps_one_half(void **state)
{
	struct fixture fixture;
	struct budget_file file;
	struct fw_slice holds;
	uint8_t *octets;
	char text[32];

	(void)state;
	fixture_start(&fixture);
	assert_true(budget_file_open(&file, fixture.folder, &octets, &holds));
	assert_int_equal(holds.size, 0);
	for (unsigned turn = 0; turn < 5; turn++) {
		snprintf(text, sizeof(text), "turn %u", turn);
		assert_int_equal(budget_file_save(&file, slice_text("a "), slice_text(text), turn % 2 != 0), 0);
	}
	budget_file_close(&file, false);
	assert_true(budget_file_open(&file, fixture.folder, &octets, &holds));
	assert_true(slice_is(holds, "a turn 4"));
	mem_free(octets);
	/* whatever octet of the newer half is another one: the older one counts */
	for (unsigned at = 0; at < 60; at++) {
		off_t where = (off_t)(file.turn % 2) * BUDGET_FILE_MOST + at;
		int fd = open(file.path, O_RDWR);
		uint8_t octet, other;

		assert_int_equal(pread(fd, &octet, 1, where), 1);
		other = octet ^ 0x10;
		assert_int_equal(pwrite(fd, &other, 1, where), 1);
		assert_true(budget_file_open(&file, fixture.folder, &octets, &holds));
		assert_true(slice_is(holds, "a turn 3"));
		mem_free(octets);
		assert_int_equal(pwrite(fd, &octet, 1, where), 1);
		close(fd);
		assert_true(budget_file_open(&file, fixture.folder, &octets, &holds));
		assert_true(slice_is(holds, "a turn 4"));
		mem_free(octets);
	}
	/* both: that is said */
	assert_int_equal(truncate(file.path, 20), 0);
	assert_false(budget_file_open(&file, fixture.folder, &octets, &holds));
	mem_free(octets);
	budget_file_close(&file, true);
	assert_true(budget_file_open(&file, fixture.folder, &octets, &holds));
	assert_null(octets);
	fixture_end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_sum_for_each_event_and_cause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_time_has_a_new_budget, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_is_over_is_summed_up_for_longer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_user_is_a_source_wherever_he_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_network_of_64_bits_is_a_source, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_source_does_not_fill_the_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_table_drops_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_over_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_budget_writes_what_there_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_texts_that_are_too_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_image, set_up, tear_down),
		cmocka_unit_test(test_a_file_keeps_one_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
