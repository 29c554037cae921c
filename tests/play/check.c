#include "check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json.h"

enum { CHECK_ARENA = 64 << 20, SHOWN = 400 };

bool check_glob(const char *pattern, const char *text)
{
	for (; *pattern != '\0' && *pattern != '*'; pattern++, text++)
		if (*pattern != *text)
			return false;
	if (*pattern == '\0')
		return *text == '\0';
	do {
		if (check_glob(pattern + 1, text))
			return true;
	} while (*text++ != '\0');
	return false;
}

void check_show(const char *bytes, size_t size, struct text *ret_shown)
{
	bool utf8 = utf8_valid((const uint8_t *)bytes, size) != 0;

	for (size_t i = 0; i < size && i < SHOWN; i++) {
		if (isprint((unsigned char)bytes[i]) || (utf8 && (bytes[i] & 0x80) != 0))
			text_add(ret_shown, bytes + i, 1);
		else
			text_format(ret_shown, "\\x%02x", (unsigned)(uint8_t)bytes[i]);
	}
	if (size > SHOWN)
		text_format(ret_shown, "… (%zu octets)", size);
}

/* Both sides of a comparison. */
struct pair {
	struct arena arena;
	struct json pattern, actual;
	bool exact;
	struct text path;
	struct text *why;
};

static bool check_fail(struct pair *pair, const char *what, struct fw_slice got)
{
	text_format(pair->why, "at /%s: %s", text_get(&pair->path), what);
	if (got.size != 0) {
		text_say(pair->why, ", got ");
		check_show((const char *)got.data, got.size, pair->why);
	}
	return false;
}

static bool check_value(struct pair *pair, uint32_t pattern, uint32_t actual);

static bool check_member(struct pair *pair, uint32_t key, uint32_t object)
{
	struct fw_slice name = json_text(&pair->pattern, key, &pair->arena);
	uint32_t value = json_member(&pair->actual, object, (const char *)name.data, name.size);
	size_t before = pair->path.size;
	bool holds;

	text_format(&pair->path, "%s%.*s", before != 0 ? "/" : "", (int)name.size, (const char *)name.data);
	if (json_string_is(&pair->pattern, key + 1, "!", 1))
		holds = value == 0 || check_fail(pair, "must not be there", json_raw(&pair->actual, value));
	else if (value == 0)
		holds = check_fail(pair, "is missing", json_raw(&pair->actual, object));
	else
		holds = check_value(pair, key + 1, value);
	if (holds) {
		pair->path.size = before;
		text_add(&pair->path, "", 0);
	}
	return holds;
}

static bool check_object(struct pair *pair, uint32_t pattern, uint32_t actual)
{
	const struct json_node *node = &pair->pattern.nodes[pattern];

	for (uint32_t key = pattern + 1; key < node->next; key = pair->pattern.nodes[key + 1].next)
		if (!check_member(pair, key, actual))
			return false;
	if (pair->exact && node->count != pair->actual.nodes[actual].count)
		return check_fail(pair, "other members than expected", json_raw(&pair->actual, actual));
	return true;
}

static bool check_array(struct pair *pair, uint32_t pattern, uint32_t actual)
{
	const struct json_node *node = &pair->pattern.nodes[pattern];
	uint32_t mine, theirs = actual + 1;

	if (node->count != pair->actual.nodes[actual].count)
		return check_fail(pair, "another number of elements", json_raw(&pair->actual, actual));
	for (mine = pattern + 1; mine < node->next; mine = pair->pattern.nodes[mine].next) {
		if (!check_value(pair, mine, theirs))
			return false;
		theirs = pair->actual.nodes[theirs].next;
	}
	return true;
}

static bool check_string(struct pair *pair, uint32_t pattern, uint32_t actual)
{
	struct fw_slice mine = json_text(&pair->pattern, pattern, &pair->arena);
	struct fw_slice theirs = json_text(&pair->actual, actual, &pair->arena);
	struct text a = { 0 }, b = { 0 };
	bool holds;

	text_add(&a, mine.data, mine.size);
	text_add(&b, theirs.data, theirs.size);
	holds = slice_equal(mine, theirs) || (memchr(a.data, '*', a.size) != NULL && check_glob(a.data, b.data));
	text_clear(&a);
	text_clear(&b);
	return holds || check_fail(pair, "another text", json_raw(&pair->actual, actual));
}

static bool check_value(struct pair *pair, uint32_t pattern, uint32_t actual)
{
	uint8_t mine = pair->pattern.nodes[pattern].kind, theirs = pair->actual.nodes[actual].kind;

	if (json_string_is(&pair->pattern, pattern, "*", 1))
		return true;
	if (mine != theirs)
		return check_fail(pair, "another kind of value", json_raw(&pair->actual, actual));
	if (mine == JSON_OBJECT)
		return check_object(pair, pattern, actual);
	if (mine == JSON_ARRAY)
		return check_array(pair, pattern, actual);
	if (mine == JSON_STRING)
		return check_string(pair, pattern, actual);
	return slice_equal(json_raw(&pair->pattern, pattern), json_raw(&pair->actual, actual)) ||
	       check_fail(pair, "another value", json_raw(&pair->actual, actual));
}

bool check_json(const char *pattern, const char *text, size_t size, bool exact, struct text *ret_why)
{
	struct pair pair = { .exact = exact, .why = ret_why };
	struct json_error error;
	bool holds = false;

	arena_init(&pair.arena, CHECK_ARENA);
	if (json_parse(&pair.arena, slice_text(pattern), 0, &pair.pattern, &error) != JSON_OK)
		text_format(ret_why, "the play's own JSON is wrong at octet %zu: %s", error.offset, error.what);
	else if (json_parse(&pair.arena, slice(text, size), 0, &pair.actual, &error) != JSON_OK)
		text_format(ret_why, "it is no JSON: at octet %zu: %s", error.offset, error.what);
	else
		holds = check_value(&pair, 0, 0);
	text_clear(&pair.path);
	arena_fini(&pair.arena);
	return holds;
}

/* One step of a path: a member's name or an element's number. 0: there is none. */
static uint32_t check_step(const struct json *json, uint32_t node, const char *name, size_t size)
{
	const struct json_node *nodes = json->nodes;
	unsigned long index;
	uint32_t at = node + 1;

	if (nodes[node].kind == JSON_OBJECT)
		return json_member(json, node, name, size);
	if (nodes[node].kind != JSON_ARRAY)
		return 0;
	for (index = strtoul(name, NULL, 10); at < nodes[node].next; at = nodes[at].next)
		if (index-- == 0)
			return at;
	return 0;
}

bool check_lookup(const char *text, size_t size, const char *path, struct text *ret_value)
{
	struct arena arena;
	struct json json;
	struct fw_slice value;
	uint32_t node = 0;
	bool found;

	arena_init(&arena, CHECK_ARENA);
	found = json_parse(&arena, slice(text, size), 0, &json, NULL) == JSON_OK;
	while (found && *path != '\0') {
		size_t step = strcspn(path, ".");

		node = check_step(&json, node, path, step);
		found = node != 0;
		path += step + (path[step] == '.' ? 1 : 0);
	}
	if (found) {
		value = json.nodes[node].kind == JSON_STRING ? json_text(&json, node, &arena) : json_raw(&json, node);
		ret_value->size = 0;
		text_add(ret_value, value.data, value.size);
	}
	arena_fini(&arena);
	return found;
}
