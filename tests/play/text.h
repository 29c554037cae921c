/* text.h: a growing text for the play runner, and the words of a line. A test tool: it aborts when memory is short, and
 * it never allocates through base/mem.h, so that the n-th allocation counted there is always one of the product. */
#ifndef PLAY_TEXT_H
#define PLAY_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* NUL-terminated once anything was added; see text_get */
	size_t size;
	size_t room;
};

void text_add(struct text *text, const void *bytes, size_t size);
void text_say(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_take(struct text *text, size_t size); /* forgets the first octets */
void text_clear(struct text *text);		/* gives the memory back */
const char *text_get(const struct text *text);	/* never NULL */
void *text_memory(size_t size);			/* cleared; aborts when memory is short */
char *text_copy(const char *string);

/* Next word of a line: bare up to a blank, or "quoted" with \n \r \t \0 \" \\ \xNN. *line advances. False at the end.
 * ret_quoted may be NULL. */
bool text_word(const char **line, struct text *ret_word, bool *ret_quoted);
/* What is left of a line: its octets as they stand, or one quoted word. */
void text_rest(const char *line, struct text *ret_rest);
const char *text_skip(const char *line); /* behind blanks */
/* "10s", "250ms", "59m59s", "1h": nanoseconds; false when it is none. */
bool text_duration(const char *word, uint64_t *ret_ns);
bool text_number(const char *word, uint64_t *ret_value); /* decimal, whole word */
#endif
