#include "cmd/test_events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/scenario_play.h"

struct judging {
	const struct policy_test *test;
	struct test_outcome *outcome;
	bool *seen; /* each that is expected, in order */
	size_t expected;
	const struct scenario_play *play;
};

static void differs(struct judging *judging, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void differs(struct judging *judging, const char *format, ...)
{
	va_list values;

	if (!judging->outcome->holds)
		return;
	judging->outcome->holds = false;
	judging->outcome->line = judging->test->line;
	va_start(values, format);
	/* NOLINTNEXTLINE: va_start is the line above, which clang-tidy 14 forgets */
	vsnprintf(judging->outcome->difference, TEST_DIFFERENCE, format, values);
	va_end(values);
	for (char *at = judging->outcome->difference; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
}

/* Each that is expected fires once at least; as often as it likes. */
static void fired(void *user, const struct scenario_rule *rule, const struct scenario_firing *firing, const char *whom)
{
	struct judging *judging = user;
	size_t at = 0;
	bool found = false;

	(void)firing;
	for (unsigned i = 0; i < judging->test->fires_count; i++) {
		const struct policy_test_fires *fires = &judging->test->fires[i];

		for (size_t j = 0; j < fires->whom.count; j++, at++) {
			if (strcmp(fires->scenario, rule->name) != 0 || strcmp(fires->whom.items[j], whom) != 0)
				continue;
			judging->seen[at] = true;
			found = true;
		}
	}
	if (!found)
		differs(judging, "%s fires for \"%s\" at line %u of %s, which is not expected", rule->name, whom,
			judging->play->line, judging->test->events);
}

static void ask_for_all(struct judging *judging)
{
	size_t at = 0;

	for (unsigned i = 0; i < judging->test->fires_count; i++)
		for (size_t j = 0; j < judging->test->fires[i].whom.count; j++, at++)
			if (!judging->seen[at])
				differs(judging, "%s does not fire for \"%s\" by the records of %s",
					judging->test->fires[i].scenario, judging->test->fires[i].whom.items[j],
					judging->test->events);
}

static bool knows(const struct fw_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->scenario_count; i++)
		if (strcmp(policy->scenarios[i].name, name) == 0)
			return true;
	return false;
}

int test_events(const struct fw_policy *policy, const struct policy_test *test, struct test_outcome *ret_outcome)
{
	struct judging judging = { .test = test, .outcome = ret_outcome };
	struct scenario_play play = { .policy = policy, .fired = fired, .user = &judging };
	int result;

	*ret_outcome = (struct test_outcome){ .holds = true };
	judging.play = &play;
	for (unsigned i = 0; i < test->fires_count; i++) {
		judging.expected += test->fires[i].whom.count;
		if (!knows(policy, test->fires[i].scenario))
			differs(&judging, "the configuration has no scenario \"%s\"", test->fires[i].scenario);
	}
	judging.seen = mem_zero(judging.expected + 1, sizeof(*judging.seen));
	result = judging.seen != NULL ? scenario_play(&play, test->events) : FW_ERR_MEMORY;
	if (result == FW_ERR_IO)
		differs(&judging, "%s: %s", test->events, strerror(errno));
	else if (result == FW_ERR_INVALID)
		differs(&judging, "line %u of %s is no record, or of long before the one in front of it", play.line,
			test->events);
	else if (result == FW_OK)
		ask_for_all(&judging);
	mem_free(judging.seen);
	return result == FW_ERR_MEMORY ? result : FW_OK;
}
