#include "shell/fall_note.h"

#include <signal.h>
#include <stddef.h>

_Thread_local const struct fw_addr *fall_note_peer;
static struct fall_note *note;

/* Nothing but memory. SA_RESETHAND: the signal comes again, and ends the process. */
static void on_fatal(int number)
{
	if (fall_note_peer != NULL) {
		note->address = *fall_note_peer;
		atomic_store(&note->written, 1);
	}
	raise(number);
}

void fall_note_begin(struct fall_note *shared)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = on_fatal, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };

	note = shared;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}
