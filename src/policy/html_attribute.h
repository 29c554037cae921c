/* html_attribute.h: the attributes that may stay in HTML fields, as html_attributes.def lists them. */
#ifndef POLICY_HTML_ATTRIBUTE_H
#define POLICY_HTML_ATTRIBUTE_H
#include "policy/policy.h"

/* The attribute of this name, as the table writes it, and what its values must be; NULL: there is none that is safe at
 * this tag. ret_known: at another tag it would be. */
const char *html_attribute_find(struct fw_slice name, struct fw_slice tag, uint8_t *ret_value, bool *ret_known);
/* The n-th name of the table, or NULL. */
const char *html_attribute_name(unsigned n);
/* What stays without a configuration. */
const struct policy_html_attribute *html_attribute_defaults(unsigned *ret_count);
#endif
