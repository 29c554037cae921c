/* learned.h: a profile made of what people have: the recorded session of a browser (HAR with _webSocketMessages, as
 * Chrome and Playwright write it), or an AsyncAPI document. It is YAML that people read and complete. No state. */
#ifndef SCAN_LEARNED_H
#define SCAN_LEARNED_H
#include <stdio.h>

#include "scan/scan.h"

/* Writes the profile. FW_ERR_INVALID: nothing to send was found, which is reported, or the file does not hold. */
int learned_har(const char *name, struct fw_slice text, FILE *out, fw_report_function *report, void *user);
int learned_asyncapi(const char *name, struct fw_slice text, FILE *out, fw_report_function *report, void *user);

/* For both: 'TEXT' as YAML has it. */
void learned_quote(FILE *out, struct fw_slice text);
/* How well a member of this name is a text of people: 0 not at all. */
unsigned learned_is_text(struct fw_slice key);
#endif
