/* memory.h: the inside of the world in memory, shared by memory.c (time, octets, life of connections) and memory_obey.c
 * (what the engine's events ask for). */
#ifndef PLAY_MEMORY_H
#define PLAY_MEMORY_H
#include <framewall/conn.h>

#include "base/close_reason.h"
#include "policy/policy.h"
#include "shell/hub.h"
#include "state/store.h"
#include "world.h"

#define SECOND ((uint64_t)1000000000)
enum {
	MEMORY_TURNS = 100000,
	MEMORY_FLUSH_S = 10
}; /* what waits for a side that is hung up may take so long, as in the shell */

struct link {
	struct link *next;
	struct memory *memory;
	struct fw_conn *conn;
	struct fw_addr address;
	struct peer *side[2];
	bool closed[2]; /* that side's socket is closed */
	bool hangup[2];
	uint64_t cut_ns[2]; /* when it is closed whatever waits for it; 0: not set */
	bool admitted, joined, proxied, done;
	bool held; /* it holds the session of this key */
	uint8_t session_key[32];
	bool dial_due;
	bool need_due;
	uint32_t need_id;
	struct fw_answer answer;
	bool never;		      /* the answer does not come */
	bool twice;		      /* the answer is given twice: it is of a need that takes time */
	struct store_session session; /* what the answer's slices point into, or */
	struct text texts;	      /* these, of one that was said in the play */
	struct store_api_key api_key; /* the same */
	uint64_t slow_ns;	      /* the client is not read before that */
	bool end_due;
	unsigned end_reason;
};

struct memory {
	struct world world;
	struct fw_policy *policy;
	struct fw_engine *engine;
	struct store *store;
	struct hub *hub;
	struct link *links;
	struct fw_time now;
	uint64_t seed;
	enum fault_kind fault;
	uint64_t fault_number;
	struct said *said;
	struct pool pool; /* of the records' lines */
	uint64_t sequence;
};

/* Obeys every event that waits; afterwards the octets handed over may be given back. */
void memory_obey(struct link *link);
void memory_obey_ask(struct link *link, const struct fw_need *need); /* memory_asks.c: one that takes time */
void memory_obey_supply(struct link *link);			     /* the answer that was kept for later */
void memory_obey_dialled(struct link *link); /* the connection to the upstream that was kept for later */
#endif
