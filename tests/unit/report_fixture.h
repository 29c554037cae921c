/* report_fixture.h: for tests only: a ledger of several segments, and reports about it. */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H
#include <fcntl.h>

#include "base/encode.h"
#include "ledger_fixture.h"
#include "report/report.h"

enum { RECORDS = 3000, USERS = 40 };

static const uint8_t report_test_key[32] = "a key of the test: 32 octets";

struct world {
	struct fixture fixture;
	struct ledger *ledger;
	char kept[80];
	struct facts_options facts;
};

static inline void add(struct world *world, uint16_t type, const char *user, size_t size)
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

static inline void grow(struct world *world, unsigned count)
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

static inline int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fixture_start(&world->fixture);
	world->fixture.options.segment_bytes = 100000;
	world->ledger = fixture_open(&world->fixture);
	snprintf(world->kept, sizeof(world->kept), "%s/report", world->fixture.folder);
	world->facts = (struct facts_options){ .record = world->fixture.directory,
					       .kept = world->kept,
					       .key = slice(report_test_key, sizeof(report_test_key)) };
	grow(world, RECORDS);
	*state = world;
	return 0;
}

static inline int tear_down(void **state)
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

static inline bool append(void *user, struct fw_slice octets)
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

static inline struct made make(struct world *world, bool anew)
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

static inline void forget(struct made *made)
{
	free(made->json.octets);
	free(made->whole.octets);
	made->json.octets = made->whole.octets = NULL;
}

static inline void assert_same(struct made *one, struct made *other)
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
#endif
