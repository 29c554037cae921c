/* input.h: of check_input.c and check_evasion.c. */
#ifndef SCAN_INPUT_H
#define SCAN_INPUT_H
#include "scan/client.h"

struct input_markup {
	const char *text, *tag, *within;
};
bool input_is_live(struct fw_slice text, const struct input_markup *markup);
/* The sender, or another one when its connection was ended. NULL: it was said why not. */
struct client *input_sender(struct scan_trial *trial, struct client *sender);
#endif
