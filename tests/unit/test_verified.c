/* engine: tokens that are known again: who they are stays the same, and nothing that would have been refused without
 * them is let in: expired, of a clock that was set back, under another policy, changed by one octet. With real clients:
 * tests/e2e/test_bound.py. */
#include "policy_of.h"

#include "crypto/jwt.h"
#include "engine/conn_state.h"

#define SECOND UINT64_C(1000000)
#define START UINT64_C(1700000000)

static const char one[] = "authentication: {jwt: {keys: [{secret: 'a secret of thirty-two octets: 1'}]}}";
static const char other[] = "authentication: {jwt: {keys: [{secret: 'a secret of thirty-two octets: 2'}]}}";
static const char renamed[] =
	"authentication: {jwt: {issuer: here, keys: [{secret: 'a secret of thirty-two octets: 1'}]}}";

static struct arena arena;
static struct fw_engine *engine;
static struct fw_conn *conn;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	static uint8_t next;

	(void)user;
	while (size-- != 0)
		*bytes++ = ++next;
}

static void at(uint64_t second)
{
	fw_engine_time(engine, (struct fw_time){ 1000 * SECOND + (second - START) * SECOND * 1000, second * SECOND });
}

static int begin(void **state)
{
	struct fw_engine_options options = { .policy = policy_of(one), .random = { fill, NULL } };
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } };

	(void)state;
	arena_init(&arena, 64 << 20);
	engine = fw_engine_new(&options);
	at(START);
	conn = fw_conn_new(engine, &peer);
	fw_policy_unref(options.policy);
	return conn != NULL ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	fw_conn_free(conn);
	fw_engine_free(engine);
	arena_fini(&arena);
	return 0;
}

static struct fw_slice token_of(const char *user, uint64_t from, uint64_t until, const char *more)
{
	struct jwt_key key = { .algorithm = JOSE_HS256,
			       .secret = (uint8_t *)(uintptr_t) "a secret of thirty-two octets: 1",
			       .secret_size = 32 };
	struct fw_slice token;
	char claims[512];

	snprintf(claims, sizeof(claims), "{\"sub\":\"%s\",\"role\":\"user\",\"nbf\":%llu,\"exp\":%llu%s}", user,
		 (unsigned long long)from, (unsigned long long)until, more);
	assert_int_equal(jwt_issue(&arena, &key, slice_text(claims), &token), FW_OK);
	return token;
}

static const char *verify(struct fw_slice token, struct identity *ret_identity)
{
	arena_reset(&engine->arena);
	return authn_verify(conn, CREDENTIAL_JWT, token, ret_identity);
}

static uint64_t hits(void)
{
	return engine->counters[COUNT_token_cache_hits];
}

/* The same word twice, and whether the second time it was known. */
static void expect(struct fw_slice token, const char *user, bool known)
{
	struct identity identity;
	uint64_t before = hits();
	const char *cause = verify(token, &identity);

	if (cause != NULL)
		fail_msg("%s: %s", user, cause);
	assert_true(slice_is(identity.user_id, user));
	assert_string_equal(conn->policy->roles[identity.role].name, "user");
	assert_int_equal(identity.method, METHOD_JWT);
	assert_true(policy_credential_required(conn->policy, identity.credential) == REQUIRE_NONE);
	assert_true(identity.credential == conn->policy->jwt_marks[0]);
	assert_int_equal(hits() - before, known);
}

static void refused(struct fw_slice token, const char *cause)
{
	struct identity identity;
	const char *said = verify(token, &identity);

	if (said == NULL || strcmp(said, cause) != 0)
		fail_msg("%s, not %s", said != NULL ? said : "accepted", cause);
}

static void the_same_the_second_time(void **state)
{
	struct fw_slice token = token_of("alice", START, START + 600,
					 ",\"cnf\":{\"jkt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
	struct identity first, second;

	(void)state;
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	assert_null(verify(token, &first));
	assert_null(verify(token, &second));
	assert_int_equal(hits(), 1);
	assert_int_equal(first.binding.kinds, BOUND_KEY);
	assert_true(slice_equal(first.user_id, second.user_id));
	first.user_id = second.user_id = slice(NULL, 0);
	assert_memory_equal(&first, &second, sizeof(first));
	expect(token_of("bob", START, START + 600, ""), "bob", false);
	expect(token_of("bob", START, START + 600, ""), "bob", true);
}

static void not_a_second_longer(void **state)
{
	struct fw_slice token = token_of("alice", START, START + 600, "");

	(void)state;
	expect(token, "alice", false);
	at(START + 599);
	expect(token, "alice", true);
	at(START + 600);
	refused(token, "expired");
	at(START + 599); /* the clock was set back: it is judged anew, or known from before */
	expect(token, "alice", true);
}

/* Known at a time at which it counts, asked at one at which it did not count yet. */
static void a_clock_that_is_set_back(void **state)
{
	struct fw_slice token = token_of("alice", START + 1000, START + 2000, "");

	(void)state;
	refused(token, "nbf");
	at(START + 1000);
	expect(token, "alice", false);
	at(START);
	refused(token, "nbf");
	at(START + 1000);
	expect(token, "alice", true);
}

static void one_octet_is_another_token(void **state)
{
	struct fw_slice token = token_of("alice", START, START + 600, "");
	uint8_t copy[512];
	struct identity identity;

	(void)state;
	expect(token, "alice", false);
	for (size_t i = 0; i < token.size; i++) {
		memcpy(copy, token.data, token.size);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_non_null(verify(slice(copy, token.size), &identity));
		assert_non_null(verify(slice(token.data, i), &identity));
	}
	assert_int_equal(hits(), 0);
	expect(token, "alice", true);
}

static void another_policy(void **state)
{
	struct fw_slice token = token_of("alice", START, START + 600, "");
	struct fw_policy *same = policy_of(one), *changed = policy_of(other), *issuer = policy_of(renamed);

	(void)state;
	expect(token, "alice", false);
	fw_engine_set_policy(engine, changed);
	/* This connection began before; what it says is nothing for those that come, nor the other way. */
	expect(token, "alice", false);
	expect(token, "alice", false);
	fw_policy_unref(conn->policy);
	conn->policy = fw_policy_ref(changed);
	refused(token, "signature");
	fw_engine_set_policy(engine, issuer);
	fw_policy_unref(conn->policy);
	conn->policy = fw_policy_ref(issuer);
	refused(token, "iss");
	fw_engine_set_policy(engine, same);
	fw_policy_unref(conn->policy);
	conn->policy = fw_policy_ref(same);
	expect(token, "alice", false);
	expect(token, "alice", true);
	fw_policy_unref(same);
	fw_policy_unref(changed);
	fw_policy_unref(issuer);
}

/* Twice as many as there is room for: some are forgotten, none is taken for another. */
static void more_than_there_is_room_for(void **state)
{
	enum { MANY = 2 * LIMIT_VERIFIED };
	static struct fw_slice tokens[MANY];
	char user[32];
	uint64_t known;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		tokens[i] = token_of(user, START, START + 600 + i, "");
		expect(tokens[i], user, false);
	}
	known = hits();
	for (unsigned i = MANY; i-- != 0;) {
		struct identity identity;

		snprintf(user, sizeof(user), "user%u", i);
		assert_null(verify(tokens[i], &identity));
		assert_true(slice_is(identity.user_id, user));
		assert_true(identity.expires_wall_us == (START + 600 + i) * SECOND);
	}
	known = hits() - known;
	assert_in_range(known, LIMIT_VERIFIED / 2, LIMIT_VERIFIED);
}

static void without_memory(void **state)
{
	struct fw_slice token = token_of("alice", START, START + 600, "");
	struct identity identity;
	bool kept = false;

	(void)state;
	for (uint64_t n = 1; !kept; n++) {
		assert_true(n < 50);
		mem_fail_at(n);
		if (verify(token, &identity) == NULL)
			assert_true(slice_is(identity.user_id, "alice"));
		mem_fail_at(0);
		kept = engine->verified != NULL;
	}
	expect(token, "alice", true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		TEST(the_same_the_second_time), TEST(not_a_second_longer),
		TEST(a_clock_that_is_set_back), TEST(one_octet_is_another_token),
		TEST(another_policy),		TEST(more_than_there_is_room_for),
		TEST(without_memory),
	};
#undef TEST

	return cmocka_run_group_tests_name("verified", tests, NULL, NULL);
}
