/* rehearsal_parts.h: the inside of a rehearsal, for rehearsal*.c. */
#ifndef SHELL_REHEARSAL_PARTS_H
#define SHELL_REHEARSAL_PARTS_H
#include "base/pool.h"
#include "codec/ws.h"
#include "engine/trial.h"
#include "shell/random.h"
#include "shell/rehearsal.h"
#include "state/store.h"

enum { REHEARSAL_TEXT = 1024, REHEARSAL_PERMISSIONS = 2048 };

/* An end of the connection: the client, or the server behind. */
struct rehearsal_end {
	struct buf in; /* octets that came and were not read */
	struct ws_reader reader;
	bool framed;	/* its handshake is over */
	unsigned close; /* code of a close frame that came; 0: none */
};

/* What was seen since the call began. */
struct rehearsal_seen {
	char stage[40], code[40], rule[64], reason[REHEARSAL_TEXT], type[128];
	bool refused;	 /* by a stage */
	bool told;	 /* the client got an error */
	bool passed_on;	 /* something went on, be it empty */
	char cause[512]; /* of a record */
	char error[40];	 /* that the client was told */
};

/* What of a rehearsal is of one connection. */
struct rehearsal_seat {
	struct fw_conn *conn; /* NULL: none */
	struct fw_addr address;
	struct rehearsal_end client, server;
	bool proxied, admitted, upgraded, open, over, held;
	uint8_t session_key[32];
};

struct rehearsal {
	struct fw_policy *policy;
	struct fw_engine *engine;
	struct store *store;
	struct random_stock random;
	struct pool pool;
	struct fw_time now;
	fw_trace_function *trace;
	void *trace_user;
	const struct rehearsal_user *users;
	size_t user_count;

	struct rehearsal_seat own, *seat; /* seat: that is sat in; own: where it is sat at first */
	struct engine_trial trial;
	char permissions[REHEARSAL_PERMISSIONS];
	bool was_open; /* when the call began */
	bool outbound; /* what the client gets is what is looked at */
	bool failed;   /* memory is short */
	unsigned status;

	struct rehearsal_seen seen;
	struct buf went, reply;
	bool went_binary;
};

/* rehearsal.c */
void rehearsal_begin(struct rehearsal *rehearsal, bool outbound); /* forgets what was seen before */
/* where: what judged it when no stage did. FW_OK or FW_ERR_MEMORY. */
int rehearsal_end(struct rehearsal *rehearsal, const char *where, struct rehearsal_result *ret_result);
/* Octets of a side, in a block of their own: the engine changes them in place. mask: of octets; NULL: none */
void rehearsal_give(struct rehearsal *rehearsal, enum fw_side side, struct fw_slice head, struct fw_slice octets,
		    const uint8_t *mask);
void rehearsal_settle(struct rehearsal *rehearsal); /* until nobody has anything more to say */
void rehearsal_leave(struct rehearsal *rehearsal);  /* ends the connection; there may be none */
/* rehearsal_needs.c: what a server's store would answer. */
void rehearsal_need(struct rehearsal *rehearsal, const struct fw_need *need);
/* rehearsal_seen.c: what of it is told. */
fw_trace_function rehearsal_see_stage;
void rehearsal_see_record(struct rehearsal *rehearsal, const struct fw_record *record);
void rehearsal_see_reply(struct rehearsal *rehearsal, struct fw_slice message);
#endif
