/* profile_match.c: messages of a server, which may be anything: what of them a profile asks for. */
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"
#include "scan/profile.h"

enum { MATCH_ARENA = 32 << 20 };

/* Behind digits and commas, which Socket.IO has in front ("42/chat,[…"). */
static struct fw_slice json_part(struct fw_slice message)
{
	size_t at = 0;

	while (at < message.size && at < 64 && message.data[at] != '{' && message.data[at] != '[')
		at++;
	return at < message.size && at < 64 ? slice_from(message, at) : slice(NULL, 0);
}

static bool parse(struct arena *arena, struct fw_slice message, struct json *ret_json)
{
	struct fw_slice part = json_part(message);

	return part.size != 0 && json_parse(arena, part, 0, ret_json, NULL) == JSON_OK;
}

/* "/data/code", "data/code", "0/type": names of members and numbers of elements. 0: there is none. */
static uint32_t walk(const struct json *json, const char *pointer)
{
	uint32_t node = 0;

	while (*pointer != '\0') {
		const struct json_node *n = &json->nodes[node];
		size_t size = strcspn(pointer += *pointer == '/', "/");
		unsigned at = 0;

		if (n->kind == JSON_OBJECT) {
			node = json_member(json, node, pointer, size);
			if (node == 0)
				return 0;
		} else if (n->kind == JSON_ARRAY && size != 0 && size < 6 && strspn(pointer, "0123456789") >= size) {
			for (size_t i = 0; i < size; i++)
				at = at * 10 + (unsigned)(pointer[i] - '0');
			if (at >= n->count)
				return 0;
			node++;
			while (at-- != 0)
				node = json->nodes[node].next;
		} else {
			return 0;
		}
		pointer += size;
	}
	return node;
}

static struct fw_slice value_of(const struct json *json, uint32_t node, struct arena *arena)
{
	return json->nodes[node].kind == JSON_STRING ? json_text(json, node, arena) : json_raw(json, node);
}

bool profile_matches(const struct profile_match *match, struct fw_slice message)
{
	struct arena arena;
	struct json json;
	bool all;

	if (match->contains != NULL)
		return message.size != 0 &&
		       memmem(message.data, message.size, match->contains, strlen(match->contains)) != NULL;
	if (match->count == 0)
		return false;
	arena_init(&arena, MATCH_ARENA);
	all = parse(&arena, message, &json);
	for (unsigned i = 0; i < match->count && all; i++) {
		uint32_t node = walk(&json, match->members[i].pointer);

		all = node != 0 && slice_is(value_of(&json, node, &arena), match->members[i].value);
	}
	arena_fini(&arena);
	return all;
}

char *profile_value(struct fw_slice message, const char *pointer, struct arena *arena)
{
	struct json json;
	struct fw_slice text = { NULL, 0 };
	uint32_t node;
	char *copy;

	if (!parse(arena, message, &json))
		return NULL;
	node = walk(&json, pointer);
	if (node == 0)
		return NULL;
	text = value_of(&json, node, arena);
	copy = text.data != NULL ? arena_alloc(arena, text.size + 1) : NULL;
	if (copy != NULL) {
		memcpy(copy, text.data, text.size);
		copy[text.size] = '\0';
	}
	return copy;
}

struct fw_slice profile_text_with(struct fw_slice message, const char *mark, struct arena *arena)
{
	struct json json;
	size_t size = strlen(mark);

	if (message.size == 0 || memmem(message.data, message.size, mark, size) == NULL)
		return slice(NULL, 0);
	if (!parse(arena, message, &json))
		return message;
	for (uint32_t i = 0; i < json.count; i++)
		if (json.nodes[i].kind == JSON_STRING) {
			struct fw_slice text = json_text(&json, i, arena);

			if (text.data != NULL && text.size >= size && memmem(text.data, text.size, mark, size) != NULL)
				return text;
		}
	return message;
}
