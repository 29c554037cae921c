/* asyncapi_files.h: the files of an AsyncAPI document: it, and those beside it that it refers to, which are within one
 * folder, links followed. One thread; owns the texts until asyncapi_files_free. */
#ifndef CMD_ASYNCAPI_FILES_H
#define CMD_ASYNCAPI_FILES_H
#include "asyncapi/asyncapi.h"

struct asyncapi_files {
	char *root; /* resolved; NULL: no other files */
	struct asyncapi_files_text *texts;
};

/* Sets name, text, read and user of the options. 0, or -1 with errno. root: NULL: the folder of the document. */
int asyncapi_files_open(struct asyncapi_files *files, const char *path, const char *root,
			struct asyncapi_options *ret_options);
void asyncapi_files_free(struct asyncapi_files *files);
#endif
