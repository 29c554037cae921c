/* Names of certificates: dNSName of the subjectAltName (RFC 6125 6.4.4: the common name counts for nothing beside it).
 * A wildcard stands for one whole label at the front (RFC 6125 6.4.3). An exact name goes before a wildcard, an earlier
 * certificate before a later one. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/tls_parts.h"

static char *small_letters(const uint8_t *text, size_t size)
{
	char *copy = mem_text(text, size);

	for (size_t i = 0; copy != NULL && i < size; i++)
		copy[i] = (char)ascii_lower((uint8_t)copy[i]);
	return copy;
}

static bool add_name(struct tls_certificate *certificate, const ASN1_STRING *name)
{
	const uint8_t *text = ASN1_STRING_get0_data(name);
	size_t size = (size_t)ASN1_STRING_length(name);
	char *copy;

	if (size == 0 || memchr(text, 0, size) != NULL) /* "good.example\0.evil": no name at all */
		return true;
	copy = small_letters(text, size);
	if (copy == NULL)
		return false;
	certificate->names[certificate->name_count++] = copy;
	return true;
}

bool tls_names_read(struct tls_certificate *certificate)
{
	GENERAL_NAMES *all =
		X509_get_ext_d2i(SSL_CTX_get0_certificate(certificate->context), NID_subject_alt_name, NULL, NULL);
	int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
	bool room = true;

	if (count > 0) {
		certificate->names = mem_zero((size_t)count, sizeof(*certificate->names));
		room = certificate->names != NULL;
	}
	for (int i = 0; room && i < count; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_DNS)
			room = add_name(certificate, name->d.dNSName);
	}
	GENERAL_NAMES_free(all);
	return room;
}

static bool has(const struct tls_certificate *certificate, const char *name, bool wildcard)
{
	for (unsigned i = 0; i < certificate->name_count; i++) {
		const char *known = certificate->names[i];

		if (wildcard ? known[0] == '*' && strcmp(known + 1, name) == 0 : strcmp(known, name) == 0)
			return true;
	}
	return false;
}

const struct tls_certificate *tls_names_find(const struct tls_snapshot *snapshot, const char *name)
{
	char wanted[TLSEXT_MAXLEN_host_name + 1];
	size_t size = strlen(name);
	const char *rest;

	while (size != 0 && name[size - 1] == '.')
		size--;
	if (size == 0 || size >= sizeof(wanted))
		return NULL;
	for (size_t i = 0; i < size; i++)
		wanted[i] = (char)ascii_lower((uint8_t)name[i]);
	wanted[size] = '\0';
	rest = strchr(wanted, '.');
	for (unsigned i = 0; i < snapshot->count; i++)
		if (has(&snapshot->certificates[i], wanted, false))
			return &snapshot->certificates[i];
	for (unsigned i = 0; rest != NULL && rest != wanted && i < snapshot->count; i++)
		if (has(&snapshot->certificates[i], rest, true))
			return &snapshot->certificates[i];
	return NULL;
}
