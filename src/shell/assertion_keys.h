/* assertion_keys.h: the keys that assertions to upstreams are signed with, from their files into a policy. Any thread;
 * no state. */
#ifndef SHELL_ASSERTION_KEYS_H
#define SHELL_ASSERTION_KEYS_H
#include <stddef.h>

struct fw_policy;

/* Before the policy is shared. Where upstream.assertion is on: the files of assertion.keys, of which the first signs
 * and all are published; without any DATA/keys/assertion.pem, which is made (0600) when it is not there, and published
 * with it DATA/keys/assertion.old.pem, if there is one. FW_OK, or FW_ERR_IO with ret_text. */
int assertion_keys_load(struct fw_policy *policy, const char *data_directory, char *ret_text, size_t room);
#endif
