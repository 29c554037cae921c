/* config_tests_parts.h: the inside of config_tests*.c: a test of a policy while it is read. */
#ifndef POLICY_CONFIG_TESTS_PARTS_H
#define POLICY_CONFIG_TESTS_PARTS_H
#include "policy/config_build.h"
#include "policy/policy_tests.h"

/* Keys of a test; of a step those from STEP on. */
enum test_member {
	NAME,
	PATH,
	SUBPROTOCOL,
	ORIGIN,
	HOST,
	HEADERS,
	FROM,
	CERTIFICATE,
	TLS,
	USER,
	ROLE,
	PERMISSIONS,
	STATUS,
	EVENTS,
	FIRES,
	STEPS,
	STEP, /* from here on those of a step */
	MESSAGE = STEP,
	TEXT,
	HEX,
	DIRECTION,
	WAIT,
	TIMES,
	EXPECT,
	CODE,
	STAGE,
	RULE,
	REASON,
	CLOSE,
	REWRITTEN,
	MEMBERS
};
extern const char *const config_tests_members[MEMBERS];

struct reading {
	struct policy_tests *tests;
	struct policy_test *test;
	struct policy_step *step;
	const char *first_of_step; /* a key of a step that was given beside "steps" */
	struct fy_node *steps;
	struct config_place steps_place;
	struct policy_test_user *user;
};

/* What is written, without ${…} standing for anything. False: reported. */
bool config_tests_text(struct config *config, struct config_place place, const char *what, struct fy_node *node,
		       struct fw_slice *ret_text);
/* The same without control characters: of what becomes a line of a request head nothing may begin another. */
void config_tests_word(struct config *config, struct config_place place, const char *what, struct fy_node *node,
		       const char **ret_word);
/* One key of a step, which is the one that is being read. index: of enum test_member. */
void config_tests_take(struct config *config, struct reading *reading, unsigned index, struct config_place place,
		       struct fy_node *value);
void config_tests_check(struct config *config, struct policy_step *step, struct config_place place);
#endif
