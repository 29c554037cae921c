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
		assert_true(memmem(buf_data(&out), buf_size(&out), "INVALID_MESSAGE", 15) != NULL ||
			    memmem(buf_data(&out), buf_size(&out), "\"no\"", 4) != NULL);
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
	{ DIALECT_graphql, "{\"type\":\"connection_init\",\"payload\":{\"token\":\"x\"}}", NULL, "{}", 0, false,
	  false },
	{ DIALECT_graphql, "{\"type\":\"ping\"}", NULL, "{}", 0, false, false },
	{ DIALECT_graphql, "{\"id\":\"1\",\"type\":\"complete\"}", NULL, "{}", 0, false, false },
	{ DIALECT_graphql, "{\"type\":\"complete\"}", "!", "no id", 0, false, false },
	{ DIALECT_graphql, "{\"type\":\"connection_ack\"}", "!", "a message that this side does not send", 8, false,
	  false },
	{ DIALECT_graphql, "{\"id\":\"1\",\"type\":\"next\",\"payload\":{\"data\":{\"a\":1}}}", NULL, "{}", 0, true,
	  false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"query "
	  "Q($a:Int=5,$s:String){x:user(id:$a,name:$s,k:[1,E,"
	  "true],o:{p:\\\"q\\\"}){n{m}}}\",\"variables\":{\"s\":\"z\"}}}",
	  "query user", "{\"id\":5,\"name\":\"z\",\"k\":[1,\"E\",true],\"o\":{\"p\":\"q\"}}", 0, false, false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\",\"operationName\":null,\"variables\":"
	  "null}}",
	  "query a", "{}", 0, false, false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"mutation{...F} fragment F on "
	  "M{drop(x:$y)}\",\"variables\":{}}}",
	  "mutation drop", "{}", 0, false, false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"query A{a} mutation "
	  "B{b}\",\"operationName\":\"B\"}}",
	  "mutation b", "{}", 0, false, false },
	{ DIALECT_graphql, "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"query A{a} mutation B{b}\"}}",
	  "!", "there is more than one operation: operationName says which", 73, false, false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{...F} fragment F on Q{...F}\"}}", "!",
	  "fragments within fragments, too deep", 53, false, false },
	{ DIALECT_graphql, "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a(b:1,b:2)}\"}}", "!",
	  "duplicate key", 49, false, false },
	{ DIALECT_graphql, "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}}\"}}", "!",
	  "\"{\" expected", 52, false, false },
	{ DIALECT_graphql, "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a\"}}", "!",
	  "a bracket is not closed", 51, false, false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\",\"extensions\":{\"persistedQuery\":"
	  "\"drop\"}}}",
	  "!", "extensions name another document", 85, false, false },
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\",\"extensions\":{\"trace\":{}}}}",
	  "query a", "{}", 0, false, false },
	/* A default behind the directives of another variable. */
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"mutation($a:Int @d(x:[1]) "
	  "@e,$r:R=ADMIN){set(n:$a,role:$r)}\"}}",
	  "mutation set", "{\"role\":\"ADMIN\"}", 0, false, false },
	/* Found by the fuzzer: read without an end. */
	{ DIALECT_graphql,
	  "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{...F} fragment F @on Q{a}\"}}", "!",
	  "a fragment has a name and a type", 67, false, false },
	{ DIALECT_signalr, "{\"protocol\":\"json\",\"version\":1}\x1e", NULL, "{}", 0, false, false },
	{ DIALECT_signalr, "{\"protocol\":\"messagepack\",\"version\":1}\x1e", "!",
	  "another protocol than json; MessagePack is not read", 0, false, false },
	{ DIALECT_signalr, "{\"protocol\":\"json\",\"version\":3}\x1e", "!", "another version than 1 and 2", 0, false,
	  false },
	{ DIALECT_signalr, "{\"type\":6}\x1e", "!", "a member that the opening does not have", 1, false, false },
	{ DIALECT_signalr, "{}\x1e{\"type\":6}\x1e", NULL, "{}", 0, true, false },
	{ DIALECT_signalr, "{\"type\":6}\x1e", NULL, "{}", 0, false, true },
	{ DIALECT_signalr, "{\"type\":1,\"target\":\"Send\",\"arguments\":[\"a\",5]}\x1e", "Send",
	  "{\"0\":\"a\",\"1\":5}", 0, false, true },
	{ DIALECT_signalr,
	  "{\"type\":4,\"invocationId\":\"3\",\"target\":\"Count\",\"arguments\":[{\"n\":5}]}\x1e{\"type\":6}\x1e",
	  "Count", "{\"n\":5}", 0, false, true },
	{ DIALECT_signalr, "{\"type\":3,\"invocationId\":\"3\",\"result\":5}\x1e", ":result", "{\"0\":5}", 0, false,
	  true },
	{ DIALECT_signalr, "{\"type\":2,\"invocationId\":\"3\",\"item\":{\"a\":1}}\x1e", ":item", "{\"a\":1}", 0, false,
	  true },
	{ DIALECT_signalr, "{\"type\":3,\"invocationId\":\"3\"}\x1e", NULL, "{}", 0, false, true },
	{ DIALECT_signalr, "{\"type\":8,\"sequenceId\":4}\x1e", NULL, "{}", 0, false, true },
	{ DIALECT_signalr, "{\"type\":7,\"error\":\"x\",\"allowReconnect\":true}\x1e", NULL, "{}", 0, true, true },
	{ DIALECT_signalr, "{\"type\":1,\"target\":\"Send\",\"arguments\":[],\"more\":1}\x1e", "!",
	  "a member that such a message does not have", 41, false, true },
	{ DIALECT_signalr, "{\"type\":6}", "!", "no 0x1E at the end", 10, false, true },
	{ DIALECT_signalr, "{\"type\":10}\x1e", "!", "no kind of message", 0, false, true },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room:a\",\"shout\",{\"b\":1}]", "room:a shout", "{\"b\":1}", 0, false,
	  false },
	{ DIALECT_phoenix, "[null,null,\"room:a\",\"shout out\",7]", "room:a shout out", "{\"0\":7}", 0, false, false },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room:a\",\"phx_join\",{}]", "room:a phx_join", "{}", 0, false, false },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room:a\",\"phx_leave\",{}]", NULL, "{}", 0, false, false },
	{ DIALECT_phoenix, "[null,\"2\",\"phoenix\",\"heartbeat\",{}]", NULL, "{}", 0, false, false },
	{ DIALECT_phoenix, "[null,\"2\",\"phoenix\",\"other\",{}]", "!", "an event that the socket does not have", 10,
	  false, false },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room:a\",\"phx_reply\",{}]", "!",
	  "an event that clients do not send to a topic", 9, false, false },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room:a\",\"phx_reply\",{\"status\":\"ok\"}]", "room:a phx_reply",
	  "{\"status\":\"ok\"}", 0, true, false },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room a\",\"x\",{}]", "!", "a topic with a blank", 9, false, false },
	{ DIALECT_phoenix, "[\"1\",2,\"room:a\",\"x\",{}]", "!", "a ref that is neither text nor null", 0, false,
	  false },
	{ DIALECT_phoenix, "[\"1\",\"2\",\"room:a\",\"x\"]", "!",
	  "not [join_ref, ref, topic, event, payload] (of version 1 none is taken)", 0, false, false },
	{ DIALECT_phoenix, "{\"topic\":\"room:a\",\"event\":\"x\",\"payload\":{},\"ref\":1}", "!",
	  "not [join_ref, ref, topic, event, payload] (of version 1 none is taken)", 0, false, false },
};

/* STOMP has NULs in it: S is a frame and its size. */
#define S(text) text, sizeof(text) - 1
static const struct stomp_row {
	const char *text;
	size_t size;
	const char *type, *fields; /* as above */
	size_t offset;
	bool outbound, later;
} stomp_rows[] = {
	{ S("CONNECT\naccept-version:1.1,1.2\nhost:x\npasscode:a\\n:b\n\n\0"), NULL,
	  "{\"accept-version\":\"1.1,1.2\",\"host\":\"x\",\"passcode\":\"a\\\\n:b\"}", 0, false, false },
	{ S("STOMP\r\naccept-version:1.2\r\nhost:x\r\n\r\n\0\r\n"), NULL, "{\"accept-version\":\"1.2\",\"host\":\"x\"}",
	  0, false, false },
	{ S("CONNECT\naccept-version:1.1\nhost:x\n\n\0"), "!", "another version than 1.2", 0, false, false },
	{ S("CONNECT\naccept-version:1.2\nhost:x\n\n\0"), "!", "an opening in the middle", 0, false, true },
	{ S("SEND\ndestination:/a\n\n\0"), "!", "a frame before the opening", 0, false, false },
	{ S("CONNECTED\nversion:1.1\n\n\0"), "!", "the server chose another version than 1.2", 0, true, false },
	{ S("CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0"), NULL, "{\"version\":\"1.2\",\"heart-beat\":\"0,0\"}", 0,
	  true, false },
	{ S("\n"), NULL, "{}", 0, false, true },
	{ S("\r\n\n"), NULL, "{}", 0, true, true },
	{ S("SEND\ndestination:/queue/a\ncontent-type:application/json\ncontent-length:9\n\n{\"b\":1.5}\0"),
	  "SEND /queue/a", "{\"b\":1.5}", 0, false, true },
	{ S("SEND\ndestination:/queue/a\n\n{\"b\":1}\0SEND\n"), "SEND /queue/a", "{\"b\":1}", 0, false, true },
	{ S("SEND\ndestination:/queue/a\ncontent-type:application/json\n\n[1,2]\0"), "SEND /queue/a", "{\"0\":[1,2]}",
	  0, false, true },
	{ S("SEND\ndestination:/queue/a\ncontent-type:text/plain\n\n{\"b\":1}\0"), "SEND /queue/a", "{\"b\":1}", 0,
	  false, true },
	{ S("SEND\ndestination:/queue/a\ncontent-type:Application/JSON\n\n[1]\0"), "SEND /queue/a", "{\"0\":[1]}", 0,
	  false, true },
	{ S("SEND\ndestination:/queue/a\n\n {\"b\":1,\"b\":1}\0"), "!", "duplicate key", 35, false, true },
	{ S("SEND\ndestination:/queue/a\ncontent-type:text/plain\n\nhello\0"), "SEND /queue/a", "{\"body\":\"hello\"}",
	  0, false, true },
	{ S("SEND\ndestination:/queue/a\ncontent-length:3\n\na\0b\0"), "!", "a NUL in the body", 44, false, true },
	{ S("SUBSCRIBE\ndestination:/topic/a\\cb\nid:0\nack:auto\n\n\0"), "SUBSCRIBE /topic/a:b",
	  "{\"destination\":\"/topic/a:b\",\"id\":\"0\",\"ack\":\"auto\"}", 0, false, true },
	{ S("ACK\nid:a\\\\\n\n\0"), NULL, "{\"id\":\"a\\\\\"}", 0, false, true },
	{ S("DISCONNECT\nreceipt:7\n\n\0"), NULL, "{\"receipt\":\"7\"}", 0, false, true },
	{ S("MESSAGE\ndestination:/topic/a\nmessage-id:1\nsubscription:0\n\n{\"b\":1}\0"), "MESSAGE /topic/a",
	  "{\"b\":1}", 0, true, true },
	{ S("SEND\ndestination:/a\ndestination:/b\n\n\0"), "!", "a header a second time", 20, false, true },
	{ S("SEND\ndestination:/a\ncontent-length:1\ncontent-length:2\n\nab\0"), "!", "a header a second time", 37,
	  false, true },
	{ S("SEND\ndestination:/a\\t\n\n\0"), "!", "an escape that the specification does not have", 19, false, true },
	{ S("SEND\ndestination:/a\\"), "!", "a line without an end", 20, false, true },
	{ S("SEND\ndestination:/a\ncontent-length:2\n\nabc\0"), "!", "no NUL where content-length ends", 38, false,
	  true },
	{ S("SEND\ndestination:/a\ncontent-length:+1\n\na\0"), "!", "content-length is no number", 39, false, true },
	{ S("SEND\ndestination:/a\n\nabc"), "!", "no NUL at the end", 21, false, true },
	{ S("SEND\n\nabc\0"), "!", "a header is missing", 0, false, true },
	{ S("SEND\ndestination\n\n\0"), "!", "a header without a colon", 16, false, true },
	{ S("SEND\ndestination:/a\rb\n\n\0"), "!", "NUL or CR in a line", 19, false, true },
	{ S("ACK\nid:1\n\nx\0"), "!", "a body where none may be", 0, false, true },
	{ S("MESSAGE\ndestination:/a\nmessage-id:1\n\n\0"), "!", "no command of this side", 0, false, true },
};

static unsigned wrong_rows;
#define wrong_row(...) (wrong_rows++, print_error(__VA_ARGS__))

/* One row; what is wrong of each is printed. */
static void check_text(const struct row *row, struct fw_slice text)
{
	struct dialect_message message;
	uint8_t *copy;
	enum json_result result;

	link_of_test = (struct dialect_link){ .begun = row->later };
	result = read_copy(row->dialect, row->outbound, text, &message, &copy);
	if (row->type != NULL && strcmp(row->type, "!") == 0) {
		assert_int_not_equal(result, JSON_OK);
		if (strcmp(message.what, row->fields) != 0 || message.offset != row->offset)
			wrong_row("%s: %s at %zu\n", row->text, message.what, message.offset);
	} else {
		struct fw_slice fields;

		if (result != JSON_OK)
			wrong_row("%s: %s at %zu\n", row->text, message.what, message.offset);
		assert_int_equal(message.own, row->type == NULL);
		if (row->type != NULL)
			assert_true(slice_is(message.type, row->type));
		fields = canonical(&message.fields);
		if (!slice_is(fields, row->fields))
			wrong_row("%s: %.*s\n", row->text, (int)fields.size, (const char *)fields.data);
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
		check_text(&rows[i], slice_text(rows[i].text));
	for (size_t i = 0; i < sizeof(stomp_rows) / sizeof(*stomp_rows); i++) {
		const struct stomp_row *from = &stomp_rows[i];
		struct row row = { DIALECT_stomp, from->text,	  from->type, from->fields,
				   from->offset,  from->outbound, from->later };

		check_text(&row, slice(from->text, from->size));
	}
	assert_int_equal(wrong_rows, 0);
}

/* Each cut of it, and each octet replaced by each of some that mean something. */
static void cut_and_change(unsigned dialect, bool outbound, bool later, struct fw_slice text)
{
	static const uint8_t others[] = { 0,   '"', '\\', '{', '[', ']',  '}',	',',
					  ':', ' ', '0',  '9', '-', 0x1e, '\n', 0xff };
	uint8_t changed[512];

	assert_true(text.size <= sizeof(changed));
	for (size_t at = 0; at < text.size; at++) {
		link_of_test = (struct dialect_link){ .begun = later };
		check_any(dialect, outbound, slice(text.data, at));
		for (size_t k = 0; k < sizeof(others); k++) {
			memcpy(changed, text.data, text.size);
			changed[at] = others[k];
			check_any(dialect, outbound, slice(changed, text.size));
			check_any(dialect, !outbound, slice(changed, text.size));
		}
	}
}

static void cuts_and_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cut_and_change(rows[i].dialect, rows[i].outbound, rows[i].later, slice_text(rows[i].text));
	for (size_t i = 0; i < sizeof(stomp_rows) / sizeof(*stomp_rows); i++)
		cut_and_change(DIALECT_stomp, stomp_rows[i].outbound, stomp_rows[i].later,
			       slice(stomp_rows[i].text, stomp_rows[i].size));
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
