/* requirement.c: what the checks together say of a requirement. */
#include <string.h>

#include "base/slice.h"
#include "scan/scan.h"

static const struct scan_requirement requirements[] = {
#define SCAN_REQUIREMENT(id, text, hand) { id, text, hand },
#include "tables/scan_requirements.def"
#undef SCAN_REQUIREMENT
};

const struct scan_requirement *scan_requirements(unsigned *ret_count)
{
	*ret_count = sizeof(requirements) / sizeof(*requirements);
	return requirements;
}

/* Is it one of the words, which have commas between? */
static bool names(const char *words, const char *id)
{
	while (*words != '\0') {
		size_t size = strcspn(words, ",");

		if (slice_is(slice(words, size), id))
			return true;
		words += size + strspn(words + size, ", ");
	}
	return false;
}

bool scan_requirement_has(const struct scan_requirement *requirement, const struct scan_check *check)
{
	return names(check->owasp, requirement->id) || names(check->asvs, requirement->id);
}

const char *scan_requirement_state(const struct scan *scan, const struct scan_requirement *requirement)
{
	unsigned of[SCAN_OUTCOMES] = { 0 };

	for (unsigned i = 0; i < scan->count; i++)
		if (scan_requirement_has(requirement, scan->results[i].check))
			of[scan->results[i].outcome]++;
	return of[SCAN_FINDING] != 0 ? "finding"
	       : of[SCAN_ERROR] != 0 ? "error"
	       : of[SCAN_PASS] != 0  ? "pass"
				     : "not_tested";
}
