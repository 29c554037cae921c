/* report_place.h: what a report says of the machine, and where it keeps its rows. No state; any thread. */
#ifndef REPORT_REPORT_PLACE_H
#define REPORT_REPORT_PLACE_H
#include <framewall/types.h>

enum { REPORT_HOST = 256, REPORT_CLOCK = 256, REPORT_PATH = 4096 };

void report_host(char ret_text[REPORT_HOST]);
void report_clock(char ret_text[REPORT_CLOCK]);
/* Other octets than a name has become hyphens: it is printed. */
void report_plain(char *text);
/* The folder for the rows of a data directory and the key of their HMAC; false: they are not to be kept, as this is not
 * its user (somebody else's files would be in the server's way), or has not the record's key. */
bool report_kept(const char *data, char ret_path[REPORT_PATH], uint8_t ret_key[32]);
#endif
