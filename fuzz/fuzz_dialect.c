/* A dialect (ONLY, a program each) on any octets (the first chooses the direction and what came before): no fault, an
 * error inside the text; what was read is read again from what is written of it, as the same type with the same fields.
 */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

static struct fw_slice canonical(struct arena *arena, struct pool *pool, struct buf *out, const struct json *json)
{
	struct json_writer w = { .out = out, .pool = pool };

	buf_clear(out, pool);
	json_write_value(&w, json, 0, arena, NULL, NULL);
	HOLDS(!w.failed);
	return slice(buf_data(out), buf_size(out));
}

static void check_written(const struct dialect *dialect, const struct dialect_message *message, struct pool *pool)
{
	struct buf one = { 0 }, two = { 0 };
	struct fw_slice fields = canonical(message->arena, pool, &one, &message->fields), written;
	struct dialect_link link = *message->link;
	struct dialect_message again = { .arena = message->arena, .outbound = message->outbound, .link = &link };

	written = dialect_write(message, fields);
	HOLDS(written.data != NULL);
	again.text = written;
	HOLDS(dialect_read(dialect, &again) == JSON_OK && again.rest.size == 0);
	HOLDS(again.own == message->own && slice_equal(again.type, message->type));
	HOLDS(slice_equal(canonical(message->arena, pool, &two, &again.fields), fields));
	buf_clear(&one, pool);
	buf_clear(&two, pool);
}

static void check_refusal(const struct dialect *dialect, const struct dialect_message *message, bool unread,
			  struct pool *pool)
{
	struct buf out = { 0 };
	struct json_writer w = { .out = &out, .pool = pool };
	struct dialect_refusal refusal = {
		.message = message, .unread = unread, .code = "INVALID_MESSAGE", .text = "no", .data = slice_text("{}")
	};

	HOLDS(!dialect->refuse(&refusal, &w) || (!w.failed && buf_size(&out) != 0));
	buf_clear(&out, pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_slice text = slice_from(slice(data, size), 1);
	const struct dialect *dialect;
	struct dialect_link link;
	struct arena arena;
	struct pool pool;

	if (size == 0)
		return 0;
	dialect = &dialects[ONLY];
	link = (struct dialect_link){ .begun = (data[0] & 0x20) != 0 };
	arena_init(&arena, 256u << 20);
	pool_init(&pool);
	for (unsigned i = 0; i < DIALECT_UNITS && (i == 0 || text.size != 0); i++) {
		struct dialect_message message = {
			.arena = &arena, .text = text, .outbound = (data[0] & 0x10) != 0, .link = &link
		};
		enum json_result result = dialect_read(dialect, &message);

		HOLDS(result != JSON_MEMORY);
		check_refusal(dialect, &message, result != JSON_OK, &pool);
		if (result != JSON_OK) {
			HOLDS(message.what != NULL && message.offset <= text.size);
			break;
		}
		HOLDS(message.own || message.type.size != 0);
		HOLDS(message.fields.count != 0 && message.fields.nodes[0].kind == JSON_OBJECT);
		HOLDS(message.text.size + message.rest.size <= text.size && message.rest.size < (text.size | 1));
		if (message.place.data != NULL && message.units == 1)
			check_written(dialect, &message, &pool);
		while (++message.unit < message.units)
			HOLDS(dialect->next(&message));
		link.begun = true;
		text = message.rest;
	}
	pool_fini(&pool);
	arena_fini(&arena);
	return 0;
}
