/* compression.c: permessage-deflate (RFC 7692) with the client and with the upstream, each negotiated for itself. Every
 * message is judged plain and compressed anew for where it goes: no context is kept from one to the next, so that one
 * compressor of the engine serves all its connections. */
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/extensions.h"
#include "engine/conn_state.h"

static void put(struct fw_conn *conn, enum fw_side side, struct fw_slice value)
{
	output_raw(conn, side, slice_text("Sec-WebSocket-Extensions: "));
	output_raw(conn, side, value);
	output_raw(conn, side, slice_text("\r\n"));
}

void compression_answer(struct fw_conn *conn, const struct http1_head *request)
{
	struct extensions_deflate offer;
	char text[EXTENSIONS_TEXT];

	if (conn->policy->settings.compression == COMPRESSION_OFF ||
	    extensions_offered(request, &offer) != EXTENSIONS_DEFLATE)
		return;
	conn->reader.deflate = true;
	conn->window_bits = offer.server_bits != 0 ? offer.server_bits : EXTENSIONS_BITS_MOST;
	put(conn, FW_CLIENT, slice(text, extensions_write_answer(&offer, text)));
}

void compression_offer(struct fw_conn *conn)
{
	if (conn->policy->settings.compression == COMPRESSION_ON)
		put(conn, FW_UPSTREAM, slice_text(extensions_offer));
}

const char *compression_answered(struct fw_conn *conn, const struct http1_head *response)
{
	struct extensions_deflate answer;
	enum extensions_result result;
	const char *cause = extensions_answered(response, &result, &answer);

	if (conn->policy->settings.compression != COMPRESSION_ON && (cause != NULL || result != EXTENSIONS_NONE))
		return "the upstream chose an extension that was not offered";
	if (cause != NULL || result == EXTENSIONS_NONE)
		return cause;
	conn->upstream->reader.deflate = true;
	conn->upstream->window_bits = answer.client_bits != 0 ? answer.client_bits : EXTENSIONS_BITS_MOST;
	return NULL;
}

unsigned compression_inflate(struct fw_conn *conn, enum fw_side side, struct fw_slice *text, bool binary,
			     const char **reterr_cause)
{
	struct fw_engine *engine = conn->engine;
	struct inflater_limits limits = { traffic_largest(conn, side),
					  (uint64_t)conn->policy->settings.max_inflate_ratio };
	enum inflater_result result;

	buf_clear(&engine->inflated, &engine->pool);
	result = inflater_message(&engine->inflater, &engine->pool, *text, &limits, &engine->inflated);
	ws_reader_release(side == FW_CLIENT ? &conn->reader : &conn->upstream->reader, &engine->pool);
	*text = slice(NULL, 0);
	switch (result) {
	case INFLATER_OK:
		*text = slice(buf_data(&engine->inflated), buf_size(&engine->inflated));
		if (binary || utf8_valid(text->data, text->size))
			return CLOSE_NORMAL;
		*reterr_cause = "RFC 6455 8.1: a text message is not valid UTF-8";
		return CLOSE_UTF8;
	case INFLATER_TOO_LARGE:
		*reterr_cause = "RFC 7692 8: the message is larger than the limit once it is inflated";
		return CLOSE_TOO_BIG;
	case INFLATER_RATIO:
		*reterr_cause = "RFC 7692 8: the message inflates to too many times its size";
		return CLOSE_TOO_BIG;
	case INFLATER_CORRUPT:
		*reterr_cause = "RFC 7692 7.2.2: the payload of a compressed message is not whole DEFLATE data";
		return CLOSE_DEFLATE;
	default:
		*reterr_cause = "memory";
		return CLOSE_FAULT;
	}
}

void compression_release(struct fw_engine *engine)
{
	if (engine->inflated.base != NULL)
		buf_clear(&engine->inflated, &engine->pool);
}

int compression_send(struct fw_conn *conn, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload)
{
	unsigned bits = side == FW_CLIENT ? conn->window_bits : conn->upstream->window_bits;
	struct pool *pool = &conn->engine->pool;
	struct buf compressed = { 0 };
	size_t room, size = 0;
	uint8_t *octets;
	int status;

	if (bits == 0 || payload.size < LIMIT_DEFLATE_LEAST)
		return output_frame(conn, side, opcode, payload);
	/* Without the memory for it the message goes as it is. */
	octets = size_add(payload.size, DEFLATER_TAIL, &room) ? buf_reserve(&compressed, pool, room) : NULL;
	if (octets != NULL)
		size = deflater_message(&conn->engine->deflater, bits, payload, octets, room);
	status = size != 0 ? output_compressed(conn, side, opcode, slice(octets, size))
			   : output_frame(conn, side, opcode, payload);
	buf_clear(&compressed, pool);
	return status;
}
