#include "codec/json_path.h"

#include "codec/json_string.h"

/* JSON Pointer (RFC 6901), cut where it would not fit. */
struct path {
	char *text;
	size_t size;
	size_t room;
};

static void path_add(struct path *path, const void *bytes, size_t size)
{
	if (size >= path->room - path->size) {
		path->room = path->size; /* nothing fits behind a gap */
		return;
	}
	memcpy(path->text + path->size, bytes, size);
	path->size += size;
	path->text[path->size] = '\0';
}

static void path_add_key(struct path *path, const uint8_t *raw, size_t size)
{
	const uint8_t *end = raw + size;
	uint8_t bytes[4];
	size_t count;

	path_add(path, "/", 1);
	while (raw != end) {
		if (*raw == '\\') {
			count = json_string_escape(&raw, bytes);
		} else { /* whole characters, so that the cut leaves valid UTF-8 */
			bytes[0] = *raw++;
			for (count = 1; count < 4 && raw != end && (*raw & 0xc0) == 0x80; count++)
				bytes[count] = *raw++;
		}
		if (bytes[0] == '~')
			path_add(path, "~0", 2);
		else if (bytes[0] == '/')
			path_add(path, "~1", 2);
		else if (bytes[0] == '\0')
			path_add(path, "\xef\xbf\xbd", 3); /* the path is C text: U+FFFD stands for U+0000 */
		else
			path_add(path, bytes, count);
	}
}

static void path_add_index(struct path *path, uint32_t index)
{
	char digits[12];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + index % 10);
		index /= 10;
	} while (index != 0);
	digits[--at] = '/';
	path_add(path, digits + at, sizeof(digits) - at);
}

void json_path_write(const uint8_t *text, const struct json_node *nodes, const uint32_t *containers,
		     const uint32_t *keys, unsigned depth, char *ret_path, size_t room)
{
	struct path path = { .text = ret_path, .room = room };
	unsigned i;

	ret_path[0] = '\0';
	for (i = 0; i < depth; i++) {
		const struct json_node *node = &nodes[containers[i]];

		if (node->kind == JSON_OBJECT)
			path_add_key(&path, text + nodes[keys[i]].offset, nodes[keys[i]].size);
		else
			path_add_index(&path, node->count != 0 ? node->count - 1 : 0);
	}
}
