/* threat.h: lists of networks that others publish: text in, networks out. A list is whole or none: a line that is
 * neither a network nor a comment refuses it, since what is cut off, or is a page about an error, must not pass for a
 * shorter list. What a format has besides networks is counted. No state but the caller's; any thread. */
#ifndef CODEC_THREAT_H
#define CODEC_THREAT_H
#include "base/pool.h"
#include "base/prefix_set.h"

enum threat_format {
#define THREAT_FORMAT(name, function, help) THREAT_##name,
#include "tables/threat_formats.def"
#undef THREAT_FORMAT
	THREAT_FORMATS
};
const char *threat_format_name(enum threat_format format);

enum { THREAT_WHY = 192, THREAT_NAME = 32 };
/* What becomes of who is on a list; the strongest first. */
enum threat_action { THREAT_BLOCK, THREAT_FLAG, THREAT_COUNT, THREAT_ACTIONS };
struct threat_reading {
	struct prefix_build *build; /* gets the networks */
	uint64_t wall_us;	    /* now: what is valid */
	size_t most;		    /* networks; more refuse the list */
	bool private;		    /* networks of private and link-local addresses and of loopback are taken, too */
	/* What came of it: */
	size_t taken;
	size_t left_out;      /* networks of such addresses, or of those that no client has */
	size_t unsupported;   /* patterns that say something else than addresses */
	size_t invalid;	      /* indicators that are revoked, or not valid now */
	uint64_t changes_us;  /* when one of them begins or ends to be valid; UINT64_MAX: never */
	char why[THREAT_WHY]; /* where it is refused */
};
/* False: why is said. The set may have got some of it by then. */
bool threat_read(enum threat_format format, struct fw_slice text, struct threat_reading *reading);

#define THREAT_FORMAT(name, function, help) bool function(struct fw_slice text, struct threat_reading *reading);
#include "tables/threat_formats.def"
#undef THREAT_FORMAT

/* A set that is to be used: does it hold nothing that it must not? most_covered: addresses of IPv4, more are too many;
 * trusted: nobody of those may be in it. False: why is said. */
bool threat_judge(const struct prefix_set *set, uint64_t most_covered, const struct addr_net *trusted,
		  size_t trusted_count, bool private, char ret_why[THREAT_WHY]);

/* For the readers. False: the list is refused. */
bool threat_take(struct threat_reading *reading, const struct addr_net *net);
bool threat_refuse(struct threat_reading *reading, size_t line, const char *what, struct fw_slice shown);
bool threat_next_line(struct fw_slice *rest, struct fw_slice *ret_line); /* without its end */

/* A bundle of the latest version of each indicator of several texts, appended to out: what a collection has now.
 * ret_why as above. */
bool threat_stix_merge(const struct fw_slice *texts, size_t count, struct buf *out, struct pool *pool,
		       char ret_why[THREAT_WHY]);
#endif
