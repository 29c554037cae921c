/* Any text as a configuration: it is refused with messages or gives a policy whose look-ups work; it never crashes or
 * leaks. The first octet chooses: odd, one allocation fails. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "policy/config.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned problems;

static void report(void *user, const char *text)
{
	(void)user;
	problems += text[0] != '\0';
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
	policy_host_allowed(policy, &policy->routes[0], slice_text("example.com"), true);
	schema_url_safe(policy, text);
	schema_url_safe(policy, slice_text("https://example.com/"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_policy *policy = NULL;
	uint64_t fail = size != 0 && (data[0] & 1) != 0 ? data[0] / 2 + 1u : 0;
	struct fw_slice text = slice(data, size);
	int result;

	if (size != 0)
		text = slice_from(text, 1);
	problems = 0;
	mem_fail_at(fail);
	result = fw_policy_load("fuzz.yaml", text, report, NULL, &policy);
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
