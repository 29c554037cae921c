#include "record/where.h"

#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "record/filter.h"

const struct fw_detail *where_detail(const struct fw_record *record, const char *key)
{
	for (unsigned i = 0; i < record->detail_count && i < FW_RECORD_DETAILS; i++)
		if (strcmp(record->details[i].key, key) == 0)
			return &record->details[i];
	return NULL;
}

static bool detail_is(const struct fw_detail *detail, const struct texts *values)
{
	char number[ENCODE_U64 + 1];

	if (detail == NULL)
		return false;
	for (size_t i = 0; i < values->count; i++) {
		if (detail->kind == FW_DETAIL_TEXT && slice_is(detail->text, values->items[i]))
			return true;
		if (detail->kind == FW_DETAIL_INTEGER &&
		    slice_is(slice(number, encode_i64(detail->number, number)), values->items[i]))
			return true;
		if (detail->kind == FW_DETAIL_BOOLEAN &&
		    strcmp(values->items[i], detail->number != 0 ? "true" : "false") == 0)
			return true;
	}
	return false;
}

bool where_matches(const struct event_where *where, const struct fw_record *record)
{
	const struct ledger_filter filter = { .level = where->level,
					      .user_id = where->user,
					      .session_id = where->session,
					      .text = where->text,
					      .source = where->ip };

	for (unsigned i = 0; i < where->detail_count; i++)
		if (!detail_is(where_detail(record, where->details[i].key), &where->details[i].values))
			return false;
	return filter_matches_record(&filter, record);
}
