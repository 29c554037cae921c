/* limits.c: what asking a limit costs: on words that a connection holds, and where a subject has to be found first,
 * while ten million addresses and users that nobody saw before pass through. `limits [--quick]`. Prints one JSON
 * object: nanoseconds of processor time, and octets of resident memory after a tenth of them and after all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/conn_state.h"
#include "memory.h"
#include "shell/store_quota.h"
#include "state/store.h"

enum { PASSES = 5, CHECKS = 5000000, SUBJECTS = 10000000, KNOWN = 10000, PARTS = 50 };

static const char one[] = "rate_limiting: {messages_per_user_per_minute: 1000000000}\n"
			  "routes: [{path: /, anonymous: user}]\n";
static const char all[] =
	"rate_limiting: {messages_per_user_per_minute: 1000000000, bytes_per_user_per_minute: 1000000000, "
	"messages_per_ip_per_minute: 1000000000, bytes_per_ip_per_minute: 1000000000, "
	"total_messages_per_minute: 1000000000, total_bytes_per_minute: 1000000000}\n"
	"routes: [{path: /, anonymous: user, messages_per_minute: 1000000000, bytes_per_minute: 1000000000}]\n";

static double nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static size_t resident(void)
{
	unsigned long whole, pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%lu %lu", &whole, &pages) != 2)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void die(const char *what)
{
	fprintf(stderr, "limits: %s\n", what);
	exit(3);
}

static struct fw_conn *client_of(struct fw_engine *engine)
{
	char head[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
	struct fw_conn *conn = fw_conn_new(engine, &(struct fw_conn_options){ .peer = { 4, { 10, 0, 0, 1 } } });
	const struct fw_event *event;

	if (conn == NULL)
		die("memory");
	fw_conn_receive(conn, FW_CLIENT, (uint8_t *)head, strlen(head));
	while ((event = fw_conn_next_event(conn)) != NULL)
		if (event->kind == FW_EV_NEED)
			fw_conn_supply(conn, event->as.need.id, &(struct fw_answer){ .code = FW_ANSWER_YES });
	if (conn->phase != PHASE_OPEN)
		die("the connection did not open");
	conn->principal->anonymous = false; /* a user, so that his limits count */
	return conn;
}

/* As stage_limit.c asks them, a message of 128 octets. */
static double check(const char *yaml, struct store *store, unsigned checks)
{
	struct fw_policy *policy;
	static struct fw_time now = { 1000000000, 1700000000000000 }; /* the words of the store outlive a policy */
	struct fw_engine *engine;
	struct fw_conn *conn;
	double best = 0;

	if (fw_policy_load("bench", (struct fw_slice){ (const uint8_t *)yaml, strlen(yaml) }, memory_report, NULL,
			   &policy) != FW_OK)
		exit(3);
	engine = fw_engine_new(&(struct fw_engine_options){ .policy = policy, .random = { .fill = memory_fill } });
	if (engine == NULL)
		die("memory");
	store_quota(engine, store);
	fw_engine_time(engine, now);
	conn = client_of(engine);
	for (unsigned pass = 0; pass < PASSES; pass++) {
		double begun = nanoseconds(), spent;

		for (unsigned i = 0; i < checks; i++) {
			struct quota_asked asked = { .end = QUOTA_OF_CLIENT_END, .messages = 1, .bytes = 128 };
			struct quota_asked common = { QUOTA_OF_CLIENT_END, LIMIT_HELD, 1, 128, 0, 0 };

			now.monotonic_ns += 10000;
			fw_engine_time(engine, now);
			if (quota_ask(conn, &asked) != QUOTA_YES || quota_take(conn, &asked) != QUOTA_YES ||
			    quota_ask(conn, &common) != QUOTA_YES || quota_take(conn, &common) != QUOTA_YES)
				die("a limit that is not reached refused");
		}
		spent = (nanoseconds() - begun) / checks;
		best = pass == 0 || spent < best ? spent : best;
	}
	fw_conn_free(conn);
	fw_engine_free(engine);
	fw_policy_unref(policy);
	return best;
}

static uint64_t now_ns = 1000000000;
static unsigned refused;

static void address(struct store *store, uint32_t number)
{
	struct fw_addr from = {
		4, { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number }
	};
	uint32_t retry;

	refused += store_handshake_slot(store, &from, now_ns, &retry) != FW_ANSWER_YES;
}

static void user(struct store *store, uint32_t number)
{
	char name[16] = "user-";
	uint32_t retry;

	for (unsigned i = 0; i < 8; i++)
		name[5 + i] = (char)('a' + (number >> 4 * i & 15));
	refused += store_session_slot(store, (struct fw_slice){ (const uint8_t *)name, 13 }, now_ns, &retry) !=
		   FW_ANSWER_YES;
}

/* count of them, each one of `among`, so many nanoseconds of the clock apart; nanoseconds each, of the parts of the run
 * the least: whatever else runs here only adds to it. */
static double pass(struct store *store, void (*subject)(struct store *store, uint32_t number), uint32_t first,
		   uint32_t count, uint32_t among, uint64_t apart_ns)
{
	double best = 0;

	for (uint32_t part = 0; part < PARTS; part++) {
		uint32_t from = (uint32_t)((uint64_t)count * part / PARTS);
		uint32_t to = (uint32_t)((uint64_t)count * (part + 1) / PARTS);
		double begun = nanoseconds(), spent;

		for (uint32_t i = from; i < to; i++) {
			now_ns += apart_ns;
			subject(store, first + i % among);
		}
		spent = (nanoseconds() - begun) / (to - from);
		best = part == 0 || spent < best ? spent : best;
	}
	return best;
}

static void lookups(struct store *store, const char *name, void (*subject)(struct store *store, uint32_t number),
		    uint32_t count)
{
	uint32_t warm = count / 10;
	double new_one, known, crowded;
	size_t before, after;
	unsigned refused_new;

	/* Ten thousand new ones a second, of each of which a word is kept for a second. */
	pass(store, subject, 0, warm, warm, 100000);
	before = resident();
	refused = 0;
	new_one = pass(store, subject, warm, count - warm, count, 100000);
	refused_new = refused;
	after = resident();
	pass(store, subject, 0, KNOWN, KNOWN, 0);
	known = pass(store, subject, 0, count / 2, KNOWN, 2000000);
	/* A flood while the clock nearly stands still: there is no place for most. */
	crowded = pass(store, subject, UINT32_MAX / 2, count / 2, count, 1);
	printf(", \"%s\": {\"new\": %.1f, \"known\": %.1f, \"no place\": %.1f, \"subjects\": %u, \"refused\": %u, "
	       "\"resident before\": %zu, \"resident after\": %zu}",
	       name, new_one, known, crowded, count, refused_new, before, after);
}

int main(int count, char **arguments)
{
	bool quick = count > 1 && strcmp(arguments[1], "--quick") == 0;
	const struct fw_random random = { .fill = memory_fill };
	const struct gcra rate = { 1000000000, 59 * UINT64_C(1000000000) }; /* 60 a minute */
	struct store *store =
		store_new(&(struct store_options){ .handshake_rate = rate, .session_rate = rate }, &random);

	if (store == NULL)
		die("memory");
	printf("{\"check\": {\"one\": %.1f", check(one, store, quick ? CHECKS / 10 : CHECKS));
	printf(", \"all\": %.1f}", check(all, store, quick ? CHECKS / 10 : CHECKS));
	lookups(store, "address", address, quick ? SUBJECTS / 10 : SUBJECTS);
	lookups(store, "user", user, quick ? SUBJECTS / 10 : SUBJECTS);
	printf("}\n");
	store_free(store);
	return 0;
}
