#include "cmd/scenario_play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/event_type.h"
#include "base/limits.h"
#include "base/slice.h"
#include "scenario/line.h"
#include "scenario/value.h"

/* Workers write down what they see side by side. */
#define DISORDER_US UINT64_C(60000000)

enum { ARENA = 1 << 20 };

struct playing {
	struct scenario_play *play;
	struct scenarios *scenarios;
	uint64_t now_us;
};

static void say_whom(const struct scenario_rule *rule, const struct fw_record *record,
		     char ret_whom[SCENARIO_PLAY_WHOM])
{
	struct fw_addr address = addr_prefix(&record->source);
	char text[ADDR_TEXT], value[SCENARIO_SAMPLE];

	*ret_whom = '\0';
	for (unsigned i = 0; i < rule->group_count; i++) {
		if (rule->group[i].kind == SCENARIO_USER) {
			snprintf(ret_whom, SCENARIO_PLAY_WHOM, "user:%.*s", (int)record->user_id.size,
				 (const char *)record->user_id.data);
			return;
		}
		if (rule->group[i].kind == SCENARIO_ADDRESS) {
			addr_format(&address, text);
			snprintf(ret_whom, SCENARIO_PLAY_WHOM, "%s%s", text, address.family == 6 ? "/64" : "");
		} else if (*ret_whom == '\0') {
			value_text(&rule->group[i], record, value);
			snprintf(ret_whom, SCENARIO_PLAY_WHOM, "%s", value);
		}
	}
}

static bool on_fire(void *user, const struct scenario_firing *firing)
{
	struct playing *playing = user;
	const struct scenario_rule *rule = &playing->play->policy->scenarios[firing->scenario];
	char whom[SCENARIO_PLAY_WHOM];

	say_whom(rule, firing->record, whom);
	playing->play->fired(playing->play->user, rule, firing, whom);
	return true;
}

/* A sum counts as often as events that it stands for; more than any bucket takes change nothing. */
static int see(struct playing *playing, struct arena *arena, struct fw_slice line)
{
	enum { TIMES_MOST = 10001 };
	struct fw_record record;
	uint64_t times;
	enum line_result result = line_read(arena, line, &record, &times);

	if (result != LINE_OK)
		return result == LINE_MEMORY ? FW_ERR_MEMORY : FW_ERR_INVALID;
	if (record.wall_us + DISORDER_US < playing->now_us)
		return FW_ERR_INVALID;
	if (record.wall_us > playing->now_us)
		playing->now_us = record.wall_us;
	playing->play->records++;
	for (uint64_t i = 0; i < times && i < TIMES_MOST && record.type < EVENT_TYPES; i++)
		scenarios_see(playing->scenarios, &record, playing->now_us * 1000, on_fire, playing);
	return FW_OK;
}

static int see_all(struct playing *playing, FILE *file)
{
	struct arena arena;
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int result = FW_OK;

	arena_init(&arena, ARENA);
	playing->play->line = 0;
	while (result == FW_OK && (size = getline(&line, &room, file)) > 0) {
		playing->play->line++;
		while (size != 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
			size--;
		if (size != 0)
			result = see(playing, &arena, slice(line, (size_t)size));
		arena_reset(&arena);
	}
	if (result == FW_OK && ferror(file) != 0)
		result = FW_ERR_IO;
	free(line);
	arena_fini(&arena);
	return result;
}

int scenario_play(struct scenario_play *play, const char *path)
{
	/* What is in which bucket is the same with any key; nobody chooses these records to collide. */
	static const struct hash_key key = { UINT64_C(0x736f6d6570736575), UINT64_C(0x646f72616e646f6d) };
	struct playing playing = { .play = play };
	bool is_input = strcmp(path, "-") == 0;
	FILE *file = is_input ? stdin : fopen(path, "re");
	int result, reason;

	if (file == NULL)
		return FW_ERR_IO;
	playing.scenarios = scenarios_new(play->policy->scenarios, play->policy->scenario_count, &key);
	result = playing.scenarios != NULL ? see_all(&playing, file) : FW_ERR_MEMORY;
	reason = errno;
	scenarios_free(playing.scenarios);
	if (!is_input)
		fclose(file);
	errno = reason;
	return result;
}
