/* scan.c: a security test of a WebSocket server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "scan/scan.h"
#include "shell/file.h"

enum { PROFILE_MOST = 64 << 20, BASELINE_MOST = 32 << 20 };

struct scanning {
	const char *host, *port, *output, *format, *baseline;
	bool fix, list, quiet, safe, print;
	size_t profile_size; /* of the file */
	struct scan_options options;
};

static void report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "framewall scan: %s\n", text);
}

/* One line for each check while it goes on: for people, and therefore not where the report goes. */
static void progress(void *user, unsigned at, unsigned of, const struct scan_result *result)
{
	static const char *const words[] = { "no answer", "pass", "FINDING", "-" };

	(void)user;
	fprintf(stderr, "[%2u/%u] %-9s %-30s %s\n", at, of, words[result->outcome], result->check->id, result->reason);
}

static int print_list(void)
{
	unsigned count;
	const struct scan_check *checks = scan_checks(&count);

	for (unsigned i = 0; i < count; i++)
		printf("%-30s %-18s %-8s %s%s\n", checks[i].id, scan_category_name(checks[i].category),
		       scan_severity_name(checks[i].severity), checks[i].what, checks[i].hurts ? " (--unsafe)" : "");
	return COMMAND_DONE;
}

static int print_report(const struct scanning *scanning, const struct scan *scan, FILE *out)
{
	int result = FW_OK;

	if (strcmp(scanning->format, "json") == 0)
		result = scan_report_json(scan, out);
	else if (strcmp(scanning->format, "sarif") == 0)
		result = scan_report_sarif(scan, out);
	else if (strcmp(scanning->format, "html") == 0)
		scan_report_html(scan, out);
	else
		scan_report_text(scan, out);
	return result;
}

/* To the file as a whole or not at all. */
static int give(const struct scanning *scanning, const struct scan *scan)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int result = memory != NULL ? print_report(scanning, scan, memory) : FW_ERR_MEMORY;

	if (memory != NULL && fclose(memory) != 0)
		result = FW_ERR_MEMORY;
	if (result == FW_OK && scanning->output != NULL && file_replace(scanning->output, slice(text, size)) != 0)
		result = options_could_not("scan", "cannot write \"%s\": %s", scanning->output, strerror(errno));
	else if (result == FW_OK && scanning->output == NULL &&
		 (fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0))
		result = options_could_not("scan", "cannot write: %s", strerror(errno));
	else if (result != FW_OK)
		result = options_could_not("scan", "out of memory");
	free(text); /* of open_memstream */
	return result;
}

static int read_baseline(const struct scanning *scanning, struct scan *scan)
{
	uint8_t *text;
	size_t size;
	int result;

	if (scanning->baseline == NULL)
		return COMMAND_DONE;
	if (file_read(scanning->baseline, BASELINE_MOST, &text, &size) != 0)
		return options_could_not("scan", "cannot read \"%s\": %s", scanning->baseline, strerror(errno));
	result = scan_baseline(scan, slice(text, size));
	mem_free(text);
	return result == FW_OK ? COMMAND_DONE
			       : options_could_not("scan", "\"%s\" is no report of --format json", scanning->baseline);
}

/* 1: something new was found; 3: nothing, but not everything could be tested. */
static int verdict(const struct scan *scan)
{
	unsigned found = 0;

	for (unsigned i = 0; i < scan->count; i++)
		found += scan->results[i].outcome == SCAN_FINDING && !scan->results[i].known;
	return found != 0				     ? COMMAND_NOT_HELD
	       : scan->of[SCAN_ERROR] != 0 || !scan->reached ? COMMAND_COULD_NOT
							     : COMMAND_DONE;
}

static int run(struct scanning *scanning)
{
	struct scan scan;
	int result = scan_run(&scanning->options, &scan), given;

	if (result == FW_ERR_INVALID)
		result = COMMAND_USAGE;
	else if (result != FW_OK)
		result = options_could_not("scan", "out of memory");
	else if ((result = read_baseline(scanning, &scan)) == COMMAND_DONE) {
		result = verdict(&scan);
		given = give(scanning, &scan);
		if (given == FW_OK && scanning->output != NULL && !scanning->quiet)
			scan_report_text(&scan, stderr);
		if (scanning->fix)
			scan_report_fix(&scan, stdout);
		result = given == FW_OK ? result : given;
	}
	scan_fini(&scan);
	return result;
}

/* The text of the file, or what is made of it; of malloc in the second case. */
static int read_profile(struct scanning *scanning, uint8_t **ret_text, char **ret_made)
{
	size_t size;
	enum scan_source source;
	int result;

	*ret_text = NULL;
	*ret_made = NULL;
	if (scanning->options.profile_name == NULL)
		return scanning->print ? options_usage("scan", "--print-profile needs --profile FILE") : COMMAND_DONE;
	if (file_read(scanning->options.profile_name, PROFILE_MOST, ret_text, &size) != 0)
		return options_could_not("scan", "cannot read \"%s\": %s", scanning->options.profile_name,
					 strerror(errno));
	scanning->profile_size = size;
	scanning->options.profile = slice(*ret_text, size);
	source = scan_source_of(scanning->options.profile);
	if (source == SCAN_SOURCE_PROFILE)
		return COMMAND_DONE;
	result = scan_profile_make(source, scanning->options.profile_name, slice(*ret_text, size), report, NULL,
				   ret_made, &size);
	if (result != FW_OK)
		return result == FW_ERR_INVALID ? COMMAND_USAGE : options_could_not("scan", "out of memory");
	scanning->options.profile = slice(*ret_made, size);
	return COMMAND_DONE;
}

static int print_profile(const struct scanning *scanning)
{
	const struct fw_slice *text = &scanning->options.profile;

	return fwrite(text->data, 1, text->size, stdout) == text->size && fflush(stdout) == 0
		       ? COMMAND_DONE
		       : options_could_not("scan", "cannot write: %s", strerror(errno));
}

static int check(const struct scanning *scanning, const char *operand, char url[static 512])
{
	static const char *const formats[] = { "text", "json", "sarif", "html" };
	bool known = false;
	long port;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		known = known || strcmp(scanning->format, formats[i]) == 0;
	if (!known)
		return options_usage("scan", "--format is text, json, sarif or html, not \"%s\"", scanning->format);
	if (scanning->safe && scanning->options.hurtful)
		return options_usage("scan", "--safe and --unsafe exclude each other");
	if (operand != NULL && (scanning->host != NULL || scanning->port != NULL))
		return options_usage("scan", "the target is a URL, or --host and --port");
	if (operand != NULL) {
		snprintf(url, 512, "%s", operand);
		return COMMAND_DONE;
	}
	if (scanning->print)
		return COMMAND_DONE;
	if (scanning->host == NULL && scanning->port == NULL)
		return options_usage("scan", "name the target: scan ws://localhost:8765/");
	if (!options_number("scan", "--port", scanning->port != NULL ? scanning->port : "8765", 1, 65535, &port))
		return COMMAND_USAGE;
	snprintf(url, 512,
		 strchr(scanning->host != NULL ? scanning->host : "", ':') != NULL ? "ws://[%.400s]:%ld/"
										   : "ws://%.400s:%ld/",
		 scanning->host != NULL ? scanning->host : "localhost", port);
	return COMMAND_DONE;
}

int command_scan(int argc, char **argv)
{
	const char *operands[1] = { NULL };
	struct scanning scanning = { .format = "text", .options = { .report = report } };
	char url[512];
	uint8_t *profile = NULL;
	char *made = NULL;
	const struct option_row rows[] = {
		{ "--host", "HOST", &scanning.host, NULL, "the target in place of a URL; default: localhost" },
		{ "--port", "PORT", &scanning.port, NULL, "its port; default: 8765" },
		{ "--profile", "FILE", &scanning.options.profile_name, NULL,
		  "how one logs in and speaks: YAML, a recorded session (HAR) or an AsyncAPI document; default: "
		  "Framewall's "
		  "own messages" },
		{ "--print-profile", NULL, NULL, &scanning.print,
		  "print the profile, or what is made of it, without a scan" },
		{ "--tests", "NAMES", &scanning.options.tests, NULL,
		  "only these categories or checks, with commas between" },
		{ "--list", NULL, NULL, &scanning.list, "the checks, without a scan" },
		{ "--output", "FILE", &scanning.output, NULL, "where the report goes; default: standard output" },
		{ "--format", "FORMAT", &scanning.format, NULL, "text (default), json, sarif or html" },
		{ "--baseline", "FILE", &scanning.baseline, NULL,
		  "a report of --format json whose findings are known: only others make the exit code 1" },
		{ "--fix", NULL, NULL, &scanning.fix, "print what of Framewall closes what was found" },
		{ "--safe", NULL, NULL, &scanning.safe, "leave out what could harm the server (default)" },
		{ "--unsafe", NULL, NULL, &scanning.options.hurtful, "run that, too" },
		{ "--run-commands", NULL, NULL, &scanning.options.commands,
		  "run the profile's command that revokes a user" },
		{ "--i-am-allowed", NULL, NULL, &scanning.options.allowed,
		  "the target need not be on this machine: I may test it" },
		{ "--ca", "FILE", &scanning.options.ca, NULL, "certificates to trust in place of the system's" },
		{ "--insecure", NULL, NULL, &scanning.options.unverified, "do not look at the server's certificate" },
		{ "--quiet", NULL, NULL, &scanning.quiet, "no progress" },
	};
	struct options options = { "scan", rows, sizeof(rows) / sizeof(*rows), operands, 1, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (scanning.list)
		return print_list();
	result = check(&scanning, operands[0], url);
	if (result != COMMAND_DONE)
		return result;
	scanning.options.url = url;
	if (!scanning.quiet)
		scanning.options.progress = progress;
	result = read_profile(&scanning, &profile, &made);
	if (result == COMMAND_DONE)
		result = scanning.print ? print_profile(&scanning) : run(&scanning);
	if (made != NULL)
		mem_wipe(made, scanning.options.profile.size);
	free(made); /* of open_memstream */
	if (profile != NULL)
		mem_wipe(profile, scanning.profile_size);
	mem_free(profile);
	return result;
}
