/* reload.h: what came of reading the configuration anew, from the manager, which does it, to the admin side, which may
 * have asked for it. Owned by whoever asked; one thread. */
#ifndef SHELL_RELOAD_H
#define SHELL_RELOAD_H
#include <framewall/types.h>

#include "policy/fingerprint.h"

enum { RELOAD_DIGEST = 64 };

/* Which configuration is in use. */
struct reload_state {
	uint64_t generation; /* from 1 on; one more with each that is taken */
	uint64_t wall_us;    /* when it was taken */
	char digest[RELOAD_DIGEST + 1];
	uint64_t taken, refused; /* reloads */
	bool last_refused;
};

struct reload_result {
	struct fw_error error; /* code FW_OK: it was taken; text: the first problem */
	struct reload_state before, after;
	bool changed[FINGERPRINT_ROWS];
	bool restart[FINGERPRINT_ROWS]; /* another value than the one that the server was started with */
	bool late;			/* not every worker has it yet */
	const char *name;		/* of the file, as problems have it */
	char *problems;			/* errors and warnings, a NUL behind each */
	size_t problems_size;
};
void reload_hear(struct reload_result *result, const char *problem); /* copied; left out when memory is short */
void reload_fini(struct reload_result *result);
/* What is recorded of it, behind what the record has already: before/after digests, what changed, or why it was
 * refused. */
struct keeper;
struct fw_record;
void reload_record(struct keeper *keeper, struct fw_record *record, const struct reload_result *result);
/* "listen, workers": paths of rows, cut at room. Returns how many there are. */
unsigned reload_list(const bool rows[FINGERPRINT_ROWS], char *ret_text, size_t room);
#endif
