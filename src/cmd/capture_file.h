/* capture_file.h: a capture from a file or standard input, line by line, in memory that does not grow with it. */
#ifndef CMD_CAPTURE_FILE_H
#define CMD_CAPTURE_FILE_H
#include <stdio.h>

#include "base/arena.h"
#include "codec/capture.h"

struct capture_file {
	const char *verb, *path;
	FILE *in;
	uint8_t *octets; /* read, from `at` to `end` not given yet */
	size_t room, at, end;
	struct arena arena; /* of the line at hand */
	uint64_t number;    /* of the line at hand */
	uint64_t messages;
	uint64_t bad;  /* lines that are no messages; the first few are said on standard error */
	uint64_t lost; /* notes of messages that were not recorded */
	uint64_t cut;  /* messages that were too large to be recorded */
	bool failed;   /* reading, or memory */
};

/* path NULL or "-": standard input. OPTIONS_GO_ON, or the exit code to end with. */
int capture_file_open(struct capture_file *file, const char *verb, const char *path);
/* The next message, valid until the next call; false at the end (ask for failed). */
bool capture_file_next(struct capture_file *file, struct capture_line *ret_line);
/* OPTIONS_GO_ON, or the exit code to end with: it could not be read, or there was no message in it. */
int capture_file_close(struct capture_file *file);
#endif
