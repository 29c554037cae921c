/* log.h: messages of a running manager for its operators, by module and level, to the log function of its options: one
 * line each. Not the record: nothing is kept, and what is too much is left out and counted. Levels may change at any
 * time. Never given to it: tokens, keys, cookies, payloads, heads. What comes from a peer is escaped, so that it cannot
 * make a line of its own. Any thread. */
#ifndef SHELL_LOG_H
#define SHELL_LOG_H
#include <pthread.h>
#include <stdatomic.h>

#include <framewall/manager.h>

#include "base/log_level.h"

struct log {
	fw_log_function *function;
	void *user;
	_Atomic uint8_t levels[LOG_MODULES]; /* how far each module tells */
	pthread_mutex_t lock;
	uint64_t cells[LOG_MODULES]; /* GCRA of lines, under lock */
	uint64_t missed[LOG_MODULES];
};

void log_init(struct log *log, fw_log_function *function, void *user); /* every module at info */
void log_fini(struct log *log);
/* As log_level_parse has it; changes the levels, or says what is wrong. */
bool log_set(struct log *log, struct fw_slice text, struct fw_slice *ret_wrong);

/* log NULL: nobody listens. */
static inline bool log_says(const struct log *log, enum log_module module, enum log_level level)
{
	return log != NULL && atomic_load_explicit(&log->levels[module], memory_order_relaxed) >= (unsigned)level;
}

/* log_warn(log, record, "cannot write %s", path): the arguments are not looked at unless the module says so much. */
#define log_error(log, module, ...) log_at(log, LOG_##module, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(log, module, ...) log_at(log, LOG_##module, LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(log, module, ...) log_at(log, LOG_##module, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, module, ...) log_at(log, LOG_##module, LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(log, module, ...) log_at(log, LOG_##module, LOG_LEVEL_TRACE, __VA_ARGS__)
#define log_at(log, module, level, ...)                                                                                \
	do {                                                                                                           \
		if (log_says(log, module, level))                                                                      \
			log_write(log, module, level, __VA_ARGS__);                                                    \
	} while (0)

void log_write(struct log *log, enum log_module module, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
#endif
