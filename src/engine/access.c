/* access.c: data access records (row 101): direction, type, counts and bytes, never content.
 * summary: one record a connection, type and second; each: one a message. */
#include "base/mem.h"
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
	struct access *access = conn->access;

	if (access == NULL)
		return;
	conn->access = NULL;
	for (unsigned i = 0; i < access->used; i++)
		write_record(conn, &access->slots[i]);
	mem_free(access);
}

/* Where the next access is counted. NULL: memory is short. */
static struct access *begin(struct fw_conn *conn)
{
	struct access *access = conn->access;

	if (access != NULL && (access->used == ACCESS_SLOTS || conn->engine->now.monotonic_ns >= access->until_ns))
		access_flush(conn);
	if (conn->access != NULL)
		return conn->access;
	conn->access = mem_alloc(sizeof(*access));
	if (conn->access == NULL)
		return NULL;
	conn->access->used = 0;
	conn->access->until_ns = conn->engine->now.monotonic_ns + SECOND_NS;
	return conn->access;
}

static bool add(struct fw_conn *conn, const struct access_slot *one)
{
	struct access *access = conn->access;
	struct access_slot *slot;

	if (access == NULL || conn->engine->now.monotonic_ns >= access->until_ns)
		return false;
	for (slot = access->slots; slot < access->slots + access->used; slot++) {
		if (slot->type != one->type || slot->outbound != one->outbound)
			continue;
		slot->count++;
		slot->bytes += one->bytes;
		return true;
	}
	return false;
}

void access_note(struct fw_conn *conn, bool outbound, uint16_t type, size_t bytes)
{
	struct access_slot one = { type, outbound, 1, bytes };
	struct access *access;

	if (conn->policy->settings.data_access == 1) {
		write_record(conn, &one);
		return;
	}
	if (add(conn, &one))
		return;
	access = begin(conn);
	if (access != NULL)
		access->slots[access->used++] = one;
	else
		write_record(conn, &one); /* what cannot be summed up is written down at once */
}
