/* Any text as a file of tests of a policy: it is refused with messages, or it is tests whose texts end; it never
 * crashes or leaks. The first octet: odd, one allocation fails. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/policy_tests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned problems;

static void report(void *user, const char *text)
{
	(void)user;
	problems++;
	/* Messages are for terminals: nothing in them may drive one. */
	for (const char *c = text; *c != '\0'; c++)
		if (((uint8_t)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			abort();
}

static void look(const struct policy_tests *tests)
{
	if (tests->count == 0)
		abort();
	for (unsigned i = 0; i < tests->count; i++) {
		const struct policy_test *test = &tests->tests[i];

		if (test->name == NULL || test->line == 0 || (test->step_count == 0 && !test->expect.given))
			abort();
		for (unsigned k = 0; k < test->step_count; k++) {
			const struct policy_step *step = &test->steps[k];

			if (step->line < 1 || step->times < 1 || (step->kind == STEP_WAIT) != (step->wait_ns != 0) ||
			    (step->message.size != 0 && step->message.data == NULL))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t fail = size != 0 && (data[0] & 1) != 0 ? data[0] / 2 + 1u : 0;
	struct policy_tests tests;
	int result;

	problems = 0;
	mem_fail_at(fail);
	result = policy_tests_load("fuzz.yaml", size != 0 ? slice(data + 1, size - 1) : slice(data, 0), report, NULL,
				   &tests);
	mem_fail_at(0);
	if (result == FW_OK)
		look(&tests);
	else if ((result == FW_ERR_MEMORY && fail == 0) || (result == FW_ERR_INVALID && problems == 0))
		abort();
	policy_tests_free(&tests);
	return 0;
}
