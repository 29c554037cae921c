/* keeper_needs.h: which files of a configuration a keeper that is a process of its own needs besides the data
 * directory, and whether it runs programs. What it may do is settled by this before it meets anybody; when a
 * configuration that comes later needs more, it begins anew. */
#ifndef SHELL_KEEPER_NEEDS_H
#define SHELL_KEEPER_NEEDS_H
#include "policy/policy.h"

/* Texts are copies. */
struct keeper_needs {
	char *data, *record;	/* folders, all of them the keeper's; record NULL: it lies in data */
	char *copy;		/* file of checkpoints; NULL: none */
	char **reads, **writes; /* files; those that it writes it also makes */
	size_t read_count, write_count;
	bool programs; /* encryption.key_command, a receiver that is one */
};
/* started: what the server was started with, for what needs a restart. */
bool keeper_needs_of(const struct fw_policy *policy, const struct fw_policy *started, const char *data_directory,
		     struct keeper_needs *ret_needs);
/* And the keys that the database may be sealed with still, of a configuration before. */
bool keeper_needs_add_keys(struct keeper_needs *needs, const struct fw_policy *policy);
void keeper_needs_free(struct keeper_needs *needs);
/* All of the others'; record and copy are those of the start in both. */
bool keeper_needs_covers(const struct keeper_needs *needs, const struct keeper_needs *others);
#endif
