/* keeper_top.h: who and what there is most of, rows of tables/tops.def: since the keeper began, and of the last one or
 * two minutes. Seen in the recorder's thread, where all records come by once, before any is summed up; asked by any. */
#ifndef SHELL_KEEPER_TOP_H
#define SHELL_KEEPER_TOP_H
#include <framewall/event.h>
#include <uv.h>

#include "watch/sketch.h"

enum top {
#define TOP(name, column, help) TOP_##name,
#include "tables/tops.def"
#undef TOP
	TOPS
};

struct keeper_top {
	uv_mutex_t lock;
	uint64_t since_ns;	       /* the minute that is counted began */
	uint64_t before_ns;	       /* that before it, which is whole, did; 0: there is none */
	struct sketch recent[2][TOPS]; /* this minute, the one before */
	struct sketch all[TOPS];
};
void keeper_top_init(struct keeper_top *top, uint64_t now_ns);
void keeper_top_fini(struct keeper_top *top);
void keeper_top_see(struct keeper_top *top, const struct fw_record *record, uint64_t now_ns);
/* ret_recent: room for TOPS, likewise ret_all; ret_ns: the time that recent is about. */
void keeper_top_ask(struct keeper_top *top, uint64_t now_ns, struct sketch *ret_recent, struct sketch *ret_all,
		    uint64_t *ret_ns);
#endif
