/* Secrets in any octets: no fault; what is found lies within the text; masked in place by explain, valid JSON stays
 * JSON of the same size, and a second look finds nothing to mask. The first octet chooses: the search alone, or all. */
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "codec/json.h"
#include "engine/conn_state.h"
#include "engine/secrets.h"
#include "policy/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool see(void *user, const struct secret_hit *hit)
{
	const struct fw_slice *text = user;

	if (hit->size == 0 || hit->offset > text->size || hit->size > text->size - hit->offset)
		abort();
	return true;
}

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 1, size);
}

static bool masked;

static void trace(void *user, const struct fw_trace *said)
{
	(void)user;
	masked = masked || (strcmp(said->stage, "secrets") == 0 && strcmp(said->verdict, "rewrite") == 0);
}

static struct fw_engine *engine_of(void)
{
	static const char text[] =
		"routes: [{path: \"*\", upstream: \"ws://127.0.0.1:9\", outbound: {secrets: {keys: mask, tokens: mask, "
		"jwt: mask, cards: mask, iban: mask, email: mask, phone: mask}}}]";
	struct fw_engine_options options = { .random = { fill, NULL } };

	if (fw_policy_load("f", slice_text(text), NULL, NULL, &options.policy) != FW_OK)
		abort();
	return fw_engine_new(&options);
}

static bool is_json(struct fw_slice text)
{
	struct arena arena;
	struct json json;
	bool is;

	arena_init(&arena, 256u << 20);
	is = json_parse(&arena, text, 0, &json, NULL) == JSON_OK;
	arena_fini(&arena);
	return is;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fw_engine *engine;
	struct fw_slice text = slice(data + 1, size != 0 ? size - 1 : 0), shown;
	uint8_t *again;

	if (size == 0)
		return 0;
	secrets_find(text, (1u << SECRET_KINDS) - 1, see, &text);
	if (engine == NULL)
		engine = engine_of();
	masked = false;
	if (!fw_engine_explain(engine, "user", true, text, trace, NULL, &shown) || !masked)
		return 0;
	if (shown.size != text.size || (is_json(text) && !is_json(shown)))
		abort();
	again = malloc(shown.size);
	if (again == NULL)
		return 0;
	memcpy(again, shown.data, shown.size);
	masked = false;
	fw_engine_explain(engine, "user", true, slice(again, text.size), trace, NULL, &shown);
	free(again);
	return 0;
}
