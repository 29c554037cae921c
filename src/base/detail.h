/* detail.h: entries of the details of a record. Keys are static; texts are borrowed. */
#ifndef BASE_DETAIL_H
#define BASE_DETAIL_H
#include <framewall/event.h>

static inline struct fw_detail detail_text(const char *key, struct fw_slice text)
{
	return (struct fw_detail){ .key = key, .kind = FW_DETAIL_TEXT, .text = text };
}

static inline struct fw_detail detail_number(const char *key, uint64_t number)
{
	return (struct fw_detail){ .key = key, .kind = FW_DETAIL_INTEGER, .number = (int64_t)number };
}

static inline struct fw_detail detail_boolean(const char *key, bool is)
{
	return (struct fw_detail){ .key = key, .kind = FW_DETAIL_BOOLEAN, .number = is };
}

/* One beyond FW_RECORD_DETAILS is left out. */
static inline void detail_add(struct fw_record *record, struct fw_detail detail)
{
	if (record->detail_count < FW_RECORD_DETAILS)
		record->details[record->detail_count++] = detail;
}
#endif
