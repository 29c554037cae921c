/* The JSON reader and writer against jansson: random and broken documents, the same ones each run. jansson is opened at
 * run time and by its functions alone, because both sides have a json_integer. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "codec/json.h"

enum { ROUNDS = 150000, ROOM = 4096, REJECT_DUPLICATES = 1, DECODE_ANY = 4, ALLOW_NUL = 16 };

struct peer_error { /* json_error_t */
	int line, column, position;
	char source[80];
	char text[160];
};

static struct {
	void *(*loadb)(const char *bytes, size_t size, size_t flags, struct peer_error *error);
	int (*equal)(const void *a, const void *b);
	void (*free)(void *value);
} peer;

static uint64_t random_state = 7;
static uint32_t below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % bound;
}

struct document {
	char bytes[ROOM];
	size_t size;
};

static void put(struct document *d, const char *text)
{
	size_t size = strlen(text);

	if (d->size + size <= ROOM) {
		memcpy(d->bytes + d->size, text, size);
		d->size += size;
	}
}

static void put_blank(struct document *d)
{
	static const char *const blanks[] = { " ", "\n", "\t", "\r\n" };

	if (below(6) == 0)
		put(d, blanks[below(4)]);
}

static void put_string(struct document *d)
{
	static const char *const pieces[] = { "a",
					      "b",
					      "c",
					      "x y",
					      "\xc3\xa9",
					      "\xe2\x82\xac",
					      "\xf0\x9f\x98\x80",
					      "\\n",
					      "\\\"",
					      "\\\\",
					      "\\/",
					      "\\b",
					      "\\u0061",
					      "\\u0062",
					      "\\u00e9",
					      "\\ud83d\\ude00",
					      "\\u0000",
					      "\\uffff",
					      "\x7f",
					      "0123456789abcdefghij" };
	uint32_t count = below(4);

	put(d, "\"");
	while (count-- > 0)
		put(d, pieces[below(20)]);
	put(d, "\"");
}

static void put_number(struct document *d)
{
	static const char *const numbers[] = {
		"0",
		"-0",
		"1",
		"-1",
		"42",
		"1.5",
		"-0.25",
		"1e5",
		"1E+5",
		"2e-7",
		"9007199254740991",
		"9223372036854775807",
		"-9223372036854775808",
		"9223372036854775808",
		"123456789012345678901234567890",
		"1e308",
		"1e309",
		"1e-400",
		("0.12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
		 "345678901234567890123456789012345678901234567890")
	};

	put(d, numbers[below(below(4) == 0 ? 19 : 12)]);
}

static void put_value(struct document *d, unsigned depth)
{
	static const char *const words[] = { "true", "false", "null" };
	uint32_t kind = below(depth > 5 ? 6 : 10), count = below(below(20) == 0 ? 40 : 5), i;

	put_blank(d);
	if (kind < 1) {
		put(d, words[below(3)]);
	} else if (kind < 3) {
		put_number(d);
	} else if (kind < 6) {
		put_string(d);
	} else {
		put(d, kind < 8 ? "{" : "[");
		for (i = 0; i < count; i++) {
			put(d, i != 0 ? "," : "");
			put_blank(d);
			if (kind < 8) {
				put_string(d);
				put_blank(d);
				put(d, ":");
			}
			put_value(d, depth + 1);
		}
		put_blank(d);
		put(d, kind < 8 ? "}" : "]");
	}
	put_blank(d);
}

/* Objects of many different keys, sometimes with one twice: what random keys are too alike for. */
static void put_members(struct document *d)
{
	uint32_t count = 1 + below(60), i;
	char key[32];

	put(d, "{");
	for (i = 0; i < count; i++) {
		uint32_t number = i != 0 && below(80) == 0 ? below(i) : i;

		snprintf(key, sizeof(key), below(2) != 0 ? "%s\"k%u\":" : "%s\"\\u006b%u\":", i != 0 ? "," : "",
			 number);
		put(d, key);
		put_number(d);
	}
	put(d, "}");
}

static void put_nest(struct document *d)
{
	uint32_t depth = 28 + below(10), i;

	for (i = 0; i < depth; i++)
		put(d, i & 1 ? "[" : "{\"a\":");
	put(d, "1");
	while (i-- > 0)
		put(d, i & 1 ? "]" : "}");
}

static void mutate(struct document *d)
{
	static const char octets[] = "{}[]\",:\\ue019.-+tfn \t\n\x01\x80\xbf\xc0\xe0\xed\xf4\xff";
	uint32_t count = below(3);

	while (count-- > 0 && d->size != 0) {
		uint32_t at = below((uint32_t)d->size), octet = below(sizeof(octets));

		switch (below(4)) {
		case 0:
			d->bytes[at] = octets[octet]; /* NUL too */
			break;
		case 1:
			memmove(d->bytes + at, d->bytes + at + 1, d->size - at - 1);
			d->size--;
			break;
		case 2:
			if (d->size < ROOM) {
				memmove(d->bytes + at + 1, d->bytes + at, d->size - at);
				d->bytes[at] = octets[octet];
				d->size++;
			}
			break;
		default:
			if (below(4) == 0)
				d->size = at;
			break;
		}
	}
}

/* What the two may judge differently: the limits of docs/reference/json.md, the limits of jansson's numbers and keys,
 * and that jansson overlooks a NUL behind a number or word. */
static bool expected_difference(const struct document *d, enum json_result result, const struct json_error *error,
				const struct peer_error *other)
{
	if (result == JSON_OK)
		return strstr(other->text, "real number overflow") != NULL || strstr(other->text, "too big") != NULL ||
		       strstr(other->text, "NUL byte in object key") != NULL;
	if (error->offset < d->size && d->bytes[error->offset] == '\0')
		return true;
	return result == JSON_DEPTH || strcmp(error->what, "number too long") == 0;
}

static void assert_same_value(const struct json *json, struct arena *arena, const void *value, const struct document *d)
{
	struct pool pool;
	struct buf out = { 0 };
	struct json_writer w = { .out = &out, .pool = &pool };
	struct peer_error error;
	void *again;

	pool_init(&pool);
	json_write_value(&w, json, 0, arena, NULL, NULL);
	assert_false(w.failed);
	again = peer.loadb((const char *)buf_data(&out), buf_size(&out), REJECT_DUPLICATES | DECODE_ANY | ALLOW_NUL,
			   &error);
	if (again == NULL || !peer.equal(value, again))
		fail_msg("%.*s was written %.*s", (int)d->size, d->bytes, (int)buf_size(&out),
			 (const char *)buf_data(&out));
	peer.free(again);
	buf_clear(&out, &pool);
	pool_fini(&pool);
}

static void test_jansson(void **state)
{
	unsigned accepted = 0, refused = 0, different = 0, duplicates = 0;
	struct arena arena;

	(void)state;
	arena_init(&arena, 16u << 20);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct document d = { .size = 0 };
		struct json_error error = { 0 };
		struct peer_error other = { 0 };
		struct json json;
		enum json_result result;
		char *copy;
		void *value;

		if (round % 8 == 0)
			put_members(&d);
		else if (round % 64 == 1)
			put_nest(&d);
		else
			put_value(&d, 0);
		mutate(&d);
		copy = malloc(d.size != 0 ? d.size : 1);
		memcpy(copy, d.bytes, d.size);
		arena_reset(&arena);
		result = json_parse(&arena, slice(copy, d.size), 0, &json, &error);
		value = peer.loadb(copy, d.size, REJECT_DUPLICATES | DECODE_ANY | ALLOW_NUL, &other);
		if ((result == JSON_OK) != (value != NULL)) {
			if (!expected_difference(&d, result, &error, &other))
				fail_msg("%.*s: here %d %s, there %s", (int)d.size, d.bytes, (int)result, error.what,
					 other.text);
			different++;
		} else if (value != NULL) {
			assert_same_value(&json, &arena, value, &d);
			accepted++;
		} else {
			refused++;
			duplicates += result == JSON_DUPLICATE;
		}
		if (value != NULL)
			peer.free(value);
		free(copy);
	}
	arena_fini(&arena);
	print_message("# %u accepted by both, %u refused by both (%u for a duplicate key), %u documented differences\n",
		      accepted, refused, duplicates, different);
	assert_true(accepted > ROUNDS / 5 && refused > ROUNDS / 5 && duplicates > ROUNDS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_jansson) };
	void *library = dlopen("libjansson.so.4", RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		printf("1..0 # SKIP no libjansson.so.4\n");
		return 0;
	}
	*(void **)&peer.loadb = dlsym(library, "json_loadb");
	*(void **)&peer.equal = dlsym(library, "json_equal");
	*(void **)&peer.free = dlsym(library, "json_delete");
	if (peer.loadb == NULL || peer.equal == NULL || peer.free == NULL)
		return 1;
	return cmocka_run_group_tests_name("oracle_json", tests, NULL, NULL);
}
