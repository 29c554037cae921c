/* ledger_fixture.h: for tests only: a ledger in a scratch folder, time and randomness that repeat. */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "record/ledger.h"
#include "record/ledger_verify.h"

struct fixture {
	char folder[64], directory[80], keys[80];
	uint64_t random;
	struct ledger_time now;
	struct ledger_options options;
};

static inline uint64_t fixture_random(struct fixture *fixture)
{
	fixture->random ^= fixture->random << 13;
	fixture->random ^= fixture->random >> 7;
	fixture->random ^= fixture->random << 17;
	return fixture->random;
}

static inline void fixture_fill(void *user, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(fixture_random(user) >> 24);
}

static inline void fixture_start(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	snprintf(fixture->folder, sizeof(fixture->folder), "%s", "/tmp/framewall-ledger-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/record", fixture->folder);
	snprintf(fixture->keys, sizeof(fixture->keys), "%s/keys", fixture->folder);
	fixture->random = 88172645463325252u;
	fixture->now = (struct ledger_time){ 1700000000000000u, 1000000000u };
	fixture->options = (struct ledger_options){
		.directory = fixture->directory,
		.key_directory = fixture->keys,
		.sync = LEDGER_SYNC_INTERVAL,
		.random = { fixture_fill, fixture },
	};
}

static inline int fixture_remove(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void fixture_end(struct fixture *fixture)
{
	nftw(fixture->folder, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct ledger *fixture_open(struct fixture *fixture)
{
	const char *failed;
	struct ledger *ledger = ledger_open(&fixture->options, fixture->now, &failed);

	if (ledger == NULL)
		fail_msg("the ledger does not open: %s", failed);
	return ledger;
}

static inline void fixture_pass(struct fixture *fixture, uint64_t milliseconds)
{
	fixture->now.wall_us += milliseconds * 1000;
	fixture->now.monotonic_ns += milliseconds * 1000000;
}

/* Takes a record about a user; 0 or -1. */
static inline int fixture_add(struct fixture *fixture, struct ledger *ledger, const char *user)
{
	struct fw_record record = { .wall_us = fixture->now.wall_us,
				    .type = EVENT_auth_failure,
				    .level = event_type_level(EVENT_auth_failure),
				    .connection_id = 7,
				    .source = { 4, { 192, 0, 2, 1 } },
				    .user_id = slice_text(user) };

	memcpy(record.event_id, "0011223344556677", FW_EVENT_ID_SIZE);
	return ledger_add(ledger, &record, NULL);
}

/* Adds count records, in batches, with some milliseconds between them. */
static inline void fixture_grow(struct fixture *fixture, struct ledger *ledger, unsigned count, unsigned batch)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(fixture_add(fixture, ledger, "alice"), 0);
		if (i % batch == batch - 1 || i + 1 == count) {
			fixture_pass(fixture, 5);
			assert_int_equal(ledger_commit(ledger, fixture->now), 0);
		}
	}
}

static inline struct ledger_report fixture_verify(struct fixture *fixture)
{
	struct ledger_verify_options options = { .directory = fixture->directory };
	struct ledger_report report;

	assert_int_equal(ledger_verify(&options, &report), 0);
	return report;
}

static inline struct ledger_report fixture_assert_holds(struct fixture *fixture)
{
	struct ledger_report report = fixture_verify(fixture);

	if (!report.holds)
		fail_msg("record %llu, %s at %llu: %s", (unsigned long long)report.bad_first, report.file,
			 (unsigned long long)report.offset, report.reason);
	return report;
}

static inline char *fixture_path(const struct fixture *fixture, const char *name, char ret_path[160])
{
	snprintf(ret_path, 160, "%s/%s", fixture->directory, name);
	return ret_path;
}
#endif
