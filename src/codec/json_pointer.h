/* json_pointer.h: the value that a JSON Pointer (RFC 6901) leads to, and the pointer that leads to a value. No memory;
 * any thread. */
#ifndef CODEC_JSON_POINTER_H
#define CODEC_JSON_POINTER_H
#include "codec/json.h"

enum { JSON_POINTER_NAME = 256 };
/* Takes the first name off a pointer, its escapes decoded. False: there is none, "~" stands before something else than
 * 0 and 1, or the name has more octets than that. */
bool json_pointer_next(struct fw_slice *pointer, uint8_t ret_name[JSON_POINTER_NAME], size_t *ret_size);
/* Is it one, "" as well? Names may have any size. */
bool json_pointer_is(struct fw_slice text);
/* "/realm_access/roles", "/groups/0", "~1" for "/" and "~0" for "~". 0: it leads nowhere, or is none, or is "", the
 * whole. Names of more than 255 octets are not found. */
uint32_t json_pointer_find(const struct json *json, struct fw_slice pointer);
/* The same from a value on. */
uint32_t json_pointer_find_from(const struct json *json, uint32_t node, struct fw_slice pointer);
/* The pointer from a value to one within it, or to the member of a key within it. It ends before the first name that
 * does not fit, then it is false. room: at least 1. */
bool json_pointer_write(const struct json *json, uint32_t from, uint32_t node, char *to, size_t room);
/* Adds a name, of decoded octets, to a pointer. False: it does not fit and is not added. */
bool json_pointer_add(char *pointer, size_t room, struct fw_slice name);
#endif
