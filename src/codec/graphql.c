#include "codec/graphql.h"

#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json_string.h"

const char graphql_memory[] = "memory is short";

enum token { END, NAME, NUMBER, STRING, BLOCK, SPREAD, PUNCTUATOR, WRONG };

struct lexer {
	struct fw_slice text;
	size_t at;    /* behind the token */
	size_t start; /* of it */
	enum token token;
	uint8_t sign; /* of a punctuator */
	const char *wrong;
};

static bool letter(uint8_t c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t look(const struct lexer *l, size_t ahead)
{
	return l->at + ahead < l->text.size ? l->text.data[l->at + ahead] : 0;
}

static void fail(struct lexer *l, const char *why)
{
	if (l->wrong == NULL)
		l->wrong = why;
	l->token = WRONG;
	l->sign = 0; /* nobody goes on by it */
}

static void skip_ignored(struct lexer *l)
{
	while (l->at < l->text.size) {
		uint8_t c = l->text.data[l->at];

		if (c == '#')
			while (l->at < l->text.size && l->text.data[l->at] != '\n' && l->text.data[l->at] != '\r')
				l->at++;
		else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',')
			l->at++;
		else
			break;
	}
}

static void read_block(struct lexer *l)
{
	l->token = BLOCK;
	for (l->at += 3; l->at < l->text.size; l->at++) {
		if (l->text.data[l->at] == '\\' && look(l, 1) == '"' && look(l, 2) == '"' && look(l, 3) == '"') {
			l->at += 3;
		} else if (l->text.data[l->at] == '"' && look(l, 1) == '"' && look(l, 2) == '"') {
			l->at += 3;
			return;
		}
	}
	fail(l, "block string without an end");
}

static void read_string(struct lexer *l)
{
	l->token = STRING;
	for (l->at++; l->at < l->text.size; l->at++) {
		uint8_t c = l->text.data[l->at];

		if (c == '"') {
			l->at++;
			return;
		}
		if (c == '\\')
			l->at++;
		else if (c < 0x20 && c != '\t')
			break;
	}
	fail(l, "string without an end");
}

static void read_number(struct lexer *l)
{
	l->token = NUMBER;
	if (look(l, 0) == '-')
		l->at++;
	if (look(l, 0) == '0' && digit(look(l, 1)))
		fail(l, "number with a leading zero");
	while (digit(look(l, 0)))
		l->at++;
	if (look(l, 0) == '.' && digit(look(l, 1)))
		for (l->at++; digit(look(l, 0));)
			l->at++;
	if ((look(l, 0) | 0x20) == 'e') {
		l->at += look(l, 1) == '+' || look(l, 1) == '-' ? 2 : 1;
		if (!digit(look(l, 0)))
			fail(l, "digit expected");
		while (digit(look(l, 0)))
			l->at++;
	}
	if (!digit(l->text.data[l->at - 1]) || look(l, 0) == '.' || letter(look(l, 0)))
		fail(l, "no number");
}

static void next(struct lexer *l)
{
	uint8_t c;

	if (l->token == WRONG)
		return;
	skip_ignored(l);
	l->start = l->at;
	c = look(l, 0);
	l->sign = 0;
	if (l->at == l->text.size) {
		l->token = END;
	} else if (letter(c)) {
		l->token = NAME;
		while (letter(look(l, 0)) || digit(look(l, 0)))
			l->at++;
	} else if (c == '"') {
		if (look(l, 1) == '"' && look(l, 2) == '"')
			read_block(l);
		else
			read_string(l);
	} else if (c == '-' || digit(c)) {
		read_number(l);
	} else if (c == '.' && look(l, 1) == '.' && look(l, 2) == '.') {
		l->token = SPREAD;
		l->at += 3;
	} else if (c != 0 && strchr("!$&():=@[]{|}", c) != NULL) {
		l->token = PUNCTUATOR;
		l->sign = c;
		l->at++;
	} else {
		fail(l, "a character that no document has");
	}
}

static struct fw_slice word(const struct lexer *l)
{
	return slice(l->text.data + l->start, l->at - l->start);
}

static bool is_name(const struct lexer *l, const char *name)
{
	return l->token == NAME && slice_is(word(l), name);
}

/* From an opening bracket to behind the one that closes it. */
static void skip_brackets(struct lexer *l)
{
	uint8_t open[GRAPHQL_DEPTH];
	unsigned depth = 0;

	do {
		if (l->sign == '(' || l->sign == '[' || l->sign == '{') {
			if (depth == GRAPHQL_DEPTH) {
				fail(l, "nested too deep");
				return;
			}
			open[depth++] = l->sign == '(' ? ')' : (uint8_t)(l->sign + 2);
		} else if (l->sign == ')' || l->sign == ']' || l->sign == '}') {
			if (open[--depth] != l->sign) {
				fail(l, "another bracket is open");
				return;
			}
		} else if (l->token == END || l->token == WRONG) {
			fail(l, "a bracket is not closed");
			return;
		}
		next(l);
	} while (depth != 0);
}

/* "@name(…)", any number. */
static void skip_directives(struct lexer *l)
{
	while (l->sign == '@') {
		next(l);
		if (l->token != NAME)
			fail(l, "a directive without a name");
		next(l);
		if (l->sign == '(')
			skip_brackets(l);
	}
}

struct definition {
	struct fw_slice kind, name, variables;
	size_t body; /* of the "{" */
};

static void read_definition(struct lexer *l, struct definition *definition)
{
	*definition = (struct definition){ .kind = slice_text("query") };
	if (l->token == NAME) {
		bool fragment = is_name(l, "fragment");

		definition->kind = word(l);
		if (!fragment && !is_name(l, "query") && !is_name(l, "mutation") && !is_name(l, "subscription"))
			fail(l, "neither an operation nor a fragment");
		next(l);
		if (l->token == NAME) {
			definition->name = word(l);
			next(l);
		}
		if (fragment) {
			if (definition->name.size == 0 || slice_is(definition->name, "on") || !is_name(l, "on"))
				fail(l, "a fragment has a name and a type");
			next(l);
			if (l->token != NAME)
				fail(l, "a fragment has a name and a type");
			next(l);
		} else if (l->sign == '(') {
			definition->variables = slice_from(l->text, l->start);
			skip_brackets(l);
		}
		skip_directives(l);
	}
	definition->body = l->start;
	if (l->sign == '{')
		skip_brackets(l);
	else
		fail(l, "\"{\" expected");
}

struct reader {
	const struct definition *definitions;
	unsigned count;
	struct graphql *graphql;
};

static void read_selections(struct reader *reader, struct lexer *l, unsigned depth);

static void read_fragment(struct reader *reader, struct lexer *l, unsigned depth)
{
	struct fw_slice name;

	next(l);
	if (l->token == NAME && !is_name(l, "on")) {
		struct lexer inside = *l;

		name = word(l);
		for (unsigned i = 0; i < reader->count; i++) {
			if (!slice_is(reader->definitions[i].kind, "fragment") ||
			    !slice_equal(reader->definitions[i].name, name))
				continue;
			inside.at = reader->definitions[i].body;
			next(&inside);
			read_selections(reader, &inside, depth + 1);
			if (inside.token == WRONG)
				fail(l, inside.wrong);
			next(l);
			skip_directives(l);
			return;
		}
		fail(l, "there is no such fragment");
		return;
	}
	if (is_name(l, "on")) {
		next(l);
		if (l->token != NAME)
			fail(l, "a type expected");
		next(l);
	}
	skip_directives(l);
	read_selections(reader, l, depth + 1);
}

static void read_field(struct reader *reader, struct lexer *l)
{
	struct graphql_field field = { .name = word(l) };

	next(l);
	if (l->sign == ':') { /* that was its alias */
		next(l);
		field.name = word(l);
		if (l->token != NAME)
			fail(l, "a name expected");
		next(l);
	}
	if (l->sign == '(') {
		field.arguments = slice_from(l->text, l->start);
		skip_brackets(l);
	}
	skip_directives(l);
	if (l->sign == '{')
		skip_brackets(l);
	if (reader->graphql->count == GRAPHQL_FIELDS)
		fail(l, "too many fields of the root");
	else
		reader->graphql->fields[reader->graphql->count++] = field;
}

/* The token is the "{"; afterwards what is behind the "}". */
static void read_selections(struct reader *reader, struct lexer *l, unsigned depth)
{
	if (depth == GRAPHQL_DEPTH || l->sign != '{') {
		fail(l, depth == GRAPHQL_DEPTH ? "fragments within fragments, too deep" : "\"{\" expected");
		return;
	}
	next(l);
	if (l->sign == '}')
		fail(l, "nothing is asked for");
	while (l->sign != '}' && l->token != WRONG) {
		if (l->token == SPREAD)
			read_fragment(reader, l, depth);
		else if (l->token == NAME)
			read_field(reader, l);
		else
			fail(l, "a field expected");
	}
	next(l);
}

/* The one operation of that name. */
static const struct definition *choose(struct lexer *l, const struct definition *definitions, unsigned count,
				       struct fw_slice name)
{
	const struct definition *chosen = NULL;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned k = 0; k < i; k++)
			if (definitions[i].name.size != 0 && slice_equal(definitions[i].name, definitions[k].name) &&
			    slice_is(definitions[i].kind, "fragment") == slice_is(definitions[k].kind, "fragment"))
				fail(l, "a name is given a second time");
		if (slice_is(definitions[i].kind, "fragment") ||
		    (name.size != 0 && !slice_equal(definitions[i].name, name)))
			continue;
		if (chosen != NULL)
			fail(l, "there is more than one operation: operationName says which");
		chosen = &definitions[i];
	}
	if (chosen == NULL)
		fail(l, "there is no such operation");
	return chosen;
}

const char *graphql_read(struct fw_slice document, struct fw_slice name, struct graphql *ret_graphql,
			 size_t *reterr_offset)
{
	struct definition definitions[GRAPHQL_DEFINITIONS];
	struct lexer l = { .text = document };
	struct reader reader = { definitions, 0, ret_graphql };
	const struct definition *chosen = NULL;

	ret_graphql->count = 0;
	next(&l);
	while (l.token != END && l.token != WRONG) {
		if (reader.count == GRAPHQL_DEFINITIONS)
			fail(&l, "too many definitions");
		else
			read_definition(&l, &definitions[reader.count++]);
	}
	if (l.token != WRONG)
		chosen = choose(&l, definitions, reader.count, name);
	if (l.token != WRONG) {
		ret_graphql->document = document;
		ret_graphql->kind = chosen->kind;
		ret_graphql->variables = chosen->variables;
		l.at = chosen->body;
		next(&l);
		read_selections(&reader, &l, 0);
	}
	*reterr_offset = l.start;
	return l.token == WRONG ? l.wrong : NULL;
}

/* Text that grows in the arena. */
struct out {
	struct arena *arena;
	uint8_t *data;
	size_t size, room;
};

static void put(struct lexer *l, struct out *out, const void *octets, size_t size)
{
	if (out->room - out->size < size) {
		size_t room = (out->room + size) * 2;
		uint8_t *data = arena_alloc(out->arena, room);

		if (data == NULL) {
			fail(l, graphql_memory);
			return;
		}
		if (out->size != 0)
			memcpy(data, out->data, out->size);
		out->data = data;
		out->room = room;
	}
	if (size != 0)
		memcpy(out->data + out->size, octets, size);
	out->size += size;
}

/* "\u{1F600}" */
static void put_point(struct lexer *l, struct out *out, const uint8_t *at, const uint8_t *end)
{
	uint32_t point = 0;
	uint8_t bytes[4];

	for (; at != end && point <= 0x10ffff; at++)
		point = point * 16 + (uint32_t)ascii_hex(*at);
	if (point < 0x20 || point == '"' || point == '\\' || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		fail(l, "an escape that is not read");
	else
		put(l, out, bytes, utf8_encode(point, bytes));
}

static void put_string(struct lexer *l, struct out *out)
{
	const uint8_t *at = l->text.data + l->start, *end = l->text.data + l->at - 1;

	put(l, out, at++, 1);
	while (at < end && l->token != WRONG) {
		if (*at == '\t') {
			put(l, out, "\\t", 2);
			at++;
		} else if (*at == '\\' && end - at > 3 && at[1] == 'u' && at[2] == '{') {
			const uint8_t *digits = at + 3;

			for (at = digits; at < end && ascii_hex(*at) >= 0;)
				at++;
			if (at == digits || at == end || *at != '}')
				fail(l, "an escape that is not read");
			else
				put_point(l, out, digits, at++);
		} else if (*at == '\\') { /* the same as in JSON, whose reader looks at it */
			put(l, out, at, 2);
			at += 2;
		} else {
			put(l, out, at++, 1);
		}
	}
	put(l, out, "\"", 1);
}

struct values {
	const struct graphql *graphql;
	const struct json *json;
	uint32_t node;
};

static bool put_value(struct lexer *l, struct out *out, const struct values *values, unsigned depth);

/* The default of a variable: "($a: Type = 5 $b: …". False: it has none. */
static bool put_default(struct lexer *l, struct out *out, const struct values *values, struct fw_slice name)
{
	struct lexer in = { .text = values->graphql->variables };
	bool found = false, given = false;

	if (in.text.size == 0)
		return false;
	next(&in);
	next(&in);
	while (in.sign == '$' && !found && in.token != WRONG) {
		next(&in);
		found = in.token == NAME && slice_equal(word(&in), name);
		for (next(&in); in.token != WRONG && in.token != END && in.sign != ')' && in.sign != '$' &&
				in.sign != '=' && in.sign != '@';)
			next(&in);
		if (in.sign != '=') {
			skip_directives(&in);
			continue;
		}
		next(&in);
		if (in.sign == '[' || in.sign == '{') {
			struct lexer whole = in;

			if (found)
				given = put_value(&whole, out, NULL, 1);
			if (found && whole.token == WRONG)
				fail(l, whole.wrong);
			skip_brackets(&in);
		} else if (found) {
			given = put_value(&in, out, NULL, 1);
		} else {
			next(&in);
		}
		skip_directives(&in);
	}
	if (in.token == WRONG)
		fail(l, in.wrong);
	return given;
}

/* False: there is no value. */
static bool put_variable(struct lexer *l, struct out *out, const struct values *values)
{
	struct fw_slice name, raw;
	uint32_t node = 0;

	next(l);
	name = word(l);
	if (l->token != NAME || values == NULL) {
		fail(l, "a variable where none can be");
		return false;
	}
	if (values->node != 0)
		node = json_member(values->json, values->node, (const char *)name.data, name.size);
	if (node != 0) {
		raw = json_raw(values->json, node);
		put(l, out, raw.data, raw.size);
	}
	next(l);
	return node != 0 || put_default(l, out, values, name);
}

static void put_list(struct lexer *l, struct out *out, const struct values *values, unsigned depth)
{
	bool first = true;

	put(l, out, "[", 1);
	for (next(l); l->sign != ']' && l->token != WRONG; first = false) {
		if (!first)
			put(l, out, ",", 1);
		if (!put_value(l, out, values, depth + 1))
			put(l, out, "null", 4);
	}
	put(l, out, "]", 1);
	next(l);
}

/* "name: value" up to the bracket. */
static void put_members(struct lexer *l, struct out *out, const struct values *values, uint8_t bracket, unsigned depth)
{
	bool first = true;

	put(l, out, "{", 1);
	for (next(l); l->sign != bracket && l->token != WRONG;) {
		struct fw_slice name = word(l);
		size_t before = out->size;

		if (l->token != NAME)
			fail(l, "a name expected");
		next(l);
		if (l->sign != ':')
			fail(l, "\":\" expected");
		next(l);
		put(l, out, ",\"", first ? 0 : 1);
		put(l, out, "\"", 1);
		put(l, out, name.data, name.size);
		put(l, out, "\":", 2);
		if (put_value(l, out, values, depth + 1))
			first = false;
		else
			out->size = before;
	}
	put(l, out, "}", 1);
	next(l);
}

static bool put_value(struct lexer *l, struct out *out, const struct values *values, unsigned depth)
{
	struct fw_slice text = word(l);

	if (depth == GRAPHQL_DEPTH)
		fail(l, "nested too deep");
	if (l->sign == '$')
		return put_variable(l, out, values);
	if (l->sign == '[') {
		put_list(l, out, values, depth);
		return true;
	}
	if (l->sign == '{') {
		put_members(l, out, values, '}', depth);
		return true;
	}
	switch (l->token) {
	case STRING:
		put_string(l, out);
		break;
	case NUMBER:
		put(l, out, text.data, text.size);
		break;
	case NAME:
		if (is_name(l, "true") || is_name(l, "false") || is_name(l, "null")) {
			put(l, out, text.data, text.size);
			break;
		}
		put(l, out, "\"", 1);
		put(l, out, text.data, text.size);
		put(l, out, "\"", 1);
		break;
	case BLOCK:
		fail(l, "a block string as an argument: a variable can have it");
		break;
	default:
		fail(l, "a value expected");
		break;
	}
	next(l);
	return true;
}

const char *graphql_arguments(struct arena *arena, const struct graphql *graphql, const struct graphql_field *field,
			      const struct json *values, uint32_t node, struct fw_slice *ret_text,
			      size_t *reterr_offset)
{
	struct lexer l = { .text = field->arguments };
	struct out out = { .arena = arena };
	const struct values given = { graphql, values, node };

	*ret_text = slice_text("{}");
	if (field->arguments.size == 0)
		return NULL;
	next(&l);
	put_members(&l, &out, &given, ')', 0);
	*reterr_offset = (size_t)(field->arguments.data - graphql->document.data) + l.start;
	*ret_text = slice(out.data, out.size);
	return l.token == WRONG ? l.wrong : NULL;
}
