/* top.h: inside of the verb top: what the server said at two moments, and the page that is made of it. */
#ifndef CMD_TOP_H
#define CMD_TOP_H
#include "base/arena.h"
#include "cmd/control.h"
#include "codec/json.h"

/* top_sample.c: one moment. */
struct top_sample {
	uint64_t at_ns; /* 0: none yet */
	struct arena arena;
	struct control_answer answers[2]; /* /api/v1/stats, /api/v1/top */
	struct json stats, most;
};
/* A command's exit code; what went wrong was said on standard error. */
int top_sample_take(struct top_sample *sample, const char *data);
void top_sample_free(struct top_sample *sample);
/* A number of stats by its names, with dots between: "counters.messages_in". What is not there is 0. */
uint64_t top_sample_number(const struct top_sample *sample, const char *path);

/* top_page.c: lines of text, each cut at columns. */
enum top_order { TOP_BY_STAGE, TOP_BY_REFUSED, TOP_BY_TIME, TOP_ORDERS };
struct top_view {
	unsigned rows, columns; /* 0: as many as there are */
	enum top_order order;	/* of stages */
	unsigned pane;		/* row of tops.def */
	bool all;		/* since the start, else the last minutes */
	bool help;
};
struct top_page {
	char *text; /* lines, each with its LF; freed by whoever asked */
	size_t size, room;
	unsigned row;
	bool failed; /* memory was short */
};
extern const unsigned top_panes;
void top_page_make(struct top_page *page, const struct top_sample *before, const struct top_sample *now,
		   const struct top_view *view);
/* The same for programs, one JSON object. */
int top_page_json(const struct top_sample *before, const struct top_sample *now);
#endif
