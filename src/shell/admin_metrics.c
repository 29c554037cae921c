#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "shell/admin_parts.h"

enum { TEXT = 512 };

static const struct {
	const char *name, *help, *type;
} rows[COUNTERS] = {
#define COUNTER(name_, help_) { #name_ "_total", help_, "counter" },
#define GAUGE(name_, help_) { #name_, help_, "gauge" },
#include "tables/metrics.def"
#undef COUNTER
#undef GAUGE
};

struct page {
	struct admin_conn *conn;
	bool failed;
};

/* A text of snprintf: its size is what it would have been, had there been room. */
static void add(struct page *page, const char text[TEXT], int size)
{
	if (size < 0 || size >= TEXT ||
	    buf_append(&page->conn->body, &page->conn->admin->pool, text, (size_t)size) != 0)
		page->failed = true;
}

/* The Prometheus text format, version 0.0.4: HELP and TYPE before the samples of a name. labels: "" or "{…}". */
static void metric(struct page *page, const char *name, const char *labels, const char *help, const char *type,
		   uint64_t value)
{
	char text[TEXT];

	add(page, text,
	    snprintf(text, sizeof(text), "# HELP framewall_%s %s\n# TYPE framewall_%s %s\nframewall_%s%s %" PRIu64 "\n",
		     name, help, name, type, name, labels, value));
}

static void gauge(struct page *page, const char *name, const char *help, uint64_t value)
{
	metric(page, name, "", help, "gauge", value);
}

static void counters(struct page *page, const struct keeper *keeper)
{
	uint64_t sums[COUNTERS];

	keeper_figures_sum(&keeper->figures, sums);
	for (unsigned i = 0; i < COUNTERS; i++)
		metric(page, rows[i].name, "", rows[i].help, rows[i].type, sums[i]);
}

static void events(struct page *page, struct keeper *keeper)
{
	uint64_t totals[EVENT_TYPES], hour[EVENT_TYPES];
	char text[TEXT];

	keeper_recorder_counts(&keeper->recorder, totals, hour);
	add(page, text,
	    snprintf(text, sizeof(text),
		     "# HELP framewall_events_total event records by type\n# TYPE framewall_events_total counter\n"));
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		add(page, text,
		    snprintf(text, sizeof(text), "framewall_events_total{event=\"%s\"} %" PRIu64 "\n",
			     fw_event_name((uint16_t)type), totals[type]));
}

/* The names that Prometheus has for its own. */
static void configuration(struct page *page, const struct reload_state *state)
{
	char labels[RELOAD_DIGEST + 16];

	snprintf(labels, sizeof(labels), "{digest=\"%s\"}", state->digest);
	metric(page, "config_info", labels, "the configuration in use; always 1", "gauge", 1);
	gauge(page, "config_generation", "configurations that were in use, this one among them", state->generation);
	gauge(page, "config_loaded_timestamp_seconds", "since 1970, when the configuration in use was read",
	      state->wall_us / 1000000);
	gauge(page, "config_last_reload_successful", "1, or 0 when the last one was refused", !state->last_refused);
	metric(page, "config_reloads_total", "", "reloads that were taken", "counter", state->taken);
	metric(page, "config_reloads_refused_total", "", "reloads whose configuration did not hold", "counter",
	       state->refused);
}

static void record_index(struct page *page, const struct keeper *keeper)
{
	struct keeper_index_figures index = keeper_index_figures(&keeper->index);
	char text[TEXT];

	gauge(page, "record_index_behind", "records that the index has not come to, which searches read", index.behind);
	add(page, text,
	    snprintf(text, sizeof(text),
		     "# HELP framewall_record_index_lag_seconds how long the latest records waited to be indexed\n"
		     "# TYPE framewall_record_index_lag_seconds gauge\n"
		     "framewall_record_index_lag_seconds %" PRIu64 ".%06" PRIu64 "\n",
		     index.lag_us / 1000000, index.lag_us % 1000000));
	gauge(page, "record_index_failing", "1 while the record cannot be indexed", index.failing);
	metric(page, "record_index_rebuilds_total", "", "times that the index was made anew", "counter",
	       index.rebuilds);
}

void admin_metrics(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct store *store = keeper->options.store;
	struct page page = { .conn = conn };

	buf_clear(&conn->body, &conn->admin->pool);
	metric(&page, "build_info", "{version=\"" FRAMEWALL_VERSION "\"}", "the program that runs; always 1", "gauge",
	       1);
	counters(&page, keeper);
	gauge(&page, "workers", "threads that meet clients", keeper->figures.workers);
	gauge(&page, "blocked_addresses", "addresses on the block list", store_block_count(store, uv_hrtime()));
	gauge(&page, "sessions", "sessions in use, or that can be taken up again", keeper_store_session_count(keeper));
	gauge(&page, "uptime_seconds", "since the start", (uv_hrtime() - keeper->started_ns) / 1000000000);
	gauge(&page, "record_waiting_bytes", "record lines that could not be written yet",
	      atomic_load(&keeper->recorder.waiting));
	record_index(&page, keeper);
	metric(&page, "parts_refused_total", "", "messages between the parts that were not what their type is",
	       "counter", ipc_refused(keeper->recorder.channel) + ipc_refused(keeper->figures.channel));
	configuration(&page, &keeper->options.configuration);
	events(&page, keeper);
	page.failed |= !admin_receivers_metrics(keeper, &conn->body, &conn->admin->pool);
	page.failed |= !admin_alerts_metrics(keeper, &conn->body, &conn->admin->pool);
	page.failed |= !admin_threats_metrics(keeper, &conn->body, &conn->admin->pool);
	page.failed |= !keeper_scenarios_metrics(&keeper->scenarios, &conn->body, &conn->admin->pool);
	if (page.failed)
		admin_conn_close(conn);
	else
		admin_answer(conn, 200, "text/plain; version=0.0.4; charset=utf-8", "");
}
