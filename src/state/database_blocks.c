/* database_blocks.c: the block list, so that it outlives the server. A record is found by a keyed hash of whom it is
 * about; times are those of the wall clock, since the other one does not outlive the machine. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/limits.h"
#include "base/slice.h"
#include "state/database_parts.h"

enum { SUBJECT = STORE_NAME + 1 };
static const char table[] = "blocks";

/* "a192.0.2.1", "uNAME" */
static struct fw_slice subject_of(const struct fw_addr *address, struct fw_slice user, char ret_text[SUBJECT])
{
	if (address->family != 0) {
		struct fw_addr prefix = addr_prefix(address);

		ret_text[0] = 'a';
		return slice(ret_text, 1 + addr_format(&prefix, ret_text + 1));
	}
	ret_text[0] = 'u';
	if (user.size > STORE_NAME)
		user.size = STORE_NAME;
	if (user.size != 0)
		memcpy(ret_text + 1, user.data, user.size);
	return slice(ret_text, 1 + user.size);
}

static bool read_subject(struct fw_slice text, struct store_block *block)
{
	if (text.size < 2)
		return false;
	if (text.data[0] == 'a')
		return addr_parse(slice_from(text, 1), &block->address);
	block->user_size = text.size - 1;
	memcpy(block->user, text.data + 1, block->user_size);
	return text.data[0] == 'u';
}

static uint64_t left(int64_t until_us, uint64_t now_wall_us)
{
	uint64_t left_ns;

	if (until_us == INT64_MAX)
		return UINT64_MAX; /* never */
	if (until_us < 0 || (uint64_t)until_us <= now_wall_us)
		return 0;
	return __builtin_mul_overflow((uint64_t)until_us - now_wall_us, 1000, &left_ns) ? UINT64_MAX : left_ns;
}

static int64_t end(uint64_t left_ns, uint64_t now_wall_us)
{
	uint64_t at = now_wall_us + left_ns / 1000 + (left_ns % 1000 != 0);

	return left_ns > INT64_MAX || at > INT64_MAX ? INT64_MAX : (int64_t)at;
}

static bool read_row(struct database *database, sqlite3_stmt *statement, uint64_t now_wall_us,
		     struct store_block *block)
{
	struct fw_slice who = database_column(statement, 0);
	struct vault_place subject = { table, "subject", who }, reason = { table, "reason", who };
	char text[SUBJECT];
	size_t text_size, reason_size;

	*block = (struct store_block){ .left_ns = left(sqlite3_column_int64(statement, 3), now_wall_us),
				       .forgive_ns = left(sqlite3_column_int64(statement, 4), now_wall_us),
				       .blocks = (uint32_t)sqlite3_column_int64(statement, 5),
				       .score = (uint32_t)sqlite3_column_int64(statement, 6),
				       .automatic = sqlite3_column_int(statement, 7) != 0 };
	return who.size == 32 && database_read(database, statement, 1, &subject, text, sizeof(text), &text_size) &&
	       database_read(database, statement, 2, &reason, block->reason, sizeof(block->reason) - 1, &reason_size) &&
	       read_subject(slice(text, text_size), block);
}

/* Those of operators first; what there is no room for are those that end first. */
bool database_load_blocks(struct database *database, struct store *store, struct fw_time now,
			  char ret_error[DATABASE_ERROR])
{
	struct store_block block;
	sqlite3_stmt *statement;
	bool whole = true;
	int step;

	if (sqlite3_prepare_v2(
		    database->handle,
		    "SELECT who, subject, reason, until_us, forgive_us, blocks, score, automatic FROM blocks "
		    "ORDER BY automatic, until_us DESC LIMIT ?1",
		    -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot read", ret_error);
	sqlite3_bind_int(statement, 1, LIMIT_BLOCKS);
	while (whole && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		whole = read_row(database, statement, now.wall_us, &block);
		if (whole && (block.left_ns != 0 || block.blocks != 0))
			store_block_put(store, &block, now.monotonic_ns);
	}
	sqlite3_finalize(statement);
	if (!whole)
		snprintf(ret_error, DATABASE_ERROR, "a block in it cannot be read: it was changed from outside");
	else if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	return whole;
}

/* Within a transaction. */
static bool put_block(struct database *database, const struct store_block *block, uint64_t now_wall_us,
		      char ret_error[DATABASE_ERROR])
{
	char text[SUBJECT];
	struct fw_slice subject = subject_of(&block->address, slice(block->user, block->user_size), text);
	struct vault_place subject_place, reason_place;
	sqlite3_stmt *statement;
	uint8_t who[32];
	bool done;

	if (sqlite3_prepare_v2(database->handle,
			       "INSERT OR REPLACE INTO blocks (who, subject, reason, until_us, forgive_us, blocks, "
			       "score, automatic) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			       -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot write", ret_error);
	done = database_who(database, subject, who);
	subject_place = (struct vault_place){ table, "subject", slice(who, sizeof(who)) };
	reason_place = (struct vault_place){ table, "reason", slice(who, sizeof(who)) };
	sqlite3_bind_blob(statement, 1, who, sizeof(who), SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, end(block->left_ns, now_wall_us));
	sqlite3_bind_int64(statement, 5, end(block->forgive_ns, now_wall_us));
	sqlite3_bind_int64(statement, 6, block->blocks);
	sqlite3_bind_int64(statement, 7, block->score);
	sqlite3_bind_int(statement, 8, block->automatic);
	done = done && database_bind(database, statement, 2, &subject_place, subject) &&
	       database_bind(database, statement, 3, &reason_place, slice_text(block->reason));
	return database_write(database, statement, done, ret_error);
}

bool database_keep_blocks(struct database *database, const struct store_block *blocks, size_t count,
			  uint64_t now_wall_us, char ret_error[DATABASE_ERROR])
{
	bool done = true;

	if (!database_begin(database, ret_error))
		return false;
	for (size_t i = 0; i < count && done; i++)
		done = put_block(database, &blocks[i], now_wall_us, ret_error);
	return database_end(database, done, ret_error);
}

static bool run(struct database *database, sqlite3_stmt *statement, char ret_error[DATABASE_ERROR])
{
	return database_end(database, database_finish(statement) || database_fails(database, "cannot write", ret_error),
			    ret_error);
}

bool database_forget_block(struct database *database, const struct fw_addr *address, struct fw_slice user,
			   char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	char text[SUBJECT];
	uint8_t who[32];

	if (!database_begin(database, ret_error))
		return false;
	statement = database_prepare(database, "DELETE FROM blocks WHERE who = ?1");
	if (!database_who(database, subject_of(address, user, text), who))
		memset(who, 0, sizeof(who));
	if (statement != NULL)
		sqlite3_bind_blob(statement, 1, who, sizeof(who), SQLITE_STATIC);
	return run(database, statement, ret_error);
}

/* An ended one counts until the last of its blocks is forgotten, one each forgive_us; so long it is kept. */
bool database_tidy_blocks(struct database *database, uint64_t now_wall_us, uint64_t forgive_us,
			  char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;

	if (!database_begin(database, ret_error))
		return false;
	statement =
		database_prepare(database, "DELETE FROM blocks WHERE (until_us < ?1 AND (blocks = 0 OR "
					   "forgive_us + (blocks - 1) * ?2 < ?1)) OR who IN (SELECT who FROM blocks "
					   "ORDER BY automatic, until_us DESC LIMIT -1 OFFSET ?3)");
	if (statement != NULL) {
		sqlite3_bind_int64(statement, 1, (sqlite3_int64)now_wall_us);
		sqlite3_bind_int64(statement, 2, (sqlite3_int64)forgive_us);
		sqlite3_bind_int(statement, 3, LIMIT_BLOCKS);
	}
	return run(database, statement, ret_error);
}
