/* threat_feeds.h: the lists of threat_intelligence.lists are had, judged and put in use by a thread of their own: when
 * it begins, when they are due, when they are asked for. What was good last stays in use while nothing better comes,
 * over a restart, too. Functions of the keeper's loop.
 *
 * Owns its thread and what it has fetched. Never: asks what the configuration does not name; takes away a list that is
 * in use because a newer one is bad. */
#ifndef SHELL_THREAT_FEEDS_H
#define SHELL_THREAT_FEEDS_H
#include "policy/policy.h"
#include "shell/threat_load.h"

struct log;
struct threats;
struct threat_feeds;
struct threat_feeds_options {
	const char *data_directory;
	struct log *log;
	struct threats *threats; /* where lists go */
	const int *link;	 /* and to a gate that is another process; NULL: there is none */
	/* From its thread: a record; connections are to be looked at, where there is no link. */
	void (*record)(void *user, unsigned type, const struct fw_detail *details, unsigned count);
	void (*changed)(void *user);
	void *user;
};
/* What is kept of each list, and lists that are files, are in use when it returns. NULL: memory or threads are short.
 */
struct threat_feeds *threat_feeds_start(const struct threat_feeds_options *options, struct fw_policy *policy);
void threat_feeds_renew(struct threat_feeds *feeds, struct fw_policy *policy); /* NULL-safe, as the following */
void threat_feeds_stop(struct threat_feeds *feeds);
/* Whether the link takes it or not: what it does not take now is sent later. Of a gate that begins. */
void threat_feeds_send_all(struct threat_feeds *feeds);
/* Asked for at once; name "": all. How many. */
unsigned threat_feeds_hurry(struct threat_feeds *feeds, struct fw_slice name);

struct threat_status {
	const char *name, *url, *action, *format;
	bool in_use, failing;
	struct threat_loaded loaded; /* where it is in use; fd is none of the caller's */
	const char *why;	     /* where it fails */
	uint64_t fetched_us;	     /* when it was had last, and good; 0: never */
	uint64_t hits;
};
/* Each, under the lock. */
void threat_feeds_each(struct threat_feeds *feeds, void (*each)(void *user, const struct threat_status *status),
		       void *user);
#endif
