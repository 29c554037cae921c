/* inspect_parts.h: inside of the inspect stage: what is being looked through, and what was found so far. */
#ifndef ENGINE_INSPECT_PARTS_H
#define ENGINE_INSPECT_PARTS_H
#include "engine/detect/detect.h"
#include "engine/message.h"

enum {
	INSPECT_PATH = 96,
	INSPECT_SHOWN = 1024,
	INSPECT_FOUND = 16,
	INSPECT_WORDS = sizeof(struct detect_rules) / sizeof(uint64_t)
};

/* The worst of a message. */
struct inspect_finding {
	unsigned class, points;
	enum detect_rule rule;	       /* DETECT_RULES: none of ours */
	const struct policy_rule *own; /* of the configuration, the one of most points */
	bool refuses;
	char path[INSPECT_PATH];
};

/* Where a text stands. */
struct inspect_place {
	const struct json *json; /* NULL: in none; then what names it: */
	const char *name;	 /* "*": the texts joined; shorter than INSPECT_PATH */
	uint32_t node;
	enum field_class class;
	bool allow_list; /* of the texts joined: all that could be one are HTML fields */
};

/* Texts with a mark between them: those that one was split over. */
struct inspect_pieces {
	uint8_t *joined;
	size_t size, room;
	unsigned count;
	bool suspect; /* one of them could be a piece of something */
	bool plain;   /* such a one, and no HTML field */
};

struct inspect {
	struct message *message;
	const char *type;		/* by which exceptions name it, besides "*" */
	struct inspect_finding worst;	/* points 0: nothing */
	size_t shown;			/* of the text that explain shows */
	char *show;			/* NULL: nobody asks */
	struct fw_trace_finding *found; /* the same one by one, the first INSPECT_FOUND; NULL: nobody asks */
	unsigned found_count;
	bool apart; /* nobody reads its texts as one: they are not joined */
	struct inspect_pieces texts, keys;
	struct patterns_found own_single;
	struct detect_rules single; /* what was found in a text by itself */
};

/* stage_inspect.c: one text. False: memory is short. */
bool inspect_look(struct inspect *inspect, struct fw_slice text, const struct inspect_place *place);
/* inspect_weigh.c: what was found in a text, against the points and exceptions of the policy. */
struct inspect_result {
	struct detect_result known;
	struct patterns_found own; /* rules of the configuration */
};
/* True: something in it counts otherwise there than elsewhere, if at all: then it is no piece of anything. */
bool inspect_weigh(struct inspect *inspect, const struct inspect_result *result, const struct inspect_place *place);
enum verdict inspect_tell(struct message *message, const struct inspect *inspect);
#endif
