#include "record/index_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "crypto/digest.h"
#include "record/lines.h"
#include "record/segment.h"

enum { VERSION = 1, BUSY_MS = 2000, STEPS = 1 << 16, STEPS_MOST = 1 << 14, ANCHOR = 4096 };

static const char file_name[] = "index.db";
static const char *const beside[] = { "index.db-wal", "index.db-shm", "index.db-journal" };

static const char tables[] =
	"PRAGMA journal_mode = WAL;"
	"CREATE TABLE state ("
	" id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),"
	" inode INTEGER NOT NULL," /* of the file: one that was copied may be half of one moment, half of another */
	" anchor BLOB NOT NULL,"   /* digest of the ledger's anchor */
	" last INTEGER NOT NULL,"
	" segment INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" \"end\" INTEGER NOT NULL,"
	" partition INTEGER NOT NULL CHECK (partition > 0),"
	" chain BLOB NOT NULL"
	") STRICT;"
	"CREATE TABLE blocks ("
	" first INTEGER PRIMARY KEY NOT NULL,"
	" last INTEGER NOT NULL,"
	" segment INTEGER NOT NULL,"
	" offset INTEGER NOT NULL,"
	" oldest TEXT NOT NULL,"
	" newest TEXT NOT NULL,"
	" chain BLOB NOT NULL"
	") STRICT;";

enum index_result index_db_result(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return INDEX_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return INDEX_BUSY;
	case SQLITE_FULL:
		return INDEX_FULL;
	case SQLITE_NOMEM:
		return INDEX_MEMORY;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return INDEX_IO;
	default:
		return INDEX_UNFIT;
	}
}

enum index_result index_db_failed(const struct index_db *db, const char *what, char ret_error[INDEX_ERROR])
{
	enum index_result result = index_db_result(sqlite3_errcode(db->handle));

	snprintf(ret_error, INDEX_ERROR, "%s: %s", what, sqlite3_errmsg(db->handle));
	return result != INDEX_OK ? result : INDEX_UNFIT;
}

static enum index_result unfit(const char *why, char ret_error[INDEX_ERROR])
{
	snprintf(ret_error, INDEX_ERROR, "%s", why);
	return INDEX_UNFIT;
}

bool index_db_execute(struct index_db *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void anchor_digest(const char *directory, uint8_t ret_digest[32])
{
	char path[STORAGE_PATH], text[ANCHOR];
	ssize_t size = storage_path(directory, "anchor", path) ? storage_read(path, text, sizeof(text)) : -1;

	digest_sha256(slice(text, size > 0 ? (size_t)size : 0), ret_digest);
}

static bool inode_of(const char *directory, sqlite3_int64 *ret_inode)
{
	char path[STORAGE_PATH];
	struct stat stat;

	if (!storage_path(directory, file_name, path) || lstat(path, &stat) != 0 || !S_ISREG(stat.st_mode))
		return false;
	*ret_inode = (sqlite3_int64)stat.st_ino;
	return true;
}

static bool column_is(sqlite3_stmt *row, int column, const void *bytes, int size)
{
	const void *blob = sqlite3_column_blob(row, column);

	return blob != NULL && sqlite3_column_bytes(row, column) == size && memcmp(blob, bytes, (size_t)size) == 0;
}

static bool column_copy(sqlite3_stmt *row, int column, void *ret_bytes, int size)
{
	const void *blob = sqlite3_column_blob(row, column);

	if (blob == NULL || sqlite3_column_bytes(row, column) != size)
		return false;
	memcpy(ret_bytes, blob, (size_t)size);
	return true;
}

static bool column_count(sqlite3_stmt *row, int column, uint64_t *ret_value)
{
	sqlite3_int64 value = sqlite3_column_int64(row, column);

	*ret_value = (uint64_t)value;
	return value >= 0;
}

/* The line that it says was the last one is there: another history would have another chain. */
static bool last_is_there(const char *directory, const struct index_state *state)
{
	struct segment_line parts;
	struct fw_slice line;
	struct lines lines;
	bool whole, there;

	if (state->segment == 0)
		return true;
	if (segment_open(directory, state->segment, &lines) != 0)
		return false;
	lines_seek(&lines, state->at);
	there = lines_next(&lines, &line, &whole) == 1 && whole && lines.offset == state->end &&
		segment_line(line, &parts) && parts.sequence == state->last &&
		memcmp(parts.chain, state->chain, INDEX_CHAIN) == 0;
	lines_close(&lines);
	return there;
}

static enum index_result read_state(struct index_db *db, const char *directory, struct index_state *ret_state,
				    char ret_error[INDEX_ERROR])
{
	static const char sql[] =
		"SELECT inode, anchor, last, segment, at, \"end\", partition, chain FROM state WHERE id = 1";
	sqlite3_stmt *row;
	sqlite3_int64 inode;
	uint8_t anchor[32];
	enum index_result result = INDEX_OK;

	anchor_digest(directory, anchor);
	if (sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) != SQLITE_OK)
		return index_db_failed(db, "it is not understood", ret_error);
	if (sqlite3_step(row) != SQLITE_ROW)
		result = index_db_failed(db, "it does not say what it has", ret_error);
	else if (!inode_of(directory, &inode) || sqlite3_column_int64(row, 0) != inode)
		result = unfit("it was copied here", ret_error);
	else if (!column_is(row, 1, anchor, sizeof(anchor)))
		result = unfit("it is of another ledger", ret_error);
	else if (!column_count(row, 2, &ret_state->last) || !column_count(row, 3, &ret_state->segment) ||
		 !column_count(row, 4, &ret_state->at) || !column_count(row, 5, &ret_state->end) ||
		 !column_count(row, 6, &ret_state->partition) || ret_state->partition == 0 ||
		 !column_copy(row, 7, ret_state->chain, INDEX_CHAIN))
		result = unfit("it does not say what it has", ret_error);
	else if (!last_is_there(directory, ret_state))
		result = unfit("the record is not the one that it was made of", ret_error);
	sqlite3_finalize(row);
	return result;
}

/* A file that was made to be read without end is given up. */
static int count_steps(void *user)
{
	unsigned *left = user;

	return (*left)-- == 0;
}

/* Nothing of a file that somebody else may have written is run: no view, no trigger, no function of its schema. */
static enum index_result distrust(struct index_db *db, char ret_error[INDEX_ERROR])
{
	static const char sql[] = "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')";
	sqlite3_stmt *row;
	enum index_result result = INDEX_OK;

	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	if (!index_db_execute(db, "PRAGMA cell_size_check = ON") ||
	    sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) != SQLITE_OK)
		return index_db_failed(db, "it is not understood", ret_error);
	if (sqlite3_step(row) != SQLITE_ROW)
		result = index_db_failed(db, "it is not understood", ret_error);
	else if (sqlite3_column_int(row, 0) != 0)
		result = unfit("it is not as it was made", ret_error);
	sqlite3_finalize(row);
	return result;
}

static int version_of(struct index_db *db)
{
	sqlite3_stmt *row;
	int version = -1;

	if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &row, NULL) == SQLITE_OK &&
	    sqlite3_step(row) == SQLITE_ROW)
		version = sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	return version;
}

static enum index_result open_file(struct index_db *db, const char *directory, int flags, char ret_error[INDEX_ERROR])
{
	char path[STORAGE_PATH];
	sqlite3_int64 inode;
	enum index_result result;
	int version;

	*db = (struct index_db){ 0 };
	if (!storage_path(directory, file_name, path) || !inode_of(directory, &inode)) {
		snprintf(ret_error, INDEX_ERROR, "there is none");
		return INDEX_NONE;
	}
	if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return db->handle == NULL ? INDEX_MEMORY : index_db_failed(db, "it cannot be opened", ret_error);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	result = distrust(db, ret_error);
	if (result != INDEX_OK)
		return result;
	version = version_of(db); /* it is written last */
	if (version == VERSION)
		return INDEX_OK;
	return unfit(version == 0 ? "it was begun and not finished" : "it is of another version", ret_error);
}

enum index_result index_db_open(struct index_db *db, const char *directory, struct index_state *ret_state,
				char ret_error[INDEX_ERROR])
{
	enum index_result result = open_file(db, directory, SQLITE_OPEN_READONLY, ret_error);

	db->steps_left = STEPS_MOST;
	if (result == INDEX_OK)
		sqlite3_progress_handler(db->handle, STEPS, count_steps, &db->steps_left);
	/* A moment's, from here to the end. */
	if (result == INDEX_OK && !index_db_execute(db, "PRAGMA cache_size = -8000; BEGIN"))
		result = index_db_failed(db, "it cannot be read", ret_error);
	if (result == INDEX_OK)
		result = read_state(db, directory, ret_state, ret_error);
	if (result != INDEX_OK)
		index_db_close(db);
	return result;
}

enum index_result index_db_open_writing(struct index_db *db, const char *directory, struct index_state *ret_state,
					char ret_error[INDEX_ERROR])
{
	enum index_result result = open_file(db, directory, SQLITE_OPEN_READWRITE, ret_error);

	if (result == INDEX_OK &&
	    !index_db_execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2000"))
		result = index_db_failed(db, "it cannot be written", ret_error);
	if (result == INDEX_OK)
		result = read_state(db, directory, ret_state, ret_error);
	if (result != INDEX_OK)
		index_db_close(db);
	return result;
}

static bool put_first_state(struct index_db *db, const char *directory, uint64_t partition)
{
	static const char sql[] = "INSERT INTO state VALUES (1, ?, ?, 0, 0, 0, 0, ?, zeroblob(8))";
	sqlite3_int64 inode;
	sqlite3_stmt *row;
	uint8_t anchor[32];
	bool done;

	anchor_digest(directory, anchor);
	if (!inode_of(directory, &inode) || sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(row, 1, inode);
	sqlite3_bind_blob(row, 2, anchor, sizeof(anchor), SQLITE_STATIC);
	sqlite3_bind_int64(row, 3, (sqlite3_int64)partition);
	done = sqlite3_step(row) == SQLITE_DONE;
	sqlite3_finalize(row);
	return done;
}

enum index_result index_db_make(struct index_db *db, const char *directory, uint64_t partition,
				char ret_error[INDEX_ERROR])
{
	char path[STORAGE_PATH], pragma[64];
	enum index_result result;
	int fd;

	*db = (struct index_db){ 0 };
	index_db_remove(directory);
	fd = storage_path(directory, file_name, path)
		     ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
		     : -1;
	if (fd < 0) {
		snprintf(ret_error, INDEX_ERROR, "it cannot be made: %s", strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? INDEX_FULL : INDEX_IO;
	}
	close(fd);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", (int)VERSION);
	if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
			    NULL) == SQLITE_OK &&
	    index_db_execute(db, tables) &&
	    index_db_execute(db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2000") &&
	    put_first_state(db, directory, partition) && index_db_execute(db, pragma))
		return INDEX_OK;
	result = db->handle == NULL ? INDEX_MEMORY : index_db_failed(db, "it cannot be made", ret_error);
	index_db_close(db);
	return result;
}

void index_db_close(struct index_db *db)
{
	sqlite3_finalize(db->block_of);
	sqlite3_close(db->handle);
	*db = (struct index_db){ 0 };
}

void index_db_remove(const char *directory)
{
	char path[STORAGE_PATH];

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		if (storage_path(directory, beside[i], path))
			unlink(path);
	if (storage_path(directory, file_name, path))
		unlink(path);
}

bool index_db_is_gone(const struct index_db *db, const char *directory)
{
	int moved = 0;
	sqlite3_int64 inode;

	return !inode_of(directory, &inode) ||
	       (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0);
}

bool index_db_put_state(struct index_db *db, const struct index_state *state)
{
	static const char sql[] = "UPDATE state SET last = ?, segment = ?, at = ?, \"end\" = ?, chain = ? WHERE id = 1";
	sqlite3_stmt *row;
	bool done;

	if (sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(row, 1, (sqlite3_int64)state->last);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)state->segment);
	sqlite3_bind_int64(row, 3, (sqlite3_int64)state->at);
	sqlite3_bind_int64(row, 4, (sqlite3_int64)state->end);
	sqlite3_bind_blob(row, 5, state->chain, INDEX_CHAIN, SQLITE_STATIC);
	done = sqlite3_step(row) == SQLITE_DONE;
	sqlite3_finalize(row);
	return done;
}

bool index_db_put_block(struct index_db *db, const struct index_block *block)
{
	static const char sql[] = "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *row;
	bool done;

	if (block->first == 0)
		return true;
	if (sqlite3_prepare_v2(db->handle, sql, -1, &row, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(row, 1, (sqlite3_int64)block->first);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)block->last);
	sqlite3_bind_int64(row, 3, (sqlite3_int64)block->segment);
	sqlite3_bind_int64(row, 4, (sqlite3_int64)block->offset);
	sqlite3_bind_text(row, 5, block->oldest, ENCODE_RFC3339, SQLITE_STATIC);
	sqlite3_bind_text(row, 6, block->newest, ENCODE_RFC3339, SQLITE_STATIC);
	sqlite3_bind_blob(row, 7, block->chain, INDEX_CHAIN, SQLITE_STATIC);
	done = sqlite3_step(row) == SQLITE_DONE;
	sqlite3_finalize(row);
	return done;
}

bool index_db_read_block(sqlite3_stmt *row, struct index_block *ret_block)
{
	return column_count(row, 0, &ret_block->first) && column_count(row, 1, &ret_block->last) &&
	       column_count(row, 2, &ret_block->segment) && column_count(row, 3, &ret_block->offset) &&
	       column_copy(row, 4, ret_block->oldest, ENCODE_RFC3339) &&
	       column_copy(row, 5, ret_block->newest, ENCODE_RFC3339) &&
	       column_copy(row, 6, ret_block->chain, INDEX_CHAIN) && ret_block->first != 0 &&
	       ret_block->first <= ret_block->last && ret_block->last - ret_block->first < INDEX_BLOCK;
}

enum index_result index_db_block(struct index_db *db, uint64_t sequence, struct index_block *ret_block)
{
	static const char sql[] =
		"SELECT " INDEX_BLOCK_COLUMNS " FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1";
	enum index_result result = INDEX_OK;
	int code;

	*ret_block = (struct index_block){ 0 };
	if (db->block_of == NULL && sqlite3_prepare_v2(db->handle, sql, -1, &db->block_of, NULL) != SQLITE_OK)
		return index_db_result(sqlite3_errcode(db->handle));
	sqlite3_bind_int64(db->block_of, 1, (sqlite3_int64)sequence);
	code = sqlite3_step(db->block_of);
	if (code == SQLITE_ROW && !index_db_read_block(db->block_of, ret_block))
		result = INDEX_UNFIT;
	else if (code != SQLITE_ROW && code != SQLITE_DONE)
		result = index_db_result(code);
	if (result != INDEX_OK || ret_block->last < sequence)
		*ret_block = (struct index_block){ 0 };
	sqlite3_reset(db->block_of);
	return result;
}
