/* database_keys.c: API keys in the database. A key itself is in no file: what is kept is its hash. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/slice.h"
#include "state/database_parts.h"

enum { NETWORK = ADDR_TEXT + 4, NETWORKS = LIMIT_API_KEY_NETWORKS * (NETWORK + 1) };

static size_t write_networks(const struct store_api_key *key, char ret_text[NETWORKS])
{
	size_t size = 0;

	for (unsigned i = 0; i < key->network_count; i++) {
		char address[ADDR_TEXT];

		addr_format(&key->networks[i].base, address);
		size += (size_t)snprintf(ret_text + size, NETWORKS - size, "%s%s/%u", size != 0 ? " " : "", address,
					 key->networks[i].bits);
	}
	return size;
}

static bool read_networks(struct fw_slice text, struct store_api_key *key)
{
	while (text.size != 0) {
		const uint8_t *end = memchr(text.data, ' ', text.size);
		size_t size = end != NULL ? (size_t)(end - text.data) : text.size;

		if (key->network_count == LIMIT_API_KEY_NETWORKS ||
		    !addr_net_parse(slice(text.data, size), &key->networks[key->network_count++]))
			return false;
		text = slice_from(text, end != NULL ? size + 1 : size);
	}
	return true;
}

static struct vault_place place_of(const char *column, const char *id)
{
	return (struct vault_place){ "api_keys", column, slice(id, STORE_KEY_ID) };
}

static bool read(struct database *database, sqlite3_stmt *statement, int index, const struct store_api_key *key,
		 void *ret_text, size_t room, size_t *ret_size)
{
	struct vault_place place = place_of(sqlite3_column_name(statement, index), key->id);

	return database_read(database, statement, index, &place, ret_text, room, ret_size);
}

/* False: no server of ours wrote this. */
static bool read_key(struct database *database, sqlite3_stmt *statement, struct store_api_key *ret_key)
{
	struct fw_slice id = database_column(statement, 0);
	char networks[NETWORKS];
	size_t hash_size, networks_size;

	*ret_key = (struct store_api_key){ .created_wall_us = (uint64_t)sqlite3_column_int64(statement, 6),
					   .expires_wall_us = (uint64_t)sqlite3_column_int64(statement, 7),
					   .revoked_wall_us = (uint64_t)sqlite3_column_int64(statement, 8),
					   .used_wall_us = (uint64_t)sqlite3_column_int64(statement, 9) };
	if (id.size != STORE_KEY_ID)
		return false;
	memcpy(ret_key->id, id.data, STORE_KEY_ID);
	return read(database, statement, 1, ret_key, ret_key->hash, sizeof(ret_key->hash), &hash_size) &&
	       hash_size == sizeof(ret_key->hash) &&
	       read(database, statement, 2, ret_key, ret_key->name, sizeof(ret_key->name), &ret_key->name_size) &&
	       read(database, statement, 3, ret_key, ret_key->role, sizeof(ret_key->role), &ret_key->role_size) &&
	       read(database, statement, 4, ret_key, ret_key->scopes, sizeof(ret_key->scopes), &ret_key->scopes_size) &&
	       read(database, statement, 5, ret_key, networks, sizeof(networks), &networks_size) &&
	       read_networks(slice(networks, networks_size), ret_key);
}

bool database_load_keys(struct database *database, struct store *store, char ret_error[DATABASE_ERROR])
{
	const char *wrong = NULL;
	char forgotten[STORE_KEY_ID];
	struct store_api_key key;
	sqlite3_stmt *statement;
	int step = SQLITE_DONE;

	if (sqlite3_prepare_v2(database->handle,
			       "SELECT id, hash, name, role, scopes, networks, created_us, expires_us, revoked_us, "
			       "used_us FROM api_keys",
			       -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot read", ret_error);
	while (wrong == NULL && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		if (!read_key(database, statement, &key))
			wrong = "an API key in it cannot be read: it was changed from outside";
		else if (store_key_put(store, &key, 0, forgotten) != STORE_KEY_KEPT)
			wrong = "there is no room for all the API keys";
	}
	sqlite3_finalize(statement);
	if (wrong != NULL)
		snprintf(ret_error, DATABASE_ERROR, "%s", wrong);
	else if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	return wrong == NULL;
}

static bool bind(struct database *database, sqlite3_stmt *statement, int index, const struct store_api_key *key,
		 const void *octets, size_t size)
{
	static const char *const columns[] = { "hash", "name", "role", "scopes", "networks" };
	struct vault_place place = place_of(columns[index - 2], key->id);

	return database_bind(database, statement, index, &place, slice(octets, size));
}

static bool keep(struct database *database, sqlite3_stmt *statement, const struct store_api_key *key,
		 char ret_error[DATABASE_ERROR])
{
	char networks[NETWORKS];

	sqlite3_reset(statement);
	sqlite3_bind_text(statement, 1, key->id, STORE_KEY_ID, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 7, (sqlite3_int64)key->created_wall_us);
	sqlite3_bind_int64(statement, 8, (sqlite3_int64)key->expires_wall_us);
	sqlite3_bind_int64(statement, 9, (sqlite3_int64)key->revoked_wall_us);
	sqlite3_bind_int64(statement, 10, (sqlite3_int64)key->used_wall_us);
	if (!bind(database, statement, 2, key, key->hash, sizeof(key->hash)) ||
	    !bind(database, statement, 3, key, key->name, key->name_size) ||
	    !bind(database, statement, 4, key, key->role, key->role_size) ||
	    !bind(database, statement, 5, key, key->scopes, key->scopes_size) ||
	    !bind(database, statement, 6, key, networks, write_networks(key, networks))) {
		snprintf(ret_error, DATABASE_ERROR, DATABASE_NOT_SEALED);
		return false;
	}
	return sqlite3_step(statement) == SQLITE_DONE || database_fails(database, "cannot write", ret_error);
}

static bool keep_all(struct database *database, const struct store_api_key *keys, size_t count,
		     char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	bool kept = true;

	if (sqlite3_prepare_v2(database->handle,
			       "INSERT OR REPLACE INTO api_keys (id, hash, name, role, scopes, networks, created_us, "
			       "expires_us, revoked_us, used_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
			       -1, &statement, NULL) != SQLITE_OK)
		return database_fails(database, "cannot write", ret_error);
	for (size_t i = 0; kept && i < count; i++)
		kept = keep(database, statement, &keys[i], ret_error);
	sqlite3_finalize(statement);
	return kept;
}

bool database_keep_keys(struct database *database, const struct store_api_key *keys, size_t count,
			char ret_error[DATABASE_ERROR])
{
	return database_begin(database, ret_error) &&
	       database_end(database, keep_all(database, keys, count, ret_error), ret_error);
}

bool database_forget_key(struct database *database, const char id[STORE_KEY_ID], char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement;
	bool done;

	if (sqlite3_prepare_v2(database->handle, "DELETE FROM api_keys WHERE id = ?1", -1, &statement, NULL) !=
	    SQLITE_OK)
		return database_fails(database, "cannot write", ret_error);
	sqlite3_bind_text(statement, 1, id, STORE_KEY_ID, SQLITE_STATIC);
	done = sqlite3_step(statement) == SQLITE_DONE;
	sqlite3_finalize(statement);
	return done || database_fails(database, "cannot write", ret_error);
}
