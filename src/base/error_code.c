#include "base/error_code.h"

#include <stddef.h>

static const struct {
	const char *name, *text;
} rows[ERROR_CODES] = {
#define ERROR(name_, text_, help) [ERROR_##name_] = { #name_, text_ },
#include "tables/errors.def"
#undef ERROR
};

const char *error_code_name(enum error_code code)
{
	return (unsigned)code < ERROR_CODES ? rows[code].name : NULL;
}

const char *error_code_text(enum error_code code)
{
	return (unsigned)code < ERROR_CODES && rows[code].text != NULL ? rows[code].text : "";
}
