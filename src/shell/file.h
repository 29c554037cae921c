/* file.h: whole files. Any thread; no state. */
#ifndef SHELL_FILE_H
#define SHELL_FILE_H
#include <framewall/types.h>

/* Reads all of a file ("-": standard input) of at most limit bytes; a NUL stands behind it. 0, or -1 with errno (EFBIG:
 * larger). The caller frees *ret_bytes by mem_free. */
int file_read(const char *path, size_t limit, uint8_t **ret_bytes, size_t *ret_size);
/* A file (0600) with this content, in place of one that may be there: whole or not at all, and on the disk when it
 * returns. 0, or -1 with errno. */
int file_replace(const char *path, struct fw_slice content);
#endif
