/* output.c: frames and octets that wait for a peer. */
#include "base/mem.h"
#include "base/slice.h"
#include "engine/conn_state.h"

enum { MOST_TO_FOLLOW = 16384 };

static struct buf *out_of(struct fw_conn *conn, enum fw_side side)
{
	if (side == FW_CLIENT)
		return &conn->out;
	return conn->upstream != NULL ? &conn->upstream->out : NULL;
}

size_t output_waiting(const struct fw_conn *conn, enum fw_side side)
{
	if (side == FW_CLIENT)
		return buf_size(&conn->out);
	return conn->upstream != NULL ? buf_size(&conn->upstream->out) : 0;
}

/* What came from the other side behind the message that goes out now. Most of it will follow, so the first of a burst
 * makes room for all, and none is moved from buffer to buffer as the output grows. */
static size_t to_follow(const struct fw_conn *conn, enum fw_side side)
{
	size_t size = side == FW_UPSTREAM ? conn->input_size : conn->upstream != NULL ? conn->upstream->input_size : 0;

	return size < MOST_TO_FOLLOW ? size : MOST_TO_FOLLOW;
}

static uint8_t *reserve(struct fw_conn *conn, enum fw_side side, size_t size)
{
	struct pool *pool = &conn->engine->pool;
	struct buf *out = out_of(conn, side);
	uint8_t *room = NULL;

	if (out != NULL) {
		room = buf_reserve(out, pool, out->base == NULL ? size + to_follow(conn, side) : size);
		if (room == NULL && out->base == NULL)
			room = buf_reserve(out, pool, size);
	}
	if (room == NULL) {
		conn->broken = true;
		return NULL;
	}
	if (conn->stall_ns[side] == 0)
		conn->stall_ns[side] = conn->engine->now.monotonic_ns;
	return room;
}

int output_raw(struct fw_conn *conn, enum fw_side side, struct fw_slice bytes)
{
	uint8_t *room = reserve(conn, side, bytes.size);

	if (room == NULL)
		return -1;
	if (bytes.size != 0)
		__builtin_memcpy(room, bytes.data, bytes.size);
	buf_added(out_of(conn, side), bytes.size);
	return 0;
}

static int put_frame(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, bool compressed,
		     struct fw_slice payload)
{
	bool masked = side == FW_UPSTREAM; /* RFC 6455 5.1: a client masks, a server does not */
	uint8_t mask[4];
	size_t size, header;
	uint8_t *room;

	if (!size_add(payload.size, ws_header_size(payload.size, masked), &size)) {
		conn->broken = true;
		return -1;
	}
	room = reserve(conn, side, size);
	if (room == NULL)
		return -1;
	if (masked) {
		/* RFC 6455 10.3: a fresh, unpredictable mask each frame. */
		engine_random(conn->engine, mask, sizeof(mask));
		header = ws_write_header(room, opcode, true, payload.size, mask);
		ws_mask(room + header, payload.data, payload.size, mask);
	} else {
		header = ws_write_header(room, opcode, true, payload.size, NULL);
		if (payload.size != 0)
			__builtin_memcpy(room + header, payload.data, payload.size);
	}
	if (compressed)
		ws_mark_compressed(room);
	buf_added(out_of(conn, side), size);
	return 0;
}

int output_frame(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload)
{
	return put_frame(conn, side, opcode, false, payload);
}

int output_compressed(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload)
{
	return put_frame(conn, side, opcode, true, payload);
}

struct fw_slice fw_conn_output(struct fw_conn *conn, enum fw_side side)
{
	struct buf *out = out_of(conn, side);

	return out != NULL && buf_size(out) != 0 ? slice(buf_data(out), buf_size(out)) : slice(NULL, 0);
}

void fw_conn_sent(struct fw_conn *conn, enum fw_side side, size_t size)
{
	struct buf *out = out_of(conn, side);

	if (out == NULL || size == 0)
		return;
	buf_consume(out, &conn->engine->pool, size <= buf_size(out) ? size : buf_size(out));
	conn->stall_ns[side] = buf_size(out) != 0 || conn->held[side] ? conn->engine->now.monotonic_ns : 0;
	if (side == FW_CLIENT && conn->pong_due)
		traffic_pong(conn);
}

void fw_conn_held(struct fw_conn *conn, enum fw_side side, bool held)
{
	conn->held[side] = held;
	conn->stall_ns[side] = held || output_waiting(conn, side) != 0 ? conn->engine->now.monotonic_ns : 0;
}
