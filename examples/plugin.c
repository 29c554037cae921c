/* A stage of one's own among those that judge a message: nobody asks for a password in a chat, and no link leaves the
 * company unseen.
 *
 *     cc plugin.c -o plugin $(pkg-config --cflags --libs framewall)
 *     ./plugin '{"type":"chat_message","text":"what is your password?"}' */
#define _GNU_SOURCE /* memmem */
#include <framewall/conn.h>
#include <framewall/policy.h>
#include <framewall/stage.h>

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static bool contains(struct fw_slice text, const char *word)
{
	return memmem(text.data, text.size, word, strlen(word)) != NULL;
}

/* Called after "schema": the message is a chat_message with a text, or another type that holds. It may be called by
 * several threads at once. What it does not answer for is refused: an unknown verdict or code counts as our fault. */
static enum fw_stage_verdict judge(void *user, const struct fw_stage_message *message, struct fw_stage_word *ret_word)
{
	struct fw_slice text = fw_stage_text(message, "text");

	(void)user;
	if (text.data == NULL)
		return FW_STAGE_PASS;
	if (contains(text, "password")) {
		ret_word->rule = "ACME-1";			/* the client may quote it */
		strcpy(ret_word->cause, "asks for a password"); /* for the record alone */
		return FW_STAGE_REFUSE;
	}
	if (contains(text, "https://")) {
		strcpy(ret_word->cause, "has a link");
		return FW_STAGE_FLAG;
	}
	return FW_STAGE_PASS;
}

static void say(void *user, const struct fw_trace *trace)
{
	(void)user;
	printf("%-10s %s %.*s\n", trace->stage, trace->verdict, (int)trace->detail.size,
	       trace->detail.size != 0 ? (const char *)trace->detail.data : "");
}

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	while (size != 0) {
		ssize_t got = getrandom(bytes, size, 0);

		bytes += got > 0 ? got : 0;
		size -= got > 0 ? (size_t)got : 0;
	}
}

int main(int argc, char **argv)
{
	struct fw_stage_position position = { FW_STAGE_AFTER, "schema", FW_STAGE_IN };
	struct fw_engine_options options = { .random = { fill, NULL } };
	struct fw_engine *engine;
	struct fw_slice forward;
	bool passes;

	/* Before the first engine or manager is made: `framewall run` in a program of one's own is examples/embed.c. */
	if (argc != 2 || fw_stage_register(&position, "no-secrets", judge, NULL) != FW_OK ||
	    fw_policy_load("defaults", fw_text(""), NULL, NULL, &options.policy) != FW_OK)
		return 2;
	engine = fw_engine_new(&options);
	if (engine == NULL)
		return 2;
	fw_engine_time(engine, (struct fw_time){ 1, (uint64_t)time(NULL) * 1000000 });
	passes = fw_engine_explain(engine, "user", false, fw_text(argv[1]), say, NULL, &forward);
	printf("%s\n", passes ? "passes" : "is refused");
	fw_engine_free(engine);
	fw_policy_unref(options.policy);
	return passes ? 0 : 1;
}
