/* codec/ws: what the rules of RFC 6455 do not say: who allocates what and when, where payloads lie, what is kept
 * between calls, the writer and the mask. The rules themselves: tests/conformance/conf_rfc6455.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "codec/ws.h"

static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
static const struct ws_limits wide = { 16 << 20, 0 };

static struct pool pool;
static struct ws_reader reader;
static uint8_t input[1 << 16];

static uint64_t seed = 11;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static int begin(void **state)
{
	(void)state;
	pool_init(&pool);
	ws_reader_init(&reader, WS_SERVER);
	mem_fail_at(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	mem_fail_at(0);
	ws_reader_fini(&reader, &pool);
	pool_fini(&pool);
	return 0;
}

/* Writes a frame of size octets 'a' + i % 26 into out and returns its size. */
static size_t put(uint8_t *out, enum ws_opcode opcode, bool fin, size_t size, const uint8_t *key)
{
	size_t header = ws_write_header(out, opcode, fin, size, key);

	for (size_t i = 0; i < size; i++)
		out[header + i] = (uint8_t)(('a' + i % 26) ^ (key != NULL ? key[i % 4] : 0));
	return header + size;
}

static enum ws_step next(uint8_t **bytes, size_t *size, struct ws_item *item)
{
	return ws_reader_next(&reader, &wide, &pool, bytes, size, item);
}

static void check_alphabet(const struct ws_item *item, size_t size)
{
	assert_int_equal(item->size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(item->payload[i], 'a' + i % 26);
}

static void headers_are_written(void **state)
{
	static const struct {
		uint64_t payload;
		size_t size;
		const char *bytes;
	} known[] = { { 0, 2, "\x81\x00" },
		      { 125, 2, "\x81\x7d" },
		      { 126, 4, "\x81\x7e\x00\x7e" },
		      { 65535, 4, "\x81\x7e\xff\xff" },
		      { 65536, 10, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" },
		      { INT64_MAX, 10, "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff" } };
	uint8_t header[14];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t size = known[i].size;

		assert_int_equal(ws_header_size(known[i].payload, false), size);
		assert_int_equal(ws_write_header(header, WS_TEXT, true, known[i].payload, NULL), size);
		assert_memory_equal(header, known[i].bytes, size);
		assert_int_equal(ws_header_size(known[i].payload, true), size + 4);
		assert_int_equal(ws_write_header(header, WS_TEXT, true, known[i].payload, mask), size + 4);
		assert_int_equal(header[1], (uint8_t)known[i].bytes[1] | 0x80);
		assert_memory_equal(header + 2, known[i].bytes + 2, size - 2);
		assert_memory_equal(header + size, mask, 4);
	}
	ws_write_header(header, WS_CONTINUATION, false, 0, NULL);
	assert_int_equal(header[0], 0x00);
	ws_write_header(header, WS_PONG, true, 0, NULL);
	assert_int_equal(header[0], 0x8a);
}

static void masks_every_size_at_every_alignment(void **state)
{
	uint8_t in[240], out[240], place[240];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)any(256);
	for (size_t size = 0; size <= 200; size++)
		for (size_t from = 0; from < 17; from++)
			for (size_t to = 0; to < 17; to += 3) {
				memset(out, 0xcc, sizeof(out));
				ws_mask(out + to, in + from, size, mask);
				for (size_t i = 0; i < size; i++)
					assert_int_equal(out[to + i], in[from + i] ^ mask[i % 4]);
				assert_true(to == 0 || out[to - 1] == 0xcc);
				assert_int_equal(out[to + size], 0xcc);
				memcpy(place, in, sizeof(place));
				ws_mask(place + from, place + from, size, mask);
				assert_memory_equal(place + from, out + to, size);
				assert_int_equal(place[from + size], in[from + size]);
			}
}

static void a_whole_frame_is_given_in_place(void **state)
{
	size_t size = put(input, WS_TEXT, true, 300, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	size += put(input + size, WS_PING, true, 5, mask);
	size += put(input + size, WS_BINARY, true, 40000, mask);
	assert_int_equal(next(&bytes, &size, &item), WS_MESSAGE);
	assert_ptr_equal(item.payload, input + 8);
	assert_int_equal(item.opcode, WS_TEXT);
	check_alphabet(&item, 300);
	assert_ptr_equal(bytes, input + 308);
	assert_int_equal(next(&bytes, &size, &item), WS_CONTROL);
	assert_ptr_equal(item.payload, input + 308 + 6);
	assert_int_equal(item.opcode, WS_PING);
	check_alphabet(&item, 5);
	assert_int_equal(next(&bytes, &size, &item), WS_MESSAGE);
	assert_int_equal(item.opcode, WS_BINARY);
	check_alphabet(&item, 40000);
	assert_true(ws_reader_idle(&reader));
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	assert_int_equal(size, 0);
	assert_int_equal(mem_fail_at(0), 0);
}

static void a_client_changes_no_octet(void **state)
{
	size_t size = put(input, WS_BINARY, true, 300, NULL);
	uint8_t copy[320], *bytes = input;
	struct ws_item item;

	(void)state;
	ws_reader_init(&reader, WS_CLIENT);
	memcpy(copy, input, size);
	assert_int_equal(next(&bytes, &size, &item), WS_MESSAGE);
	check_alphabet(&item, 300);
	assert_false(item.zero_mask);
	assert_memory_equal(copy, input, 304);
}

/* A read may end behind a header, or inside it: the payload that follows whole is still not copied. */
static void a_header_alone_costs_nothing(void **state)
{
	(void)state;
	for (size_t cut = 1; cut <= 8; cut++) {
		size_t all = put(input, WS_TEXT, true, 300, mask), size = cut;
		uint8_t *bytes = input;
		struct ws_item item;

		assert_int_equal(next(&bytes, &size, &item), WS_MORE);
		assert_int_equal(size, 0);
		assert_false(ws_reader_idle(&reader));
		size = all - cut;
		assert_int_equal(next(&bytes, &size, &item), WS_MESSAGE);
		assert_ptr_equal(item.payload, input + 8);
		check_alphabet(&item, 300);
	}
	assert_int_equal(mem_fail_at(0), 0);
}

static void a_control_frame_in_pieces_takes_one_small_block(void **state)
{
	size_t all = put(input, WS_PONG, true, 125, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	for (size_t i = 0; i < all; i++) {
		size_t one = 1;

		assert_int_equal(next(&bytes, &one, &item), i + 1 == all ? WS_CONTROL : WS_MORE);
	}
	check_alphabet(&item, 125);
	assert_true(ws_reader_idle(&reader));
	assert_int_equal(mem_fail_at(0), 1);
}

/* What a header claims is not allocated: only what arrived, at most twice. */
static void a_claim_allocates_nothing(void **state)
{
	size_t size = ws_write_header(input, WS_BINARY, true, wide.max_message, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	assert_int_equal(mem_fail_at(0), 0);
	memset(input, 0, sizeof(input));
	bytes = input;
	size = 10;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	assert_int_equal(reader.assembly.capacity, POOL_SMALLEST);
	for (size_t arrived = 10; arrived < 4 << 20; arrived += 30000) {
		assert_true(reader.assembly.capacity <= 2 * arrived || reader.assembly.capacity == POOL_SMALLEST);
		bytes = input;
		size = 30000;
		assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	}
	assert_true(mem_fail_at(0) <= 16); /* and by a factor, not a piece */
}

static void a_message_never_takes_more_than_its_limit(void **state)
{
	const struct ws_limits limits = { (1 << 20) + 70000, 0 };
	size_t header = ws_write_header(input, WS_BINARY, true, limits.max_message, NULL), done = 0, size = header;
	uint8_t *bytes = input;
	struct ws_item item;
	enum ws_step step;

	(void)state;
	ws_reader_init(&reader, WS_CLIENT);
	step = ws_reader_next(&reader, &limits, &pool, &bytes, &size, &item);
	while (step == WS_MORE && done < limits.max_message) {
		size = 50000 < limits.max_message - done ? 50000 : (size_t)limits.max_message - done;
		for (size_t i = 0; i < size; i++)
			input[i] = (uint8_t)('a' + (done + i) % 26);
		done += size;
		bytes = input;
		step = ws_reader_next(&reader, &limits, &pool, &bytes, &size, &item);
		assert_true(reader.assembly.capacity <= limits.max_message);
	}
	assert_int_equal(step, WS_MESSAGE);
	check_alphabet(&item, (size_t)limits.max_message);
}

/* The buffer of a message goes back with the next call, also when that brings nothing. */
static void the_buffer_is_lent(void **state)
{
	size_t all = put(input, WS_TEXT, false, 700, mask), size = all;
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	size = put(input, WS_CONTINUATION, true, 0, mask);
	bytes = input;
	assert_int_equal(next(&bytes, &size, &item), WS_MESSAGE);
	check_alphabet(&item, 700);
	assert_false(ws_reader_idle(&reader));
	assert_int_equal(pool.kept[0], 0);
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	assert_true(ws_reader_idle(&reader));
	assert_int_equal(pool.kept[0], 1);
	assert_null(reader.assembly.base);
}

static void a_failure_gives_everything_back(void **state)
{
	size_t size = put(input, WS_TEXT, false, 700, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	size += put(input + size, WS_TEXT, true, 700, mask);
	size += put(input + size, WS_PING, true, 3, mask);
	assert_int_equal(next(&bytes, &size, &item), WS_FAIL);
	assert_int_equal(item.code, 1002);
	assert_memory_equal(item.rule, "RFC 6455 5.4: ", 14);
	assert_int_equal(size, 0);
	assert_null(reader.assembly.base);
	assert_int_equal(pool.kept[0], 1);
	size = put(input, WS_PING, true, 3, mask);
	bytes = input;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	assert_int_equal(size, 0);
	assert_ptr_equal(bytes, input + 9);
}

static void no_memory_is_our_fault(void **state)
{
	size_t size = put(input, WS_TEXT, false, 700, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	mem_fail_at(1);
	assert_int_equal(next(&bytes, &size, &item), WS_FAIL);
	assert_int_equal(item.code, 1011);
	assert_non_null(item.rule);
}

static void no_memory_while_growing(void **state)
{
	size_t size = put(input, WS_TEXT, false, 700, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	mem_fail_at(1);
	size = put(input, WS_CONTINUATION, true, 700, mask);
	bytes = input;
	assert_int_equal(next(&bytes, &size, &item), WS_FAIL);
	assert_int_equal(item.code, 1011);
	assert_null(reader.assembly.base);
}

static void a_close_gives_code_and_reason(void **state)
{
	uint8_t close[] = { 0x88, 0x85, 0, 0, 0, 0, 0x0f, 0xa0, 'b', 'y', 'e' }, *bytes = close;
	size_t size = sizeof(close);
	struct ws_item item;

	(void)state;
	assert_int_equal(next(&bytes, &size, &item), WS_CONTROL);
	assert_int_equal(item.opcode, WS_CLOSE);
	assert_int_equal(item.code, 4000);
	assert_int_equal(item.size, 3);
	assert_memory_equal(item.payload, "bye", 3);
	assert_true(item.zero_mask);
}

/* A reload may lower the limit while a message is being assembled. */
static void a_lowered_limit_holds_at_once(void **state)
{
	const struct ws_limits low = { 500, 0 };
	size_t size = put(input, WS_BINARY, false, 700, mask);
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	size = put(input, WS_CONTINUATION, true, 0, mask);
	bytes = input;
	assert_int_equal(ws_reader_next(&reader, &low, &pool, &bytes, &size, &item), WS_FAIL);
	assert_int_equal(item.code, 1009);
	assert_int_equal(item.declared, 700);
}

static void a_hundred_thousand_empty_fragments(void **state)
{
	const struct ws_limits limits = { 1000, 100000 };
	struct ws_item item;
	unsigned n = 1;

	(void)state;
	for (;; n++) {
		size_t size = put(input, n == 1 ? WS_TEXT : WS_CONTINUATION, false, 0, mask);
		uint8_t *bytes = input;
		enum ws_step step = ws_reader_next(&reader, &limits, &pool, &bytes, &size, &item);

		if (step != WS_MORE)
			break;
	}
	assert_int_equal(n, 100001);
	assert_int_equal(item.code, 1008);
	assert_int_equal(mem_fail_at(0), 0);
}

static void fini_in_the_middle(void **state)
{
	size_t size = put(input, WS_TEXT, true, 700, mask) - 1;
	uint8_t *bytes = input;
	struct ws_item item;

	(void)state;
	assert_int_equal(next(&bytes, &size, &item), WS_MORE);
	ws_reader_fini(&reader, &pool);
	assert_int_equal(pool.kept[0], 1);
	ws_reader_fini(&reader, &pool);
	assert_int_equal(pool.kept[0], 1);
}

/* Writes messages in fragments of any size, reads them in pieces of any size. */
static void what_is_written_is_read(void **state)
{
	static uint8_t wire[1 << 18];
	uint8_t key[4];

	for (unsigned round = 0; round < 300; round++) {
		const uint8_t *with = round % 2 == 0 ? key : NULL;
		size_t sizes[8], messages = 1 + any(7), size = 0, seen = 0;

		end(state);
		begin(state);
		ws_reader_init(&reader, round % 2 == 0 ? WS_SERVER : WS_CLIENT);
		for (size_t i = 0; i < messages; i++) {
			size_t fragments = 1 + any(4);

			sizes[i] = 0;
			for (size_t f = 0; f < fragments; f++) {
				size_t part = 26 * any(any(3) == 0 ? 1000 : 12);

				for (unsigned k = 0; k < 4; k++)
					key[k] = (uint8_t)any(256);
				size += put(wire + size, f == 0 ? WS_TEXT : WS_CONTINUATION, f + 1 == fragments, part,
					    with);
				sizes[i] += part;
				if (size > sizeof(wire) - 60000)
					fragments = f + 2;
			}
			if (size > sizeof(wire) - 120000)
				messages = i + 1;
		}
		for (size_t at = 0; at < size;) {
			size_t piece = 1 + any(any(2) == 0 ? 20 : 70000), left;
			uint8_t *bytes = wire + at;
			struct ws_item item;
			enum ws_step step;

			left = piece = piece < size - at ? piece : size - at;
			while ((step = next(&bytes, &left, &item)) != WS_MORE) {
				assert_int_equal(step, WS_MESSAGE);
				check_alphabet(&item, sizes[seen++]);
			}
			at += piece;
		}
		assert_int_equal(seen, messages);
		assert_true(ws_reader_idle(&reader));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_written),
		cmocka_unit_test(masks_every_size_at_every_alignment),
		cmocka_unit_test_setup_teardown(a_whole_frame_is_given_in_place, begin, end),
		cmocka_unit_test_setup_teardown(a_client_changes_no_octet, begin, end),
		cmocka_unit_test_setup_teardown(a_header_alone_costs_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_control_frame_in_pieces_takes_one_small_block, begin, end),
		cmocka_unit_test_setup_teardown(a_claim_allocates_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_message_never_takes_more_than_its_limit, begin, end),
		cmocka_unit_test_setup_teardown(the_buffer_is_lent, begin, end),
		cmocka_unit_test_setup_teardown(a_failure_gives_everything_back, begin, end),
		cmocka_unit_test_setup_teardown(no_memory_is_our_fault, begin, end),
		cmocka_unit_test_setup_teardown(no_memory_while_growing, begin, end),
		cmocka_unit_test_setup_teardown(a_close_gives_code_and_reason, begin, end),
		cmocka_unit_test_setup_teardown(a_lowered_limit_holds_at_once, begin, end),
		cmocka_unit_test_setup_teardown(a_hundred_thousand_empty_fragments, begin, end),
		cmocka_unit_test_setup_teardown(fini_in_the_middle, begin, end),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
