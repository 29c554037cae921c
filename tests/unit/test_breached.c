#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "shell/breached.h"

enum { MOST = 400, DIGITS = 40 };

static char path[] = "/tmp/framewall-breached-XXXXXX";
static char words[MOST][16], hashes[MOST][DIGITS + 1];

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* count words "w0" …, their hashes in order; end: of each line; last: the last one has an end, too. */
static void write_list(unsigned count, const char *between, const char *end, bool last, bool upper)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	for (unsigned i = 0; i < count; i++) {
		uint8_t digest[20];

		snprintf(words[i], sizeof(words[i]), "w%u", i);
		digest_sha1(slice_text(words[i]), digest);
		encode_hex(digest, sizeof(digest), hashes[i]);
		hashes[i][DIGITS] = '\0';
		for (char *c = hashes[i]; upper && *c != '\0'; c++)
			*c = (char)(*c >= 'a' && *c <= 'f' ? *c - 32 : *c);
	}
	qsort(hashes, count, sizeof(hashes[0]), compare);
	for (unsigned i = 0; i < count; i++) {
		fprintf(file, "%s%s", hashes[i], between);
		if (between[0] != '\0')
			fprintf(file, "%u", i * i * i * 97);
		if (i + 1 != count || last)
			fprintf(file, "%s", end);
	}
	fclose(file);
}

static void test_each_is_found_and_nothing_else(void **state)
{
	static const unsigned counts[] = { 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, MOST };
	char other[16];

	(void)state;
	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++)
		for (unsigned way = 0; way < 8; way++) {
			write_list(counts[k], way & 4 ? ":" : "", way & 1 ? "\r\n" : "\n", way & 2, way & 4);
			for (unsigned i = 0; i < counts[k]; i++)
				assert_int_equal(breached_find(path, slice_text(words[i])), BREACHED_FOUND);
			for (unsigned i = 0; i < 50; i++) {
				snprintf(other, sizeof(other), "x%u", i);
				assert_int_equal(breached_find(path, slice_text(other)), BREACHED_NOT);
			}
		}
}

static void write_text(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define ONES "1111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222"

static void test_what_is_not_such_a_list_is_not_read(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"\n\n\n",
		"password\n123456\n",
		"11111111111111111111111111111111:1\n", /* MD4 */
		ONES "1:1\n",
		ONES "x:1\n",
		"g111111111111111111111111111111111111111:1\n",
		ONES ":1111111111111111111111111111111111111111111111111111\n",
		ONES ":1" TWOS ":1\n",
	};
	char backwards[MOST * (DIGITS + 2)];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_text(texts[i]);
		assert_int_equal(breached_find(path, slice_text("w1")), BREACHED_UNREADABLE);
	}
	/* In another order. */
	write_list(MOST, "", "\n", true, false);
	backwards[0] = '\0';
	for (unsigned i = MOST; i-- > 0;)
		strcat(strcat(backwards, hashes[i]), "\n");
	write_text(backwards);
	assert_int_equal(breached_find(path, slice_text("w1")), BREACHED_UNREADABLE);
	assert_int_equal(breached_find("/nowhere/at/all", slice_text("w1")), BREACHED_UNREADABLE);
	assert_int_equal(breached_find("/", slice_text("w1")), BREACHED_UNREADABLE);
	assert_int_equal(breached_find("/dev/zero", slice_text("w1")), BREACHED_UNREADABLE);
}

/* A hole of a terabyte would take hours to read. */
static void test_it_is_not_read_whole(void **state)
{
	(void)state;
	write_text(ONES ":1\n");
	if (truncate(path, (off_t)1 << 40) != 0)
		skip();
	assert_int_equal(breached_find(path, slice_text("w1")), BREACHED_UNREADABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_found_and_nothing_else),
		cmocka_unit_test(test_what_is_not_such_a_list_is_not_read),
		cmocka_unit_test(test_it_is_not_read_whole),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
