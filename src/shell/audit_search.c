/* framewall/audit.h */
#include <framewall/audit.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "record/ledger_search.h"
#include "record/segment.h"
#include "shell/search_filter.h"

enum { LIMIT_DEFAULT = 100 };

/* The last moment that a timestamp can say: 9999-12-31T23:59:59.999999Z. */
#define LAST_US UINT64_C(253402300799999999)

struct giving {
	fw_audit_found_function *found;
	void *user;
};

static bool give(void *user, struct fw_slice line)
{
	const struct giving *giving = user;
	struct segment_line parts;

	return giving->found(giving->user, segment_line(line, &parts) ? parts.sequence : 0, line);
}

static int fails(struct fw_error *ret_error, int code, const char *what, const char *more)
{
	if (ret_error != NULL) {
		ret_error->code = code;
		snprintf(ret_error->text, sizeof(ret_error->text), "%s%s", what, more);
	}
	return code;
}

static int refuse(struct fw_error *ret_error, const struct search_problem *problem)
{
	static const char *const names[][2] = { { "type", "event_type is " }, { "ip", "source_ip is " },
						{ "level", "level is " },     { "text", "text is " },
						{ "from", "start_us is " },   { "to", "end_us is " } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(problem->name, names[i][0]) == 0)
			return fails(ret_error, FW_ERR_INVALID, names[i][1], problem->want);
	return fails(ret_error, FW_ERR_INVALID, problem->name, problem->want);
}

static const char *time_text(uint64_t wall_us, char ret_text[ENCODE_RFC3339 + 1])
{
	if (wall_us == 0)
		return NULL;
	encode_rfc3339(wall_us < LAST_US ? wall_us : LAST_US, ret_text);
	ret_text[ENCODE_RFC3339] = '\0';
	return ret_text;
}

int fw_audit_search(const struct fw_audit_query *query, fw_audit_found_function *found, void *user,
		    struct fw_error *reterr_error)
{
	char start[ENCODE_RFC3339 + 1], end[ENCODE_RFC3339 + 1], connection[ENCODE_U64 + 1];
	struct giving giving = { found, user };
	struct ledger_searched searched;
	struct search_problem problem;
	struct search_filter filter;
	int reason;

	if (query->record == NULL)
		return fails(reterr_error, FW_ERR_INVALID, "record is the record's folder, and must be given", "");
	connection[encode_u64(query->connection_id, connection)] = '\0';
	const struct search_texts texts = { .type = query->event_type,
					    .ip = query->source_ip,
					    .user = query->user_id,
					    .level = query->level,
					    .session = query->session_id,
					    .connection = query->connection_id != 0 ? connection : NULL,
					    .text = query->text,
					    .from = time_text(query->start_us, start),
					    .to = time_text(query->end_us, end) };

	problem = search_filter_read(&texts, &filter);
	if (problem.name != NULL)
		return refuse(reterr_error, &problem);
	const struct ledger_query searching = { .directory = query->record,
						.filter = &filter.filter,
						.before = query->before,
						.limit = query->limit != 0 ? query->limit : LIMIT_DEFAULT,
						.no_index = query->without_index };

	if (ledger_search(&searching, give, &giving, &searched) == 0)
		return FW_OK;
	reason = errno;
	fails(reterr_error, reason == ENOMEM ? FW_ERR_MEMORY : FW_ERR_IO,
	      "the record cannot be read: ", strerror(reason));
	errno = reason;
	return reason == ENOMEM ? FW_ERR_MEMORY : FW_ERR_IO;
}
