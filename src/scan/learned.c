#include "scan/learned.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

void learned_quote(FILE *out, struct fw_slice text)
{
	(void)fputc('\'', out);
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '\'')
			(void)fputc('\'', out);
		(void)fputc(text.data[i] < 0x20 ? ' ' : text.data[i], out);
	}
	(void)fputc('\'', out);
}

unsigned learned_is_text(struct fw_slice key)
{
	static const char *const good[] = { "text", "message", "body", "content", "msg", "comment", "title", "query" };
	static const char *const never[] = { "type", "event",	"id",	 "method", "jsonrpc", "action",
					     "op",   "channel", "topic", "kind",   "version", "token" };

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (slice_is(key, never[i]))
			return 0;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (slice_is(key, good[i]))
			return 5;
	return 1;
}

static bool has(struct fw_slice text, const char *word)
{
	return text.size != 0 && memmem(text.data, text.size < 65536 ? text.size : 65536, word, strlen(word)) != NULL;
}

enum scan_source scan_source_of(struct fw_slice text)
{
	size_t at = 0;

	while (at < text.size &&
	       (text.data[at] == ' ' || text.data[at] == '\n' || text.data[at] == '\r' || text.data[at] == '\t'))
		at++;
	if (at < text.size && text.data[at] == '{' && has(text, "\"log\"") && has(text, "\"entries\"") &&
	    !has(text, "\"asyncapi\""))
		return SCAN_SOURCE_HAR;
	for (; at < text.size && at < 65536; at++)
		if ((at == 0 || text.data[at - 1] == '\n' || text.data[0] == '{') &&
		    (slice_starts(slice_from(text, at), "asyncapi:") ||
		     slice_starts(slice_from(text, at), "\"asyncapi\"")))
			return SCAN_SOURCE_ASYNCAPI;
	return SCAN_SOURCE_PROFILE;
}

int scan_profile_make(enum scan_source source, const char *name, struct fw_slice text, fw_report_function *report,
		      void *user, char **ret_yaml, size_t *ret_size)
{
	FILE *out;
	int result;

	*ret_yaml = NULL;
	out = open_memstream(ret_yaml, ret_size);
	if (out == NULL)
		return FW_ERR_MEMORY;
	result = source == SCAN_SOURCE_HAR ? learned_har(name, text, out, report, user)
					   : learned_asyncapi(name, text, out, report, user);
	if (fclose(out) != 0)
		result = FW_ERR_MEMORY;
	if (result != FW_OK) {
		free(*ret_yaml);
		*ret_yaml = NULL;
	}
	return result;
}
