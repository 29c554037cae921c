/* PEM files: what is wrong with one is said with the file, the reason and what to do. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/files.h"
#include "shell/tls_parts.h"

enum { REPORT_ROOM = 2048 };

void tls_files_report(struct tls_problems *problems, bool error, const char *place, const char *format, ...)
{
	char text[REPORT_ROOM];
	va_list arguments;
	int size = snprintf(text, sizeof(text), "%s: %s: ", place, error ? "error" : "warning");

	problems->errors += error;
	if (problems->report == NULL || size < 0 || (size_t)size >= sizeof(text))
		return;
	va_start(arguments, format);
	/* NOLINTNEXTLINE: va_start is above; clang-tidy 14 forgets it */
	vsnprintf(text + size, sizeof(text) - (size_t)size, format, arguments);
	va_end(arguments);
	problems->report(problems->user, text);
}

/* OpenSSL's reason for the failure just now; its queue is empty afterwards. */
static const char *reason(const char *otherwise)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = error != 0 ? ERR_reason_error_string(error) : NULL;

	ERR_clear_error();
	return text != NULL ? text : otherwise;
}

/* Opens it, so that the system's own words tell what is wrong. */
static bool readable(const struct tls_files *files, const char *path, struct tls_problems *problems,
		     struct stat *status)
{
	int fd = files_open(path, O_NONBLOCK);
	bool is_file = fd >= 0 && fstat(fd, status) == 0 && S_ISREG(status->st_mode);

	if (fd < 0)
		tls_files_report(problems, true, files->place, "\"%s\": cannot read \"%s\": %s%s", files->what, path,
				 strerror(errno),
				 errno == EACCES ? "; the user of this program must be able to read it"
						 : "; name a PEM file");
	else if (!is_file)
		tls_files_report(problems, true, files->place, "\"%s\": \"%s\" is not a file; name a PEM file",
				 files->what, path);
	if (fd >= 0)
		close(fd);
	return is_file;
}

/* Nobody is asked for a passphrase at a terminal: it is said that the key has one. */
static int no_passphrase(char *text, int room, int writing, void *asked)
{
	(void)text;
	(void)room;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static void warn_of_dates(const struct tls_files *files, const X509 *certificate, struct tls_problems *problems)
{
	const ASN1_TIME *begin = X509_get0_notBefore(certificate), *end = X509_get0_notAfter(certificate);

	if (X509_cmp_current_time(end) < 0)
		tls_files_report(problems, false, files->place,
				 "\"%s\": the certificate \"%s\" has expired: clients will refuse it; get a new one",
				 files->what, files->certificate);
	else if (X509_cmp_current_time(begin) > 0)
		tls_files_report(
			problems, false, files->place,
			"\"%s\": the certificate \"%s\" is not valid yet: clients will refuse it; is the clock "
			"of this machine right?",
			files->what, files->certificate);
}

static BIO *open_pem(const char *path)
{
	FILE *file = files_fopen(path);
	BIO *bio = file != NULL ? BIO_new_fp(file, BIO_CLOSE) : NULL;

	if (bio == NULL && file != NULL)
		fclose(file);
	return bio;
}

/* As SSL_CTX_use_certificate_chain_file does it, which opens files itself. */
static bool use_chain(SSL_CTX *context, const char *path)
{
	BIO *bio = open_pem(path);
	X509 *certificate = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
	bool used = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
		    SSL_CTX_clear_chain_certs(context) == 1;

	X509_free(certificate);
	while (used && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		used = SSL_CTX_add0_chain_cert(context, certificate) == 1;
		if (!used)
			X509_free(certificate);
	}
	/* The end of the file, and nothing but that. */
	used = used && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(bio);
	return used;
}

bool tls_files_add(SSL_CTX *context, const char *path)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	BIO *bio = open_pem(path);
	STACK_OF(X509_INFO) *all = bio != NULL ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
	bool added = false, failed = false;

	for (int i = 0; all != NULL && i < sk_X509_INFO_num(all); i++) {
		const X509_INFO *info = sk_X509_INFO_value(all, i);

		if (info->x509 != NULL) {
			failed |= X509_STORE_add_cert(store, info->x509) != 1;
			added = true;
		}
		if (info->crl != NULL)
			failed |= X509_STORE_add_crl(store, info->crl) != 1;
	}
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	BIO_free(bio);
	return added && !failed;
}

STACK_OF(X509_NAME) * tls_files_names(SSL_CTX *context)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();

	for (int i = 0; names != NULL && i < sk_X509_OBJECT_num(objects); i++) {
		const X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		X509_NAME *name = authority != NULL ? X509_NAME_dup(X509_get_subject_name(authority)) : NULL;

		if (name != NULL && sk_X509_NAME_push(names, name) == 0)
			X509_NAME_free(name);
	}
	return names;
}

static bool use_certificate(SSL_CTX *context, const struct tls_files *files, struct tls_problems *problems)
{
	struct stat status;

	if (!readable(files, files->certificate, problems, &status))
		return false;
	ERR_clear_error();
	if (use_chain(context, files->certificate))
		return true;
	tls_files_report(problems, true, files->place,
			 "\"%s\": \"%s\" has no usable certificate: %s; it must be PEM, the certificate first, then "
			 "those that lead to its authority",
			 files->what, files->certificate, reason("unreadable"));
	return false;
}

static EVP_PKEY *read_key(const struct tls_files *files, struct tls_problems *problems)
{
	bool asked = false;
	FILE *file = files_fopen(files->key);
	EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, no_passphrase, &asked) : NULL;

	if (file != NULL)
		fclose(file);
	if (key == NULL && asked)
		tls_files_report(problems, true, files->place,
				 "\"%s\": the key \"%s\" has a passphrase; store it without one, readable by this "
				 "program's user alone: openssl pkey -in KEY -out NEW",
				 files->what, files->key);
	else if (key == NULL)
		tls_files_report(problems, true, files->place,
				 "\"%s\": \"%s\" has no usable private key: %s; it must be PEM", files->what,
				 files->key, reason("unreadable"));
	ERR_clear_error();
	return key;
}

static bool use_key(SSL_CTX *context, const struct tls_files *files, struct tls_problems *problems)
{
	struct stat status;
	EVP_PKEY *key;
	bool matches, used;

	if (!readable(files, files->key, problems, &status))
		return false;
	if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0)
		tls_files_report(problems, false, files->place,
				 "\"%s\": every user of this machine can read the key \"%s\": chmod o-rwx it",
				 files->what, files->key);
	key = read_key(files, problems);
	if (key == NULL)
		return false;
	/* Asked first: OpenSSL would drop the certificate instead of refusing the key. */
	matches = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
	used = matches && SSL_CTX_use_PrivateKey(context, key) == 1;
	if (!matches)
		tls_files_report(problems, true, files->place,
				 "\"%s\": the key \"%s\" does not belong to the certificate \"%s\"", files->what,
				 files->key, files->certificate);
	else if (!used)
		tls_files_report(problems, true, files->place, "\"%s\": the key \"%s\" cannot be used: %s", files->what,
				 files->key, reason("refused"));
	ERR_clear_error();
	EVP_PKEY_free(key);
	return used;
}

bool tls_files_pair(SSL_CTX *context, const struct tls_files *files, struct tls_problems *problems)
{
	if (!use_certificate(context, files, problems) || !use_key(context, files, problems))
		return false;
	warn_of_dates(files, SSL_CTX_get0_certificate(context), problems);
	return true;
}

bool tls_files_authorities(SSL_CTX *context, const struct tls_files *files, struct tls_problems *problems)
{
	struct stat status;

	if (!readable(files, files->certificate, problems, &status))
		return false;
	ERR_clear_error();
	if (tls_files_add(context, files->certificate))
		return true;
	tls_files_report(problems, true, files->place,
			 "\"%s\": \"%s\" has no usable certificate of an authority: %s; it must be PEM", files->what,
			 files->certificate, reason("unreadable"));
	return false;
}
