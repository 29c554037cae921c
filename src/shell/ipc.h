/* ipc.h: typed, size-checked messages between gate and keeper: the rows of tables/ipc.def. A channel is a bounded queue
 * with one reader and any number of writers, which are threads of one process; the reader may be another process (see
 * ipc_channel_share), and believes nothing of what it finds. The parts share nothing else that changes. */
#ifndef SHELL_IPC_H
#define SHELL_IPC_H
#include <framewall/conn.h>
#include <framewall/event.h>

#include "state/store.h"

struct ipc_empty {
	uint8_t unused;
};
struct ipc_record {		 /* followed by the texts, each with its NUL: user_id, session_id, keys of details; */
	struct fw_record record; /* slices hold sizes only, keys are NULL */
	uint64_t sequence;	 /* of the worker, from 1 on, so that a gap shows */
	uint32_t generation;	 /* of the gate */
	uint16_t worker;
	uint8_t key_sizes[FW_RECORD_DETAILS];
};
struct ipc_figures {
	uint16_t worker;
	uint64_t counters[64]; /* rows of metrics.def, in order */
};
struct ipc_tallies { /* followed by many struct ipc_tally_word, or struct tally_series */
	uint16_t worker;
};
struct ipc_tally_word {
	uint64_t value; /* more than there was */
	uint64_t word;	/* of struct tally_fixed */
};
struct ipc_ask_connections {
	uint32_t call;
	uint32_t most;		/* of a worker */
	struct fw_addr address; /* only those from there; family 0: from anywhere */
	uint32_t user_size;	/* only those of this user; 0: of anybody */
	char user_id[128];
	uint64_t id; /* only this one; 0: any */
};
struct ipc_connection { /* followed by user_id, role, session_id, route */
	uint32_t call;
	uint16_t worker;
	bool open, tls, proxied;
	uint32_t age_s, idle_s; /* since it came, since its last message */
	uint32_t messages_in, messages_out;
	uint32_t user_size, role_size, session_size, route_size;
	uint64_t id;
	struct fw_addr address;
};
struct ipc_connections {
	uint32_t call;
	uint16_t worker;
	uint32_t matched; /* more than were sent */
};
struct ipc_end_connection {
	uint64_t id;
	uint32_t reason; /* row of closes.def */
};
/* Both are secret: what held them is wiped when they are taken. */
struct ipc_ask {	     /* followed by user_id and key */
	uint64_t connection; /* its id */
	uint32_t need_id;
	uint32_t generation; /* of the gate: an answer to another one is nobody's */
	uint16_t worker;
	uint16_t kind; /* enum fw_need_kind */
	uint32_t user_size, key_size;
	int64_t number;
	struct fw_addr address;
};
struct ipc_answer {	     /* followed by user_id, role, claims and cause */
	uint64_t connection; /* the four of the ask */
	uint32_t need_id;
	uint32_t generation;
	uint16_t kind;
	uint16_t code; /* enum fw_answer_code */
	uint32_t retry_after_ms;
	uint32_t user_size, role_size, claims_size, cause_size;
	uint64_t expires_wall_us, issued_wall_us, credential;
};
struct ipc_capture {   /* followed by a line of a capture, redacted, without its end */
	uint64_t lost; /* messages before it that found no room */
};
struct ipc_drain {
	uint32_t seconds; /* after which what is left is cut */
};
struct ipc_end_session {
	char session_id[32];
	uint32_t size;
	uint32_t reason; /* row of closes.def */
};
struct ipc_end_user {
	char user_id[128];
	uint32_t size;
	uint32_t reason; /* row of closes.def */
};
struct ipc_key_ends {
	char key_id[8];
	uint64_t wall_us; /* 0: now */
};
struct ipc_end_origin {
	uint8_t marks[2][16]; /* zeros: none */
	uint32_t reason;      /* row of closes.def */
};
struct ipc_end_address {
	struct fw_addr address;
};
struct ipc_broadcast {	 /* followed by the message */
	char type[64];	 /* name of the outbound type, since policies may number them otherwise; "": none */
	uint64_t except; /* connection id that does not get it; 0: none */
	uint64_t only;	 /* connection id that alone gets it; 0: all */
	uint16_t worker; /* that sent it; UINT16_MAX: none */
	bool binary;
};

struct ipc_gate_begins {
	uint32_t generation; /* of the gate: one more with each start */
	uint16_t workers;
	bool knows; /* it runs already, and was asked who it is */
};
struct ipc_blocked {
	struct store_block block;
};
struct ipc_key_used {
	char key_id[8];
	uint64_t wall_us;
};
/* BEGIN to READY: all that a gate must know before it takes connections. */
enum ipc_store_op {
	IPC_STORE_BEGIN, /* numbers[0]: generation */
	IPC_STORE_READY,
	IPC_STORE_WHO,	    /* GATE_BEGINS, and BLOCKED for each block */
	IPC_STORE_BLOCK,    /* rest: struct store_block */
	IPC_STORE_UNBLOCK,  /* address, or (family 0) text: user */
	IPC_STORE_STANDING, /* address, or (family 0) text: user */
	IPC_STORE_OFFEND,   /* address, text: user, numbers: points and life of a first block, flag: exempt; mark[0]: of
			     * the user alone; rest: why; a struct store_penalty comes before the answer */
	IPC_STORE_LOGOUT,   /* mark, numbers: before, until */
	IPC_STORE_REVOKE,   /* text: user; numbers[0]: before; flag: disabled; rest: reason */
	IPC_STORE_RESTORE,  /* text: user */
	IPC_STORE_KEY,	    /* rest: struct store_api_key; numbers[0]: now */
	IPC_STORE_END_KEY,  /* text: id: its sessions */
	IPC_STORE_END_USER,
	IPC_STORE_END_SESSION,
	IPC_STORE_SESSIONS, /* text: user, or none; numbers[0]: how many at most */
	IPC_STORE_COUNT,    /* sessions */
	IPC_STORE_LOG,	    /* text: log levels */
	IPC_STORE_RESTRICT, /* rest: struct store_restriction */
	IPC_STORE_KEY_SET,  /* text: issuer; numbers: when, age; mark: size of url; rest: url, set */
	IPC_STORE_OPS
};
struct ipc_store {     /* followed by text and rest */
	uint32_t call; /* to be answered under this number; 0: not */
	uint16_t op;
	uint16_t text_size;
	bool flag;
	struct fw_addr address;
	uint64_t numbers[2];
	uint8_t mark[16];
};
struct ipc_store_done {
	uint32_t call;
	bool more; /* another one comes for this call */
	bool held; /* of the session behind it: a connection has it */
	int64_t result;
};

enum ipc_type {
#define IPC(name, direction, payload, help) IPC_##name,
#include "tables/ipc.def"
#undef IPC
	IPC_TYPES
};

struct ipc_channel;
/* size: bytes that may wait. wake(user) is called from the sending thread when the queue was empty (uv_async_send);
 * NULL: the reader waits in ipc_wait. */
struct ipc_channel *ipc_channel_new(size_t size, void (*wake)(void *user), void *user);
/* The same in memory that processes share which are forked from now on. Who reads and who writes calls ipc_join first,
 * in his process. has_fd: the reader is woken through ipc_fd; otherwise it waits in ipc_wait. */
struct ipc_channel *ipc_channel_share(size_t size, bool has_fd);
/* From where the last reader or writer, who is gone, came to. generation: goes with every record. */
void ipc_join(struct ipc_channel *channel, uint32_t generation);
int ipc_fd(const struct ipc_channel *channel); /* readable when messages have come, until it is cleared */
void ipc_fd_clear(struct ipc_channel *channel);
/* What was received stays in memory until ipc_release, and is received again by the next reader when this one dies. */
void ipc_keep(struct ipc_channel *channel);
void ipc_release(struct ipc_channel *channel);
struct ipc_channel *ipc_channel_free(struct ipc_channel *channel);
/* payload must have the size of its type. wait: block until there is room (a record is never dropped); otherwise false
 * when full; for a broadcast that is when the last sixteenth is left. */
bool ipc_send(struct ipc_channel *channel, enum ipc_type type, const void *payload, size_t size, struct fw_slice tail,
	      bool wait);
/* The same without waiting, with a number for the reader. */
bool ipc_send_to(struct ipc_channel *channel, uint16_t to, enum ipc_type type, const void *payload, size_t size,
		 struct fw_slice tail);
size_t ipc_size(enum ipc_type type);		    /* of its payload */
uint16_t ipc_to(const struct ipc_channel *channel); /* of the message received last */
/* Takes the oldest message: copies its payload (room bytes at most; a size that is not the type's is refused and
 * counted) and its tail into the channel's own buffer, valid until the next call. False when empty. */
bool ipc_receive(struct ipc_channel *channel, enum ipc_type *ret_type, void *ret_payload, size_t room,
		 struct fw_slice *ret_tail);
void ipc_wait(struct ipc_channel *channel, uint64_t timeout_ns); /* until not empty, woken or timed out */
/* Lets messages come together: until half full, a sender waits for room, woken or timed out. */
void ipc_gather(struct ipc_channel *channel, uint64_t timeout_ns);
void ipc_wake(struct ipc_channel *channel);
/* Any thread: the reader cannot keep what it is sent; whoever sends may want to know before he does what is recorded.
 */
void ipc_set_stuck(struct ipc_channel *channel, bool stuck);
bool ipc_is_stuck(const struct ipc_channel *channel);
/* Any thread: three quarters are full, so that whoever can wait should: a sender that must not may soon have to. */
bool ipc_is_crowded(const struct ipc_channel *channel);
uint64_t ipc_refused(struct ipc_channel *channel); /* messages that were not what their type is */

/* The same without waiting, for a need and an answer. False: the channel is full, or a text is larger than
 * LIMIT_CLAIMS. Reading is false for a message that does not hold together. */
bool ipc_send_ask(struct ipc_channel *channel, uint64_t connection, const struct fw_need *need, uint16_t worker);
uint32_t ipc_generation(const struct ipc_channel *channel); /* of ipc_join */
/* Of this channel and no other one of this machine since it was switched on, in whatever process. */
uint64_t ipc_identity(const struct ipc_channel *channel);
bool ipc_read_ask(const struct ipc_ask *message, struct fw_slice tail, struct fw_need *ret_need);
/* The parts of an answer in one piece, behind message, for whoever sends it; NULL: too large, or memory is short. Wiped
 * and freed by ipc_answer_free. */
uint8_t *ipc_make_answer(const struct fw_answer *answer, struct ipc_answer *ret_message, struct fw_slice *ret_tail);
void ipc_answer_free(uint8_t *octets, struct fw_slice tail);
bool ipc_read_answer(const struct ipc_answer *message, struct fw_slice tail, struct fw_answer *ret_answer);

/* A record to one message and back; texts and keys of the result point into tail. */
bool ipc_send_record(struct ipc_channel *channel, const struct fw_record *record, uint16_t worker);
bool ipc_try_record(struct ipc_channel *channel, const struct fw_record *record, uint16_t worker); /* without waiting */
/* The same for a message that has its texts already: gives it the next number. */
bool ipc_send_numbered(struct ipc_channel *channel, struct ipc_record *message, struct fw_slice tail, bool wait);
/* A record's message, and its texts behind it, as they are sent. */
enum { IPC_RECORD_TEXTS = (FW_RECORD_DETAILS + 2) * 512 + FW_RECORD_DETAILS * 32 };
struct fw_slice ipc_make_record(const struct fw_record *record, struct ipc_record *ret_message,
				uint8_t ret_texts[IPC_RECORD_TEXTS]);
/* False: it is none that could have been sent. */
bool ipc_read_record(const struct ipc_record *message, struct fw_slice tail, struct fw_record *ret_record);
#endif
