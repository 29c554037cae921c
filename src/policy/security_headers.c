#include "policy/security_headers.h"

#include <string.h>

#include "base/slice.h"
#include "policy/policy.h"

enum { LINES = 7 };

static void lines_of(const struct settings *s, const char *names[LINES], const char *values[LINES])
{
	const char *all[LINES][2] = {
		{ "Content-Security-Policy", s->csp },
		{ "X-Frame-Options", s->x_frame_options },
		{ "X-Content-Type-Options", s->x_content_type_options },
		{ "X-XSS-Protection", s->x_xss_protection },
		{ "Strict-Transport-Security", s->strict_transport_security },
		{ "Referrer-Policy", s->referrer_policy },
		/* What an answer carries depends on who asks, so caches keep one for each. */
		{ "Vary", s->cors_origins.count != 0 ? "Origin" : "" },
	};

	for (unsigned i = 0; i < LINES; i++) {
		names[i] = all[i][0];
		values[i] = all[i][1];
	}
}

int security_headers_build(struct fw_policy *policy)
{
	const char *names[LINES], *values[LINES];
	size_t size = 0;
	uint8_t *text;

	lines_of(&policy->settings, names, values);
	for (unsigned i = 0; i < LINES; i++)
		size += strlen(names[i]) + strlen(values[i]) + 4; /* ": " and CRLF */
	text = arena_alloc(&policy->arena, size + 1);
	if (text == NULL)
		return FW_ERR_MEMORY;
	policy->security_headers.data = text;
	for (unsigned i = 0; i < LINES; i++) {
		if (values[i][0] == '\0')
			continue; /* switched off by an empty value */
		text = (uint8_t *)stpcpy(stpcpy(stpcpy(stpcpy((char *)text, names[i]), ": "), values[i]), "\r\n");
	}
	policy->security_headers.size = (size_t)(text - policy->security_headers.data);
	return FW_OK;
}

struct fw_slice security_headers(const struct fw_policy *policy)
{
	return policy->security_headers;
}
