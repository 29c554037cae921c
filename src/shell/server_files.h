/* server_files.h: the key of a data directory, and addresses as people write them. Any thread; no state. */
#ifndef SHELL_SERVER_FILES_H
#define SHELL_SERVER_FILES_H
#include <stdbool.h>
#include <stdint.h>

#include <framewall/types.h>

/* "host:port" (or ":port", "[::1]:port") to its parts; false when it is not that. */
bool server_listen_parse(const char *text, char ret_host[256], uint16_t *ret_port);
/* DATA/keys/jwt.key: reads the 32 octets, or makes them (0600). The folder is made (0700). 0, or -1 with errno. */
int server_jwt_key(const char *data_directory, uint8_t ret_key[32]);
/* A new file (0600), whole or not at all: of two programs that start at once one wins, and both use its secret: so one
 * that is there already is no failure. 0, or -1 with errno. */
int server_secret_make(const char *path, struct fw_slice secret);
#endif
