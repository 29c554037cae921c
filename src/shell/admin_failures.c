/* Credentials that were refused in the last 1, 5 and 60 minutes, for /api/v1/stats and /metrics. Users and addresses
 * are in the former alone. */
#include <stdio.h>

#include "base/encode.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

enum { SHOWN = 10, METHODS = 16, LABELS = 256 };

static void write_counts(struct json_writer *w, const uint32_t counts[FAILURES_WINDOWS])
{
	json_write_open(w, '[');
	for (unsigned window = 0; window < FAILURES_WINDOWS; window++)
		json_write_integer(w, counts[window]);
	json_write_close(w, ']');
}

static void write_head(struct json_writer *w, const struct failures_answer *answer)
{
	json_write_key(w, "minutes");
	json_write_open(w, '[');
	for (unsigned window = 0; window < FAILURES_WINDOWS; window++)
		json_write_integer(w, keeper_failures_minutes[window]);
	json_write_close(w, ']');
	json_write_key(w, "since");
	json_write_open(w, '[');
	for (unsigned window = 0; window < FAILURES_WINDOWS; window++) {
		char when[ENCODE_RFC3339];

		encode_rfc3339(answer->since_wall_us[window], when);
		json_write_text(w, slice(when, sizeof(when)));
	}
	json_write_close(w, ']');
	json_write_key(w, "all");
	write_counts(w, answer->all);
}

static void write_names(struct json_writer *w, const char *of, const struct failures_answer *answer)
{
	json_write_key(w, of);
	json_write_open(w, '{');
	admin_text_write_number(w, "names", answer->names);
	json_write_key(w, "most");
	json_write_open(w, '{');
	for (unsigned i = 0; i < answer->count; i++) {
		json_write_key_slice(w, slice(answer->rows[i].name, answer->rows[i].size));
		write_counts(w, answer->rows[i].counts);
	}
	json_write_close(w, '}');
	json_write_key(w, "unnamed"); /* there was no room for their names */
	write_counts(w, answer->others);
	json_write_close(w, '}');
}

void admin_failures_stats(struct json_writer *w, struct keeper *keeper)
{
	struct failures_row rows[SHOWN];
	struct failures_answer answer = { .rows = rows };
	uint64_t now = clock_wall_us();

	json_write_key(w, "auth_failures");
	json_write_open(w, '{');
	for (unsigned of = 0; of < FAILURES_OF; of++) {
		keeper_failures_ask(&keeper->recorder.failures, (enum failures_of)of, now, SHOWN, &answer);
		if (of == 0)
			write_head(w, &answer);
		write_names(w, keeper_failures_words[of], &answer);
	}
	json_write_close(w, '}');
}

bool admin_failures_metrics(struct keeper *keeper, struct buf *out, struct pool *pool)
{
	struct admin_page_out page = { .out = out, .pool = pool };
	struct failures_answer answers[FAILURES_OF];
	struct failures_row rows[METHODS], most[FAILURES_OF];
	uint64_t now = clock_wall_us();
	char labels[LABELS];

	answers[FAILURES_METHOD].rows = rows;
	keeper_failures_ask(&keeper->recorder.failures, FAILURES_METHOD, now, METHODS, &answers[FAILURES_METHOD]);
	admin_series_begin(&page, SERIES_auth_failures_recent);
	for (unsigned i = 0; i < answers[FAILURES_METHOD].count; i++)
		for (unsigned window = 0; window < FAILURES_WINDOWS; window++) {
			snprintf(labels, sizeof(labels), "{method=\"%.*s\",minutes=\"%u\"}", (int)rows[i].size,
				 rows[i].name, keeper_failures_minutes[window]);
			admin_series_add(&page, SERIES_auth_failures_recent, labels, rows[i].counts[window]);
		}
	for (unsigned of = FAILURES_USER; of < FAILURES_OF; of++) {
		answers[of].rows = &most[of];
		keeper_failures_ask(&keeper->recorder.failures, (enum failures_of)of, now, 1, &answers[of]);
	}
	admin_series_begin(&page, SERIES_auth_failures_most);
	for (unsigned of = FAILURES_USER; of < FAILURES_OF; of++)
		for (unsigned window = 0; window < FAILURES_WINDOWS; window++) {
			snprintf(labels, sizeof(labels), "{of=\"%s\",minutes=\"%u\"}", keeper_failures_words[of],
				 keeper_failures_minutes[window]);
			admin_series_add(&page, SERIES_auth_failures_most, labels,
					 answers[of].count != 0 ? most[of].counts[window] : 0);
		}
	admin_series_begin(&page, SERIES_auth_failures_names);
	for (unsigned of = FAILURES_USER; of < FAILURES_OF; of++) {
		snprintf(labels, sizeof(labels), "{of=\"%s\"}", keeper_failures_words[of]);
		admin_series_add(&page, SERIES_auth_failures_names, labels, answers[of].names);
	}
	return !page.failed;
}
