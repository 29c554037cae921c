#include "shell/capture_redact.h"

#include "base/encode.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "engine/secrets.h"

enum { NAME_ROOM = 128, WORD = 64, TOKEN = 24, HEXADECIMAL = 32, DIGEST = 32 };

/* A stream of octets that depends on key and text. */
struct stream {
	const uint8_t *key;
	uint8_t digest[DIGEST];
	unsigned used;
	bool holds;
};

static uint8_t draw(struct stream *stream)
{
	if (stream->used == DIGEST) {
		stream->holds = stream->holds && digest_hmac_sha256(slice(stream->key, CAPTURE_KEY),
								    slice(stream->digest, DIGEST), stream->digest);
		stream->used = 0;
	}
	return stream->digest[stream->used++];
}

/* Octets of a character that begins with c, of well-formed UTF-8. */
static size_t replace_wide(struct stream *stream, uint8_t *at, size_t left)
{
	uint8_t last = (uint8_t)(0x80 | (draw(stream) & 0x3f));

	if (at[0] >= 0xf0 && left >= 4) {
		at[0] = 0xf0, at[1] = 0x9f, at[2] = 0x98, at[3] = last; /* U+1F600 and on */
		return 4;
	}
	if (at[0] >= 0xe0 && at[0] < 0xf0 && left >= 3) {
		at[0] = 0xe4, at[1] = 0xb8, at[2] = last; /* U+4E00 and on */
		return 3;
	}
	if (at[0] >= 0xc0 && at[0] < 0xe0 && left >= 2) {
		at[0] = 0xc3, at[1] = (uint8_t)(0xa0 | (last & 0x1f)); /* U+00E0 and on */
		return 2;
	}
	at[0] = '?';
	return 1;
}

static size_t replace_one(struct stream *stream, uint8_t *at, size_t left, bool hexadecimal)
{
	uint8_t c = *at;

	if (c == '\\' && left >= 6 && at[1] == 'u') { /* U+00E0 and on */
		memcpy(at + 2, "00e", 3);
		at[5] = (uint8_t)('0' + draw(stream) % 10);
		return 6;
	}
	if (c == '\\' && left >= 2 && at[1] < 0x80)
		return 2;
	if (c >= 0x80)
		return replace_wide(stream, at, left);
	if (ascii_is_digit(c))
		*at = (uint8_t)('1' + draw(stream) % 9); /* a number does not begin with 0 */
	else if (ascii_is_alpha(c))
		*at = (uint8_t)((c & 0x20) | 'A') + (uint8_t)(draw(stream) % (hexadecimal ? 6 : 26));
	return 1;
}

static bool shape_number(const uint8_t *key, uint8_t *text, size_t size)
{
	struct stream stream = { .key = key, .used = 0 };

	stream.holds = digest_hmac_sha256(slice(key, CAPTURE_KEY), slice(text, size), stream.digest);
	for (size_t i = 0; i < size; i++)
		if (ascii_is_digit(text[i]))
			replace_one(&stream, text + i, 1, false);
	return stream.holds;
}

/* Letters for letters, digits for digits; all else stays, escapes of JSON too. */
static bool shape(const uint8_t *key, uint8_t *text, size_t size)
{
	struct stream stream = { .key = key, .used = 0 };
	bool hexadecimal = true;

	stream.holds = digest_hmac_sha256(slice(key, CAPTURE_KEY), slice(text, size), stream.digest);
	for (size_t i = 0; i < size && hexadecimal; i++)
		hexadecimal = ascii_hex(text[i]) >= 0 || text[i] == '-';
	for (size_t i = 0; i < size;)
		i += replace_one(&stream, text + i, size - i, hexadecimal);
	return stream.holds;
}

/* One word, and none that could be a key: what names types, members of lists, things and times. */
static bool is_word(const uint8_t *text, size_t size)
{
	bool upper = false, lower = false, digit = false, hexadecimal = true, dashed = false;

	if (size > WORD)
		return false;
	for (size_t i = 0; i < size; i++) {
		uint8_t c = text[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && (c < 0x20 || c > 0x7e || strchr("_.:/+-#$", c) == NULL))
			return false;
		upper = upper || (c >= 'A' && c <= 'Z');
		lower = lower || (c >= 'a' && c <= 'z');
		digit = digit || ascii_is_digit(c);
		hexadecimal = hexadecimal && ascii_hex(c) >= 0;
		dashed = dashed || c == '-';
	}
	return !(size >= HEXADECIMAL && hexadecimal && digit) && !(size >= TOKEN && upper && lower && digit && !dashed);
}

static bool is_listed(const struct texts *names, struct fw_slice name)
{
	for (size_t i = 0; names != NULL && i < names->count; i++)
		if (slice_is(name, names->items[i]))
			return true;
	return false;
}

/* In lower case, without "_" and "-". */
static struct fw_slice plain(struct fw_slice name, char room[NAME_ROOM])
{
	size_t size = 0;

	for (size_t i = 0; name.data != NULL && i < name.size && size < NAME_ROOM; i++)
		if (name.data[i] != '_' && name.data[i] != '-')
			room[size++] = (char)ascii_lower(name.data[i]);
	return slice(room, size);
}

static bool has_part(struct fw_slice name, const char *part)
{
	return memmem(name.data, name.size, part, strlen(part)) != NULL;
}

static bool names_secret(struct fw_slice written)
{
	char room[NAME_ROOM];
	struct fw_slice name = plain(written, room);

#define CAPTURE_PART(part)                                                                                             \
	if (has_part(name, #part))                                                                                     \
		return true;
#define CAPTURE_NAME(whole)                                                                                            \
	if (slice_is(name, #whole))                                                                                    \
		return true;
#include "tables/capture_names.def"
#undef CAPTURE_PART
#undef CAPTURE_NAME
	return false;
}

/* What is done with the texts below a member. */
enum word { WORD_BY_FORM, WORD_KEEP, WORD_TEXT, WORD_SECRET };

static enum word word_of_class(const struct capture_rules *rules, struct fw_slice name)
{
	const struct policy_message *message = rules->message;

	for (uint16_t i = 0; message != NULL && i < message->field_count; i++) {
		const struct policy_field *field = &message->fields[i];

		if (!slice_equal(name, slice(field->name, field->name_size)))
			continue;
		if (field->class == CLASS_TOKEN)
			return WORD_SECRET;
		return field->class == CLASS_HTML || field->class == CLASS_EMAIL ? WORD_TEXT : WORD_BY_FORM;
	}
	return WORD_BY_FORM;
}

static enum word word_of(const struct capture_rules *rules, struct fw_slice name)
{
	if (is_listed(rules->redact_fields, name) || names_secret(name))
		return WORD_SECRET;
	if (is_listed(rules->keep_fields, name))
		return WORD_KEEP;
	return word_of_class(rules, name);
}

static bool stays(const struct capture_rules *rules, enum word word, const uint8_t *text, size_t size)
{
	if (word == WORD_SECRET)
		return false;
	if (word == WORD_KEEP || rules->keep == CAPTURE_KEEP_ALL)
		return true;
	return rules->keep == CAPTURE_KEEP_WORDS && word == WORD_BY_FORM && is_word(text, size);
}

struct redacting {
	const uint8_t *key;
	uint8_t *text;
	size_t size;
	bool holds;
};

/* How many of the octets from here on are the rest of an escape of JSON: \n, \uXXXX. With others in their place it
 * would be none. */
static size_t rest_of_escape(const uint8_t *text, size_t at)
{
	for (size_t back = 1; back <= 5 && back <= at; back++) {
		size_t begin = at - back, backslashes = 0;

		while (backslashes <= begin && text[begin - backslashes] == '\\')
			backslashes++;
		if (backslashes % 2 != 0)
			return text[begin + 1] == 'u' ? 6 - back : back == 1 ? 1 : 0;
	}
	return 0;
}

static bool found(void *user, const struct secret_hit *hit)
{
	struct redacting *redacting = user;
	size_t rest = rest_of_escape(redacting->text, hit->offset);

	if (rest < hit->size)
		redacting->holds = redacting->holds &&
				   shape(redacting->key, redacting->text + hit->offset + rest, hit->size - rest);
	return redacting->holds;
}

/* Texts and numbers of a tape, in place of the octets it was made of. */
static bool redact_values(const uint8_t *key, const struct capture_rules *rules, struct arena *arena,
			  const struct json *json, uint8_t *text)
{
	struct {
		uint32_t until;
		enum word word;
	} within = { 0, WORD_BY_FORM };
	bool holds = true;

	for (uint32_t i = 0; i < json->count && holds; i++) {
		const struct json_node *node = &json->nodes[i];
		uint8_t *at = text + node->offset;

		if (i >= within.until)
			within.word = WORD_BY_FORM;
		if (node->is_key && (i >= within.until || within.word != WORD_SECRET)) {
			struct fw_slice name = json_text(json, i, arena);

			holds = name.data != NULL || node->size == 0;
			within.word = word_of(rules, name);
			within.until = json->nodes[i + 1].next;
		}
		if (node->is_key) /* names of members are words; what is none may be somebody's address */
			holds = holds && (stays(rules, WORD_BY_FORM, at, node->size) || node->size == 0 ||
					  rules->keep == CAPTURE_KEEP_SHAPES || shape(key, at, node->size));
		else if (node->kind == JSON_STRING && !stays(rules, within.word, at, node->size))
			holds = holds && shape(key, at, node->size);
		else if (node->kind == JSON_NUMBER && within.word == WORD_SECRET)
			holds = holds && shape_number(key, at, node->size);
	}
	return holds;
}

/* Some dialects have something before and behind their JSON. */
static bool find_json(struct arena *arena, const uint8_t *text, size_t size, struct json *ret_json, size_t *ret_at)
{
	size_t at = 0;

	while (size != 0 && (text[size - 1] == 0x1e || text[size - 1] == 0))
		size--;
	if (json_parse(arena, slice(text, size), 0, ret_json, NULL) == JSON_OK) {
		*ret_at = 0;
		return true;
	}
	while (at < size && text[at] != '{' && text[at] != '[')
		at++;
	*ret_at = at;
	return at < size && json_parse(arena, slice(text + at, size - at), 0, ret_json, NULL) == JSON_OK;
}

bool capture_redact(const uint8_t key[CAPTURE_KEY], const struct capture_rules *rules, struct arena *arena,
		    uint8_t *text, size_t size)
{
	struct redacting redacting = { key, text, size, true };
	struct json json;
	size_t at;

	if (!utf8_valid(text, size))
		return false;
	secrets_find(slice(text, size), UINT32_MAX, found, &redacting);
	if (!redacting.holds)
		return false;
	if (!find_json(arena, text, size, &json, &at))
		return rules->keep == CAPTURE_KEEP_ALL || shape(key, text, size);
	return redact_values(key, rules, arena, &json, text + at) &&
	       json_parse(arena, slice(text + at, json.size), 0, &json, NULL) == JSON_OK;
}

void capture_redact_user(const uint8_t key[CAPTURE_KEY], struct fw_slice user, char ret_text[CAPTURE_USER])
{
	uint8_t digest[DIGEST] = { 0 };

	digest_hmac_sha256(slice(key, CAPTURE_KEY), user, digest);
	memcpy(ret_text, "u-", 2);
	encode_hex(digest, (CAPTURE_USER - 2) / 2, ret_text + 2);
}
