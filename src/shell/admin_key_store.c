/* /api/v1/key-store: which keys the database is sealed with, and another one. A key itself is never shown. */
#include <stdio.h>

#include "base/encode.h"
#include "shell/admin_parts.h"

static void write_key(struct json_writer *w, const struct database_key *key)
{
	char when[ENCODE_RFC3339];

	encode_rfc3339(key->made_wall_us, when);
	json_write_open(w, '{');
	json_write_key(w, "id");
	json_write_integer(w, key->id);
	json_write_key(w, "source");
	json_write_string(w, key->is_passphrase ? "passphrase" : "key");
	json_write_key(w, "first_used_at");
	json_write_text(w, slice(when, sizeof(when)));
	json_write_key(w, "current");
	json_write_boolean(w, key->current);
	json_write_key(w, "values_sealed"); /* of 4,294,967,296 that it may */
	json_write_integer(w, (int64_t)key->used);
	json_write_close(w, '}');
}

static void answer(struct admin_conn *conn, unsigned status)
{
	struct keeper *keeper = conn->admin->keeper;
	struct database_key keys[DATABASE_KEYS];
	char failed[DATABASE_ERROR], detail[DATABASE_ERROR + 32];
	struct json_writer w;
	unsigned count;
	uint64_t stale;

	if (!database_keys(keeper->database, keys, &count, &stale, failed)) {
		snprintf(detail, sizeof(detail), "framewall.db: %s", failed);
		admin_answer_problem(conn, 500, detail, "");
		return;
	}
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	json_write_key(&w, "algorithm");
	json_write_string(&w, "AES-256-GCM");
	json_write_key(&w, "keys");
	json_write_open(&w, '[');
	for (unsigned i = 0; i < count; i++)
		write_key(&w, &keys[i]);
	json_write_close(&w, ']');
	json_write_key(&w, "values_of_old_keys");
	json_write_integer(&w, (int64_t)stale);
	json_write_key(&w, "rotating");
	json_write_boolean(&w, count > 1 && !keeper->reseal_failed);
	json_write_close(&w, '}');
	admin_answer_written(conn, status, &w);
}

void admin_key_store_show(struct admin_conn *conn)
{
	answer(conn, 200);
}

/* Which key values are sealed with from then on. */
static void record_state(struct admin_conn *conn, enum admin_when state)
{
	struct json_writer w = admin_record_state(conn->admin, state);
	struct database_key keys[DATABASE_KEYS];
	char failed[DATABASE_ERROR];
	unsigned count;
	uint64_t stale;

	if (!database_keys(conn->admin->keeper->database, keys, &count, &stale, failed))
		return;
	json_write_open(&w, '{');
	for (unsigned i = 0; i < count; i++)
		if (keys[i].current)
			admin_text_write_number(&w, "key", keys[i].id);
	json_write_close(&w, '}');
}

void admin_key_store_rotate(struct admin_conn *conn)
{
	struct fw_record record;
	unsigned status;
	const char *failed;

	record_state(conn, ADMIN_BEFORE);
	failed = keeper_vault_rotate(conn->admin->keeper, &status);

	if (failed != NULL) {
		admin_answer_problem(conn, status, failed, "");
		return;
	}
	admin_record_init(&record, conn, EVENT_admin_action, "key-store rotate");
	record_state(conn, ADMIN_AFTER);
	admin_record_change(conn->admin, &record);
	answer(conn, 202);
}
