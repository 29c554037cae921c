/* Logouts that an issuer told of, and that held: each once; from now on what they end is over. */
#include <string.h>

#include "base/close_reason.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"

enum { WAYS = 8, SETS = LIMIT_LOGOUT_IDS / WAYS, LONGEST_S = 30 * 86400 };

struct keeper_logout_id {
	uint8_t id[16];
	uint64_t until_s; /* 0: free */
};

enum seen { NEW, BEFORE, NO_ROOM };

static enum seen remember(struct keeper_logouts *logouts, const uint8_t id[16], uint64_t until_s, uint64_t now_s)
{
	struct keeper_logout_id *set, *place = NULL;
	uint32_t number;

	memcpy(&number, id, sizeof(number));
	set = &logouts->ids[number % SETS * WAYS];
	for (unsigned i = 0; i < WAYS; i++) {
		bool counts = set[i].until_s > now_s;

		if (counts && memcmp(set[i].id, id, 16) == 0)
			return BEFORE;
		if (!counts)
			place = &set[i];
	}
	if (place == NULL)
		return NO_ROOM;
	place->until_s = until_s;
	memcpy(place->id, id, 16);
	return NEW;
}

static void forget(struct keeper_logouts *logouts, const uint8_t id[16])
{
	struct keeper_logout_id *set;
	uint32_t number;

	memcpy(&number, id, sizeof(number));
	set = &logouts->ids[number % SETS * WAYS];
	for (unsigned i = 0; i < WAYS; i++)
		if (memcmp(set[i].id, id, 16) == 0)
			set[i].until_s = 0;
}

/* As long as a token or a session of before may be used. */
static uint64_t lasts_us(const struct fw_policy *policy)
{
	uint64_t session_s = (uint64_t)policy->settings.session_absolute_hours * 3600, token_s = policy->jwt.max_life_s;

	if (token_s == 0 || token_s > LONGEST_S)
		token_s = LONGEST_S;
	return (session_s > token_s ? session_s : token_s) * 1000000;
}

static void on_question(void *user, struct keeper_question *question)
{
	static const uint8_t none[16];
	struct keeper_logouts *logouts = user;
	const struct keeper_options *options = &logouts->keeper->options;
	struct fw_answer answer = { .code = FW_ANSWER_FAILED };
	struct ipc_end_origin ended = { .reason = CLOSE_REVOKED };
	uint64_t now_us = clock_wall_us();
	const uint8_t *key = question->need.key.data;
	enum seen seen = NO_ROOM;

	if (question->need.key.size == KEEPER_LOGOUT_KEY)
		seen = remember(logouts, key, (uint64_t)question->need.number, now_us / 1000000);
	if (seen == BEFORE)
		answer.code = FW_ANSWER_NO;
	if (seen == NEW) {
		bool done = true;

		memcpy(ended.marks, key + 16, sizeof(ended.marks));
		for (unsigned i = 0; i < 2; i++)
			if (memcmp(ended.marks[i], none, 16) != 0)
				done &= keeper_store_logout(logouts->keeper, ended.marks[i], now_us,
							    now_us + lasts_us(options->policy));
		done &= keeper_figures_tell(&logouts->keeper->figures, IPC_END_ORIGIN, &ended, sizeof(ended));
		if (done)
			answer.code = FW_ANSWER_YES;
		else
			forget(logouts, key); /* it may be told again */
	}
	keeper_question_answer(question, &answer);
}

bool keeper_logout_start(struct keeper_logouts *logouts, struct keeper *keeper)
{
	logouts->keeper = keeper;
	logouts->ids = mem_zero(LIMIT_LOGOUT_IDS, sizeof(*logouts->ids));
	keeper_asks_handle(&keeper->asks, FW_NEED_LOGOUT, on_question, logouts);
	return logouts->ids != NULL;
}

void keeper_logout_free(struct keeper_logouts *logouts)
{
	mem_free(logouts->ids);
}
