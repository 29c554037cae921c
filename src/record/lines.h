/* lines.h: a file read line by line, from any offset, while another process may append to it; or an archive of one
 * (archive.h), as if it were that file. One thread. */
#ifndef RECORD_LINES_H
#define RECORD_LINES_H
#include <framewall/types.h>

enum { LINES_ROOM = 262144 }; /* a longer line is given in pieces that are not whole */

struct lines {
	int fd;			 /* -1: an archive, or none */
	struct archive *archive; /* NULL: it is text */
	uint8_t *buffer;
	size_t start, end;
	uint64_t offset; /* of the octet behind the line that was given last */
};
/* 0, or -1 with errno. */
int lines_open(struct lines *lines, const char *path);
int lines_open_archive(struct lines *lines, const char *path);
uint64_t lines_size(const struct lines *lines); /* octets of text just now */
void lines_close(struct lines *lines);		/* also after a failed open */
void lines_seek(struct lines *lines, uint64_t offset);
/* The next line without its LF; *ret_whole is false when the file ends without one. 1, 0 at the end, -1 with errno. */
int lines_next(struct lines *lines, struct fw_slice *ret_line, bool *ret_whole);
#endif
