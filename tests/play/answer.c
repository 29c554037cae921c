/* `answer …`: what is said of a need that takes time. */
#include <framewall/conn.h>

#include <stdlib.h>

#include "run.h"

void said_free(struct said *said)
{
	if (said == NULL)
		return;
	text_clear(&said->who);
	text_clear(&said->key);
	text_clear(&said->user);
	text_clear(&said->role);
	text_clear(&said->cause);
	text_clear(&said->claims);
	free(said);
}

static bool said_word(const char *const *names, unsigned count, const struct text *word, unsigned *ret_row)
{
	for (unsigned i = 0; i < count; i++) {
		if (names[i] != NULL && run_is(word, names[i])) {
			*ret_row = i;
			return true;
		}
	}
	return false;
}

/* Behind kind, who, key and code: NAME VALUE, …; claims takes the rest of the line. */
static bool said_fields(struct run *run, const char *line, struct said *said)
{
	struct text word = { 0 }, value = { 0 };
	bool good = true;

	while (good && run_word(run, &line, &word)) {
		if (run_is(&word, "claims")) {
			run_rest(run, line, &said->claims);
			break;
		}
		run_word(run, &line,
			 run_is(&word, "user")	  ? &said->user
			 : run_is(&word, "role")  ? &said->role
			 : run_is(&word, "cause") ? &said->cause
						  : &value);
		if (run_is(&word, "expires"))
			good = text_duration(text_get(&value), &said->expires_ns);
		else if (run_is(&word, "issued"))
			good = text_duration(text_get(&value), &said->issued_ns);
		else if (run_is(&word, "retry"))
			good = text_number(text_get(&value), &said->retry_ms);
		else
			good = run_is(&word, "user") || run_is(&word, "role") || run_is(&word, "cause");
	}
	text_clear(&word);
	text_clear(&value);
	return good;
}

void answer_line(struct run *run, const char *line)
{
	static const char *const kinds[] = {
		[FW_NEED_PASSWORD] = "password", [FW_NEED_INTROSPECT] = "introspect", [FW_NEED_KEYS] = "keys"
	};
	static const char *const codes[] = { [FW_ANSWER_YES] = "yes",
					     [FW_ANSWER_NO] = "no",
					     [FW_ANSWER_LIMITED] = "limited",
					     [FW_ANSWER_FAILED] = "failed" };
	struct world *world = run_world(run);
	struct said *said = text_memory(sizeof(*said));
	struct text word = { 0 };
	bool good;

	run_word(run, &line, &word);
	if (run_is(&word, "none")) {
		said_free(said);
		said = NULL;
		good = true;
	} else {
		good = said_word(kinds, sizeof(kinds) / sizeof(kinds[0]), &word, &said->kind);
		good = run_word(run, &line, &said->who) && good;
		good = run_word(run, &line, &said->key) && good;
		good = run_word(run, &line, &word) && good;
		said->never = run_is(&word, "never");
		good = (said->never || said_word(codes, sizeof(codes) / sizeof(codes[0]), &word, &said->code)) && good;
		good = good && said_fields(run, line, said);
	}
	if (!good)
		run_fail(run, "answer password|introspect|keys WHO KEY yes|no|limited|failed|never [NAME VALUE]…|none",
			 line);
	else if (world != NULL && !world->operations->answer(world, said))
		run_fail(run, NULL, "answers are for the world in memory: mark the play `virtual`");
	if (!good || world == NULL)
		said_free(said);
	text_clear(&word);
}
