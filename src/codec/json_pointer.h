/* json_pointer.h: the value that a JSON Pointer (RFC 6901) leads to. No memory; any thread. */
#ifndef CODEC_JSON_POINTER_H
#define CODEC_JSON_POINTER_H
#include "codec/json.h"

/* "/realm_access/roles", "/groups/0", "~1" for "/" and "~0" for "~". 0: it leads nowhere, or is none, or is "", the
 * whole. Names of more than 255 octets are not found. */
uint32_t json_pointer_find(const struct json *json, struct fw_slice pointer);
#endif
