/* The way of a connection for who reads the log: what happened, to which connection, never what was sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/slice.h"
#include "shell/conn_io.h"

static uint64_t id_of(const struct connection *connection)
{
	return connection->conn != NULL ? fw_conn_principal(connection->conn).connection_id : 0;
}

void conn_io_tell(const struct connection *connection, enum log_module module, enum log_level level, const char *what,
		  const char *more)
{
	char address[ADDR_TEXT];

	if (!log_says(connection->worker->options->log, module, level))
		return;
	addr_format(&connection->peer, address);
	log_write(connection->worker->options->log, module, level, "connection %" PRIu64 " from %s: %s%s%s",
		  id_of(connection), address, what, more != NULL ? " " : "", more != NULL ? more : "");
}

/* Details that say what was decided and why. What a client sent besides its path stays in the record. */
static bool is_told(const char *key)
{
	static const char *const keys[] = { "cause", "status", "code",	 "reason", "method", "place",
					    "role",  "path",   "stage",	 "rule",   "mode",   "would",
					    "proxy", "tls",    "cipher", "type",   "count" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static size_t add(char *text, size_t size, size_t room, const struct fw_detail *detail)
{
	int more;

	if (detail->kind == FW_DETAIL_TEXT)
		more = snprintf(text + size, room - size, " %s=%.*s", detail->key, (int)detail->text.size,
				(const char *)detail->text.data);
	else
		more = snprintf(text + size, room - size, " %s=%" PRId64, detail->key, detail->number);
	if (more < 0)
		return size;
	return size + (size_t)more < room ? size + (size_t)more : room - 1;
}

void conn_io_tell_record(const struct connection *connection, const struct fw_record *record)
{
	enum log_level level = record->level == FW_LEVEL_INFO ? LOG_LEVEL_TRACE : LOG_LEVEL_DEBUG;
	char text[384] = "";
	size_t size = 0;

	if (!log_says(connection->worker->options->log, LOG_connection, level))
		return;
	if (record->user_id.size != 0)
		size = add(text, size, sizeof(text),
			   &(struct fw_detail){ .key = "user", .kind = FW_DETAIL_TEXT, .text = record->user_id });
	for (unsigned i = 0; i < record->detail_count; i++)
		if (is_told(record->details[i].key))
			size = add(text, size, sizeof(text), &record->details[i]);
	conn_io_tell(connection, LOG_connection, level, fw_event_name(record->type), size != 0 ? text + 1 : NULL);
}
