/* A server's message judged by type: no fault; what is delivered is JSON where what came is, is no larger than it in
 * tokens, passes again unchanged, and has no type that the role may not receive. The first octet chooses role and
 * policy. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"
#include "engine/conn_state.h"
#include "policy/config.h"

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

#define TYPES                                                                                                          \
	"messages:\n"                                                                                                  \
	"  a: {direction: server, permission: any, fields: {n: {type: integer, max: 9}, t: {max: 5}, o: {type: "       \
	"object, "                                                                                                     \
	"fields: {x: {type: any}}}, l: {type: array, items: {class: id}}, s: {see: [admin]}, m: {see: [admin], mask: " \
	"\"?\"}}}\n"                                                                                                   \
	"  b: {direction: server, permission: admin.execute}\n"                                                        \
	"  c: {direction: both, permission: any, receive: {permission: any, schema: {properties: {n: {type: "          \
	"integer}, p: "                                                                                                \
	"{additionalProperties: false, properties: {q: true}}}, additionalProperties: false}}}\n"
static const char *const configs[] = {
	TYPES,
	(TYPES "validation: {unknown_fields: strip}\n"),
	(TYPES
	 "validation: {unknown_fields: warn}\nroutes: [{path: '*', upstream: 'ws://h:1', outbound: {unknown_types: "
	 "stop}}]\n"),
	(TYPES "routes: [{path: '*', upstream: 'ws://h:1', outbound: {unknown_types: flag, invalid: flag, secrets: "
	       "mask}}]\n"),
};
enum { CONFIGS = sizeof(configs) / sizeof(*configs) };

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 1, size);
}

static struct fw_engine *engine_of(unsigned which)
{
	static struct fw_engine *engines[CONFIGS];
	struct fw_engine_options options = { .random = { fill, NULL } };

	if (engines[which] != NULL)
		return engines[which];
	HOLDS(fw_policy_load("f", slice_text(configs[which]), NULL, NULL, &options.policy) == FW_OK);
	engines[which] = fw_engine_new(&options);
	HOLDS(engines[which] != NULL);
	return engines[which];
}

static void trace(void *user, const struct fw_trace *said)
{
	(void)user, (void)said;
}

static bool says_b(const struct json *json, struct arena *arena, uint32_t node)
{
	uint32_t type;

	if (json->nodes[node].kind == JSON_ARRAY) {
		for (uint32_t at = node + 1; at < json->nodes[node].next; at = json->nodes[at].next)
			if (says_b(json, arena, at))
				return true;
		return false;
	}
	if (json->nodes[node].kind != JSON_OBJECT)
		return false;
	type = json_member(json, node, "type", 4);
	return type != 0 && json->nodes[type].kind == JSON_STRING && slice_is(json_text(json, type, arena), "b");
}

/* Can it be read, and has it the type that users may not receive? */
static bool look(struct fw_slice text, bool *ret_b)
{
	struct arena arena;
	struct json json;
	bool reads;

	arena_init(&arena, 256u << 20);
	reads = json_parse(&arena, text, 0, &json, NULL) == JSON_OK;
	*ret_b = reads && says_b(&json, &arena, 0);
	arena_fini(&arena);
	return reads;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_slice text = slice_from(slice(data, size), 1), shown, again;
	bool admin, b, reads;
	struct fw_engine *engine;
	uint8_t *copy;

	if (size == 0)
		return 0;
	engine = engine_of(data[0] % CONFIGS);
	admin = (data[0] & 0x80) != 0;
	if (!fw_engine_explain(engine, admin ? "admin" : "user", true, text, trace, NULL, &shown))
		return 0;
	reads = look(text, &b);
	HOLDS(reads || admin);
	HOLDS(reads == look(shown, &b) && (admin || !b));
	copy = malloc(shown.size + 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, shown.data, shown.size);
	text = slice(copy, shown.size);
	HOLDS(fw_engine_explain(engine, admin ? "admin" : "user", true, text, trace, NULL, &again));
	HOLDS(slice_equal(text, again));
	free(copy);
	return 0;
}
