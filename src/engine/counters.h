/* counters.h: the figures of one engine, rows of tables/metrics.def. Read by the thread that owns the engine. */
#ifndef ENGINE_COUNTERS_H
#define ENGINE_COUNTERS_H
#include <framewall/conn.h>

enum counter {
#define COUNTER(name, help) COUNT_##name,
#define GAUGE(name, help) COUNT_##name,
#include "tables/metrics.def"
	COUNTERS
};

/* COUNTERS words, indexed by enum counter. Valid as long as the engine. */
const uint64_t *engine_counters(const struct fw_engine *engine);
/* Which engine (fw_engine_options.number) gave this id to a connection. Any thread. */
unsigned engine_number(uint64_t connection_id);

/* What is known of a connection, for whoever watches. Texts live as long as its policy. */
struct engine_conn_figures {
	struct fw_slice route; /* its path in the configuration; empty: not known yet */
	bool open, proxied;    /* messages pass; to a server behind */
	uint32_t messages_in, messages_out;
	uint64_t last_message_ns; /* 0: none came */
};
struct engine_conn_figures engine_conn_figures(const struct fw_conn *conn);
#endif
