#include "base/log_level.h"

#include <string.h>

#include "base/slice.h"

static const char *const levels[LOG_LEVELS] = { "error", "warn", "info", "debug", "trace" };

static const char *const modules[LOG_MODULES] = {
#define LOG_MODULE(name, help) #name,
#include "tables/log_modules.def"
#undef LOG_MODULE
};

const char *log_level_name(unsigned level)
{
	return level < LOG_LEVELS ? levels[level] : "";
}

const char *log_level_module(unsigned module)
{
	return module < LOG_MODULES ? modules[module] : "";
}

/* The index of a word, or count. */
static unsigned find(struct fw_slice word, const char *const *words, unsigned count)
{
	unsigned i = 0;

	while (i < count && !slice_is_nocase(word, words[i]))
		i++;
	return i;
}

static bool take(struct fw_slice part, uint8_t ret_levels[LOG_MODULES])
{
	const uint8_t *equals = part.size != 0 ? memchr(part.data, '=', part.size) : NULL;
	size_t before = equals != NULL ? (size_t)(equals - part.data) : 0;
	unsigned level = find(slice_trim(equals != NULL ? slice_from(part, before + 1) : part), levels, LOG_LEVELS);
	unsigned module;

	if (level == LOG_LEVELS)
		return false;
	if (equals == NULL) {
		memset(ret_levels, (int)level, LOG_MODULES);
		return true;
	}
	module = find(slice_trim(slice(part.data, before)), modules, LOG_MODULES);
	if (module == LOG_MODULES)
		return false;
	ret_levels[module] = (uint8_t)level;
	return true;
}

bool log_level_parse(struct fw_slice text, uint8_t ret_levels[LOG_MODULES], struct fw_slice *ret_wrong)
{
	uint8_t parsed[LOG_MODULES];

	memcpy(parsed, ret_levels, sizeof(parsed));
	for (;;) {
		const uint8_t *comma = text.size != 0 ? memchr(text.data, ',', text.size) : NULL;
		size_t size = comma != NULL ? (size_t)(comma - text.data) : text.size;

		*ret_wrong = slice_trim(slice(text.data, size));
		if (!take(*ret_wrong, parsed))
			return false;
		if (comma == NULL)
			break;
		text = slice_from(text, size + 1);
	}
	memcpy(ret_levels, parsed, sizeof(parsed));
	return true;
}
