/* schema_format.h: inside of the policy layer: the formats that a string field may have, on decoded text. No
 * allocation. */
#ifndef POLICY_SCHEMA_FORMAT_H
#define POLICY_SCHEMA_FORMAT_H
#include "policy/policy.h"

/* Does the text have the form of its class? CLASS_ENUMERATED is not a form: see policy_field.choices. */
bool schema_format_holds(const struct fw_policy *policy, enum field_class class, struct fw_slice text);
/* The class of that word; -1: there is none. The word of a class; "": it has none. */
int schema_class_find(struct fw_slice word);
const char *schema_class_word(unsigned class);
#define SCHEMA_CLASS_WORDS "plain, html, id, command, url, email, code, token, path and number"
/* What a client reads as "expected": "id", "url", …; NULL for classes without a form. */
const char *schema_format_name(enum field_class class);
#endif
