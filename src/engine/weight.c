#include "engine/weight.h"

#include "engine/conn_state.h"

static size_t reader_bytes(const struct ws_reader *reader)
{
	return reader->assembly.capacity + (reader->control != NULL ? LIMIT_CONTROL_PAYLOAD : 0);
}

struct weight weight_of(const struct fw_conn *conn)
{
	struct weight weight = {
		.bytes = (size_t)conn->head.capacity + conn->pending.capacity + conn->out.capacity +
			 reader_bytes(&conn->reader),
		.quiet_ns = conn->last_message_ns != 0 ? conn->last_message_ns : conn->last_input_ns,
		.logged_in = conn->principal != NULL,
		.ending = conn->phase >= PHASE_CLOSING,
	};

	if (conn->upstream != NULL)
		weight.bytes += (size_t)conn->upstream->pending.capacity + conn->upstream->out.capacity +
				reader_bytes(&conn->upstream->reader);
	return weight;
}
