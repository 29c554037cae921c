/* Keys that are given and have no effect in this version. Nobody shall believe in a protection that is not there. */
#include "policy/config_build.h"

#include <string.h>

enum { MOST = 64 };

static bool named(const struct texts *texts, const char *path)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], path) == 0)
			return true;
	return false;
}

static void name(struct config *config, const char *path)
{
	struct texts *idle = &config->policy->idle;

	if (idle->items == NULL)
		idle->items = config_value_zero(config, MOST, sizeof(*idle->items));
	if (idle->items != NULL && idle->count < MOST && !named(idle, path))
		idle->items[idle->count++] = path;
}

void config_idle_add(struct config *config, struct config_place place, const char *path)
{
	config_report_warning(config, place, "\"%s\" has no effect in this version", path);
	name(config, path);
}
