/* fall_note.h: for whom a worker worked when its process fell: put where the monitor reads it, by the handler of the
 * fatal signal. */
#ifndef SHELL_FALL_NOTE_H
#define SHELL_FALL_NOTE_H
#include <framewall/types.h>
#include <stdatomic.h>

struct fall_note { /* in memory that both processes have */
	_Atomic uint32_t written;
	struct fw_addr address;
};
extern _Thread_local const struct fw_addr *fall_note_peer; /* NULL: for nobody */

/* From now on fatal signals are noted. Only in a process of its own: a library has no handlers. */
void fall_note_begin(struct fall_note *note);
#endif
