/* Frames that fuzzers of other WebSocket libraries found worth keeping: each file is read as the octets of a
 * connection, by both roles and under loose and tight limits. Whole or octet by octet, the outcome is one. */
#include <ftw.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "codec/ws.h"

enum { PATH = 1024, MOST_FILES = 4096, OPEN_FOLDERS = 16 };

struct outcome {
	uint64_t digest; /* of all that was given, in order */
	uint64_t given;
	uint16_t failure; /* close code */
	bool idle;
};

static char *files[MOST_FILES];
static size_t file_count;

static const struct ws_limits limits[] = { { 1 << 20, 0 }, { 300, 0 }, { 1 << 20, 2 }, { 5, 3 } };

static void note(struct outcome *outcome, enum ws_step step, const struct ws_item *item)
{
	const struct hash_key key = { 1, 2 };
	uint64_t words[6] = { outcome->digest, (uint64_t)step, item->opcode | (uint64_t)item->zero_mask << 8,
			      item->code,      item->declared, hash_bytes(&key, item->payload, item->size) };

	outcome->digest = hash_bytes(&key, words, sizeof(words));
	outcome->given++;
	if (step == WS_FAIL) {
		assert_int_equal(outcome->failure, 0);
		assert_non_null(item->rule);
		outcome->failure = item->code;
	}
}

static struct outcome replay(const uint8_t *bytes, size_t size, enum ws_role role, const struct ws_limits *limit,
			     size_t step)
{
	struct outcome outcome = { 0 };
	struct ws_reader reader;
	struct ws_item item;
	struct pool pool;
	enum ws_step result;

	pool_init(&pool);
	ws_reader_init(&reader, role);
	for (size_t at = 0; at < size; at += step) {
		size_t left = step < size - at ? step : size - at;
		uint8_t *copy = malloc(left), *next = copy;

		assert_non_null(copy);
		memcpy(copy, bytes + at, left);
		while ((result = ws_reader_next(&reader, limit, &pool, &next, &left, &item)) != WS_MORE) {
			assert_true(result != WS_MESSAGE || item.size <= limit->max_message);
			note(&outcome, result, &item);
		}
		assert_int_equal(left, 0);
		free(copy);
	}
	outcome.idle = ws_reader_idle(&reader);
	ws_reader_fini(&reader, &pool);
	assert_null(reader.assembly.base);
	pool_fini(&pool);
	return outcome;
}

static uint8_t *load(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size >= 0);
	rewind(file);
	bytes = malloc((size_t)size + 1);
	assert_non_null(bytes);
	*ret_size = fread(bytes, 1, (size_t)size, file);
	assert_int_equal(*ret_size, size);
	fclose(file);
	return bytes;
}

static void check_same(const char *path, struct outcome a, struct outcome b)
{
	if (a.digest != b.digest || a.given != b.given || a.failure != b.failure ||
	    (a.failure == 0 && a.idle != b.idle))
		fail_msg("%s: read in pieces it gives %llu items and code %u, whole %llu and %u", path,
			 (unsigned long long)b.given, b.failure, (unsigned long long)a.given, a.failure);
}

static size_t replay_all(enum ws_role role, const struct ws_limits *limit)
{
	size_t given = 0;

	for (size_t i = 0; i < file_count; i++) {
		size_t size;
		uint8_t *bytes = load(files[i], &size);
		struct outcome whole = replay(bytes, size, role, limit, size + 1);

		check_same(files[i], whole, replay(bytes, size, role, limit, 1));
		check_same(files[i], whole, replay(bytes, size, role, limit, 3));
		given += whole.given;
		free(bytes);
	}
	return given;
}

static void replays(void **state)
{
	enum ws_role role = *(enum ws_role *)*state;
	size_t before;

	/* Once for what the C library itself keeps; then no octet may stay. */
	assert_true(replay_all(role, &limits[0]) >= file_count / 2);
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		replay_all(role, &limits[i]);
	assert_int_equal(mallinfo2().uordblks, before);
}

static int add_file(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)where;
	if (type == FTW_F && file_count < MOST_FILES) {
		files[file_count] = strdup(path);
		file_count += files[file_count] != NULL;
	}
	return 0;
}

int main(void)
{
	static enum ws_role server = WS_SERVER, client = WS_CLIENT;
	const struct CMUnitTest tests[] = {
		{ "seeds read as a server", replays, NULL, NULL, &server },
		{ "seeds read as a client", replays, NULL, NULL, &client },
	};
	const char *shared = getenv("FRAMEWALL_SHARED");
	char folder[PATH];
	int failed;

	snprintf(folder, sizeof(folder), "%s/vectors/ws-fuzz-seeds/fuzz", shared != NULL ? shared : "../shared");
	nftw(folder, add_file, OPEN_FOLDERS, FTW_PHYS);
	if (file_count == 0) {
		/* TAP's own way to skip a program; an exit code beside it would be taken for an error. */
		printf("1..0 # SKIP no vectors at %s\n", folder);
		return 0;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	while (file_count > 0)
		free(files[--file_count]);
	return failed;
}
