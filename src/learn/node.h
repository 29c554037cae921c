/* node.h: what was seen at one place of the messages of one type. Grows with what is different, not with how much there
 * is, and only within its arena. One thread. */
#ifndef LEARN_NODE_H
#define LEARN_NODE_H
#include "base/arena.h"
#include "codec/json.h"
#include "policy/policy.h"

enum { LEARN_ENDS = 16, LEARN_VALUES = 48, LEARN_VALUE = 48, LEARN_MEMBERS = 96, LEARN_PARTS = 8 };

/* The lowest and highest of all numbers, and how often a new one came. */
struct learn_ends {
	double low[LEARN_ENDS], high[LEARN_ENDS];
	uint64_t count;
	uint32_t new_low, new_high;
};
struct learn_value {
	uint8_t size;
	char text[LEARN_VALUE]; /* raw octets of JSON, without quotes */
	uint64_t count;
};
/* Texts that were the same, as long as they are few. */
struct learn_values {
	struct learn_value list[LEARN_VALUES];
	unsigned count;
	bool more;
	uint64_t last_new; /* how many there were when a new one came */
};
enum learn_class { LEARN_DIGIT = 1, LEARN_LOWER_HEX = 2, LEARN_LOWER = 4, LEARN_UPPER_HEX = 8, LEARN_UPPER = 16 };
struct learn_part {
	uint8_t classes; /* bits of enum learn_class */
	uint8_t size;	 /* of text */
	bool varies;
	char text[12]; /* the only one, unless it varies */
	uint32_t least, most;
	uint64_t octets;
};
enum learn_format {
	LEARN_UUID = 1,
	LEARN_DATE_TIME = 2,
	LEARN_DATE = 4,
	LEARN_EMAIL = 8,
	LEARN_IPV4 = 16,
	LEARN_IPV6 = 32,
	LEARN_URI = 64,
	LEARN_FORMATS = 7
};
extern const char *const learn_format_names[LEARN_FORMATS]; /* as JSON Schema has them, in the order of their bits */
struct learn_text {
	struct learn_ends lengths;
	uint32_t formats;		 /* that all have */
	uint64_t blanks, wide, numbered; /* with a blank; with what is no printable ASCII, or escaped; with a digit */
	struct learn_part parts[LEARN_PARTS];
	char marks[LEARN_PARTS]; /* between them */
	unsigned part_count;
	bool uneven; /* parts and marks are not always the same */
	uint8_t classes;
	char others[32];	  /* marks that were seen anywhere */
	uint64_t with_others[32]; /* texts that had each of them */
	uint64_t with_classes[5]; /* and of each class */
	uint64_t octets;
};
struct learn_member {
	struct learn_member *next;
	struct learn_node *node;
	uint32_t hash, size;
	char name[];
};
struct learn_node {
	uint64_t total, kinds[7];   /* enum json_kind */
	uint64_t fractions;	    /* of numbers */
	uint32_t height;	    /* levels below, at most */
	bool times;		    /* all numbers were near the time of their message */
	struct learn_ends *numbers; /* NULL: there were none */
	struct learn_values *values;
	struct learn_text *text;
	struct learn_ends *lengths; /* of arrays */
	struct learn_node *items;
	struct learn_member *members, **members_end;
	unsigned member_count, most_members;
	bool more_members;	  /* than are kept */
	struct learn_node *any;	  /* all values of members: when names are keys of a map */
	struct learn_node *names; /* of members */
};

/* The message at hand, and where what is learned of it goes. */
struct learn_message {
	struct arena *arena;
	const struct fw_policy *policy; /* of defaults: what a format is is what it judges by */
	const struct json *json;
	double wall_s;
};

struct learn_node *learn_node_new(struct arena *arena);
/* Are names of members perhaps keys of a map? Not those of a message, and all that is within a map's values is seen
 * once: else every level would be kept twice as often as the one above. */
enum learn_place { LEARN_MESSAGE, LEARN_MEMBER, LEARN_IN_MAP };
void learn_node_add(struct learn_node *node, const struct learn_message *message, uint32_t value,
		    enum learn_place place);
void learn_ends_add(struct learn_ends *ends, double value);
/* text.c */
void learn_text_add(struct learn_text *text, const struct fw_policy *policy, struct fw_slice octets, bool escaped);
#endif
