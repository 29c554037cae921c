#include "cmd/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "codec/json.h"

enum { ARENA = 64 << 20, COLUMNS = 8, WIDEST = 60, NAME = 32 };

struct table {
	const struct json *json;
	struct arena *arena;
	const char *const *members;
	size_t count;
	size_t widths[COLUMNS];
};

static struct fw_slice cell(const struct table *table, uint32_t object, size_t column)
{
	const char *name = table->members[column];
	uint32_t node = json_member(table->json, object, name, strlen(name));

	if (node == 0)
		return slice_text("");
	if (table->json->nodes[node].kind == JSON_STRING)
		return json_text(table->json, node, table->arena);
	return json_raw(table->json, node);
}

/* Characters, not octets: what follows one of UTF-8 takes no column. */
static size_t width_of(struct fw_slice text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.size; i++)
		width += (text.data[i] & 0xc0) != 0x80;
	return width;
}

static void measure(struct table *table, uint32_t object)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t width = width_of(cell(table, object, i));

		if (width > table->widths[i])
			table->widths[i] = width < WIDEST ? width : WIDEST;
	}
}

static void print_cell(const struct table *table, size_t column, struct fw_slice text)
{
	size_t width = width_of(text);

	for (size_t i = 0; i < text.size; i++) {
		bool control = text.data[i] < 0x20 || text.data[i] == 0x7f ||
			       (text.data[i] == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0);

		putchar(control ? '?' : text.data[i]);
		i += control && text.data[i] == 0xc2;
	}
	if (column + 1 == table->count)
		putchar('\n');
	else
		for (; width < table->widths[column] + 2; width++)
			putchar(' ');
}

static struct fw_slice name_of(const char *member, char ret_name[NAME])
{
	size_t n = 0;

	for (; member[n] != '\0' && n < NAME; n++)
		ret_name[n] = member[n] == '_' ? ' ' : member[n];
	return slice(ret_name, n);
}

static void print_table(struct table *table, uint32_t list)
{
	uint32_t end = table->json->nodes[list].next;

	for (size_t i = 0; i < table->count; i++)
		table->widths[i] = strlen(table->members[i]);
	for (uint32_t at = list + 1; at < end; at = table->json->nodes[at].next)
		measure(table, at);
	for (size_t i = 0; i < table->count; i++) {
		char name[NAME];

		print_cell(table, i, name_of(table->members[i], name));
	}
	for (uint32_t at = list + 1; at < end; at = table->json->nodes[at].next)
		for (size_t i = 0; i < table->count; i++)
			print_cell(table, i, cell(table, at, i));
}

static int not_understood(const char *verb)
{
	return options_could_not(verb, "the server's answer is not understood; are both of one version?");
}

int rows_print(const char *verb, struct fw_slice body, const char *list, const char *const *members)
{
	struct arena arena;
	struct json json;
	struct table table = { .json = &json, .arena = &arena, .members = members };
	uint32_t node = 0;

	while (members[table.count] != NULL && table.count < COLUMNS)
		table.count++;
	arena_init(&arena, ARENA);
	if (json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		node = json_member(&json, 0, list, strlen(list));
	if (node != 0 && json.nodes[node].kind == JSON_ARRAY)
		print_table(&table, node);
	else
		node = 0;
	arena_fini(&arena);
	return node != 0 ? COMMAND_DONE : not_understood(verb);
}

int rows_print_one(const char *verb, struct fw_slice body, const char *const *members)
{
	const char *shown[] = { NULL, NULL, NULL };
	struct arena arena;
	struct json json;
	struct table table = { .json = &json, .arena = &arena, .members = shown, .count = 2 };
	bool read;
	char name[NAME];

	arena_init(&arena, ARENA);
	read = json_parse(&arena, slice_trim(body), 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT;
	for (size_t i = 0; members[i] != NULL; i++)
		if (strlen(members[i]) > table.widths[0])
			table.widths[0] = strlen(members[i]);
	for (size_t i = 0; read && members[i] != NULL; i++) {
		shown[1] = members[i];
		if (json_member(&json, 0, members[i], strlen(members[i])) == 0)
			continue;
		print_cell(&table, 0, name_of(members[i], name));
		print_cell(&table, 1, cell(&table, 0, 1));
	}
	arena_fini(&arena);
	return read ? COMMAND_DONE : not_understood(verb);
}
