/* The frame reader on any octets. The last three octets of the input choose role, limits, whether permessage-deflate
 * was negotiated, how the stream is cut and which allocation fails; what stands before them is the stream. Whole and in
 * pieces it must give the same messages and the same failure; no limit is ever passed; without memory it fails with
 * 1011 after a right beginning. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "codec/ws.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

enum { CHOICES = 3, MOST_ITEMS = 4096 };

struct note {
	uint8_t step;
	uint8_t opcode;
	bool zero_mask;
	bool compressed;
	uint16_t code;
	size_t size;
	uint64_t hash;
	uint64_t declared;
	const char *rule;
};

struct outcome {
	struct note notes[MOST_ITEMS];
	size_t count;
	size_t left_out; /* items beyond the notes */
	bool failed;
	bool idle;
};

struct input {
	const uint8_t *bytes;
	size_t size;
	enum ws_role role;
	bool deflate;
	struct ws_limits limits;
};

static void check_failure(const struct ws_item *item, const struct input *input)
{
	const struct ws_limits *limits = &input->limits;

	HOLDS(item->rule != NULL &&
	      (memcmp(item->rule, "RFC 6455 ", 9) == 0 || (input->deflate && memcmp(item->rule, "RFC 7692 ", 9) == 0)));
	HOLDS(item->code == 1002 || item->code == 1007 || item->code == 1008 || item->code == 1009 ||
	      item->code == 1011);
	/* A compressed message may have a few more. */
	HOLDS((item->code == 1009) == (item->declared > limits->max_message));
	HOLDS(item->code != 1008 || limits->max_fragments != 0);
}

static uint64_t most(const struct input *input, bool compressed)
{
	return compressed ? ws_compressed_bound(input->limits.max_message) : input->limits.max_message;
}

static void check_item(const struct input *input, enum ws_step step, const struct ws_item *item)
{
	HOLDS(item->payload != NULL && item->rule == NULL && item->declared == 0);
	HOLDS(!item->zero_mask || input->role == WS_SERVER);
	if (step == WS_MESSAGE) {
		HOLDS(item->opcode == WS_TEXT || item->opcode == WS_BINARY);
		HOLDS(item->size <= most(input, item->compressed) && item->size <= input->size);
		HOLDS(!item->compressed || input->deflate);
		HOLDS(item->opcode == WS_BINARY || item->compressed || utf8_valid(item->payload, item->size));
		return;
	}
	HOLDS(item->opcode == WS_CLOSE || item->opcode == WS_PING || item->opcode == WS_PONG);
	HOLDS(item->size <= (item->opcode == WS_CLOSE ? 123 : 125));
	if (item->opcode == WS_CLOSE) {
		HOLDS(ws_close_code_valid(item->code) || (item->code == 1005 && item->size == 0));
		HOLDS(utf8_valid(item->payload, item->size));
	}
}

static void note(struct outcome *outcome, enum ws_step step, const struct ws_item *item)
{
	const struct hash_key key = { 3, 4 };

	if (outcome->count == MOST_ITEMS) {
		outcome->left_out++;
		return;
	}
	outcome->notes[outcome->count++] = (struct note){ .step = (uint8_t)step,
							  .opcode = item->opcode,
							  .zero_mask = item->zero_mask,
							  .compressed = item->compressed,
							  .code = item->code,
							  .size = item->size,
							  .hash = hash_bytes(&key, item->payload, item->size),
							  .declared = item->declared,
							  .rule = item->rule };
}

/* Feeds one piece, in a block of its own. */
static void feed(struct ws_reader *reader, const struct input *input, struct pool *pool, const uint8_t *piece,
		 size_t size, struct outcome *outcome)
{
	uint8_t *copy = malloc(size != 0 ? size : 1), *bytes = copy;
	size_t left = size;
	struct ws_item item;
	enum ws_step step;

	HOLDS(copy != NULL);
	memcpy(copy, piece, size);
	while ((step = ws_reader_next(reader, &input->limits, pool, &bytes, &left, &item)) != WS_MORE) {
		HOLDS(!outcome->failed && bytes == copy + (size - left));
		note(outcome, step, &item);
		if (step == WS_FAIL) {
			check_failure(&item, input);
			HOLDS(reader->assembly.base == NULL);
			outcome->failed = true;
		} else {
			check_item(input, step, &item);
			memset(item.payload, 0xff, item.size); /* the payload is ours to change */
		}
	}
	HOLDS(left == 0 && bytes == copy + size);
	/* Nothing is allocated for what was only claimed. */
	HOLDS(reader->assembly.capacity <= POOL_SMALLEST || reader->assembly.capacity <= 2 * input->size);
	HOLDS(buf_size(&reader->assembly) <= most(input, reader->compressed));
	free(copy);
}

/* seed 0: whole. Otherwise the pieces are octets, a few octets or any, as the seed has it. */
static void read_input(const struct input *input, uint32_t seed, struct outcome *ret_outcome)
{
	struct ws_reader reader;
	struct pool pool;
	size_t most = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 16 : input->size + 1;

	ret_outcome->count = ret_outcome->left_out = 0;
	ret_outcome->failed = false;
	pool_init(&pool);
	ws_reader_init(&reader, input->role);
	reader.deflate = input->deflate;
	for (size_t at = 0, piece; at < input->size; at += piece) {
		piece = input->size - at;
		if (seed != 0) {
			seed = seed * 1664525 + 1013904223;
			if (1 + (seed >> 8) % most < piece)
				piece = 1 + (seed >> 8) % most;
		}
		feed(&reader, input, &pool, input->bytes + at, piece, ret_outcome);
	}
	ret_outcome->idle = ws_reader_idle(&reader);
	ws_reader_fini(&reader, &pool);
	pool_fini(&pool);
}

static bool same_notes(const struct outcome *a, const struct outcome *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct note *x = &a->notes[i], *y = &b->notes[i];

		if (x->step != y->step || x->opcode != y->opcode || x->zero_mask != y->zero_mask ||
		    x->compressed != y->compressed || x->code != y->code || x->size != y->size || x->hash != y->hash ||
		    x->declared != y->declared || x->rule != y->rule)
			return false;
	}
	return true;
}

static void check_same(const struct outcome *whole, const struct outcome *pieces)
{
	HOLDS(whole->count == pieces->count && whole->left_out == pieces->left_out);
	HOLDS(whole->failed == pieces->failed && (whole->failed || whole->idle == pieces->idle));
	HOLDS(same_notes(whole, pieces, whole->count));
}

/* Walks the frames once more, trusting them: what was given must be what their headers say, within the limits. */
static void check_against_headers(const struct input *input, const struct outcome *outcome)
{
	const uint8_t *bytes = input->bytes;
	uint64_t total = 0, fragments = 0;
	uint8_t message = 0;
	bool compressed = false;
	size_t at = 0;

	for (size_t i = 0; i < outcome->count && outcome->notes[i].step != WS_FAIL;) {
		uint8_t opcode = bytes[at] & 15, form = bytes[at + 1] & 127;
		size_t more = form == 126 ? 2 : form == 127 ? 8 : 0, length = more == 0 ? form : 0;
		bool control = opcode >= 8, final = bytes[at] >= 128;
		size_t frame = at;

		for (size_t k = 0; k < more; k++)
			length = length << 8 | bytes[at + 2 + k];
		at += 2 + more + (input->role == WS_SERVER ? 4 : 0) + length;
		HOLDS(at <= input->size);
		if (!control) {
			compressed = opcode != 0 ? (bytes[frame] & 64) != 0 : compressed;
			message = opcode != 0 ? opcode : message;
			total += length;
			fragments++;
			HOLDS(total <= most(input, compressed));
			HOLDS(input->limits.max_fragments == 0 || fragments <= input->limits.max_fragments);
		}
		if (!final)
			continue;
		HOLDS(outcome->notes[i].opcode == (control ? opcode : message));
		HOLDS(outcome->notes[i].compressed == (!control && compressed));
		HOLDS(outcome->notes[i].size ==
		      (control ? length - (opcode == WS_CLOSE && length != 0 ? 2 : 0) : total));
		if (!control)
			total = fragments = 0;
		i++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ws_limits limits[] = { { 1 << 20, 0 }, { 1 << 20, 3 }, { 40, 0 },
						   { 0, 0 },	   { 300, 5 },	   { UINT64_MAX, 0 } };
	static struct outcome whole, pieces, starved;
	struct input input;
	uint32_t seed;

	if (size < CHOICES)
		return 0;
	input = (struct input){ data, size - CHOICES, (data[size - 3] & 1) != 0 ? WS_CLIENT : WS_SERVER,
				(data[size - 3] & 128) != 0,
				limits[(data[size - 3] >> 1 & 63) % (sizeof(limits) / sizeof(limits[0]))] };
	seed = 1 + (uint32_t)data[size - 2];
	read_input(&input, 0, &whole);
	read_input(&input, seed, &pieces);
	check_same(&whole, &pieces);
	check_against_headers(&input, &whole);

	mem_fail_at(1 + data[size - 1] % 8);
	read_input(&input, seed, &starved);
	mem_fail_at(0);
	if (starved.failed && starved.left_out == 0 && starved.notes[starved.count - 1].code == 1011)
		HOLDS(starved.count - 1 <= whole.count && same_notes(&whole, &starved, starved.count - 1));
	else
		check_same(&whole, &starved);
	return 0;
}
