#include <stdio.h>

#include <libfyaml.h>
#include <curl/curl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <openssl/crypto.h>
#include <uv.h>

#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "policy/patterns.h"

struct library {
	const char *name, *version;
};

static int write_json(const struct library *libraries, size_t count)
{
	struct json_out out;

	json_out_start(&out);
	json_write_open(&out.writer, '{');
	json_write_key(&out.writer, "version");
	json_write_string(&out.writer, FRAMEWALL_VERSION);
	json_write_key(&out.writer, "libraries");
	json_write_open(&out.writer, '{');
	for (size_t i = 0; i < count; i++) {
		json_write_key(&out.writer, libraries[i].name);
		json_write_string(&out.writer, libraries[i].version);
	}
	json_write_close(&out.writer, '}');
	json_write_close(&out.writer, '}');
	return json_out_end(&out, stdout) ? COMMAND_DONE : COMMAND_COULD_NOT;
}

int command_version(int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = { { "--json", NULL, NULL, &json, "as one JSON object" } };
	struct options options = { "version", rows, 1, NULL, 0, 0 };
	int result = options_read(&options, argc, argv);
	/* What is linked at run time, not what the headers were. */
	const struct library libraries[] = {
		{ "libuv", uv_version_string() },
		{ "openssl", OpenSSL_version(OPENSSL_VERSION_STRING) },
		{ "libfyaml", fy_library_version() },
		{ "libsodium", sodium_version_string() },
		{ "sqlite", sqlite3_libversion() },
		{ "libcurl", curl_version_info(CURLVERSION_NOW)->version },
		{ "vectorscan", patterns_version() != NULL ? patterns_version() : "none: no validation.rules" },
	};
	size_t count = sizeof(libraries) / sizeof(*libraries);

	if (result != OPTIONS_GO_ON)
		return result;
	if (json)
		return write_json(libraries, count);
	printf("framewall %s\n", FRAMEWALL_VERSION);
	for (size_t i = 0; i < count; i++)
		printf("  %s %s\n", libraries[i].name, libraries[i].version);
	return COMMAND_DONE;
}
