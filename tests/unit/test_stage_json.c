/* A stage in place of the json stage: what follows sees a message without fields, and nothing falls over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <framewall/conn.h>
#include <framewall/stage.h>

#include "policy_of.h"

static unsigned calls, skipped;

static enum fw_stage_verdict judge(void *user, const struct fw_stage_message *message, struct fw_stage_word *ret_word)
{
	(void)user;
	calls++;
	ret_word->code = "PERMISSION_DENIED";
	return message->text.size == 3 ? FW_STAGE_PASS : FW_STAGE_REFUSE;
}

static void trace(void *user, const struct fw_trace *said)
{
	(void)user;
	skipped += strcmp(said->verdict, "pass") != 0;
}

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 7, size);
}

static void test_any_octets(void **state)
{
	struct fw_policy *policy = policy_of("");
	struct fw_engine *engine;
	struct fw_slice forward;

	(void)state;
	assert_int_equal(fw_stage_register(&(struct fw_stage_position){ FW_STAGE_INSTEAD, "json", FW_STAGE_BOTH },
					   "three-octets", judge, NULL),
			 FW_OK);
	engine = fw_engine_new(&(struct fw_engine_options){ .policy = policy, .random = { .fill = fill } });
	assert_true(fw_engine_explain(engine, "guest", false, fw_text("\x01{x"), trace, NULL, &forward));
	assert_int_equal(skipped, 0);
	assert_int_equal(forward.size, 3);
	assert_false(fw_engine_explain(engine, "guest", false, fw_text("four"), trace, NULL, &forward));
	assert_int_equal(calls, 2);
	assert_true(skipped > 1);
	assert_true(fw_engine_explain(engine, "guest", true, fw_text("out"), trace, NULL, &forward));
	fw_engine_free(engine);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_octets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
