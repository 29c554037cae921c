#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/event_type.h"
#include "base/slice.h"

#include "memory.h"

enum { BATCH = 1000 };

uint64_t record_made_us = UINT64_C(1700000000) * 1000000;
uint64_t record_made;

double record_now_s(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

_Noreturn void record_stop(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

/* Few make most of it, many make some: the smaller of two even ones, twice. */
static unsigned skewed(unsigned below)
{
	uint64_t one = memory_word() >> 20, other = memory_word() >> 20;

	return (unsigned)((one % below) * (other % below) / below);
}

void record_make(uint64_t wall_us, struct record_texts *texts, struct fw_record *ret_record)
{
	static const uint16_t types[] = { EVENT_auth_success,	      EVENT_websocket_connected,
					  EVENT_websocket_disconnect, EVENT_data_access,
					  EVENT_data_access,	      EVENT_invalid_message,
					  EVENT_rate_limit_violation, EVENT_auth_failure };
	static const char *const causes[] = { "the signature does not hold", "token has expired", "no such user",
					      "more than 60 messages a minute", "field text is too long" };
	struct fw_record record = { .wall_us = wall_us, .detail_count = 2 };

	record.type = record_made % 100000 == 7 ? EVENT_ip_blocked : types[memory_word() % 8];
	record.level = event_type_level(record.type);
	record.source = (struct fw_addr){ 4, { 10 } };
	for (unsigned i = 1; i < 4; i++)
		record.source.bytes[i] = (uint8_t)(skewed(50000) >> (8 * (3 - i)));
	record.connection_id = record_made / 12 + 1;
	record.user_id =
		slice(texts->user, (size_t)snprintf(texts->user, sizeof(texts->user), "user-%u", skewed(20000)));
	record.session_id =
		slice(texts->session, (size_t)snprintf(texts->session, sizeof(texts->session), "s%016llx",
						       (unsigned long long)(record_made / 12) * 2654435761u));
	for (unsigned i = 0; i < FW_EVENT_ID_SIZE; i++)
		record.event_id[i] = "0123456789abcdef"[memory_word() >> 40 & 15];
	record.details[0] = (struct fw_detail){ "cause", FW_DETAIL_TEXT, slice_text(causes[memory_word() % 5]), 0 };
	record.details[1] = (struct fw_detail){ "bytes", FW_DETAIL_INTEGER, { 0 }, (int64_t)(memory_word() % 4096) };
	record_made++;
	*ret_record = record;
}

void record_add(struct ledger *ledger, uint64_t wall_us)
{
	struct record_texts texts;
	struct fw_record record;

	record_make(wall_us, &texts, &record);
	if (ledger_add(ledger, &record, NULL) != 0)
		record_stop("cannot add a record");
}

struct ledger *record_open(const char *folder)
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
	ledger = ledger_open(&options, (struct ledger_time){ record_made_us, 1 }, &failed);
	if (ledger == NULL)
		record_stop(failed);
	record_made = ledger_sequence(ledger);
	return ledger;
}

double record_fill(const char *folder, uint64_t count, uint64_t step_us)
{
	struct ledger *ledger = record_open(folder);
	double from = record_now_s(CLOCK_MONOTONIC);

	while (record_made < count) {
		for (unsigned i = 0; i < BATCH && record_made < count; i++)
			record_add(ledger, record_made_us += step_us);
		if (ledger_commit(ledger, (struct ledger_time){ record_made_us, record_made_us * 1000 }) != 0)
			record_stop("cannot write");
	}
	ledger_close(ledger, (struct ledger_time){ record_made_us, record_made_us * 1000 });
	return (double)count / (record_now_s(CLOCK_MONOTONIC) - from);
}
