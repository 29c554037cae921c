/* config.h: from YAML to fw_policy, by libfyaml, table config.def and one file a section with a shape of its own.
 * fw_policy_load is its public door. Values given on the command line are overrides, checked like values of the file.
 */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H
#include <framewall/policy.h>

struct config_override {
	const char *path; /* "upstream.url" */
	const char *value;
	const char *origin; /* "--upstream", shown in messages */
};
struct config_options {
	const char *name; /* file name for messages */
	struct fw_slice text;
	const struct config_override *overrides;
	size_t override_count;
	struct fw_slice
		default_jwt_secret; /* key of the data directory: used when the file names no jwt keys; may be empty */
	fw_report_function *report;
	void *user;
	bool without_hub; /* an embedding program answers where there is no upstream: opaque messages too */
};
int config_load(const struct config_options *options, struct fw_policy **ret_policy);
#endif
