#include "shell/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/gcra.h"
#include "base/limits.h"
#include "base/utf8.h"

#define SECOND_NS ((uint64_t)1000000000)

/* TEXT: what a message may have before it is escaped; LINE: and then. */
enum { TEXT = 512, LINE = 2048 };

void log_init(struct log *log, fw_log_function *function, void *user)
{
	*log = (struct log){ .function = function, .user = user };
	for (unsigned i = 0; i < LOG_MODULES; i++)
		atomic_init(&log->levels[i], LOG_LEVEL_INFO);
	pthread_mutex_init(&log->lock, NULL);
}

void log_fini(struct log *log)
{
	pthread_mutex_destroy(&log->lock);
}

struct line {
	size_t size;
	char text[LINE];
};

static void put(struct line *line, const char *text, size_t size)
{
	if (size > sizeof(line->text) - 1 - line->size)
		return; /* a character is there whole, or not at all */
	memcpy(line->text + line->size, text, size);
	line->size += size;
}

/* Characters that end lines or turn the direction of the text: U+2028 to U+202F, U+2066 to U+2069. */
static bool is_layout(const uint8_t *text)
{
	return text[0] == 0xe2 && ((text[1] == 0x80 && text[2] >= 0xa8 && text[2] <= 0xaf) ||
				   (text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9));
}

/* Octets of the character at text when it may stand in a line as it is, 0 when not: no control characters (C1 ones
 * included), nothing that is no UTF-8. */
static size_t printable(const uint8_t *text, size_t size)
{
	size_t octets = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (text[0] < 0x80)
		return text[0] >= 0x20 && text[0] != 0x7f && text[0] != '\\';
	if (octets > size || !utf8_valid(text, octets))
		return 0;
	if (octets == 2)
		return text[0] == 0xc2 && text[1] < 0xa0 ? 0 : 2;
	return octets == 3 && is_layout(text) ? 0 : octets;
}

static void put_escaped(struct line *line, const char *text, size_t size)
{
	const uint8_t *at = (const uint8_t *)text;
	char escape[4] = { '\\', 'x' };

	while (size != 0) {
		size_t octets = printable(at, size);

		if (octets != 0) {
			put(line, (const char *)at, octets);
		} else {
			encode_hex(at, 1, escape + 2);
			put(line, escape, sizeof(escape));
			octets = 1;
		}
		at += octets;
		size -= octets;
	}
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* May this module say one more line now? ret_missed: how many before it could not be said. */
static bool has_room(struct log *log, unsigned module, uint64_t *ret_missed)
{
	const struct gcra rate = gcra_per(LIMIT_LOG_LINES, SECOND_NS);
	bool room;

	pthread_mutex_lock(&log->lock);
	room = gcra_take(&log->cells[module], &rate, monotonic_ns()) == 0;
	*ret_missed = log->missed[module];
	log->missed[module] = room ? 0 : *ret_missed + 1;
	pthread_mutex_unlock(&log->lock);
	return room;
}

static enum fw_log_level public_level(enum log_level level)
{
	static const enum fw_log_level levels[LOG_LEVELS] = { FW_LOG_ERROR, FW_LOG_WARNING, FW_LOG_INFO, FW_LOG_DEBUG,
							      FW_LOG_TRACE };

	return levels[level];
}

static void say_missed(struct log *log, unsigned module, uint64_t missed)
{
	char text[96];

	snprintf(text, sizeof(text), "%" PRIu64 " lines were left out here: too many a second", missed);
	log->function(log->user, FW_LOG_WARNING, log_level_module(module), text);
}

void log_write(struct log *log, enum log_module module, enum log_level level, const char *format, ...)
{
	struct line line = { .size = 0 };
	uint64_t missed;
	char text[TEXT];
	va_list arguments;
	int size;

	if (log->function == NULL || !has_room(log, module, &missed))
		return;
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is above; clang-tidy 14 forgets it */
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (size < 0)
		return;
	put_escaped(&line, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
	if ((size_t)size >= sizeof(text))
		put(&line, "…", strlen("…"));
	line.text[line.size] = '\0';
	if (missed != 0)
		say_missed(log, module, missed);
	log->function(log->user, public_level(level), log_level_module(module), line.text);
}

bool log_set(struct log *log, struct fw_slice text, struct fw_slice *ret_wrong)
{
	uint8_t levels[LOG_MODULES];

	for (unsigned i = 0; i < LOG_MODULES; i++)
		levels[i] = atomic_load(&log->levels[i]);
	if (!log_level_parse(text, levels, ret_wrong))
		return false;
	for (unsigned i = 0; i < LOG_MODULES; i++)
		atomic_store(&log->levels[i], levels[i]);
	return true;
}
