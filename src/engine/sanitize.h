/* sanitize.h: HTML written anew from an allow-list (decision: fine point 9).
 * The input is an HTML fragment. Allowed tags stay, with allowed attributes only, double-quoted; every other tag,
 * comment, declaration or cut tag has its "<" written as "&lt;" and so is seen as typed; a "<" that starts no tag stays
 * as it is. sanitize(sanitize(x)) == sanitize(x). No I/O; memory from the caller's arena. */
#ifndef ENGINE_SANITIZE_H
#define ENGINE_SANITIZE_H
#include "base/arena.h"
#include "policy/policy.h"

/* FW_OK: *ret_html is html itself when nothing had to change, else a text in the arena. FW_ERR_MEMORY otherwise. */
int sanitize_html(const struct fw_policy *policy, struct arena *arena, struct fw_slice html, struct fw_slice *ret_html);
#endif
