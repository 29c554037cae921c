/* How far a receiver is: the cursor on the disk, the window of what is not certain, the framing of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/delivery.h"

static char folder[] = "/tmp/framewall-delivery-XXXXXX", path[64];

static int start(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/a.cursor", folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void put(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static void cursor(void **state)
{
	struct delivery_cursor written = { .sequence = UINT64_MAX }, read;
	char text[200], changed[200];
	size_t size;
	FILE *file;

	(void)state;
	assert_int_equal(delivery_read(path, &read), DELIVERY_NONE);
	for (unsigned i = 0; i < sizeof(written.chain); i++)
		written.chain[i] = (uint8_t)(i * 37 + 200);
	assert_int_equal(delivery_write(&storage_system, path, &written), 0);
	assert_int_equal(delivery_read(path, &read), DELIVERY_READ);
	assert_memory_equal(&read, &written, sizeof(read));
	file = fopen(path, "r");
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	/* Any cut, and any octet that is another one, is noticed, or is another cursor as it would be written. */
	for (size_t cut = 0; cut < size; cut++) {
		put(text, cut);
		assert_int_equal(delivery_read(path, &read), DELIVERY_DAMAGED);
		assert_int_equal(read.sequence, 0);
	}
	for (size_t at = 0; at < size; at++) {
		memcpy(changed, text, size);
		changed[at] ^= 0x20;
		put(changed, size);
		assert_int_equal(delivery_read(path, &read), DELIVERY_DAMAGED);
	}
	memcpy(changed, text, size);
	changed[size] = '\n';
	put(changed, size + 1);
	assert_int_equal(delivery_read(path, &read), DELIVERY_DAMAGED);
	put("framewall-receiver/1\n007\n", 25);
	assert_int_equal(delivery_read(path, &read), DELIVERY_DAMAGED);
	assert_int_equal(delivery_read("/nowhere/at/all", &read), DELIVERY_NONE);
	assert_int_equal(delivery_read(folder, &read), DELIVERY_FAILED);
}

/* Against a list of all records: never more is settled than lies before the octet, and at most some KiB less. */
static void window(void **state)
{
	struct delivery_window window = { 0 };
	struct delivery_cursor settled = { 0 };
	uint64_t ends[3001] = { 0 }, random = 88172645463325252u;

	(void)state;
	for (uint64_t sequence = 1; sequence <= 3000; sequence++) {
		struct delivery_cursor record = { .sequence = sequence };
		uint64_t safe;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		ends[sequence] = ends[sequence - 1] + random % 900; /* some have no octets */
		assert_true(delivery_window_add(&window, &record, ends[sequence]));
		safe = ends[sequence] > 50000 ? ends[sequence] - 50000 : 0;
		if (delivery_window_settle(&window, safe, &settled))
			assert_int_equal(settled.sequence <= sequence, true);
		assert_true(ends[settled.sequence] <= safe);
		assert_true(safe - ends[settled.sequence] <= 2 * 4096 + 900);
		assert_true(window.count <= 50000 / 2048 + 3);
	}
	assert_true(delivery_window_settle(&window, UINT64_MAX, &settled));
	assert_int_equal(settled.sequence, 3000);
	assert_false(delivery_window_settle(&window, UINT64_MAX, &settled));
	delivery_window_clear(&window);
}

static void window_without_memory(void **state)
{
	struct delivery_window window = { 0 };
	struct delivery_cursor record = { .sequence = 1 };

	(void)state;
	mem_fail_at(1);
	assert_false(delivery_window_add(&window, &record, 5));
	mem_fail_at(0);
	assert_true(delivery_window_add(&window, &record, 5));
	delivery_window_clear(&window);
}

static void framing(void **state)
{
	static const char lines[] = "first\n\nth\xc3\xa9 third\nno end";
	struct fw_slice rest = slice_text(lines), line;
	struct buf out = { 0 };
	struct pool pool;

	(void)state;
	pool_init(&pool);
	while (delivery_line(&rest, &line))
		assert_int_equal(delivery_frame(line, &out, &pool), 0);
	assert_true(slice_is(rest, "no end"));
	assert_true(slice_is(slice(buf_data(&out), buf_size(&out)), "5 first0 10 th\xc3\xa9 third"));
	buf_clear(&out, &pool);
	pool_fini(&pool);
	assert_true(slice_is(delivery_datagram(slice_text("abc\n"), 9), "abc"));
	assert_true(slice_is(delivery_datagram(slice_text("abc\n"), 2), "ab"));
	assert_true(slice_is(delivery_datagram(slice_text("th\xc3\xa9\n"), 3), "th"));
	assert_true(slice_is(delivery_datagram(slice_text("th\xc3\xa9\n"), 4), "th\xc3\xa9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cursor),
		cmocka_unit_test(window),
		cmocka_unit_test(window_without_memory),
		cmocka_unit_test(framing),
	};

	return cmocka_run_group_tests(tests, start, end);
}
