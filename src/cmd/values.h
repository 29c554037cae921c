/* values.h: the effective values of a configuration for people: check --print. */
#ifndef CMD_VALUES_H
#define CMD_VALUES_H
#include <stdio.h>

#include "policy/config.h"

/* "path: value  # where it comes from" on standard output. file: name of the configuration. */
void values_print(const char *file, const struct config_shown *shown);
/* A text as YAML has it: bare, or in double quotes. */
void values_text(FILE *out, const char *text);
#endif
