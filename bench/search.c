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
#include "record.h"

enum { RECORDS = 1000000, LAG_SECONDS = 5, LAG_RATE = 20000, TICKS = 100, ROUNDS = 5, STEP = 8192 };

static void bring_up(const char *record, double *ret_wall, double *ret_cpu)
{
	double wall = record_now_s(CLOCK_MONOTONIC), cpu = record_now_s(CLOCK_PROCESS_CPUTIME_ID);
	struct index *index = index_open(record, 0);
	char why[INDEX_ERROR];
	enum index_step step;

	if (index == NULL)
		record_stop("cannot index");
	while ((step = index_advance(index, UINT64_MAX, STEP, why)) == INDEX_STEP_MORE)
		;
	if (step != INDEX_STEP_CURRENT)
		record_stop(why);
	*ret_wall = (double)index_last(index) / (record_now_s(CLOCK_MONOTONIC) - wall);
	*ret_cpu = (record_now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)index_last(index);
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
	double from = record_now_s(CLOCK_MONOTONIC);

	for (unsigned tick = 0; tick < LAG_SECONDS * TICKS; tick++) {
		double wait = from + (double)tick / TICKS - record_now_s(CLOCK_MONOTONIC);
		uint64_t wall;

		if (wait > 0)
			usleep((useconds_t)(wait * 1e6));
		wall = (uint64_t)(record_now_s(CLOCK_REALTIME) * 1e6);
		for (unsigned i = 0; i < LAG_RATE / TICKS; i++)
			record_add(writer->ledger, wall);
		if (ledger_commit(writer->ledger, (struct ledger_time){ wall, wall * 1000 }) != 0)
			record_stop("cannot write");
		atomic_store(&writer->durable, ledger_durable(writer->ledger));
	}
	atomic_store(&writer->done, true);
	return NULL;
}

static double lag_ms(const char *folder, const char *record)
{
	struct writer writer = { .ledger = record_open(folder) };
	struct index *index = index_open(record, 0);
	char why[INDEX_ERROR];
	double longest = 0;
	pthread_t thread;

	if (index == NULL || pthread_create(&thread, NULL, write_on, &writer) != 0)
		record_stop("cannot index");
	for (;;) {
		bool done = atomic_load(&writer.done);
		uint64_t to = atomic_load(&writer.durable);

		while (index_last(index) < to) {
			double waited;

			if (index_advance(index, to, STEP, why) > INDEX_STEP_MORE)
				record_stop(why);
			waited = record_now_s(CLOCK_REALTIME) * 1e3 - (double)index_took_from_us(index) / 1e3;
			longest = index_took_from_us(index) > record_made_us && waited > longest ? waited : longest;
		}
		if (done)
			break;
		usleep(200000);
	}
	pthread_join(thread, NULL);
	index_close(index);
	ledger_close(writer.ledger, (struct ledger_time){ record_made_us, record_made_us * 1000 });
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
		double from = record_now_s(CLOCK_MONOTONIC);

		found = 0;
		if (ledger_search(&query, count, &found, &searched) != 0)
			record_stop("cannot search");
		if (!searched.by_index || searched.why[0] != '\0')
			record_stop(searched.why);
		times[i] = (record_now_s(CLOCK_MONOTONIC) - from) * 1e3;
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
		record_stop(folder);
	snprintf(record, sizeof(record), "%s/record", folder);
	made_rate = record_fill(folder, records, 100000);
	bring_up(record, &wall, &cpu);
	printf("{\"records\":%llu,\"written_per_s\":%.0f,\"indexed_per_s\":%.0f,\"index_us\":%.2f,",
	       (unsigned long long)records, made_rate, wall, cpu);
	printf("\"searches\":{");
	measure_all(record);
	printf("},\"lag_ms\":%.0f}\n", lag_ms(folder, record));
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return keep ? 0 : system(command);
}
