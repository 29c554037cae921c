/* server.h: starts keeper and gate from a policy, handles SIGTERM, SIGINT (drain, then stop), and stops all.
 * command run is a thin caller of this. */
#ifndef SHELL_SERVER_H
#define SHELL_SERVER_H
#include <stdio.h>

#include "policy/policy.h"

struct server_options {
	struct fw_policy *policy;
	const char *data_directory;
	bool demo;
	unsigned drain_seconds;
	FILE *say; /* lines for people: listening on …; NULL: silent */
};
/* Runs until a signal. Returns an exit code of interface.md: 0 stopped cleanly, 1 certificates that do not hold (said
 * on standard error), 3 could not. */
int server_run(const struct server_options *options);
/* "host:port" (or ":port", "[::1]:port") to its parts; false when it is not that. */
bool server_listen_parse(const char *text, char ret_host[256], uint16_t *ret_port);
/* DATA/keys/jwt.key: reads the 32 octets, or makes them (0600). The folder is made (0700). 0, or -1 with errno. */
int server_jwt_key(const char *data_directory, uint8_t ret_key[32]);
#endif
