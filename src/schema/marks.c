#include <string.h>

#include "schema/run.h"

bool marks_start(struct run *run, uint32_t node, struct marks *ret_marks)
{
	const struct json_node *n = &run->json->nodes[node];

	ret_marks->words = n->kind >= JSON_ARRAY ? (n->count + 63) / 64 : 0;
	ret_marks->bits = ret_marks->few;
	if (ret_marks->words > MARKS_FEW) {
		if (!run_spend(run, ret_marks->words))
			return false;
		ret_marks->bits = arena_alloc(run->arena, ret_marks->words * sizeof(*ret_marks->bits));
		if (ret_marks->bits == NULL) {
			run_stop(run, JSONSCHEMA_MEMORY);
			return false;
		}
	}
	memset(ret_marks->bits, 0, ret_marks->words * sizeof(*ret_marks->bits));
	return true;
}

void marks_add(struct marks *marks, uint32_t number)
{
	if (marks != NULL)
		marks->bits[number / 64] |= (uint64_t)1 << (number % 64);
}

void marks_all(struct marks *marks)
{
	if (marks != NULL)
		memset(marks->bits, 0xff, marks->words * sizeof(*marks->bits));
}

void marks_join(struct marks *marks, const struct marks *more)
{
	for (uint32_t i = 0; marks != NULL && i < marks->words; i++)
		marks->bits[i] |= more->bits[i];
}
