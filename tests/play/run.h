/* run.h: one run of a script in one world: walks the lines, keeps the score. actor.c has what clients and upstreams do,
 * expect.c what is expected of what came, run.c everything else. */
#ifndef PLAY_RUN_H
#define PLAY_RUN_H
#include "macro.h"
#include "script.h"
#include "world.h"

struct run {
	/* Given. */
	const struct script *script;
	struct world_options options;
	bool real;
	bool checking;	 /* false: expectations are not looked at (--fail-alloc) */
	bool keep_going; /* a failure does not end the run */

	/* Found. */
	unsigned cases, checks, failures;
	size_t largest;
	uint64_t allocations;
	unsigned dials;
	struct text events; /* types of records that were expected and came, a line each */
	struct text seen;   /* what upstreams were sent: see struct peer */
	struct text report;

	/* Within. */
	struct world *world;
	struct macros macros;
	const struct line *at;
	char *config;
	struct text case_name;
	bool stopped;
};

void run_play(struct run *run);
void run_clear(struct run *run);

/* A line does not hold. Both texts may be NULL. */
void run_fail(struct run *run, const char *expected, const char *got);
/* The world, started if it is not; NULL when that fails. */
struct world *run_world(struct run *run);
/* Replaces the macros of a text. */
void run_expand(struct run *run, struct text *text);
/* Next word, expanded; false at the end of the line. */
bool run_word(struct run *run, const char **line, struct text *ret_word);
/* The rest of the line, expanded: as it stands, or one quoted word. */
void run_rest(struct run *run, const char *line, struct text *ret_rest);
bool run_is(const struct text *word, const char *name);

/* actor.c: `NAME VERB …`. */
void actor_line(struct run *run, const char *name, const char *line);
/* What a peer was sent and no line has looked at. */
void actor_check_rest(struct run *run, struct peer *peer);

/* answer.c: `answer password|introspect|keys WHO KEY yes|no|limited|failed|never [NAME VALUE]…` · `answer none` */
void answer_line(struct run *run, const char *line);

/* stage.c: `stage pass|flag|refuse|close [RULE [CAUSE]]` */
bool stage_register(void); /* before any world */
void stage_forget(void);   /* it lets all pass */
void stage_line(struct run *run, const char *line);

/* expect.c */
void expect_line(struct run *run, const char *name, struct peer *peer, const char *line);
void expect_status(struct run *run, struct peer *peer, const char *status);
void expect_json(struct run *run, struct peer *peer, const char *pattern, bool exact);
bool expect_until(struct run *run, struct peer *peer, bool (*ready)(struct peer *peer));
/* `record …` */
void expect_record(struct run *run, const char *line);
#endif
