/* error_code.h: the in-band errors of tables/errors.def as numbers: ERROR_IP_BLOCKED … No state; any thread. */
#ifndef BASE_ERROR_CODE_H
#define BASE_ERROR_CODE_H

enum error_code {
	ERROR_NONE = 0,
#define ERROR(name, text, help) ERROR_##name,
#include "tables/errors.def"
#undef ERROR
	ERROR_CODES
};

const char *error_code_name(enum error_code code); /* "IP_BLOCKED"; NULL for ERROR_NONE and unknown numbers */
const char *error_code_text(enum error_code code); /* what a client reads when no better text applies; "" likewise */
#endif
