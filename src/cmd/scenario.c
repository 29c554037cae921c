#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "cmd/scenario_play.h"
#include "shell/load.h"

struct replaying {
	bool json;
	struct json_out out;
	uint64_t fired;
};

static void report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

/* What came from a record is shown, not obeyed. */
static void print_shown(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void write_json(struct json_writer *w, const struct scenario_rule *rule, const struct scenario_firing *firing,
		       const char *whom, const char time[ENCODE_RFC3339])
{
	json_write_open(w, '{');
	json_write_key(w, "time");
	json_write_text(w, slice(time, ENCODE_RFC3339));
	json_write_key(w, "scenario");
	json_write_string(w, rule->name);
	json_write_key(w, "action");
	json_write_string(w, rule->action);
	json_write_key(w, "whom");
	json_write_string(w, whom);
	json_write_key(w, "events");
	json_write_integer(w, (int64_t)firing->events);
	json_write_key(w, "values");
	json_write_integer(w, firing->values);
	json_write_key(w, "sample");
	json_write_string(w, firing->sample);
	json_write_close(w, '}');
}

static void fired(void *user, const struct scenario_rule *rule, const struct scenario_firing *firing, const char *whom)
{
	struct replaying *replaying = user;
	char time[ENCODE_RFC3339];

	replaying->fired++;
	encode_rfc3339(firing->last_us, time);
	if (replaying->json) {
		write_json(&replaying->out.writer, rule, firing, whom, time);
		return;
	}
	printf("%.19sZ  %-24s  %-8s  ", time, rule->name, rule->action);
	print_shown(whom);
	printf("  %" PRIu64 " events", firing->events);
	if (rule->has_distinct) {
		printf(", %u values: ", firing->values);
		print_shown(firing->sample);
	}
	putchar('\n');
}

static int say(const char *path, const struct scenario_play *play, int result)
{
	if (result == FW_ERR_IO)
		return options_could_not("scenario", "cannot read \"%s\": %s", path, strerror(errno));
	if (result == FW_ERR_INVALID)
		return options_could_not("scenario",
					 "line %u of \"%s\" is no record, or of long before the one in front of it",
					 play->line, path);
	return options_could_not("scenario", "out of memory");
}

static int replay(struct replaying *replaying, const struct fw_policy *policy, const char *path)
{
	struct scenario_play play = { .policy = policy, .fired = fired, .user = replaying };
	int result;

	if (replaying->json) {
		json_out_start(&replaying->out);
		json_write_open(&replaying->out.writer, '[');
	}
	result = scenario_play(&play, path);
	if (replaying->json) {
		json_write_close(&replaying->out.writer, ']');
		if (result == FW_OK && !json_out_end(&replaying->out, stdout))
			result = FW_ERR_MEMORY;
		json_out_drop(&replaying->out);
	}
	if (result != FW_OK)
		return say(path, &play, result);
	if (!replaying->json)
		printf("%s: %" PRIu64 " records, %zu scenarios, fired %" PRIu64 " times\n", path, play.records,
		       policy->scenario_count, replaying->fired);
	return COMMAND_DONE;
}

int command_scenario(int argc, char **argv)
{
	const char *config = NULL, *environment = NULL, *words[2];
	struct replaying replaying = { 0 };
	const struct option_row rows[] = {
		{ "--config", "FILE", &config, NULL, "the configuration with the scenarios; default framewall.yaml" },
		{ "--environment", "NAME", &environment, NULL, "the environment whose overlay counts" },
		{ "--json", NULL, NULL, &replaying.json, "as one JSON list" },
	};
	struct options options = { "scenario", rows, sizeof(rows) / sizeof(*rows), words, 2, 0 };
	struct config_override override = { "environment", NULL, "--environment" };
	struct load_options load = { .overrides = &override, .variables = true, .report = report };
	struct fw_policy *policy = NULL;
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (options.operand_count != 2 || strcmp(words[0], "replay") != 0)
		return options_usage("scenario",
				     "say what to do: replay RECORDS, a file of audit export --format jsonl");
	load.path = config != NULL ? config : "framewall.yaml";
	override.value = environment;
	load.override_count = environment != NULL;
	result = load_policy(&load, &policy);
	if (result == FW_ERR_IO)
		return options_could_not("scenario", "cannot read \"%s\": %s", load.path, strerror(errno));
	if (result != FW_OK)
		return result == FW_ERR_MEMORY ? options_could_not("scenario", "out of memory") : COMMAND_NOT_HELD;
	result = replay(&replaying, policy, words[1]);
	fw_policy_unref(policy);
	return result;
}
