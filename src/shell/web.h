/* web.h: the files of web/src, embedded in the program at build time by tools/embed.py. Constant; any thread. */
#ifndef SHELL_WEB_H
#define SHELL_WEB_H
#include <framewall/types.h>

struct web_file {
	const char *name; /* "app.js" */
	const char *type; /* "text/javascript; charset=utf-8" */
	struct fw_slice bytes;
};
extern const struct web_file web_files[];
extern const unsigned web_file_count;
#endif
