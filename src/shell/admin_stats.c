#include "base/encode.h"
#include "shell/admin_parts.h"

enum { EVENTS_DEFAULT = 100 };

static const char *const names[COUNTERS] = {
#define COUNTER(name, help) #name,
#define GAUGE(name, help) #name,
#include "tables/metrics.def"
#undef COUNTER
#undef GAUGE
};

static void number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_key(w, key);
	json_write_integer(w, value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

/* The five keys of the specification's example; "recent" is the last hour, as it is for the other two. */
static void specified(struct json_writer *w, struct keeper *keeper, const uint64_t sums[COUNTERS])
{
	uint64_t totals[EVENT_TYPES], hour[EVENT_TYPES], recent = 0;

	keeper_recorder_counts(&keeper->recorder, totals, hour);
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		recent += hour[type];
	number(w, "active_connections", sums[COUNT_active_connections]);
	number(w, "blocked_ips", store_block_count(keeper->options.store, uv_hrtime()));
	number(w, "recent_security_events", recent);
	number(w, "auth_failures_last_hour", hour[EVENT_auth_failure]);
	number(w, "rate_limit_violations", hour[EVENT_rate_limit_violation]);
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

void admin_stats(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct json_writer w = admin_answer_json(conn);
	uint64_t sums[COUNTERS];

	keeper_figures_sum(&keeper->figures, sums);
	json_write_open(&w, '{');
	specified(&w, keeper, sums);
	number(&w, "sessions", keeper_store_session_count(keeper));
	number(&w, "workers", keeper->figures.workers);
	number(&w, "uptime_seconds", (uv_hrtime() - keeper->started_ns) / 1000000000);
	json_write_key(&w, "version");
	json_write_string(&w, FRAMEWALL_VERSION);
	record_index(&w, keeper);
	configuration(&w, &keeper->options.configuration);
	json_write_key(&w, "counters");
	json_write_open(&w, '{');
	for (unsigned i = 0; i < COUNTERS; i++)
		number(&w, names[i], sums[i]);
	json_write_close(&w, '}');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static bool read_limit(struct fw_slice query, unsigned *ret_limit)
{
	struct fw_slice text;

	*ret_limit = EVENTS_DEFAULT;
	if (query.size == 0)
		return true;
	if (!http1_query(query, "limit", &text) || text.size == 0 || text.size > 4)
		return false;
	*ret_limit = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*ret_limit = *ret_limit * 10 + (unsigned)(text.data[i] - '0');
	}
	return *ret_limit >= 1 && *ret_limit <= LIMIT_RECORD_RING;
}

void admin_stats_events(struct admin_conn *conn)
{
	struct admin *admin = conn->admin;
	unsigned limit;

	if (!read_limit(conn->head.query, &limit)) {
		admin_answer_problem(conn, 400,
				     "limit must be a number from 1 to 1000, and nothing else may be asked for", "");
		return;
	}
	buf_clear(&conn->body, &admin->pool);
	/* The lines are JSON already; they are not written a second time. */
	if (buf_append(&conn->body, &admin->pool, "{\"events\":[", 11) != 0 ||
	    keeper_recorder_list(&admin->keeper->recorder, limit, &conn->body, &admin->pool) != 0 ||
	    buf_append(&conn->body, &admin->pool, "]}\n", 3) != 0)
		admin_conn_close(conn);
	else
		admin_answer(conn, 200, "application/json", "");
}
