#include "crypto/certificate.h"

#include <string.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/slice.h"
#include "base/utf8.h"

enum { NAME_MOST = 512 };

static const char memory[] = "certificate: out of memory";

/* A text without control characters (NUL among them) that is UTF-8: what a log, a header and a rule see is the same. */
static const char *judge(struct fw_slice text)
{
	if (text.size == 0 || text.size > NAME_MOST)
		return "certificate: an empty or a long name";
	if (!utf8_valid(text.data, text.size))
		return "certificate: a name that is not UTF-8";
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f ||
		    (text.data[i] == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0))
			return "certificate: a control character in a name";
	return NULL;
}

static const char *add(struct arena *arena, struct certificate_facts *facts, enum fw_certificate_name_kind kind,
		       struct fw_slice text)
{
	struct fw_certificate *made = &facts->certificate;
	const char *fault = judge(text);
	uint8_t *copy;

	if (fault != NULL)
		return fault;
	if (made->name_count == LIMIT_CERTIFICATE_NAMES)
		return "certificate: too many names";
	copy = arena_alloc(arena, text.size);
	if (copy == NULL)
		return memory;
	memcpy(copy, text.data, text.size);
	facts->names[made->name_count++] = (struct fw_certificate_name){ kind, slice(copy, text.size) };
	return NULL;
}

/* Old kinds of strings (T61, BMP, universal) have been read in more than one way. */
static const char *string_of(const ASN1_STRING *string, struct fw_slice *ret_text)
{
	int type = ASN1_STRING_type(string);

	*ret_text = slice(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
	return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING
		       ? NULL
		       : "certificate: a name of an old kind of string";
}

/* Each part judged alone; the whole as RFC 4514 writes it, in which a comma within a part is escaped. */
static const char *add_subject(struct arena *arena, struct certificate_facts *facts, const X509_NAME *name,
			       enum fw_certificate_name_kind kind)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *fault = bio == NULL ? memory : NULL;
	unsigned commons = 0;
	char *text;
	long size;

	for (int i = 0; fault == NULL && i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		bool common = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_commonName;
		struct fw_slice part;

		fault = string_of(X509_NAME_ENTRY_get_data(entry), &part);
		if (fault == NULL)
			fault = judge(part);
		if (fault == NULL && common && ++commons > 1)
			fault = "certificate: more than one common name";
		if (fault == NULL && common && kind == FW_NAME_SUBJECT)
			fault = add(arena, facts, FW_NAME_COMMON, part);
	}
	if (fault == NULL && X509_NAME_entry_count(name) != 0) {
		unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;

		fault = X509_NAME_print_ex(bio, name, 0, flags) < 0 ? memory : NULL;
		size = BIO_get_mem_data(bio, &text);
		if (fault == NULL)
			fault = add(arena, facts, kind, slice(text, size > 0 ? (size_t)size : 0));
	}
	BIO_free(bio);
	return fault;
}

static const char *add_alternative(struct arena *arena, struct certificate_facts *facts, const GENERAL_NAME *name)
{
	static const struct {
		int type;
		enum fw_certificate_name_kind kind;
	} kinds[] = { { GEN_DNS, FW_NAME_DNS }, { GEN_URI, FW_NAME_URI }, { GEN_EMAIL, FW_NAME_EMAIL } };
	int type;
	const ASN1_STRING *string = GENERAL_NAME_get0_value(name, &type);
	struct fw_slice text;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (type != kinds[i].type)
			continue;
		text = slice(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
		for (size_t k = 0; k < text.size; k++) /* RFC 5280 4.2.1.6: IA5String */
			if (text.data[k] <= 0x20 || text.data[k] > 0x7e)
				return "certificate: an alternative name that is not plain ASCII";
		return add(arena, facts, kinds[i].kind, text);
	}
	return NULL; /* addresses, directory names and others: no rule asks for them */
}

static const char *add_alternatives(struct arena *arena, struct certificate_facts *facts, const X509 *certificate)
{
	const char *fault = NULL;
	int critical;
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);

	if (names == NULL) /* -1: it has none. -2: more than one list of them; else: one that cannot be read */
		return critical == -1 ? NULL : "certificate: alternative names that cannot be read, or twice";
	for (int i = 0; fault == NULL && i < sk_GENERAL_NAME_num(names); i++)
		fault = add_alternative(arena, facts, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return fault;
}

static bool read_time(const ASN1_TIME *time, uint64_t *ret_wall_us)
{
	struct tm parts;
	time_t seconds = ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : -1;

	*ret_wall_us = seconds > 0 ? (uint64_t)seconds * 1000000 : 0;
	return seconds > 0;
}

void certificate_read(struct arena *arena, const X509 *certificate, struct certificate_facts *ret_facts)
{
	struct fw_certificate *made = &ret_facts->certificate;
	const char *fault;

	*made = (struct fw_certificate){ .names = ret_facts->names };
	fault = add_subject(arena, ret_facts, X509_get_subject_name(certificate), FW_NAME_SUBJECT);
	if (fault == NULL)
		fault = add_subject(arena, ret_facts, X509_get_issuer_name(certificate), FW_NAME_ISSUER);
	if (fault == NULL)
		fault = add_alternatives(arena, ret_facts, certificate);
	if (!read_time(X509_get0_notBefore(certificate), &made->from_wall_us) ||
	    !read_time(X509_get0_notAfter(certificate), &made->until_wall_us))
		fault = "certificate: times that cannot be read";
	ERR_clear_error();
	made->fault = fault;
	if (fault != NULL)
		made->name_count = 0;
}
