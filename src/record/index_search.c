/* What the index finds, read in the segments. A block is read whole: its lines must be the records that it should have,
 * so that a record that is given is one that stands there, and the filter is asked of the line itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_search_parts.h"
#include "record/segment.h"
#include "record/terms.h"

struct reading {
	struct search *search;
	struct index_db *db;
	char *error;
	uint64_t low, high, partition; /* records that are looked at */
	/* the block that was read last */
	struct index_block block;
	char *text;
	size_t room, offsets[INDEX_BLOCK + 1];
	uint64_t segment; /* that lines reads; 0: none */
	struct lines lines;
};

static enum index_result differs(struct reading *reading, uint64_t sequence)
{
	snprintf(reading->error, INDEX_ERROR, "it does not agree with the record at %llu",
		 (unsigned long long)sequence);
	return INDEX_UNFIT;
}

static bool keep(struct reading *reading, unsigned number, struct fw_slice line)
{
	size_t size = reading->offsets[number] + line.size;

	if (size > reading->room) {
		char *larger = mem_resize(reading->text, 2 * size);

		if (larger == NULL)
			return false;
		reading->text = larger;
		reading->room = 2 * size;
	}
	memcpy(reading->text + reading->offsets[number], line.data, line.size);
	reading->offsets[number + 1] = size;
	return true;
}

static enum index_result turn_to_segment(struct reading *reading, uint64_t segment)
{
	if (reading->segment == segment)
		return INDEX_OK;
	lines_close(&reading->lines);
	reading->segment = 0;
	if (segment_open(reading->search->query->directory, segment, &reading->lines) != 0) {
		snprintf(reading->error, INDEX_ERROR, "the segment of record %llu cannot be read: %s",
			 (unsigned long long)segment, strerror(errno));
		return errno == ENOMEM ? INDEX_MEMORY : INDEX_UNFIT;
	}
	reading->segment = segment;
	return INDEX_OK;
}

static enum index_result read_block(struct reading *reading, const struct index_block *block)
{
	enum index_result result = turn_to_segment(reading, block->segment);
	unsigned count = (unsigned)(block->last - block->first + 1);
	struct segment_line parts;
	struct fw_slice line;
	bool whole;

	reading->block.first = 0;
	if (result != INDEX_OK)
		return result;
	lines_seek(&reading->lines, block->offset);
	for (unsigned i = 0; i < count; i++) {
		if (lines_next(&reading->lines, &line, &whole) != 1 || !whole || !segment_line(line, &parts) ||
		    parts.sequence != block->first + i ||
		    (i == 0 && memcmp(parts.chain, block->chain, INDEX_CHAIN) != 0))
			return differs(reading, block->first + i);
		if (!keep(reading, i, line))
			return INDEX_MEMORY;
	}
	reading->block = *block;
	return INDEX_OK;
}

/* Times of a block; those of a filter are beginnings of such. */
static bool may_be_within(const struct ledger_filter *filter, const struct index_block *block)
{
	return (filter->from == NULL || memcmp(block->newest, filter->from, strlen(filter->from)) >= 0) &&
	       (filter->to == NULL || memcmp(block->oldest, filter->to, strlen(filter->to)) <= 0);
}

/* A record of the block that was read. */
static void consider(struct reading *reading, uint64_t sequence)
{
	unsigned number = (unsigned)(sequence - reading->block.first);
	struct fw_slice line = slice(reading->text + reading->offsets[number],
				     reading->offsets[number + 1] - reading->offsets[number]);
	struct search *search = reading->search;

	if (filter_matches(search->query->filter, &search->arena, line))
		search_give(search, line);
	search->before = sequence;
}

static enum index_result look_at(struct reading *reading, uint64_t sequence)
{
	enum index_result result = INDEX_OK;
	struct index_block block = reading->block;

	if (block.first == 0 || sequence < block.first || sequence > block.last) {
		result = index_db_block(reading->db, sequence, &block);
		if (result == INDEX_OK && block.first == 0)
			return differs(reading, sequence);
		if (result != INDEX_OK || !may_be_within(reading->search->query->filter, &block))
			return result;
		result = read_block(reading, &block);
	}
	if (result == INDEX_OK)
		consider(reading, sequence);
	return result;
}

static enum index_result failed(struct reading *reading)
{
	return index_db_failed(reading->db, "it cannot be read", reading->error);
}

static sqlite3_stmt *prepare(struct reading *reading, const char *sql)
{
	sqlite3_stmt *row = NULL;

	return sqlite3_prepare_v2(reading->db->handle, sql, -1, &row, NULL) == SQLITE_OK ? row : NULL;
}

/* Where it begins; 0: nowhere. */
static enum index_result find_beginning(struct reading *reading)
{
	sqlite3_stmt *row = prepare(reading, "SELECT min(first) FROM blocks");
	enum index_result result = INDEX_OK;

	if (row == NULL)
		return failed(reading);
	if (sqlite3_step(row) == SQLITE_ROW)
		reading->low = (uint64_t)sqlite3_column_int64(row, 0);
	else
		result = failed(reading);
	sqlite3_finalize(row);
	return result;
}

/* Narrows what is looked at to records that may be within the filter's times: clocks are set back now and then, so that
 * each block says what it has. */
static enum index_result narrow(struct reading *reading)
{
	static const char sql[] = "SELECT min(first), max(last) FROM blocks WHERE newest >= ?1 AND oldest <= ?2 || '~'";
	const struct ledger_filter *filter = reading->search->query->filter;
	enum index_result result = INDEX_OK;
	sqlite3_stmt *row;

	if (filter->from == NULL && filter->to == NULL)
		return INDEX_OK;
	row = prepare(reading, sql);
	if (row == NULL)
		return failed(reading);
	sqlite3_bind_text(row, 1, filter->from != NULL ? filter->from : "", -1, SQLITE_STATIC);
	sqlite3_bind_text(row, 2, filter->to != NULL ? filter->to : "", -1, SQLITE_STATIC);
	if (sqlite3_step(row) != SQLITE_ROW) {
		result = failed(reading);
	} else {
		uint64_t low = (uint64_t)sqlite3_column_int64(row, 0), high = (uint64_t)sqlite3_column_int64(row, 1);

		/* none at all: 0 and 0 */
		reading->low = low > reading->low ? low : reading->low;
		reading->high = high < reading->high ? high : reading->high;
	}
	sqlite3_finalize(row);
	return result;
}

/* Nothing that there are words for: all records, block after block. */
static enum index_result look_at_all(struct reading *reading)
{
	static const char sql[] =
		"SELECT " INDEX_BLOCK_COLUMNS " FROM blocks WHERE first <= ? AND last >= ? ORDER BY first DESC";
	sqlite3_stmt *row = prepare(reading, sql);
	enum index_result result = INDEX_OK;
	uint64_t looked_from = reading->high + 1;
	int code = SQLITE_ROW;

	if (row == NULL)
		return failed(reading);
	sqlite3_bind_int64(row, 1, (sqlite3_int64)reading->high);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)reading->low);
	while (result == INDEX_OK && !search_is_over(reading->search) && (code = sqlite3_step(row)) == SQLITE_ROW) {
		uint64_t sequence = reading->search->before - 1;
		struct index_block block;

		if (!index_db_read_block(row, &block) || block.last < looked_from - 1) {
			result = differs(reading, sequence); /* one is missing */
			break;
		}
		looked_from = block.first;
		if (!may_be_within(reading->search->query->filter, &block))
			continue;
		result = read_block(reading, &block);
		sequence = block.last < sequence ? block.last : sequence;
		while (result == INDEX_OK && !search_is_over(reading->search) && sequence >= block.first)
			consider(reading, sequence--);
	}
	if (result == INDEX_OK && code != SQLITE_ROW && code != SQLITE_DONE)
		result = failed(reading);
	sqlite3_finalize(row);
	return result;
}

static enum index_result look_in(struct reading *reading, uint64_t partition, const char *expression)
{
	enum index_result result = INDEX_OK;
	int code = SQLITE_ROW;
	sqlite3_stmt *row;
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT rowid FROM p%llu WHERE p%llu MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC",
		 (unsigned long long)partition, (unsigned long long)partition);
	row = prepare(reading, sql);
	if (row == NULL)
		return failed(reading);
	sqlite3_bind_text(row, 1, expression, -1, SQLITE_STATIC);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)reading->low);
	sqlite3_bind_int64(row, 3, (sqlite3_int64)reading->high);
	while (result == INDEX_OK && !search_is_over(reading->search) && (code = sqlite3_step(row)) == SQLITE_ROW) {
		uint64_t sequence = (uint64_t)sqlite3_column_int64(row, 0);

		/* each record once, and in order, whatever the file says */
		if (sequence >= reading->search->before || sequence < reading->low)
			result = differs(reading, sequence);
		else
			result = look_at(reading, sequence);
	}
	if (result == INDEX_OK && code != SQLITE_ROW && code != SQLITE_DONE)
		result = failed(reading);
	sqlite3_finalize(row);
	return result;
}

static enum index_result look(struct reading *reading)
{
	struct pool pool;
	struct buf expression = { 0 };
	enum index_result result = narrow(reading);
	uint64_t partition;

	if (result != INDEX_OK || reading->low == 0 || reading->low > reading->high)
		return result;
	reading->search->before = reading->high + 1;
	pool_init(&pool);
	if (!terms_of_filter(reading->search->query->filter, &expression, &pool))
		result = INDEX_MEMORY;
	else if (buf_size(&expression) == 1)
		result = look_at_all(reading);
	else
		for (partition = (reading->high - 1) / reading->partition + 1;
		     partition-- > (reading->low - 1) / reading->partition && result == INDEX_OK &&
		     !search_is_over(reading->search);)
			result = look_in(reading, partition, (const char *)buf_data(&expression));
	buf_clear(&expression, &pool);
	pool_fini(&pool);
	return result;
}

enum index_result index_search(struct search *search, struct index_db *db, const struct index_state *state,
			       char ret_error[INDEX_ERROR])
{
	struct reading *reading = mem_zero(1, sizeof(*reading));
	enum index_result result;
	uint64_t begins;

	if (reading == NULL)
		return INDEX_MEMORY;
	reading->search = search;
	reading->db = db;
	reading->error = ret_error;
	reading->high = search->before - 1 < state->last ? search->before - 1 : state->last;
	reading->partition = state->partition;
	reading->lines.fd = -1;
	result = find_beginning(reading);
	begins = reading->low;
	if (result == INDEX_OK)
		result = look(reading);
	if (result == INDEX_OK && begins != 0 && begins < search->before)
		search->before = begins;
	if (result == INDEX_MEMORY)
		snprintf(ret_error, INDEX_ERROR, "memory is short");
	lines_close(&reading->lines);
	mem_free(reading->text);
	mem_free(reading);
	return result;
}
