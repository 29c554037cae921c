/* json_equal.h: do two texts say the same as JSON, whatever the order of members and the way of writing? No state. */
#ifndef CMD_JSON_EQUAL_H
#define CMD_JSON_EQUAL_H
#include <framewall/types.h>

/* Where one of them is no JSON: are they the same octets? */
bool json_equal(struct fw_slice a, struct fw_slice b);
#endif
