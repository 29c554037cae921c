#include "codec/ws.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

enum {
	FIN = 0x80,
	RESERVED_BITS = 0x70,
	COMPRESSED = 0x40, /* RFC 7692 6: RSV1 */
	OPCODE = 0x0f,
	CONTROL = 0x08, /* RFC 6455 5.5: the opcodes of control frames have this bit */
	MASKED = 0x80,
	SIZE = 0x7f,
	SIZE_16 = 126,
	SIZE_64 = 127,
	CONTROL_LIMIT = 125,
	NO_CODE = 1005, /* RFC 6455 7.1.5: what a close frame without a code means */
	GROW_LIMIT = POOL_SMALLEST << (POOL_CLASSES - 1)
};

struct rule {
	uint16_t code; /* close code, RFC 6455 7.4.1 */
	const char *text;
};

static const struct rule reserved_bit = { 1002, "RFC 6455 5.2: a reserved bit is set and no extension uses it" };
static const struct rule not_compressible = {
	1002, "RFC 7692 6.1: RSV1 is set on a frame that does not begin a data message"
};
static const struct rule reserved_opcode = { 1002, "RFC 6455 5.2: the opcode is reserved" };
static const struct rule longer_form = { 1002, "RFC 6455 5.2: the payload length is not in its shortest form" };
static const struct rule top_bit = { 1002, "RFC 6455 5.2: the top bit of the payload length is set" };
static const struct rule not_masked = { 1002, "RFC 6455 5.1: a frame of a client must be masked" };
static const struct rule is_masked = { 1002, "RFC 6455 5.1: a frame of a server must not be masked" };
static const struct rule control_fragment = { 1002, "RFC 6455 5.5: a control frame must not be fragmented" };
static const struct rule control_large = { 1002, "RFC 6455 5.5: a control frame holds at most 125 octets" };
static const struct rule no_message = { 1002, "RFC 6455 5.4: a continuation frame without a message to continue" };
static const struct rule in_message = { 1002, "RFC 6455 5.4: a new message inside a fragmented message" };
static const struct rule close_short = { 1002,
					 "RFC 6455 5.5.1: a close frame with a body begins with a code of 2 octets" };
static const struct rule close_code = { 1002, "RFC 6455 7.4: the close code must not be sent" };
static const struct rule close_text = { 1007, "RFC 6455 5.5.1: the reason of a close frame is not valid UTF-8" };
static const struct rule text_invalid = { 1007, "RFC 6455 8.1: a text message is not valid UTF-8" };
static const struct rule too_large = { 1009, "RFC 6455 10.4: the message is larger than the limit" };
static const struct rule many_fragments = { 1008, "RFC 6455 10.4: the message has more fragments than the limit" };
static const struct rule no_memory = { 1011, "RFC 6455 7.4.1: no memory for the message" };

void ws_reader_init(struct ws_reader *reader, enum ws_role role)
{
	memset(reader, 0, sizeof(*reader));
	reader->role = (uint8_t)role;
}

static void forget_control(struct ws_reader *reader, struct pool *pool)
{
	pool_give(pool, reader->control, POOL_SMALLEST);
	reader->control = NULL;
}

void ws_reader_fini(struct ws_reader *reader, struct pool *pool)
{
	buf_clear(&reader->assembly, pool);
	forget_control(reader, pool);
	reader->message = 0;
}

void ws_reader_release(struct ws_reader *reader, struct pool *pool)
{
	if (reader->message == 0 && reader->assembly.base != NULL)
		buf_clear(&reader->assembly, pool);
}

uint64_t ws_compressed_bound(uint64_t max)
{
	/* Octets that do not compress take an eighth more where an encoder knows nothing but the fixed code, and a few
	 * for the headers of blocks. */
	uint64_t more = (max >> 3) + 64;

	return max <= UINT64_MAX - more ? max + more : UINT64_MAX;
}

bool ws_reader_idle(const struct ws_reader *reader)
{
	return !reader->in_frame && reader->header_size == 0 && reader->message == 0 && reader->assembly.base == NULL;
}

/* The three checks of a header go by the order of its octets, each as soon as its octets are there: a header in
 * pieces fails with the same rule as a whole one. */
static const struct rule *check_first(const struct ws_reader *reader, const struct ws_limits *limits, uint8_t octet)
{
	uint8_t opcode = octet & OPCODE;

	if ((octet & RESERVED_BITS) != 0) {
		if (!reader->deflate || (octet & RESERVED_BITS) != COMPRESSED)
			return &reserved_bit;
		if (opcode != WS_TEXT && opcode != WS_BINARY)
			return &not_compressible;
	}
	if ((opcode & CONTROL) != 0) {
		if (opcode > WS_PONG)
			return &reserved_opcode;
		return (octet & FIN) != 0 ? NULL : &control_fragment;
	}
	if (opcode > WS_BINARY)
		return &reserved_opcode;
	if (opcode == WS_CONTINUATION && reader->message == 0)
		return &no_message;
	if (opcode != WS_CONTINUATION && reader->message != 0)
		return &in_message;
	if (limits->max_fragments != 0 && reader->fragments >= limits->max_fragments)
		return &many_fragments;
	return NULL;
}

static const struct rule *check_second(const struct ws_reader *reader, const uint8_t *header)
{
	if (((header[1] & MASKED) != 0) != (reader->role == WS_SERVER))
		return reader->role == WS_SERVER ? &not_masked : &is_masked;
	if ((header[0] & CONTROL) != 0 && (header[1] & SIZE) > CONTROL_LIMIT)
		return &control_large;
	return NULL;
}

static const struct rule *check_length(const struct ws_reader *reader, const struct ws_limits *limits,
				       const uint8_t *header, uint64_t length)
{
	uint8_t form = header[1] & SIZE;
	size_t assembled = buf_size(&reader->assembly);
	uint64_t most = limits->max_message;

	if (form == SIZE_64 && (length >> 63) != 0)
		return &top_bit;
	if ((form == SIZE_16 && length < SIZE_16) || (form == SIZE_64 && length <= UINT16_MAX))
		return &longer_form;
	if ((header[0] & CONTROL) != 0)
		return NULL;
	if ((header[0] & COMPRESSED) != 0 || (reader->compressed && (header[0] & OPCODE) == WS_CONTINUATION))
		most = ws_compressed_bound(most);
	/* By the header alone: no octet of a payload is read or kept that would be refused. */
	if (assembled > most || length > most - assembled)
		return &too_large;
	return NULL;
}

static inline size_t length_octets(uint8_t second)
{
	uint8_t form = second & SIZE;

	return form == SIZE_64 ? 8 : form == SIZE_16 ? 2 : 0;
}

static inline uint64_t length_of(const uint8_t *header)
{
	uint64_t length;

	if ((header[1] & SIZE) == SIZE_16)
		return (uint64_t)header[2] << 8 | header[3];
	if ((header[1] & SIZE) != SIZE_64)
		return header[1] & SIZE;
	length = 0;
	for (unsigned i = 2; i < 10; i++)
		length = length << 8 | header[i];
	return length;
}

/* What is known of a header of which have octets are there. */
struct header {
	size_t size;	 /* its octets, or 2 while that is not known */
	uint64_t length; /* of the payload */
};

static inline const struct rule *check_header(const struct ws_reader *reader, const struct ws_limits *limits,
					      const uint8_t *octets, size_t have, struct header *ret_header)
{
	const struct rule *rule;

	*ret_header = (struct header){ 2, 0 };
	if (have == 0)
		return NULL;
	rule = check_first(reader, limits, octets[0]);
	if (rule != NULL || have < 2)
		return rule;
	rule = check_second(reader, octets);
	ret_header->size = 2 + length_octets(octets[1]) + ((octets[1] & MASKED) != 0 ? 4 : 0);
	if (rule != NULL || have < 2 + length_octets(octets[1]))
		return rule;
	ret_header->length = length_of(octets);
	return check_length(reader, limits, octets, ret_header->length);
}

static inline void begin_frame(struct ws_reader *reader, const uint8_t *octets, const struct header *header)
{
	reader->opcode = octets[0] & OPCODE;
	reader->fin = octets[0] >> 7;
	if ((octets[1] & MASKED) != 0)
		memcpy(reader->mask, octets + header->size - 4, 4);
	reader->frame_left = header->length;
	reader->mask_at = reader->frame_begun = 0;
	reader->header_size = 0;
	reader->in_frame = 1;
	if ((reader->opcode & CONTROL) != 0) {
		reader->control_size = 0;
		return;
	}
	if (reader->opcode != WS_CONTINUATION) {
		reader->message = reader->opcode;
		reader->compressed = (octets[0] & COMPRESSED) != 0;
	}
	if (reader->fragments != UINT32_MAX)
		reader->fragments++;
}

static inline void consume(uint8_t **bytes, size_t *size, size_t count)
{
	*bytes += count;
	*size -= count;
}

/* Reads a header, which may lie in pieces. in_frame says whether it is complete. */
static const struct rule *read_header(struct ws_reader *reader, const struct ws_limits *limits, uint8_t **bytes,
				      size_t *size, struct header *ret_header)
{
	const struct rule *rule;

	if (reader->header_size == 0) {
		rule = check_header(reader, limits, *bytes, *size, ret_header);
		if (rule != NULL)
			return rule;
		if (*size >= ret_header->size) {
			begin_frame(reader, *bytes, ret_header);
			consume(bytes, size, ret_header->size);
			return NULL;
		}
	}
	do {
		size_t part;

		rule = check_header(reader, limits, reader->header, reader->header_size, ret_header);
		if (rule != NULL)
			return rule;
		part = ret_header->size - reader->header_size;
		if (part == 0) {
			begin_frame(reader, reader->header, ret_header);
			return NULL;
		}
		if (part > *size)
			part = *size;
		if (part == 0)
			return NULL;
		memcpy(reader->header + reader->header_size, *bytes, part);
		reader->header_size = (uint8_t)(reader->header_size + part);
		consume(bytes, size, part);
	} while (true);
}

static void unmask(const struct ws_reader *reader, uint8_t *out, const uint8_t *in, size_t size)
{
	unsigned phase = reader->mask_at;
	uint8_t mask[4];

	if (reader->role == WS_SERVER) {
		for (unsigned i = 0; i < 4; i++)
			mask[i] = reader->mask[(i + phase) & 3];
		ws_mask(out, in, size, mask);
	} else if (out != in && size != 0) {
		memcpy(out, in, size);
	}
}

/* Room for what has arrived: it grows by powers of two, and above the pool's sizes by half, never beyond the limit of
 * a message. What a header claims is not believed. */
static uint8_t *assembly_room(struct buf *assembly, struct pool *pool, uint64_t max_message, size_t size)
{
	size_t used = buf_size(assembly), need, more, room;
	uint8_t *base;

	if (size <= assembly->capacity - assembly->end)
		return assembly->base + assembly->end;
	if (!size_add(used, size, &need))
		return NULL;
	if (need > GROW_LIMIT && size_add(need, need / 2, &more))
		need = more <= max_message ? more : need > max_message ? need : (size_t)max_message;
	base = need <= BUF_LARGEST ? pool_take(pool, need, &room) : NULL;
	if (base == NULL)
		return NULL;
	if (used != 0)
		memcpy(base, buf_data(assembly), used);
	pool_give(pool, assembly->base, assembly->capacity);
	*assembly = buf_of(base, room, used);
	return base + used;
}

/* Takes what is there of a data frame's payload. */
static const struct rule *read_piece(struct ws_reader *reader, const struct ws_limits *limits, struct pool *pool,
				     const uint8_t *bytes, size_t size)
{
	uint8_t *room;

	if (size == 0)
		return NULL;
	room = assembly_room(&reader->assembly, pool,
			     reader->compressed ? ws_compressed_bound(limits->max_message) : limits->max_message, size);
	if (room == NULL)
		return &no_memory;
	unmask(reader, room, bytes, size);
	buf_added(&reader->assembly, size);
	/* RFC 6455 8.1: fails at the octet that is wrong, not at the end of the frame or of the message. */
	if (reader->message == WS_TEXT && !reader->compressed && utf8_check(&reader->utf8, room, size) != size)
		return &text_invalid;
	return NULL;
}

static const struct rule *give_close(struct ws_item *item)
{
	item->code = NO_CODE;
	if (item->size == 0)
		return NULL;
	if (item->size == 1)
		return &close_short;
	item->code = (uint16_t)(item->payload[0] << 8 | item->payload[1]);
	item->payload += 2;
	item->size -= 2;
	if (!ws_close_code_valid(item->code))
		return &close_code;
	return utf8_valid(item->payload, item->size) ? NULL : &close_text;
}

static inline bool zero_mask(const struct ws_reader *reader)
{
	static const uint8_t zero[4];

	return reader->role == WS_SERVER && memcmp(reader->mask, zero, sizeof(zero)) == 0;
}

static const struct rule *give_control(struct ws_reader *reader, uint8_t *payload, size_t size, struct ws_item *item)
{
	reader->in_frame = 0;
	*item = (struct ws_item){
		.opcode = reader->opcode, .zero_mask = zero_mask(reader), .payload = payload, .size = size
	};
	return item->opcode == WS_CLOSE ? give_close(item) : NULL;
}

static inline const struct rule *give_message(struct ws_reader *reader, uint8_t *payload, size_t size,
					      struct ws_item *item)
{
	*item = (struct ws_item){
		.opcode = reader->message,
		.zero_mask = zero_mask(reader),
		.compressed = reader->compressed,
		.fragments = reader->fragments,
		.payload = payload,
		.size = size,
	};
	/* utf8 is at its start again, or the message fails. */
	reader->in_frame = 0;
	reader->message = 0;
	reader->fragments = 0;
	/* RFC 6455 8.1: a code point that its octets do not complete. */
	return item->opcode == WS_TEXT && reader->utf8.due != 0 ? &text_invalid : NULL;
}

/* A whole frame that is a control frame or a message of its own is given where it lies. */
static const struct rule *take_whole(struct ws_reader *reader, uint8_t **bytes, size_t *size, struct ws_item *item)
{
	uint8_t *payload = *bytes;
	size_t length = (size_t)reader->frame_left;

	unmask(reader, payload, payload, length);
	consume(bytes, size, length);
	reader->frame_left = 0;
	if ((reader->opcode & CONTROL) != 0)
		return give_control(reader, payload, length, item);
	if (reader->message == WS_TEXT && !reader->compressed && utf8_check(&reader->utf8, payload, length) != length)
		return &text_invalid;
	return give_message(reader, payload, length, item);
}

static const struct rule *take_part(struct ws_reader *reader, const struct ws_limits *limits, struct pool *pool,
				    uint8_t **bytes, size_t *size)
{
	size_t part = reader->frame_left < *size ? (size_t)reader->frame_left : *size;
	const struct rule *rule = NULL;
	size_t room;

	if ((reader->opcode & CONTROL) != 0) {
		if (reader->control == NULL)
			reader->control = pool_take(pool, LIMIT_CONTROL_PAYLOAD, &room);
		if (reader->control == NULL)
			return &no_memory;
		unmask(reader, reader->control + reader->control_size, *bytes, part);
		reader->control_size = (uint8_t)(reader->control_size + part);
	} else {
		rule = read_piece(reader, limits, pool, *bytes, part);
	}
	consume(bytes, size, part);
	reader->frame_left -= part;
	reader->mask_at = (uint8_t)((reader->mask_at + part) & 3);
	reader->frame_begun |= part != 0;
	return rule;
}

static enum ws_step fail(struct ws_reader *reader, struct pool *pool, const struct rule *rule, uint64_t length,
			 uint8_t **bytes, size_t *size, struct ws_item *ret_item)
{
	*ret_item = (struct ws_item){ .code = rule->code, .rule = rule->text };
	if (rule == &too_large && __builtin_add_overflow(length, buf_size(&reader->assembly), &ret_item->declared))
		ret_item->declared = UINT64_MAX;
	buf_clear(&reader->assembly, pool);
	forget_control(reader, pool);
	reader->failed = 1;
	consume(bytes, size, *size);
	return WS_FAIL;
}

/* Reads the payload of the current frame as far as it is there; item has an opcode when something is complete. */
static const struct rule *read_payload(struct ws_reader *reader, const struct ws_limits *limits, struct pool *pool,
				       uint8_t **bytes, size_t *size, struct ws_item *item)
{
	bool control = (reader->opcode & CONTROL) != 0;
	bool alone = control || (reader->opcode != WS_CONTINUATION && reader->fin);
	struct buf *assembly = &reader->assembly;
	const struct rule *rule;

	if (alone && !reader->frame_begun && reader->frame_left <= *size)
		return take_whole(reader, bytes, size, item);
	rule = take_part(reader, limits, pool, bytes, size);
	if (rule != NULL || reader->frame_left != 0)
		return rule;
	if (control)
		return give_control(reader, reader->control, reader->control_size, item);
	if (reader->fin)
		return give_message(reader, assembly->base != NULL ? buf_data(assembly) : reader->header,
				    buf_size(assembly), item);
	reader->in_frame = 0;
	return NULL;
}

enum ws_step ws_reader_next(struct ws_reader *reader, const struct ws_limits *limits, struct pool *pool,
			    uint8_t **bytes, size_t *size, struct ws_item *ret_item)
{
	struct header header = { 0 };
	const struct rule *rule = NULL;

	*ret_item = (struct ws_item){ 0 };
	/* What was given by the call before is over. */
	if (!reader->in_frame && reader->control != NULL)
		forget_control(reader, pool);
	ws_reader_release(reader, pool);
	if (reader->failed) {
		consume(bytes, size, *size);
		return WS_MORE;
	}
	for (;;) {
		if (!reader->in_frame) {
			rule = read_header(reader, limits, bytes, size, &header);
			if (rule == NULL && !reader->in_frame)
				return WS_MORE;
		}
		if (rule == NULL)
			rule = read_payload(reader, limits, pool, bytes, size, ret_item);
		if (rule != NULL)
			return fail(reader, pool, rule, header.length, bytes, size, ret_item);
		if (ret_item->opcode != 0)
			return (ret_item->opcode & CONTROL) != 0 ? WS_CONTROL : WS_MESSAGE;
		if (reader->in_frame)
			return WS_MORE;
	}
}
