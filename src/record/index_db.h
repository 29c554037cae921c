/* index_db.h: the file of the index of the record, index.db in the record's folder: SQLite, in WAL mode, so that
 * searching does not wait for writing. It is made of the record alone and can be removed at any time.
 *
 * What it has is the words of each record (terms.h) by sequence, in tables of FTS5 without content, one for every
 * million records, so that those of records that are removed go with their table; where each INDEX_BLOCK
 * records begin in which segment, with their earliest and latest time; and up to where it has come. No line is in it:
 * what is found is read in the segments. */
#ifndef RECORD_INDEX_DB_H
#define RECORD_INDEX_DB_H
#include <framewall/types.h>
#include <sqlite3.h>

#include "base/encode.h"
#include "record/storage.h"

enum {
	INDEX_BLOCK = 128,
	INDEX_PARTITION = 1 << 20, /* unless a test wants fewer */
	INDEX_ERROR = 160,
	INDEX_CHAIN = 8 /* octets of a record's chain that are kept, to know it by */
};

struct index_state {
	uint64_t last;	    /* record */
	uint64_t segment;   /* the one that it is in; 0: none was taken yet */
	uint64_t at;	    /* octets in that segment before its line */
	uint64_t end;	    /* and to behind its LF */
	uint64_t partition; /* records of a table of words */
	uint8_t chain[INDEX_CHAIN];
};

struct index_block {
	uint64_t first, last; /* records; first 0: none */
	uint64_t segment, offset;
	char oldest[ENCODE_RFC3339], newest[ENCODE_RFC3339];
	uint8_t chain[INDEX_CHAIN]; /* of the first one */
};

struct index_db {
	sqlite3 *handle;
	sqlite3_stmt *block_of; /* the block of a record */
	unsigned steps_left;	/* of a search, in thousands of SQLite's */
};

/* NONE: there is no such file. UNFIT: it cannot be used: damaged, of another version, of another folder or history of
 * the record. BUSY: another program has it for itself. ERROR: the system's. */
enum index_result { INDEX_OK, INDEX_NONE, INDEX_UNFIT, INDEX_BUSY, INDEX_FULL, INDEX_MEMORY, INDEX_IO };

/* Opens one for searching; what it says is of one moment until it is closed. ret_error: why it is not OK. */
enum index_result index_db_open(struct index_db *db, const char *directory, struct index_state *ret_state,
				char ret_error[INDEX_ERROR]);
/* Opens one for writing. It must be there. */
enum index_result index_db_open_writing(struct index_db *db, const char *directory, struct index_state *ret_state,
					char ret_error[INDEX_ERROR]);
/* Removes what there is and makes an empty one. */
enum index_result index_db_make(struct index_db *db, const char *directory, uint64_t partition,
				char ret_error[INDEX_ERROR]);
void index_db_close(struct index_db *db); /* also one that was not opened */
void index_db_remove(const char *directory);
/* The file is not the one in the folder any more. */
bool index_db_is_gone(const struct index_db *db, const char *directory);

enum index_result index_db_result(int code); /* of SQLite */
enum index_result index_db_failed(const struct index_db *db, const char *what, char ret_error[INDEX_ERROR]);
bool index_db_execute(struct index_db *db, const char *sql);
bool index_db_put_state(struct index_db *db, const struct index_state *state);
bool index_db_put_block(struct index_db *db, const struct index_block *block);
/* The block that has this record; OK with first 0: none has. */
enum index_result index_db_block(struct index_db *db, uint64_t sequence, struct index_block *ret_block);
/* Reads the row of a statement that selects INDEX_BLOCK_COLUMNS. False: it is no block. */
#define INDEX_BLOCK_COLUMNS "first, last, segment, offset, oldest, newest, chain"
bool index_db_read_block(sqlite3_stmt *row, struct index_block *ret_block);
#endif
