/* database_responses.c: what was done about somebody, so that it outlives the server and can be undone after. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/slice.h"
#include "state/database_parts.h"

static const char unreadable[] = "a response in it cannot be read: it was changed from outside";

enum { SUBJECT = STORE_NAME + 1 };

static struct vault_place place_of(const char *column, const char *id)
{
	return (struct vault_place){ "responses", column, slice(id, DATABASE_RESPONSE_ID) };
}

/* "a192.0.2.1", "uNAME" */
static struct fw_slice subject_of(const struct database_response *response, char ret_text[SUBJECT])
{
	if (response->address.family != 0) {
		ret_text[0] = 'a';
		return slice(ret_text, 1 + addr_format(&response->address, ret_text + 1));
	}
	ret_text[0] = 'u';
	memcpy(ret_text + 1, response->user, response->user_size);
	return slice(ret_text, 1 + response->user_size);
}

static bool read_subject(struct fw_slice text, struct database_response *response)
{
	if (text.size < 2)
		return false;
	if (text.data[0] == 'a')
		return addr_parse(slice_from(text, 1), &response->address);
	response->user_size = text.size - 1;
	memcpy(response->user, text.data + 1, response->user_size);
	return text.data[0] == 'u';
}

static bool copy(struct fw_slice text, char *room, size_t size)
{
	if (text.size >= size)
		return false;
	if (text.size != 0)
		memcpy(room, text.data, text.size);
	room[text.size] = '\0';
	return true;
}

static bool read_row(struct database *database, sqlite3_stmt *statement, struct database_response *ret_response)
{
	struct vault_place subject, reason;
	char text[SUBJECT];
	size_t size;

	*ret_response = (struct database_response){ .since_wall_us = (uint64_t)sqlite3_column_int64(statement, 4),
						    .until_wall_us = (uint64_t)sqlite3_column_int64(statement, 5),
						    .dry_run = sqlite3_column_int(statement, 6) != 0,
						    .not_ours = sqlite3_column_int(statement, 7) != 0 };
	if (database_column(statement, 0).size != DATABASE_RESPONSE_ID ||
	    !copy(database_column(statement, 0), ret_response->id, sizeof(ret_response->id)) ||
	    !copy(database_column(statement, 1), ret_response->action, sizeof(ret_response->action)) ||
	    !copy(database_column(statement, 8), ret_response->rule, sizeof(ret_response->rule)) ||
	    !copy(database_column(statement, 9), ret_response->event_id, sizeof(ret_response->event_id)))
		return false;
	subject = place_of("subject", ret_response->id);
	reason = place_of("reason", ret_response->id);
	if (!database_read(database, statement, 2, &subject, text, sizeof(text), &size) ||
	    !read_subject(slice(text, size), ret_response) ||
	    !database_read(database, statement, 3, &reason, ret_response->reason, sizeof(ret_response->reason) - 1,
			   &size))
		return false;
	ret_response->reason[size] = '\0';
	return true;
}

bool database_response_load(struct database *database, struct database_response *ret_responses, unsigned most,
			    unsigned *ret_count, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = database_prepare(
		database, "SELECT id, action, subject, reason, since_us, until_us, dry_run, not_ours, rule, event_id "
			  "FROM responses ORDER BY since_us");
	bool holds = true;
	int step = SQLITE_DONE;

	*ret_count = 0;
	if (statement == NULL)
		return database_fails(database, "cannot read", ret_error);
	while (holds && (step = sqlite3_step(statement)) == SQLITE_ROW)
		holds = *ret_count < most && read_row(database, statement, &ret_responses[(*ret_count)++]);
	sqlite3_finalize(statement);
	if (!holds)
		memcpy(ret_error, unreadable, sizeof(unreadable));
	else if (step != SQLITE_DONE)
		return database_fails(database, "cannot read", ret_error);
	return holds;
}

static bool put(struct database *database, const struct database_response *response, char ret_error[DATABASE_ERROR])
{
	struct vault_place subject = place_of("subject", response->id), reason = place_of("reason", response->id);
	sqlite3_stmt *statement = database_prepare(
		database, "INSERT OR REPLACE INTO responses (id, action, subject, reason, since_us, until_us, dry_run, "
			  "not_ours, rule, event_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
	char text[SUBJECT];

	if (statement == NULL)
		return database_fails(database, "cannot write", ret_error);
	sqlite3_bind_text(statement, 1, response->id, DATABASE_RESPONSE_ID, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, response->action, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 5, (sqlite3_int64)response->since_wall_us);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)response->until_wall_us);
	sqlite3_bind_int(statement, 7, response->dry_run);
	sqlite3_bind_int(statement, 8, response->not_ours);
	sqlite3_bind_text(statement, 9, response->rule, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 10, response->event_id, -1, SQLITE_STATIC);
	return database_write(database, statement,
			      database_bind(database, statement, 3, &subject, subject_of(response, text)) &&
				      database_bind(database, statement, 4, &reason, slice_text(response->reason)),
			      ret_error);
}

bool database_response_put(struct database *database, const struct database_response *response,
			   char ret_error[DATABASE_ERROR])
{
	return database_begin(database, ret_error) &&
	       database_end(database, put(database, response, ret_error), ret_error);
}

bool database_response_remove(struct database *database, const char *id, char ret_error[DATABASE_ERROR])
{
	sqlite3_stmt *statement = database_prepare(database, "DELETE FROM responses WHERE id = ?1");

	if (statement != NULL)
		sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
	return database_finish(statement) || database_fails(database, "cannot write", ret_error);
}
