/* `stage …`: what the stage of an embedding program, which the runner is, says of the messages of clients from here on.
 * It is there in each play in memory, behind schema, and lets all pass until a play says otherwise. */
#include <framewall/stage.h>

#include <stdio.h>

#include "run.h"

static struct {
	enum fw_stage_verdict verdict;
	char rule[32]; /* static, as a rule must be; "": none */
	char cause[FW_STAGE_CAUSE];
} stage_plan;

static enum fw_stage_verdict stage_judge(void *user, const struct fw_stage_message *message,
					 struct fw_stage_word *ret_word)
{
	(void)user;
	(void)message;
	if (stage_plan.rule[0] != '\0')
		ret_word->rule = stage_plan.rule;
	snprintf(ret_word->cause, sizeof(ret_word->cause), "%s", stage_plan.cause);
	return stage_plan.verdict;
}

bool stage_register(void)
{
	struct fw_stage_position position = { FW_STAGE_AFTER, "schema", FW_STAGE_IN };

	return fw_stage_register(&position, "play", stage_judge, NULL) == FW_OK;
}

void stage_forget(void)
{
	stage_plan.verdict = FW_STAGE_PASS;
	stage_plan.rule[0] = stage_plan.cause[0] = '\0';
}

void stage_line(struct run *run, const char *line)
{
	static const char *const verdicts[] = { [FW_STAGE_PASS] = "pass",
						[FW_STAGE_FLAG] = "flag",
						[FW_STAGE_REFUSE] = "refuse",
						[FW_STAGE_CLOSE] = "close" };
	struct text word = { 0 };
	unsigned row = 0;

	if (run->real) {
		run_fail(run, NULL, "the stage is one of the world in memory: mark the play `virtual`");
		return;
	}
	stage_forget();
	run_word(run, &line, &word);
	while (row < sizeof(verdicts) / sizeof(verdicts[0]) && !run_is(&word, verdicts[row]))
		row++;
	if (row == sizeof(verdicts) / sizeof(verdicts[0]))
		run_fail(run, "stage pass|flag|refuse|close [RULE [CAUSE]]", text_get(&word));
	else
		stage_plan.verdict = (enum fw_stage_verdict)row;
	if (run_word(run, &line, &word))
		snprintf(stage_plan.rule, sizeof(stage_plan.rule), "%s", text_get(&word));
	run_rest(run, line, &word);
	snprintf(stage_plan.cause, sizeof(stage_plan.cause), "%s", text_get(&word));
	text_clear(&word);
}
