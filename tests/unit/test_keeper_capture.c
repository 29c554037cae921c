/* The file of a capture: what could not be written is told to be lost, message by message. */
#include "policy_of.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shell/keeper_capture.h"
#include "shell/log.h"

enum { LINES = 30, SIZE = 65536 };

static char folder[] = "/tmp/capture-XXXXXX", file[64], before[72], hurdle[96];
static _Atomic bool failed;

static void hear(void *user, enum fw_log_level level, const char *module, const char *text)
{
	(void)user;
	(void)level;
	(void)module;
	if (strstr(text, "cannot rename") != NULL)
		atomic_store(&failed, true);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/t.jsonl", folder);
	snprintf(before, sizeof(before), "%s.1", file);
	snprintf(hurdle, sizeof(hurdle), "%s/hurdle", before);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rmdir(hurdle);
	rmdir(before);
	unlink(before);
	unlink(file);
	rmdir(folder);
	return 0;
}

static void tell(struct keeper_capture *capture)
{
	static char line[SIZE];
	const struct ipc_capture message = { .lost = 0 };

	memset(line, 'x', sizeof(line));
	memcpy(line, "{\"text\":\"", 9);
	memcpy(line + SIZE - 2, "\"}", 2);
	assert_true(ipc_send(capture->channel, IPC_CAPTURE, &message, sizeof(message), slice(line, SIZE), true));
}

/* Messages that are in the file, and those that it tells to be lost. */
static unsigned long count(const char *path)
{
	char *text = malloc(SIZE * 2), *at;
	unsigned long messages = 0;
	FILE *in = fopen(path, "r");

	assert_non_null(text);
	while (in != NULL && fgets(text, SIZE * 2, in) != NULL) {
		at = strstr(text, "{\"lost\":");
		messages += at != NULL ? strtoul(at + 8, NULL, 10) : 1;
	}
	if (in != NULL)
		fclose(in);
	free(text);
	return messages;
}

/* The file is full, and what stands in the place of the one before does not let it be renamed. */
static void what_is_lost_is_counted(void **state)
{
	struct keeper_capture capture = { .fd = -1 };
	struct fw_policy *policy;
	struct log log;
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "capture: {file: \"%s\", max_size: 1, when_full: rotate}\n", file);
	policy = policy_of(text);
	log_init(&log, hear, NULL);
	assert_int_equal(mkdir(before, 0700), 0);
	assert_int_equal(mkdir(hurdle, 0700), 0);
	assert_null(keeper_capture_start(&capture, &policy->settings, NULL, &log));
	for (unsigned i = 0; i < LINES; i++)
		tell(&capture);
	for (unsigned i = 0; i < 3000 && !atomic_load(&failed); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_true(atomic_load(&failed));
	assert_int_equal(rmdir(hurdle), 0);
	assert_int_equal(rmdir(before), 0);
	tell(&capture);
	keeper_capture_stop(&capture);
	assert_int_equal(count(before) + count(file), LINES + 1);
	log_fini(&log);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(what_is_lost_is_counted, setup, teardown) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
