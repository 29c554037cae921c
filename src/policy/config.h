/* config.h: from YAML to fw_policy, by libfyaml, table config.def and one file a section with a shape of its own.
 * fw_policy_load is its public door. Order of what counts: default, default of the environment, file, overlay of the
 * environment, FRAMEWALL_… variable, command line. All are checked alike.
 * Any thread; reads no file and no environment by itself: the caller gives them. */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H
#include <framewall/policy.h>

#include "policy/policy.h"

/* A value of the command line. Lists are written with commas. */
struct config_override {
	const char *path; /* "upstream.url" */
	const char *value;
	const char *origin; /* "--upstream", shown in messages */
};

/* FRAMEWALL_…=value. Of one name the last counts. */
struct config_variable {
	const char *name, *value;
};

/* What ${file:PATH} and ${env:NAME} in a value stand for. */
struct config_source {
	/* 0 and the octets of the file (at most room; EFBIG when there are more), or errno. ret_open: others than its
	 * owner and group may read it. */
	int (*file)(void *user, const char *path, uint8_t *ret_bytes, size_t room, size_t *ret_size, bool *ret_open);
	const char *(*variable)(void *user, const char *name); /* NULL: not set */
	void *user;
};

enum config_from {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_ENVIRONMENT, /* default of the environment */
	CONFIG_FROM_FILE,
	CONFIG_FROM_OVERLAY,
	CONFIG_FROM_VARIABLE,
	CONFIG_FROM_OPTION
};
enum config_type { CONFIG_TYPE_INTEGER, CONFIG_TYPE_BOOLEAN, CONFIG_TYPE_TEXT, CONFIG_TYPE_TEXTS, CONFIG_TYPE_SECRET };

/* An effective value, borrowed for the call that shows it. */
struct config_shown {
	const char *path;
	enum config_type type; /* SECRET: neither text nor texts are set */
	int64_t number;	       /* BOOLEAN: 0 or 1 */
	const char *text;
	struct texts texts;
	enum config_from from;
	unsigned line;	    /* FILE, OVERLAY */
	const char *origin; /* VARIABLE: its name. OPTION: the option. ENVIRONMENT, OVERLAY: name of the environment */
};
typedef void config_show_function(void *user, const struct config_shown *shown);
/* The same, kept with the policy, in the order of the table. */
struct policy_shown {
	struct config_shown value;
	const struct policy_shown *next;
};

struct config_options {
	const char *name; /* file name for messages */
	struct fw_slice text;
	const struct config_override *overrides;
	size_t override_count;
	struct fw_slice
		default_jwt_secret; /* key of the data directory: used when the file names no jwt keys; may be empty */
	fw_report_function *report;
	void *user; /* of report and show */
	const struct config_variable *variables;
	size_t variable_count;
	const struct config_source *source; /* NULL: ${file:…} and ${env:…} are errors */
	bool demo;			    /* login links are printed: refused in production */
	bool without_hub;	    /* an embedding program answers where there is no upstream: opaque messages too */
	config_show_function *show; /* called for each value of a configuration that holds; NULL: not */
	bool keeps_shown;	    /* they stay with the policy: fw_policy.shown */
};
int config_load(const struct config_options *options, struct fw_policy **ret_policy);
#endif
