#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "scenario/scenario.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"
#include "shell/openmetrics.h"

enum { TEXT = 512 };

static const struct {
	const char *name, *help, *type;
} rows[COUNTERS] = {
#define COUNTER(name_, help_) { #name_ "_total", help_, "counter" },
#define GAUGE(name_, help_) { #name_, help_, "gauge" },
#include "tables/metrics.def"
};

enum kept {
#define KEPT(name, type, help) KEPT_##name,
#include "tables/metrics.def"
	KEPTS
};
static const struct {
	const char *name, *help, *type;
} kept_rows[KEPTS] = {
#define KEPT(name_, type_, help_) { #name_, help_, #type_ },
#include "tables/metrics.def"
};

struct page {
	struct admin_conn *conn;
	struct buf *out;
	bool failed;
};

/* A text of snprintf: its size is what it would have been, had there been room. */
static void add(struct page *page, const char text[TEXT], int size)
{
	if (size < 0 || size >= TEXT || buf_append(page->out, &page->conn->admin->pool, text, (size_t)size) != 0)
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

static void labelled(struct page *page, enum kept row, const char *labels, uint64_t value)
{
	metric(page, kept_rows[row].name, labels, kept_rows[row].help, kept_rows[row].type, value);
}

static void kept(struct page *page, enum kept row, uint64_t value)
{
	labelled(page, row, "", value);
}

static void counters(struct page *page, const struct keeper *keeper)
{
	uint64_t sums[COUNTERS];

	keeper_figures_sum(&keeper->figures, sums);
	for (unsigned i = 0; i < COUNTERS; i++)
		metric(page, rows[i].name, "", rows[i].help, rows[i].type, sums[i]);
}

/* The names that Prometheus has for its own. */
static void configuration(struct page *page, const struct reload_state *state)
{
	char labels[RELOAD_DIGEST + 16];

	snprintf(labels, sizeof(labels), "{digest=\"%s\"}", state->digest);
	labelled(page, KEPT_config_info, labels, 1);
	kept(page, KEPT_config_generation, state->generation);
	kept(page, KEPT_config_loaded_timestamp_seconds, state->wall_us / 1000000);
	kept(page, KEPT_config_last_reload_successful, !state->last_refused);
	kept(page, KEPT_config_reloads_total, state->taken);
	kept(page, KEPT_config_reloads_refused_total, state->refused);
}

static void record_index(struct page *page, const struct keeper *keeper)
{
	struct keeper_index_figures index = keeper_index_figures(&keeper->index);
	const char *lag = kept_rows[KEPT_record_index_lag_seconds].name;
	char text[TEXT];

	kept(page, KEPT_record_index_behind, index.behind);
	add(page, text,
	    snprintf(text, sizeof(text),
		     "# HELP framewall_%s %s\n# TYPE framewall_%s gauge\nframewall_%s %" PRIu64 ".%06" PRIu64 "\n", lag,
		     kept_rows[KEPT_record_index_lag_seconds].help, lag, lag, index.lag_us / 1000000,
		     index.lag_us % 1000000));
	kept(page, KEPT_record_index_failing, index.failing);
	kept(page, KEPT_record_index_rebuilds_total, index.rebuilds);
}

/* What the specification has of /api/v1/stats, under the same names. */
static void specified(struct page *page, struct keeper *keeper)
{
	struct keeper_hour hour = keeper_recorder_hour(&keeper->recorder);

	kept(page, KEPT_blocked_ips, store_block_count(keeper->options.store, uv_hrtime()));
	kept(page, KEPT_recent_security_events, hour.events);
	kept(page, KEPT_auth_failures_last_hour, hour.auth_failures);
	kept(page, KEPT_rate_limit_violations, hour.rate_limit_violations);
}

static bool scenarios(struct keeper_scenarios *scenarios, struct buf *out, struct pool *pool)
{
	static const enum admin_series series[] = { SERIES_scenario_fired_total, SERIES_scenario_evicted_total,
						    SERIES_scenario_held_total };
	struct admin_page_out page = { .out = out, .pool = pool };
	unsigned count = (unsigned)scenarios->policy->scenario_count;
	char labels[TEXT];

	for (unsigned row = 0; count != 0 && row < sizeof(series) / sizeof(*series); row++) {
		admin_series_begin(&page, series[row]);
		for (unsigned i = 0; i < count; i++) {
			struct scenario_figures figures = keeper_scenarios_figures(scenarios, i);
			const uint64_t values[] = { figures.fired, figures.evicted, figures.held };

			snprintf(labels, sizeof(labels), "{scenario=\"%s\"}", scenarios->policy->scenarios[i].name);
			admin_series_add(&page, series[row], labels, values[row]);
		}
	}
	return !page.failed;
}

static void own(struct page *page, struct keeper *keeper)
{
	struct pool *pool = &page->conn->admin->pool;

	labelled(page, KEPT_build_info, "{version=\"" FRAMEWALL_VERSION "\"}", 1);
	kept(page, KEPT_workers, keeper->figures.workers);
	kept(page, KEPT_blocked_addresses, store_block_count(keeper->options.store, uv_hrtime()));
	specified(page, keeper);
	kept(page, KEPT_sessions, keeper_store_session_count(keeper));
	kept(page, KEPT_uptime_seconds, (uv_hrtime() - keeper->started_ns) / 1000000000);
	kept(page, KEPT_record_waiting_bytes, atomic_load(&keeper->recorder.waiting));
	record_index(page, keeper);
	kept(page, KEPT_parts_refused_total,
	     ipc_refused(keeper->recorder.channel) + ipc_refused(keeper->figures.channel));
	configuration(page, &keeper->options.configuration);
	page->failed |= !admin_metrics_families(keeper, page->out, pool);
	page->failed |= !admin_failures_metrics(keeper, page->out, pool);
	page->failed |= !admin_receivers_metrics(keeper, page->out, pool);
	page->failed |= !admin_alerts_metrics(keeper, page->out, pool);
	page->failed |= !admin_threats_metrics(keeper, page->out, pool);
	page->failed |= !scenarios(&keeper->scenarios, page->out, pool);
}

static struct fw_slice written(struct buf *buf)
{
	return slice(buf_data(buf), buf_size(buf));
}

/* What workers count begins with the gate, the rest with the keeper. */
static void open_page(struct page *page, struct keeper *keeper)
{
	struct admin_conn *conn = page->conn;
	struct pool *pool = &conn->admin->pool;
	struct buf plain = { 0 };

	page->out = &plain;
	counters(page, keeper);
	page->failed |= !openmetrics_turn(written(&plain), keeper->figures.begun_us, &conn->body, pool);
	buf_clear(&plain, pool);
	own(page, keeper);
	page->failed |= !openmetrics_turn(written(&plain), keeper->figures.own_begun_us, &conn->body, pool);
	buf_clear(&plain, pool);
	page->failed |= buf_append(&conn->body, pool, "# EOF\n", 6) != 0;
}

void admin_metrics(struct admin_conn *conn)
{
	const struct http1_field *accept = http1_find(&conn->head, "accept", NULL);
	bool open = accept != NULL && openmetrics_wanted(accept->value);
	struct keeper *keeper = conn->admin->keeper;
	struct page page = { .conn = conn, .out = &conn->body };

	buf_clear(&conn->body, &conn->admin->pool);
	if (open) {
		open_page(&page, keeper);
	} else {
		counters(&page, keeper);
		own(&page, keeper);
	}
	if (page.failed)
		admin_conn_close(conn);
	else
		admin_answer(conn, 200, open ? OPENMETRICS_TYPE : "text/plain; version=0.0.4; charset=utf-8",
			     "Vary: Accept\r\n");
}
