/* xss.h: what the two parts of the detector of script ask each other. */
#ifndef ENGINE_DETECT_XSS_H
#define ENGINE_DETECT_XSS_H
#include "engine/detect/view.h"

/* Does a call, a template or an assignment of what attacks call stand at this place, or somewhere behind it? */
bool xss_calls_at(const struct detect_view *view, const uint8_t *at, const uint8_t *end);
bool xss_calls_within(const struct detect_view *view, const uint8_t *at, const uint8_t *end);
/* f(, a.b( or f` */
bool xss_call_follows(const uint8_t *at, const uint8_t *end);
/* A string or a bracket of a script that the page began is left, and script follows. */
void xss_leaves_script(const struct detect_view *view);
/* `alert()` in somebody's words: a span of code that speaks of it. */
bool xss_quoted(const struct detect_view *view, size_t at);
/* A name of script in pieces. */
void xss_joined(const struct detect_view *view);
#endif
