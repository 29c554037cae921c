#include "record/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/segment.h"
#include "record/terms.h"

enum { ARENA = 4 << 20 };

struct index {
	char directory[STORAGE_PATH];
	int lock;		   /* the folder, locked */
	uint64_t wanted_partition; /* of a file that is made */
	struct index_db db;
	struct index_state state;
	struct index_block block; /* the last one, which may not be full */
	sqlite3_stmt *insert;
	uint64_t partition;	  /* that insert is for */
	struct segment_list list; /* of the step */
	size_t number;		  /* in the list: of the one that lines reads */
	struct lines lines;
	uint64_t reads; /* the segment that lines reads; 0: none */
	uint64_t from_us;
	struct arena arena;
	struct pool pool;
	struct buf terms;
};

struct index *index_open(const char *directory, uint64_t partition)
{
	struct index *index = mem_zero(1, sizeof(*index));
	int reason;

	if (index == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	arena_init(&index->arena, ARENA);
	pool_init(&index->pool);
	index->lines.fd = -1;
	index->wanted_partition = partition != 0 ? partition : INDEX_PARTITION;
	snprintf(index->directory, sizeof(index->directory), "%s", directory);
	index->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (index->lock >= 0 && flock(index->lock, LOCK_EX | LOCK_NB) == 0)
		return index;
	reason = errno;
	index_close(index);
	errno = reason;
	return NULL;
}

static void stop_reading(struct index *index)
{
	lines_close(&index->lines);
	index->reads = 0;
}

static void close_file(struct index *index)
{
	stop_reading(index);
	sqlite3_finalize(index->insert);
	index->insert = NULL;
	index_db_close(&index->db);
	index->state = (struct index_state){ 0 };
	index->block = (struct index_block){ 0 };
}

void index_remove(struct index *index)
{
	close_file(index);
	index_db_remove(index->directory);
}

struct index *index_close(struct index *index)
{
	if (index == NULL)
		return NULL;
	close_file(index);
	buf_clear(&index->terms, &index->pool);
	pool_fini(&index->pool);
	arena_fini(&index->arena);
	segment_list_fini(&index->list);
	if (index->lock >= 0)
		close(index->lock);
	mem_free(index);
	return NULL;
}

uint64_t index_last(const struct index *index)
{
	return index->state.last;
}

uint64_t index_took_from_us(const struct index *index)
{
	return index->from_us;
}

void index_rest(struct index *index)
{
	if (index->db.handle != NULL)
		sqlite3_db_release_memory(index->db.handle);
	pool_fini(&index->pool);
}

/* Memory, a disk that is full, a lock: another time. Anything else: what there is cannot be gone on with. */
static enum index_step give_up(struct index *index, enum index_result result)
{
	if (result == INDEX_UNFIT || result == INDEX_NONE || result == INDEX_FULL || result == INDEX_IO) {
		index_remove(index);
		return result == INDEX_FULL || result == INDEX_IO ? INDEX_STEP_FAILED : INDEX_STEP_ANEW;
	}
	close_file(index);
	return INDEX_STEP_FAILED;
}

static enum index_result read_block(struct index *index, char ret_error[INDEX_ERROR])
{
	enum index_result result;

	if (index->state.segment == 0)
		return INDEX_OK;
	result = index_db_block(&index->db, index->state.last, &index->block);
	if (result == INDEX_OK &&
	    (index->block.last != index->state.last || index->block.segment != index->state.segment))
		result = INDEX_UNFIT;
	if (result != INDEX_OK)
		snprintf(ret_error, INDEX_ERROR, "it does not say where its last record is");
	return result;
}

/* CURRENT: it is open. */
static enum index_step open_file(struct index *index, char ret_error[INDEX_ERROR])
{
	enum index_result result = INDEX_OK;

	if (index->db.handle != NULL && index_db_is_gone(&index->db, index->directory)) {
		snprintf(ret_error, INDEX_ERROR, "it was removed");
		return give_up(index, INDEX_UNFIT);
	}
	if (index->db.handle != NULL)
		return INDEX_STEP_CURRENT;
	result = index_db_open_writing(&index->db, index->directory, &index->state, ret_error);
	if (result == INDEX_OK)
		result = read_block(index, ret_error);
	if (result == INDEX_NONE) {
		result = index_db_make(&index->db, index->directory, index->wanted_partition, ret_error);
		index->state.partition = index->wanted_partition;
	}
	return result == INDEX_OK ? INDEX_STEP_CURRENT : give_up(index, result);
}

static enum index_result finish(struct index *index, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? INDEX_OK : index_db_result(sqlite3_errcode(index->db.handle));
}

/* Records before this one are there no more. UNFIT: there are older ones than it has. */
static enum index_result forget(struct index *index, uint64_t first)
{
	static const char oldest[] = "SELECT min(first) FROM blocks", forgotten[] = "DELETE FROM blocks WHERE last < ?";
	sqlite3_stmt *row;
	uint64_t begins = 0;
	enum index_result result;
	char sql[64];

	if (sqlite3_prepare_v2(index->db.handle, oldest, -1, &row, NULL) == SQLITE_OK &&
	    sqlite3_step(row) == SQLITE_ROW)
		begins = (uint64_t)sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	if (begins == 0 || begins == first)
		return INDEX_OK;
	if (begins > first)
		return INDEX_UNFIT;
	if (sqlite3_prepare_v2(index->db.handle, forgotten, -1, &row, NULL) != SQLITE_OK)
		return index_db_result(sqlite3_errcode(index->db.handle));
	sqlite3_bind_int64(row, 1, (sqlite3_int64)first);
	result = finish(index, row);
	for (uint64_t i = (begins - 1) / index->state.partition;
	     i < (first - 1) / index->state.partition && result == INDEX_OK; i++) {
		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS p%llu", (unsigned long long)i);
		if (!index_db_execute(&index->db, sql))
			result = index_db_result(sqlite3_errcode(index->db.handle));
	}
	return result;
}

static enum index_result turn_to_partition(struct index *index, uint64_t partition)
{
	char sql[160];

	if (index->insert != NULL && index->partition == partition)
		return INDEX_OK;
	sqlite3_finalize(index->insert);
	index->insert = NULL;
	index->partition = partition;
	snprintf(sql, sizeof(sql),
		 "CREATE VIRTUAL TABLE IF NOT EXISTS p%llu "
		 "USING fts5(words, content = '', columnsize = 0, detail = none, tokenize = ascii)",
		 (unsigned long long)partition);
	if (!index_db_execute(&index->db, sql))
		return index_db_result(sqlite3_errcode(index->db.handle));
	snprintf(sql, sizeof(sql), "INSERT INTO p%llu (rowid, words) VALUES (?, ?)", (unsigned long long)partition);
	if (sqlite3_prepare_v3(index->db.handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &index->insert, NULL) != SQLITE_OK)
		return index_db_result(sqlite3_errcode(index->db.handle));
	return INDEX_OK;
}

static enum index_result insert(struct index *index, uint64_t sequence)
{
	enum index_result result = turn_to_partition(index, (sequence - 1) / index->state.partition);

	if (result != INDEX_OK)
		return result;
	sqlite3_bind_int64(index->insert, 1, (sqlite3_int64)sequence);
	sqlite3_bind_text(index->insert, 2, (const char *)buf_data(&index->terms), (int)buf_size(&index->terms),
			  SQLITE_STATIC);
	if (sqlite3_step(index->insert) != SQLITE_DONE)
		result = index_db_result(sqlite3_errcode(index->db.handle));
	sqlite3_reset(index->insert);
	return result;
}

static enum index_result add_to_block(struct index *index, const struct index_state *state, const char *time)
{
	struct index_block *block = &index->block;
	enum index_result result = INDEX_OK;

	if (block->first == 0 || block->segment != state->segment || block->last - block->first + 1 == INDEX_BLOCK) {
		if (!index_db_put_block(&index->db, block))
			result = index_db_result(sqlite3_errcode(index->db.handle));
		*block = (struct index_block){ state->last, state->last, state->segment, state->at, "", "", { 0 } };
		memcpy(block->oldest, time, ENCODE_RFC3339);
		memcpy(block->newest, time, ENCODE_RFC3339);
		memcpy(block->chain, state->chain, INDEX_CHAIN);
	}
	block->last = state->last;
	if (memcmp(time, block->oldest, ENCODE_RFC3339) < 0)
		memcpy(block->oldest, time, ENCODE_RFC3339);
	if (memcmp(time, block->newest, ENCODE_RFC3339) > 0)
		memcpy(block->newest, time, ENCODE_RFC3339);
	return result;
}

/* A line that follows what it has; *ret_record is false when it is none. */
static enum index_result take_line(struct index *index, struct fw_slice line, uint64_t at, bool *ret_record)
{
	struct index_state state = { .last = index->state.last + 1,
				     .segment = index->list.firsts[index->number],
				     .at = at,
				     .end = index->lines.offset,
				     .partition = index->state.partition };
	struct segment_line parts;
	enum index_result result = INDEX_OK;
	const char *time;
	struct json json;

	*ret_record = segment_line(line, &parts) && parts.sequence == state.last &&
		      json_parse(&index->arena, line, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT;
	if (!*ret_record)
		return INDEX_OK;
	memcpy(state.chain, parts.chain, INDEX_CHAIN);
	time = (const char *)line.data + SEGMENT_TIME;
	if (index->from_us == 0)
		decode_rfc3339(time, &index->from_us);
	buf_cut(&index->terms, 0);
	if (!terms_of_line(&json, &index->arena, &index->terms, &index->pool))
		return INDEX_MEMORY;
	result = insert(index, state.last);
	if (result == INDEX_OK)
		result = add_to_block(index, &state, time);
	index->state = state;
	return result;
}

/* Stands where the next line is to come: 1, 0 when there is none yet, -1 when what comes is not what follows. */
static int turn_to_segment(struct index *index, size_t number)
{
	const struct segment_list *list = &index->list;

	if (number >= list->count)
		return 0;
	if (index->state.last != 0 && index->state.segment != list->firsts[number] &&
	    list->firsts[number] != index->state.last + 1)
		return -1;
	index->number = number;
	if (index->reads == list->firsts[number] && index->state.segment == index->reads)
		return 1;
	stop_reading(index);
	if (segment_open(index->directory, list->firsts[number], &index->lines) != 0)
		return -1;
	index->reads = list->firsts[number];
	if (index->state.segment == index->reads)
		lines_seek(&index->lines, index->state.end);
	return 1;
}

static size_t segment_of_state(const struct index *index)
{
	size_t number = 0;

	while (number < index->list.count && index->list.firsts[number] < index->state.segment)
		number++;
	return number;
}

struct step {
	uint64_t to;
	size_t left;
	enum index_result result;
	bool stuck;
};

/* Reads what there is in the segment, as far as the next one does not have it again. */
static void take_segment(struct index *index, struct step *step)
{
	uint64_t next = index->number + 1 < index->list.count ? index->list.firsts[index->number + 1] : 0;
	struct fw_slice line;
	bool whole, record = true;

	while (step->left != 0 && index->state.last < step->to && index->state.last + 1 != next) {
		uint64_t at = index->lines.offset;
		int got = lines_next(&index->lines, &line, &whole);

		if (got <= 0 || !whole) { /* at the end of what is written: it is read again when there is more */
			step->stuck = got < 0 || (got == 1 && index->lines.offset - at >= LINES_ROOM);
			lines_seek(&index->lines, at);
			break;
		}
		step->result = take_line(index, line, at, &record);
		arena_reset(&index->arena);
		if (step->result != INDEX_OK || !record) {
			step->stuck = !record;
			break;
		}
		step->left--;
	}
}

static void take(struct index *index, struct step *step)
{
	size_t number = segment_of_state(index);

	if (index->state.last == 0 && index->list.count != 0)
		index->state.last = index->list.firsts[0] - 1; /* the first that is kept */
	for (; step->result == INDEX_OK && !step->stuck && step->left != 0 && index->state.last < step->to; number++) {
		int turned = turn_to_segment(index, number);

		step->stuck = turned < 0;
		if (turned <= 0)
			break;
		take_segment(index, step);
	}
}

static enum index_result write_down(struct index *index)
{
	if (index_db_put_block(&index->db, &index->block) && index_db_put_state(&index->db, &index->state) &&
	    index_db_execute(&index->db, "COMMIT"))
		return INDEX_OK;
	return index_db_result(sqlite3_errcode(index->db.handle));
}

static enum index_step conclude(struct index *index, const struct step *step, uint64_t before,
				char ret_error[INDEX_ERROR])
{
	if (step->stuck) {
		snprintf(ret_error, INDEX_ERROR, "what stands behind record %llu is not record %llu",
			 (unsigned long long)index->state.last, (unsigned long long)index->state.last + 1);
		return INDEX_STEP_STUCK;
	}
	return index->state.last != before && index->state.last < step->to ? INDEX_STEP_MORE : INDEX_STEP_CURRENT;
}

enum index_step index_advance(struct index *index, uint64_t to, size_t records, char ret_error[INDEX_ERROR])
{
	struct step step = { .to = to, .left = records };
	enum index_step opened;
	uint64_t before;

	index->from_us = 0;
	opened = open_file(index, ret_error);
	if (opened != INDEX_STEP_CURRENT)
		return opened;
	segment_list_fini(&index->list);
	if (segment_list(index->directory, &index->list) != 0) {
		snprintf(ret_error, INDEX_ERROR, "the record cannot be read: %s", strerror(errno));
		return INDEX_STEP_FAILED;
	}
	if (index->list.count != 0 && index->state.last != 0 && index->list.firsts[0] > index->state.last + 1) {
		snprintf(ret_error, INDEX_ERROR, "it is behind what was removed of the record");
		return give_up(index, INDEX_UNFIT);
	}
	before = index->state.last;
	if (!index_db_execute(&index->db, "BEGIN IMMEDIATE"))
		step.result = index_db_result(sqlite3_errcode(index->db.handle));
	if (step.result == INDEX_OK && index->list.count != 0)
		step.result = forget(index, index->list.firsts[0]);
	if (step.result == INDEX_OK)
		take(index, &step);
	if (step.result == INDEX_OK)
		step.result = write_down(index);
	if (step.result == INDEX_OK)
		return conclude(index, &step, before, ret_error);
	if (step.result == INDEX_UNFIT && sqlite3_errcode(index->db.handle) == SQLITE_OK)
		snprintf(ret_error, INDEX_ERROR, "older records came back");
	else
		index_db_failed(&index->db, "it cannot be written", ret_error);
	return give_up(index, step.result);
}
