/* From the policy's words to contexts of OpenSSL: one for each certificate for clients, one towards upstreams. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/tls_parts.h"

/* Forward secrecy and authenticated encryption only; of TLS 1.3 all suites are that. */
static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

static const char suites_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* RFC 7301 3.2: HTTP/1.1 is what is spoken here, and RFC 6455 needs it. Who offers protocols without it is refused; who
 * offers none is welcome. */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size, const unsigned char *offered,
		   unsigned size, void *user)
{
	static const uint8_t http[] = "http/1.1";

	(void)ssl;
	(void)user;
	for (unsigned at = 0; at < size && at + 1u + offered[at] <= size; at += 1u + offered[at]) {
		if (!slice_is(slice(offered + at + 1, offered[at]), (const char *)http))
			continue;
		*chosen = offered + at + 1;
		*chosen_size = offered[at];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The certificate for the name that the client asks for (RFC 6066 3); none of that name: the first. */
static int on_server_name(SSL *ssl, int *alert, void *user)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_certificate *found = name != NULL ? tls_names_find(user, name) : NULL;

	(void)alert;
	if (found == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	if (found->context != SSL_get_SSL_CTX(ssl))
		SSL_set_SSL_CTX(ssl, found->context);
	return SSL_TLSEXT_ERR_OK;
}

static void append(char *list, size_t room, const char *separator, const char *word)
{
	size_t size = strlen(list);

	snprintf(list + size, room - size, "%s%s", size != 0 ? separator : "", word);
}

/* A list with one name that the library does not know is refused whole, so each is tried alone. */
static bool use_groups(SSL_CTX *context, const struct texts *wanted, struct tls_snapshot *snapshot)
{
	char list[sizeof(snapshot->groups)] = "";
	SSL_CTX *probe = SSL_CTX_new(TLS_method());

	if (probe == NULL)
		return false;
	snapshot->groups[0] = snapshot->lacking[0] = '\0';
	for (size_t i = 0; i < wanted->count; i++) {
		bool known = SSL_CTX_set1_groups_list(probe, wanted->items[i]) == 1;

		if (known)
			append(list, sizeof(list), ":", wanted->items[i]);
		append(known ? snapshot->groups : snapshot->lacking, sizeof(list), ", ", wanted->items[i]);
	}
	SSL_CTX_free(probe);
	ERR_clear_error();
	return list[0] == '\0' || SSL_CTX_set1_groups_list(context, list) == 1;
}

/* What both directions have in common. NULL: memory. */
static SSL_CTX *new_context(const SSL_METHOD *method, const struct fw_policy *policy, struct tls_snapshot *snapshot)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (context == NULL)
		return NULL;
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(context, suites_1_2) == 1 &&
	    use_groups(context, &policy->settings.tls_groups, snapshot))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* whether: of CLIENT_CERTIFICATE_; files: who signs them. */
static bool ask_for_certificates(SSL_CTX *context, int64_t whether, const struct tls_files *files,
				 struct tls_problems *problems)
{
	int mode = SSL_VERIFY_PEER;
	STACK_OF(X509_NAME) * names;

	if (whether == CLIENT_CERTIFICATE_NONE)
		return true;
	if (whether == CLIENT_CERTIFICATE_REQUIRE)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	if (!tls_files_authorities(context, files, problems))
		return false;
	names = tls_files_names(context); /* what the client is told to choose from */
	ERR_clear_error();
	if (names == NULL)
		return false;
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, mode, NULL);
	return true;
}

static bool digest_certificate(EVP_MD_CTX *digest, const X509 *certificate)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned size;

	return X509_digest(certificate, EVP_sha256(), hash, &size) == 1 && EVP_DigestUpdate(digest, hash, size) == 1;
}

static bool digest_authorities(EVP_MD_CTX *digest, SSL_CTX *context)
{
	STACK_OF(X509_OBJECT) *authorities = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
	bool made = true;

	for (int i = 0; made && i < sk_X509_OBJECT_num(authorities); i++) {
		const X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(authorities, i));

		made = authority == NULL || digest_certificate(digest, authority);
	}
	return made;
}

/* Whether others sign certificates of clients from now on: then those who are here are asked again. */
static bool note_authorities(SSL_CTX *context, uint64_t *ret_authorities)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE] = { 0 };
	bool made = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
		    digest_authorities(digest, context) && EVP_DigestFinal_ex(digest, hash, NULL) == 1;

	EVP_MD_CTX_free(digest);
	memcpy(ret_authorities, hash, sizeof(*ret_authorities));
	return made;
}

/* A ticket is good for the certificates, and the demands on the client's, under which it was given (RFC 8446 4.2.11: a
 * server may always decline). */
static bool set_session_context(SSL_CTX *context, const struct tls_snapshot *snapshot)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	int mode = SSL_CTX_get_verify_mode(context);
	bool made = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(digest, &mode, sizeof(mode)) == 1;

	for (unsigned i = 0; made && i < snapshot->count; i++)
		made = digest_certificate(digest, SSL_CTX_get0_certificate(snapshot->certificates[i].context));
	made = made && digest_authorities(digest, context) && EVP_DigestFinal_ex(digest, hash, NULL) == 1;
	EVP_MD_CTX_free(digest);
	return made && SSL_CTX_set_session_id_context(context, hash, SSL_MAX_SID_CTX_LENGTH) == 1;
}

static bool load_certificate(const struct fw_policy *policy, unsigned index, struct tls_snapshot *snapshot,
			     struct tls_tickets *tickets, struct tls_problems *problems)
{
	const struct policy_certificate *named = &policy->certificates[index];
	struct tls_certificate *made = &snapshot->certificates[snapshot->count];
	const char *what = named->place == policy->source ? "tls.certificate" : "tls.certificates";
	struct tls_files files = { named->place, what, named->certificate, named->key };

	made->context = new_context(TLS_server_method(), policy, snapshot);
	if (made->context == NULL)
		return false;
	snapshot->count++; /* from now on it is freed with the others */
	if (policy->settings.tls_min_version == TLS_1_3 &&
	    SSL_CTX_set_min_proto_version(made->context, TLS1_3_VERSION) != 1)
		return false;
	tls_tickets_use(tickets, made->context);
	SSL_CTX_set_alpn_select_cb(made->context, on_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(made->context, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(made->context, snapshot);
	if (!tls_files_pair(made->context, &files, problems))
		return false;
	made->file = mem_text(named->certificate, strlen(named->certificate));
	return made->file != NULL && tls_names_read(made);
}

static bool load_server(const struct fw_policy *policy, struct tls_snapshot *snapshot, struct tls_tickets *tickets,
			struct tls_problems *problems)
{
	struct tls_files signers = { policy->source, "tls.client_ca", policy->settings.tls_client_ca, NULL };
	bool loaded = true;

	if (policy->certificate_count == 0)
		return true;
	snapshot->certificates = mem_zero(policy->certificate_count, sizeof(*snapshot->certificates));
	if (snapshot->certificates == NULL)
		return false;
	for (unsigned i = 0; i < policy->certificate_count; i++) /* every problem at once */
		loaded = load_certificate(policy, i, snapshot, tickets, problems) && loaded;
	for (unsigned i = 0; loaded && i < snapshot->count; i++)
		loaded = ask_for_certificates(snapshot->certificates[i].context,
					      policy->settings.tls_client_certificate, &signers, problems);
	for (unsigned i = 0; loaded && i < snapshot->count; i++)
		loaded = set_session_context(snapshot->certificates[i].context, snapshot);
	return loaded && note_authorities(snapshot->certificates[0].context, &snapshot->authorities);
}

/* No tickets: each connection of an operator shows its certificate anew. */
static bool load_admin(const struct fw_policy *policy, struct tls_snapshot *snapshot, struct tls_problems *problems)
{
	const struct settings *settings = &policy->settings;
	const char *key = *settings->admin_tls_key != '\0' ? settings->admin_tls_key : settings->admin_tls_certificate;
	struct tls_files files = { policy->source, "admin.tls.certificate", settings->admin_tls_certificate, key };
	struct tls_files signers = { policy->source, "admin.tls.client_ca", settings->admin_client_ca, NULL };

	if (*settings->admin_tls_certificate == '\0')
		return true;
	snapshot->admin = new_context(TLS_server_method(), policy, snapshot);
	if (snapshot->admin == NULL || (settings->tls_min_version == TLS_1_3 &&
					SSL_CTX_set_min_proto_version(snapshot->admin, TLS1_3_VERSION) != 1))
		return false;
	SSL_CTX_set_options(snapshot->admin, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(snapshot->admin, 0);
	SSL_CTX_set_session_cache_mode(snapshot->admin, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(snapshot->admin, on_alpn, NULL);
	return tls_files_pair(snapshot->admin, &files, problems) &&
	       ask_for_certificates(snapshot->admin, settings->admin_client_certificate, &signers, problems) &&
	       note_authorities(snapshot->admin, &snapshot->admin_authorities);
}

static bool needs_client(const struct fw_policy *policy)
{
	for (unsigned i = 0; i < policy->route_count; i++)
		if (policy->routes[i].has_upstream && policy->routes[i].upstream_tls)
			return true;
	return false;
}

/* Those of the system: read now, since who looks at certificates later may not open a file. */
static bool trust_system(SSL_CTX *context)
{
	const char *path = getenv(X509_get_default_cert_file_env());

	tls_files_add(context, path != NULL ? path : system_authorities);
	ERR_clear_error();
	return SSL_CTX_set_default_verify_paths(context) == 1;
}

static bool trust(SSL_CTX *context, const struct fw_policy *policy, struct tls_problems *problems)
{
	const struct settings *settings = &policy->settings;
	struct tls_files files = { policy->source, "upstream.tls.ca_file", settings->upstream_tls_ca_file, NULL };

	if (settings->upstream_tls_verify == VERIFY_OFF)
		return true;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (*settings->upstream_tls_ca_file == '\0')
		return trust_system(context);
	return tls_files_authorities(context, &files, problems);
}

static bool load_client(const struct fw_policy *policy, struct tls_snapshot *snapshot, struct tls_problems *problems)
{
	static const uint8_t http[] = "\x08http/1.1";
	const struct settings *settings = &policy->settings;
	const char *key =
		*settings->upstream_tls_key != '\0' ? settings->upstream_tls_key : settings->upstream_tls_certificate;
	struct tls_files files = { policy->source, "upstream.tls.certificate", settings->upstream_tls_certificate,
				   key };

	if (!needs_client(policy))
		return true;
	snapshot->client = new_context(TLS_client_method(), policy, snapshot);
	if (snapshot->client == NULL)
		return false;
	snapshot->verifies = settings->upstream_tls_verify == VERIFY_ON;
	SSL_CTX_set_session_cache_mode(snapshot->client, SSL_SESS_CACHE_OFF);
	/* 0 is success here, unlike elsewhere in OpenSSL. */
	if (SSL_CTX_set_alpn_protos(snapshot->client, http, sizeof(http) - 1) != 0 ||
	    !trust(snapshot->client, policy, problems))
		return false;
	if (*settings->upstream_tls_server_name != '\0') {
		snapshot->server_name =
			mem_text(settings->upstream_tls_server_name, strlen(settings->upstream_tls_server_name));
		if (snapshot->server_name == NULL)
			return false;
	}
	return *settings->upstream_tls_certificate == '\0' || tls_files_pair(snapshot->client, &files, problems);
}

/* None of those asked for: the library's own would be another policy than the one that is written down. */
static bool has_groups(const struct fw_policy *policy, const struct tls_snapshot *snapshot,
		       struct tls_problems *problems)
{
	bool used = snapshot->count != 0 || snapshot->client != NULL || snapshot->admin != NULL;

	if (!used || policy->settings.tls_groups.count == 0 || *snapshot->groups != '\0')
		return true;
	tls_files_report(problems, true, policy->source,
			 "\"tls.groups\": OpenSSL %s has none of %s; name one that it has, as in P-256",
			 OpenSSL_version(OPENSSL_VERSION_STRING), snapshot->lacking);
	return false;
}

struct tls_snapshot *tls_load(const struct fw_policy *policy, struct tls_tickets *tickets, bool without_admin,
			      struct tls_problems *problems)
{
	struct tls_snapshot *snapshot = mem_zero(1, sizeof(*snapshot));
	bool server, client, admin;

	if (snapshot == NULL)
		return NULL;
	atomic_init(&snapshot->references, 1);
	snapshot->min_1_3 = policy->settings.tls_min_version == TLS_1_3;
	server = load_server(policy, snapshot, tickets, problems);
	client = load_client(policy, snapshot, problems);
	admin = without_admin || load_admin(policy, snapshot, problems);
	ERR_clear_error();
	if (server && client && admin && has_groups(policy, snapshot, problems))
		return snapshot;
	tls_load_forget(snapshot);
	return NULL;
}

void tls_load_forget(struct tls_snapshot *snapshot)
{
	for (unsigned i = 0; i < snapshot->count; i++) {
		struct tls_certificate *certificate = &snapshot->certificates[i];

		SSL_CTX_free(certificate->context);
		mem_free((void *)(uintptr_t)certificate->file);
		for (unsigned k = 0; k < certificate->name_count; k++)
			mem_free(certificate->names[k]);
		mem_free(certificate->names);
	}
	mem_free(snapshot->certificates);
	SSL_CTX_free(snapshot->client);
	SSL_CTX_free(snapshot->admin);
	mem_free(snapshot->server_name);
	mem_free(snapshot);
}
