/* database_parts.h: the inside of the database, for its own files: database.c opens it, database_revocations.c,
 * database_keys.c and database_users.c have a table each, database_seal.c and database_reseal.c what their fields are
 * sealed with. */
#ifndef STATE_DATABASE_PARTS_H
#define STATE_DATABASE_PARTS_H
#include <sqlite3.h>

#include "state/database.h"
#include "state/vault_parts.h"

/* How far values were sealed anew: a column, and the record after which it goes on. */
struct database_reseal {
	unsigned column;
	sqlite3_value *last; /* NULL: from the first record */
};
struct database {
	sqlite3 *handle;
	struct vault *vault;
	struct database_reseal reseal;
};

#define DATABASE_NOT_SEALED                                                                                            \
	"a value could not be sealed: its key has sealed as many as it may; say \"framewall key-store rotate\""

/* database.c. What went wrong with SQLite, in ret_error; false. */
bool database_fails(const struct database *database, const char *what, char ret_error[DATABASE_ERROR]);
bool database_execute(struct database *database, const char *sql);
/* The blob or text of a row; valid until the next step. */
struct fw_slice database_column(sqlite3_stmt *statement, int index);
/* Every change is between these two. The second: done was what stands between, and it is kept, or nothing of it is. */
bool database_begin(struct database *database, char ret_error[DATABASE_ERROR]);
bool database_end(struct database *database, bool done, char ret_error[DATABASE_ERROR]);

/* database_revocations.c */
bool database_migrate_revocations(struct database *database, char ret_error[DATABASE_ERROR]);

/* database_users.c */
bool database_migrate_users(struct database *database, char ret_error[DATABASE_ERROR]);

/* database_keys.c */
bool database_load_keys(struct database *database, struct store *store, char ret_error[DATABASE_ERROR]);

/* database_seal.c */
/* Finds the keys of what is sealed among the sources; makes one where the first source is new. Within a transaction;
 * there is no vault yet. False: what is there was sealed with another key. */
bool database_unlock(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR]);
void database_lock(struct database *database); /* wipes */
bool database_count_uses(struct database *database);
void database_counted(struct database *database, bool kept);		    /* the transaction of the count is over */
sqlite3_stmt *database_prepare(struct database *database, const char *sql); /* or NULL */
bool database_finish(sqlite3_stmt *statement);				    /* one step, which is all; NULL: false */
/* The same of one whose sealed values are bound, or could not be (bound false). */
bool database_write(struct database *database, sqlite3_stmt *statement, bool bound, char ret_error[DATABASE_ERROR]);
/* What a record about this user is found by: the name itself is nowhere outside of a sealed value. */
bool database_who(const struct database *database, struct fw_slice user, uint8_t ret_who[32]);
/* Binds a value sealed for that column of that record. False: it could not be sealed. */
bool database_bind(struct database *database, sqlite3_stmt *statement, int index, const struct vault_place *place,
		   struct fw_slice text);
/* Opens a column of a row into room octets; false: it does not open, or is longer. */
bool database_read(struct database *database, sqlite3_stmt *statement, int index, const struct vault_place *place,
		   void *ret_text, size_t room, size_t *ret_size);

/* database_reseal.c */
/* Is there a value that this key sealed? So it is, too, when that cannot be read. */
bool database_key_is_used(struct database *database, uint32_t id);
bool database_forget_seal(struct database *database, uint32_t id);
/* Seals columns of a table that were written in clear. */
bool database_seal_table(struct database *database, const char *table, char ret_error[DATABASE_ERROR]);
#endif
