/* tls_parts.h: the inside of tls*.c. */
#ifndef SHELL_TLS_PARTS_H
#define SHELL_TLS_PARTS_H
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "shell/tls.h"

/* Tickets are sealed with the current key and opened with it or the one before, so each opens for at least as long as
 * one key is current. */
enum { TLS_TICKET_NAME = 16, TLS_TICKET_KEYS = 2, TLS_TICKET_SECONDS = 3600 };

struct tls_ticket_key {
	uint8_t name[TLS_TICKET_NAME]; /* in the ticket: which key */
	uint8_t cipher[32];	       /* AES-256-CBC */
	uint8_t mac[32];	       /* HMAC-SHA256 */
};

struct tls_tickets {
	pthread_mutex_t lock;
	struct tls_ticket_key keys[TLS_TICKET_KEYS]; /* 0: current; 1: the one before */
	unsigned count;
	uint64_t until_ns; /* when the current one is replaced */
};

struct tls_certificate {
	SSL_CTX *context;
	const char *file; /* copied */
	char **names;	  /* DNS names, small letters, "*.example.com" among them */
	unsigned name_count;
};

struct tls_snapshot {
	_Atomic unsigned references;
	struct tls_certificate *certificates;
	unsigned count;	 /* 0: clients connect without TLS */
	SSL_CTX *client; /* NULL: no upstream is wss:// */
	bool verifies;	 /* upstreams */
	bool min_1_3;
	uint64_t authorities; /* of clients: of a digest of them */
	SSL_CTX *admin;	      /* for operators; NULL: they connect without TLS */
	uint64_t admin_authorities;
	char *server_name;		/* for all upstreams, or NULL: the host */
	char groups[256], lacking[256]; /* "X25519, P-256" */
};

struct tls {
	pthread_mutex_t lock; /* of current */
	struct tls_snapshot *current;
	struct tls_tickets tickets;
	bool without_admin; /* this process serves no operators, and has no key of theirs */
	BIO_METHOD *method; /* of every stream's BIO */
};

/* tls.c */
struct tls_snapshot *tls_current(struct tls *tls); /* with a reference */
void tls_release(struct tls_snapshot *snapshot);   /* NULL-safe */

/* Where problems go, and how many were errors. */
struct tls_problems {
	fw_report_function *report;
	void *user;
	unsigned errors;
};

/* tls_load.c: contexts from files */
/* NULL: reported, or memory is short (then errors is 0). */
struct tls_snapshot *tls_load(const struct fw_policy *policy, struct tls_tickets *tickets, bool without_admin,
			      struct tls_problems *problems);
void tls_load_forget(struct tls_snapshot *snapshot); /* frees it */

/* tls_files.c: PEM files into a context; what is wrong is reported */
/* place: where the configuration names the files; what: the key that names them. */
struct tls_files {
	const char *place, *what, *certificate, *key;
};
bool tls_files_pair(SSL_CTX *context, const struct tls_files *files, struct tls_problems *problems);
bool tls_files_add(SSL_CTX *context, const char *path);	 /* authorities; false: there are none in it */
STACK_OF(X509_NAME) * tls_files_names(SSL_CTX *context); /* of the authorities; NULL: memory is short */
bool tls_files_authorities(SSL_CTX *context, const struct tls_files *files, struct tls_problems *problems);
void tls_files_report(struct tls_problems *problems, bool error, const char *place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* tls_names.c: which certificate for which name */
bool tls_names_read(struct tls_certificate *certificate);
const struct tls_certificate *tls_names_find(const struct tls_snapshot *snapshot, const char *name); /* or NULL */

/* tls_tickets.c */
bool tls_tickets_init(struct tls_tickets *tickets);
void tls_tickets_fini(struct tls_tickets *tickets);
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context);
/* The keys as they are at a time: the caller's copy, to be wiped. False: no random octets. */
bool tls_tickets_at(struct tls_tickets *tickets, uint64_t now_ns, struct tls_ticket_key ret_keys[TLS_TICKET_KEYS],
		    unsigned *ret_count);
#endif
