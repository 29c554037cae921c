/* What --type, --ip and the others say, as records have it. */
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"

int audit_filter(const char *verb, const struct search_texts *texts, struct search_filter *ret_filter)
{
	struct search_problem problem = search_filter_read(texts, ret_filter);

	if (problem.name == NULL)
		return OPTIONS_GO_ON;
	return options_usage(verb, "--%s is %s, not \"%s\"", problem.name, problem.want, problem.value);
}
