/* shown.h: an effective value of a configuration as JSON: check --print --json, GET /api/v1/policy. */
#ifndef SHELL_SHOWN_H
#define SHELL_SHOWN_H
#include "codec/json.h"
#include "policy/config.h"

/* {"path":…,"value":…,"origin":{…}}; a secret is null. file: name of the configuration. */
void shown_write(struct json_writer *w, const char *file, const struct config_shown *shown);
#endif
