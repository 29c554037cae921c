/* search.c: a record of many events, its index and searches in it. `search [--records N] [--keep FOLDER]` makes the
 * record through the ledger's own code, without forcing it to the disk, indexes it, and prints one JSON object: records
 * a second that are indexed, how far the index lags while 20,000 a second come, and milliseconds until the first 100
 * results of searches by type, address, user and time are there, in the worst place (the oldest records) as well. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "record/index.h"
#include "record/ledger.h"
#include "record/ledger_search.h"

#include "memory.h"

enum { RECORDS = 1000000, BATCH = 1000, LAG_SECONDS = 5, LAG_RATE = 20000, TICKS = 100, ROUNDS = 5, STEP = 8192 };

static uint64_t made_us = UINT64_C(1700000000) * 1000000;
static uint64_t made;

static double now_s(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stop(const char *what)
{
	fprintf(stderr, "search: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Few make most of it, many make some: the smaller of two even ones, twice. */
static unsigned skewed(unsigned below)
{
	uint64_t one = memory_word() >> 20, other = memory_word() >> 20;

	return (unsigned)((one % below) * (other % below) / below);
}

static void add(struct ledger *ledger, uint64_t wall_us)
{
	static const uint16_t types[] = { EVENT_auth_success,	      EVENT_websocket_connected,
					  EVENT_websocket_disconnect, EVENT_data_access,
					  EVENT_data_access,	      EVENT_invalid_message,
					  EVENT_rate_limit_violation, EVENT_auth_failure };
	static const char *const causes[] = { "the signature does not hold", "token has expired", "no such user",
					      "more than 60 messages a minute", "field text is too long" };
	struct fw_record record = { .wall_us = wall_us, .detail_count = 2 };
	char user[32], session[32];

	record.type = made % 100000 == 7 ? EVENT_ip_blocked : types[memory_word() % 8];
	record.level = event_type_level(record.type);
	record.source = (struct fw_addr){ 4, { 10 } };
	for (unsigned i = 1; i < 4; i++)
		record.source.bytes[i] = (uint8_t)(skewed(50000) >> (8 * (3 - i)));
	record.connection_id = made / 12 + 1;
	record.user_id = slice(user, (size_t)snprintf(user, sizeof(user), "user-%u", skewed(20000)));
	record.session_id = slice(session, (size_t)snprintf(session, sizeof(session), "s%016llx",
							    (unsigned long long)(made / 12) * 2654435761u));
	for (unsigned i = 0; i < FW_EVENT_ID_SIZE; i++)
		record.event_id[i] = "0123456789abcdef"[memory_word() >> 40 & 15];
	record.details[0] = (struct fw_detail){ "cause", FW_DETAIL_TEXT, slice_text(causes[memory_word() % 5]), 0 };
	record.details[1] = (struct fw_detail){ "bytes", FW_DETAIL_INTEGER, { 0 }, (int64_t)(memory_word() % 4096) };
	if (ledger_add(ledger, &record, NULL) != 0)
		stop("cannot add a record");
	made++;
}

static struct ledger *open_ledger(const char *folder)
{
	static char record[256], keys[256];
	const char *failed;
	struct ledger_options options = { .directory = record,
					  .key_directory = keys,
					  .sync = LEDGER_SYNC_NONE,
					  .segment_bytes = 100 << 20,
					  .random = { memory_fill, NULL } };
	struct ledger *ledger;

	snprintf(record, sizeof(record), "%s/record", folder);
	snprintf(keys, sizeof(keys), "%s/keys", folder);
	ledger = ledger_open(&options, (struct ledger_time){ made_us, 1 }, &failed);
	if (ledger == NULL)
		stop(failed);
	made = ledger_sequence(ledger);
	return ledger;
}

/* A record of count events in some weeks. */
static double fill(const char *folder, uint64_t count)
{
	struct ledger *ledger = open_ledger(folder);
	double from = now_s(CLOCK_MONOTONIC);

	while (made < count) {
		for (unsigned i = 0; i < BATCH && made < count; i++)
			add(ledger, made_us += 100000);
		if (ledger_commit(ledger, (struct ledger_time){ made_us, made_us * 1000 }) != 0)
			stop("cannot write");
	}
	ledger_close(ledger, (struct ledger_time){ made_us, made_us * 1000 });
	return (double)count / (now_s(CLOCK_MONOTONIC) - from);
}

static void bring_up(const char *record, double *ret_wall, double *ret_cpu)
{
	double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	struct index *index = index_open(record, 0);
	char why[INDEX_ERROR];
	enum index_step step;

	if (index == NULL)
		stop("cannot index");
	while ((step = index_advance(index, UINT64_MAX, STEP, why)) == INDEX_STEP_MORE)
		;
	if (step != INDEX_STEP_CURRENT)
		stop(why);
	*ret_wall = (double)index_last(index) / (now_s(CLOCK_MONOTONIC) - wall);
	*ret_cpu = (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)index_last(index);
	index_close(index);
}

/* While one thread writes LAG_RATE records a second, this one indexes as the keeper does: what is the longest that a
 * record waits until it can be found? */
struct writer {
	struct ledger *ledger;
	_Atomic uint64_t durable;
	_Atomic bool done;
};

static void *write_on(void *user)
{
	struct writer *writer = user;
	double from = now_s(CLOCK_MONOTONIC);

	for (unsigned tick = 0; tick < LAG_SECONDS * TICKS; tick++) {
		double wait = from + (double)tick / TICKS - now_s(CLOCK_MONOTONIC);
		uint64_t wall;

		if (wait > 0)
			usleep((useconds_t)(wait * 1e6));
		wall = (uint64_t)(now_s(CLOCK_REALTIME) * 1e6);
		for (unsigned i = 0; i < LAG_RATE / TICKS; i++)
			add(writer->ledger, wall);
		if (ledger_commit(writer->ledger, (struct ledger_time){ wall, wall * 1000 }) != 0)
			stop("cannot write");
		atomic_store(&writer->durable, ledger_durable(writer->ledger));
	}
	atomic_store(&writer->done, true);
	return NULL;
}

static double lag_ms(const char *folder, const char *record)
{
	struct writer writer = { .ledger = open_ledger(folder) };
	struct index *index = index_open(record, 0);
	char why[INDEX_ERROR];
	double longest = 0;
	pthread_t thread;

	if (index == NULL || pthread_create(&thread, NULL, write_on, &writer) != 0)
		stop("cannot index");
	for (;;) {
		bool done = atomic_load(&writer.done);
		uint64_t to = atomic_load(&writer.durable);

		while (index_last(index) < to) {
			double waited;

			if (index_advance(index, to, STEP, why) > INDEX_STEP_MORE)
				stop(why);
			waited = now_s(CLOCK_REALTIME) * 1e3 - (double)index_took_from_us(index) / 1e3;
			longest = index_took_from_us(index) > made_us && waited > longest ? waited : longest;
		}
		if (done)
			break;
		usleep(200000);
	}
	pthread_join(thread, NULL);
	index_close(index);
	ledger_close(writer.ledger, (struct ledger_time){ made_us, made_us * 1000 });
	return longest;
}

static bool count(void *user, struct fw_slice line)
{
	size_t *found = user;

	(void)line;
	++*found;
	return true;
}

/* Milliseconds of a search, the median of some. */
static void measure(const char *record, const char *name, const struct ledger_filter *filter, bool last)
{
	const struct ledger_query query = { .directory = record, .filter = filter, .limit = 100 };
	struct ledger_searched searched;
	double times[ROUNDS];
	size_t found = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		double from = now_s(CLOCK_MONOTONIC);

		found = 0;
		if (ledger_search(&query, count, &found, &searched) != 0)
			stop("cannot search");
		if (!searched.by_index || searched.why[0] != '\0')
			stop(searched.why);
		times[i] = (now_s(CLOCK_MONOTONIC) - from) * 1e3;
	}
	qsort(times, ROUNDS, sizeof(times[0]), memory_compare);
	printf("\"%s\":{\"ms\":%.2f,\"slowest_ms\":%.2f,\"found\":%zu}%s", name, times[ROUNDS / 2], times[ROUNDS - 1],
	       found, last ? "" : ",");
}

static void measure_all(const char *record)
{
	struct ledger_filter filter;

#define MEASURE(name, last, ...)                                                                                       \
	filter = (struct ledger_filter){ __VA_ARGS__ };                                                                \
	measure(record, name, &filter, last)
	MEASURE("newest", false, 0);
	MEASURE("type", false, .event_type = "auth_failure");
	MEASURE("rare type", false, .event_type = "ip_blocked");
	MEASURE("address", false, .source = { { 4, { 10, 1, 2, 3 } }, 32 });
	MEASURE("network", false, .source = { { 4, { 10, 0, 0, 0 } }, 18 });
	MEASURE("user", false, .user_id = "user-12000");
	MEASURE("user who is not there", false, .user_id = "nobody");
	MEASURE("time", false, .from = "2023-11-14", .to = "2023-11-15T01");
	MEASURE("type and time", false, .event_type = "auth_failure", .to = "2023-11-15T01");
	MEASURE("type, user", false, .event_type = "auth_failure", .user_id = "user-700");
	MEASURE("type, address, user, time", false, .event_type = "auth_failure", .user_id = "user-9",
		.source = { { 4, { 10, 0, 0, 0 } }, 9 }, .to = "2023-11-16");
	MEASURE("words", false, .text = "signature hold");
	MEASURE("type that never has this level", true, .event_type = "auth_failure", .level = "info");
#undef MEASURE
}

int main(int argc, char **argv)
{
	char folder[200] = "/tmp/framewall-search-XXXXXX", record[256], command[256];
	uint64_t records = RECORDS;
	double made_rate, wall, cpu;
	bool keep = false;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--records") == 0)
			records = strtoull(argv[i + 1], NULL, 10);
		keep = strcmp(argv[i], "--keep") == 0 || keep;
		if (strcmp(argv[i], "--keep") == 0)
			snprintf(folder, sizeof(folder), "%s", argv[i + 1]);
	}
	if (!keep && mkdtemp(folder) == NULL)
		stop(folder);
	snprintf(record, sizeof(record), "%s/record", folder);
	made_rate = fill(folder, records);
	bring_up(record, &wall, &cpu);
	printf("{\"records\":%llu,\"written_per_s\":%.0f,\"indexed_per_s\":%.0f,\"index_us\":%.2f,",
	       (unsigned long long)records, made_rate, wall, cpu);
	printf("\"searches\":{");
	measure_all(record);
	printf("},\"lag_ms\":%.0f}\n", lag_ms(folder, record));
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return keep ? 0 : system(command);
}
