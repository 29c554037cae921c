/* An hour of honest people: 2,000 users behind 20 shared addresses, the engine, the store and the penalties as they
 * are, under a clock of the test's. They come in at nine o'clock, chat as developers do, lose their connections and
 * come back by session or by password, and make mistakes: a password typed badly, a message that is broken, one that
 * their role may not send. Nobody may be blocked; and who guesses among them must be. */
#include "policy_of.h"

#include <glob.h>
#include <stdlib.h>

#include "shell/rehearsal_parts.h"

enum { USERS = 2000, ADDRESSES = 20, SECONDS = 3600, ARRIVE = 900, LINES = 4096, TEXT = 600 };
#define BEGIN_US (UINT64_C(1767258000) * 1000000)

/* As docs/guide/blocks.md says it for many people behind one address; all else as it is without being said. */
static const char configuration[] = "authentication: { methods: [password] }\n"
				    "rate_limiting: { auth_attempts_per_minute: 300, max_connections_per_ip: 500 }\n";

static uint64_t chance_state = 0x2545f4914f6cdd1d;

static uint32_t chance(uint32_t of)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (uint32_t)(chance_state >> 32) % of;
}

struct person {
	char name[16], session[64];
	struct fw_addr address;
	struct rehearsal_seat *seat;
	unsigned arrives, next; /* seconds */
};

static struct person people[USERS];
static struct rehearsal_user users[USERS];
static char *lines[LINES];
static unsigned line_count;
static struct {
	unsigned logins, wrong, messages, refused, broken, forbidden, lost, by_session;
} seen;

/* Developers' chat, where it is there; JSON must be able to have it as it is. */
static void read_lines(void)
{
	const char *shared = getenv("FRAMEWALL_SHARED");
	char pattern[512], line[TEXT];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/corpora/benign/dev.*", shared != NULL ? shared : "../shared");
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			FILE *file = fopen(found.gl_pathv[i], "r");

			while (file != NULL && line_count < LINES && fgets(line, sizeof(line), file) != NULL) {
				line[strcspn(line, "\n")] = '\0';
				if (line[0] != '\0' && strpbrk(line, "\"\\\t\r") == NULL)
					lines[line_count++] = strdup(line);
			}
			if (file != NULL)
				fclose(file);
		}
		globfree(&found);
	}
	if (line_count == 0)
		lines[line_count++] =
			strdup("could somebody look at select * from users where id = 1 before the release?");
}

static void say(struct rehearsal *r, const char *text, struct rehearsal_result *ret)
{
	assert_int_equal(rehearsal_send(r, false, slice_text(text), ret), FW_OK);
}

static void take_session_of(struct person *person, struct fw_slice reply)
{
	static const char mark[] = "\"session_token\":\"";
	const char *at = reply.size != 0 ? memmem(reply.data, reply.size, mark, sizeof(mark) - 1) : NULL;
	size_t size = 0;

	if (at == NULL)
		return;
	at += sizeof(mark) - 1;
	while (at[size] != '"' && size < sizeof(person->session) - 1)
		size++;
	memcpy(person->session, at, size);
	person->session[size] = '\0';
}

static void log_in(struct rehearsal *r, struct person *person, unsigned second, bool by_session)
{
	struct rehearsal_opening opening = { .from = person->address };
	struct rehearsal_result result;
	char text[256];

	rehearsal_sit(r, person->seat);
	assert_int_equal(rehearsal_open(r, &opening, &result), FW_OK);
	if (!rehearsal_is_open(r) && result.verdict != REHEARSAL_PASS) {
		person->next = second + 30 + chance(60);
		return;
	}
	if (by_session && person->session[0] != '\0') {
		snprintf(text, sizeof(text), "{\"type\":\"auth\",\"method\":\"session\",\"session_token\":\"%s\"}",
			 person->session);
		seen.by_session++;
	} else {
		bool wrong = chance(25) == 0;

		snprintf(text, sizeof(text),
			 "{\"type\":\"auth\",\"method\":\"password\",\"user_id\":\"%s\",\"password\":\"%s\"}",
			 person->name, wrong ? "rihgt" : "right");
		seen.wrong += wrong;
	}
	person->session[0] = '\0';
	say(r, text, &result);
	if (!rehearsal_is_logged_in(r)) { /* he looks at what he typed, and tries again */
		person->next = second + 5 + chance(20);
		return;
	}
	take_session_of(person, result.reply);
	seen.logins++;
	person->next = second + 10 + chance(300);
}

static void chat(struct rehearsal *r, struct person *person, unsigned second)
{
	struct rehearsal_result result;
	char text[TEXT + 128];
	unsigned kind = chance(1000);

	rehearsal_sit(r, person->seat);
	if (kind < 2) {
		snprintf(text, sizeof(text), "{\"type\":\"chat_message\",\"text\":");
		seen.broken++;
	} else if (kind < 6) {
		snprintf(text, sizeof(text), "{\"type\":\"chat_message\",\"txt\":\"hi\"}");
		seen.broken++;
	} else if (kind < 8) {
		snprintf(text, sizeof(text), "{\"type\":\"admin_command\",\"command\":\"status\"}");
		seen.forbidden++;
	} else if (kind < 300) {
		snprintf(text, sizeof(text), "{\"type\":\"%s\"}", kind < 150 ? "ping" : "typing");
	} else {
		snprintf(text, sizeof(text), "{\"type\":\"chat_message\",\"text\":\"%s\"}", lines[chance(line_count)]);
	}
	say(r, text, &result);
	seen.messages++;
	seen.refused += result.verdict != REHEARSAL_PASS;
	person->next = second + (chance(4) == 0 ? 2 + chance(10) : 30 + chance(240)); /* some talk in bursts */
}

static void act(struct rehearsal *r, struct person *person, unsigned second)
{
	rehearsal_sit(r, person->seat);
	if (!rehearsal_is_open(r) || !rehearsal_is_logged_in(r)) {
		log_in(r, person, second, chance(2) == 0);
		return;
	}
	if (chance(40) == 0) { /* a train goes into a tunnel */
		seen.lost++;
		log_in(r, person, second, chance(4) != 0);
		return;
	}
	chat(r, person, second);
}

static void gather(void)
{
	for (unsigned i = 0; i < USERS; i++) {
		struct person *person = &people[i];

		snprintf(person->name, sizeof(person->name), "user%04u", i);
		person->address = (struct fw_addr){ 4, { 192, 0, 2, (uint8_t)(1 + i % ADDRESSES) } };
		person->next = person->arrives = chance(ARRIVE);
		person->seat = rehearsal_seat_new();
		assert_non_null(person->seat);
		users[i] = (struct rehearsal_user){ person->name, "right", "user" };
	}
}

static void an_hour(struct rehearsal *r)
{
	struct rehearsal_result result;

	for (unsigned second = 0; second < SECONDS; second++) {
		rehearsal_sit(r, NULL);
		assert_int_equal(rehearsal_at(r, BEGIN_US + second * UINT64_C(1000000), &result), FW_OK);
		for (unsigned i = 0; i < USERS; i++)
			if (people[i].next <= second)
				act(r, &people[i], second);
	}
}

/* At an address of honest people: it takes more than at one of its own, and less than a hundred. */
static unsigned guesses_until_blocked(struct rehearsal *r)
{
	struct rehearsal_opening opening = { .from = people[0].address };
	struct rehearsal_result result;
	unsigned count = 0;
	char text[128];

	rehearsal_sit(r, NULL);
	while (store_block_count(r->store, r->now.monotonic_ns) == 0 && count < 1000) {
		assert_int_equal(rehearsal_open(r, &opening, &result), FW_OK);
		snprintf(text, sizeof(text),
			 "{\"type\":\"auth\",\"method\":\"password\",\"user_id\":\"guess%u\",\"password\":\"x\"}",
			 count++);
		(void)rehearsal_send(r, false, slice_text(text), &result);
	}
	return count;
}

static void test_nobody_honest_is_blocked(void **state)
{
	struct fw_policy *policy = policy_of(configuration);
	struct rehearsal *r = rehearsal_new(policy, BEGIN_US);

	(void)state;
	assert_non_null(r);
	read_lines();
	gather();
	rehearsal_users(r, users, USERS);
	an_hour(r);
	printf("# %u logins (%u by session), %u wrong passwords, %u messages (%u refused, %u broken, %u forbidden), %u "
	       "connections lost\n",
	       seen.logins, seen.by_session, seen.wrong, seen.messages, seen.refused, seen.broken, seen.forbidden,
	       seen.lost);
	assert_int_equal(store_block_count(r->store, r->now.monotonic_ns), 0);
	assert_true(seen.logins >= USERS && seen.messages > 10 * USERS && seen.wrong > 50 && seen.forbidden > 20 &&
		    seen.by_session > 200);
	assert_in_range(guesses_until_blocked(r), 11, 200);
	for (unsigned i = 0; i < USERS; i++)
		rehearsal_seat_free(r, people[i].seat);
	while (line_count != 0)
		free(lines[--line_count]);
	rehearsal_free(r);
	fw_policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nobody_honest_is_blocked) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
