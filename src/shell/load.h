/* load.h: a policy from a configuration file, the FRAMEWALL_… variables of this process and the command line: what
 * `run`, `check`, `explain` and a reload have in common. Reads files; any thread, but not beside a setenv. */
#ifndef SHELL_LOAD_H
#define SHELL_LOAD_H
#include "policy/config.h"

struct load_options {
	const char *path; /* "-": standard input; NULL: no file, but the text */
	const char *text; /* NULL: nothing, the defaults */
	const struct config_override *overrides;
	size_t override_count;
	struct fw_slice default_jwt_secret; /* see config.h */
	bool variables;			    /* the FRAMEWALL_… variables count */
	bool demo, without_hub;		    /* see config.h */
	fw_report_function *report;
	config_show_function *show; /* NULL: nothing is shown */
	bool keeps_shown;	    /* see config.h */
	void *user;		    /* of report and show */
};
/* FW_OK and a policy; FW_ERR_INVALID (reported), FW_ERR_MEMORY, or FW_ERR_IO: the file cannot be read, errno says why.
 */
int load_policy(const struct load_options *options, struct fw_policy **ret_policy);
#endif
