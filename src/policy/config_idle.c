/* Keys that are given and have no effect in this version. Nobody shall believe in a protection that is not there. */
#include "policy/config_build.h"

#include <string.h>

static const struct {
	const char *path, *why;
} rows[] = {
#define IDLE(path, why) { path, why },
#include "tables/idle.def"
};
enum { ROWS = sizeof(rows) / sizeof(*rows), MOST = 64 };

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

static bool below(const char *path, const char *section)
{
	size_t size = strlen(section);

	return strncmp(path, section, size) == 0 && (path[size] == '\0' || path[size] == '.');
}

/* One warning a section, at the first row that is given. */
void config_idle_rows(struct config *config)
{
	for (unsigned i = 0; i < ROWS; i++)
		for (unsigned row = 0; row < config_scalar_count(); row++) {
			const struct config_origin *origin = &config->origins[row];

			if (!below(config_scalar_path(row), rows[i].path) || origin->from < CONFIG_FROM_FILE)
				continue;
			config_report_warning(config, origin->place, "\"%s\" has no effect in this version: %s",
					      rows[i].path, rows[i].why);
			name(config, rows[i].path);
			break;
		}
}
