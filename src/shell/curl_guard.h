/* curl_guard.h: what every request of the keeper has in common, whoever it is to: certificates are checked, nothing is
 * followed, no proxy and no password of the environment counts, and each address is looked at behind every name
 * look-up: a name that means another host at the second time, or an address in a spelling that only some understand,
 * makes no difference. No state but the caller's; any thread. */
#ifndef SHELL_CURL_GUARD_H
#define SHELL_CURL_GUARD_H
#include <stdbool.h>

enum { CURL_GUARD_WHY = 256 };
struct curl_guard {
	bool any_address;	      /* it may go anywhere */
	bool allow_private;	      /* to this machine and to private networks, too */
	char refused[CURL_GUARD_WHY]; /* by us, whatever libcurl calls it; "": it was not */
	char error[CURL_GUARD_WHY];   /* libcurl's (CURL_ERROR_SIZE) */
};
/* easy: CURL, of which guard is kept for as long as it lives. ca_file: who may have signed the certificate; NULL: as
 * this system says. False: memory is short. */
bool curl_guard_set(void *easy, struct curl_guard *guard, const char *ca_file);
#endif
