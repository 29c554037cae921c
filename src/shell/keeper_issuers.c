/* Keys of issuers over the network: fetched at the start, anew when a set is old, again and again while that fails,
 * with the last good set in use until it is too old. Nothing that a client sends says what is asked: the configuration
 * does, and the discovery document of the issuer that it names. */
#include <stdio.h>
#include <string.h>

#include "base/detail.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

/* BUSY_MS: until somebody who reads the configuration anew is done. */
enum { BUSY_MS = 20, RETRY_MS = 1000, RETRY_MOST_MS = 60000, SCRATCH_MOST = 64 << 20 };

static const char *const json_types[2] = { "application/json", NULL };
static const char *const jwks_types[2] = { "application/json", "application/jwk-set+json" };

static void schedule(struct keeper_issuers *issuers);

static uint64_t now_ms(const struct keeper_issuers *issuers)
{
	return uv_now(issuers->keeper->options.loop);
}

static void record(struct keeper_issuers *issuers, enum event_type type, struct keeper_issuer *issuer,
		   const struct fw_detail *details, unsigned count)
{
	struct fw_record record = { .type = (uint16_t)type,
				    .level = issuers->keeper->options.policy->event_levels[type] };

	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "issuer", .text = slice_text(issuer->rules->rules.issuer) };
	for (unsigned i = 0; i < count; i++)
		record.details[record.detail_count++] = details[i];
	keeper_record(issuers->keeper, &record);
}

/* Once for each cause in a row, however often it is tried. */
static void tell_failure(struct keeper_issuers *issuers, struct keeper_issuer *issuer, const char *cause)
{
	const struct fw_detail detail = { .key = "cause", .text = slice_text(cause) };

	if (strncmp(issuer->told, cause, sizeof(issuer->told) - 1) == 0)
		return;
	snprintf(issuer->told, sizeof(issuer->told), "%s", cause);
	log_warn(issuers->keeper->options.log, issuer, "%s: %s", issuer->rules->rules.issuer, cause);
	record(issuers, EVENT_issuer_failure, issuer, &detail, 1);
}

static unsigned count_other(const struct policy_issuer *these, const struct policy_issuer *those)
{
	unsigned count = 0;

	for (size_t i = 0; i < these->rules.key_count; i++) {
		bool found = false;

		for (size_t k = 0; those != NULL && k < those->rules.key_count; k++)
			found = found || those->marks[k] == these->marks[i];
		count += !found;
	}
	return count;
}

/* What became of the keys that are in use. */
static void tell_change(struct keeper_issuers *issuers, struct fw_policy *before)
{
	const struct fw_policy *after = issuers->keeper->options.policy;

	for (unsigned i = 0; i < issuers->count; i++) {
		struct fw_slice name = slice_text(issuers->list[i].rules->rules.issuer);
		const struct policy_issuer *is = policy_issuer_find(after, name),
					   *was = policy_issuer_find(before, name);
		struct fw_detail details[3];

		if (is == NULL || was == NULL)
			continue;
		details[0] = detail_number("keys", is->rules.key_count);
		details[1] = detail_number("added", count_other(is, was));
		details[2] = detail_number("retired", count_other(was, is));
		if (details[1].number == 0 && details[2].number == 0)
			continue;
		log_info(issuers->keeper->options.log, issuer, "%s: %zu keys, %d of them new; %d are gone",
			 is->rules.issuer, is->rules.key_count, (int)details[1].number, (int)details[2].number);
		record(issuers, EVENT_issuer_keys, &issuers->list[i], details, 3);
	}
}

/* Those who wait for keys; cause NULL: they are here. */
static void answer(struct keeper_issuer *issuer, const char *cause)
{
	const struct fw_answer answer = { .code = cause == NULL ? FW_ANSWER_YES : FW_ANSWER_NO,
					  .cause = slice_text(cause) };

	while (issuer->waiting_count != 0)
		keeper_question_answer(issuer->waiting[--issuer->waiting_count], &answer);
}

/* A fetch for the sake of a token is not made again at once. */
static bool is_too_soon(const struct keeper_issuers *issuers, const struct keeper_issuer *issuer)
{
	return issuer->refetched &&
	       now_ms(issuers) - issuer->refetched_ms < (uint64_t)issuer->rules->provider.refetch * 1000;
}

static void fetch_again(struct keeper_issuers *issuers, struct keeper_issuer *issuer)
{
	issuer->refetched = true;
	issuer->refetched_ms = issuer->next_ms = now_ms(issuers);
}

static bool has_key(const struct keeper_issuers *issuers, const struct keeper_issuer *issuer, struct fw_slice kid)
{
	const struct policy_issuer *used =
		policy_issuer_find(issuers->keeper->options.policy, slice_text(issuer->rules->rules.issuer));

	for (size_t i = 0; used != NULL && i < used->rules.key_count; i++)
		if (kid.size == 0 || (used->rules.keys[i].kid != NULL && slice_is(kid, used->rules.keys[i].kid)))
			return true;
	return false;
}

/* A set is in use: who waits for a key that it has need not wait on. Who came while it was fetched, and whose key is
 * not in it, may be right all the same: it may be from before his key. */
static void serve(struct keeper_issuers *issuers, struct keeper_issuer *issuer)
{
	const struct fw_answer yes = { .code = FW_ANSWER_YES };
	unsigned left = 0;

	if (issuer->fetch != NULL || issuer->next_ms <= now_ms(issuers))
		return;
	for (unsigned i = 0; i < issuer->waiting_count; i++) {
		if (has_key(issuers, issuer, issuer->waiting[i]->need.key))
			keeper_question_answer(issuer->waiting[i], &yes);
		else
			issuer->waiting[left++] = issuer->waiting[i];
	}
	issuer->waiting_count = left;
	if (left != 0 && !is_too_soon(issuers, issuer))
		fetch_again(issuers, issuer);
	else
		answer(issuer, NULL);
}

/* The sets come into use, or as soon as whoever makes another policy is done with it. */
static void apply(struct keeper_issuers *issuers)
{
	const struct keeper_options *options = &issuers->keeper->options;
	struct fw_policy *before = fw_policy_ref(options->policy);

	issuers->due = options->keys_changed == NULL || !options->keys_changed(options->keys_user);
	if (!issuers->due)
		tell_change(issuers, before);
	for (unsigned i = 0; i < issuers->count && !issuers->due; i++)
		serve(issuers, &issuers->list[i]);
	fw_policy_unref(before);
}

static void wait_again(struct keeper_issuers *issuers, struct keeper_issuer *issuer)
{
	uint64_t wait_ms = RETRY_MS;

	for (unsigned i = 0; i < issuer->failures && wait_ms < RETRY_MOST_MS; i++)
		wait_ms *= 2;
	issuer->failures++;
	issuer->next_ms = now_ms(issuers) + (wait_ms < RETRY_MOST_MS ? wait_ms : RETRY_MOST_MS);
}

static void fail(struct keeper_issuers *issuers, struct keeper_issuer *issuer, const char *cause)
{
	issuer->failing = true;
	wait_again(issuers, issuer);
	tell_failure(issuers, issuer, cause);
	answer(issuer, cause);
	schedule(issuers);
}

/* With the URL, as a failure to fetch has it. */
static void fail_at(struct keeper_issuers *issuers, struct keeper_issuer *issuer, const char *url, const char *cause)
{
	char text[KEEPER_CAUSE];

	snprintf(text, sizeof(text), "%.300s: %.300s", url, cause);
	fail(issuers, issuer, text);
}

/* NULL, or what is wrong: judged as a set in a file is. */
static const char *judge(const struct keeper_issuer *issuer, struct fw_slice text, char ret_why[PROVIDER_WHY + 16])
{
	struct jwk_set set = { .keys = mem_alloc(JWK_SET_MOST * sizeof(*set.keys)) };
	struct arena scratch;
	char why[PROVIDER_WHY];
	int result = FW_ERR_MEMORY;

	arena_init(&scratch, SCRATCH_MOST);
	if (set.keys != NULL) {
		result = provider_read_set(&scratch, &scratch, issuer->rules->rsa, text, &set, why);
		jwk_set_fini(&set);
	}
	arena_fini(&scratch);
	mem_free(set.keys);
	if (result == FW_OK)
		return NULL;
	snprintf(ret_why, PROVIDER_WHY + 16, "the set %s",
		 result == FW_ERR_MEMORY ? "needs memory, which is short" : why);
	return ret_why;
}

static uint64_t age_of(const struct provider *provider, int64_t said_s)
{
	int64_t age = said_s >= 0 && said_s < provider->max_age ? said_s : provider->max_age;

	return (uint64_t)(age > provider->min_age ? age : provider->min_age);
}

static void take_set(struct keeper_issuers *issuers, struct keeper_issuer *issuer, const struct fetch_result *result)
{
	const struct keeper_options *options = &issuers->keeper->options;
	const char *name = issuer->rules->rules.issuer;
	char room[PROVIDER_URL_MOST], why[PROVIDER_WHY + 16];
	const char *url = issuer_keys_url(issuer->rules, room), *wrong = judge(issuer, result->body, why);
	uint64_t age_s = age_of(&issuer->rules->provider, result->max_age_s);

	if (wrong == NULL && !issuer_keys_put(options->keys, &(struct issuer_keys_set){ .issuer = name,
											.url = url,
											.jwks = result->body,
											.wall_us = clock_wall_us(),
											.age_s = age_s }))
		wrong = "memory is short";
	if (wrong != NULL) {
		fail_at(issuers, issuer, issuer->jwks_url, wrong);
		return;
	}
	/* Not on the disk: it is fetched anew at the next start. */
	if (issuer_keys_save(options->keys, options->data_directory, name) != 0)
		log_warn(options->log, issuer, "cannot keep the keys of %s for the next start: %m", name);
	issuer->failing = false;
	issuer->failures = 0;
	issuer->told[0] = '\0';
	issuer->next_ms = now_ms(issuers) + age_s * 1000;
	apply(issuers);
	schedule(issuers);
}

static void on_set(void *user, const struct fetch_result *result)
{
	struct keeper_issuer *issuer = user;

	issuer->fetch = NULL;
	if (result->fault != NULL)
		fail(issuer->issuers, issuer, result->fault);
	else
		take_set(issuer->issuers, issuer, result);
}

static void ask(struct keeper_issuers *issuers, struct keeper_issuer *issuer, const char *url,
		const char *const types[2], fetch_done *done)
{
	const struct provider *provider = &issuer->rules->provider;

	issuer->fetch =
		fetch_start(issuers->fetcher, &(struct fetch_options){ .url = url,
								       .ca_file = provider->ca_file,
								       .allow_http = provider->allow_http,
								       .allow_private = provider->allow_private,
								       .timeout_ms = (uint32_t)provider->timeout * 1000,
								       .most = LIMIT_FETCH_BODY,
								       .types = { types[0], types[1] },
								       .done = done,
								       .user = issuer });
	if (issuer->fetch == NULL)
		fail_at(issuers, issuer, url, "memory is short");
}

static void on_discovery(void *user, const struct fetch_result *result)
{
	struct keeper_issuer *issuer = user;
	const struct provider *provider = &issuer->rules->provider;
	struct fw_slice url = slice(NULL, 0);
	struct arena arena;
	char room[PROVIDER_URL_MOST];
	const char *wrong;

	issuer->fetch = NULL;
	if (result->fault != NULL) {
		fail(issuer->issuers, issuer, result->fault);
		return;
	}
	arena_init(&arena, SCRATCH_MOST);
	wrong = provider_read_discovery(&arena, result->body, issuer->rules->rules.issuer, provider->allow_http, &url);
	if (wrong == NULL)
		snprintf(issuer->jwks_url, sizeof(issuer->jwks_url), "%.*s", (int)url.size, (const char *)url.data);
	arena_fini(&arena);
	if (wrong != NULL)
		fail_at(issuer->issuers, issuer, issuer_keys_url(issuer->rules, room), wrong);
	else
		ask(issuer->issuers, issuer, issuer->jwks_url, jwks_types, on_set);
}

static void begin(struct keeper_issuers *issuers, struct keeper_issuer *issuer)
{
	char room[PROVIDER_URL_MOST];
	const char *url = issuer_keys_url(issuer->rules, room);

	issuer->next_ms = UINT64_MAX;
	if (issuer->rules->provider.jwks_url == NULL) {
		ask(issuers, issuer, url, json_types, on_discovery);
		return;
	}
	snprintf(issuer->jwks_url, sizeof(issuer->jwks_url), "%s", url);
	ask(issuers, issuer, url, jwks_types, on_set);
}

static struct keeper_issuer *find_named(struct keeper_issuers *issuers, struct fw_slice name)
{
	for (unsigned i = 0; i < issuers->count; i++)
		if (slice_is(name, issuers->list[i].rules->rules.issuer))
			return &issuers->list[i];
	return NULL;
}

static void tell(struct keeper_question *question, enum fw_answer_code code, const char *cause)
{
	keeper_question_answer(question, &(struct fw_answer){ .code = code, .cause = slice_text(cause) });
}

/* For tokens with a kid that is not known: whoever makes them up makes us ask once in a while and no more, and a server
 * that does not answer does not hold all that can wait. */
static void on_question(void *user, struct keeper_question *question)
{
	struct keeper_issuers *issuers = user;
	struct keeper_issuer *issuer = find_named(issuers, question->need.user_id);
	bool goes_on;

	if (issuer == NULL) {
		tell(question, FW_ANSWER_NO, "its issuer is none any more");
		return;
	}
	if (has_key(issuers, issuer, question->need.key)) { /* it came while the question was on its way */
		tell(question, FW_ANSWER_YES, NULL);
		return;
	}
	goes_on = issuer->fetch != NULL || issuers->due || issuer->next_ms <= now_ms(issuers);
	if (!goes_on && issuer->failing) {
		tell(question, FW_ANSWER_NO, issuer->told);
		return;
	}
	if (!goes_on && is_too_soon(issuers, issuer)) {
		tell(question, FW_ANSWER_YES, NULL); /* what there is, is in use; it is looked at once more */
		return;
	}
	if (issuer->waiting_count == KEEPER_WAITING) {
		tell(question, FW_ANSWER_LIMITED, "too many wait for the keys of the issuer");
		return;
	}
	issuer->waiting[issuer->waiting_count++] = question;
	if (!goes_on)
		fetch_again(issuers, issuer);
	schedule(issuers);
}

/* Its last good set is too old to be trusted any longer. */
static bool is_over(struct keeper_issuers *issuers, struct keeper_issuer *issuer)
{
	const struct policy_issuer *used =
		policy_issuer_find(issuers->keeper->options.policy, slice_text(issuer->rules->rules.issuer));

	return issuer->failing && used != NULL && used->rules.key_count != 0 &&
	       !issuer_keys_count(issuers->keeper->options.keys, issuer->rules, clock_wall_us());
}

static void on_due(uv_timer_t *timer)
{
	struct keeper_issuers *issuers = timer->data;

	for (unsigned i = 0; i < issuers->count; i++) {
		struct keeper_issuer *issuer = &issuers->list[i];

		if (is_over(issuers, issuer)) {
			tell_failure(issuers, issuer, "the last set of its keys is too old: no token of it counts");
			issuers->due = true;
		}
		if (issuer->next_ms <= now_ms(issuers))
			begin(issuers, issuer);
	}
	if (issuers->due)
		apply(issuers);
	schedule(issuers);
}

/* At the latest in a second: a wall clock that was set, or a set that gets too old meanwhile, is seen then. */
static void schedule(struct keeper_issuers *issuers)
{
	uint64_t now = now_ms(issuers), next = now + 1000;

	if (issuers->due)
		next = now + BUSY_MS;
	for (unsigned i = 0; i < issuers->count; i++)
		if (issuers->list[i].next_ms < next)
			next = issuers->list[i].next_ms;
	if (issuers->count != 0 && !uv_is_closing((uv_handle_t *)&issuers->timer))
		uv_timer_start(&issuers->timer, on_due, next > now ? next - now : 0, 0);
}

static bool is_same(const struct policy_issuer *a, const struct policy_issuer *b)
{
	char rooms[2][PROVIDER_URL_MOST];

	return strcmp(a->rules.issuer, b->rules.issuer) == 0 &&
	       strcmp(issuer_keys_url(a, rooms[0]), issuer_keys_url(b, rooms[1])) == 0;
}

static const struct keeper_issuer *find(const struct keeper_issuers *issuers, const struct policy_issuer *rules)
{
	for (unsigned i = 0; i < issuers->count; i++)
		if (is_same(issuers->list[i].rules, rules))
			return &issuers->list[i];
	return NULL;
}

static struct fw_policy *root_of(struct fw_policy *policy)
{
	return policy->root != NULL ? policy->root : policy;
}

static bool kept(const struct keeper_issuer *list, unsigned count, const struct keeper_issuer *issuer)
{
	for (unsigned i = 0; i < count; i++)
		if (is_same(list[i].rules, issuer->rules))
			return true;
	return false;
}

/* Of each that was there before its time is kept; what is asked just now is asked anew. */
static bool list(struct keeper_issuers *issuers, struct fw_policy *policy)
{
	struct keeper_issuer *made = mem_zero(policy->issuer_count + 1, sizeof(*made));
	unsigned count = 0;

	if (made == NULL)
		return false;
	for (size_t i = 0; i < policy->issuer_count; i++) {
		const struct keeper_issuer *known = find(issuers, &policy->issuers[i]);

		if (!provider_is_asked(&policy->issuers[i].provider))
			continue;
		if (known != NULL)
			made[count] = *known;
		if (known == NULL || known->fetch != NULL)
			made[count].next_ms = 0;
		made[count].fetch = NULL;
		made[count].issuers = issuers;
		made[count++].rules = &policy->issuers[i];
	}
	for (unsigned i = 0; i < issuers->count; i++) {
		fetch_cancel(issuers->list[i].fetch);
		issuers->list[i].fetch = NULL;
		if (!kept(made, count, &issuers->list[i]))
			answer(&issuers->list[i], "its issuer is none any more");
	}
	mem_free(issuers->list);
	issuers->list = made;
	issuers->count = count;
	return true;
}

bool keeper_issuers_renew(struct keeper_issuers *issuers, struct fw_policy *policy)
{
	struct fw_policy *root = root_of(policy);

	if (issuers->policy == root || issuers->keeper->options.keys == NULL)
		return true;
	if (!list(issuers, root))
		return false;
	fw_policy_unref(issuers->policy);
	issuers->policy = fw_policy_ref(root);
	if (issuers->count != 0 && keeper_issuers_fetcher(issuers) == NULL) {
		issuers->count = 0;
		return false;
	}
	schedule(issuers);
	return true;
}

struct fetcher *keeper_issuers_fetcher(struct keeper_issuers *issuers)
{
	if (issuers->fetcher == NULL)
		issuers->fetcher = fetcher_new(issuers->keeper->options.loop);
	return issuers->fetcher;
}

bool keeper_issuers_start(struct keeper_issuers *issuers, struct keeper *keeper)
{
	issuers->keeper = keeper;
	uv_timer_init(keeper->options.loop, &issuers->timer);
	uv_unref((uv_handle_t *)&issuers->timer);
	issuers->timer.data = issuers;
	keeper->handles++;
	issuers->started = true;
	keeper_asks_handle(&keeper->asks, FW_NEED_KEYS, on_question, issuers);
	return keeper_issuers_renew(issuers, keeper->options.policy);
}

void keeper_issuers_stop(struct keeper_issuers *issuers)
{
	if (!issuers->started)
		return;
	fetcher_stop(issuers->fetcher);
	for (unsigned i = 0; i < issuers->count; i++)
		answer(&issuers->list[i], "the server is stopping");
	keeper_handle_close(issuers->keeper, (uv_handle_t *)&issuers->timer);
}

void keeper_issuers_free(struct keeper_issuers *issuers)
{
	fetcher_free(issuers->fetcher);
	mem_free(issuers->list);
	fw_policy_unref(issuers->policy);
}
