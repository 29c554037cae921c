/* breached.h: is a password one of those that are known from thefts? A file as Have I Been Pwned gives it out, ordered
 * by hash: lines "SHA-1 in 40 hex digits:COUNT". It is searched on the disk, never read whole: it has tens of
 * gigabytes. Waits for the disk: not for a thread that serves anybody. */
#ifndef SHELL_BREACHED_H
#define SHELL_BREACHED_H
#include <framewall/types.h>

enum breached { BREACHED_NOT, BREACHED_FOUND, BREACHED_UNREADABLE };
/* UNREADABLE: there is no such file, or it is not that. */
enum breached breached_find(const char *path, struct fw_slice password);
#endif
