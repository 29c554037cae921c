/* How far the receivers of the record are: for /api/v1/stats and /metrics. */
#include <stdio.h>

#include "base/encode.h"
#include "shell/admin_parts.h"

/* name: in stats. */
static const struct {
	const char *name;
	size_t member;
	uint64_t divisor;
	enum admin_series series;
} figures[] = {
#define FIGURE(name, member, divisor, series)                                                                          \
	{                                                                                                              \
		name, offsetof(struct sender_status, member), divisor, SERIES_receiver_##series                        \
	}
	FIGURE("delivered", delivered, 1, delivered),
	FIGURE("certain", certain, 1, certain),
	FIGURE("behind_records", behind, 1, behind_records),
	FIGURE("behind_seconds", behind_ms, 1000, behind_seconds),
	FIGURE("sent", sent, 1, sent_total),
	FIGURE("sent_again", sent_again, 1, sent_again_total),
	FIGURE("failures", failures, 1, failures_total),
	FIGURE("refused", refused, 1, refused_total),
	FIGURE("lost", lost, 1, lost_total),
#undef FIGURE
};
enum { FIGURES = sizeof(figures) / sizeof(*figures), LABELS = 256 };

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
	struct admin_page_out page = { .out = out, .pool = pool };
	struct sender_status all[LIMIT_RECEIVERS];
	unsigned count = senders_status(keeper->senders, all);
	char labels[LABELS];

	for (unsigned row = 0; count != 0 && row < FIGURES; row++) {
		admin_series_begin(&page, figures[row].series);
		for (unsigned i = 0; i < count; i++) {
			snprintf(labels, sizeof(labels), "{receiver=\"%.*s\"}", LABELS / 2, all[i].name);
			admin_series_add(&page, figures[row].series, labels, value_of(&all[i], row));
		}
	}
	return !page.failed;
}
