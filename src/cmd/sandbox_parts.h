/* sandbox_parts.h: what the confinements of gate and keeper are made of. */
#ifndef CMD_SANDBOX_PARTS_H
#define CMD_SANDBOX_PARTS_H
#include <stdbool.h>
#include <stdint.h>

/* A sanitizer has files, processes and system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANDBOX_UNDER_SANITIZER = 1 };
#else
enum { SANDBOX_UNDER_SANITIZER = 0 };
#endif

/* Nothing where root did not start it, or there is no user of that name. False: it could not. */
bool sandbox_become(const char *name);

/* Of what root may, but for these capabilities. */
void sandbox_drop_rights(uint32_t kept);

/* Files by landlock: all that is not allowed is forbidden. */
enum sandbox_right { SANDBOX_READ, SANDBOX_WRITE /* all but to run it */ };
struct sandbox_files {
	int rules;
	uint64_t handled;
	bool holds;
};
/* quiet: nor may it bind or connect by TCP. False: the kernel has it not. */
bool sandbox_files_begin(struct sandbox_files *files, bool quiet);
/* All beneath it. Of a path that is not there nothing need be said. */
void sandbox_files_allow(struct sandbox_files *files, const char *path, enum sandbox_right right);
bool sandbox_files_end(struct sandbox_files *files); /* from now on; false: it could not */
#endif
