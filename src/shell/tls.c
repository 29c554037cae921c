#include "shell/tls.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "shell/tls_bio.h"
#include "shell/tls_parts.h"

struct tls_snapshot *tls_current(struct tls *tls)
{
	struct tls_snapshot *snapshot;

	/* The lock makes one step of reading the pointer and taking the reference: a reload may be replacing it. */
	pthread_mutex_lock(&tls->lock);
	snapshot = tls->current;
	atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&tls->lock);
	return snapshot;
}

void tls_release(struct tls_snapshot *snapshot)
{
	if (snapshot != NULL && atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) == 1)
		tls_load_forget(snapshot);
}

bool tls_serves(struct tls *tls)
{
	struct tls_snapshot *snapshot = tls_current(tls);
	bool serves = snapshot->count != 0;

	tls_release(snapshot);
	return serves;
}

bool tls_serves_admin(struct tls *tls)
{
	struct tls_snapshot *snapshot = tls_current(tls);
	bool serves = snapshot->admin != NULL;

	tls_release(snapshot);
	return serves;
}

void tls_leave_admin(struct tls *tls)
{
	tls->without_admin = true;
	SSL_CTX_free(tls->current->admin);
	tls->current->admin = NULL;
}

static struct tls_snapshot *load(struct tls *tls, const struct fw_policy *policy, fw_report_function *report,
				 void *user)
{
	struct tls_problems problems = { report, user, 0 };
	struct tls_snapshot *snapshot = tls_load(policy, &tls->tickets, tls->without_admin, &problems);

	if (snapshot == NULL && problems.errors == 0)
		tls_files_report(&problems, true, policy->source, "TLS cannot be set up: out of memory");
	return snapshot;
}

struct tls *tls_new(const struct fw_policy *policy, fw_report_function *report, void *user)
{
	struct tls *tls = mem_zero(1, sizeof(*tls));

	if (tls == NULL || pthread_mutex_init(&tls->lock, NULL) != 0) {
		mem_free(tls);
		return NULL;
	}
	tls_tickets_init(&tls->tickets);
	tls->method = tls_bio_method();
	if (tls->method != NULL)
		tls->current = load(tls, policy, report, user);
	return tls->current != NULL ? tls : tls_free(tls);
}

bool tls_reload(struct tls *tls, const struct fw_policy *policy, fw_report_function *report, void *user)
{
	struct tls_snapshot *next = load(tls, policy, report, user), *last;

	if (next == NULL)
		return false;
	pthread_mutex_lock(&tls->lock);
	last = tls->current;
	tls->current = next;
	pthread_mutex_unlock(&tls->lock);
	tls_release(last);
	return true;
}

struct tls *tls_free(struct tls *tls)
{
	if (tls == NULL)
		return NULL;
	tls_release(tls->current);
	tls_tickets_fini(&tls->tickets);
	BIO_meth_free(tls->method);
	pthread_mutex_destroy(&tls->lock);
	mem_free(tls);
	return NULL;
}

static void describe_certificate(const struct tls_certificate *certificate, fw_report_function *say, void *user)
{
	char text[512], day[64] = "?";
	const X509 *x509 = SSL_CTX_get0_certificate(certificate->context);
	struct tm end;
	size_t size = 0;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x509), &end) == 1)
		strftime(day, sizeof(day), "%Y-%m-%d", &end);
	text[0] = '\0';
	for (unsigned i = 0; i < certificate->name_count && size < sizeof(text) - 64; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%.*s", i != 0 ? ", " : "",
					 (int)(sizeof(text) - size - 8), certificate->names[i]);
	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	snprintf(text + size, sizeof(text) - size, "%s until %s (%s)", size == 0 ? "no DNS name," : ",", day,
		 certificate->file);
	say(user, text);
}

void tls_describe(struct tls *tls, fw_report_function *say, void *user)
{
	struct tls_snapshot *snapshot = tls_current(tls);
	char text[1024];

	for (unsigned i = 0; i < snapshot->count; i++)
		describe_certificate(&snapshot->certificates[i], say, user);
	if (snapshot->count != 0 || snapshot->client != NULL || snapshot->admin != NULL) {
		snprintf(text, sizeof(text), "%s, groups %s%s%s%s%s", snapshot->min_1_3 ? "TLS 1.3" : "TLS 1.2 and 1.3",
			 *snapshot->groups != '\0' ? snapshot->groups : "of the library",
			 *snapshot->lacking != '\0' ? "; OpenSSL " : "",
			 *snapshot->lacking != '\0' ? OpenSSL_version(OPENSSL_VERSION_STRING) : "",
			 *snapshot->lacking != '\0' ? " lacks " : "", snapshot->lacking);
		say(user, text);
	}
	tls_release(snapshot);
}
