/* access.c: data access records (row 101): direction, type, counts and bytes, never content.
 * summary: one record a connection, type and second; each: one a message. */
#include "base/slice.h"
#include "engine/conn_state.h"

#include <string.h>

static void write_record(struct fw_conn *conn, const struct access_slot *slot)
{
	struct event_node *node = event_record(conn, slot->outbound ? EVENT_data_access : EVENT_data_modification);
	const struct fw_policy *policy = conn->policy;

	event_text(node, "direction", slot->outbound ? "out" : "in");
	if (slot->type == FW_TYPE_OPAQUE)
		event_text(node, "type", "");
	else if (slot->outbound)
		event_text(node, "type", policy->outbound[slot->type].name);
	else
		event_text(node, "type", policy->messages[slot->type].name);
	event_number(node, "count", slot->count);
	event_number(node, "bytes", (int64_t)slot->bytes);
}

void access_flush(struct fw_conn *conn)
{
	for (unsigned i = 0; i < conn->access_used; i++)
		write_record(conn, &conn->access[i]);
	conn->access_used = 0;
	conn->access_until_ns = UINT64_MAX;
}

void access_note(struct fw_conn *conn, bool outbound, uint16_t type, size_t bytes)
{
	struct access_slot *slot = conn->access, *end = conn->access + conn->access_used;

	if (conn->access_used != 0 && conn->engine->now.monotonic_ns >= conn->access_until_ns) {
		access_flush(conn);
		end = conn->access;
	}
	for (; slot < end; slot++) {
		if (slot->type == type && slot->outbound == outbound) {
			slot->count++;
			slot->bytes += bytes;
			return;
		}
	}
	if (conn->access_used == ACCESS_SLOTS)
		access_flush(conn);
	if (conn->access_used == 0)
		conn->access_until_ns = conn->engine->now.monotonic_ns + SECOND_NS;
	conn->access[conn->access_used++] = (struct access_slot){ type, outbound, 1, bytes };
	if (conn->policy->settings.data_access == 1)
		access_flush(conn);
}
