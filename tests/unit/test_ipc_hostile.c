/* A channel whose other side is another process: one that is killed at any instant, and one that somebody has taken
 * over and that writes whatever it likes, at any time, into the memory that both have. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/event_type.h"
#include "shell/ipc.c" /* NOLINT: its memory is what is attacked here */

enum { RING = 20000, ROUNDS = 40000, LIVES = 30 };

static uint64_t seed = 20261128;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void spoil(struct ring *ring)
{
	_Atomic uint64_t *const cursors[] = { &ring->written, &ring->taken, &ring->front, &ring->sleeps_to };
	_Atomic uint64_t *cursor = cursors[next() % 4];

	switch (next() % 6) {
	case 0:
		*cursor = next();
		break;
	case 1:
		*cursor += next() % 3 == 0 ? (uint64_t)-1 : next() % (2 * RING);
		break;
	case 2:
		ring->wants_room = (uint32_t)next();
		break;
	default:
		for (unsigned i = 0; i < 8; i++)
			ring->octets[next() % RING] = (uint8_t)next();
	}
}

static struct fw_record a_record(void)
{
	struct fw_record record = { .type = EVENT_auth_failure, .user_id = slice_text("alice"), .detail_count = 2 };

	record.details[0] = (struct fw_detail){ .key = "cause", .text = slice_text("why") };
	record.details[1] = (struct fw_detail){ .key = "n", .kind = FW_DETAIL_INTEGER, .number = 7 };
	return record;
}

static void check(const struct ipc_record *message, struct fw_slice tail)
{
	struct fw_record record;
	size_t sum = 0;

	if (!ipc_read_record(message, tail, &record))
		return;
	assert_true(record.type < EVENT_TYPES && record.detail_count <= FW_RECORD_DETAILS);
	for (unsigned i = 0; i < record.detail_count; i++) {
		sum += strlen(record.details[i].key);
		for (size_t at = 0; at < record.details[i].text.size; at++)
			sum += record.details[i].text.data[at];
	}
	assert_true(sum != SIZE_MAX); /* it was read */
}

static void test_a_reader_survives_every_writer(void **state)
{
	struct ipc_channel *writer = ipc_channel_share(RING, true), *reader = ipc_channel_new(RING, NULL, NULL);
	struct fw_record record = a_record();
	struct ring *own = reader->ring;
	struct ipc_record message;
	uint64_t received = 0;
	struct fw_slice tail;
	enum ipc_type type;

	(void)state;
	reader->ring = writer->ring;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 64 == 0) { /* a fresh start of both */
			memset(writer->ring, 0, sizeof(*writer->ring));
			ipc_join(writer, i);
			ipc_join(reader, i);
		}
		for (uint64_t count = next() % 4; count != 0; count--) {
			assert_true(!ipc_send_to(writer, 3, IPC_DRAINED, &(struct ipc_empty){ 0 },
						 sizeof(struct ipc_empty), slice(NULL, 0)) ||
				    writer->written - writer->ring->taken <= RING);
			if (waits_for_reader(writer) < RING / 2)
				ipc_send_record(writer, &record, 1);
		}
		if (next() % 3 == 0)
			spoil(writer->ring);
		/* A bound: a writer that is quicker than its reader may keep him, which a channel cannot help. */
		for (unsigned most = 0; most < 100; most++) {
			if (!ipc_receive(reader, &type, &message, sizeof(message), &tail))
				break;
			assert_true(type < IPC_TYPES && tail.size <= RING);
			received++;
			if (type == IPC_RECORD)
				check(&message, tail);
		}
	}
	assert_true(received > ROUNDS / 4 && ipc_refused(reader) > 100);
	reader->ring = own;
	ipc_channel_free(reader);
	ipc_channel_free(writer);
}

/* Runs in a child until it is killed. */
static void write_for_ever(struct ipc_channel *channel, uint32_t generation)
{
	struct fw_record record = a_record();

	ipc_join(channel, generation);
	for (;;)
		ipc_send_record(channel, &record, 7);
}

static bool look(struct ipc_channel *channel, uint32_t generation, uint64_t *sequence)
{
	struct ipc_record message;
	struct fw_record record;
	struct fw_slice tail;
	enum ipc_type type;

	if (!ipc_receive(channel, &type, &message, sizeof(message), &tail))
		return false;
	assert_int_equal(type, IPC_RECORD);
	assert_true(ipc_read_record(&message, tail, &record));
	assert_true(slice_is(record.user_id, "alice") && slice_is(record.details[0].text, "why"));
	assert_true(message.generation == generation && message.sequence == ++*sequence && message.worker == 7);
	return true;
}

/* What it wrote whole is read, also after its death; of what it did not, nothing. The next one goes on there. */
static void test_a_writer_is_killed(void **state)
{
	struct ipc_channel *channel = ipc_channel_share(RING, false);
	uint64_t all = 0;
	int status;

	(void)state;
	ipc_keep(channel);
	for (uint32_t life = 1; life <= LIVES; life++) {
		uint64_t sequence = 0, until = next() % 3000;
		pid_t child = fork();

		if (child == 0)
			write_for_ever(channel, life);
		assert_true(child > 0);
		while (sequence < until) {
			if (!look(channel, life, &sequence)) {
				ipc_release(channel);
				ipc_wait(channel, SECOND_NS);
			} else if (next() % 16 == 0) {
				ipc_release(channel);
			}
		}
		kill(child, SIGKILL);
		assert_true(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
		while (look(channel, life, &sequence))
			;
		ipc_release(channel);
		all += sequence;
	}
	assert_true(all > LIVES);
	assert_int_equal(ipc_refused(channel), 0);
	ipc_channel_free(channel);
}

/* A reader that dies between receiving and releasing: the next one receives it again. */
static void test_a_reader_dies(void **state)
{
	struct ipc_channel *channel = ipc_channel_share(RING, false);
	struct fw_record record = a_record();
	uint64_t sequence = 0;
	int status;

	(void)state;
	ipc_keep(channel);
	for (unsigned i = 0; i < 6; i++)
		assert_true(ipc_send_record(channel, &record, 7));
	for (unsigned life = 0; life < 3; life++) {
		pid_t child = fork();

		if (child == 0) {
			sequence = life;
			ipc_join(channel, 0);
			(void)(look(channel, 0, &sequence) && (ipc_release(channel), true) &&
			       look(channel, 0, &sequence));
			_exit(sequence == life + 2 ? 0 : 1);
		}
		assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	ipc_join(channel, 0);
	sequence = 3;
	while (look(channel, 0, &sequence))
		;
	assert_int_equal(sequence, 6);
	ipc_channel_free(channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reader_survives_every_writer),
		cmocka_unit_test(test_a_writer_is_killed),
		cmocka_unit_test(test_a_reader_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
