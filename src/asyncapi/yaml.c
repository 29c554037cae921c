/* yaml.c: texts and JSON as YAML that people read. */
#include <string.h>

#include "asyncapi/import.h"
#include "codec/json.h"

/* What YAML reads as itself, and as nothing else. */
static bool is_plain(struct fw_slice text)
{
	static const char *const words[] = { "true", "false", "null", "yes", "no", "on", "off", "y", "n" };

	if (text.size == 0 || text.size > 80 || !ascii_is_alpha(text.data[0]))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (slice_is_nocase(text, words[i]))
			return false;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '_' && c != '-' && c != '.' && c != '/')
			return false;
	}
	return true;
}

static unsigned code_point(struct fw_slice text, size_t *ret_size)
{
	uint8_t c = text.data[0];

	if (text.size >= 2 && c >= 0xc2 && c < 0xe0) {
		*ret_size = 2;
		return (c & 0x1fu) << 6 | (text.data[1] & 0x3fu);
	}
	if (text.size >= 3 && c >= 0xe0 && c < 0xf0) {
		*ret_size = 3;
		return (c & 0x0fu) << 12 | (text.data[1] & 0x3fu) << 6 | (text.data[2] & 0x3fu);
	}
	*ret_size = 1;
	return c;
}

void import_yaml_text(FILE *out, struct fw_slice text)
{
	if (is_plain(text)) {
		fwrite(text.data, 1, text.size, out);
		return;
	}
	fputc('"', out);
	while (text.size != 0) {
		size_t size;
		unsigned code = code_point(text, &size);

		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (char)code);
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0 && size != 1) || code == 0x7f || code == 0x2028 ||
			 code == 0x2029 || code == 0xfeff)
			fprintf(out, "\\u%04x", code);
		else
			fwrite(text.data, 1, size, out);
		text = slice_from(text, size);
	}
	fputc('"', out);
}

struct printing {
	FILE *out;
	struct json json;
	struct arena arena;
	bool failed;
};

static void print_value(struct printing *printing, uint32_t node, unsigned indent);

static void print_scalar(struct printing *printing, uint32_t node)
{
	struct fw_slice text;

	if (printing->json.nodes[node].kind != JSON_STRING) {
		text = json_raw(&printing->json, node);
		fwrite(text.data, 1, text.size, printing->out);
		return;
	}
	text = json_text(&printing->json, node, &printing->arena);
	printing->failed = printing->failed || text.data == NULL;
	if (text.data != NULL)
		import_yaml_text(printing->out, text);
}

static bool is_short(const struct printing *printing, uint32_t node)
{
	const struct json_node *n = &printing->json.nodes[node];

	if (n->kind < JSON_ARRAY)
		return true;
	if (n->kind == JSON_OBJECT || n->size > 90)
		return n->count == 0;
	for (uint32_t child = node + 1; child < n->next; child = printing->json.nodes[child].next)
		if (printing->json.nodes[child].kind >= JSON_ARRAY)
			return false;
	return true;
}

/* In one line, behind a key or a dash. */
static void print_short(struct printing *printing, uint32_t node)
{
	const struct json_node *n = &printing->json.nodes[node];

	if (n->kind < JSON_ARRAY) {
		print_scalar(printing, node);
		return;
	}
	if (n->kind == JSON_OBJECT) {
		fputs("{}", printing->out);
		return;
	}
	fputc('[', printing->out);
	for (uint32_t child = node + 1; child < n->next; child = printing->json.nodes[child].next) {
		if (child != node + 1)
			fputs(", ", printing->out);
		print_scalar(printing, child);
	}
	fputc(']', printing->out);
}

static void print_child(struct printing *printing, uint32_t node, unsigned indent)
{
	if (is_short(printing, node)) {
		fputc(' ', printing->out);
		print_short(printing, node);
		fputc('\n', printing->out);
	} else {
		fputc('\n', printing->out);
		print_value(printing, node, indent);
	}
}

static void print_value(struct printing *printing, uint32_t node, unsigned indent)
{
	const struct json_node *n = &printing->json.nodes[node];

	for (uint32_t child = node + 1; child < n->next; child = printing->json.nodes[child].next) {
		fprintf(printing->out, "%*s", (int)indent, "");
		if (n->kind == JSON_ARRAY) {
			fputc('-', printing->out);
		} else {
			print_scalar(printing, child);
			fputc(':', printing->out);
			child = printing->json.nodes[child].next;
		}
		print_child(printing, child, indent + 2);
	}
}

bool import_yaml_json(FILE *out, struct fw_slice json, unsigned indent)
{
	struct printing printing = { .out = out };

	arena_init(&printing.arena, LIMIT_POLICY_BYTES);
	if (json_parse(&printing.arena, json, 0, &printing.json, NULL) != JSON_OK)
		printing.failed = true;
	else
		print_child(&printing, 0, indent);
	arena_fini(&printing.arena);
	return !printing.failed;
}
