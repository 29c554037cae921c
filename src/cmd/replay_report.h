/* replay_report.h: what a replay found: how many messages would have another end, by type, stage, code and reason, with
 * examples. Bounded: what is more than LIMIT_REPLAY_GROUPS kinds is counted together. */
#ifndef CMD_REPLAY_REPORT_H
#define CMD_REPLAY_REPORT_H
#include "base/hash.h"
#include "cmd/json_out.h"
#include "codec/capture.h"
#include "shell/rehearsal.h"

/* What became of a message, in whichever way it is known. */
struct replay_end {
	enum rehearsal_verdict verdict;
	bool rewritten;
	const char *stage, *code, *reason, *type; /* NULL: not known */
};
enum replay_change { REPLAY_SAME, REPLAY_PASSES, REPLAY_REFUSED, REPLAY_CLOSED, REPLAY_REWRITTEN, REPLAY_CHANGES };
extern const char *const replay_change_names[REPLAY_CHANGES];

struct replay_row;
struct replay_report {
	struct replay_row *rows; /* changes, and totals of types */
	struct hash_key key;
	uint64_t totals[REPLAY_CHANGES], messages, now[3], before[3];
	uint64_t others; /* changes that found no row */
	unsigned used, examples;
};

int replay_report_init(struct replay_report *report, unsigned examples); /* FW_OK or FW_ERR_MEMORY */
void replay_report_fini(struct replay_report *report);
void replay_report_add(struct replay_report *report, uint64_t number, const struct capture_line *line,
		       const struct replay_end *before, const struct replay_end *now);
enum replay_change replay_report_change(const struct replay_end *before, const struct replay_end *now);
void replay_report_print(struct replay_report *report);
void replay_report_write(struct replay_report *report, struct json_writer *w);
#endif
