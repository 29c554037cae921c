/* html_element.h: what is to be known of the elements of HTML fields, as html_elements.def lists them. */
#ifndef POLICY_HTML_ELEMENT_H
#define POLICY_HTML_ELEMENT_H
#include "policy/policy.h"

/* What ends an open element of another kind: see the table. */
enum html_nesting { HTML_BLOCK = 1, HTML_ITEM = 2, HTML_TERM = 4, HTML_LINK = 8, HTML_HEADING = 16 };

struct html_element {
	const char *name;
	const char *refused;	   /* why it can never stay, or NULL */
	bool empty;		   /* has no end tag */
	uint8_t puts, keeps, bars; /* of enum html_nesting */
};

/* By its name in letters of either case. One that the table does not have: a row that says nothing. */
const struct html_element *html_element_find(struct fw_slice name);
#endif
