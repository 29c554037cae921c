/* Values from outside the file: FRAMEWALL_… variables and the command line. */
#include "policy/config_build.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"

static const char prefix[] = "FRAMEWALL_";

/* Names with that beginning which mean something else. */
static const char *const others[] = {
#define VARIABLE(name, help) #name,
#include "tables/variables.def"
#undef VARIABLE
};

void config_variable_name(const char *path, char ret_name[CONFIG_VARIABLE_ROOM])
{
	size_t n = sizeof(prefix) - 1;

	memcpy(ret_name, prefix, n);
	for (; *path != '\0' && n + 1 < CONFIG_VARIABLE_ROOM; path++)
		ret_name[n++] = (char)(*path == '.' ? '_' : *path >= 'a' && *path <= 'z' ? *path - 'a' + 'A' : *path);
	ret_name[n] = '\0';
}

static unsigned find(const char *variable)
{
	char name[CONFIG_VARIABLE_ROOM];
	unsigned row = 0;

	for (; row < config_scalar_count(); row++) {
		config_variable_name(config_scalar_path(row), name);
		if (strcmp(name, variable) == 0)
			break;
	}
	return row;
}

static bool of_others(const char *name)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(others[i], name) == 0)
			return true;
	return false;
}

/* Without the beginning that all have, so that a short name is not near to everything. */
static void warn_unknown(struct config *config, struct config_place place, const char *variable)
{
	char names[CONFIG_VARIABLE_ROOM], best[CONFIG_VARIABLE_ROOM];
	struct config_suggest suggest;

	config_suggest_start(&suggest, slice_text(variable + sizeof(prefix) - 1));
	for (unsigned row = 0; row < config_scalar_count(); row++) {
		unsigned before = suggest.distance;

		config_variable_name(config_scalar_path(row), names);
		config_suggest_offer(&suggest, names + sizeof(prefix) - 1, strlen(names) - sizeof(prefix) + 1);
		if (suggest.distance < before)
			memcpy(best, names, sizeof(best));
	}
	config_report_warning(config, place, "no configuration key has this variable%s%s%s",
			      suggest.best != NULL ? "; did you mean \"" : "", suggest.best != NULL ? best : "",
			      suggest.best != NULL ? "\"?" : "");
}

static void apply(struct config *config, const struct config_variable *variable)
{
	struct config_place place = { .origin = variable->name };
	struct utf8 state = { 0 };
	unsigned row = find(variable->name);
	size_t size = strlen(variable->value);

	if (row == config_scalar_count()) {
		if (!of_others(variable->name))
			warn_unknown(config, place, variable->name);
		return;
	}
	if (utf8_check(&state, (const uint8_t *)variable->value, size) != size || state.due != 0)
		config_report_error(config, place, "the value is not UTF-8 text");
	else
		config_scalar_text(config, row, place, CONFIG_FROM_VARIABLE, variable->value);
}

void config_variable_apply(struct config *config)
{
	for (size_t i = 0; i < config->options->variable_count; i++)
		apply(config, &config->options->variables[i]);
}

static void override(struct config *config, const struct config_override *given)
{
	struct config_place place = { .origin = given->origin };
	unsigned row = config_scalar_find(given->path);

	if (row == config_scalar_count())
		config_report_error(config, place, "there is no configuration key \"%s\"", given->path);
	else
		config_scalar_text(config, row, place, CONFIG_FROM_OPTION, given->value);
}

void config_variable_override(struct config *config)
{
	for (size_t i = 0; i < config->options->override_count; i++)
		override(config, &config->options->overrides[i]);
}

void config_variable_environment(struct config *config)
{
	const struct config_options *options = config->options;

	for (size_t i = 0; i < options->variable_count; i++)
		if (strcmp(options->variables[i].name, "FRAMEWALL_ENVIRONMENT") == 0)
			apply(config, &options->variables[i]);
	for (size_t i = 0; i < options->override_count; i++)
		if (strcmp(options->overrides[i].path, "environment") == 0)
			override(config, &options->overrides[i]);
}
