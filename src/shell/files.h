/* files.h: files that a configuration is made of. Who may read them reads them once, and keeps copies in memory; who
 * may not is given those copies, and finds them under the same names. Of the thread that says so; everybody else reads
 * the disk. */
#ifndef SHELL_FILES_H
#define SHELL_FILES_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct files;
struct files *files_new(void); /* NULL: memory is short */
struct files *files_free(struct files *files);
void files_keep(struct files *files); /* what is opened from now on is kept in here; NULL: no more */
void files_use(struct files *files);  /* nothing but what is in here is there from now on; NULL: the disk */
bool files_used(void);
bool files_add(struct files *files, const char *path, int fd); /* fd is owned from now on, also when it fails */
/* Each one, until it says false, which is the result then; fd is another process's to read, and closed when each
 * returns. */
bool files_each(const struct files *files, bool (*each)(void *user, const char *path, int fd), void *user);

/* As open(path, O_RDONLY | O_CLOEXEC | flags), fopen(path, "re") and access(path, F_OK) have it. */
int files_open(const char *path, int flags);
/* What was read of one that may give its octets only once, as a pipe: who reads the copies later finds them. False:
 * they could not be kept. */
bool files_were(const char *path, mode_t mode, const uint8_t *octets, size_t size);
FILE *files_fopen(const char *path);
bool files_exist(const char *path);
#endif
