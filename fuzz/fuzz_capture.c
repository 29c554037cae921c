/* Any text as a line of a capture, and any text as a message that one may have: the line is refused with a word, or its
 * texts end; what is redacted is as long as before, UTF-8, and JSON when it was. The first octet: odd, one allocation
 * fails; above that, what is kept. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/capture.h"
#include "codec/json.h"
#include "shell/capture_redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t touched;

static void touch(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		touched += text.data[i];
}

static void read_line(struct arena *arena, struct fw_slice text)
{
	struct capture_line line;
	const char *what = NULL;

	if (!capture_read(arena, text, &line, &what)) {
		if (what == NULL)
			abort();
		return;
	}
	touch(line.payload);
	touch(line.connection);
	touch(line.user);
	touch(line.role);
	touch(line.path);
	touch(line.type);
	touch(line.stage);
	touch(line.code);
	if (line.payload.data == NULL && !line.is_note && !line.is_cut)
		abort();
}

static void redact(struct arena *arena, struct fw_slice text, enum capture_keep keep)
{
	static const uint8_t key[CAPTURE_KEY] = { 7 };
	const struct capture_rules rules = { .keep = keep };
	uint8_t *copy = malloc(text.size != 0 ? text.size : 1);
	struct json before, after;
	bool was;

	if (copy == NULL)
		return;
	if (text.size != 0)
		memcpy(copy, text.data, text.size);
	was = json_parse(arena, text, 0, &before, NULL) == JSON_OK;
	if (capture_redact(key, &rules, arena, copy, text.size)) {
		if (!utf8_valid(copy, text.size))
			abort();
		if (was && json_parse(arena, slice(copy, text.size), 0, &after, NULL) != JSON_OK)
			abort();
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t fail = size != 0 && (data[0] & 1) != 0 ? data[0] / 8 + 1u : 0;
	struct fw_slice text = size != 0 ? slice(data + 1, size - 1) : slice(data, 0);
	struct arena arena;

	arena_init(&arena, (size_t)16 << 20);
	mem_fail_at(fail);
	read_line(&arena, text);
	redact(&arena, text, size != 0 ? (enum capture_keep)((data[0] >> 1) % 3) : CAPTURE_KEEP_ALL);
	mem_fail_at(0);
	arena_fini(&arena);
	return 0;
}
