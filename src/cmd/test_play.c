#include "cmd/test_play.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "cmd/json_equal.h"

/* The largest message that ${repeat:…} makes. */
enum { MESSAGE_MOST = 64 << 20, SHOWN = 200 };

struct playing {
	struct rehearsal *rehearsal;
	struct pool pool;
	struct buf message;
	struct test_outcome *outcome;
};

static void differs(struct playing *playing, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void differs(struct playing *playing, unsigned line, const char *format, ...)
{
	va_list values;

	if (!playing->outcome->holds)
		return;
	playing->outcome->holds = false;
	playing->outcome->line = line;
	va_start(values, format);
	/* NOLINTNEXTLINE: va_start is the line above, which clang-tidy 14 forgets */
	vsnprintf(playing->outcome->difference, TEST_DIFFERENCE, format, values);
	va_end(values);
}

/* ${repeat:TEXT:N}: the last ":" is before the number. */
static bool put_repeated(struct playing *playing, struct fw_slice inside)
{
	size_t colon = inside.size, number = 0;

	while (colon != 0 && inside.data[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return false;
	for (size_t i = colon; i < inside.size; i++) {
		if (inside.data[i] < '0' || inside.data[i] > '9' || number > MESSAGE_MOST)
			return false;
		number = number * 10 + inside.data[i] - '0';
	}
	if (colon == inside.size || number * (colon - 1) > MESSAGE_MOST)
		return false;
	for (size_t i = 0; i < number; i++)
		if (buf_append(&playing->message, &playing->pool, inside.data, colon - 1) < 0)
			return false;
	return true;
}

static bool put_variable(struct playing *playing, struct fw_slice name)
{
	struct fw_slice csrf = rehearsal_csrf(playing->rehearsal);

	if (slice_is(name, "csrf"))
		return buf_append(&playing->message, &playing->pool, csrf.data, csrf.size) == 0;
	if (slice_starts(name, "repeat:"))
		return put_repeated(playing, slice_from(name, 7));
	return false;
}

/* What ${…} in it stands for; "$${" is "${". False: one stands for nothing, and it was said. */
static bool expand(struct playing *playing, unsigned line, struct fw_slice text)
{
	buf_clear(&playing->message, &playing->pool);
	while (text.size != 0) {
		const uint8_t *mark = memmem(text.data, text.size, "${", 2), *end = NULL;
		size_t plain = mark != NULL ? (size_t)(mark - text.data) : text.size;
		bool literal = mark != NULL && plain != 0 && mark[-1] == '$';

		if (buf_append(&playing->message, &playing->pool, text.data, plain) < 0)
			return false;
		text = slice_from(text, plain);
		if (mark == NULL)
			break;
		if (literal) {
			buf_cut(&playing->message, buf_size(&playing->message) - 1);
			if (buf_append(&playing->message, &playing->pool, "${", 2) < 0)
				return false;
			text = slice_from(text, 2);
			continue;
		}
		end = memchr(text.data, '}', text.size);
		if (end == NULL || !put_variable(playing, slice(text.data + 2, (size_t)(end - text.data) - 2))) {
			differs(playing, line,
				"\"${\" in a message begins ${csrf} or ${repeat:TEXT:N} of at most %d MiB; \"$${\" is "
				"\"${\" itself",
				(int)MESSAGE_MOST >> 20);
			return false;
		}
		text = slice_from(text, (size_t)(end - text.data) + 1);
	}
	return true;
}

static struct fw_slice expanded(const struct playing *playing)
{
	return slice(buf_size(&playing->message) != 0 ? buf_data(&playing->message) : NULL,
		     buf_size(&playing->message));
}

/* "refused by schema: INVALID_MESSAGE: text: max_length 5000" */
static const char *in_words(const struct rehearsal_result *result, char ret_text[TEST_DIFFERENCE])
{
	static const char *const verdicts[] = { "passes", "is refused", "closes the connection" };
	size_t used = 0;
	int size = snprintf(ret_text, TEST_DIFFERENCE, "%s%s%s", verdicts[result->verdict],
			    result->stage != NULL ? " by " : "", result->stage != NULL ? result->stage : "");

	used = size > 0 ? (size_t)size : 0;
	if (result->status != 0)
		used += (size_t)snprintf(ret_text + used, TEST_DIFFERENCE - used, ", status %u", result->status);
	if (result->close != 0)
		used += (size_t)snprintf(ret_text + used, TEST_DIFFERENCE - used, ", code %u", result->close);
	snprintf(ret_text + used, TEST_DIFFERENCE - used, "%s%s%s%.900s", result->code != NULL ? ": " : "",
		 result->code != NULL ? result->code : "", *result->reason != '\0' ? ": " : "", result->reason);
	return ret_text;
}

static void compare_word(struct playing *playing, unsigned line, const char *what, const char *expected,
			 const char *found, const struct rehearsal_result *result)
{
	char words[TEST_DIFFERENCE];

	if (expected != NULL && (found == NULL || strcmp(expected, found) != 0))
		differs(playing, line, "expected %s %s, but it %s", what, expected, in_words(result, words));
}

static void compare_number(struct playing *playing, unsigned line, const char *what, unsigned expected, unsigned found,
			   const struct rehearsal_result *result)
{
	char words[TEST_DIFFERENCE];

	if (expected != 0 && expected != found)
		differs(playing, line, "expected %s %u, but it %s", what, expected, in_words(result, words));
}

static void compare_rewritten(struct playing *playing, const struct policy_step *step,
			      const struct rehearsal_result *result)
{
	struct fw_slice went = result->went, wanted;

	if (step->expect.rewritten.data == NULL || !playing->outcome->holds ||
	    !expand(playing, step->line, step->expect.rewritten))
		return;
	wanted = expanded(playing);
	if (json_equal(wanted, went))
		return;
	differs(playing, step->line, "expected to go on: %.*s%s; goes on: %.*s%s",
		(int)(wanted.size < SHOWN ? wanted.size : SHOWN), (const char *)wanted.data,
		wanted.size > SHOWN ? "…" : "", (int)(went.size < SHOWN ? went.size : SHOWN),
		went.size != 0 ? (const char *)went.data : "(nothing)", went.size > SHOWN ? "…" : "");
}

static void compare(struct playing *playing, unsigned line, const struct policy_expect *expect,
		    const struct rehearsal_result *result)
{
	static const char *const verdicts[] = { "to pass", "to be refused", "the connection to be closed" };
	char words[TEST_DIFFERENCE];

	if (expect->given && expect->verdict != result->verdict)
		differs(playing, line, "expected %s, but it %s", verdicts[expect->verdict], in_words(result, words));
	compare_word(playing, line, "stage", expect->stage, result->stage, result);
	compare_word(playing, line, "code", expect->code, result->code, result);
	compare_word(playing, line, "rule", expect->rule, result->rule, result);
	compare_number(playing, line, "status", expect->status, result->status, result);
	compare_number(playing, line, "close code", expect->close, result->close, result);
	if (expect->reason != NULL && strstr(result->reason, expect->reason) == NULL)
		differs(playing, line, "expected a reason with \"%s\", but it %s", expect->reason,
			in_words(result, words));
}

static int play_once(struct playing *playing, const struct policy_step *step)
{
	struct rehearsal_result result;
	struct fw_slice message = step->message;
	int done;

	if (step->kind == STEP_WAIT) {
		done = rehearsal_wait(playing->rehearsal, step->wait_ns, &result);
	} else {
		if (step->expands && !expand(playing, step->line, message))
			return playing->outcome->holds ? FW_ERR_MEMORY : FW_OK;
		if (step->expands)
			message = expanded(playing);
		done = (step->kind == STEP_OUT ? rehearsal_receive : rehearsal_send)(playing->rehearsal, step->binary,
										     message, &result);
	}
	if (done == FW_ERR_INVALID)
		differs(playing, step->line, "there is no connection any more%s",
			step->kind == STEP_OUT ? ", or nobody is logged in" : "");
	else if (done == FW_OK)
		compare(playing, step->line, &step->expect, &result);
	if (done == FW_OK)
		compare_rewritten(playing, step, &result);
	return done == FW_ERR_MEMORY ? FW_ERR_MEMORY : FW_OK;
}

static int play_steps(struct playing *playing, const struct policy_test *test)
{
	int done = FW_OK;

	for (unsigned i = 0; i < test->step_count && done == FW_OK; i++) {
		const struct policy_step *step = &test->steps[i];

		for (int64_t n = 0; n < step->times && done == FW_OK && playing->outcome->holds; n++) {
			size_t used;

			done = play_once(playing, step);
			if (playing->outcome->holds || step->times == 1)
				continue;
			used = strlen(playing->outcome->difference);
			snprintf(playing->outcome->difference + used, TEST_DIFFERENCE - used, " (time %lld of %lld)",
				 (long long)n + 1, (long long)step->times);
		}
	}
	return done;
}

static int play(struct playing *playing, const struct policy_test *test)
{
	const struct rehearsal_opening opening = { .path = test->path,
						   .subprotocol = test->subprotocol,
						   .origin = test->origin,
						   .host = test->host,
						   .headers = test->headers,
						   .from = test->from,
						   .certificate = test->certificate,
						   .tls = test->tls,
						   .user = test->user,
						   .role = test->role,
						   .permissions = test->permissions };
	struct rehearsal_result result;
	char words[TEST_DIFFERENCE];
	int done = rehearsal_open(playing->rehearsal, &opening, &result);

	if (done == FW_ERR_INVALID) {
		differs(playing, test->line, "there is no role \"%s\"", test->role);
		return FW_OK;
	}
	if (done != FW_OK)
		return done;
	if (test->step_count == 0)
		compare(playing, test->line, &test->expect, &result);
	else if (result.verdict != REHEARSAL_PASS)
		differs(playing, test->line, "it cannot connect: the handshake %s", in_words(&result, words));
	return play_steps(playing, test);
}

/* What came from a message may be no text at all, and is shown, not obeyed. */
static void make_shown(char *text)
{
	size_t size = strlen(text), step;

	for (size_t at = 0; at < size; at += step) {
		uint8_t *here = (uint8_t *)text + at;

		for (step = 1; step < 4 && at + step < size && (here[step] & 0xc0) == 0x80;)
			step++;
		if (step == 1 && (*here < 0x20 || *here == 0x7f))
			*here = ' ';
		else if (!utf8_valid(here, step))
			memset(here, '?', step);
	}
}

int test_play(struct fw_policy *policy, const struct policy_tests *tests, const struct policy_test *test,
	      uint64_t wall_us, struct test_outcome *ret_outcome)
{
	struct playing playing = { .outcome = ret_outcome };
	struct rehearsal_user *users = mem_zero(tests->user_count + 1u, sizeof(*users));
	int done = FW_ERR_MEMORY;

	*ret_outcome = (struct test_outcome){ .holds = true };
	playing.rehearsal = rehearsal_new(policy, wall_us);
	pool_init(&playing.pool);
	for (unsigned i = 0; users != NULL && i < tests->user_count; i++)
		users[i] =
			(struct rehearsal_user){ tests->users[i].name, tests->users[i].password, tests->users[i].role };
	if (playing.rehearsal != NULL && users != NULL) {
		rehearsal_users(playing.rehearsal, users, tests->user_count);
		done = play(&playing, test);
	}
	make_shown(ret_outcome->difference);
	rehearsal_free(playing.rehearsal);
	buf_clear(&playing.message, &playing.pool);
	pool_fini(&playing.pool);
	mem_free(users);
	return done;
}
