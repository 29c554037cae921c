/* propose.h: a JSON Schema of what was seen at a place, as YAML, each with the number of examples it rests on. */
#ifndef LEARN_PROPOSE_H
#define LEARN_PROPOSE_H
#include <stdio.h>

#include "learn/node.h"

/* Fewer examples than that are said to be few. */
enum { LEARN_FEW = 20 };
/* Of one line or several, behind "schema:"; indent: of what stands below. */
void propose_schema(FILE *out, const struct learn_node *node, unsigned indent);
void propose_quoted(FILE *out, const char *text, size_t size); /* octets, which are UTF-8 */
uint64_t propose_rounded(double value);			       /* up, to something that is said easily */
#endif
