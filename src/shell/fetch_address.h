/* fetch_address.h: which addresses requests of the keeper may go to: none of this machine or of a private network,
 * unless the configuration allows it, whatever a name server says. No state; any thread. */
#ifndef SHELL_FETCH_ADDRESS_H
#define SHELL_FETCH_ADDRESS_H
#include <sys/socket.h>

#include "base/addr.h"

enum { FETCH_ADDRESS_WHY = 256 };
/* False: ret_why says why not. */
bool fetch_address_holds(const struct fw_addr *address, bool allow_private, char ret_why[FETCH_ADDRESS_WHY]);
struct fw_addr fetch_address_of(const void *sockaddr, int family); /* family 0: it is of none that is known */
#endif
