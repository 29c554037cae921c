#include "base/encode.h"
#include "shell/admin_parts.h"

static const char *const names[COUNTERS] = {
#define COUNTER(name, help) #name,
#define GAUGE(name, help) #name,
#include "tables/metrics.def"
};

static void number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_key(w, key);
	json_write_integer(w, value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

/* The five keys of the specification's example; "recent" is the last hour, as it is for the other two. */
static void specified(struct json_writer *w, struct keeper *keeper, const uint64_t sums[COUNTERS])
{
	struct keeper_hour hour = keeper_recorder_hour(&keeper->recorder);

	number(w, "active_connections", sums[COUNT_active_connections]);
	number(w, "blocked_ips", store_block_count(keeper->options.store, uv_hrtime()));
	number(w, "recent_security_events", hour.events);
	number(w, "auth_failures_last_hour", hour.auth_failures);
	number(w, "rate_limit_violations", hour.rate_limit_violations);
}

static void configuration(struct json_writer *w, const struct reload_state *state)
{
	char when[ENCODE_RFC3339];

	encode_rfc3339(state->wall_us, when);
	json_write_key(w, "configuration");
	json_write_open(w, '{');
	number(w, "generation", state->generation);
	json_write_key(w, "digest");
	json_write_string(w, state->digest);
	json_write_key(w, "loaded_at");
	json_write_text(w, slice(when, sizeof(when)));
	number(w, "reloads", state->taken);
	number(w, "reloads_refused", state->refused);
	json_write_key(w, "last_reload");
	json_write_string(w, state->last_refused ? "refused" : state->taken != 0 ? "taken" : "none");
	json_write_close(w, '}');
}

static void record_index(struct json_writer *w, const struct keeper *keeper)
{
	struct keeper_index_figures index = keeper_index_figures(&keeper->index);

	json_write_key(w, "record_index");
	json_write_open(w, '{');
	json_write_key(w, "state");
	json_write_string(w, index.failing ? "failing" : index.behind != 0 ? "behind" : "current");
	number(w, "last", index.last);
	number(w, "behind", index.behind);
	number(w, "lag_ms", index.lag_us / 1000);
	number(w, "rebuilds", index.rebuilds);
	json_write_close(w, '}');
}

void admin_stats_write(struct json_writer *w, struct keeper *keeper)
{
	uint64_t sums[COUNTERS];

	keeper_figures_sum(&keeper->figures, sums);
	json_write_open(w, '{');
	specified(w, keeper, sums);
	number(w, "sessions", keeper_store_session_count(keeper));
	number(w, "workers", keeper->figures.workers);
	number(w, "uptime_seconds", (uv_hrtime() - keeper->started_ns) / 1000000000);
	json_write_key(w, "version");
	json_write_string(w, FRAMEWALL_VERSION);
	record_index(w, keeper);
	configuration(w, &keeper->options.configuration);
	admin_failures_stats(w, keeper);
	admin_receivers_stats(w, keeper);
	admin_metrics_stats(w, keeper);
	json_write_key(w, "counters");
	json_write_open(w, '{');
	for (unsigned i = 0; i < COUNTERS; i++)
		number(w, names[i], sums[i]);
	json_write_close(w, '}');
	json_write_close(w, '}');
}

void admin_stats(struct admin_conn *conn)
{
	struct json_writer w = admin_answer_json(conn);

	admin_stats_write(&w, conn->admin->keeper);
	admin_answer_written(conn, 200, &w);
}
