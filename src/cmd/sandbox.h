/* sandbox.h: what gate and keeper may no longer do once they meet the network. Irrevocable, and inherited by threads
 * that are made later: to be called before the first one. */
#ifndef CMD_SANDBOX_H
#define CMD_SANDBOX_H
#include "shell/keeper_needs.h"

/* Another user when root started it and there is that one; no file; no socket but those that it
 * accepts or is handed; no program, no other process; no memory that can be written and run. What the kernel lacks, or
 * would not do, is left out: then a static text says what, and it goes on. NULL: all of it holds. */
const char *sandbox_gate(const char *user);
/* Another user as above, who gets the data directory; no file but those that the keeper needs and what libraries read,
 * written nowhere but in the data directory and in the folders of what it writes; nothing done to other processes, nor
 * to the machine. Where it runs programs those are not kept from files, nor from starting others; else none is run. */
const char *sandbox_keeper(const char *user, const struct keeper_needs *needs);
#endif
