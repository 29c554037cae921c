/* options.h: options of a verb: "--name value", "--name=value", flags, "--help", "--" and what is left over.
 * No state; writes to standard output and error only. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>

struct option_row {
	const char *name;      /* "--config" */
	const char *value;     /* what the help calls the value ("FILE"); NULL: a flag */
	const char **ret_text; /* where the value goes, when value is not NULL */
	bool *ret_flag;	       /* set to true, when value is NULL */
	const char *help;
};

struct options {
	const char *verb;
	const struct option_row *rows;
	size_t row_count;
	const char **operands; /* room for words that are no options; NULL: none are taken */
	size_t operand_room;
	size_t operand_count; /* set by options_read */
};

enum { OPTIONS_GO_ON = -1 };
/* OPTIONS_GO_ON, or the exit code to end with: 0 after --help, 2 after a usage error (already said on standard error).
 */
int options_read(struct options *options, int argc, char **argv);
/* A whole number within bounds; otherwise false, and it was said what is wrong. */
bool options_number(const char *verb, const char *name, const char *text, long min, long max, long *ret_value);
/* "framewall VERB: …. Try …" on standard error. Returns 2. */
int options_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "framewall VERB: …" on standard error. Returns 3: it could not be done. */
int options_could_not(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
