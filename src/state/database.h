/* database.h: what must outlive the process, in one SQLite file (DATA/framewall.db, mode 0600). The store is what is
 * asked for every decision; this is where it comes from at the start, and where a change goes before it is called done.
 * One thread. Every change is on the disk when its function returns. */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H
#include "state/store.h"

struct database;
enum { DATABASE_ERROR = 256 };

/* NULL, and what is wrong in ret_error: a file of a later version, one that is no database, one that cannot be written.
 */
struct database *database_open(const char *path, char ret_error[DATABASE_ERROR]);
struct database *database_close(struct database *database);

/* Puts every revocation and every API key into the store. False, and what is wrong in ret_error. */
bool database_load(struct database *database, struct store *store, char ret_error[DATABASE_ERROR]);
/* False, and what is wrong in ret_error: the disk has what it had before. */
bool database_revoke(struct database *database, const struct store_revocation *revocation,
		     char ret_error[DATABASE_ERROR]);
bool database_restore(struct database *database, struct fw_slice user, char ret_error[DATABASE_ERROR]);
/* Keeps keys, each in place of the one of its id; all of them or none. */
bool database_keep_keys(struct database *database, const struct store_api_key *keys, size_t count,
			char ret_error[DATABASE_ERROR]);
bool database_forget_key(struct database *database, const char id[STORE_KEY_ID], char ret_error[DATABASE_ERROR]);
#endif
