/* parts.h: the inside of learn, for src/learn alone. */
#ifndef LEARN_PARTS_H
#define LEARN_PARTS_H
#include "learn/learn.h"
#include "learn/node.h"

enum {
	LEARN_TYPES = 200,
	LEARN_ROLES = 16,
	LEARN_PATHS = 16,
	LEARN_NAME = 96,
	LEARN_ROLE = 64,
	LEARN_CONNECTIONS = 4096
};
enum { LEARN_SAMPLE = 4000, LEARN_SAMPLE_BYTES = 16 << 20 };

struct learn_type {
	char name[LEARN_NAME];
	struct learn_node *node[2]; /* from clients, to clients; NULL: none */
	uint64_t count[2], roles[2][LEARN_ROLES];
	uint64_t largest[2];
};
struct learn_path {
	char text[LEARN_NAME];
	uint64_t count;
	bool nobody, binary;
};
struct learn_connection {
	uint64_t id, minute;
	uint64_t count;
};
struct learn_sampled {
	struct learn_sampled *next;
	struct capture_line line; /* with copies of its texts */
};
struct learn {
	struct arena arena, message;
	struct fw_policy *policy; /* of defaults */
	char pointer[LEARN_NAME]; /* to what says the type; "": nothing does */
	bool chosen;
	bool numbered; /* types are numbers at times */
	struct learn_sampled *sample, **sample_end;
	size_t sampled, sample_bytes;
	struct learn_type types[LEARN_TYPES];
	unsigned type_count;
	char roles[LEARN_ROLES][LEARN_NAME];
	uint64_t role_counts[LEARN_ROLES];
	unsigned role_count;
	struct learn_path paths[LEARN_PATHS];
	unsigned path_count;
	struct learn_connection *connections;
	double optional; /* odds that a member may be left out */
	uint64_t most_a_minute, largest[2], messages, unread, untyped, binary;
};
int learn_settle(struct learn *learn); /* learn.c: all that was added counts */
/* choose.c */
void learn_choose(struct learn *learn);
/* The value that says the type, or 0. */
uint32_t learn_type_node(const struct learn *learn, const struct json *json);
#endif
