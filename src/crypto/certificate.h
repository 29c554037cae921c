/* certificate.h: whose certificate it is: the names that a login may be made of. Strict: a certificate with a name that
 * two readers could read differently has a fault, and no names. The chain was verified by who calls. Any thread. */
#ifndef CRYPTO_CERTIFICATE_H
#define CRYPTO_CERTIFICATE_H
#include <openssl/x509.h>

#include <framewall/conn.h>

#include "base/arena.h"
#include "base/limits.h"

struct certificate_facts {
	struct fw_certificate certificate; /* its names are those below, their texts in the arena */
	struct fw_certificate_name names[LIMIT_CERTIFICATE_NAMES];
};

void certificate_read(struct arena *arena, const X509 *certificate, struct certificate_facts *ret_facts);
#endif
