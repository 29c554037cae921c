/* Frames that fuzzers of other WebSocket libraries found worth keeping: each file is read as the octets of a
 * connection, by both roles and under loose and tight limits. Whole or octet by octet, the outcome is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "codec/ws.h"
#include "vectors.h"

enum { PATH = 4096, MOST_FILES = 4096 };

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
	uint64_t kept = 0;
	uint8_t *copy;

	mem_fail_at(0);
	pool_init(&pool);
	ws_reader_init(&reader, role);
	copy = malloc(size + 1); /* the reader unmasks in place */
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	for (size_t at = 0; at < size; at += step) {
		size_t left = step < size - at ? step : size - at;
		uint8_t *next = copy + at;

		while ((result = ws_reader_next(&reader, limit, &pool, &next, &left, &item)) != WS_MORE) {
			assert_true(result != WS_MESSAGE || item.size <= limit->max_message);
			note(&outcome, result, &item);
		}
		assert_int_equal(left, 0);
	}
	free(copy);
	outcome.idle = ws_reader_idle(&reader);
	ws_reader_fini(&reader, &pool);
	/* No block is lost: as many are in the pool as were ever made. */
	for (unsigned i = 0; i < POOL_CLASSES; i++)
		kept += pool.kept[i];
	assert_int_equal(kept, mem_fail_at(0));
	pool_fini(&pool);
	return outcome;
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
		size_t size = 0;
		uint8_t *bytes = (uint8_t *)vectors_read(files[i], &size);
		struct outcome whole;

		assert_non_null(bytes);
		whole = replay(bytes, size, role, limit, size + 1);
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

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		assert_true(replay_all(role, &limits[i]) >= file_count / 2);
}

/* The folders of the vectors are one below the other, two deep. */
static void find_files(const char *folder)
{
	struct dirent **entries;
	int count = vectors_list(folder, &entries);
	char path[PATH + 256];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_type == DT_DIR)
			find_files(path);
		else if (file_count < MOST_FILES && (files[file_count] = strdup(path)) != NULL)
			file_count++;
		free(entries[i]);
	}
	if (count > 0)
		free(entries);
}

int main(void)
{
	static enum ws_role server = WS_SERVER, client = WS_CLIENT;
	const struct CMUnitTest tests[] = {
		{ "seeds read as a server", replays, NULL, NULL, &server },
		{ "seeds read as a client", replays, NULL, NULL, &client },
	};
	char folder[PATH];
	int failed;

	find_files(vectors_path(folder, "vectors/ws-fuzz-seeds/fuzz"));
	if (file_count == 0)
		return vectors_absent(folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	while (file_count > 0)
		free(files[--file_count]);
	return failed;
}
