/* json.h: strict JSON (RFC 8259) in one pass to a tape in the caller's arena, and a writer of the canonical form.
 *
 * Refused because two parsers could read it differently: duplicate keys (compared after decoding escapes), lone or
 * swapped surrogates, byte order marks, numbers over LIMIT_JSON_NUMBER octets, trailing bytes, depth over
 * LIMIT_JSON_DEPTH. The tape is an array of nodes in document order; a container's next is the node behind its last
 * descendant. One thread an arena. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H
#include <framewall/types.h>

#include "base/arena.h"
#include "base/pool.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
	uint8_t kind;	 /* enum json_kind */
	uint8_t escaped; /* string: has escapes; number: has '.', 'e' or 'E' */
	uint8_t is_key;	 /* string that is the key of the value behind it */
	uint8_t nul;	 /* string: an escape gives U+0000 */
	uint32_t next;	 /* index of the node behind this value and all within it */
	uint32_t offset; /* of the first octet: behind the quote of a string, the first digit, the bracket */
	uint32_t size;	 /* octets of it in the text: string without quotes, number, container with brackets; */
	uint32_t count;	 /* array: elements; object: members; string: 0 */
	uint32_t hash;	 /* key: of its decoded octets */
};

struct json {
	const uint8_t *text;
	size_t size;
	const struct json_node *nodes; /* nodes[0] is the root value */
	uint32_t count;
};

enum json_result { JSON_OK = 0, JSON_BAD = -1, JSON_DUPLICATE = -2, JSON_DEPTH = -3, JSON_MEMORY = -4, JSON_UTF8 = -5 };

struct json_error {
	enum json_result result;
	size_t offset;	  /* of the octet that is wrong */
	const char *what; /* static text */
	char path[128];	  /* JSON Pointer to the value being read, cut at 127 octets */
};

enum json_flags { JSON_UTF8_KNOWN = 1 }; /* the caller has checked UTF-8 already */

/* text must stay as long as the tape. size at most UINT32_MAX. reterr_error may be NULL. */
enum json_result json_parse(struct arena *arena, struct fw_slice text, unsigned flags, struct json *ret_json,
			    struct json_error *reterr_error);

/* The octets of a string node as they are when it has no escapes, else decoded into the arena. data NULL: memory is
 * short. */
struct fw_slice json_text(const struct json *json, uint32_t node, struct arena *arena);
/* The value of a member, or 0 when there is none (0 is the root, never a value of a member). */
uint32_t json_member(const struct json *json, uint32_t object, const char *name, size_t name_size);
/* An integer of at most 2^53 - 1 in absolute value, written without fraction and exponent: true. */
bool json_integer(const struct json *json, uint32_t node, int64_t *ret_value);
/* The octets of a value in the text (strings with their quotes). */
struct fw_slice json_raw(const struct json *json, uint32_t node);
static inline bool json_string_is(const struct json *json, uint32_t node, const char *text, size_t size)
{
	const struct json_node *n = &json->nodes[node];

	return n->kind == JSON_STRING && !n->escaped && n->size == size &&
	       __builtin_memcmp(json->text + n->offset, text, size) == 0;
}

/* RFC 8259 6, of any length: -0, 1.5e3; not 010, which is eight to some and ten to others. */
bool json_is_number(struct fw_slice text);

/* Writer. Appends to a buf; the first failure sticks and json_writer_done reports it. Commas are placed by itself.
 * The canonical form: no white space, members in the order given, strings with only the escapes RFC 8259 demands (\"
 * \\ and controls). */
struct json_writer {
	struct buf *out;
	struct pool *pool;
	bool comma;
	bool failed;
};
void json_write_open(struct json_writer *w, char bracket);  /* '{' or '[' */
void json_write_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_write_key(struct json_writer *w, const char *key);
void json_write_key_slice(struct json_writer *w, struct fw_slice key);
void json_write_text(struct json_writer *w, struct fw_slice text); /* valid UTF-8 */
void json_write_string(struct json_writer *w, const char *text);
void json_write_integer(struct json_writer *w, int64_t value);
void json_write_boolean(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
void json_write_raw(struct json_writer *w, struct fw_slice json); /* a value that is JSON already */
/* A value of a tape, strings re-encoded canonically; replace(user, node, ret) may give another text for a string node
 * (true), or say with *ret_skip that a member (asked by its key node) is left out, or, with true and a text, that its
 * value is that text. replace may be NULL. */
typedef bool json_replace_function(void *user, uint32_t node, struct fw_slice *ret_text, bool *ret_skip);
void json_write_value(struct json_writer *w, const struct json *json, uint32_t node, struct arena *arena,
		      json_replace_function *replace, void *user);
#endif
