/* The input is an octet of options, an AsyncAPI document, and behind a NUL another file that it may refer to. What
 * comes of it is one YAML document with the sections of an import and no others, whatever names and texts the document
 * has, and an import that is refused says why. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "asyncapi/asyncapi.h"
#include "base/mem.h"
#include "base/slice.h"
#include "policy/config.h"
#include "policy/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct given {
	struct fw_slice other;
	unsigned errors;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void report(void *user, const char *text)
{
	struct given *given = user;

	require(strstr(text, ": error: ") != NULL || strstr(text, ": note: ") != NULL);
	given->errors += strstr(text, ": error: ") != NULL;
}

static void quiet(void *user, const char *text)
{
	(void)user;
	(void)text;
}

static int read_other(void *user, const char *path, struct fw_slice *ret_text)
{
	struct given *given = user;

	require(*path != '\0');
	*ret_text = given->other;
	return 0;
}

static void check(struct fw_slice text)
{
	static const char *const sections[] = { "upstream", "validation", "authentication", "routes", "messages" };
	const struct config_options options = { .name = "out", .text = text, .report = quiet };
	struct fw_policy *policy = NULL;
	struct document_node *root;
	struct arena arena;
	int result;

	arena_init(&arena, (size_t)1 << 28);
	result = document_read("out", text, &arena, quiet, NULL, &root);
	require(result == FW_OK || result == FW_ERR_MEMORY || text.size > LIMIT_CONFIG_BYTES);
	if (result == FW_OK) {
		require(root->kind == DOCUMENT_MAP);
		for (const struct document_node *node = root->first; node != NULL; node = node->next) {
			unsigned i = 0;

			while (i < 5 && !slice_is(node->key, sections[i]))
				i++;
			require(i < 5);
		}
	}
	arena_fini(&arena);
	(void)config_load(&options, &policy);
	fw_policy_unref(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size > 1 ? memchr(data + 1, '\0', size - 1) : NULL;
	struct given given = { 0 };
	struct asyncapi_options options = { .name = "dir/d.yaml",
					    .upstream = "ws://h:1",
					    .read = read_other,
					    .user = &given,
					    .report = report,
					    .report_user = &given };
	size_t written = 0;
	char *text;
	int result;

	if (size == 0)
		return 0;
	options.perspective = data[0] & 1 ? ASYNCAPI_CLIENT : ASYNCAPI_SERVER;
	options.any_protocol = (data[0] & 2) != 0;
	options.clients_only = (data[0] & 4) != 0;
	options.open = (data[0] & 8) != 0;
	options.text = slice(data + 1, cut != NULL ? (size_t)(cut - data) - 1 : size - 1);
	if (cut != NULL)
		given.other = slice(cut + 1, size - (size_t)(cut + 1 - data));
	result = asyncapi_import(&options, &text, &written);
	require((result == FW_OK) == (text != NULL));
	require(result != FW_ERR_INVALID || given.errors != 0);
	if (text != NULL)
		check(slice(text, written));
	mem_free(text);
	return 0;
}
