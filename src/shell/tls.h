/* tls.h: what TLS connections share: certificates for clients, the context towards upstreams, the keys of session
 * tickets. One a server, used by all its workers.
 *
 * Certificates and contexts of one configuration are an immutable, counted snapshot. tls_reload puts another in its
 * place: handshakes that begin from then on use the new one; live connections have what they need and stay (but see
 * tls_stream_trusted). Ticket keys outlive reloads. Threads: any, except new, reload and free, which one thread calls.
 * It reads files only in new and reload. */
#ifndef SHELL_TLS_H
#define SHELL_TLS_H
#include <stdbool.h>

#include "policy/policy.h"

struct tls;

/* Reads the files that the policy names. Every problem is reported ("framewall.yaml:3:5: error: …", or "… warning: …",
 * or plain lines that say what is used: see tls_describe). NULL: at least one error, or memory is short. A policy
 * without certificates and without wss:// upstreams gives an object that serves neither. */
struct tls *tls_new(const struct fw_policy *policy, fw_report_function *report, void *user);
/* The same for another policy. False: reported, and what was before stays in use. */
bool tls_reload(struct tls *tls, const struct fw_policy *policy, fw_report_function *report, void *user);
struct tls *tls_free(struct tls *tls); /* after the last stream; NULL-safe, returns NULL */

/* Do clients connect by TLS (now)? */
bool tls_serves(struct tls *tls);
bool tls_serves_admin(struct tls *tls); /* do operators? */
/* A process that meets clients alone has no key of the admin side: forgotten, and not read again. Before there are
 * streams. */
void tls_leave_admin(struct tls *tls);
/* For people, one line each: certificates with their names and last day; versions and groups, and which groups the
 * library lacks. */
void tls_describe(struct tls *tls, fw_report_function *say, void *user);
#endif
