/* database.h: what must outlive the process, in one SQLite file (DATA/framewall.db, mode 0600). The store is what is
 * asked for every decision; this is where it comes from at the start, and where a change goes before it is called done.
 * One thread. Every change is on the disk when its function returns. */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H
#include "state/store.h"
#include "state/vault.h"

struct database;
enum { DATABASE_ERROR = 256 };

/* NULL, and what is wrong in ret_error: a file of a later version, one that is no database, one that cannot be written,
 * one that is sealed with a key that is not among the sources. */
struct database *database_open(const char *path, const struct vault_options *options, char ret_error[DATABASE_ERROR]);
struct database *database_close(struct database *database);

/* Puts every revocation and every API key into the store. False, and what is wrong in ret_error. */
bool database_load(struct database *database, struct store *store, char ret_error[DATABASE_ERROR]);
/* False, and what is wrong in ret_error: the disk has what it had before. */
bool database_revoke(struct database *database, const struct store_revocation *revocation,
		     char ret_error[DATABASE_ERROR]);
/* Sealed with which keys: */
struct database_key {
	uint32_t id;
	uint64_t made_wall_us, used; /* used: values that it sealed */
	bool current, is_passphrase;
};
enum { DATABASE_KEYS = 16 };
/* ret_stale: values that another key than the current one sealed. */
bool database_keys(struct database *database, struct database_key ret_keys[DATABASE_KEYS], unsigned *ret_count,
		   uint64_t *ret_stale, char ret_error[DATABASE_ERROR]);
/* Is this source the key that is in use? Do these sources have it? */
bool database_is_current(struct database *database, const struct vault_source *source);
bool database_knows(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR]);
/* Other sources from now on: what is written is sealed with the first. Nothing is changed when that does not hold. */
bool database_rekey(struct database *database, const struct vault_options *options, char ret_error[DATABASE_ERROR]);
/* Looks at up to most values, and seals those anew that another key sealed; goes on where it was, and begins again
 * after the end. ret_done: all are sealed with the current key, and the others are forgotten. */
bool database_reseal(struct database *database, unsigned most, bool *ret_done, char ret_error[DATABASE_ERROR]);
bool database_restore(struct database *database, struct fw_slice user, char ret_error[DATABASE_ERROR]);
/* Keeps keys, each in place of the one of its id; all of them or none. */
bool database_keep_keys(struct database *database, const struct store_api_key *keys, size_t count,
			char ret_error[DATABASE_ERROR]);
bool database_forget_key(struct database *database, const char id[STORE_KEY_ID], char ret_error[DATABASE_ERROR]);

/* database_blocks.c: the block list. Those that are over and still count are there, too. */
bool database_load_blocks(struct database *database, struct store *store, struct fw_time now,
			  char ret_error[DATABASE_ERROR]);
/* Each in place of the one about the same address or user; all of them or none. */
bool database_keep_blocks(struct database *database, const struct store_block *blocks, size_t count,
			  uint64_t now_wall_us, char ret_error[DATABASE_ERROR]);
bool database_forget_block(struct database *database, const struct fw_addr *address, struct fw_slice user,
			   char ret_error[DATABASE_ERROR]);
/* Removes what counts no more, and what there is no room for. */
bool database_tidy_blocks(struct database *database, uint64_t now_wall_us, uint64_t forgive_us,
			  char ret_error[DATABASE_ERROR]);

/* database_access.c: tokens of the admin side. The token itself is in no file. */
enum { DATABASE_ACCESS_NAME = 64, DATABASE_ACCESS_ID = 16, DATABASE_ACCESS_ROLE = 16 };
struct database_access {
	char id[DATABASE_ACCESS_ID + 1], name[DATABASE_ACCESS_NAME + 1], role[DATABASE_ACCESS_ROLE + 1];
	uint8_t hash[32];
	uint64_t created_wall_us, expires_wall_us;
};
/* Up to most of them. False: what is there cannot be read, or is more. */
bool database_access_load(struct database *database, struct database_access *ret_tokens, unsigned most,
			  unsigned *ret_count, char ret_error[DATABASE_ERROR]);
bool database_access_add(struct database *database, const struct database_access *token,
			 char ret_error[DATABASE_ERROR]);
bool database_access_remove(struct database *database, const char *id, char ret_error[DATABASE_ERROR]);

/* database_responses.c: what was done about somebody. */
enum { DATABASE_RESPONSE_ID = 16, DATABASE_RESPONSE_NAME = 40 };
struct database_response {
	char id[DATABASE_RESPONSE_ID + 1], action[16], rule[DATABASE_RESPONSE_NAME + 1]; /* rule "": an operator's */
	struct fw_addr address;								 /* family 0: user */
	char user[STORE_NAME];
	size_t user_size;
	char reason[STORE_REASON + 1], event_id[17];
	uint64_t since_wall_us, until_wall_us;
	bool dry_run;
	bool not_ours; /* it was so before by somebody else: undoing it leaves that */
};
/* As those of tokens above; the second in place of one with the same id. */
bool database_response_load(struct database *database, struct database_response *ret_responses, unsigned most,
			    unsigned *ret_count, char ret_error[DATABASE_ERROR]);
bool database_response_put(struct database *database, const struct database_response *response,
			   char ret_error[DATABASE_ERROR]);
bool database_response_remove(struct database *database, const char *id, char ret_error[DATABASE_ERROR]);

/* database_users.c: users with passwords. */
enum { DATABASE_HASH = 128 };
struct database_user {
	char name[STORE_NAME + 1]; /* texts end with a NUL */
	size_t name_size;
	char hash[DATABASE_HASH], role[STORE_ROLE + 1];
	uint64_t created_wall_us, changed_wall_us; /* changed: the password */
	uint64_t failed;			   /* logins refused since the last one that was not */
};
/* NONE: there is no such user; of add: there is one already. FAILED: nothing was changed, ret_error says why. */
enum database_found { DATABASE_FOUND, DATABASE_NONE, DATABASE_FAILED };
enum database_found database_user_find(struct database *database, struct fw_slice user, struct database_user *ret_user,
				       char ret_error[DATABASE_ERROR]);
enum database_found database_user_add(struct database *database, const struct database_user *user,
				      char ret_error[DATABASE_ERROR]);
enum database_found database_user_set_password(struct database *database, struct fw_slice user, const char *hash,
					       uint64_t changed_wall_us, char ret_error[DATABASE_ERROR]);
enum database_found database_user_set_role(struct database *database, struct fw_slice user, const char *role,
					   char ret_error[DATABASE_ERROR]);
enum database_found database_user_remove(struct database *database, struct fw_slice user,
					 char ret_error[DATABASE_ERROR]);
int64_t database_user_count(struct database *database); /* -1: it cannot be read */
/* A login was refused, or not (hash: the same password at another cost; NULL: as it was). These two may be lost when
 * the machine's power is. */
void database_user_failed(struct database *database, struct fw_slice user);
void database_user_succeeded(struct database *database, struct fw_slice user, const char *hash);
typedef void database_user_function(void *user, const struct database_user *row);
bool database_user_list(struct database *database, database_user_function *each, void *user,
			char ret_error[DATABASE_ERROR]);
#endif
