/* log_level.h: how much the log says, by module: rows of tables/log_modules.def. No state; any thread. */
#ifndef BASE_LOG_LEVEL_H
#define BASE_LOG_LEVEL_H
#include <framewall/types.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE, LOG_LEVELS };
enum log_module {
#define LOG_MODULE(name, help) LOG_##name,
#include "tables/log_modules.def"
#undef LOG_MODULE
	LOG_MODULES
};

const char *log_level_name(unsigned level);
const char *log_level_module(unsigned module);
/* "debug", or "connection=trace,upstream=debug", or both: "warn,record=info". From left to right; modules that are not
 * named keep what ret_levels has. False: nothing is changed, and ret_wrong is the part that does not hold. */
bool log_level_parse(struct fw_slice text, uint8_t ret_levels[LOG_MODULES], struct fw_slice *ret_wrong);
#endif
