/* sanitize.h: HTML written anew from an allow-list (decision: fine point 9).
 * The input is an HTML fragment. A pair of tags that are allowed, nested as a browser keeps it, stays, and so does an
 * allowed tag that has no end tag; with allowed attributes only, double-quoted. All else that a browser would not read
 * as text (other tags, tags without their partner, comments, declarations, what the text cuts off) has each "<" that
 * starts something written as "&lt;" and so is seen as typed. A "<" that starts nothing stays as it is. At most
 * LIMIT_HTML_DEPTH elements stay inside of one another. sanitize(sanitize(x)) == sanitize(x). Linear in the size of the
 * text. No I/O; memory from the caller's arena. */
#ifndef ENGINE_SANITIZE_H
#define ENGINE_SANITIZE_H
#include "base/arena.h"
#include "policy/policy.h"

/* FW_OK: *ret_html is html itself when nothing had to change, else a text in the arena. FW_ERR_MEMORY otherwise. */
int sanitize_html(const struct fw_policy *policy, struct arena *arena, struct fw_slice html, struct fw_slice *ret_html);
#endif
