/* world.h: where a play happens: in memory under a virtual clock (memory.c), or between real sockets and a real
 * `framewall run` (real.c). A world owns the peers and the records, moves octets, and keeps the time. */
#ifndef PLAY_WORLD_H
#define PLAY_WORLD_H
#include "peer.h"
#include "retell.h"

enum cut_kind { CUT_NONE, CUT_AT, CUT_RANDOM, CUT_OCTETS };
struct cut {
	enum cut_kind kind;
	uint64_t number; /* AT: cut behind this octet, modulo what is sent; RANDOM: seed */
};

enum upstream_kind { UPSTREAM_MANUAL, UPSTREAM_ACCEPT, UPSTREAM_ECHO, UPSTREAM_DOWN, UPSTREAM_SILENT };
enum fault_kind { FAULT_NONE, FAULT_STORE, FAULT_RECORD, FAULT_SILENT, FAULT_MEMORY };

struct world_options {
	const char *path;   /* of the play, for messages */
	const char *config; /* YAML */
	struct cut cut;
	bool failing;		     /* a run of --fail-alloc: nothing is recorded, `fault memory` does nothing */
	uint64_t fail_at;	     /* the n-th allocation of the product fails; 0: none */
	const char *program;	     /* real: framewall */
	struct retelling *retelling; /* in memory: how the configuration is said */
};

/* A record as one JSON object; looked: a `record` line has matched it already. */
struct record {
	struct record *next;
	bool looked;
	size_t size;
	char line[];
};

/* The answer to a need that takes time: see `answer` in docs/internals/plays.md. */
struct said {
	struct said *next;
	unsigned kind;	      /* enum fw_need_kind */
	unsigned code;	      /* enum fw_answer_code */
	bool never;	      /* there is no answer */
	struct text who, key; /* patterns: the user or the name of the issuer; the password or token */
	struct text user, role, cause, claims;
	uint64_t expires_ns; /* from when it is given; 0: never */
	uint64_t issued_ns;  /* before that; 0: not said */
	uint64_t retry_ms;
};
void said_free(struct said *said);
struct world_key {
	const char *key, *role, *scopes, *network; /* scopes, network: "" for none */
	uint64_t ends_s;			   /* seconds from now; UINT64_MAX: never */
	bool revoked;
};

struct world;
struct world_operations {
	/* One turn. In memory: until nothing moves. Real: moves what there is, waiting a moment when there is nothing.
	 */
	void (*turn)(struct world *world);
	void (*connect)(struct world *world, struct peer *client, const char *from);
	void (*wait)(struct world *world, uint64_t ns);
	uint64_t (*wall_us)(struct world *world);
	void (*records)(struct world *world);
	/* Only in memory; false: not here. */
	bool (*end)(struct world *world, struct peer *client, unsigned reason);
	/* Another configuration while connections live; reterr says why not. */
	bool (*reload)(struct world *world, const char *config, struct text *reterr);
	bool (*fault)(struct world *world, enum fault_kind kind, uint64_t number);
	/* What is said of a need that takes time; NULL: all of that is forgotten. The world's from now on. */
	bool (*answer)(struct world *world, struct said *said);
	/* An API key of the store: put there, or changed. */
	bool (*key)(struct world *world, const struct world_key *key);
	int (*wants)(struct world *world, struct peer *peer); /* 1, 0, or -1: nobody knows */
	/* Every connection must end: reterr says what did not. Adds the allocations made. NULL. */
	struct world *(*stop)(struct world *world, struct text *reterr, uint64_t *ret_allocations);
};

struct world {
	const struct world_operations *operations;
	struct world_options options;
	struct peer *peers;
	struct record *records, **records_tail;
	enum upstream_kind upstream;
	uint16_t client_port, upstream_port; /* as in Host and in the configuration */
	size_t largest;			     /* octets of the largest piece sent to the product */
	uint64_t allocations;
	unsigned dials;
	struct text wrong; /* first thing that the product must not do, found by the world itself */
};

void world_init(struct world *world, const struct world_operations *operations, const struct world_options *options);
void world_fini(struct world *world);
void world_record(struct world *world, const char *line, size_t size);
void world_wrong(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_add(struct world *world, struct peer *peer);
struct peer *world_find(struct world *world, const char *name);
/* An upstream connection that no line has named yet, or NULL. */
struct peer *world_dialled(struct world *world);
/* Answers the upstream's request head with 101. more: further header lines. */
void world_accept(struct peer *upstream, const char *more);
/* Reads a peer's octets and lets an upstream act as its mode says. */
void world_read(struct world *world, struct peer *peer);

extern const uint8_t world_secret[32]; /* key of the login tokens, the same in both worlds */

/* NULL: reterr says why. */
struct world *memory_start(const struct world_options *options, struct text *reterr);
/* What a configuration and its tokens may name before a world stands. */
void memory_ports(uint16_t *ret_client, uint16_t *ret_upstream, uint64_t *ret_wall_us);
void memory_forget(void); /* the policy that was kept between runs */
struct world *real_start(const struct world_options *options, struct text *reterr);
/* Opens the upstream's listening socket, kept until the next play, and picks a port for clients. */
bool real_ports(uint16_t *ret_client, uint16_t *ret_upstream);
#endif
