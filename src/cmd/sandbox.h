/* sandbox.h: what the gate may no longer do once it meets the network. Irrevocable, and inherited by threads that are
 * made later: to be called before the first one. */
#ifndef CMD_SANDBOX_H
#define CMD_SANDBOX_H
/* Another user when root started it and there is that one; no file; no socket but those that it
 * accepts or is handed; no program, no other process; no memory that can be written and run. What the kernel lacks, or
 * would not do, is left out: then a static text says what, and it goes on. NULL: all of it holds. */
const char *sandbox_gate(const char *user);
#endif
