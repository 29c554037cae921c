/* format.h: does a text have a form? No memory, no state; any thread. For this folder only. */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H
#include <framewall/types.h>

bool format_ipv4(struct fw_slice text);
bool format_ipv6(struct fw_slice text);
/* format_time.c: RFC 3339 */
bool format_date_time(struct fw_slice text);
bool format_date(struct fw_slice text);
bool format_time(struct fw_slice text);
bool format_duration(struct fw_slice text);
/* format_uri.c: RFC 3986, 3987, 6570 */
bool format_uri(struct fw_slice text);
bool format_uri_reference(struct fw_slice text);
bool format_iri(struct fw_slice text);
bool format_iri_reference(struct fw_slice text);
bool format_uri_template(struct fw_slice text);
#endif
