/* removed.h: what stays of records that were removed from the start of a ledger: the file "removed", a signed note of
 * how far, with what a verifier needs to go on behind them: their chain, their tree, the keys of the epochs. Any
 * thread. */
#ifndef RECORD_REMOVED_H
#define RECORD_REMOVED_H
#include "record/ledger_verify.h"
#include "record/storage.h"

/* 1 with where the records that are kept begin; 0: none were removed; -1 with errno, EBADMSG: the note does not hold.
 */
int removed_read(const char *directory, const struct note_key *key, struct ledger_resume *ret_state);
/* Puts the note in the place of the one before; it is on the disk then. 0, or -1 with errno. */
int removed_write(const struct storage *storage, const char *directory, const struct note_key *key,
		  const struct ledger_resume *state);
#endif
