#include "record/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"

enum { CURSOR_TEXT = 160, MARK_OCTETS = 4096 };

static const char title[] = "framewall-receiver/1";

static int write_text(const struct delivery_cursor *cursor, char ret_text[CURSOR_TEXT])
{
	char chain[65] = "";

	encode_hex(cursor->chain, sizeof(cursor->chain), chain);
	return snprintf(ret_text, CURSOR_TEXT, "%s\n%" PRIu64 "\n%s\n", title, cursor->sequence, chain);
}

int delivery_write(const struct storage *storage, const char *path, const struct delivery_cursor *cursor)
{
	char text[CURSOR_TEXT];
	int size = write_text(cursor, text);

	return storage_replace(storage, path, text, (size_t)size, true);
}

static bool parse_chain(const char *text, uint8_t ret_chain[32])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < 64; i++) {
		const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;

		if (digit == NULL)
			return false;
		ret_chain[i / 2] = (uint8_t)(ret_chain[i / 2] << 4 | (digit - digits));
	}
	return true;
}

/* What delivery_write writes, and nothing else. */
static bool parse(const char *text, struct delivery_cursor *ret_cursor)
{
	char form[CURSOR_TEXT];
	const char *at = text + sizeof(title);
	char *end;

	if (strncmp(text, title, sizeof(title) - 1) != 0 || text[sizeof(title) - 1] != '\n')
		return false;
	errno = 0;
	ret_cursor->sequence = strtoull(at, &end, 10);
	if (errno == 0 && *end == '\n' && parse_chain(end + 1, ret_cursor->chain)) {
		write_text(ret_cursor, form);
		if (strcmp(text, form) == 0)
			return true;
	}
	*ret_cursor = (struct delivery_cursor){ 0 };
	return false;
}

enum delivery_read delivery_read(const char *path, struct delivery_cursor *ret_cursor)
{
	char text[CURSOR_TEXT];
	ssize_t size = storage_read(path, text, sizeof(text) - 1);

	*ret_cursor = (struct delivery_cursor){ 0 };
	if (size < 0 && errno == ENOENT)
		return DELIVERY_NONE;
	if (size < 0)
		return errno == EFBIG ? DELIVERY_DAMAGED : DELIVERY_FAILED;
	text[size] = '\0';
	return parse(text, ret_cursor) ? DELIVERY_READ : DELIVERY_DAMAGED;
}

static struct delivery_mark *mark_at(const struct delivery_window *window, size_t index)
{
	size_t at = window->first + index;

	return &window->marks[at < window->room ? at : at - window->room];
}

static bool grow(struct delivery_window *window)
{
	size_t room = window->room != 0 ? window->room * 2 : 64;
	struct delivery_mark *marks = mem_zero(room, sizeof(*marks));

	if (marks == NULL)
		return false;
	for (size_t i = 0; i < window->count; i++)
		marks[i] = *mark_at(window, i);
	mem_free(window->marks);
	*window = (struct delivery_window){ marks, 0, window->count, room };
	return true;
}

bool delivery_window_add(struct delivery_window *window, const struct delivery_cursor *cursor, uint64_t end)
{
	struct delivery_mark *last = window->count != 0 ? mark_at(window, window->count - 1) : NULL;
	uint64_t before = window->count > 1 ? mark_at(window, window->count - 2)->end : 0;

	/* A mark may move on until it is far enough from the one before. */
	if (last != NULL && (last->end == end || (window->count > 1 && end - before <= MARK_OCTETS))) {
		*last = (struct delivery_mark){ *cursor, end };
		return true;
	}
	if (window->count == window->room && !grow(window))
		return false;
	window->count++;
	*mark_at(window, window->count - 1) = (struct delivery_mark){ *cursor, end };
	return true;
}

bool delivery_window_settle(struct delivery_window *window, uint64_t octets, struct delivery_cursor *ret_cursor)
{
	bool any = false;

	while (window->count != 0 && mark_at(window, 0)->end <= octets) {
		*ret_cursor = mark_at(window, 0)->cursor;
		window->first = window->first + 1 < window->room ? window->first + 1 : 0;
		window->count--;
		any = true;
	}
	return any;
}

void delivery_window_clear(struct delivery_window *window)
{
	mem_free(window->marks);
	*window = (struct delivery_window){ 0 };
}

static struct fw_slice without_end(struct fw_slice line)
{
	return line.size != 0 && line.data[line.size - 1] == '\n' ? slice(line.data, line.size - 1) : line;
}

int delivery_frame(struct fw_slice line, struct buf *out, struct pool *pool)
{
	struct fw_slice message = without_end(line);
	char size[ENCODE_U64 + 1];
	size_t digits = encode_u64(message.size, size), before = buf_size(out);

	size[digits] = ' ';
	if (buf_append(out, pool, size, digits + 1) == 0 && buf_append(out, pool, message.data, message.size) == 0)
		return 0;
	buf_cut(out, before);
	return -1;
}

bool delivery_line(struct fw_slice *lines, struct fw_slice *ret_line)
{
	const uint8_t *end = lines->size != 0 ? memchr(lines->data, '\n', lines->size) : NULL;

	if (end == NULL)
		return false;
	*ret_line = slice(lines->data, (size_t)(end - lines->data) + 1);
	*lines = slice_from(*lines, ret_line->size);
	return true;
}

struct fw_slice delivery_datagram(struct fw_slice line, size_t most)
{
	struct fw_slice message = without_end(line);

	if (message.size <= most)
		return message;
	while (most != 0 && (message.data[most] & 0xc0) == 0x80)
		most--;
	return slice(message.data, most);
}
