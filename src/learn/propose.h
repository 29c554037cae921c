/* propose.h: a JSON Schema of what was seen at a place, as YAML, each with the number of examples it rests on. */
#ifndef LEARN_PROPOSE_H
#define LEARN_PROPOSE_H
#include <stdio.h>

#include "learn/node.h"

/* Fewer examples than that are said to be few. */
enum { LEARN_FEW = 20 };
struct propose {
	FILE *out;
	double share; /* what each place may refuse, expected, in as many messages as there were */
	double odds;  /* that a member is one that may be left out */
};
/* Of one line or several, behind "schema:"; indent: of what stands below. */
void propose_schema(const struct propose *propose, const struct learn_node *node, unsigned indent);
void propose_text(const struct propose *propose, const struct learn_text *text, unsigned indent);
void propose_lengths(const struct propose *propose, const struct learn_text *text, unsigned indent);
void propose_key(FILE *out, unsigned indent, const char *name);
void propose_quoted(FILE *out, const char *text, size_t size); /* octets, which are UTF-8 */
uint64_t propose_rounded(double value);			       /* up, to something that is said easily */
#endif
