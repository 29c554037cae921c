#include "shell/reload.h"

#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/keeper.h"

enum { LIST_ROOM = 2048, PROBLEMS_MOST = 262144 }; /* octets of what is reported of one configuration */

void reload_hear(struct reload_result *result, const char *problem)
{
	size_t size = strlen(problem) + 1, whole;
	char *larger;

	if (!size_add(result->problems_size, size, &whole) || whole > PROBLEMS_MOST)
		return;
	larger = mem_resize(result->problems, whole);
	if (larger == NULL)
		return;
	memcpy(larger + result->problems_size, problem, size);
	result->problems = larger;
	result->problems_size = whole;
}

void reload_fini(struct reload_result *result)
{
	mem_free(result->problems);
	*result = (struct reload_result){ 0 };
}

unsigned reload_list(const bool rows[FINGERPRINT_ROWS], char *ret_text, size_t room)
{
	unsigned count = 0;
	size_t used = 0;

	ret_text[0] = '\0';
	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++) {
		int size;

		if (!rows[row])
			continue;
		size = snprintf(ret_text + used, room - used, "%s%s", count != 0 ? ", " : "", fingerprint_path(row));
		used = size > 0 && (size_t)size < room - used ? used + (size_t)size : room - 1;
		count++;
	}
	return count;
}

static void add_text(struct fw_record *record, const char *key, const char *text)
{
	if (text[0] != '\0')
		detail_add(record, detail_text(key, slice_text(text)));
}

void reload_record(struct keeper *keeper, struct fw_record *record, const struct reload_result *result)
{
	char changed[LIST_ROOM], restart[LIST_ROOM];
	bool taken = result->error.code == FW_OK;

	reload_list(result->changed, changed, sizeof(changed));
	reload_list(result->restart, restart, sizeof(restart));
	if (!taken && record->level < FW_LEVEL_WARNING)
		record->level = FW_LEVEL_WARNING;
	detail_add(record, detail_number("generation", result->after.generation));
	if (taken)
		add_text(record, "digest_before", result->before.digest);
	add_text(record, taken ? "digest_after" : "digest", result->after.digest);
	add_text(record, "changed", changed);
	add_text(record, "needs_restart", restart);
	add_text(record, "cause", result->error.text);
	keeper_record(keeper, record);
}
