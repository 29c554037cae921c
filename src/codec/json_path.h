/* json_path.h: the JSON Pointer (RFC 6901) of the value that is being read. No memory; any thread. */
#ifndef CODEC_JSON_PATH_H
#define CODEC_JSON_PATH_H
#include "codec/json.h"

/* containers: the nodes of the arrays and objects around it, the outermost first; keys: for each object the key
 * reached. An array's count is that of the elements begun. What does not fit into room octets with a NUL is cut between
 * characters. */
void json_path_write(const uint8_t *text, const struct json_node *nodes, const uint32_t *containers,
		     const uint32_t *keys, unsigned depth, char *ret_path, size_t room);
#endif
