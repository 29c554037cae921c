/* admin.h: the HTTP side for operators: figures, events, the block list, the dashboard, the quick start's login. On a
 * TCP port (a credential for everything but health and the pages) and on the control socket of the data directory
 * (whoever may open it may use it). On the loop of the main thread; never waits for anything but the figures of the
 * workers. */
#ifndef SHELL_ADMIN_H
#define SHELL_ADMIN_H
#include <stdbool.h>
#include <stdint.h>

struct admin;
struct keeper;
/* NULL only when memory is short; otherwise *reterr_text is NULL, or says what failed and the result is to be stopped.
 */
struct admin *admin_start(struct keeper *keeper, const char **reterr_text);
uint16_t admin_port(const struct admin *admin); /* 0: no TCP port */
void admin_tick(struct admin *admin);		/* every second */
void admin_deafen(struct admin *admin);		/* nobody else is let in */
bool admin_answers(const struct admin *admin);	/* somebody has asked, and has not all of the answer */
void admin_stop(struct admin *admin);		/* closes its handles, counted in keeper->handles; NULL-safe */
struct admin *admin_free(struct admin *admin);	/* after they are closed; NULL-safe */
#endif
