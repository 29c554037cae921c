#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/event_type.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/ipc.h"

union payload {
	struct ipc_empty empty;
	struct ipc_record record;
	struct ipc_figures figures;
	struct ipc_drain drain;
	struct ipc_broadcast broadcast;
	struct ipc_end_user end_user;
};

static void count_wake(void *user)
{
	++*(int *)user;
}

static void test_messages_arrive_in_order_round_the_end(void **state)
{
	int wakes = 0;
	struct ipc_channel *channel = ipc_channel_new(499, count_wake, &wakes);
	char text[100];
	union payload payload;
	struct fw_slice tail;
	enum ipc_type type;
	uint64_t sent = 0, received = 0;

	(void)state;
	assert_non_null(channel);
	assert_false(ipc_receive(channel, &type, &payload, sizeof(payload), &tail));
	/* Sizes that share no factor with the ring's: over the rounds a message is cut at every place. */
	for (int round = 0; round < 3000; round++) {
		struct ipc_broadcast message = { .only = sent };
		size_t size = (size_t)round % 67;

		memset(text, 'a' + round % 26, size);
		while (ipc_send(channel, IPC_BROADCAST, &message, sizeof(message), slice(text, size), false))
			message.only = ++sent;
		assert_true(ipc_receive(channel, &type, &payload, sizeof(payload), &tail));
		assert_int_equal(type, IPC_BROADCAST);
		assert_true(payload.broadcast.only == received++);
		for (size_t i = 1; i < tail.size; i++)
			assert_int_equal(tail.data[i], tail.data[0]);
	}
	while (ipc_receive(channel, &type, &payload, sizeof(payload), &tail))
		assert_true(payload.broadcast.only == received++);
	assert_true(sent == received && sent > 3000);
	assert_int_equal(wakes, 1); /* it was empty once */
	assert_int_equal(ipc_refused(channel), 0);
	ipc_channel_free(channel);
}

static void test_wrong_sizes_are_refused(void **state)
{
	struct ipc_channel *channel = ipc_channel_new(2000, NULL, NULL);
	struct ipc_broadcast broadcast = { .only = 1 };
	struct ipc_drain drain = { 7 };
	static char large[2000];
	union payload payload;
	struct fw_slice tail;
	enum ipc_type type;

	(void)state;
	assert_false(ipc_send(channel, IPC_DRAIN, &drain, sizeof(drain) - 1, slice(NULL, 0), true));
	assert_false(ipc_send(channel, IPC_DRAIN, &broadcast, sizeof(broadcast), slice(NULL, 0), true));
	assert_false(ipc_send(channel, IPC_TYPES, &drain, sizeof(drain), slice(NULL, 0), true));
	assert_false(ipc_send(channel, IPC_DRAIN, &drain, sizeof(drain), slice(large, sizeof(large)), true));
	assert_int_equal(ipc_refused(channel), 4);
	/* one that the reader has no room for is passed over */
	assert_true(ipc_send(channel, IPC_BROADCAST, &broadcast, sizeof(broadcast), slice(large, 5), true));
	assert_true(ipc_send(channel, IPC_DRAIN, &drain, sizeof(drain), slice("x", 1), true));
	assert_true(ipc_receive(channel, &type, &payload, sizeof(drain), &tail));
	assert_int_equal(type, IPC_DRAIN);
	assert_int_equal(payload.drain.seconds, 7);
	assert_int_equal(tail.size, 1);
	assert_int_equal(ipc_refused(channel), 5);
	assert_false(ipc_receive(channel, &type, &payload, sizeof(payload), &tail));
	ipc_channel_free(channel);
	assert_null(ipc_channel_free(NULL));
}

/* Chat must not keep an order of the operator's away: who lost the right would stay. */
static void test_messages_leave_room_for_orders(void **state)
{
	struct ipc_channel *channel = ipc_channel_new(65536, NULL, NULL);
	struct ipc_broadcast broadcast = { .only = 1 };
	struct ipc_end_user ended = { .size = 5, .user_id = "alice" };
	unsigned sent = 0, received = 0, orders = 0;
	static char text[1000];
	union payload payload;
	struct fw_slice tail;
	enum ipc_type type;

	(void)state;
	for (size_t size = sizeof(text); size != 0; size /= 2)
		while (ipc_send(channel, IPC_BROADCAST, &broadcast, sizeof(broadcast), slice(text, size), false))
			sent++;
	assert_true(sent > 50);
	while (ipc_send(channel, IPC_END_USER, &ended, sizeof(ended), slice(NULL, 0), false))
		orders++;
	assert_in_range(orders, 20, 60);
	while (ipc_receive(channel, &type, &payload, sizeof(payload), &tail))
		received += type == IPC_END_USER || type == IPC_BROADCAST;
	assert_int_equal(received, sent + orders);
	assert_int_equal(ipc_refused(channel), 0);
	ipc_channel_free(channel);
}

static void test_crowded_before_it_is_full(void **state)
{
	struct ipc_channel *channel = ipc_channel_share(4000, false);
	struct ipc_end_user message = { 0 };
	unsigned sent = 0, crowded = 0, again = 0;
	union payload payload;
	struct fw_slice tail;
	enum ipc_type type;

	(void)state;
	assert_non_null(channel);
	ipc_keep(channel);
	assert_false(ipc_is_crowded(channel));
	while (ipc_send(channel, IPC_END_USER, &message, sizeof(message), slice(NULL, 0), false)) {
		sent++;
		if (!ipc_is_crowded(channel))
			crowded = sent;
	}
	assert_in_range(crowded, sent * 3 / 4 - 1, sent * 3 / 4);
	while (ipc_receive(channel, &type, &payload, sizeof(payload), &tail))
		again++;
	assert_int_equal(again, sent);
	assert_true(ipc_is_crowded(channel)); /* what is kept takes room */
	ipc_release(channel);
	assert_false(ipc_is_crowded(channel));
	ipc_channel_free(channel);
}

static void test_a_record_there_and_back(void **state)
{
	struct ipc_channel *channel = ipc_channel_new(65536, NULL, NULL);
	struct fw_record record = { .wall_us = 5,
				    .type = EVENT_auth_failure,
				    .level = 1,
				    .connection_id = 9,
				    .source = { 4, { 1, 2, 3, 4 } },
				    .user_id = slice_text("alice") },
			 back;
	char text[2 * LIMIT_RECORD_TEXT];
	union payload payload;
	struct fw_slice tail;
	enum ipc_type type;

	(void)state;
	memset(text, 'x', sizeof(text));
	record.detail_count = FW_RECORD_DETAILS;
	for (int i = 0; i < FW_RECORD_DETAILS; i++)
		record.details[i] =
			(struct fw_detail){ .key = "k", .kind = FW_DETAIL_TEXT, .text = slice(text, sizeof(text)) };
	record.details[0].text = slice_text("cause");
	record.details[1] = (struct fw_detail){ .key = "n", .kind = FW_DETAIL_INTEGER, .number = -5 };
	assert_true(ipc_send_record(channel, &record, 3));
	assert_true(ipc_receive(channel, &type, &payload, sizeof(payload), &tail));
	assert_int_equal(type, IPC_RECORD);
	assert_int_equal(payload.record.worker, 3);
	assert_true(ipc_read_record(&payload.record, tail, &back));
	assert_true(slice_is(back.user_id, "alice"));
	assert_int_equal(back.session_id.size, 0);
	assert_true(slice_is(back.details[0].text, "cause"));
	assert_true(back.details[1].number == -5);
	for (int i = 2; i < FW_RECORD_DETAILS; i++) {
		assert_int_equal(back.details[i].text.size, LIMIT_RECORD_TEXT);
		assert_memory_equal(back.details[i].text.data, text, LIMIT_RECORD_TEXT);
		assert_string_equal(back.details[i].key, "k");
	}
	assert_int_equal(payload.record.sequence, 1);
	/* one that claims more, or less, text than came with it is none, wherever it is cut */
	for (size_t size = 0; size < tail.size; size++)
		assert_false(ipc_read_record(&payload.record, slice(tail.data, size), &back));
	ipc_channel_free(channel);
}

enum { SENDERS = 4, MESSAGES = 20000 };
struct sender {
	struct ipc_channel *channel;
	uint16_t number;
	bool failed;
};

static void *send_all(void *user)
{
	struct sender *sender = user;
	char text[200];

	for (uint64_t i = 0; i < MESSAGES; i++) {
		struct ipc_broadcast message = { .worker = sender->number, .only = i };

		memset(text, (char)i, sizeof(text));
		if (!ipc_send(sender->channel, IPC_BROADCAST, &message, sizeof(message), slice(text, i % sizeof(text)),
			      true))
			sender->failed = true;
	}
	return NULL;
}

/* A ring that holds only a few: senders wait, nothing is lost, each one's messages stay in order. */
static void test_many_senders_lose_nothing(void **state)
{
	struct ipc_channel *channel = ipc_channel_new(1000, NULL, NULL);
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	uint64_t next[SENDERS] = { 0 }, received = 0;
	union payload payload;
	struct fw_slice tail;
	enum ipc_type type;

	(void)state;
	for (uint16_t i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ channel, i, false };
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	while (received < (uint64_t)SENDERS * MESSAGES) {
		if (!ipc_receive(channel, &type, &payload, sizeof(payload), &tail)) {
			ipc_wait(channel, 10000000000u);
			continue;
		}
		assert_true(payload.broadcast.only == next[payload.broadcast.worker]++);
		assert_int_equal(tail.size, payload.broadcast.only % 200);
		for (size_t i = 0; i < tail.size; i++)
			assert_int_equal((char)tail.data[i], (char)payload.broadcast.only);
		received++;
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		assert_false(senders[i].failed);
	}
	assert_false(ipc_receive(channel, &type, &payload, sizeof(payload), &tail));
	ipc_channel_free(channel);
}

static void *wake_it(void *user)
{
	ipc_wake(user);
	return NULL;
}

static void test_waiting_ends(void **state)
{
	struct ipc_channel *channel = ipc_channel_new(1000, NULL, NULL);
	struct ipc_empty empty = { 0 };
	pthread_t thread;

	(void)state;
	ipc_wait(channel, 1000000); /* timed out */
	ipc_wake(channel);
	ipc_wait(channel, UINT64_MAX / 4); /* woken before */
	assert_int_equal(pthread_create(&thread, NULL, wake_it, channel), 0);
	ipc_wait(channel, UINT64_MAX / 4);
	pthread_join(thread, NULL);
	assert_true(ipc_send(channel, IPC_DRAINED, &empty, sizeof(empty), slice(NULL, 0), false));
	ipc_wait(channel, UINT64_MAX / 4); /* not empty */
	ipc_channel_free(channel);
	mem_fail_at(2);
	assert_null(ipc_channel_new(1000, NULL, NULL));
	mem_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_arrive_in_order_round_the_end),
		cmocka_unit_test(test_wrong_sizes_are_refused),
		cmocka_unit_test(test_messages_leave_room_for_orders),
		cmocka_unit_test(test_crowded_before_it_is_full),
		cmocka_unit_test(test_a_record_there_and_back),
		cmocka_unit_test(test_many_senders_lose_nothing),
		cmocka_unit_test(test_waiting_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
