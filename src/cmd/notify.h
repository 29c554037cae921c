/* notify.h: tells the service manager how the program stands: the datagrams of sd_notify(3), when NOTIFY_SOCKET is set.
 * No state; any thread. */
#ifndef CMD_NOTIFY_H
#define CMD_NOTIFY_H

/* "READY=1", "STOPPING=1", … Nothing happens, and nothing is said, when nobody listens. */
void notify(const char *state);
void notify_reloading(void); /* until the next READY=1 */
#endif
