/* Heads of any octets, as a request and as a response: slices lie within the head, a head that was read has no line
 * that another parser would see elsewhere, and cutting the input gives "more" or the same. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/forwarded.h"
#include "codec/http1.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

typedef enum http1_result parse_function(struct fw_slice, struct http1_head *, const char **);

static struct http1_head head, cut_head;

static bool is_within(struct fw_slice part, struct fw_slice whole)
{
	return part.data == NULL ? part.size == 0
				 : part.data >= whole.data && part.size <= whole.size &&
					   part.data + part.size <= whole.data + whole.size;
}

/* Told without the parser: lines end in CR LF and nowhere else, the first empty one is the end, no octet is a control.
 */
static void check_lines(struct fw_slice text)
{
	unsigned lines = 0;

	HOLDS(text.size <= LIMIT_HEAD_BYTES && text.size >= 4);
	HOLDS(memmem(text.data, text.size, "\r\n\r\n", 4) == text.data + text.size - 4);
	for (size_t i = 0; i < text.size; i++) {
		uint8_t octet = text.data[i];

		HOLDS((octet >= ' ' && octet != 0x7f) || octet == '\t' || octet == '\r' || octet == '\n');
		HOLDS(octet != '\r' || (i + 1 < text.size && text.data[i + 1] == '\n'));
		HOLDS(octet != '\n' || (i != 0 && text.data[i - 1] == '\r'));
		lines += octet == '\n';
		HOLDS(octet != '\n' || i + 1 == text.size || (text.data[i + 1] != ' ' && text.data[i + 1] != '\t'));
	}
	HOLDS(lines == head.count + 2u);
}

static void check_fields(struct fw_slice text)
{
	unsigned lengths = 0, codings = 0;

	for (unsigned i = 0; i < head.count; i++) {
		const struct http1_field *field = &head.fields[i];

		HOLDS(is_within(field->name, text) && is_within(field->value, text) && http1_is_token(field->name));
		HOLDS(field->name.data[field->name.size] == ':');
		lengths += slice_is_nocase(field->name, "content-length");
		codings += slice_is_nocase(field->name, "transfer-encoding");
	}
	HOLDS(lengths + codings <= 1 && head.has_content_length == (lengths == 1) && head.chunked == (codings == 1));
}

static void check_forwarded(void)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		struct forwarded said;

		forwarded_read(&head, (enum forwarded_kind)kind, &said);
		HOLDS(said.count <= LIMIT_FORWARDED);
		for (unsigned i = 0; i < said.count; i++)
			HOLDS(said.addresses[i].family == 4 || said.addresses[i].family == 6);
	}
}

static void check_look_ups(struct fw_slice text)
{
	static const char *const names[] = { "a", "token", "sid", "" };
	struct fw_slice value;

	for (unsigned i = 0; i < head.count; i++) {
		struct fw_slice list = head.fields[i].value, element;
		size_t left = list.size;

		while (http1_next_element(&list, &element)) {
			HOLDS(element.size != 0 && is_within(element, head.fields[i].value) && list.size < left);
			left = list.size;
		}
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		http1_has_token(&head, "connection", names[i]);
		HOLDS(is_within((http1_cookie(&head, names[i], &value), value), text));
		HOLDS(is_within((http1_query(head.query, names[i], &value), value), head.query));
	}
}

static void check_read(struct fw_slice bytes, bool response)
{
	struct fw_slice text = slice(bytes.data, head.size);

	HOLDS(head.size <= bytes.size && head.count <= LIMIT_HEAD_FIELDS && head.minor <= 1);
	check_lines(text);
	check_fields(text);
	check_look_ups(text);
	check_forwarded();
	if (response) {
		HOLDS(head.status >= 100 && head.status <= 599 && head.method.size == 0);
		return;
	}
	HOLDS(http1_is_token(head.method) && head.method.data == text.data);
	HOLDS(is_within(head.target, text) && is_within(head.path, head.target) && is_within(head.query, head.target));
	HOLDS(head.path.size != 0 && head.path.data[0] == '/' &&
	      memchr(head.target.data, '#', head.target.size) == NULL);
	HOLDS(head.minor == 0 || http1_find(&head, "host", NULL) != NULL);
}

static void check_cut(parse_function *parse, struct fw_slice bytes, size_t cut, enum http1_result whole,
		      const char *rule)
{
	uint8_t *copy = malloc(cut + 1); /* the sanitizer sees an octet too many */
	const char *cut_rule = NULL;
	enum http1_result result;

	if (copy == NULL)
		return;
	if (cut != 0)
		memcpy(copy + 1, bytes.data, cut);
	result = parse(slice(copy + 1, cut), &cut_head, &cut_rule);
	HOLDS(result == HTTP1_MORE || (result == whole && cut_rule == rule));
	if (result == HTTP1_OK)
		HOLDS(cut_head.size == head.size && cut_head.count == head.count);
	else if (whole == HTTP1_OK)
		HOLDS(cut < head.size);
	free(copy);
}

static void run(parse_function *parse, struct fw_slice bytes, bool response)
{
	const char *rule = "";
	enum http1_result result = parse(bytes, &head, &rule);
	size_t step = bytes.size / (bytes.size <= 512 ? 64 : 12) + 1;

	HOLDS((result < 0) == (rule != NULL));
	HOLDS(result != HTTP1_MORE || bytes.size < LIMIT_HEAD_BYTES);
	if (result == HTTP1_OK)
		check_read(bytes, response);
	for (size_t cut = 0; cut < bytes.size; cut += step)
		check_cut(parse, bytes, cut, result, rule);
	if (result == HTTP1_OK)
		check_cut(parse, bytes, head.size - 1, result, rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(http1_request, slice(data, size), false);
	run(http1_response, slice(data, size), true);
	return 0;
}
