#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "shell/admin_parts.h"

enum { LINE = 512 };

static const struct {
	const char *name, *help;
	bool gauge;
} rows[COUNTERS] = {
#define COUNTER(name_, help_) { #name_, help_, false },
#define GAUGE(name_, help_) { #name_, help_, true },
#include "tables/metrics.def"
#undef COUNTER
#undef GAUGE
};

struct page {
	struct admin_conn *conn;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void print(struct page *page, const char *format, ...)
{
	char line[LINE];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= sizeof(line) ||
	    buf_append(&page->conn->body, &page->conn->admin->pool, line, (size_t)size) != 0)
		page->failed = true;
}

/* The Prometheus text format, version 0.0.4: HELP and TYPE before the samples of a name. */
static void metric(struct page *page, const char *name, const char *suffix, const char *help, const char *type,
		   uint64_t value)
{
	print(page, "# HELP framewall_%s%s %s\n# TYPE framewall_%s%s %s\nframewall_%s%s %" PRIu64 "\n", name, suffix,
	      help, name, suffix, type, name, suffix, value);
}

static void counters(struct page *page, const struct keeper *keeper)
{
	uint64_t sums[COUNTERS];

	keeper_figures_sum(&keeper->figures, sums);
	for (unsigned i = 0; i < COUNTERS; i++)
		metric(page, rows[i].name, rows[i].gauge ? "" : "_total", rows[i].help,
		       rows[i].gauge ? "gauge" : "counter", sums[i]);
}

static void events(struct page *page, struct keeper *keeper)
{
	uint64_t totals[EVENT_TYPES], hour[EVENT_TYPES];

	keeper_recorder_counts(&keeper->recorder, totals, hour);
	print(page, "# HELP framewall_events_total event records by type\n# TYPE framewall_events_total counter\n");
	for (uint16_t type = 0; type < EVENT_TYPES; type++)
		print(page, "framewall_events_total{event=\"%s\"} %" PRIu64 "\n", fw_event_name(type), totals[type]);
}

void admin_metrics(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct page page = { .conn = conn };

	buf_clear(&conn->body, &conn->admin->pool);
	print(&page,
	      "# HELP framewall_build_info the program that runs; always 1\n# TYPE framewall_build_info gauge\n"
	      "framewall_build_info{version=\"%s\"} 1\n",
	      FRAMEWALL_VERSION);
	counters(&page, keeper);
	metric(&page, "workers", "", "threads that meet clients", "gauge", keeper->figures.workers);
	metric(&page, "blocked_addresses", "", "addresses on the block list", "gauge",
	       store_block_count(keeper->options.store, uv_hrtime()));
	metric(&page, "sessions", "", "sessions that can be taken up again or are in use", "gauge",
	       store_session_count(keeper->options.store));
	metric(&page, "uptime_seconds", "", "since the start", "gauge",
	       (uv_hrtime() - keeper->started_ns) / 1000000000);
	metric(&page, "record_waiting_bytes", "", "record lines that could not be written yet", "gauge",
	       atomic_load(&keeper->recorder.waiting));
	metric(&page, "messages_between_parts_refused", "_total",
	       "messages between the parts that were not what their type is", "counter",
	       ipc_refused(keeper->recorder.channel) + ipc_refused(keeper->figures.channel));
	events(&page, keeper);
	if (page.failed)
		admin_conn_close(conn);
	else
		admin_answer(conn, 200, "text/plain; version=0.0.4; charset=utf-8", "");
}
