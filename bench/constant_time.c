/* constant_time.c: does the time of refusing a forged secret tell how much of it was right? Two kinds of forgeries in
 * random turns, wrong from the first octet on and in the last four alone; Welch's t of their times (Reparaz, Balasch,
 * Verbauwhede: "Dude, is my code constant time?"). |t| under 4.5: nothing shows. A comparison that stops at the first
 * difference is measured the same way: were it not found, the method would see nothing. Prints one JSON object. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "state/store.h"

#include "memory.h"
#include "wire.h"

enum { TOKEN = 47, CSRF = 43, END = 4, FIRST = 10000, ROOM = 1024 };

static const uint8_t secret[48] = "a secret of the bench, which nobody else has: 48";
static struct fw_time now = { .monotonic_ns = 1000000000, .wall_us = UINT64_C(1700000000) * 1000000 };

static uint64_t nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct subject {
	const char *name;
	bool (*holds)(struct fw_slice forged);
	struct fw_slice right;
	size_t first, last; /* octets of it that are secret */
	unsigned again;	    /* calls in one measurement */
};

static uint8_t token[ROOM], csrf[CSRF];
static struct store *store;
static struct jwt_key key = {
	.kid = NULL, .secret = (uint8_t *)secret, .secret_size = sizeof(secret), .algorithm = JOSE_HS256
};
static struct arena arena;

static bool leaks(struct fw_slice forged)
{
	for (size_t i = 0; i < forged.size; i++)
		if (((const volatile uint8_t *)forged.data)[i] != csrf[i])
			return false;
	return true;
}

static bool csrf_holds(struct fw_slice forged)
{
	return secret_equal(forged, slice(csrf, sizeof(csrf)));
}

static bool session_holds(struct fw_slice forged)
{
	struct store_session session;
	uint8_t digest[32];

	digest_sha256(forged, digest);
	return store_session_take(store, digest, now, &session) == FW_ANSWER_YES;
}

static bool jwt_holds(struct fw_slice forged)
{
	struct jwt_rules rules = { .keys = &key, .key_count = 1, .max_life_s = 86400, .max_size = 8192 };
	struct jwt jwt;

	arena_reset(&arena);
	return jwt_verify(&arena, &rules, forged, now.wall_us, &jwt) == NULL;
}

/* Mean and variance as they come (Welford). */
struct series {
	double count, mean, squares;
};

static void add(struct series *series, double value)
{
	double off = value - series->mean;

	series->count++;
	series->mean += off / series->count;
	series->squares += off * (value - series->mean);
}

static double welch(const struct series *a, const struct series *b)
{
	return (a->mean - b->mean) /
	       sqrt(a->squares / (a->count - 1) / a->count + b->squares / (b->count - 1) / b->count);
}

/* Nothing of it is right, or all but the end: random, so that a kind is not one place of a table. */
static double once(const struct subject *subject, bool almost)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static uint8_t forged[ROOM]; /* the same place for both kinds */
	uint64_t begin;
	size_t start;

	start = subject->first + (subject->last - END + 1 - subject->first) * almost;
	memcpy(forged, subject->right.data, subject->right.size);
	for (size_t i = subject->first; i <= subject->last; i++) { /* both kinds cost the same to make */
		uint8_t other = (uint8_t)letters[memory_word() >> 58], takes = (uint8_t) - (i >= start);

		forged[i] = (uint8_t)((forged[i] & ~takes) | (other & takes));
	}
	if (forged[subject->last] == subject->right.data[subject->last])
		forged[subject->last] = forged[subject->last] == 'A' ? 'B' : 'A';
	for (volatile unsigned i = 0; i < 200; i++) /* what that left in flight is over */
		;
	begin = nanoseconds();
	for (unsigned i = 0; i < subject->again; i++)
		if (subject->holds(slice(forged, subject->right.size)))
			wire_die("%s: a forgery holds", subject->name);
	return (double)(nanoseconds() - begin);
}

/* What an interrupt made long is left out, by a bound that both kinds share. */
static double measure(const struct subject *subject, unsigned samples)
{
	static double firsts[FIRST];
	struct series series[2] = { 0 };
	double bound;

	if (!subject->holds(subject->right) && strcmp(subject->name, "session") != 0)
		wire_die("%s: the right one does not hold", subject->name);
	for (unsigned i = 0; i < FIRST; i++)
		firsts[i] = once(subject, memory_word() >> 63);
	qsort(firsts, FIRST, sizeof(*firsts), memory_compare);
	bound = firsts[FIRST * 9 / 10];
	for (unsigned i = 0; i < samples; i++) {
		bool almost = memory_word() >> 63;
		double time = once(subject, almost);

		if (time <= bound)
			add(&series[almost], time);
	}
	return welch(&series[0], &series[1]);
}

static void make_session(void)
{
	struct store_options options = { .max_connections_per_ip = 10,
					 .max_connections = 1000,
					 .max_sessions_per_user = 5,
					 .session_idle_ns = UINT64_C(1800000000000),
					 .session_absolute_us = UINT64_C(43200000000) };
	struct store_session session = { .user_id = "alice",
					 .user_id_size = 5,
					 .role = "user",
					 .role_size = 4,
					 .session_id = "0123456789abcdef",
					 .session_id_size = 16,
					 .expires_wall_us = UINT64_MAX };
	struct fw_random random = { .fill = memory_fill };
	char evicted[STORE_SESSION_ID];
	size_t evicted_size;
	uint8_t digest[32];

	store = store_new(&options, &random);
	digest_sha256(slice(token, TOKEN), digest);
	if (store == NULL || store_session_open(store, digest, &session, now, evicted, &evicted_size) != FW_ANSWER_YES)
		wire_die("no session");
}

int main(int count, char **arguments)
{
	unsigned samples = count > 1 && strcmp(arguments[1], "--quick") == 0 ? 50000 : 500000;
	struct fw_slice claims = slice_text("{\"sub\":\"alice\",\"iat\":1699999990,\"exp\":1700003600}"), jwt;
	struct subject subjects[] = {
		{ "stops at a difference", leaks, slice(csrf, CSRF), 0, CSRF - 1, 4 },
		{ "CSRF token", csrf_holds, slice(csrf, CSRF), 0, CSRF - 1, 4 },
		{ "session", session_holds, slice(token, TOKEN), 4, TOKEN - 1, 1 },
		{ "HS256", jwt_holds, { 0 }, 0, 0, 1 },
	};

	memory_fill(NULL, csrf, sizeof(csrf));
	memory_fill(NULL, token, TOKEN);
	memcpy(token, "fws_", 4);
	make_session();
	arena_init(&arena, 65536);
	if (jwt_issue(&arena, &key, claims, &jwt) != FW_OK || jwt.size > sizeof(token))
		wire_die("no token");
	memcpy(token + TOKEN, jwt.data, jwt.size);
	subjects[3].right = slice(token + TOKEN, jwt.size);
	subjects[3].first = jwt.size - CSRF; /* an HMAC of 32 octets is 43 characters */
	subjects[3].last = jwt.size - 2;     /* of the last, two bits must be zero */
	putchar('{');
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		printf("%s\"%s\": {\"t\": %.2f, \"samples\": %u}", i == 0 ? "" : ", ", subjects[i].name,
		       measure(&subjects[i], samples), samples);
	puts("}");
	store_free(store);
	arena_fini(&arena);
	return 0;
}
