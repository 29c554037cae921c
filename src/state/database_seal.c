/* database_seal.c: the keys that fields of the database are sealed with: found at the start, changed while it is used.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "state/database_parts.h"

static const char test_text[] = "framewall";

bool database_who(const struct database *database, struct fw_slice user, uint8_t ret_who[32])
{
	return digest_hmac_sha256(slice(database->vault->index, sizeof(database->vault->index)), user, ret_who);
}

bool database_bind(struct database *database, sqlite3_stmt *statement, int index, const struct vault_place *place,
		   struct fw_slice text)
{
	struct fw_slice sealed = vault_seal(database->vault, place, text);

	return sealed.data != NULL &&
	       sqlite3_bind_blob(statement, index, sealed.data, (int)sealed.size, SQLITE_TRANSIENT) == SQLITE_OK;
}

bool database_read(struct database *database, sqlite3_stmt *statement, int index, const struct vault_place *place,
		   void *ret_text, size_t room, size_t *ret_size)
{
	struct fw_slice text = vault_open(database->vault, place, database_column(statement, index));

	if (text.data == NULL || text.size > room)
		return false;
	memcpy(ret_text, text.data, text.size);
	*ret_size = text.size;
	return true;
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql)
{
	sqlite3_stmt *statement;

	return sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

bool database_finish(sqlite3_stmt *statement)
{
	bool done = statement != NULL && sqlite3_step(statement) == SQLITE_DONE;

	sqlite3_finalize(statement);
	return done;
}

bool database_write(struct database *database, sqlite3_stmt *statement, bool bound, char ret_error[DATABASE_ERROR])
{
	bool done = bound && sqlite3_step(statement) == SQLITE_DONE;

	if (!bound)
		snprintf(ret_error, DATABASE_ERROR, DATABASE_NOT_SEALED);
	else if (!done)
		database_fails(database, "cannot write", ret_error);
	sqlite3_finalize(statement);
	return done;
}

bool database_count_uses(struct database *database)
{
	struct vault *vault = database->vault;
	sqlite3_stmt *statement;

	if (vault == NULL || vault->sealed == 0)
		return true;
	statement = database_prepare(database, "UPDATE sealing SET used = used + ?1 WHERE id = ?2");
	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)vault->sealed);
	sqlite3_bind_int64(statement, 2, vault->keys[vault->current].id);
	if (!database_finish(statement))
		return false;
	vault->keys[vault->current].used += vault->sealed;
	vault->counted += vault->sealed;
	vault->sealed = 0;
	return true;
}

void database_counted(struct database *database, bool kept)
{
	struct vault *vault = database->vault;

	if (vault == NULL)
		return;
	if (!kept) { /* what was sealed may be in a log all the same: it counts next time */
		vault->keys[vault->current].used -= vault->counted;
		vault->sealed += vault->counted;
	}
	vault->counted = 0;
}

/* The record of a key's test value is its number. */
static struct vault_place test_place(const struct vault_key *key, char room[16])
{
	return (struct vault_place){ "sealing", "test", slice(room, (size_t)snprintf(room, 16, "%u", key->id)) };
}

static bool key_of(const struct vault_source *source, struct fw_slice salt, uint32_t iterations,
		   uint8_t ret_key[SEAL_KEY])
{
	if (source->is_passphrase)
		return salt.size != 0 &&
		       seal_derive(slice(source->secret, source->size), salt, iterations, ret_key, SEAL_KEY);
	if (salt.size != 0 || source->size != SEAL_KEY)
		return false;
	memcpy(ret_key, source->secret, SEAL_KEY);
	return true;
}

/* Which of the sources the key of this row is, as a number from 1; 0: none. */
static unsigned try_sources(struct vault *vault, struct vault_key *key, const struct vault_options *options,
			    sqlite3_stmt *row)
{
	struct fw_slice salt = database_column(row, 1), test = database_column(row, 4);
	uint32_t iterations = (uint32_t)sqlite3_column_int64(row, 2);
	char room[16];
	struct vault_place place = test_place(key, room);

	key->known = true; /* for vault_open */
	for (unsigned i = 0; i < options->source_count; i++)
		if (key_of(&options->sources[i], salt, iterations, key->key) &&
		    vault_open(vault, &place, test).size == strlen(test_text))
			return i + 1;
	key->known = false;
	mem_wipe(key->key, sizeof(key->key));
	return 0;
}

static bool too_many(char ret_error[DATABASE_ERROR])
{
	snprintf(ret_error, DATABASE_ERROR, "it is sealed with more than %d keys", (int)VAULT_KEYS);
	return false;
}

/* ret_current: the row of the first source, as a number from 1; 0: it has none. */
static bool find_keys(struct database *database, struct vault *vault, const struct vault_options *options,
		      unsigned *ret_current, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement =
		database_prepare(database, "SELECT id, salt, iterations, used, test FROM sealing ORDER BY id");
	bool room = true;
	int step = SQLITE_DONE;

	*ret_current = 0;
	if (statement == NULL)
		return database_fails(database, "cannot read", ret_error);
	while (room && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		struct vault_key *key = &vault->keys[vault->count];

		room = vault->count < VAULT_KEYS - 1; /* one more may be made */
		if (!room)
			break;
		vault->count++;
		*key = (struct vault_key){ .id = (uint32_t)sqlite3_column_int64(statement, 0),
					   .used = (uint64_t)sqlite3_column_int64(statement, 3) };
		if (try_sources(vault, key, options, statement) == 1)
			*ret_current = vault->count;
	}
	sqlite3_finalize(statement);
	if (!room)
		return too_many(ret_error);
	return step == SQLITE_DONE || database_fails(database, "cannot read", ret_error);
}

/* A key that no source gives: nothing may be left that it sealed. */
static bool check_unknown(struct database *database, struct vault *vault, const struct vault_options *options,
			  char ret_error[DATABASE_ERROR])
{
	for (unsigned i = 0; i < vault->count; i++) {
		if (vault->keys[i].known)
			continue;
		if (database_key_is_used(database, vault->keys[i].id)) {
			snprintf(ret_error, DATABASE_ERROR,
				 "it is sealed with another key than that of %s: give back the one that it was sealed "
				 "with, there or in \"encryption.previous\"",
				 options->source_count != 0 ? options->sources[0].name : "the configuration");
			return false;
		}
		if (!database_forget_seal(database, vault->keys[i].id))
			return database_fails(database, "cannot write", ret_error);
	}
	return true;
}

static bool make_key(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	struct vault *vault = database->vault;
	const struct vault_source *source = &options->sources[0];
	struct vault_key *key = &vault->keys[vault->count];
	uint8_t salt[VAULT_SALT_MOST];
	size_t salt_size = source->is_passphrase ? options->salt_length : 0;
	sqlite3_stmt *statement;
	struct vault_place place;
	char room[16];

	*key = (struct vault_key){ .id = vault->count != 0 ? vault->keys[vault->count - 1].id + 1 : 1, .known = true };
	vault->current = vault->count++;
	if (salt_size != 0)
		options->random.fill(options->random.user, salt, salt_size);
	statement = database_prepare(database, "INSERT INTO sealing (id, made_us, salt, iterations, used, test) "
					       "VALUES (?1, ?2, ?3, ?4, 0, ?5)");
	if (statement == NULL || !key_of(source, slice(salt, salt_size), options->iterations, key->key)) {
		sqlite3_finalize(statement);
		return database_fails(database, "cannot write", ret_error);
	}
	place = test_place(key, room);
	sqlite3_bind_int64(statement, 1, key->id);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)options->now_wall_us);
	sqlite3_bind_blob(statement, 3, salt_size != 0 ? (const void *)salt : "", (int)salt_size, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, source->is_passphrase ? options->iterations : 0);
	return database_write(database, statement, database_bind(database, statement, 5, &place, slice_text(test_text)),
			      ret_error);
}

/* The key of the names of records stays when the keys of the fields change. */
static bool load_index(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	struct vault_place place = { "secrets", "value", slice_text("index") };
	sqlite3_stmt *statement = database_prepare(database, "SELECT value FROM secrets WHERE name = 'index'");
	struct vault *vault = database->vault;
	size_t size = 0;
	bool there, read;

	if (statement == NULL)
		return database_fails(database, "cannot read", ret_error);
	there = sqlite3_step(statement) == SQLITE_ROW;
	read = there && database_read(database, statement, 0, &place, vault->index, sizeof(vault->index), &size) &&
	       size == sizeof(vault->index);
	sqlite3_finalize(statement);
	if (there && !read) {
		snprintf(ret_error, DATABASE_ERROR, "a secret in it cannot be read: it was changed from outside");
		return false;
	}
	if (read)
		return true;
	options->random.fill(options->random.user, vault->index, sizeof(vault->index));
	statement = database_prepare(database, "INSERT INTO secrets (name, value) VALUES ('index', ?1)");
	if (statement == NULL ||
	    !database_bind(database, statement, 1, &place, slice(vault->index, sizeof(vault->index)))) {
		sqlite3_finalize(statement);
		return database_fails(database, "cannot write", ret_error);
	}
	return database_finish(statement) || database_fails(database, "cannot write", ret_error);
}

static bool unlock(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	struct vault *vault = database->vault;
	unsigned current;

	if (!find_keys(database, vault, options, &current, ret_error) ||
	    !check_unknown(database, vault, options, ret_error))
		return false;
	vault->current = current - 1;
	if (current == 0 && !make_key(database, options, ret_error))
		return false;
	return load_index(database, options, ret_error);
}

bool database_unlock(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	database->vault = mem_zero(1, sizeof(*database->vault));
	if (database->vault == NULL || options->source_count == 0) {
		snprintf(ret_error, DATABASE_ERROR, "memory is short, or there is no key");
		return false;
	}
	database->vault->random = options->random;
	return unlock(database, options, ret_error);
}

static struct vault *forget(struct vault *vault)
{
	if (vault != NULL)
		mem_wipe(vault, sizeof(*vault));
	mem_free(vault);
	return NULL;
}

void database_lock(struct database *database)
{
	database->vault = forget(database->vault);
	sqlite3_value_free(database->reseal.last);
	database->reseal = (struct database_reseal){ 0 };
}

bool database_rekey(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	struct vault *before = database->vault;

	if (!database_begin(database, ret_error) ||
	    !database_end(database, true, ret_error) || /* counts what the keys of before sealed */
	    !database_begin(database, ret_error))
		return false;
	if (database_end(database, database_unlock(database, options, ret_error), ret_error)) {
		forget(before);
		return true;
	}
	database_lock(database);
	database->vault = before;
	return false;
}

/* Passphrases are derived with the salt of the row. */
bool database_knows(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR])
{
	struct vault *vault = mem_zero(1, sizeof(*vault));
	uint32_t current = database->vault->keys[database->vault->current].id;
	bool knows = false;
	unsigned first;

	if (vault == NULL)
		return false;
	if (find_keys(database, vault, options, &first, ret_error))
		for (unsigned i = 0; i < vault->count; i++)
			knows = knows || (vault->keys[i].id == current && vault->keys[i].known);
	forget(vault);
	return knows;
}

bool database_is_current(struct database *database, const struct vault_source *source)
{
	struct vault_options *one = mem_zero(1, sizeof(*one));
	char ignored[DATABASE_ERROR];
	bool is;

	if (one == NULL)
		return false;
	one->sources[0] = *source;
	one->source_count = 1;
	is = database_knows(database, one, ignored);
	vault_forget(one);
	mem_free(one);
	return is;
}
