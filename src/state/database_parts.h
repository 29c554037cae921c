/* database_parts.h: the inside of the database, for its own files: database.c opens it and has the revocations,
 * database_keys.c the API keys, database_users.c users with passwords. */
#ifndef STATE_DATABASE_PARTS_H
#define STATE_DATABASE_PARTS_H
#include <sqlite3.h>

#include "state/database.h"

struct database {
	sqlite3 *handle;
};

/* database.c. What went wrong with SQLite, in ret_error; false. */
bool database_fails(const struct database *database, const char *what, char ret_error[DATABASE_ERROR]);
bool database_execute(struct database *database, const char *sql);
struct fw_slice database_column(sqlite3_stmt *statement, int index); /* valid until the next step */

/* database_keys.c */
bool database_load_keys(struct database *database, struct store *store, char ret_error[DATABASE_ERROR]);
#endif
