/* framewall/audit.h: searches of the record, of a server that runs (in this process or another one) or of one that has
 * ended. Reads only. */
#ifndef FRAMEWALL_AUDIT_H
#define FRAMEWALL_AUDIT_H

#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All that is said must hold. NULL and 0: any. */
struct fw_audit_query {
	const char *record;	/* the record's folder: DATA/record, or audit_logging.log_directory; must be given */
	const char *event_type; /* name or alias of an event: docs/reference/events.md */
	const char *source_ip;	/* an address, or a network: "192.0.2.0/24" */
	const char *user_id;	/* whole, UTF-8 */
	const char *level;	/* "info", "warning", "critical" or "emergency", in any case */
	const char *session_id;
	uint64_t connection_id;
	const char *text;  /* words that all stand in user_id, session_id, event_id or the texts of details */
	uint64_t start_us; /* microseconds since 1970, UTC; records of that moment and later */
	uint64_t end_us;   /* records of that moment and earlier; 0: no end */
	uint64_t before;   /* records with a smaller sequence: the last one of the page before; 0: from the newest on */
	size_t limit;	   /* records at most; 0: 100 */
	bool without_index; /* every line is read: slower, and believes nothing but the record itself */
};

/* A record. line: a JSON object as docs/reference/record.schema.json has it, without LF; borrowed for the call.
 * sequence: its number, 0 where the line does not say it (the record was changed: framewall audit verify). False ends
 * the search.
 */
typedef bool fw_audit_found_function(void *user, uint64_t sequence, struct fw_slice line);

/* Calls found for each record, newest first, in the calling thread. What the index of the record (index.db in its
 * folder) finds is read in the record's own files, so that it can neither invent nor change one; where there is no
 * index, or it has not come so far, the lines are read, which takes as long as they are long.
 *
 * Any thread, any number of searches at once; found may call it, too. Nothing is kept between calls. texts are read
 * before it returns. FW_OK; FW_ERR_INVALID: a member does not hold, reterr_error says which; FW_ERR_MEMORY; FW_ERR_IO:
 * the record cannot be read, errno says why. reterr_error may be NULL. */
FW_API int fw_audit_search(const struct fw_audit_query *query, fw_audit_found_function *found, void *user,
			   struct fw_error *reterr_error);

#ifdef __cplusplus
}
#endif
#endif
