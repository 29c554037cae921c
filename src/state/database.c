#include "state/database_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/database_parts.h"

enum { BUSY_MS = 5000 };

/* One step a version: what brings a file of the version before to this one. */
static const char *const steps[] = {
	"CREATE TABLE revocations ("
	" user BLOB PRIMARY KEY NOT NULL," /* as in the credential, octet by octet */
	" before_us INTEGER NOT NULL,"	   /* credentials issued up to then do not count; microseconds since 1970 */
	" disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),"
	" reason TEXT NOT NULL"
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE api_keys ("
	" id TEXT PRIMARY KEY NOT NULL,"
	" hash BLOB NOT NULL," /* SHA-256 of the whole key */
	" name BLOB NOT NULL,"
	" role BLOB NOT NULL,"
	" scopes BLOB NOT NULL,"   /* permissions with blanks between them; empty: all of the role */
	" networks BLOB NOT NULL," /* the same; empty: from anywhere */
	" created_us INTEGER NOT NULL,"
	" expires_us INTEGER NOT NULL," /* 0: never, and so below */
	" revoked_us INTEGER NOT NULL,"
	" used_us INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE users (" /* who logs in with a password */
	" user BLOB PRIMARY KEY NOT NULL,"
	" hash TEXT NOT NULL," /* argon2id, a PHC string */
	" role TEXT NOT NULL,"
	" created_us INTEGER NOT NULL," /* microseconds since 1970 */
	" changed_us INTEGER NOT NULL," /* when the password was set */
	" failed INTEGER NOT NULL"	/* logins that were refused since the last one that was not */
	") STRICT, WITHOUT ROWID",
	/* From here on fields are sealed (tables/sealed.def): what was in clear is moved by seal_all. */
	"CREATE TABLE sealing ("
	" id INTEGER PRIMARY KEY NOT NULL,"
	" made_us INTEGER NOT NULL,"
	" salt BLOB NOT NULL," /* of a passphrase; empty: the source is the key */
	" iterations INTEGER NOT NULL,"
	" used INTEGER NOT NULL," /* values it sealed */
	" test BLOB NOT NULL"	  /* a sealed value, to know the key by */
	") STRICT;"
	"CREATE TABLE secrets (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"ALTER TABLE users RENAME TO users_in_clear;"
	"CREATE TABLE users ("
	" who BLOB PRIMARY KEY NOT NULL," /* keyed hash of the user */
	" user BLOB NOT NULL,"
	" hash BLOB NOT NULL,"
	" role BLOB NOT NULL,"
	" created_us INTEGER NOT NULL,"
	" changed_us INTEGER NOT NULL,"
	" failed INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"ALTER TABLE revocations RENAME TO revocations_in_clear;"
	"CREATE TABLE revocations ("
	" who BLOB PRIMARY KEY NOT NULL," /* keyed hash of the user */
	" user BLOB NOT NULL,"
	" before_us INTEGER NOT NULL,"
	" disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),"
	" reason BLOB NOT NULL"
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE blocks ("
	" who BLOB PRIMARY KEY NOT NULL," /* keyed hash of the subject */
	" subject BLOB NOT NULL,"	  /* an address or a user */
	" reason BLOB NOT NULL,"
	" until_us INTEGER NOT NULL,"
	" forgive_us INTEGER NOT NULL," /* when one of blocks is forgotten */
	" blocks INTEGER NOT NULL,"
	" score INTEGER NOT NULL,"
	" automatic INTEGER NOT NULL CHECK (automatic IN (0, 1))"
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE admin_tokens (" /* who may ask the admin side */
	" id TEXT PRIMARY KEY NOT NULL,"
	" hash BLOB NOT NULL," /* SHA-256 of the whole token */
	" name BLOB NOT NULL,"
	" role BLOB NOT NULL,"
	" created_us INTEGER NOT NULL," /* microseconds since 1970 */
	" expires_us BLOB NOT NULL"	/* the same, in digits */
	") STRICT, WITHOUT ROWID",
	"CREATE TABLE responses (" /* what was done about somebody */
	" id TEXT PRIMARY KEY NOT NULL,"
	" action TEXT NOT NULL,"
	" subject BLOB NOT NULL," /* an address or a user */
	" reason BLOB NOT NULL,"
	" since_us INTEGER NOT NULL," /* microseconds since 1970 */
	" until_us INTEGER NOT NULL,"
	" dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),"
	" not_ours INTEGER NOT NULL CHECK (not_ours IN (0, 1)),"
	" rule TEXT NOT NULL," /* "": an operator's */
	" event_id TEXT NOT NULL"
	") STRICT, WITHOUT ROWID",
};
enum { SEALED_FROM = 4 };
enum { VERSION = sizeof(steps) / sizeof(steps[0]) };

bool database_fails(const struct database *database, const char *what, char ret_error[DATABASE_ERROR])
{
	snprintf(ret_error, DATABASE_ERROR, "%s: %s", what, sqlite3_errmsg(database->handle));
	return false;
}

bool database_execute(struct database *database, const char *sql)
{
	return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int version_of(struct database *database)
{
	sqlite3_stmt *statement;
	int version = -1;

	if (sqlite3_prepare_v2(database->handle, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

bool database_begin(struct database *database, char ret_error[DATABASE_ERROR])
{
	return database_execute(database, "BEGIN IMMEDIATE") || database_fails(database, "cannot write", ret_error);
}

bool database_end(struct database *database, bool done, char ret_error[DATABASE_ERROR])
{
	bool kept = done && database_count_uses(database) && database_execute(database, "COMMIT");

	if (done && !kept)
		database_fails(database, "cannot write", ret_error);
	if (!kept)
		database_execute(database, "ROLLBACK");
	database_counted(database, kept);
	return kept;
}

static bool seal_all(struct database *database, char ret_error[DATABASE_ERROR])
{
	return database_seal_table(database, "api_keys", ret_error) &&
	       database_migrate_revocations(database, ret_error) && database_migrate_users(database, ret_error) &&
	       (database_execute(database, "DROP TABLE revocations_in_clear; DROP TABLE users_in_clear") ||
		database_fails(database, "cannot bring it up to date", ret_error));
}

static bool bring_up(struct database *database, int version, const struct vault_options *options,
		     char ret_error[DATABASE_ERROR])
{
	char pragma[64];

	for (int i = version; i < VERSION; i++)
		if (!database_execute(database, steps[i]))
			return database_fails(database, "cannot bring it up to date", ret_error);
	if (!database_unlock(database, options, ret_error))
		return false;
	if (version < SEALED_FROM && !seal_all(database, ret_error))
		return false;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", (int)VERSION);
	return database_execute(database, pragma) || database_fails(database, "cannot bring it up to date", ret_error);
}

static bool prepare(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	int version = version_of(database);

	if (version < 0)
		return database_fails(database, "cannot read", ret_error);
	if (version > VERSION) {
		snprintf(ret_error, DATABASE_ERROR,
			 "it was written by a later version of framewall (%d, this one knows %d)", version,
			 (int)VERSION);
		return false;
	}
	if (!database_begin(database, ret_error) ||
	    !database_end(database, bring_up(database, version, options, ret_error), ret_error))
		return false;
	/* What stood there in clear is overwritten in the file by secure_delete; now in the log, too. */
	return version == 0 || version >= SEALED_FROM ||
	       database_execute(database, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)") ||
	       database_fails(database, "cannot bring it up to date", ret_error);
}

/* SQLite would make the file, its log and its index by the umask. They get the mode of the file that is there. */
static bool make_file(const char *path, char ret_error[DATABASE_ERROR])
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		snprintf(ret_error, DATABASE_ERROR, "cannot open: %s", strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

struct database *database_open(const char *path, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	struct database *database = mem_zero(1, sizeof(*database));

	if (database == NULL) {
		snprintf(ret_error, DATABASE_ERROR, "memory is short");
		return NULL;
	}
	if (!make_file(path, ret_error))
		return database_close(database);
	if (sqlite3_open_v2(path, &database->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK) {
		database_fails(database, "cannot open", ret_error);
		return database_close(database);
	}
	sqlite3_busy_timeout(database->handle, BUSY_MS);
	if (!database_execute(database,
			      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
			      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")) {
		database_fails(database, "cannot open", ret_error);
		return database_close(database);
	}
	return prepare(database, options, ret_error) ? database : database_close(database);
}

struct database *database_close(struct database *database)
{
	if (database != NULL) {
		database_lock(database);
		sqlite3_close(database->handle);
	}
	mem_free(database);
	return NULL;
}

struct fw_slice database_column(sqlite3_stmt *statement, int index)
{
	const void *octets = sqlite3_column_blob(statement, index);
	int size = sqlite3_column_bytes(statement, index);

	return slice(octets, octets != NULL && size > 0 ? (size_t)size : 0);
}
