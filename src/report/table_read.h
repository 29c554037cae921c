/* table_read.h: the tables of a report, read back for whoever prints them. No state; one thread an arena. */
#ifndef REPORT_TABLE_READ_H
#define REPORT_TABLE_READ_H
#include "base/arena.h"
#include "codec/json.h"

enum { TABLE_COLUMNS = 16 };

struct table_head {
	struct fw_slice id, title, note;
	struct fw_slice columns[TABLE_COLUMNS];
	unsigned column_count;
};
struct table_reader {
	bool (*begin)(void *user, const struct table_head *head);
	bool (*row)(void *user, const struct table_head *head, const struct fw_slice cells[TABLE_COLUMNS]);
	bool (*end)(void *user, const struct table_head *head);
	void *user;
};
/* Of an array of tables, a node of json. False: it is not of that form, memory is short, or a call said false. */
bool table_read(const struct json *json, uint32_t array, struct arena *arena, const struct table_reader *reader);
#endif
