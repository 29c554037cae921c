/* Certificates of clients, in DER: whose names are taken they are texts that cannot be read in two ways, and as many as
 * there may be. The signature is not looked at: TLS has done that before. Patterns are asked of each name, too. */
#include <stdlib.h>
#include <string.h>
#include <openssl/x509.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "crypto/certificate.h"
#include "policy/policy.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

static void check_name(const struct fw_certificate_name *name)
{
	static const char *const patterns[] = { "*", "*.*", "spiffe://*/*", "*@*", "CN=*", "a*b*c" };

	HOLDS(name->kind < FW_NAMES && name->text.size != 0 && utf8_valid(name->text.data, name->text.size));
	for (size_t i = 0; i < name->text.size; i++)
		HOLDS(name->text.data[i] >= ' ' && name->text.data[i] != 0x7f);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		(void)policy_certificate_matches(name->kind, patterns[i], name->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data;
	X509 *certificate = size <= 65536 ? d2i_X509(NULL, &at, (long)size) : NULL;
	struct certificate_facts facts;
	unsigned commons = 0;
	struct arena arena;

	if (certificate == NULL)
		return 0;
	arena_init(&arena, 1 << 20);
	certificate_read(&arena, certificate, &facts);
	HOLDS(facts.certificate.name_count <= LIMIT_CERTIFICATE_NAMES);
	HOLDS(facts.certificate.fault == NULL || facts.certificate.name_count == 0);
	for (size_t i = 0; i < facts.certificate.name_count; i++) {
		check_name(&facts.names[i]);
		commons += facts.names[i].kind == FW_NAME_COMMON;
	}
	HOLDS(commons <= 1);
	HOLDS(facts.certificate.fault != NULL ||
	      (facts.certificate.from_wall_us != 0 && facts.certificate.until_wall_us != 0));
	arena_fini(&arena);
	X509_free(certificate);
	return 0;
}
