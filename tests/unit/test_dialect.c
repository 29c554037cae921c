/* codec/dialect: for each dialect what is read and what is not, at which octet; every cut, every octet changed: no
 * fault, an offset inside the text; what was read goes back to the same octets. */
#include "crypto_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/dialect.h"

static struct dialect_link link_of_test;

/* A copy that is as large as the text, so that reading beyond it is seen. */
static enum json_result read_copy(unsigned dialect, bool outbound, struct fw_slice text,
				  struct dialect_message *message, uint8_t **ret_copy)
{
	*ret_copy = malloc(text.size != 0 ? text.size : 1);
	assert_non_null(*ret_copy);
	if (text.size != 0)
		memcpy(*ret_copy, text.data, text.size);
	*message = (struct dialect_message){
		.arena = &arena, .text = slice(*ret_copy, text.size), .outbound = outbound, .link = &link_of_test
	};
	return dialect_read(&dialects[dialect], message);
}

static struct fw_slice canonical(const struct json *json)
{
	static struct buf out;
	static struct pool pool;
	static bool made;
	struct json_writer w = { .out = &out, .pool = &pool };

	if (!made)
		pool_init(&pool);
	made = true;
	buf_clear(&out, &pool);
	json_write_value(&w, json, 0, &arena, NULL, NULL);
	assert_false(w.failed);
	return slice(buf_data(&out), buf_size(&out));
}

/* What a dialect says instead must be such a message itself; NULL: nothing. */
static void check_refusal(unsigned dialect, const struct dialect_message *message, bool unread)
{
	static const char data[] = "{\"code\":\"INVALID_MESSAGE\"}";
	struct dialect_refusal refusal = { message, unread, false, "INVALID_MESSAGE", "no", { NULL, 0 } };
	struct pool pool;
	struct buf out = { 0 };
	struct json_writer w = { .out = &out, .pool = &pool };

	pool_init(&pool);
	refusal.data = slice_text(data);
	if (dialects[dialect].refuse(&refusal, &w)) {
		assert_false(w.failed);
		assert_non_null(memmem(buf_data(&out), buf_size(&out), data, strlen(data)));
	}
	buf_clear(&out, &pool);
	pool_fini(&pool);
}

/* Everything that holds for any octets. */
static enum json_result check_any(unsigned dialect, bool outbound, struct fw_slice text)
{
	struct dialect_message message;
	struct fw_slice back;
	uint8_t *copy;
	enum json_result result = read_copy(dialect, outbound, text, &message, &copy);

	assert_int_not_equal(result, JSON_MEMORY);
	if (result != JSON_OK) {
		assert_non_null(message.what);
		assert_true(message.offset <= text.size);
	} else {
		assert_true(message.own || message.type.size != 0);
		assert_int_equal(message.fields.nodes[0].kind, JSON_OBJECT);
		assert_true(message.text.size + message.rest.size <= text.size);
		if (message.place.data != NULL && message.units == 1) {
			back = dialect_write(&message, canonical(&message.fields));
			assert_non_null(back.data);
		}
		while (++message.unit < message.units)
			assert_true(dialects[dialect].next(&message));
	}
	check_refusal(dialect, &message, result != JSON_OK);
	free(copy);
	arena_reset(&arena);
	return result;
}

struct row {
	unsigned dialect;
	const char *text, *type; /* type: NULL: own; "!": not read */
	const char *fields;	 /* canonical; "!": what is wrong */
	size_t offset;
	bool outbound, later;
};

static const struct row rows[] = {
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[1,{\"b\":2}],\"id\":1}", "a",
	  "{\"0\":1,\"1\":{\"b\":2}}", 0, false, false },
	{ DIALECT_json_rpc, " {\"jsonrpc\":\"2.0\",\"method\":\"\\u0061b\"} ", "ab", "{}", 0, false, false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[]}", "a", "{}", 0, false, false },
	{ DIALECT_json_rpc,
	  "[{\"jsonrpc\":\"2.0\",\"method\":\"a\"},{\"jsonrpc\":\"2.0\",\"result\":{\"x\":1},\"id\":5}]", "a", "{}", 0,
	  false, false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"m\"},\"id\":null}", ":response",
	  "{\"code\":1,\"message\":\"m\"}", 0, false, false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"result\":5,\"id\":null}", "!", "a response without an id", 0, false,
	  false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"result\":5,\"error\":{},\"id\":1}", "!",
	  "neither a method nor one of result and error", 0, false, false },
	{ DIALECT_json_rpc, "[[]]", "!", "not an object", 1, false, false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"method\":\"\"}", "!", "a name that is empty or too long", 26, false,
	  false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"method\":\"a\\u0000\"}", "!", "a name with a control character", 26,
	  false, false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":{}}", "!",
	  "an id that is neither text nor a whole number", 35, false, false },
	{ DIALECT_json_rpc, "{\"jsonrpc\":\"2.0\",\"m\\u0065thod\":\"a\"}", "!",
	  "a member that a request does not have", 17, false, false },
	{ DIALECT_socket_io, "42[\"a\",{\"b\":1}]", "a", "{\"b\":1}", 0, false, false },
	{ DIALECT_socket_io, "42/n,7[\"a\",1,\"x\"]", "/n a", "{\"0\":1,\"1\":\"x\"}", 0, false, false },
	{ DIALECT_socket_io, "437[{\"b\":1}]", ":ack", "{\"b\":1}", 0, false, false },
	{ DIALECT_socket_io, "40", NULL, "{}", 0, false, false },
	{ DIALECT_socket_io, "40{\"sid\":\"x\"}", NULL, "{\"sid\":\"x\"}", 0, true, false },
	{ DIALECT_socket_io, "40/n,{\"a\":1}", "/n :connect", "{\"a\":1}", 0, false, false },
	{ DIALECT_socket_io, "40/n", "/n :connect", "{}", 0, false, false },
	{ DIALECT_socket_io, "44/n,{\"message\":\"x\"}", NULL, "{}", 0, true, false },
	{ DIALECT_socket_io, "0{\"sid\":\"x\"}", NULL, "{}", 0, true, false },
	{ DIALECT_socket_io, "452-[\"f\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]", "f",
	  "{\"0\":{\"_placeholder\":true,\"num\":1},\"1\":{\"_placeholder\":true,\"num\":0}}", 0, false, false },
	{ DIALECT_socket_io, "452-[\"f\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":0}]", "!",
	  "a placeholder of no attachment, or of another's", 39, false, false },
	{ DIALECT_socket_io, "451-[\"f\"]", "!", "an attachment without a placeholder", 4, false, false },
	{ DIALECT_socket_io, "4511-[\"f\"]", "!", "too many attachments", 2, false, false },
	{ DIALECT_socket_io, "450-[\"f\"]", "!", "a count of attachments and \"-\" expected", 3, false, false },
	{ DIALECT_socket_io, "42 7[\"a\"]", "!", "\"[\" expected", 2, false, false },
	{ DIALECT_socket_io, "42[\"disconnect\"]", "!", "a name that no event has", 3, false, false },
	{ DIALECT_socket_io, "42[\"a\",{\"b\":1,\"b\":2}]", "!", "duplicate key", 14, false, false },
	{ DIALECT_socket_io, "2", "!",
	  "no Engine.IO 4 packet of this side (of other transports and versions none is taken)", 0, false, false },
	{ DIALECT_socket_io, "4", "!", "no kind of packet", 1, false, false },
};

static void check_row(const struct row *row)
{
	struct fw_slice text = slice_text(row->text);
	struct dialect_message message;
	uint8_t *copy;
	enum json_result result;

	link_of_test = (struct dialect_link){ .begun = row->later };
	result = read_copy(row->dialect, row->outbound, text, &message, &copy);
	if (row->type != NULL && strcmp(row->type, "!") == 0) {
		assert_int_not_equal(result, JSON_OK);
		assert_string_equal(message.what, row->fields);
		assert_int_equal(message.offset, row->offset);
	} else {
		struct fw_slice fields;

		if (result != JSON_OK)
			fail_msg("%s: %s at %zu", row->text, message.what, message.offset);
		assert_int_equal(message.own, row->type == NULL);
		if (row->type != NULL)
			assert_true(slice_is(message.type, row->type));
		fields = canonical(&message.fields);
		if (!slice_is(fields, row->fields))
			fail_msg("%s: %.*s", row->text, (int)fields.size, (const char *)fields.data);
		/* The rows are canonical: what goes back is what came. */
		if (message.place.data != NULL)
			assert_true(slice_equal(dialect_write(&message, fields), message.text));
	}
	free(copy);
	arena_reset(&arena);
}

static void tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

/* What is cut short, but behind the end of a record of a frame of several, is no message. */
static void cuts_and_changes(void **state)
{
	static const uint8_t others[] = { 0,   '"', '\\', '{', '[', ']',  '}',	',',
					  ':', ' ', '0',  '9', '-', 0x1e, '\n', 0xff };
	uint8_t changed[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fw_slice text = slice_text(rows[i].text);

		assert_true(text.size <= sizeof(changed));
		link_of_test = (struct dialect_link){ .begun = rows[i].later };
		for (size_t cut = 0; cut < text.size; cut++)
			check_any(rows[i].dialect, rows[i].outbound, slice(text.data, cut));
		for (size_t at = 0; at < text.size; at++)
			for (size_t k = 0; k < sizeof(others); k++) {
				memcpy(changed, text.data, text.size);
				changed[at] = others[k];
				check_any(rows[i].dialect, rows[i].outbound, slice(changed, text.size));
				check_any(rows[i].dialect, !rows[i].outbound, slice(changed, text.size));
			}
	}
}

/* Memory that is short is said, and nothing else comes of it. */
static void short_of_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dialect_message message = { 0 };
		struct arena small;
		enum json_result result;

		arena_init(&small, 64);
		link_of_test = (struct dialect_link){ .begun = rows[i].later };
		message = (struct dialect_message){ .arena = &small,
						    .text = slice_text(rows[i].text),
						    .outbound = rows[i].outbound,
						    .link = &link_of_test };
		result = dialect_read(&dialects[rows[i].dialect], &message);
		assert_true(result == JSON_MEMORY || result == JSON_BAD || message.fields.count == 1);
		arena_fini(&small);
	}
}

static void names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DIALECTS; i++) {
		assert_int_equal(dialect_find(slice_text(dialects[i].name)), i);
		if (dialects[i].subprotocol[0] != '\0')
			assert_int_equal(dialect_of_subprotocol(slice_text(dialects[i].subprotocol)), i);
	}
	assert_int_equal(dialect_find(slice_text("nothing")), DIALECTS);
	assert_int_equal(dialect_of_subprotocol(slice_text("")), DIALECT_json);
	assert_int_equal(dialect_of_subprotocol(slice_text("chat")), DIALECT_json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cuts_and_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(short_of_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
