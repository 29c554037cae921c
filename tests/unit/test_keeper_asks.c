/* Questions of connections at the keeper: who answers, when, how often, and what is left of the secrets. */
#include "keeper_fixture.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/mem.h"
#include "shell/keeper_parts.h"

/* What a handler of this test does: it keeps what it is asked until it is told to answer. */
static struct {
	struct keeper_question *kept[LIMIT_QUESTIONS + 8];
	unsigned count, called;
	struct fw_answer answer;
	uv_timer_t later; /* answers on its own when it is armed */
} desk;

static void keep(void *user, struct keeper_question *question)
{
	(void)user;
	desk.called++;
	desk.kept[desk.count++] = question;
}

static void answer_newest(void)
{
	keeper_question_answer(desk.kept[--desk.count], &desk.answer);
}

static void answer_all(void)
{
	while (desk.count != 0)
		answer_newest();
}

static void handle(void)
{
	keeper_asks_handle(&fx.keeper->asks, FW_NEED_PASSWORD, keep, NULL);
}

static void nothing(void)
{
}

/* The loop has read all that was sent: a call comes behind it. Twice, since one may be handled before the other. */
static void settle(void)
{
	in_loop(nothing);
	in_loop(nothing);
}

static bool question(enum fw_need_kind kind, const char *user, const char *key, uint32_t id)
{
	struct fw_need need = { .id = id, .kind = kind, .user_id = slice_text(user), .key = slice_text(key) };

	return ipc_send_ask(keeper_asks(fx.keeper), 7700 + id, &need, 1);
}

static void test_a_question_is_answered_when_its_handler_likes(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	assert_true(question(FW_NEED_PASSWORD, "alice", "secret", 3));
	settle();
	assert_int_equal(desk.called, 1);
	assert_true(slice_is(desk.kept[0]->need.user_id, "alice"));
	assert_true(slice_is(desk.kept[0]->need.key, "secret"));
	assert_int_equal(fx.gate.answers, 0);
	desk.answer = (struct fw_answer){ .code = FW_ANSWER_YES,
					  .user_id = slice_text("alice"),
					  .role = slice_text("user"),
					  .claims = slice_text("{}"),
					  .cause = slice_text("so"),
					  .expires_wall_us = 9 };
	in_loop(answer_newest);
	assert_int_equal(fx.gate.answers, 1);
	assert_int_equal(fx.gate.answer.code, FW_ANSWER_YES);
	assert_int_equal(fx.gate.answer.connection, 7703);
	assert_int_equal(fx.gate.answer.need_id, 3);
	assert_int_equal(fx.gate.answer.expires_wall_us, 9);
	assert_string_equal(fx.gate.texts, "aliceuser{}so");
}

static void test_what_nobody_answers_has_failed(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	assert_true(question(FW_NEED_INTROSPECT, "https://issuer.example", "token", 1));
	settle();
	assert_int_equal(fx.gate.answers, 1);
	assert_int_equal(fx.gate.answer.code, FW_ANSWER_NO); /* there is no such issuer */
	/* Kinds that are none, and those that are another's: by a sender gone wrong. */
	assert_true(question((enum fw_need_kind)0, "", "", 2));
	assert_true(question(FW_NEED_ADMIT, "", "", 3));
	assert_true(question((enum fw_need_kind)KEEPER_KINDS, "", "", 4));
	assert_true(question((enum fw_need_kind)4711, "", "", 5));
	settle();
	assert_int_equal(fx.gate.answers, 5);
	assert_int_equal(fx.gate.answer.code, FW_ANSWER_FAILED);
	assert_int_equal(desk.called, 0);
}

static void test_an_answer_that_is_too_large_has_failed(void **state)
{
	static char large[LIMIT_CLAIMS + 1];

	(void)state;
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	assert_true(question(FW_NEED_PASSWORD, "alice", "secret", 3));
	settle();
	desk.answer = (struct fw_answer){ .code = FW_ANSWER_YES, .claims = slice(large, sizeof(large)) };
	in_loop(answer_newest);
	assert_int_equal(fx.gate.answers, 1);
	assert_int_equal(fx.gate.answer.code, FW_ANSWER_FAILED);
	assert_int_equal(fx.gate.answer.claims_size, 0);
}

static void test_more_questions_than_are_worked_on(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	for (uint32_t i = 0; i < LIMIT_QUESTIONS + 3; i++) {
		while (!question(FW_NEED_PASSWORD, "alice", "secret", i))
			settle();
	}
	settle();
	assert_int_equal(desk.count, LIMIT_QUESTIONS);
	assert_int_equal(fx.gate.answers, 3);
	assert_int_equal(fx.gate.answer.code, FW_ANSWER_LIMITED);
	assert_true(fx.gate.answer.retry_after_ms != 0);
	desk.answer = (struct fw_answer){ .code = FW_ANSWER_NO };
	in_loop(answer_newest);
	assert_true(question(FW_NEED_PASSWORD, "alice", "secret", 1));
	settle();
	assert_int_equal(desk.count, LIMIT_QUESTIONS);
	in_loop(answer_all);
	assert_int_equal(fx.gate.answers, 3 + LIMIT_QUESTIONS + 1);
}

static void no_gate(void)
{
	keeper_set_gate(fx.keeper, NULL);
}

static void test_an_answer_without_a_gate_goes_nowhere(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	assert_true(question(FW_NEED_PASSWORD, "alice", "secret", 1));
	settle();
	in_loop(no_gate);
	in_loop(answer_newest);
	assert_int_equal(fx.gate.answers, 0);
	assert_null(fx.keeper->asks.open);
}

static void on_later(uv_timer_t *timer)
{
	answer_all();
	uv_close((uv_handle_t *)timer, NULL);
}

static void arm_later(void)
{
	uv_timer_init(&fx.loop, &desk.later);
	uv_timer_start(&desk.later, on_later, 100, 0);
}

/* Two are being worked on when the keeper stops: it waits for them; what comes meanwhile is not begun. */
static void test_stopping_waits_for_what_is_being_worked_on(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	assert_true(question(FW_NEED_PASSWORD, "alice", "secret", 1));
	assert_true(question(FW_NEED_PASSWORD, "alice", "secret", 2));
	settle();
	assert_int_equal(desk.count, 2);
	in_loop(no_gate);
	in_loop(arm_later);
	stop_keeper(); /* the sanitizer tells when a question is lost */
	assert_int_equal(desk.count, 0);
	assert_int_equal(desk.called, 2);
}

enum { MASK = 0x55, CANARY = 24 };

/* Looks for a text in all memory of this process that can be written. The text is given masked, so that what is looked
 * for is not what is found. */
static bool in_memory(const uint8_t masked[CANARY])
{
	static uint8_t piece[1 << 20];
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	uintptr_t begin, end, own = (uintptr_t)piece;
	char line[512], mode[8];
	bool found = false;

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, mode) != 3 || mode[1] != 'w')
			continue;
		for (uintptr_t at = begin; at < end && !found; at += sizeof(piece) - CANARY) {
			size_t wanted = end - at < sizeof(piece) ? end - at : sizeof(piece);
			ssize_t got;

			if (at < own + sizeof(piece) && own < at + wanted)
				continue;
			got = pread(memory, piece, wanted, (off_t)at);
			for (ssize_t i = 0; i + CANARY <= got && !found; i++) {
				size_t same = 0;

				while (same < CANARY && (piece[i + (ssize_t)same] ^ MASK) == masked[same])
					same++;
				found = same == CANARY;
			}
		}
	}
	fclose(maps);
	close(memory);
	return found;
}

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static void write_canary(const uint8_t masked[CANARY], char ret_text[CANARY + 1])
{
	for (size_t i = 0; i < CANARY; i++)
		ret_text[i] = (char)(masked[i] ^ MASK);
	ret_text[CANARY] = '\0';
}

static void test_a_password_is_nowhere_after_its_answer(void **state)
{
	uint8_t masked[CANARY];
	char password[CANARY + 1];

	(void)state;
	if (SANITIZED) /* its shadow is terabytes of memory that can be written; the suite "plain" has this test */
		return;
	for (size_t i = 0; i < CANARY; i++)
		masked[i] = (uint8_t)(('a' + i) ^ MASK);
	memset(&desk, 0, sizeof(desk));
	in_loop(handle);
	write_canary(masked, password);
	assert_true(in_memory(masked)); /* it can be found at all: here, on the stack */
	for (uint32_t i = 1; i < 4; i++)
		assert_true(question(FW_NEED_PASSWORD, "alice", password, i));
	mem_wipe(password, sizeof(password));
	settle();
	assert_int_equal(desk.count, 3);
	assert_true(in_memory(masked)); /* of the questions that are open */
	desk.answer = (struct fw_answer){ .code = FW_ANSWER_NO };
	in_loop(answer_all);
	assert_int_equal(fx.gate.answers, 3);
	assert_false(in_memory(masked));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_question_is_answered_when_its_handler_likes, set_up_running,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_nobody_answers_has_failed, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_an_answer_that_is_too_large_has_failed, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_more_questions_than_are_worked_on, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_an_answer_without_a_gate_goes_nowhere, set_up_running, tear_down),
		cmocka_unit_test_setup_teardown(test_stopping_waits_for_what_is_being_worked_on, set_up_running,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_password_is_nowhere_after_its_answer, set_up_running, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
