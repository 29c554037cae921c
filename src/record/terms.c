#include "record/terms.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/hash.h"
#include "base/slice.h"

/* A kind's letter, then what is in hex (or a word as it is): no octet that FTS5 would take apart. */
enum { LONG_WORD = 32, HASH = 6, TERM = 1 + 2 * 17 + LONG_WORD, BITS_MORE = 4, MEMBERS = 4 };

/* Networks that addresses are found by, in bits; other ones by those next to them. */
static const uint8_t prefixes_v4[] = { 8, 16, 20, 24, 28, 32 }, prefixes_v6[] = { 32, 48, 56, 64, 128 };

struct writing {
	struct buf *out;
	struct pool *pool;
	bool failed;
	bool expression; /* quoted, AND between them */
	bool any;
};

static void append(struct writing *to, const char *text, size_t size)
{
	if (size != 0 && buf_append(to->out, to->pool, text, size) != 0)
		to->failed = true;
}

static void append_quoted(struct writing *to, const char *term, size_t size)
{
	append(to, "\"", to->expression);
	append(to, term, size);
	append(to, "\"", to->expression);
}

static void separate(struct writing *to)
{
	if (to->any)
		append(to, to->expression ? " AND " : " ", to->expression ? 5 : 1);
	to->any = true;
}

static void add(struct writing *to, const char *term, size_t size)
{
	separate(to);
	append_quoted(to, term, size);
}

/* Whoever can choose two texts with one hash makes a search look at more lines. */
static size_t write_hash(char kind, struct fw_slice text, char ret_term[TERM])
{
	static const struct hash_key key = { 0x6672616d6577616c, 0x6c20696e64657800 };
	uint64_t hash = hash_bytes(&key, text.data, text.size);
	uint8_t bytes[HASH];

	for (unsigned i = 0; i < HASH; i++)
		bytes[i] = (uint8_t)(hash >> 8 * i);
	ret_term[0] = kind;
	encode_hex(bytes, HASH, ret_term + 1);
	return 1 + 2 * HASH;
}

static void add_hash(struct writing *to, char kind, struct fw_slice text)
{
	char term[TERM];

	if (text.size != 0)
		add(to, term, write_hash(kind, text, term));
}

/* Both at once: events have each one level, or two, and all of one and all of another are many to look through. */
static void add_kind(struct writing *to, struct fw_slice type, struct fw_slice level)
{
	char both[128], term[TERM];

	if (type.size == 0 || level.size == 0 || type.size + level.size >= sizeof(both))
		return;
	memcpy(both, type.data, type.size);
	memcpy(both + type.size, level.data, level.size);
	add(to, term, write_hash('k', slice(both, type.size + level.size), term));
}

static void add_word(struct writing *to, struct fw_slice word)
{
	char term[TERM], lower[LONG_WORD];

	if (word.size <= LONG_WORD) {
		term[0] = 'w';
		for (size_t i = 0; i < word.size; i++)
			term[1 + i] = (char)ascii_lower(word.data[i]);
		add(to, term, 1 + word.size);
		return;
	}
	/* Of a long one its beginning: the line says the rest. */
	for (size_t i = 0; i < LONG_WORD; i++)
		lower[i] = (char)ascii_lower(word.data[i]);
	add(to, term, write_hash('h', slice(lower, LONG_WORD), term));
}

static void add_number(struct writing *to, struct fw_slice digits)
{
	char term[TERM];

	add(to, term, (size_t)snprintf(term, sizeof(term), "c%.*s", (int)digits.size, (const char *)digits.data));
}

/* 'a', the bits as a letter, the octets; what is behind the prefix is zero. */
static size_t write_prefix(const struct fw_addr *addr, unsigned bits, char ret_term[TERM])
{
	uint8_t bytes[17] = { (uint8_t)bits };
	size_t size = (bits + 7) / 8;

	memcpy(bytes + 1, addr->bytes, size);
	if (bits % 8 != 0)
		bytes[size] = (uint8_t)(bytes[size] & 0xff << (8 - bits % 8));
	ret_term[0] = addr->family == 4 ? 'a' : 'b';
	encode_hex(bytes, 1 + size, ret_term + 1);
	return 1 + 2 * (1 + size);
}

static const uint8_t *prefixes(unsigned family, size_t *ret_count)
{
	*ret_count = family == 4 ? sizeof(prefixes_v4) : sizeof(prefixes_v6);
	return family == 4 ? prefixes_v4 : prefixes_v6;
}

static void add_source(struct writing *to, struct fw_slice text)
{
	struct fw_addr addr;
	char term[TERM];
	const uint8_t *list;
	size_t count;

	if (!addr_parse(text, &addr))
		return;
	list = prefixes(addr.family, &count);
	for (size_t i = 0; i < count; i++)
		add(to, term, write_prefix(&addr, list[i], term));
}

/* The networks within this one that there are words for, or the one around it. */
static void add_network(struct writing *to, const struct addr_net *net)
{
	struct addr_net part = *net;
	char term[TERM];
	const uint8_t *list;
	size_t count, at = 0;
	unsigned more;

	list = prefixes(net->base.family, &count);
	while (at < count && list[at] < net->bits)
		at++;
	more = at < count ? (unsigned)(list[at] - net->bits) : UINT_MAX;
	if (more <= BITS_MORE) {
		separate(to);
		append(to, "(", 1);
		for (unsigned i = 0; i < 1u << more; i++) {
			for (unsigned bit = 0; bit < more; bit++) {
				unsigned position = net->bits + bit, mask = 0x80u >> position % 8;

				if ((i >> (more - 1 - bit) & 1) != 0)
					part.base.bytes[position / 8] |= (uint8_t)mask;
				else
					part.base.bytes[position / 8] &= (uint8_t)~mask;
			}
			append(to, " OR ", i != 0 ? 4 : 0);
			append_quoted(to, term, write_prefix(&part.base, list[at], term));
		}
		append(to, ")", 1);
	} else if (at != 0) {
		add(to, term, write_prefix(&net->base, list[at - 1], term));
	}
}

static void add_words(void *user, struct fw_slice text)
{
	struct fw_slice word;

	while (filter_word(&text, &word))
		add_word(user, word);
}

bool terms_of_line(const struct json *json, struct arena *arena, struct buf *out, struct pool *pool)
{
	static const struct {
		const char *name;
		char kind;
	} members[MEMBERS] = { { "event_type", 't' }, { "level", 'v' }, { "user_id", 'u' }, { "session_id", 's' } };
	struct writing to = { .out = out, .pool = pool };
	uint32_t node = json_member(json, 0, "connection_id", 13);
	struct fw_slice text, texts[MEMBERS];

	for (size_t i = 0; i < MEMBERS; i++) {
		if (!filter_member(json, arena, members[i].name, &texts[i]))
			return false;
		add_hash(&to, members[i].kind, texts[i]);
	}
	add_kind(&to, texts[0], texts[1]);
	if (!filter_member(json, arena, "source_ip", &text))
		return false;
	add_source(&to, text);
	if (node != 0 && json->nodes[node].kind == JSON_NUMBER && json->nodes[node].size <= ENCODE_U64)
		add_number(&to, json_raw(json, node));
	return filter_texts(json, arena, add_words, &to) && !to.failed;
}

bool terms_of_filter(const struct ledger_filter *filter, struct buf *out, struct pool *pool)
{
	struct writing to = { .out = out, .pool = pool, .expression = true };
	struct fw_slice rest = slice_text(filter->text), word;
	char digits[ENCODE_U64];

	if (filter->event_type != NULL && filter->level != NULL) {
		add_kind(&to, slice_text(filter->event_type), slice_text(filter->level));
	} else {
		add_hash(&to, 't', slice_text(filter->event_type));
		add_hash(&to, 'v', slice_text(filter->level));
	}
	add_hash(&to, 'u', slice_text(filter->user_id));
	add_hash(&to, 's', slice_text(filter->session_id));
	if (filter->source.base.family != 0)
		add_network(&to, &filter->source);
	if (filter->connection != 0)
		add_number(&to, slice(digits, encode_u64(filter->connection, digits)));
	for (unsigned i = 0; i < FILTER_WORDS && filter_word(&rest, &word); i++)
		add_word(&to, word);
	append(&to, "", 1);
	return !to.failed;
}
