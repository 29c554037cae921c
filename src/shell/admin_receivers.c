/* How far the receivers of the record are: for /api/v1/stats and /metrics. */
#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "shell/admin_parts.h"

static const struct {
	const char *name, *help;
	size_t member;
	uint64_t divisor;
	bool gauge;
} figures[] = {
#define FIGURE(name, member, divisor, gauge, help)                                                                     \
	{                                                                                                              \
		name, help, offsetof(struct sender_status, member), divisor, gauge                                     \
	}
	FIGURE("delivered", delivered, 1, true, "the last record that was sent to a receiver"),
	FIGURE("certain", certain, 1, true, "the last record that a receiver has for certain"),
	FIGURE("behind_records", behind, 1, true, "records that were not sent to a receiver yet"),
	FIGURE("behind_seconds", behind_ms, 1000, true, "age of the first record that waits for a receiver"),
	FIGURE("sent", sent, 1, false, "records sent to a receiver"),
	FIGURE("sent_again", sent_again, 1, false,
	       "records sent to a receiver once more, because they may have been lost"),
	FIGURE("failures", failures, 1, false,
	       "times that a receiver was not reached or did not take what it was sent"),
	FIGURE("refused", refused, 1, false, "records that a receiver refused for what they are: dead letters"),
	FIGURE("lost", lost, 1, false, "records that were gone before a receiver had them"),
#undef FIGURE
};
enum { FIGURES = sizeof(figures) / sizeof(*figures), LINE = 512 };

static uint64_t value_of(const struct sender_status *status, unsigned i)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)status + figures[i].member, sizeof(value));
	return value / figures[i].divisor;
}

void admin_receivers_stats(struct json_writer *w, struct keeper *keeper)
{
	struct sender_status all[LIMIT_RECEIVERS];
	unsigned count = senders_status(keeper->senders, all);
	char when[ENCODE_RFC3339];

	json_write_key(w, "receivers");
	json_write_open(w, '{');
	for (unsigned i = 0; i < count; i++) {
		json_write_key(w, all[i].name);
		json_write_open(w, '{');
		json_write_key(w, "state");
		json_write_string(w, all[i].state);
		for (unsigned row = 0; row < FIGURES; row++) {
			json_write_key(w, figures[row].name);
			json_write_integer(w, (int64_t)value_of(&all[i], row));
		}
		if (all[i].error[0] != '\0') {
			encode_rfc3339(all[i].error_wall_us, when);
			json_write_key(w, "last_error");
			json_write_string(w, all[i].error);
			json_write_key(w, "last_error_at");
			json_write_text(w, slice(when, sizeof(when)));
		}
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
}

bool admin_receivers_metrics(struct keeper *keeper, struct buf *out, struct pool *pool)
{
	struct sender_status all[LIMIT_RECEIVERS];
	unsigned count = senders_status(keeper->senders, all);
	bool holds = true;
	char line[LINE];

	for (unsigned row = 0; count != 0 && row < FIGURES; row++) {
		const char *name = figures[row].name, *total = figures[row].gauge ? "" : "_total";
		int size = snprintf(line, sizeof(line),
				    "# HELP framewall_receiver_%s%s %s\n# TYPE framewall_receiver_%s%s %s\n", name,
				    total, figures[row].help, name, total, figures[row].gauge ? "gauge" : "counter");

		holds = holds && buf_append(out, pool, line, (size_t)size) == 0;
		for (unsigned i = 0; i < count; i++) {
			size = snprintf(line, sizeof(line), "framewall_receiver_%s%s{receiver=\"%s\"} %" PRIu64 "\n",
					name, total, all[i].name, value_of(&all[i], row));
			holds = holds && buf_append(out, pool, line, (size_t)size) == 0;
		}
	}
	return holds;
}
