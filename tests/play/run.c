#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/close_reason.h"

static void run_lines(struct run *run, const struct line *line, const char *prefix);

bool run_is(const struct text *word, const char *name)
{
	return strcmp(text_get(word), name) == 0;
}

void run_fail(struct run *run, const char *expected, const char *got)
{
	run->failures++;
	text_format(&run->report, "# %s:%u: %s\n", run->script->path, run->at != NULL ? run->at->number : 0,
		    run->at != NULL ? run->at->words : "(end)");
	if (run->case_name.size != 0)
		text_format(&run->report, "#   case:     %s\n", text_get(&run->case_name));
	if (expected != NULL)
		text_format(&run->report, "#   expected: %s\n", expected);
	if (got != NULL)
		text_format(&run->report, "#   got:      %s\n", got);
	if (!run->keep_going)
		run->stopped = true;
}

void run_expand(struct run *run, struct text *text)
{
	struct text expanded = { 0 }, error = { 0 };

	if (memmem(text->data, text->size, "${", 2) == NULL)
		return;
	run->macros.world = run->world;
	if (!macro_expand(&run->macros, text->data, text->size, &expanded, &error))
		run_fail(run, NULL, text_get(&error));
	text_clear(text);
	*text = expanded;
	text_clear(&error);
}

bool run_word(struct run *run, const char **line, struct text *ret_word)
{
	if (!text_word(line, ret_word, NULL))
		return false;
	run_expand(run, ret_word);
	return true;
}

void run_rest(struct run *run, const char *line, struct text *ret_rest)
{
	text_rest(line, ret_rest);
	run_expand(run, ret_rest);
}

static void run_ports(struct run *run)
{
	bool opened = true;

	if (run->real)
		opened = real_ports(&run->macros.client_port, &run->macros.upstream_port);
	else
		memory_ports(&run->macros.client_port, &run->macros.upstream_port, &run->macros.wall_us);
	if (!opened)
		run_fail(run, NULL, "no socket to listen on");
	if (run->real)
		run->macros.wall_us = (uint64_t)time(NULL) * 1000000;
}

struct world *run_world(struct run *run)
{
	struct world_options options = run->options;
	struct text error = { 0 };

	if (run->world != NULL || run->stopped)
		return run->world;
	options.path = run->script->path;
	options.config = run->config != NULL ? run->config : "";
	if (options.failing && options.fail_at != 0)
		options.fail_at = options.fail_at > run->allocations ? options.fail_at - run->allocations : 0;
	run->world = run->real ? real_start(&options, &error) : memory_start(&options, &error);
	if (run->world == NULL) {
		if (run->checking)
			run_fail(run, "the configuration to be taken", text_get(&error));
		else
			run->allocations += options.fail_at;
		run->stopped = true;
	}
	text_clear(&error);
	return run->world;
}

/* Everybody leaves; nothing may be left that no line looked at. */
static void run_end_world(struct run *run)
{
	struct world *world = run->world;
	struct text wrong = { 0 };

	if (world == NULL)
		return;
	world->operations->turn(world);
	for (struct peer *peer = world->peers; peer != NULL; peer = peer->next) {
		if (run->checking && !run->stopped)
			actor_check_rest(run, peer);
		text_add(&run->seen, peer->seen.data, peer->seen.size);
	}
	if (world->largest > run->largest)
		run->largest = world->largest;
	run->dials += world->dials;
	/* What the upstream is still sent while everybody leaves is no business of the play. */
	run->world = NULL;
	world->operations->stop(world, &wrong, &run->allocations);
	if (wrong.size != 0)
		run_fail(run, NULL, text_get(&wrong));
	text_clear(&wrong);
}

static void run_config(struct run *run, const char *line)
{
	struct text config = { 0 };

	run_end_world(run);
	run_ports(run);
	text_say(&config, run->at->here != NULL ? run->at->here : line);
	run_expand(run, &config);
	free(run->config);
	run->config = text_copy(text_get(&config));
	text_clear(&config);
}

static void run_reload(struct run *run, const char *line)
{
	struct world *world = run_world(run);
	struct text config = { 0 }, error = { 0 };

	text_say(&config, run->at->here != NULL ? run->at->here : line);
	run_expand(run, &config);
	if (world != NULL && !world->operations->reload(world, text_get(&config), &error))
		run_fail(run, "the configuration to be taken", text_get(&error));
	text_clear(&config);
	text_clear(&error);
}

static void run_wait(struct run *run, const char *line)
{
	struct world *world = run_world(run);
	struct text word = { 0 };
	uint64_t ns;

	run_word(run, &line, &word);
	if (!text_duration(text_get(&word), &ns))
		run_fail(run, "a duration: 250ms, 10s, 59m59s", text_get(&word));
	else if (run->real && ns > 1000000000)
		run_fail(run, NULL, "a wait above a second: mark the play `virtual`");
	else if (world != NULL)
		world->operations->wait(world, ns);
	text_clear(&word);
}

static void run_upstream(struct run *run, const char *line)
{
	static const char *const names[] = { "manual", "accept", "echo", "down", "silent" };
	struct world *world = run_world(run);
	struct text word = { 0 };

	run_word(run, &line, &word);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (run_is(&word, names[i]) && world != NULL) {
			world->upstream = i;
			if (i == UPSTREAM_SILENT && run->real)
				run_fail(run, NULL,
					 "upstream silent is for the world in memory: mark the play `virtual`");
			text_clear(&word);
			return;
		}
	}
	if (world != NULL)
		run_fail(run, "upstream manual|accept|echo|down|silent", text_get(&word));
	text_clear(&word);
}

static void run_fault(struct run *run, const char *line)
{
	struct world *world = run_world(run);
	struct text word = { 0 };
	enum fault_kind kind = FAULT_NONE;
	uint64_t number = 1;

	run_word(run, &line, &word);
	if (run_is(&word, "store"))
		kind = FAULT_STORE;
	else if (run_is(&word, "record"))
		kind = FAULT_RECORD;
	else if (run_is(&word, "silent"))
		kind = FAULT_SILENT;
	else if (run_is(&word, "memory"))
		kind = FAULT_MEMORY;
	else if (!run_is(&word, "none"))
		run_fail(run, "fault store|record|silent|memory [N]|none", text_get(&word));
	if (run_word(run, &line, &word))
		text_number(text_get(&word), &number);
	if (world != NULL && !world->operations->fault(world, kind, number))
		run_fail(run, NULL, "faults are for the world in memory: mark the play `virtual`");
	text_clear(&word);
}

/* key KEY ROLE [scopes LIST] [network N] [ends SECONDS] [revoked] */
static void run_key(struct run *run, const char *line)
{
	struct world *world = run_world(run);
	struct text key = { 0 }, role = { 0 }, scopes = { 0 }, network = { 0 }, word = { 0 }, value = { 0 };
	struct world_key made = { .ends_s = UINT64_MAX };

	run_word(run, &line, &key);
	run_word(run, &line, &role);
	while (run_word(run, &line, &word)) {
		if (run_is(&word, "revoked"))
			made.revoked = true;
		else if (run_is(&word, "scopes"))
			run_word(run, &line, &scopes);
		else if (run_is(&word, "network"))
			run_word(run, &line, &network);
		else if (run_is(&word, "ends") && run_word(run, &line, &value))
			text_number(text_get(&value), &made.ends_s);
		else
			run_fail(run, "key KEY ROLE [scopes LIST] [network N] [ends SECONDS] [revoked]",
				 text_get(&word));
	}
	made.key = text_get(&key);
	made.role = text_get(&role);
	made.scopes = text_get(&scopes);
	made.network = text_get(&network);
	if (world != NULL && (world->operations->key == NULL || !world->operations->key(world, &made)))
		run_fail(run, NULL, "keys of the store are for the world in memory: mark the play `virtual`");
	text_clear(&key);
	text_clear(&role);
	text_clear(&scopes);
	text_clear(&network);
	text_clear(&word);
	text_clear(&value);
}

static void run_end(struct run *run, const char *line)
{
	struct world *world = run_world(run);
	struct text name = { 0 }, reason = { 0 };
	struct peer *peer;
	unsigned row;

	run_word(run, &line, &name);
	run_word(run, &line, &reason);
	peer = world != NULL ? world_find(world, text_get(&name)) : NULL;
	for (row = 0; row < CLOSE_REASONS; row++)
		if (run_is(&reason, close_reason_row(row)->name))
			break;
	if (row == CLOSE_REASONS || peer == NULL)
		run_fail(run, "end CLIENT REASON, a row of closes.def", text_get(&reason));
	else if (!world->operations->end(world, peer, row))
		run_fail(run, NULL, "end is for the world in memory: mark the play `virtual`");
	text_clear(&name);
	text_clear(&reason);
}

static void run_case(struct run *run, const char *line)
{
	run_rest(run, line, &run->case_name);
	run->cases++;
}

static void run_let(struct run *run, const char *line)
{
	struct text name = { 0 }, value = { 0 };

	run_word(run, &line, &name);
	text_say(&value, text_skip(line));
	run_expand(run, &value);
	macro_set(&run->macros, text_get(&name), &value);
	text_clear(&name);
	text_clear(&value);
}

static void run_nothing(struct run *run, const char *line)
{
	(void)run;
	(void)line;
}

/* foreach A B in a1 b1 a2 b2 … { … }: the list is expanded, then split. */
static void run_foreach(struct run *run, const struct line *line, const char *words, const char *prefix)
{
	struct text word = { 0 }, list = { 0 };
	char *names[8];
	unsigned count = 0;
	const char *at;

	while (text_word(&words, &word, NULL) && !run_is(&word, "in") && count < 8)
		names[count++] = text_copy(text_get(&word));
	text_say(&list, words);
	run_expand(run, &list);
	at = text_get(&list);
	if (count == 0 || !line->opens)
		run_fail(run, "foreach NAME… in LIST {", NULL);
	while (count != 0 && !run->stopped && text_word(&at, &word, NULL)) {
		macro_set(&run->macros, names[0], &word);
		for (unsigned i = 1; i < count; i++) {
			text_word(&at, &word, NULL);
			macro_set(&run->macros, names[i], &word);
		}
		run_lines(run, line->body, prefix);
	}
	while (count != 0)
		free(names[--count]);
	text_clear(&word);
	text_clear(&list);
}

static bool run_listed(const char *word, const char *list)
{
	size_t size = strlen(word);

	for (; *list != '\0'; list += strcspn(list, ",")) {
		list += *list == ',' ? 1 : 0;
		if (strcspn(list, ",") == size && strncmp(list, word, size) == 0)
			return true;
	}
	return false;
}

/* if A is B {, if A in B,C {, and both with `not` in front: if not A in B,C { … } else { … } */
static void run_if(struct run *run, const struct line *line, const char *words, const char *prefix)
{
	struct text a = { 0 }, verb = { 0 }, b = { 0 };
	bool holds, negated = false;

	run_word(run, &words, &a);
	if (run_is(&a, "not")) {
		negated = true;
		run_word(run, &words, &a);
	}
	run_word(run, &words, &verb);
	run_word(run, &words, &b);
	holds = run_is(&verb, "in") ? run_listed(text_get(&a), text_get(&b)) : run_is(&a, text_get(&b));
	if (!line->opens || (!run_is(&verb, "in") && !run_is(&verb, "is")))
		run_fail(run, "if [not] A is B {, if [not] A in B,C {", NULL);
	else
		run_lines(run, holds != negated ? line->body : line->other, prefix);
	text_clear(&a);
	text_clear(&verb);
	text_clear(&b);
}

static const struct {
	const char *name;
	void (*function)(struct run *run, const char *line);
} run_commands[] = {
	{ "play", run_nothing },  { "virtual", run_nothing },	{ "config", run_config }, { "case", run_case },
	{ "wait", run_wait },	  { "upstream", run_upstream }, { "fault", run_fault },	  { "answer", answer_line },
	{ "key", run_key },	  { "end", run_end },		{ "let", run_let },	  { "record", expect_record },
	{ "reload", run_reload }, { "stage", stage_line },
};

static void run_command(struct run *run, const struct line *line, const char *words, const char *prefix)
{
	struct text word = { 0 };
	const char *rest = words;

	run->at = line;
	run_word(run, &rest, &word);
	if (run->stopped) {
		/* A macro did not hold. */
	} else if (run_is(&word, "foreach")) {
		run_foreach(run, line, rest, prefix);
	} else if (run_is(&word, "if")) {
		run_if(run, line, rest, prefix);
	} else if (line->opens) {
		run_lines(run, line->body, text_get(&word));
	} else {
		for (size_t i = 0; i < sizeof(run_commands) / sizeof(run_commands[0]); i++) {
			if (run_is(&word, run_commands[i].name)) {
				run_commands[i].function(run, rest);
				text_clear(&word);
				return;
			}
		}
		if (run_world(run) != NULL)
			actor_line(run, text_get(&word), rest);
	}
	text_clear(&word);
}

/* Lines of `NAME { … }` are lines of that actor, except where they are blocks of their own. */
static void run_lines(struct run *run, const struct line *line, const char *prefix)
{
	for (; line != NULL && !run->stopped; line = line->next) {
		struct text words = { 0 };

		if (prefix[0] != '\0' && strncmp(line->words, "foreach ", 8) != 0 &&
		    strncmp(line->words, "if ", 3) != 0)
			text_format(&words, "%s ", prefix);
		text_say(&words, line->words);
		run_command(run, line, text_get(&words), prefix);
		text_clear(&words);
	}
}

void run_play(struct run *run)
{
	peer_seed(42);
	stage_forget();
	run_ports(run);
	run_lines(run, run->script->lines, "");
	run->at = NULL;
	run_end_world(run);
	if (run->cases == 0)
		run->cases = 1;
}

void run_clear(struct run *run)
{
	macro_clear(&run->macros);
	text_clear(&run->report);
	text_clear(&run->seen);
	text_clear(&run->events);
	text_clear(&run->case_name);
	free(run->config);
	run->config = NULL;
}
