#include "codec/json.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json_keys.h"
#include "codec/json_path.h"
#include "codec/json_string.h"

enum {
	FEW_MEMBERS = 16,    /* objects up to here compare their keys as they come */
	INTEGER_DIGITS = 16, /* of 2^53 - 1 */
};
#define INTEGER_MAX ((int64_t)9007199254740991)

struct reader {
	const uint8_t *text;
	const uint8_t *at;
	const uint8_t *end;
	struct arena *arena;
	struct json_node *nodes;
	uint32_t count;
	uint32_t capacity;
	bool utf8_known;
	unsigned depth;
	struct json_error *error;
	struct json_keys keys;
	uint32_t open[LIMIT_JSON_DEPTH];   /* nodes of the containers around at */
	uint32_t member[LIMIT_JSON_DEPTH]; /* the newest key of each */
	uint64_t seen[LIMIT_JSON_DEPTH];   /* a bit for each hash in it: a clear bit proves that a key is new */
};

/* Returns false, so that callers can return it. inside: a value within the innermost container is being read. */
__attribute__((cold, noinline)) static bool fail(struct reader *r, enum json_result result, const uint8_t *at,
						 const char *what, bool inside)
{
	unsigned depth = inside ? r->depth : r->depth - (r->depth != 0);

	r->error->result = result;
	r->error->offset = (size_t)(at - r->text);
	r->error->what = what;
	json_path_write(r->text, r->nodes, r->open, r->member, depth, r->error->path, sizeof(r->error->path));
	return false;
}

/* Room for more nodes: in place when the arena has handed out nothing since, else by a copy. */
__attribute__((noinline)) static bool grow(struct reader *r)
{
	size_t bound = r->count + (size_t)(r->end - r->at) / 2 + 2; /* a node takes two octets at least: "1," */
	size_t capacity = r->capacity * (size_t)2 < bound ? r->capacity * (size_t)2 : bound;
	uint8_t *behind = (uint8_t *)(r->nodes + r->capacity);
	struct json_node *nodes;
	size_t bytes;

	/* Two nodes are a multiple of the arena's alignment: no gap behind them. */
	capacity = (capacity + 1) & ~(size_t)1;
	if (capacity > UINT32_MAX || !size_mul(capacity - r->capacity, sizeof(struct json_node), &bytes))
		return fail(r, JSON_MEMORY, r->at, "memory is short", true);
	if (r->arena->next == behind && r->arena->left >= bytes && arena_alloc(r->arena, bytes) == behind) {
		r->capacity = (uint32_t)capacity;
		return true;
	}
	nodes = arena_alloc(r->arena, capacity * sizeof(struct json_node));
	if (nodes == NULL)
		return fail(r, JSON_MEMORY, r->at, "memory is short", true);
	memcpy(nodes, r->nodes, r->count * sizeof(struct json_node));
	r->nodes = nodes;
	r->capacity = (uint32_t)capacity;
	return true;
}

static inline bool add(struct reader *r, enum json_kind kind, const uint8_t *start, const uint8_t *end)
{
	struct json_node *node;

	if (r->count == r->capacity && !grow(r))
		return false;
	node = &r->nodes[r->count++];
	*node = (struct json_node){ .kind = (uint8_t)kind,
				    .next = r->count,
				    .offset = (uint32_t)(start - r->text),
				    .size = (uint32_t)(end - start) };
	return true;
}

static inline void skip_blanks(struct reader *r)
{
	while (r->at != r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

/* \uXXXX, or two of them for a character beyond U+FFFF. at is behind the backslash. */
static bool read_unit(struct reader *r, const uint8_t **at, bool *nul, bool inside)
{
	const uint8_t *p = *at;
	int32_t unit = r->end - p >= 5 ? json_string_unit(p + 1) : -1;

	if (unit < 0)
		return fail(r, JSON_BAD, p - 1, "\\u wants four hexadecimal digits", inside);
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return fail(r, JSON_BAD, p - 1, "low surrogate without a high one before it", inside);
	if (unit >= 0xd800 && unit <= 0xdbff) {
		int32_t low = r->end - p >= 11 && p[5] == '\\' && p[6] == 'u' ? json_string_unit(p + 7) : -1;

		if (low < 0xdc00 || low > 0xdfff)
			return fail(r, JSON_BAD, p - 1, "high surrogate without a low one behind it", inside);
		p += 6;
	}
	*nul |= unit == 0;
	*at = p + 5;
	return true;
}

static bool read_escape(struct reader *r, const uint8_t **at, bool *nul, bool inside)
{
	const uint8_t *p = *at + 1;

	if (p == r->end)
		return fail(r, JSON_BAD, p, "string without an end", inside);
	*at = p + 1;
	switch (*p) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return true;
	case 'u':
		*at = p;
		return read_unit(r, at, nul, inside);
	default:
		return fail(r, JSON_BAD, p, "unknown escape", inside);
	}
}

static bool check_utf8(struct reader *r, const uint8_t *start, const uint8_t *end, bool inside)
{
	struct utf8 state = { 0 };
	size_t size = (size_t)(end - start);
	size_t good = utf8_check(&state, start, size);

	if (good == size && state.due == 0)
		return true;
	return fail(r, JSON_UTF8, start + good, "not UTF-8", inside);
}

/* at is behind the opening quote, and is left behind the closing one. */
static inline bool read_string(struct reader *r, bool inside)
{
	const uint8_t *start = r->at, *at = start;
	bool escaped = false, nul = false;
	unsigned high = 0;

	for (;;) {
		at = json_string_scan(at, r->end, &high);
		if (at == r->end)
			return fail(r, JSON_BAD, at, "string without an end", inside);
		if (*at == '"')
			break;
		if (*at != '\\')
			return fail(r, JSON_BAD, at, "control character in a string", inside);
		escaped = true;
		if (!read_escape(r, &at, &nul, inside))
			return false;
	}
	if (high != 0 && !r->utf8_known && !check_utf8(r, start, at, inside))
		return false;
	r->at = at + 1;
	if (!add(r, JSON_STRING, start, at))
		return false;
	r->nodes[r->count - 1].escaped = escaped;
	r->nodes[r->count - 1].nul = nul;
	return true;
}

static inline bool digit(const struct reader *r, const uint8_t *at)
{
	return at != r->end && *at >= '0' && *at <= '9';
}

/* RFC 8259 6. */
static bool read_number(struct reader *r)
{
	const uint8_t *start = r->at, *at = start;
	bool real = false;

	if (*at == '-')
		at++;
	if (!digit(r, at))
		return fail(r, JSON_BAD, at, "digit expected", true);
	if (*at == '0' && digit(r, at + 1))
		return fail(r, JSON_BAD, at, "number with a leading zero", true);
	while (digit(r, at))
		at++;
	if (at != r->end && *at == '.') {
		real = true;
		if (!digit(r, ++at))
			return fail(r, JSON_BAD, at, "digit expected", true);
		while (digit(r, at))
			at++;
	}
	if (at != r->end && (*at | 0x20) == 'e') {
		real = true;
		at++;
		if (at != r->end && (*at == '+' || *at == '-'))
			at++;
		if (!digit(r, at))
			return fail(r, JSON_BAD, at, "digit expected", true);
		while (digit(r, at))
			at++;
	}
	if (at - start > LIMIT_JSON_NUMBER)
		return fail(r, JSON_BAD, start + LIMIT_JSON_NUMBER, "number too long", true);
	r->at = at;
	if (!add(r, JSON_NUMBER, start, at))
		return false;
	r->nodes[r->count - 1].escaped = real;
	return true;
}

static bool read_word(struct reader *r, enum json_kind kind, const char *word, size_t size)
{
	const uint8_t *start = r->at;

	if ((size_t)(r->end - start) < size || memcmp(start, word, size) != 0)
		return fail(r, JSON_BAD, start, "value expected", true);
	r->at += size;
	return add(r, kind, start, r->at);
}

/* Few members: a key whose bit is clear is new; else it is compared with those before it. Many: see close_object. */
static bool key_is_new(struct reader *r, uint32_t object, uint32_t key, unsigned level)
{
	uint64_t bit = (uint64_t)1 << (r->nodes[key].hash >> 26);
	uint32_t other;

	if (r->nodes[object].count > FEW_MEMBERS)
		return true;
	if (r->seen[level] & bit)
		for (other = object + 1; other != key; other = r->nodes[other + 1].next)
			if (r->nodes[other].hash == r->nodes[key].hash &&
			    json_keys_compare(r->text, &r->nodes[other], &r->nodes[key]) == 0)
				return fail(r, JSON_DUPLICATE, r->text + r->nodes[key].offset - 1, "duplicate key",
					    true);
	r->seen[level] |= bit;
	return true;
}

/* A key and its colon. at is at what should be the opening quote. */
static bool read_key(struct reader *r)
{
	unsigned level = r->depth - 1;
	uint32_t object = r->open[level], key = r->count;
	struct json_node *node;

	if (r->at == r->end || *r->at != '"')
		return fail(r, JSON_BAD, r->at, "key expected", false);
	r->at++;
	if (!read_string(r, false))
		return false;
	node = &r->nodes[key];
	node->is_key = 1;
	node->hash = json_keys_hash(r->text + node->offset, node->size, node->escaped);
	r->member[level] = key;
	r->nodes[object].count++;
	if (!key_is_new(r, object, key, level))
		return false;
	skip_blanks(r);
	if (r->at == r->end || *r->at != ':')
		return fail(r, JSON_BAD, r->at, "\":\" expected", true);
	r->at++;
	return true;
}

static bool open_container(struct reader *r, enum json_kind kind)
{
	if (r->depth == LIMIT_JSON_DEPTH)
		return fail(r, JSON_DEPTH, r->at, "nested too deep", true);
	if (!add(r, kind, r->at, r->at))
		return false;
	r->open[r->depth] = r->count - 1;
	r->member[r->depth] = r->count - 1;
	r->seen[r->depth] = 0;
	r->depth++;
	r->at++;
	skip_blanks(r);
	return true;
}

/* at is at the closing bracket. */
static bool close_container(struct reader *r)
{
	uint32_t index = r->open[r->depth - 1], repeated = 0;
	struct json_node *node = &r->nodes[index];

	if (node->kind == JSON_OBJECT && node->count > FEW_MEMBERS) {
		if (!json_keys_repeated(&r->keys, r->text, r->nodes, index, &repeated))
			return fail(r, JSON_MEMORY, r->at, "memory is short", false);
		if (repeated != 0) {
			r->member[r->depth - 1] = repeated;
			return fail(r, JSON_DUPLICATE, r->text + r->nodes[repeated].offset - 1, "duplicate key", true);
		}
	}
	r->at++;
	node->size = (uint32_t)(r->at - r->text) - node->offset;
	node->next = r->count;
	r->depth--;
	return true;
}

/* One value, of which a container only its beginning. *ret_whole: it has ended. */
static bool read_value(struct reader *r, bool *ret_whole)
{
	*ret_whole = true;
	skip_blanks(r);
	if (r->at == r->end)
		return fail(r, JSON_BAD, r->at, "value expected", true);
	switch (*r->at) {
	case '"':
		r->at++;
		return read_string(r, true);
	case '{':
		if (!open_container(r, JSON_OBJECT))
			return false;
		if (r->at != r->end && *r->at == '}')
			return close_container(r);
		*ret_whole = false;
		return read_key(r);
	case '[':
		if (!open_container(r, JSON_ARRAY))
			return false;
		if (r->at != r->end && *r->at == ']')
			return close_container(r);
		*ret_whole = false;
		r->nodes[r->count - 1].count = 1;
		return true;
	case 't':
		return read_word(r, JSON_TRUE, "true", 4);
	case 'f':
		return read_word(r, JSON_FALSE, "false", 5);
	case 'n':
		return read_word(r, JSON_NULL, "null", 4);
	default:
		if (*r->at == '-' || digit(r, r->at))
			return read_number(r);
		return fail(r, JSON_BAD, r->at, "value expected", true);
	}
}

/* What stands between a value and the next: commas, keys, closing brackets. *ret_more: another value follows. */
static bool read_between(struct reader *r, bool *ret_more)
{
	*ret_more = true;
	while (r->depth != 0) {
		struct json_node *around = &r->nodes[r->open[r->depth - 1]];
		bool object = around->kind == JSON_OBJECT;

		skip_blanks(r);
		if (r->at != r->end && *r->at == ',') {
			r->at++;
			if (object) {
				skip_blanks(r);
				return read_key(r);
			}
			around->count++;
			return true;
		}
		if (r->at == r->end || *r->at != (object ? '}' : ']'))
			return fail(r, JSON_BAD, r->at, object ? "\",\" or \"}\" expected" : "\",\" or \"]\" expected",
				    false);
		if (!close_container(r))
			return false;
	}
	*ret_more = false;
	return true;
}

static bool read_all(struct reader *r)
{
	bool whole, more = true;

	if (r->end - r->at >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
		return fail(r, JSON_BAD, r->at, "byte order mark", true);
	while (more) {
		if (!read_value(r, &whole))
			return false;
		if (whole && !read_between(r, &more))
			return false;
	}
	skip_blanks(r);
	if (r->at != r->end)
		return fail(r, JSON_BAD, r->at, "something behind the value", true);
	return true;
}

enum json_result json_parse(struct arena *arena, struct fw_slice text, unsigned flags, struct json *ret_json,
			    struct json_error *reterr_error)
{
	struct json_error unwanted;
	struct reader r;

	r.text = r.at = text.data;
	r.end = text.size != 0 ? text.data + text.size : text.data;
	r.arena = arena;
	r.nodes = NULL;
	r.count = 0;
	r.capacity = (uint32_t)(text.size / 16) * 2 + 8; /* a node for eight octets is more than messages need */
	r.utf8_known = (flags & JSON_UTF8_KNOWN) != 0;
	r.depth = 0;
	r.error = reterr_error != NULL ? reterr_error : &unwanted;
	r.keys = (struct json_keys){ .arena = arena };
	*ret_json = (struct json){ .text = text.data, .size = text.size };
	if (text.size > UINT32_MAX) {
		fail(&r, JSON_BAD, r.text, "text too long", true);
		return JSON_BAD;
	}
	r.nodes = arena_alloc(arena, r.capacity * sizeof(struct json_node));
	if (r.nodes == NULL) {
		fail(&r, JSON_MEMORY, r.text, "memory is short", true);
		return JSON_MEMORY;
	}
	if (!read_all(&r)) {
		arena_trim(arena, r.nodes, r.capacity * sizeof(struct json_node), 0);
		return r.error->result;
	}
	arena_trim(arena, r.nodes, r.capacity * sizeof(struct json_node), r.count * sizeof(struct json_node));
	ret_json->nodes = r.nodes;
	ret_json->count = r.count;
	return JSON_OK;
}

struct fw_slice json_text(const struct json *json, uint32_t node, struct arena *arena)
{
	const struct json_node *n = &json->nodes[node];
	const uint8_t *at = json->text + n->offset, *end = at + n->size;
	uint8_t *text, *to;

	if (!n->escaped || n->kind != JSON_STRING)
		return (struct fw_slice){ at, n->size };
	text = to = arena_alloc(arena, n->size); /* no escape is shorter than what it stands for */
	if (text == NULL)
		return (struct fw_slice){ NULL, 0 };
	while (at != end) {
		const uint8_t *slash = memchr(at, '\\', (size_t)(end - at));
		size_t run = (size_t)((slash != NULL ? slash : end) - at);
		uint8_t bytes[4];
		size_t count;

		memcpy(to, at, run);
		to += run;
		at += run;
		if (at == end)
			break;
		count = json_string_escape(&at, bytes);
		memcpy(to, bytes, count);
		to += count;
	}
	arena_trim(arena, text, n->size, (size_t)(to - text));
	return (struct fw_slice){ text, (size_t)(to - text) };
}

uint32_t json_member(const struct json *json, uint32_t object, const char *name, size_t name_size)
{
	const struct json_node *nodes = json->nodes;
	uint32_t key, end = nodes[object].next;

	if (nodes[object].kind != JSON_OBJECT)
		return 0;
	for (key = object + 1; key < end; key = nodes[key + 1].next)
		if (json_keys_is(json->text, &nodes[key], name, name_size))
			return key + 1;
	return 0;
}

bool json_integer(const struct json *json, uint32_t node, int64_t *ret_value)
{
	const struct json_node *n = &json->nodes[node];
	const uint8_t *at = json->text + n->offset, *end = at + n->size;
	bool negative = n->size != 0 && *at == '-';
	int64_t value = 0;

	if (n->kind != JSON_NUMBER || n->escaped || n->size > (uint32_t)INTEGER_DIGITS + negative)
		return false;
	for (at += negative; at != end; at++)
		value = value * 10 + (*at - '0');
	if (value > INTEGER_MAX)
		return false;
	*ret_value = negative ? -value : value;
	return true;
}

struct fw_slice json_raw(const struct json *json, uint32_t node)
{
	const struct json_node *n = &json->nodes[node];

	if (n->kind == JSON_STRING)
		return (struct fw_slice){ json->text + n->offset - 1, (size_t)n->size + 2 };
	return (struct fw_slice){ json->text + n->offset, n->size };
}

static size_t past_digits(struct fw_slice text, size_t at)
{
	while (at < text.size && ascii_is_digit(text.data[at]))
		at++;
	return at;
}

bool json_is_number(struct fw_slice text)
{
	size_t start = text.size != 0 && text.data[0] == '-', end = past_digits(text, start);

	if (end == start || (text.data[start] == '0' && end != start + 1))
		return false;
	if (end < text.size && text.data[end] == '.') {
		start = end + 1;
		end = past_digits(text, start);
		if (end == start)
			return false;
	}
	if (end < text.size && (text.data[end] | 0x20) == 'e') {
		start = end + 1;
		start += start < text.size && (text.data[start] == '+' || text.data[start] == '-');
		end = past_digits(text, start);
		if (end == start)
			return false;
	}
	return end == text.size;
}
