/* tallies.h: the figures of one engine that have labels: what became of the messages of a route and type, which stage
 * stopped them, what inspection found, how long judging took. A word is what came since tallies_told: whoever tells
 * somebody else sends the words and has them begin anew. Read by the thread that owns the engine. */
#ifndef ENGINE_TALLIES_H
#define ENGINE_TALLIES_H
#include <framewall/conn.h>

#include "policy/inspect.h"

enum decision {
#define DECISION(name, help) DECISION_##name,
#include "tables/decisions.def"
#undef DECISION
	DECISIONS
};

enum {
#define LATENCY(nanoseconds, seconds) +1
	TALLY_BUCKETS = 0
#include "tables/latency.def"
	,
#undef LATENCY
	TALLY_NAME = 64, /* with its NUL; a longer one is cut, and is one with others that begin likewise */
	TALLY_STAGES = 32,
	TALLY_SERIES = 256, /* of an engine; what has no place any more is counted under "other" */
	TALLY_KNOWN = 64    /* places of the cache of them */
};

/* Each bucket by itself, the last for what is longer than all. */
struct tally_histogram {
	uint64_t buckets[TALLY_BUCKETS + 1];
	uint64_t sum_ns;
};

/* Nothing but words: it is sent as such, those that are not 0. */
struct tally_fixed {
	uint64_t stops[2][TALLY_STAGES][DECISIONS]; /* [outbound] by index of pipeline_stages */
	uint64_t findings[DETECT_CLASSES][DECISIONS];
	struct tally_histogram stages[2][TALLY_STAGES];
	struct tally_histogram judging[2];
};
enum { TALLY_WORDS = sizeof(struct tally_fixed) / sizeof(uint64_t) };

struct tally_series {
	char route[TALLY_NAME], type[TALLY_NAME];
	uint64_t outbound;
	uint64_t counts[DECISIONS];
};

struct tallies {
	struct tally_fixed fixed;
	unsigned count;
	struct tally_series series[TALLY_SERIES + 2]; /* behind them the two that are called "other" */
	struct {
		const void *route, *type; /* of a policy that lives */
		uint8_t outbound;
		struct tally_series *series; /* NULL: free */
	} known[TALLY_KNOWN];
};

const struct tallies *engine_tallies(const struct fw_engine *engine);
/* The words up to now are somebody else's; names stay. */
void engine_tallies_told(struct fw_engine *engine, bool series); /* those, or the fixed ones */
/* From now on messages are counted, and one in some dozens is timed by that clock, in nanoseconds. NULL, as at first:
 * nothing is. */
typedef uint64_t engine_clock_function(void);
void engine_watch(struct fw_engine *engine, engine_clock_function *clock);
#endif
