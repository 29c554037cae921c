/* Any text as a configuration: it is refused with messages or gives a policy whose look-ups work; it never crashes or
 * leaks, and what it takes out of a file is in no message. The first octet chooses: odd, one allocation fails; the
 * second bit, an environment. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "policy/config.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char canary[] = "CANARY";
static unsigned problems;

static int read_file(void *user, const char *path, uint8_t *ret_bytes, size_t room, size_t *ret_size, bool *ret_open)
{
	(void)user;
	(void)room;
	*ret_open = path[0] == 'o';
	*ret_size = sizeof(canary) - 1;
	memcpy(ret_bytes, canary, sizeof(canary));
	return path[0] == 'x' ? 2 : 0;
}

static const char *read_variable(void *user, const char *name)
{
	(void)user;
	return name[0] == 'x' ? NULL : name;
}

static void show(void *user, const struct config_shown *shown)
{
	(void)user;
	if (shown->type == CONFIG_TYPE_TEXT && strstr(shown->text, canary) != NULL)
		abort();
	for (size_t i = 0; shown->type == CONFIG_TYPE_TEXTS && i < shown->texts.count; i++)
		if (strstr(shown->texts.items[i], canary) != NULL)
			abort();
}

static void report(void *user, const char *text)
{
	(void)user;
	problems += text[0] != '\0';
	if (strstr(text, canary) != NULL)
		abort();
	/* Messages are for terminals: nothing in them may drive one. */
	for (const char *c = text; *c != '\0'; c++)
		if (((uint8_t)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			abort();
}

static void use(struct fw_policy *policy, struct fw_slice text)
{
	for (unsigned i = 0; i < policy->message_count; i++)
		if (policy_message_find(policy, slice_text(policy->messages[i].name)) != i)
			abort();
	for (unsigned i = 0; i < policy->role_count; i++) {
		if (policy_role_find(policy, slice_text(policy->roles[i].name)) != i ||
		    (policy->roles[i].is >> i & 1) == 0)
			abort();
		fw_policy_allows(policy, policy->roles[i].name, "chat.send");
	}
	if (policy->route_count == 0)
		abort();
	policy_route_find(policy, text);
	policy_route_find(policy, slice_text("/chat"));
	policy_origin_allowed(policy, &policy->routes[0], slice_text("https://example.com"));
	policy_host_allowed(policy, &policy->routes[0], slice_text("example.com"));
	schema_url_safe(policy, text);
	schema_url_safe(policy, slice_text("https://example.com/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_policy *policy = NULL;
	uint64_t fail = size != 0 && (data[0] & 1) != 0 ? data[0] / 2 + 1u : 0;
	const struct config_source source = { read_file, read_variable, NULL };
	const struct config_override environment = { "environment", "staging", "--environment" };
	struct config_options options = { .name = "fuzz.yaml", .report = report, .source = &source, .show = show };
	struct fw_slice text = slice(data, size);
	int result;

	if (size != 0)
		text = slice_from(text, 1);
	for (size_t i = 0; i + sizeof(canary) - 1 <= text.size; i++)
		if (memcmp(text.data + i, canary, sizeof(canary) - 1) == 0)
			return 0; /* messages quote the file itself */
	options.text = text;
	options.overrides = &environment;
	options.override_count = size != 0 && (data[0] & 2) != 0;
	problems = 0;
	mem_fail_at(fail);
	result = config_load(&options, &policy);
	mem_fail_at(0);
	if (result == FW_OK) {
		use(policy, text);
		fw_policy_unref(policy);
	} else if (policy != NULL || (result == FW_ERR_MEMORY && fail == 0) ||
		   (result == FW_ERR_INVALID && problems == 0)) {
		abort();
	}
	return 0;
}
