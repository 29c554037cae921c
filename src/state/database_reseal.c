/* database_reseal.c: the fields that are sealed, all of them: which key sealed how many, and sealing them anew while
 * the database is used. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database_parts.h"

static const struct {
	const char *table, *id, *column;
} columns[] = {
#define SEALED(table, id, column, field) { #table, #id, #column },
#include "tables/sealed.def"
};
enum { COLUMNS = sizeof(columns) / sizeof(*columns), SQL = 256 };
_Static_assert((int)DATABASE_KEYS == (int)VAULT_KEYS, "each key can be shown");

/* How many values of a column a key sealed, or (others) other keys; -1: it cannot be read. */
static int64_t count_sealed(struct database *database, unsigned column, uint32_t id, bool others)
{
	uint8_t number[4] = { (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };
	sqlite3_stmt *statement;
	int64_t count = -1;
	char sql[SQL];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE substr(%s, 2, 4) %s ?1", columns[column].table,
		 columns[column].column, others ? "<>" : "=");
	statement = database_prepare(database, sql);
	if (statement == NULL)
		return -1;
	sqlite3_bind_blob(statement, 1, number, sizeof(number), SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

bool database_key_is_used(struct database *database, uint32_t id)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (count_sealed(database, i, id, false) != 0)
			return true;
	return false;
}

bool database_forget_seal(struct database *database, uint32_t id)
{
	sqlite3_stmt *statement = database_prepare(database, "DELETE FROM sealing WHERE id = ?1");

	if (statement != NULL)
		sqlite3_bind_int64(statement, 1, id);
	return database_finish(statement);
}

bool database_keys(struct database *database, struct database_key ret_keys[DATABASE_KEYS], unsigned *ret_count,
		   uint64_t *ret_stale, char ret_error[DATABASE_ERROR])
{
	uint32_t current = database->vault->keys[database->vault->current].id;
	sqlite3_stmt *statement =
		database_prepare(database, "SELECT id, made_us, length(salt), used FROM sealing ORDER BY id");
	int step = SQLITE_DONE;

	*ret_count = 0;
	*ret_stale = 0;
	if (statement == NULL)
		return database_fails(database, "cannot read", ret_error);
	while (*ret_count < DATABASE_KEYS && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		struct database_key *key = &ret_keys[(*ret_count)++];

		*key = (struct database_key){ .id = (uint32_t)sqlite3_column_int64(statement, 0),
					      .made_wall_us = (uint64_t)sqlite3_column_int64(statement, 1),
					      .is_passphrase = sqlite3_column_int(statement, 2) != 0,
					      .used = (uint64_t)sqlite3_column_int64(statement, 3) };
		key->current = key->id == current;
	}
	sqlite3_finalize(statement);
	if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	for (unsigned i = 0; i < COLUMNS; i++) {
		int64_t count = count_sealed(database, i, current, true);

		if (count < 0)
			return database_fails(database, "cannot read", ret_error);
		*ret_stale += (uint64_t)count;
	}
	return true;
}

/* One value: sealed anew, or (in_clear) for the first time. */
static bool seal_one(struct database *database, unsigned column, sqlite3_stmt *row, bool in_clear,
		     char ret_error[DATABASE_ERROR])
{
	struct fw_slice value = database_column(row, 1);
	struct vault_place place = { columns[column].table, columns[column].column, database_column(row, 0) };
	struct fw_slice text = in_clear ? value : vault_open(database->vault, &place, value);
	sqlite3_stmt *statement;
	char sql[SQL];
	bool done;

	if (text.data == NULL && !(in_clear && text.size == 0)) {
		snprintf(ret_error, DATABASE_ERROR, "a value of %s.%s cannot be read: it was changed from outside",
			 place.table, place.column);
		return false;
	}
	snprintf(sql, sizeof(sql), "UPDATE %s SET %s = ?1 WHERE %s = ?2", place.table, place.column,
		 columns[column].id);
	statement = database_prepare(database, sql);
	if (statement == NULL)
		return database_fails(database, "cannot write", ret_error);
	sqlite3_bind_value(statement, 2, sqlite3_column_value(row, 0));
	done = database_bind(database, statement, 1, &place, text);
	done = database_write(database, statement, done, ret_error);
	mem_wipe(database->vault->text, text.size < sizeof(database->vault->text) ? text.size : 0);
	return done;
}

/* The next value of a column behind a record (NULL: the first). A statement for each: one that is read from while its
 * table is written to may pass over records. ret_seen: there was one; *last is it, to be freed. */
static bool step_on(struct database *database, unsigned column, bool in_clear, sqlite3_value **last, bool *ret_seen,
		    char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	bool done = true;
	char sql[SQL];
	int step;

	snprintf(sql, sizeof(sql), "SELECT %s, %s FROM %s%s%s%s ORDER BY 1 LIMIT 1", columns[column].id,
		 columns[column].column, columns[column].table, *last != NULL ? " WHERE " : "",
		 *last != NULL ? columns[column].id : "", *last != NULL ? " > ?1" : "");
	statement = database_prepare(database, sql);
	if (statement == NULL)
		return database_fails(database, "cannot read", ret_error);
	if (*last != NULL)
		sqlite3_bind_value(statement, 1, *last);
	step = sqlite3_step(statement);
	*ret_seen = step == SQLITE_ROW;
	if (*ret_seen) {
		sqlite3_value_free(*last);
		*last = sqlite3_value_dup(sqlite3_column_value(statement, 0));
		if (*last == NULL) {
			snprintf(ret_error, DATABASE_ERROR, "memory is short");
			done = false;
		} else if (in_clear || !vault_is_current(database->vault, database_column(statement, 1))) {
			done = seal_one(database, column, statement, in_clear, ret_error);
		}
	} else if (step != SQLITE_DONE) {
		done = database_fails(database, "cannot read", ret_error);
	}
	sqlite3_finalize(statement);
	return done;
}

/* Up to most values. ret_seen: how many there were. */
static bool walk(struct database *database, unsigned column, bool in_clear, unsigned most, sqlite3_value **last,
		 unsigned *ret_seen, char ret_error[DATABASE_ERROR])
{
	bool more = true;

	for (*ret_seen = 0; more && *ret_seen < most; *ret_seen += more)
		if (!step_on(database, column, in_clear, last, &more, ret_error))
			return false;
	return true;
}

bool database_seal_table(struct database *database, const char *table, char ret_error[DATABASE_ERROR])
{
	bool done = true;

	for (unsigned i = 0; done && i < COLUMNS; i++) {
		sqlite3_value *last = NULL;
		unsigned seen = 1;

		while (done && seen != 0 && strcmp(columns[i].table, table) == 0)
			done = walk(database, i, true, 1000, &last, &seen, ret_error);
		sqlite3_value_free(last);
	}
	return done;
}

static bool forget_others(struct database *database, char ret_error[DATABASE_ERROR])
{
	struct vault *vault = database->vault;
	struct vault_key current = vault->keys[vault->current];

	for (unsigned i = 0; i < vault->count; i++) {
		if (i == vault->current)
			continue;
		if (database_key_is_used(database, vault->keys[i].id)) {
			snprintf(ret_error, DATABASE_ERROR, "a value is still sealed with an old key");
			return false;
		}
		if (!database_forget_seal(database, vault->keys[i].id))
			return database_fails(database, "cannot write", ret_error);
	}
	return current.id != 0;
}

/* Once it is on the disk that nothing needs them. */
static void wipe_others(struct vault *vault)
{
	struct vault_key current = vault->keys[vault->current];

	mem_wipe(vault->keys, sizeof(vault->keys));
	vault->keys[0] = current;
	vault->count = 1;
	vault->current = 0;
	mem_wipe(&current, sizeof(current));
}

static bool reseal(struct database *database, unsigned most, char ret_error[DATABASE_ERROR])
{
	struct database_reseal *at = &database->reseal;

	while (most != 0 && at->column < COLUMNS) {
		unsigned seen;

		if (!walk(database, at->column, false, most, &at->last, &seen, ret_error))
			return false;
		if (seen == most)
			return true;
		most -= seen;
		sqlite3_value_free(at->last);
		*at = (struct database_reseal){ .column = at->column + 1 };
	}
	return at->column < COLUMNS || forget_others(database, ret_error);
}

bool database_reseal(struct database *database, unsigned most, bool *ret_done, char ret_error[DATABASE_ERROR])
{
	bool resealed = database_begin(database, ret_error) &&
			database_end(database, reseal(database, most, ret_error), ret_error);

	*ret_done = false;
	if (resealed && database->reseal.column < COLUMNS)
		return true;
	sqlite3_value_free(database->reseal.last);
	database->reseal = (struct database_reseal){ 0 };
	if (!resealed)
		return false;
	wipe_others(database->vault);
	*ret_done = true;
	/* What the old key sealed is in no file any more. */
	return database_execute(database, "PRAGMA wal_checkpoint(TRUNCATE)") ||
	       database_fails(database, "cannot write", ret_error);
}
