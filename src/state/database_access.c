/* database_access.c: tokens of the admin side: what is kept of one is its hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "state/database_parts.h"

static const char unreadable[] = "a token of the admin side in it cannot be read: it was changed from outside";

static struct vault_place place_of(const char *column, const char *id)
{
	return (struct vault_place){ "admin_tokens", column, slice(id, DATABASE_ACCESS_ID) };
}

static bool read_row(struct database *database, sqlite3_stmt *statement, struct database_access *ret_token)
{
	struct vault_place hash, name, role, expires;
	char digits[ENCODE_U64 + 1];
	size_t size;

	*ret_token = (struct database_access){ .created_wall_us = (uint64_t)sqlite3_column_int64(statement, 4) };
	if (database_column(statement, 0).size != DATABASE_ACCESS_ID)
		return false;
	memcpy(ret_token->id, database_column(statement, 0).data, DATABASE_ACCESS_ID);
	hash = place_of("hash", ret_token->id);
	name = place_of("name", ret_token->id);
	role = place_of("role", ret_token->id);
	expires = place_of("expires_us", ret_token->id);
	if (!database_read(database, statement, 1, &hash, ret_token->hash, sizeof(ret_token->hash), &size) ||
	    size != sizeof(ret_token->hash) ||
	    !database_read(database, statement, 2, &name, ret_token->name, DATABASE_ACCESS_NAME, &size))
		return false;
	ret_token->name[size] = '\0';
	if (!database_read(database, statement, 3, &role, ret_token->role, DATABASE_ACCESS_ROLE, &size))
		return false;
	ret_token->role[size] = '\0';
	if (!database_read(database, statement, 5, &expires, digits, ENCODE_U64, &size))
		return false;
	digits[size] = '\0';
	ret_token->expires_wall_us = strtoull(digits, NULL, 10);
	return true;
}

bool database_access_load(struct database *database, struct database_access *ret_tokens, unsigned most,
			  unsigned *ret_count, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = database_prepare(
		database, "SELECT id, hash, name, role, created_us, expires_us FROM admin_tokens ORDER BY created_us");
	bool holds = true;
	int step = SQLITE_DONE;

	*ret_count = 0;
	if (statement == NULL)
		return database_fails(database, "cannot read", ret_error);
	while (holds && (step = sqlite3_step(statement)) == SQLITE_ROW)
		holds = *ret_count < most && read_row(database, statement, &ret_tokens[(*ret_count)++]);
	sqlite3_finalize(statement);
	if (!holds)
		memcpy(ret_error, unreadable, sizeof(unreadable));
	else if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	return holds;
}

static bool add(struct database *database, const struct database_access *token, char ret_error[DATABASE_ERROR])
{
	struct vault_place hash = place_of("hash", token->id), name = place_of("name", token->id),
			   role = place_of("role", token->id), expires = place_of("expires_us", token->id);
	char digits[ENCODE_U64];
	size_t size = encode_u64(token->expires_wall_us, digits);
	sqlite3_stmt *statement =
		database_prepare(database, "INSERT INTO admin_tokens (id, hash, name, role, created_us, expires_us) "
					   "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

	if (statement == NULL)
		return database_fails(database, "cannot write", ret_error);
	sqlite3_bind_text(statement, 1, token->id, DATABASE_ACCESS_ID, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 5, (sqlite3_int64)token->created_wall_us);
	return database_write(database, statement,
			      database_bind(database, statement, 2, &hash, slice(token->hash, sizeof(token->hash))) &&
				      database_bind(database, statement, 3, &name, slice_text(token->name)) &&
				      database_bind(database, statement, 4, &role, slice_text(token->role)) &&
				      database_bind(database, statement, 6, &expires, slice(digits, size)),
			      ret_error);
}

bool database_access_add(struct database *database, const struct database_access *token, char ret_error[DATABASE_ERROR])
{
	return database_begin(database, ret_error) &&
	       database_end(database, add(database, token, ret_error), ret_error);
}

bool database_access_remove(struct database *database, const char *id, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = database_prepare(database, "DELETE FROM admin_tokens WHERE id = ?1");

	if (statement != NULL)
		sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	return database_finish(statement) || database_fails(database, "cannot write", ret_error);
}
