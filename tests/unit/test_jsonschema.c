/* What the suite of JSON Schema does not ask: which problems are named, bounds of a run, schemas that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "schema/jsonschema.h"
#include "schema/program.h"

static struct arena arena;
static struct json json;
static struct jsonschema_problems problems;
static struct jsonschema_error error;
static bool closed; /* how compiled() does it */

static int start(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)1 << 22);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct jsonschema *compiled(const char *schema)
{
	struct jsonschema_options options = { .formats = true, .closed = closed };
	/* Freed before the run: a program owns its texts. */
	char *copy = strdup(schema);
	struct jsonschema *made = jsonschema_compile(slice_text(copy), &options, &error);

	free(copy);
	if (made == NULL)
		print_message("%s: %s\n", error.pointer, error.what);
	assert_non_null(made);
	return made;
}

static enum jsonschema_result run_steps(const char *schema, const char *text, uint64_t steps)
{
	struct jsonschema *made = compiled(schema);
	static char keywords[LIMIT_PROBLEMS][32], where[LIMIT_PROBLEMS][64];
	enum jsonschema_result result;

	arena_reset(&arena);
	assert_int_equal(json_parse(&arena, slice_text(text), 0, &json, NULL), JSON_OK);
	memset(&problems, 0, sizeof(problems));
	result = jsonschema_check(made, &json, 0, &arena, steps, &problems);
	for (unsigned i = 0; i < problems.count; i++) { /* they are texts of the program */
		snprintf(keywords[i], sizeof(keywords[i]), "%s", problems.list[i].keyword);
		snprintf(where[i], sizeof(where[i]), "%s", problems.list[i].schema);
		problems.list[i].keyword = keywords[i];
		problems.list[i].schema = where[i];
	}
	jsonschema_free(made);
	return result;
}

static enum jsonschema_result run(const char *schema, const char *text)
{
	return run_steps(schema, text, jsonschema_steps(strlen(text)));
}

static void is_problem(unsigned i, const char *instance, const char *keyword, const char *schema)
{
	assert_true(i < problems.count);
	assert_string_equal(problems.list[i].instance, instance);
	assert_string_equal(problems.list[i].keyword, keyword);
	assert_string_equal(problems.list[i].schema, schema);
}

static void every_problem(void **state)
{
	(void)state;
	assert_int_equal(run("{\"type\":\"object\",\"required\":[\"a/b\",\"c\"],\"properties\":{"
			     "\"name\":{\"type\":\"string\",\"maxLength\":3},"
			     "\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/small\"}}},"
			     "\"additionalProperties\":false,\"$defs\":{\"small\":{\"maximum\":9}}}",
			     "{\"name\":\"abcd\",\"list\":[1,10,\"x\",11],\"odd~\":{},\"c\":1}"),
			 JSONSCHEMA_INVALID);
	assert_int_equal(problems.total, 6);
	is_problem(0, "/name", "maxLength", "#/properties/name");
	assert_true(problems.list[0].has_limit);
	assert_int_equal(problems.list[0].limit, 3);
	is_problem(1, "/list/1", "maximum", "#/$defs/small");
	is_problem(2, "/list/3", "maximum", "#/$defs/small");
	is_problem(3, "/odd~0", "additionalProperties", "#");
	assert_true(problems.list[3].unknown);
	is_problem(4, "/c", "additionalProperties", "#");
	is_problem(5, "/a~1b", "required", "#");
	assert_int_equal(problems.unknown, 2);
}

static void missing_members(void **state)
{
	(void)state;
	assert_int_equal(run("{\"required\":[\"a/b\",\"c\"],\"dependentRequired\":{\"x\":[\"y\"]}}", "{\"x\":1}"),
			 JSONSCHEMA_INVALID);
	assert_int_equal(problems.total, 3);
	is_problem(0, "/a~1b", "required", "#");
	is_problem(1, "/c", "required", "#");
	is_problem(2, "/y", "dependentRequired", "#");
}

static void no_more_than_the_list_has(void **state)
{
	(void)state;
	assert_int_equal(
		run("{\"items\":{\"type\":\"string\"}}", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]"),
		JSONSCHEMA_INVALID);
	assert_int_equal(problems.count, LIMIT_PROBLEMS);
	assert_int_equal(problems.total, 20);
	assert_string_equal(problems.list[0].expected, "string");
}

/* Of several forms of a message the problems of the one that is meant are named. */
static void the_form_that_is_meant(void **state)
{
	static const char schema[] =
		"{\"oneOf\":[{\"properties\":{\"kind\":{\"const\":\"a\"},\"n\":{\"type\":\"integer\"}}},"
		"{\"properties\":{\"kind\":{\"const\":\"b\"},\"n\":{\"minimum\":5}},\"required\":[\"m\"]}]}";

	(void)state;
	assert_int_equal(run(schema, "{\"n\":1.5,\"kind\":\"b\"}"), JSONSCHEMA_INVALID);
	assert_int_equal(problems.total, 2);
	is_problem(0, "/n", "minimum", "#/oneOf/1/properties/n");
	is_problem(1, "/m", "required", "#/oneOf/1");
	assert_int_equal(run(schema, "{\"kind\":\"c\"}"), JSONSCHEMA_INVALID);
	assert_int_equal(problems.total, 1);
	is_problem(0, "", "oneOf", "#");
	assert_int_equal(run("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"maxItems\":1}]}", "[1,2]"),
			 JSONSCHEMA_INVALID);
	is_problem(0, "", "maxItems", "#/anyOf/1");
}

static void unknown_members_by_key(void **state)
{
	struct jsonschema *made =
		compiled("{\"properties\":{\"a\":{\"additionalProperties\":false}},\"unevaluatedProperties\":false}");
	uint64_t keys[1] = { 0 };

	(void)state;
	arena_reset(&arena);
	assert_int_equal(json_parse(&arena, slice_text("{\"a\":{\"b\":1},\"c\":2}"), 0, &json, NULL), JSON_OK);
	problems.unknown_keys = keys;
	assert_int_equal(jsonschema_check(made, &json, 0, &arena, 1000, &problems), JSONSCHEMA_INVALID);
	assert_int_equal(problems.total, 2);
	assert_int_equal(problems.unknown, 2);
	/* root, "a", {, "b", 1, "c" */
	assert_int_equal(keys[0], 1 << 3 | 1 << 5);
	problems.unknown_keys = NULL;
	jsonschema_free(made);
}

static void pointers_are_from_the_value_judged(void **state)
{
	struct jsonschema *made = compiled("{\"items\":{\"type\":\"null\"}}");

	(void)state;
	arena_reset(&arena);
	assert_int_equal(json_parse(&arena, slice_text("{\"a\":[null,1]}"), 0, &json, NULL), JSON_OK);
	assert_int_equal(jsonschema_check(made, &json, 2, &arena, 1000, &problems), JSONSCHEMA_INVALID);
	assert_string_equal(problems.list[0].instance, "/1");
	jsonschema_free(made);
}

/* A name that does not fit is left out, with all behind it. */
static void long_names(void **state)
{
	char text[400];

	(void)state;
	snprintf(text, sizeof(text), "{\"a\":{\"%0200d\":{\"b\":1}}}", 0);
	assert_int_equal(
		run("{\"$defs\":{\"t\":{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/t\"}}},"
		    "\"$ref\":\"#/$defs/t\"}",
		    text),
		JSONSCHEMA_INVALID);
	assert_string_equal(problems.list[0].instance, "/a");
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(run("{\"maximum\":9007199254740993}", "9007199254740994"), JSONSCHEMA_INVALID);
	assert_int_equal(run("{\"maximum\":9007199254740993}", "9007199254740993"), JSONSCHEMA_VALID);
	assert_int_equal(run("{\"multipleOf\":0.01}", "19.99"), JSONSCHEMA_VALID);
	assert_int_equal(run("{\"multipleOf\":0.01}", "19.999"), JSONSCHEMA_INVALID);
	assert_int_equal(run("{\"const\":1e2}", "100.0"), JSONSCHEMA_VALID);
	assert_int_equal(run("{\"exclusiveMinimum\":0}", "1e-400"), JSONSCHEMA_VALID);
	assert_int_equal(run("{\"minLength\":2,\"maxLength\":2}", "\"\\ud83d\\ude00\xf0\x9f\x98\x80\""),
			 JSONSCHEMA_VALID);
	assert_int_equal(run("{\"minLength\":3}", "\"\\ud83d\\ude00\xf0\x9f\x98\x80\""), JSONSCHEMA_INVALID);
}

/* An expression that backtracks without end, an array that is compared without end, members without end. */
static void it_ends(void **state)
{
	char text[8200] = "\"", list[8000] = "[";

	(void)state;
	memset(text + 1, 'a', 40);
	strcpy(text + 41, "!\"");
	assert_int_equal(run("{\"pattern\":\"^(a+)+$\"}", text), JSONSCHEMA_BUDGET);
	assert_int_equal(run("{\"pattern\":\"(.*)*(.*)*(.*)*[xy]\"}", text), JSONSCHEMA_BUDGET);
	memset(text + 1, 'a', 600);
	strcpy(text + 601, "\"");
	assert_int_equal(run("{\"pattern\":\"^(.|\\\\n)*$\"}", text), JSONSCHEMA_VALID);
	memset(text + 1, 'a', 8000); /* quadratic, each try looks at all that is left */
	strcpy(text + 8001, "!\"");
	assert_int_equal(run("{\"pattern\":\"([a-z]+)[@%]\"}", text), JSONSCHEMA_BUDGET);
	assert_int_equal(run("{\"pattern\":\"[a-z]+[@%]\"}", text), JSONSCHEMA_INVALID); /* it needs no going back */
	assert_int_equal(run("{\"pattern\":\"^[a-z]+!$\"}", text), JSONSCHEMA_VALID);
	/* What is long and has an end is judged. */
	for (unsigned i = 8; i < 8000; i += 8)
		text[i] = ' ';
	assert_int_equal(run("{\"pattern\":\"([a-z]+)[@%]\"}", text), JSONSCHEMA_INVALID);
	for (unsigned i = 0; i < 2000; i++)
		strcat(list, i == 1999 ? "1]" : "1,");
	assert_int_equal(run_steps("{\"items\":{\"type\":\"integer\"}}", list, 1000), JSONSCHEMA_BUDGET);
	assert_int_equal(run_steps("{\"items\":{\"type\":\"integer\"}}", list, 10000), JSONSCHEMA_VALID);
	/* "not" makes no yes of it. */
	assert_int_equal(run_steps("{\"not\":{\"items\":{\"type\":\"integer\"}}}", list, 1000), JSONSCHEMA_BUDGET);
	assert_int_equal(run_steps("{\"if\":{\"items\":{\"type\":\"integer\"}}}", list, 1000), JSONSCHEMA_BUDGET);
}

/* Only a value shows that it has no end. */
static void references_that_turn(void **state)
{
	struct jsonschema_options options = { 0 };

	(void)state;
	assert_int_equal(run("{\"if\":true,\"then\":{\"$ref\":\"#\"}}", "1"), JSONSCHEMA_DEPTH);
	assert_null(jsonschema_compile(slice_text("{\"allOf\":[{\"$ref\":\"#\"}]}"), &options, &error));
	assert_string_equal(error.what, "refers to itself without end");
	assert_null(jsonschema_compile(slice_text("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},"
						  "\"b\":{\"not\":{\"$ref\":\"#/$defs/a\"}}}}"),
				       &options, &error));
}

static void memory_is_bounded(void **state)
{
	struct jsonschema *made = compiled("{\"pattern\":\"^(a)\",\"unevaluatedItems\":{\"uniqueItems\":true}}");
	struct arena little;

	(void)state;
	arena_reset(&arena);
	assert_int_equal(json_parse(&arena, slice_text("\"aaaa\""), 0, &json, NULL), JSON_OK);
	arena_init(&little, 64);
	assert_int_equal(jsonschema_check(made, &json, 0, &little, 1000, &problems), JSONSCHEMA_MEMORY);
	arena_fini(&little);
	jsonschema_free(made);
}

static void refused(void **state)
{
	static const struct {
		const char *schema, *pointer, *keyword, *what;
		unsigned line;
	} cases[] = {
		{ "{\n\"type\":\n\"strin\"}", "/type", "type",
		  "no type: null, boolean, number, integer, string, array and object are", 3 },
		{ "{\"properties\":{\"a\":\n{\"pattern\":\"(a\"}}}", "/properties/a/pattern", "pattern",
		  "no regular expression that is understood here: a \"(\" without its \")\"", 2 },
		{ "{\"properties\":[]}", "/properties", "properties", "an object of schemas is needed", 1 },
		{ "{\"items\":[{}]}", "/items", "items", "a schema is an object, true or false", 1 },
		{ "{\"maxLength\":-1}", "/maxLength", "maxLength", "an integer of 0 or more is needed", 1 },
		{ "{\"maxLength\":\"1\"}", "/maxLength", "maxLength", "a number is needed", 1 },
		{ "{\"multipleOf\":0}", "/multipleOf", "multipleOf", "a number above 0 of at most 18 digits is needed",
		  1 },
		{ "{\"$ref\":\"#/$defs/x\"}", "/$ref", "$ref", "leads nowhere: \"#/$defs/x\"", 1 },
		{ "{\"$ref\":\"https://example.com/x\"}", "/$ref", "$ref",
		  "leads to a document that is not given: \"https://example.com/x\"", 1 },
		{ "{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", "/$schema", "$schema",
		  "\"$schema\" is neither 2020-12 nor draft 7: \"http://json-schema.org/draft-04/schema\"", 1 },
		{ "{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", "/$defs/b", "b",
		  "the anchor \"x\" is there twice", 1 },
		{ "{\"$defs\":{\"a\":{\"$id\":\"http://x/\"},\"b\":{\"$id\":\"http://x/\"}}}", "/$defs/b/$id", "$id",
		  "this \"$id\" is there twice", 1 },
		{ "{\"allOf\":[]}", "/allOf", "allOf", "the list is empty", 1 },
		{ "{\"required\":[1]}", "/required/0", "0", "a name is needed", 1 },
		{ "[]", "", "", "a schema is an object, true or false", 1 },
		{ "{\"a\":1,\n\"a\":2}", "/a", "", "no JSON: key is there twice", 2 },
	};
	struct jsonschema_options options = { .formats = true };

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(jsonschema_compile(slice_text(cases[i].schema), &options, &error));
		if (i + 1 != sizeof(cases) / sizeof(cases[0]))
			assert_string_equal(error.what, cases[i].what);
		assert_string_equal(error.pointer, cases[i].pointer);
		assert_string_equal(error.keyword, cases[i].keyword);
		assert_int_equal(error.line, cases[i].line);
	}
	options.memory = 2000;
	assert_null(jsonschema_compile(slice_text("{\"properties\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{}}}"), &options,
				       &error));
	assert_string_equal(error.what, "the schema needs too much memory");
}

struct warnings {
	unsigned count;
	struct jsonschema_error list[8];
};

static void note(void *user, const struct jsonschema_error *what)
{
	struct warnings *warnings = user;

	assert_true(warnings->count < 8);
	warnings->list[warnings->count++] = *what;
}

static void what_has_no_effect_is_told(void **state)
{
	struct warnings warnings = { 0 };
	struct jsonschema_options options = { .formats = true, .warn = note, .user = &warnings };

	(void)state;
	jsonschema_free(
		jsonschema_compile(slice_text("{\"title\":\"t\",\"maxLenght\":3,\"format\":\"colour\",\"x-a\":1,\n"
					      "\"additionalItems\":false,\"properties\":{\"maxLenght\":true}}"),
				   &options, &error));
	assert_int_equal(warnings.count, 3);
	assert_string_equal(warnings.list[0].pointer, "/maxLenght");
	assert_string_equal(warnings.list[0].what, "this keyword is not known and has no effect");
	assert_string_equal(warnings.list[1].what, "this keyword has no effect in this draft");
	assert_int_equal(warnings.list[1].line, 2);
	assert_string_equal(warnings.list[2].what, "the format \"colour\" is not judged here");
	warnings.count = 0;
	options.draft = JSONSCHEMA_7;
	jsonschema_free(jsonschema_compile(
		slice_text("{\"definitions\":{\"a\":{}},\"$ref\":\"#/definitions/a\",\"maxLength\":3}"), &options,
		&error));
	assert_int_equal(warnings.count, 1);
	assert_string_equal(warnings.list[0].what, "beside \"$ref\" this has no effect in draft 7");
}

/* What PCRE2 alone has is refused, what the two read differently is read as ECMA-262 does. */
static void expressions(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "^\\\\s$", "\"\\u00a0\"", true },
		{ "^[^\\\\S]$", "\"\\ufeff\"", true },
		{ "^\\\\d$", "\"\xd9\xa3\"", false },
		{ "^\\\\w$", "\"\xc3\xa9\"", false },
		{ "^a$", "\"a\\n\"", false },
		{ "^.$", "\"\\u2028\"", false },
		{ "^.$", "\"\xf0\x9f\x98\x80\"", true },
		{ "^\\\\p{Letter}+$", "\"\xc3\xa9z\"", true },
		{ "^\\\\p{Script=Greek}$", "\"\xce\xb1\"", true },
		{ "^\\\\u{1F600}$", "\"\xf0\x9f\x98\x80\"", true },
		{ "^\\\\ud83d\\\\ude00$", "\"\xf0\x9f\x98\x80\"", true },
		{ "^\\\\v$", "\"\\u000b\"", true },
		{ "^\\\\v$", "\"\\n\"", false },
		{ "^[[:alpha:]$", "\":\"", true },
		{ "^[]$", "\"\"", false },
		{ "^[^]$", "\"\\n\"", true },
		{ "^(a)?\\\\1b$", "\"b\"", true },
		{ "^(?<n>a)\\\\k<n>$", "\"aa\"", true },
		{ "^\\\\cA$", "\"\\u0001\"", true },
		{ "^[\\\\b]$", "\"\\b\"", true },
		{ "(?<=a)b", "\"ab\"", true },
		{ "^\\\\x41\\\\0$", "\"A\\u0000\"", true },
		{ "^a{2,}?$", "\"aaa\"", true },
	};
	static const char *const wrong[] = { "(?i)a", "a++",  "\\\\Aa", "a\\\\Z",    "(*FAIL)",	  "\\\\Qa\\\\E",
					     "(?>a)", "(?1)", "(?#c)a", "\\\\h",     "a**",	  "*a",
					     "a{",    "]",    "(?R)",	"\\\\K",     "\\\\C",	  "\\\\X",
					     "[a",    "a)",   "\\\\1",	"\\\\ud83d", "\\\\p{Nix}" };
	struct jsonschema_options options = { 0 };
	char schema[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(schema, sizeof(schema), "{\"pattern\":\"%s\"}", cases[i].pattern);
		if (run(schema, cases[i].text) != (cases[i].matches ? JSONSCHEMA_VALID : JSONSCHEMA_INVALID))
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
	}
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(schema, sizeof(schema), "{\"pattern\":\"%s\"}", wrong[i]);
		if (jsonschema_compile(slice_text(schema), &options, &error) != NULL)
			fail_msg("%s is taken", wrong[i]);
	}
}

/* What a schema does not list is unknown where the caller asks for it, and only where a schema describes. */
static void closed_objects(void **state)
{
#define A "\"properties\":{\"a\":true}"
#define B "\"properties\":{\"b\":true}"
	static const struct {
		const char *schema, *text;
		bool open, closed;
	} cases[] = {
		{ "{" A "}", "{\"a\":1}", true, true },
		{ "{" A "}", "{\"a\":1,\"x\":1}", true, false },
		{ "{" A ",\"additionalProperties\":true}", "{\"x\":1}", true, true },
		{ "{" A ",\"additionalProperties\":{\"type\":\"integer\"}}", "{\"x\":1}", true, true },
		{ "{" A ",\"unevaluatedProperties\":true}", "{\"x\":1}", true, true },
		{ "{\"type\":\"object\"}", "{\"x\":1}", true, true },
		{ "{\"required\":[\"x\"]}", "{\"x\":1,\"y\":1}", true, true },
		{ "{\"patternProperties\":{\"^a\":true}}", "{\"ab\":1}", true, true },
		{ "{\"patternProperties\":{\"^a\":true}}", "{\"b\":1}", true, false },
		{ "true", "{\"x\":1}", true, true },
		/* members of members, elements */
		{ "{\"properties\":{\"m\":{" A "}}}", "{\"m\":{\"a\":{\"x\":1}}}", true, true },
		{ "{\"properties\":{\"m\":{" A "}}}", "{\"m\":{\"x\":1}}", true, false },
		{ "{\"items\":{" A "}}", "[{\"a\":1},{\"x\":1}]", true, false },
		{ "{\"prefixItems\":[{" A "}]}", "[{\"x\":1},{\"x\":1}]", true, false },
		{ "{\"additionalProperties\":{" A "}}", "{\"m\":{\"x\":1}}", true, false },
		{ "{\"patternProperties\":{\"m\":{" A "}}}", "{\"m\":{\"x\":1}}", true, false },
		{ "{\"unevaluatedItems\":{" A "}}", "[{\"x\":1}]", true, false },
		/* parts of one object know each other */
		{ "{\"allOf\":[{" A "},{" B "}]}", "{\"a\":1,\"b\":1}", true, true },
		{ "{\"allOf\":[{" A "},{" B "}]}", "{\"a\":1,\"x\":1}", true, false },
		{ "{" A ",\"anyOf\":[{" B "},{}]}", "{\"a\":1,\"b\":1}", true, true },
		{ "{" A ",\"anyOf\":[{" B ",\"required\":[\"b\"]}]}", "{\"b\":1,\"x\":1}", true, false },
		{ "{\"if\":{\"required\":[\"b\"]},\"then\":{" B "},\"else\":{" A "}}", "{\"b\":1}", true, true },
		{ "{\"if\":{\"required\":[\"b\"]},\"then\":{" B "},\"else\":{" A "}}", "{\"a\":1,\"b\":1}", true,
		  false },
		{ "{" A ",\"dependentSchemas\":{\"a\":{" B "}}}", "{\"a\":1,\"b\":1}", true, true },
		{ "{" A ",\"dependentSchemas\":{\"a\":{" B "}}}", "{\"b\":1}", true, false },
		{ "{\"$ref\":\"#/$defs/r\",\"$defs\":{\"r\":{" A "}}}", "{\"x\":1}", true, false },
		{ "{\"$ref\":\"#/$defs/r\"," B ",\"$defs\":{\"r\":{" A "}}}", "{\"a\":1,\"b\":1}", true, true },
		{ "{\"allOf\":[{" A ",\"additionalProperties\":true},{" B "}]}", "{\"x\":1}", true, true },
		/* one schema, as a part and as a member */
		{ "{\"allOf\":[{\"$ref\":\"#/$defs/r\"}]," B
		  ",\"$defs\":{\"r\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/r\"}}}}}",
		  "{\"b\":1,\"a\":{\"a\":{}}}", true, true },
		{ "{\"allOf\":[{\"$ref\":\"#/$defs/r\"}]," B
		  ",\"$defs\":{\"r\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/r\"}}}}}",
		  "{\"b\":1,\"a\":{\"b\":1}}", true, false },
		{ "{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", "{\"a\":{\"a\":{\"x\":1}}}", true, false },
		{ "{\"$dynamicAnchor\":\"n\",\"properties\":{\"a\":{\"$dynamicRef\":\"#n\"}}}", "{\"a\":{\"a\":{}}}",
		  true, true },
		{ "{\"$dynamicAnchor\":\"n\",\"properties\":{\"a\":{\"$dynamicRef\":\"#n\"}}}", "{\"a\":{\"x\":1}}",
		  true, false },
		/* questions stay as they are written */
		{ "{\"not\":{\"properties\":{\"a\":{\"properties\":{\"b\":true},\"required\":[\"b\"]}},\"required\":["
		  "\"a\"]}}",
		  "{\"a\":{\"b\":1,\"x\":1}}", false, false },
		{ "{\"not\":{" A ",\"required\":[\"a\"]}}", "{\"a\":1,\"x\":1}", false, false },
		{ "{\"contains\":{" A ",\"required\":[\"a\"]}}", "[{\"a\":1,\"x\":1}]", true, true },
		{ "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"properties\":{\"m\":{\"$ref\":\"#/"
		  "definitions/r\"}},"
		  "\"definitions\":{\"r\":{\"allOf\":[{" A "}]," B "}}}",
		  "{\"m\":{\"a\":1,\"b\":1}}", true, true },
		{ "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"properties\":{\"m\":{\"$ref\":\"#/"
		  "definitions/r\"}},"
		  "\"definitions\":{\"r\":{\"allOf\":[{" A "}]," B "}}}",
		  "{\"m\":{\"a\":1,\"x\":1}}", true, false },
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		enum jsonschema_result want =
			(i % 2 ? cases[i / 2].closed : cases[i / 2].open) ? JSONSCHEMA_VALID : JSONSCHEMA_INVALID;

		closed = i % 2;
		if (run(cases[i / 2].schema, cases[i / 2].text) != want)
			fail_msg("%s on %s, %s", cases[i / 2].schema, cases[i / 2].text, closed ? "closed" : "open");
		if (closed && cases[i / 2].open && want == JSONSCHEMA_INVALID &&
		    (problems.total != 1 || problems.unknown != 1))
			fail_msg("%s on %s: %u problems", cases[i / 2].schema, cases[i / 2].text, problems.total);
	}
	/* Of what is wrong anyway no member is called unknown that an alternative would have listed. */
	closed = true;
	assert_int_equal(run("{\"oneOf\":[{\"properties\":{\"k\":{\"const\":1},\"v\":{\"type\":\"integer\"}}},"
			     "{\"properties\":{\"k\":{\"const\":2}}}]}",
			     "{\"k\":1,\"v\":\"x\"}"),
			 JSONSCHEMA_INVALID);
	assert_int_equal(problems.unknown, 0);
	closed = false;
#undef A
#undef B
}

static uint32_t below(uint32_t limit)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % limit;
}

/* An expression of a few atoms, some of them such that pattern_simple.c must leave them to PCRE2. */
static void make_expression(char *to)
{
	static const char *const atoms[] = { "a", "b",	   "[ab]", "[a-c]", "[b-]", "\\\\w",	"\\\\d", "[\\\\d_]",
					     "1", "\\\\.", "-",	   "[^a]",  ".",    "[a-b1-2]", "_" };
	static const char *const counts[] = { "", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "{0}", "+?" };
	unsigned count = below(5);

	*to = '\0';
	strcat(to, below(2) ? "^" : "");
	while (count-- != 0) {
		strcat(to, atoms[below(sizeof(atoms) / sizeof(*atoms))]);
		strcat(to, counts[below(sizeof(counts) / sizeof(*counts))]);
	}
	strcat(to, below(2) ? "$" : "");
}

/* What is matched here is what PCRE2 matches, which has every expression in brackets. */
static void simple_expressions(void **state)
{
	static const char *const letters[] = { "a", "b", "c", "1", "2", ".", "-", "_", "\xc3\xa9", "\\n" };
	unsigned simple = 0, matched = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		char expression[128], one[192], two[192], text[128], plain[128];
		struct schema_simple kept;
		struct jsonschema *here, *there;
		struct fw_slice decoded;

		make_expression(expression);
		snprintf(one, sizeof(one), "{\"pattern\":\"%s\"}", expression);
		snprintf(two, sizeof(two), "{\"pattern\":\"(?:%s)\"}", expression);
		strcpy(plain, expression);
		for (char *at = strstr(plain, "\\\\"); at != NULL; at = strstr(at + 1, "\\\\"))
			memmove(at, at + 1, strlen(at));
		decoded = slice_text(plain);
		simple += jsonschema_simple_compile(decoded, &kept);
		here = compiled(one);
		there = compiled(two);
		for (unsigned k = 0; k < 40; k++) {
			enum jsonschema_result first, second;

			strcpy(text, "\"");
			for (unsigned n = below(8); n != 0; n--)
				strcat(text, letters[below(sizeof(letters) / sizeof(*letters))]);
			strcat(text, "\"");
			arena_reset(&arena);
			assert_int_equal(json_parse(&arena, slice_text(text), 0, &json, NULL), JSON_OK);
			first = jsonschema_check(here, &json, 0, &arena, 1000000, NULL);
			second = jsonschema_check(there, &json, 0, &arena, 1000000, NULL);
			if (first != second)
				fail_msg("%s on %s: %d, and %d by PCRE2", expression, text, first, second);
			matched += first == JSONSCHEMA_VALID;
		}
		jsonschema_free(here);
		jsonschema_free(there);
	}
	assert_true(simple > 1000 && matched > 10000);
}

/* More members than marks have room for on the stack. */
static void many_members(void **state)
{
	static char text[32768];
	size_t size = 1;

	(void)state;
	strcpy(text, "{");
	for (unsigned i = 0; i < 1000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "\"m%u\":%u,", i, i);
	strcpy(text + size, "\"z\":0}");
	assert_int_equal(run("{\"patternProperties\":{\"^m\":{}},\"unevaluatedProperties\":false}", text),
			 JSONSCHEMA_INVALID);
	assert_int_equal(problems.total, 1);
	assert_string_equal(problems.list[0].instance, "/z");
	assert_int_equal(run("{\"anyOf\":[{\"patternProperties\":{\"^m\":{}}},{\"properties\":{\"z\":{}}}],"
			     "\"unevaluatedProperties\":false}",
			     text),
			 JSONSCHEMA_VALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_problem),
		cmocka_unit_test(missing_members),
		cmocka_unit_test(no_more_than_the_list_has),
		cmocka_unit_test(the_form_that_is_meant),
		cmocka_unit_test(unknown_members_by_key),
		cmocka_unit_test(pointers_are_from_the_value_judged),
		cmocka_unit_test(long_names),
		cmocka_unit_test(numbers),
		cmocka_unit_test(it_ends),
		cmocka_unit_test(references_that_turn),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(refused),
		cmocka_unit_test(what_has_no_effect_is_told),
		cmocka_unit_test(expressions),
		cmocka_unit_test(closed_objects),
		cmocka_unit_test(simple_expressions),
		cmocka_unit_test(many_members),
	};

	return cmocka_run_group_tests(tests, start, end);
}
